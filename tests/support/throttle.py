# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Disks made slow, by the kernel's I/O controller (cgroup v1 blkio or v2 io)."""

import contextlib
import errno
import os
import tempfile

import harness
import shell

_V1 = "/sys/fs/cgroup/blkio"
_V2 = "/sys/fs/cgroup"


def _write(*words, value):
    with open(os.path.join(*words), "w", encoding="utf-8") as f:
        f.write(value)


def _v2_with_io():
    """Where groups of version 2 can have limits on reads."""
    try:
        with open(os.path.join(_V2, "cgroup.controllers"), encoding="utf-8") as f:
            if "io" not in f.read().split():
                return False
        _write(_V2, "cgroup.subtree_control", value="+io")
        return True
    except OSError:
        return False


class _Slow:
    def __init__(self, root, device, limit):
        self.folder = tempfile.mkdtemp(prefix="spillway-", dir=root)
        self.root = root
        self.device = f"{os.major(device)}:{os.minor(device)}"
        self.limit = limit

    def set(self, bytes_per_s):
        """So many bytes a second; 0 for no limit."""
        name, form, none = self.limit
        _write(self.folder, name, value=f"{self.device} {form}{bytes_per_s or none}")

    def removed(self):
        """Remove the group; False while a process in it is ending."""
        try:
            os.rmdir(self.folder)
        except OSError as e:
            if e.errno != errno.EBUSY:
                raise
            return False
        return True


@contextlib.contextmanager
def reads(pid, path, bytes_per_s):
    """The process reads no more a second than that from the disk where path lies. The slowness can
    be set() anew; it ends with the block."""
    device = os.stat(path).st_dev
    if os.path.exists(os.path.join(_V1, "blkio.throttle.read_bps_device")):
        slow = _Slow(_V1, device, ("blkio.throttle.read_bps_device", "", "0"))
    elif _v2_with_io():
        slow = _Slow(_V2, device, ("io.max", "rbps=", "max"))
    else:
        raise harness.Skip("no I/O controller in the cgroups here")
    try:
        try:
            slow.set(bytes_per_s)
        except OSError as e:
            raise harness.Skip(f"the I/O controller takes no limit for this disk: {e}") from e
        _write(slow.folder, "cgroup.procs", value=str(pid))
        yield slow
    finally:
        with contextlib.suppress(OSError): # it was never set
            slow.set(0)
        with contextlib.suppress(OSError): # it has ended
            _write(slow.root, "cgroup.procs", value=str(pid))
        shell.wait_until(slow.removed, 10, f"{slow.folder} is empty")
