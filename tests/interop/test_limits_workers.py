# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Two workers hold a rate together, whichever of them has the peers."""

import contextlib

import content
import two_workers
from taker import Taker, holds

MIB = 1 << 20
BLOCKS = (8 << 20) // 16384
RATE = 6 * MIB


@contextlib.contextmanager
def fixture(env):
    with two_workers.af_packet(env) as s:
        s.a = s.seed(content.single(env.folder(), 8 * MIB, "a.bin"), "--piece-length", "32K")
        yield s


def check(s):
    s.check_dataplane()
    s.daemon.cli("limit", "--reset")


def _at_both(s, stack):
    """Takers until each worker has one."""
    takers = []
    while len(takers) < 2 or not all(two_workers.counters(s, "peers")):
        takers.append(stack.enter_context(Taker(s, s.a, BLOCKS)))
        takers[-1].gets_more()
    return takers


def test_one_rate_of_both(s):
    s.daemon.cli("limit", "global", "6M")
    with contextlib.ExitStack() as stack:
        holds(_at_both(s, stack), RATE)


def test_a_rate_goes_to_the_worker_that_has_the_peers(s):
    s.daemon.cli("limit", "global", "6M")
    with Taker(s, s.a, BLOCKS) as taker:
        holds([taker], RATE)


def test_a_torrents_rate_likewise(s):
    s.daemon.cli("limit", "torrent", "a.bin", "6M")
    with Taker(s, s.a, BLOCKS) as taker:
        holds([taker], RATE)
    s.daemon.cli("limit", "torrent", "a.bin", "none")
