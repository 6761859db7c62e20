# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Scenarios as data: one file each in perf/scenarios, lines of "name: value".

    about        one line
    content_mib  bytes of content in all, MiB
    torrents     how many torrents it is divided into
    memory       hot: read once before it is measured, everything fits; cold: nothing is in memory
                 when a run begins, and memory_mib bounds what can come to be
    memory_mib   cold: the most that a seeder may take, page cache included, MiB
    arena_mib    Spillway's --arena-mib
    peers        numbers of peers, each a run
    outstanding  requests in flight per peer
    seconds      length of a run
    load         further options of spillway-leech
"""

import glob
import os

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")
WORDS = {"hot", "cold"}
DEFAULTS = {"torrents": "1", "memory": "hot", "memory_mib": "0", "outstanding": "64",
            "seconds": "5", "load": ""}
NAMES = {"about", "content_mib", "arena_mib", "peers", *DEFAULTS}


class ScenarioError(Exception):
    """A scenario file is wrong; the text says which and why."""


class Scenario:
    """What one file says."""

    def __init__(self, name, values):
        self.name = name
        self.about = values["about"]
        self.memory = values["memory"]
        self.load = values["load"].split()
        self.content_mib, self.torrents, self.memory_mib, self.arena_mib, self.outstanding, \
            self.seconds = (int(values[n]) for n in ("content_mib", "torrents", "memory_mib",
                                                     "arena_mib", "outstanding", "seconds"))
        self.peers = [int(n) for n in values["peers"].split()]
        if self.memory not in WORDS:
            raise ValueError(f"memory is {' or '.join(sorted(WORDS))}")
        if not self.peers or min(self.peers) < 1 or self.torrents < 1 or self.seconds < 1:
            raise ValueError("peers, torrents and seconds begin at 1")
        if self.content_mib < self.torrents / 16:
            raise ValueError("less than 64 KiB for a torrent")

    @property
    def cold(self):
        return self.memory == "cold"


def _values(path):
    values = dict(DEFAULTS)
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            name, colon, value = line.partition(":")
            if not colon or name not in NAMES:
                raise ScenarioError(f"{path}:{number}: not one of {', '.join(sorted(NAMES))}")
            values[name] = value.strip()
    missing = NAMES - set(values)
    if missing:
        raise ScenarioError(f"{path}: {', '.join(sorted(missing))} missing")
    return values


def read(path):
    """The scenario of a file; ScenarioError."""
    values = _values(path)
    try:
        return Scenario(os.path.basename(path).removesuffix(".conf"), values)
    except ValueError as e:
        raise ScenarioError(f"{path}: {e}") from e


def every(folder=FOLDER):
    """All scenarios by name."""
    found = [read(path) for path in sorted(glob.glob(os.path.join(folder, "*.conf")))]
    return {s.name: s for s in found}
