# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""2 MiB hugepages for as long as they are needed."""

import contextlib

_COUNT = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
_FREE = "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
PAGE_MIB = 2


def _read(path):
    with open(path, encoding="ascii") as f:
        return int(f.read())


def _write(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(f"{value}\n")


def _add(pages):
    _write(_COUNT, max(0, _read(_COUNT) + pages))


@contextlib.contextmanager
def reserved(mib):
    """At least so many MiB of free hugepages inside the block; what was added is taken away after
    it, whatever others added meanwhile.

    Yields True, or False when the machine cannot give them.
    """
    needed = -(-mib // PAGE_MIB)
    try:
        before = _read(_COUNT)
        _add(max(0, needed - _read(_FREE)))
        added = _read(_COUNT) - before
    except OSError:
        yield False
        return
    try:
        yield _read(_FREE) >= needed
    finally:
        if added > 0:
            _add(-added)


@contextlib.contextmanager
def kept():
    """As many as there were are there after the block: what others add inside it is theirs."""
    try:
        before = _read(_COUNT)
    except OSError:
        yield
        return
    try:
        yield
    finally:
        _write(_COUNT, min(_read(_COUNT), before))
