# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""One torrent's peers spread over two workers, which share nothing."""

import contextlib

import clients
import content
import shell
import two_workers
import wire

LENGTH = 24 << 20
KINDS = [clients.Aria2, clients.Libtorrent] * 3
ROUNDS_MAX = 4  # of these clients each: all at one worker is one chance in a million


@contextlib.contextmanager
def fixture(env):
    with two_workers.af_packet(env) as s:
        yield s


def check(s):
    s.check_dataplane()


def test_clients_spread(s):
    """Stock clients, every byte compared; both workers serve, and no segment goes astray."""
    seeded = s.seed(content.single(s.env.folder(), LENGTH, "spread.bin"))
    rounds = 0
    while rounds < ROUNDS_MAX and not all(two_workers.counters(s, "payload_bytes")):
        s.download(KINDS, seeded)
        rounds += 1
    sent = two_workers.counters(s, "payload_bytes")
    assert all(sent), f"one worker has served nobody: {sent}"
    assert sum(sent) >= rounds * LENGTH, sent
    two_workers.check_steering(s)
    shown = s.daemon.json("show", "spread.bin")["torrent"]
    assert shown["uploaded_bytes"] == sum(sent), (shown, sent)


def _grown(s, before):
    after = two_workers.counters(s, "requests_served")
    return [b - a for a, b in zip(before, after)]


def test_connections_stay(s):
    """Peers of both workers ask, one after the other: all segments of one go to one worker."""
    seeded = s.seed(content.single(s.env.folder(), 1 << 20, "stay.bin"))
    with two_workers.Spread(s, seeded) as spread:
        for worker, peer in enumerate(spread.peers):
            before = two_workers.counters(s, "requests_served")
            peer.interested()
            for begin in range(0, 1 << 14, 1 << 10):
                peer.request(0, begin, 1 << 10)
                assert len(peer.receive_until(wire.PIECE)) == 8 + (1 << 10)
            shell.wait_until(lambda b=before: sum(_grown(s, b)) == 16, 5, "requests are counted")
            assert _grown(s, before)[worker] == 16, (worker, _grown(s, before))
        listed = [p["address"] for p in s.daemon.json("peers")["peers"]]
        for peer in spread.peers:
            address = "{}:{}".format(*peer.sock.getsockname())
            assert listed.count(address) == 1, listed
            assert s.daemon.json("peers", "--trace", address)["trace"]
        two_workers.check_steering(s)
