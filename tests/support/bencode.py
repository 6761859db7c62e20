# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Bencoding (BEP 3), for making test torrents and for reading those that were made."""

import hashlib


def encode(value):
    """Bytes of ints, bytes, str, lists and dicts (str keys become bytes; keys are sorted)."""
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%s" % (len(value), value)
    if isinstance(value, (list, tuple)):
        return b"l" + b"".join(map(encode, value)) + b"e"
    items = {(k.encode() if isinstance(k, str) else k): v for k, v in value.items()}
    return b"d" + b"".join(encode(k) + encode(items[k]) for k in sorted(items)) + b"e"


def _decode(data, at):
    kind = data[at:at + 1]
    if kind == b"i":
        end = data.index(b"e", at)
        return int(data[at + 1:end]), end + 1
    if kind == b"l":
        out, at = [], at + 1
        while data[at:at + 1] != b"e":
            value, at = _decode(data, at)
            out.append(value)
        return out, at + 1
    if kind == b"d":
        out, at = {}, at + 1
        while data[at:at + 1] != b"e":
            key, at = _decode(data, at)
            out[key], at = _decode(data, at)
        return out, at + 1
    colon = data.index(b":", at)
    end = colon + 1 + int(data[at:colon])
    return data[colon + 1:end], end


def decode(data):
    """The value of well-formed bytes; dictionary keys stay bytes."""
    return _decode(data, 0)[0]


def decode_prefix(data):
    """The value that opens the bytes, and how many bytes it took."""
    return _decode(data, 0)


def info_hash(torrent):
    """SHA-1 of the info dictionary of a canonical .torrent's bytes."""
    return hashlib.sha1(encode(decode(torrent)[b"info"])).digest()
