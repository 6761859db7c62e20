# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Manifests of many torrents that cost little."""

import hashlib
import json
import os

import bencode

PIECE = 16384


class Manifest:
    """A manifest of torrents that share one file and differ in their info dictionary."""

    def __init__(self, env, cnt=0):
        self.folder = env.folder()
        self.data = os.path.join(self.folder, "data")
        os.makedirs(os.path.join(self.data, "sub"))
        self.path = os.path.join(self.folder, "manifest")
        with open(os.path.join(self.data, "x.bin"), "wb") as f:
            f.write(bytes(PIECE))
        self.lines = [self.line(i) for i in range(cnt)]

    def torrent(self, number, **changes):
        """A .torrent; returns its name in the manifest's folder."""
        name = f"{number}.torrent"
        info = {"length": PIECE, "name": "x.bin", "piece length": PIECE, "x": number,
                "pieces": hashlib.sha1(bytes(PIECE)).digest(), **changes}
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(bencode.encode({"info": info}))
        return name

    def line(self, number, **members):
        return {"torrent": self.torrent(number), "data": "data", **members}

    def write(self, lines=None):
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n"
                       for line in (self.lines if lines is None else lines))
        with open(self.path, "w", encoding="utf-8") as f:
            f.write(text)
        return self.path
