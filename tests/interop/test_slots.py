# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""One upload slot and several clients: all of them finish, each in its turn, whether they know
BEP 6 or not."""

import contextlib

import clients
import content
import seeding
import shell
import wire


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env, upload_slots=1, slow_peer="64K:2") as s:
        s.single = s.seed(content.single(env.folder(), 4 << 20, "single.bin"))
        yield s


def check(s):
    s.check_dataplane()


def test_all_finish(s):
    s.download([clients.Aria2, clients.Libtorrent, clients.Rtorrent], s.single, timeout=150)
    assert s.daemon.counter("chokes") >= 1


def test_one_at_a_time(s):
    with wire.Peer(s.client_ns, s.address, 6881, 30) as first, \
            wire.Peer(s.client_ns, s.address, 6881, 30) as second:
        first.handshake(s.single.info_hash)
        first.interested()
        for block in range(4):
            first.request(block // 2, 0, 16384)
        second.handshake(s.single.info_hash, wire.RESERVED_PLAIN)
        second.send(wire.INTERESTED)
        shell.wait_until(lambda: s.daemon.counter("slots_wanted") == 1, 5, "the second waits")
        shown = [(p["interested"], p["unchoked"]) for p in s.daemon.json("peers")["peers"]]
        assert sorted(shown) == [(True, False), (True, True)], shown
        second.receive_until(wire.UNCHOKE)               # the first takes nothing: it yields
        first.receive_until(wire.CHOKE)
        first.request(0, 0, 16384)
        first.receive_until(wire.REJECT)
        second.request(0, 0, 16384)
        assert len(second.receive_until(wire.PIECE)) == 8 + 16384
        second.send(wire.NOT_INTERESTED)
        second.receive_until(wire.CHOKE)
        first.receive_until(wire.UNCHOKE)
        first.request(0, 0, 16384)
        assert len(first.receive_until(wire.PIECE)) == 8 + 16384
