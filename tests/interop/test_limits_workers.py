# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Two workers hold a rate together, whichever of them has the peers."""

import contextlib

import content
import two_workers
from taker import Taker, rates

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


def _holds(got):
    assert RATE * 0.6 < got < RATE * 1.08, f"{got / MIB:.2f} MiB/s of {RATE / MIB:.2f}"


def _at_both(s, stack):
    """Takers until each worker has one."""
    takers = []
    while len(takers) < 2 or not all(two_workers.counters(s, "peers")):
        takers.append(stack.enter_context(Taker(s, s.a, BLOCKS)))
        rates(takers, 0.1, 0)
    return takers


def test_one_rate_of_both(s):
    s.daemon.cli("limit", "global", "6M")
    with contextlib.ExitStack() as stack:
        takers = _at_both(s, stack)
        _holds(sum(rates(takers, 4, 3)))


def test_a_rate_goes_to_the_worker_that_has_the_peers(s):
    s.daemon.cli("limit", "global", "6M")
    with Taker(s, s.a, BLOCKS) as taker:
        _holds(rates([taker], 4, 4)[0])


def test_a_torrents_rate_likewise(s):
    s.daemon.cli("limit", "torrent", "a.bin", "6M")
    with Taker(s, s.a, BLOCKS) as taker:
        _holds(rates([taker], 4, 4)[0])
    s.daemon.cli("limit", "torrent", "a.bin", "none")
