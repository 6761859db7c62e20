# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Content on filesystems of its own, ext4 and XFS."""

import contextlib

import clients
import content
import disks
import seeding

IMAGE_MIB = 400


@contextlib.contextmanager
def fixture(env):
    with contextlib.ExitStack() as stack:
        folders = {kind: stack.enter_context(disks.mounted(env, kind, IMAGE_MIB)).mount
                   for kind in ("ext4", "xfs")}
        s = stack.enter_context(seeding.af_xdp(env))
        s.torrents = {}
        for kind, folder in folders.items():
            s.torrents[kind] = [s.seed(content.single(folder, name=f"{kind}.bin")),
                                s.seed(content.odd(folder, name=f"{kind}-odd"))]
        yield s


def check(s):
    s.check_dataplane()


def on(kind):
    def test(s):
        s.download_each([(client, torrent, None) for torrent in s.torrents[kind]
                         for client in (clients.Aria2, clients.Libtorrent)])
    return test


def cases():
    for kind in ("ext4", "xfs"):
        yield f"content on {kind}", on(kind)
