# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Memory of a seeder bounded by a control group, page cache included."""

import contextlib
import os

V1 = "/sys/fs/cgroup/memory"
V2 = "/sys/fs/cgroup"


def _write(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{value}\n")


def _read(path):
    with open(path, encoding="ascii") as f:
        return f.read()


def _parent():
    """(folder, name of the file with the limit), or None where groups cannot bound memory."""
    if os.path.exists(os.path.join(V1, "memory.limit_in_bytes")):
        return V1, "memory.limit_in_bytes"
    try:
        if "memory" not in _read(os.path.join(V2, "cgroup.subtree_control")).split():
            _write(os.path.join(V2, "cgroup.subtree_control"), "+memory")
    except OSError:
        return None
    return V2, "memory.max"


def _own_group(folder):
    """Where this process is now, below folder."""
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == ("" if folder == V2 else "memory"):
            return folder + path
    return folder


class Group:
    """Processes that are started inside started_inside() share so much memory at most.

    limited is False where the machine's control groups cannot do it: then nothing is bounded.
    """

    def __init__(self, mib):
        parent = _parent() if mib else None
        self.limited = parent is not None
        if self.limited:
            self._home = _own_group(parent[0])
            self._folder = os.path.join(parent[0], f"spillway-perf-{os.getpid()}")
            os.makedirs(self._folder, exist_ok=True)
            try:
                _write(os.path.join(self._folder, parent[1]), mib << 20)
            except OSError:
                os.rmdir(self._folder)
                raise

    @contextlib.contextmanager
    def started_inside(self):
        """What is started in the block, and its children, belong to the group."""
        if not self.limited:
            yield
            return
        _write(os.path.join(self._folder, "cgroup.procs"), os.getpid())
        try:
            yield
        finally:
            _write(os.path.join(self._home, "cgroup.procs"), os.getpid())

    def close(self):
        if self.limited:
            with contextlib.suppress(OSError):
                os.rmdir(self._folder)


@contextlib.contextmanager
def bounded(mib):
    """A group of at most so many MiB; 0: no bound."""
    group = Group(mib)
    try:
        yield group
    finally:
        group.close()


def forget(paths):
    """Nothing of these files stays in the page cache, but what a process has mapped."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(fd)
