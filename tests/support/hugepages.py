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


@contextlib.contextmanager
def reserved(mib):
    """At least so many MiB of free hugepages inside the block, the former number after it.

    Yields True, or False when the machine cannot give them (the pages it gave are given back).
    """
    try:
        before = _read(_COUNT)
        lacking = -(-mib // PAGE_MIB) - _read(_FREE)
        if lacking > 0:
            _write(_COUNT, before + lacking)
    except OSError:
        yield False
        return
    try:
        enough = _read(_FREE) * PAGE_MIB >= mib
        if not enough:
            _write(_COUNT, before)
        yield enough
    finally:
        if lacking > 0:
            _write(_COUNT, before)
