# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A file system that is mounted and never answers, as one whose server is gone."""

import contextlib
import ctypes
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_MNT_DETACH = 2


@contextlib.contextmanager
def mounted(folder):
    """FUSE with nobody who reads the requests; in the end all of them fail."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0,allow_other"
    if _LIBC.mount(b"silent", folder.encode(), b"fuse", 0, options.encode()) != 0:
        error = ctypes.get_errno()
        os.close(fd)
        raise OSError(error, os.strerror(error), folder)
    try:
        yield folder
    finally:
        os.close(fd)
        _LIBC.umount2(folder.encode(), _MNT_DETACH)
