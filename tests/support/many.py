# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Very many small torrents, of one file's content."""

import array
import hashlib
import json
import os
import socket

import bencode

CONTENT = b"spillway" * 2048


class Many:
    """Makes torrents that differ in a key of their info dictionaries only.

    tiers  of trackers, or a function that returns them for a torrent's number.
    """

    def __init__(self, env, *tiers, private=False):
        self.folder = env.folder()
        self.tiers = tiers
        self.private = private
        with open(os.path.join(self.folder, "content"), "wb") as f:
            f.write(CONTENT)

    def torrent(self, number):
        """The bytes of a .torrent."""
        info = {"name": "content", "length": len(CONTENT), "piece length": len(CONTENT),
                "pieces": hashlib.sha1(CONTENT).digest(), "number": number,
                "private": int(self.private)}
        meta = {"info": info}
        tiers = self.tiers[0](number) if self.tiers and callable(self.tiers[0]) else self.tiers
        if tiers:
            meta["announce-list"] = [list(tier) for tier in tiers]
        return bencode.encode(meta)

    def info_hash(self, number):
        return bencode.info_hash(self.torrent(number))

    def add(self, run_dir, numbers):
        """Add them to a spillwayd, which verifies them afterwards."""
        request = json.dumps({"command": "add", "data": self.folder, "detach": True}).encode()
        path = os.path.join(self.folder, "torrent")
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(os.path.join(run_dir, "control.sock"))
            for number in numbers:
                with open(path, "w+b") as f:
                    f.write(self.torrent(number))
                    f.flush()
                    s.sendmsg([request + b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                                   array.array("i", [f.fileno()]))])
                    answer = b""
                    while not answer.endswith(b"\n"):
                        answer += s.recv(65536)
                assert json.loads(answer)["ok"], answer
