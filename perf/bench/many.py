# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A catalogue of very many small torrents, made without our own command: it is to be measured."""

import hashlib
import os

import bencode

PIECE_LEN = 16384
FILE_LEN = 1024
PER_FOLDER = 1000


def _one(number):
    """The bytes of torrent so-and-so, and the file's name."""
    return hashlib.shake_128(number.to_bytes(8, "big")).digest(FILE_LEN), f"item-{number:07}.bin"


def make(folder, count, tracker=""):
    """So many files of 1 KiB in folders of a thousand, and a .torrent beside each.

    Returns [(path of the .torrent, folder of its data)].
    """
    made = []
    for number in range(count):
        where = os.path.join(folder, f"{number // PER_FOLDER:05}")
        if number % PER_FOLDER == 0:
            os.makedirs(where)
        data, name = _one(number)
        info = {b"length": FILE_LEN, b"name": name.encode(), b"piece length": PIECE_LEN,
                b"pieces": hashlib.sha1(data).digest()}
        whole = {b"info": info, **({b"announce": tracker.encode()} if tracker else {})}
        path = os.path.join(where, name)
        for target, content in ((path, data), (path + ".torrent", bencode.encode(whole))):
            with open(target, "wb") as f:
                f.write(content)
        made.append((path + ".torrent", where))
    return made
