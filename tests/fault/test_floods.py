# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Floods: while one goes on an honest download is whole, and the flood shows in its counter. What
it costs honest peers is measured by perf/run floods."""

import contextlib

import clients
import content
import floods
import harness
import seeding
import shell
import spillway
import wire

LENGTH = 24 << 20
RATE_PPS = 5000
SITTERS = 50
BYSTANDERS = 4
GROWTH_MAX_KIB = 4096
SANITIZED = True


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env) as s:
        s.torrent = s.seed(content.single(env.folder(), LENGTH))
        s.download([clients.Libtorrent], s.torrent)
        s.kib = spillway.anonymous_kib(s.daemon.dataplane_pid())
        yield s


def check(s):
    """The dataplane lives, and holds nothing for who has gone."""
    s.check_dataplane()
    shell.wait_until(lambda: s.daemon.counter("tcp_connections") == 0, 30, "connections let go")
    grown = spillway.anonymous_kib(s.daemon.dataplane_pid()) - s.kib
    assert grown < GROWTH_MAX_KIB, f"spillway-dp grew by {grown} KiB"


def _download(s):
    """An honest client that takes a few seconds, and gets everything right."""
    client = s.start_client(clients.SlowLibtorrent, s.torrent)
    try:
        seeding.wait_finished([client], 60)
        seeding.compare(client, s.torrent)
    finally:
        client.stop()


@contextlib.contextmanager
def _bystanders(s):
    """Connections that are open all the while, and are served at the end."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(wire.Peer(s.client_ns, s.address, spillway.PORT))
                 for _ in range(BYSTANDERS)]
        for peer in peers:
            peer.handshake(s.torrent.info_hash)
            peer.interested()
        yield
        with open(s.torrent.path, "rb") as f:
            block = f.read(16384)
        for peer in peers:
            peer.request(0, 0, 16384)
            assert peer.receive_until(wire.PIECE)[8:] == block, "other bytes"


def flooded(kind):
    """A test: a download during the flood; most of its packets are found in its counters, and
    who was connected still is."""
    def test(s):
        before = s.daemon.counters()
        names = [n for n in floods.COUNTERS[kind] if n in before]
        if not names:
            raise harness.Skip("no counter of " + ", ".join(floods.COUNTERS[kind]))
        with _bystanders(s):
            flood = floods.Flood(s.env, floods.at_seeder(s.lab), kind, s.torrent.info_hash,
                                 RATE_PPS)
            try:
                _download(s)
            finally:
                report = flood.stop()
        after = s.daemon.counters()
        counted = sum(after[n] - before[n] for n in names)
        assert report["sent"] > RATE_PPS, report
        assert counted >= report["sent"] * floods.COUNTED_PART[kind], \
            f"{counted} counted of {report} in {names}"
    return test


def test_zero_window_sitters(s):
    """Peers that ask for much and then take nothing: they wait, the honest one does not."""
    before = s.daemon.counter("tcp_probes")
    with contextlib.ExitStack() as stack:
        for _ in range(SITTERS):
            floods.sit(stack.enter_context(wire.Peer(s.client_ns, s.address, spillway.PORT)),
                       s.torrent.info_hash)
        _download(s)
        shell.wait_until(lambda: s.daemon.counter("tcp_probes") - before >= SITTERS, 20,
                         "every sitter's window is probed")


def cases():
    for kind in floods.COUNTERS:
        yield f"{kind} flood", flooded(kind)
