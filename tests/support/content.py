# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Content to seed, the same bytes for the same seed, and digests to compare copies by."""

import hashlib
import os
import random

KIB = 1024
MIB = 1024 * 1024


def write_file(path, length, seed):
    """A file of so many reproducible bytes."""
    rng = random.Random(seed)
    with open(path, "wb") as f:
        while length > 0:
            f.write(rng.randbytes(min(length, MIB)))
            length -= MIB
    return path


def single(parent, length=24 * MIB + 12345, name="single.bin"):
    """One file whose last piece is short."""
    return write_file(os.path.join(parent, name), length, name)


def odd(parent, name="odd"):
    """Files in folders, of lengths around every boundary: blocks and pieces span several."""
    root = os.path.join(parent, name)
    lengths = [1, 16383, 16384, 16385, 0, 3 * MIB + 7, 65535, 65537, 2, 511, 513, 4095, 4097,
               MIB, MIB - 1, MIB + 1, 2 * MIB + 99, 3, 12289]
    for i, length in enumerate(lengths):
        folder = os.path.join(root, *[["a"], ["a", "b c"], [], ["ünï"]][i % 4])
        os.makedirs(folder, exist_ok=True)
        write_file(os.path.join(folder, f"file {i:02}.dat"), length, f"{name}{i}")
    return root


def many(parent, count=2000, name="many"):
    """Thousands of small files; a read unit is whole in none of them."""
    root = os.path.join(parent, name)
    rng = random.Random(name)
    for i in range(count):
        folder = os.path.join(root, f"d{i // 100:02}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"f{i:04}"), "wb") as f:
            f.write(rng.randbytes(rng.randrange(1, 9000)))
    return root


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(MIB):
            h.update(chunk)
    return h.hexdigest()


def digests(path):
    """{relative path: SHA-256} of a file (key "") or of every file below a folder that has bytes.

    Empty files are left out, for not every client makes them; so are BEP 47 pad files and what
    clients keep beside their downloads.
    """
    if os.path.isfile(path):
        return {"": sha256(path)}
    out = {}
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = [s for s in subfolders if s != ".pad"]
        for name in names:
            full = os.path.join(folder, name)
            if os.path.getsize(full) > 0 and not name.endswith(".aria2"):
                out[os.path.relpath(full, path)] = sha256(full)
    return out
