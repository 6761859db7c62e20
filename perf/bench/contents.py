# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What is seeded in a run: random files, each with a torrent made by our own command."""

import os

from seeders import Content
from shell import run

CHUNK = 1 << 20
TRACKER = "http://127.0.0.1:9/announce"  # refuses; rTorrent takes no torrent without one


def _file(path, length):
    with open(path, "wb") as out:
        while length > 0:
            out.write(os.urandom(min(length, CHUNK)))
            length -= CHUNK
        os.fsync(out.fileno())


def make(build, work, total_mib, torrents=1):
    """So many MiB in so many files of one folder, each a torrent of its own; returns Content."""
    folder, listed = os.path.join(work, "content"), os.path.join(work, "torrents")
    os.makedirs(folder)
    os.makedirs(listed)
    length = (total_mib << 20) // torrents
    paths = []
    for number in range(torrents):
        path = os.path.join(folder, f"sample-{number:05}.bin")
        _file(path, length)
        paths.append(os.path.join(listed, f"{number:05}.torrent"))
        run([os.path.join(build, "control", "spillway"), "create", path, "-o", paths[-1],
             "--tracker", TRACKER], timeout=600)
    return Content(folder, paths, length * torrents)
