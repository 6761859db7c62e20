# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Filesystems of their own, in a file."""

import contextlib
import os

import shell


class Disk:
    """A mounted image."""

    def __init__(self, image, mount):
        self.image = image
        self.mount = mount

    def break_after(self, length):
        """Every read beyond this many bytes of the device fails from now on."""
        shell.run(["sync", "-f", self.mount])
        shell.run(["mount", "-o", "remount,ro", self.mount])
        os.truncate(self.image, length)


@contextlib.contextmanager
def mounted(env, kind, mib, *options):
    """A new filesystem of a kind, loop-mounted. To be entered before a daemon starts: ip-netns(8)
    gives each its own view of the mounts."""
    folder = env.folder()
    disk = Disk(os.path.join(folder, "image"), os.path.join(folder, "mount"))
    os.mkdir(disk.mount)
    with open(disk.image, "wb") as f:
        f.truncate(mib << 20)
    shell.run(["mkfs." + kind, "-q", *options, disk.image])
    shell.run(["mount", "-o", "loop", disk.image, disk.mount])
    try:
        yield disk
    finally:
        shell.run(["umount", "--lazy", disk.mount])
