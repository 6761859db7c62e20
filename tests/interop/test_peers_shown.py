# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillway peers tells why a live peer is slow: a reader that takes little, one that asks little,
one whose packets are lost, and a client that takes what it can."""

import contextlib
import socket
import time

import clients
import content
import seeding
import shell
import wire

BLOCK = 16384


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env, congestion_classes="bulk=bbr,lan=newreno") as s:
        s.plain = s.seed(content.single(env.folder(), 32 << 20, "plain.bin"))
        yield s


def check(s):
    s.check_dataplane()


@contextlib.contextmanager
def _peer(s, torrent, receive_buffer=None):
    with wire.Peer(s.client_ns, s.address, 6881) as peer:
        if receive_buffer is not None:
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        peer.handshake(torrent.info_hash)
        peer.interested()
        yield peer


def _ask(peer, blocks):
    for i in blocks:
        peer.request(i // 2, i % 2 * BLOCK, BLOCK)  # pieces of 32 KiB


def _name(peer):
    return "%s:%d" % peer.sock.getsockname()


def _shown(s, peer):
    """What is told of one peer."""
    found = [p for p in s.daemon.json("peers")["peers"] if p["address"] == _name(peer)]
    assert len(found) == 1, found
    return found[0]


def _share(shown, limit, before=None):
    """Of the time connected, or of that since an earlier look; all shares together are that."""
    spent = dict(shown["limit_us"])
    assert sum(spent.values()) == shown["connected_us"] > 0, shown
    for name in spent if before else ():
        spent[name] -= before["limit_us"][name]
    return spent[limit] / sum(spent.values())


def _limited(s, peer, limit):
    """What is told of the peer once it is limited by that."""
    def found():
        shown = _shown(s, peer)
        return shown if shown["limit"] == limit else None
    return shell.wait_until(found, 10, f"limited by its {limit}")


def _traced(s, peer):
    return s.daemon.json("peers", "--trace", _name(peer))["trace"]


def test_idle_peer_is_limited_by_its_requests(s):
    with _peer(s, s.plain) as peer:
        before = _limited(s, peer, "requests")
        time.sleep(1)
        shown = _shown(s, peer)
        assert _share(shown, "requests", before) > 0.95 and shown["limit"] == "requests", shown
        assert shown["torrent"] == "plain.bin" and shown["rate_bytes_per_s"] < 1000, shown
        assert shown["client"].startswith("TorrentStorm"), shown
        trace = _traced(s, peer)
        assert trace[0]["event"] == "open" and trace[0]["sack"] == 1, trace
        assert 0.9e6 < trace[0]["ago_us"] < 60e6, trace


def test_slow_reader_is_limited_by_its_window(s):
    with _peer(s, s.plain) as peer:
        _ask(peer, range(400))
        before = _limited(s, peer, "window")
        for _ in range(40):
            peer.sock.recv(1448)
            time.sleep(0.05)
        shown = _limited(s, peer, "window")
        assert _share(shown, "window", before) > 0.8, shown
        assert shown["queued_bytes"] > 0 and shown["requests"] > 0, shown
        def line():
            lines = [r for r in s.daemon.cli("peers").stdout.splitlines() if _name(peer) in r]
            assert len(lines) == 1, lines
            return " its window " in lines[0]
        shell.wait_until(line, 10, "its window in the table")


def test_shut_window_is_traced(s):
    with _peer(s, s.plain) as peer:
        _ask(peer, range(400))
        def kinds():
            return [e["event"] for e in _traced(s, peer)]
        # the first probe may be of a window that is open, but less than a segment
        shell.wait_until(lambda: {"probe", "shut"} <= set(kinds()), 10, "a probe of the window")
        peer.sock.setblocking(False)
        def opened():
            with contextlib.suppress(BlockingIOError):
                peer.sock.recv(1 << 20)
            return "opened" in kinds()
        shell.wait_until(opened, 10, "it is opened", pause=0)


def test_one_request_at_a_time_is_limited_by_requests(s):
    with _peer(s, s.plain) as peer:
        peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        for i in range(40):
            _ask(peer, [i])
            peer.receive_until(wire.PIECE)
            time.sleep(0.03)
        shown = _shown(s, peer)
        assert _share(shown, "requests") > 0.5, shown
        assert shown["acked_bytes"] > 39 * BLOCK, shown


def _times(s):
    return s.daemon.stats()["histograms"]


def test_times_are_shown(s):
    before = _times(s)
    with _peer(s, s.plain) as peer:
        time.sleep(0.2)
        _ask(peer, range(200, 220))
        for _ in range(20):
            peer.receive_until(wire.PIECE)
    def counted():
        return _times(s)["service"]["count"] - before["service"]["count"]
    shell.wait_until(lambda: counted() == 20, 5, "all blocks are counted", pause=0.05)
    now = _times(s)
    assert list(now) == ["service", "disk_read", "first_piece"]
    for name, times in now.items():
        assert times["unit"] == "us" and times["text"], times
        assert len(times["buckets"]) == 100 and times["buckets"][-1][0] is None
        assert sum(cnt for _, cnt in times["buckets"]) == times["count"] > 0, times
        assert times["p50"] <= times["p99"] <= times["p99_9"], times
        assert before[name]["sum"] <= times["sum"], times
    assert now["first_piece"]["count"] - before["first_piece"]["count"] == 1
    waited_us = now["first_piece"]["sum"] - before["first_piece"]["sum"]
    assert 0.2e6 <= waited_us < 60e6, waited_us
    shown = s.daemon.cli("stats").stdout
    lines = [line.split() for line in shown.splitlines()]
    assert ["times", "count", "p50", "p99", "p99.9"] in lines, shown
    row = next(line for line in lines if line[:1] == ["service"])
    assert int(row[1]) == now["service"]["count"], shown


def test_rate_of_a_client(s):
    """One that would take half a minute, so that nobody looks too late."""
    big = s.seed(content.single(s.env.folder(), 256 << 20, "big.bin"))
    client = s.start_client(clients.SlowLibtorrent, big)
    try:
        def rates():
            return [p for p in s.daemon.json("peers", "--torrent", "big.bin")["peers"]
                    if p["rate_bytes_per_s"] > 1 << 20]
        shell.wait_until(rates, 20, "a peer with a rate")
    finally:
        client.stop()


def test_congestion_control_of_the_class(s):
    torrent = s.plain
    other = content.single(s.env.folder(), 1 << 20, "bulk.bin")
    path = other + ".torrent"
    s.daemon.cli("create", other, "-o", path)
    s.daemon.cli("add", path, "--data", other.rsplit("/", 1)[0], "--class", "bulk")
    info_hash = bytes.fromhex(s.daemon.json("show", "bulk.bin")["torrent"]["info_hash"])
    with _peer(s, torrent) as plain, wire.Peer(s.client_ns, s.address, 6881) as bulk:
        bulk.handshake(info_hash)
        assert _shown(s, plain)["congestion"] == "cubic"
        assert _shown(s, bulk)["congestion"] == "bbr"
        peers = s.daemon.json("peers", "--torrent", "bulk.bin")["peers"]
        assert [p["address"] for p in peers] == [_name(bulk)], peers


def test_many_peers_are_all_told(s):
    with contextlib.ExitStack() as stack:
        mine = [stack.enter_context(wire.Peer(s.client_ns, s.address, 6881)) for _ in range(100)]
        shell.wait_until(lambda: s.daemon.counter("peers") >= 100, 5, "a hundred peers")
        told = [p["address"] for p in s.daemon.json("peers")["peers"]]
        assert len(told) == len(set(told)), "a peer was told twice"
        assert {_name(p) for p in mine} <= set(told)


def test_lossy_peer_is_limited_by_losses(s):
    """Last: the loss stays. One packet in ten is lost, each way: it is being repaired, or the
    window that it has shrunk is full."""
    s.lab.lose(10)
    with _peer(s, s.plain) as peer:
        _ask(peer, range(32))
        for _ in range(32):
            peer.receive_until(wire.PIECE)
        shown = _shown(s, peer)
        wanting = 1 - _share(shown, "requests")  # it is connected before and after, too
        assert _share(shown, "recovery") > 0.02 * wanting, shown
        assert _share(shown, "recovery") + _share(shown, "congestion") > 0.5 * wanting, shown
        assert shown["retransmit_bytes"] > 0, shown
        kinds = {e["event"] for e in _traced(s, peer)}
        assert kinds & {"resent", "timeout", "recovering", "tail"}, kinds
