# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Limits that change all the time, while peers take and come and go: nobody is dropped who is not
refused, and nothing is left of it."""

import contextlib
import os
import random

import content
import seeding
import shell
from taker import Taker, holds

SANITIZED = True
MIB = 1 << 20
BLOCKS = (4 << 20) // 16384
CHANGES = 60


@contextlib.contextmanager
def fixture(env):
    refused = os.path.join(env.folder(), "refused")
    with open(refused, "w", encoding="ascii") as f:
        f.writelines(f"9.{i >> 8}.{i & 255}.0/25\n" for i in range(60000))
    with seeding.af_xdp(env, peer_classes="lab=10.0.0.0/8,odd=10.77.1.2:w300", choke="fastest",
                        blocklist=refused) as s:
        s.torrents = [s.seed(content.single(env.folder(), 4 * MIB, f"{n}.bin"), "--piece-length",
                             "32K") for n in ("a", "b", "c")]
        yield s


def check(s):
    s.check_dataplane()


def _change(s, draw):
    """One change of one limit, drawn by lot."""
    rate = draw.choice(["none", "1M", "3M", "20M", "1G"])
    weight = str(draw.choice([1, 100, 1000]))
    what = draw.choice(["global", "label", "class", "torrent", "set", "mark"])
    name = draw.choice("abc") + ".bin"
    if what == "global":
        s.daemon.cli("limit", "global", rate)
    elif what == "label":
        s.daemon.cli("limit", "label", draw.choice(["iso", "old"]), rate, "--weight", weight)
    elif what == "class":
        s.daemon.cli("limit", "class", draw.choice(["lab", "odd"]), rate, "--weight", weight)
    elif what == "torrent":
        s.daemon.cli("limit", "torrent", name, rate, "--weight", weight)
    elif what == "set":
        s.daemon.cli("set", name, "super_seed=" + draw.choice(["yes", "no"]))
    else:
        s.daemon.cli("label", name, draw.choice(["+iso", "-iso", "+old", "-old"]))


def test_changes_while_peers_take(s):
    draw = random.Random(4)
    assert s.daemon.counter("blocked_ranges") == 60000
    with contextlib.ExitStack() as stack:
        takers = [stack.enter_context(Taker(s, t, BLOCKS)) for t in s.torrents * 2]
        for i in range(CHANGES):
            _change(s, draw)
            if i % 20 == 10:                               # one comes and goes meanwhile
                with Taker(s, s.torrents[0], BLOCKS) as guest:
                    guest.gets_more()
        assert not any(t.ended for t in takers), [t.ended for t in takers]
        s.daemon.cli("limit", "--reset")
        for name in "abc":
            s.daemon.cli("limit", "torrent", name + ".bin", "none")
        for taker in takers:
            taker.gets_more()
    assert s.daemon.counter("policy_refused") == 0
    shell.wait_until(lambda: s.daemon.counter("peers") == 0, 10, "all have left")


def test_dataplane_restarts_with_limits(s):
    s.daemon.cli("limit", "global", "2M")
    s.daemon.kill_dataplane()
    s.wait_restarted()
    with Taker(s, s.torrents[0], BLOCKS) as taker:
        holds([taker], 2 * MIB)
    s.daemon.cli("limit", "--reset")
