# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Limits hold, all of them, as soon as they are set; nobody is dropped by one but those refused."""

import contextlib
import os

import clients
import content
import seeding
import shell
import wire
from taker import Taker, holds, settle

MIB = 1 << 20
BLOCKS = (8 << 20) // 16384


@contextlib.contextmanager
def fixture(env):
    refused = os.path.join(env.folder(), "refused.p2p")
    with open(refused, "w", encoding="ascii") as f:
        f.write("# nobody yet\n")
    with seeding.af_xdp(env, peer_classes="lab=10.0.0.0/8+172.16.0.0/12+192.168.0.0/16",
                        blocklist=refused) as s:
        s.refused = refused
        s.a = s.seed(content.single(env.folder(), 8 * MIB, "a.bin"), "--piece-length", "32K")
        s.b = s.seed(content.single(env.folder(), 8 * MIB, "b.bin"), "--piece-length", "32K")
        yield s


def check(s):
    s.check_dataplane()
    s.daemon.cli("limit", "--reset")


def _set(s, *words):
    s.daemon.cli("limit", *words)


@contextlib.contextmanager
def _takers(s, *torrents):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Taker(s, t, BLOCKS)) for t in torrents]


def _exceeds(takers, limit):
    """They come to have more than that: nothing holds them."""
    settle(takers, 1, f"more than {limit}", lambda got: sum(got) > limit)


def test_global_and_its_end(s):
    with _takers(s, s.a, s.b) as takers:
        _exceeds(takers, 12 * MIB)
        _set(s, "global", "6M")
        holds(takers, 6 * MIB)
        _set(s, "global", "none")
        _exceeds(takers, 12 * MIB)
        assert not any(t.ended for t in takers)


def test_many_connections_share_one_rate(s):
    _set(s, "global", "4M")
    with _takers(s, *[s.a] * 8) as takers:
        holds(takers, 4 * MIB)
        settle(takers, 3, "the same for each", lambda got: max(got) < 2 * min(got))


def test_one_torrent(s):
    _set(s, "torrent", "a.bin", "3M")
    with _takers(s, s.a, s.a, s.b) as takers:
        holds(takers[:2], 3 * MIB)
        _exceeds(takers[2:], 6 * MIB)
        _set(s, "torrent", "a.bin", "none")
        _exceeds(takers[:2], 6 * MIB)


def test_label(s):
    s.daemon.cli("label", "a.bin", "+iso")
    _set(s, "label", "iso", "3M")
    with _takers(s, s.a, s.b) as takers:
        holds(takers[:1], 3 * MIB)
        _exceeds(takers[1:], 6 * MIB)
        s.daemon.cli("label", "a.bin", "-iso")
        _exceeds(takers[:1], 6 * MIB)


def test_class_of_peers(s):
    _set(s, "class", "lab", "4M")
    with _takers(s, s.a, s.b) as takers:
        holds(takers, 4 * MIB)


def test_weights(s):
    _set(s, "global", "8M")
    _set(s, "torrent", "b.bin", "--weight", "300")
    with _takers(s, s.a, s.a, s.b) as takers:
        holds(takers, 8 * MIB)
        settle(takers, 3, "three times as much",
               lambda got: 2.6 < got[2] / (got[0] + got[1]) < 3.4)
    _set(s, "torrent", "b.bin", "--weight", "100")


def test_all_limits_at_once(s):
    s.daemon.cli("label", "a.bin", "+iso")
    _set(s, "global", "7M")
    _set(s, "label", "iso", "6M")
    _set(s, "torrent", "a.bin", "5M")
    _set(s, "class", "lab", "4M")
    with _takers(s, s.a, s.b) as takers:
        holds(takers, 4 * MIB)
        shown = s.daemon.json("peers")["peers"]
        assert all(p["limit"] == "pacing" for p in shown), shown
    _set(s, "torrent", "a.bin", "none")
    s.daemon.cli("label", "a.bin", "-iso")


def test_limits_hold_over_restarts(s):
    _set(s, "global", "5M", "--connections", "100")
    s.daemon.kill_control()
    with _takers(s, s.a) as takers:
        holds(takers, 5 * MIB)  # the dataplane alone
        s.daemon.start()
        shown = s.daemon.json("limit")["limits"]["global"]
        assert shown["rate_bytes_per_s"] == 5 * MIB and shown["connections_max"] == 100, shown
        holds(takers, 5 * MIB)
        assert not takers[0].ended


def _turned_away(s, hello=b""):
    """Whether a new peer is closed at once."""
    try:
        with wire.Peer(s.client_ns, s.address, 6881) as peer:
            peer.send_raw(hello)
            peer.sock.settimeout(1)
            return peer.sock.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_connections(s):
    _set(s, "torrent", "a.bin", "--connections", "2")
    with _takers(s, s.a, s.a):
        hello = wire.PROTOCOL + wire.RESERVED_ALL + s.a.info_hash + bytes(20)
        shell.wait_until(lambda: _turned_away(s, hello), 5, "a third peer is closed")
        counters = s.daemon.counters()
        assert counters["wire_torrent_full"] == 1, counters
    _set(s, "torrent", "a.bin", "--connections", "0")
    shell.wait_until(lambda: s.daemon.counter("peers") == 0, 5, "all have left")
    _set(s, "class", "lab", "--connections", "1")
    with _takers(s, s.a):
        shell.wait_until(lambda: _turned_away(s), 5, "a second of the class is closed")
        assert s.daemon.counter("class_full") == 1


def _refuse(s, *lines):
    """Takes effect when the file is seen to have changed; another number of ranges than before."""
    cnt = sum(not line.startswith("#") for line in lines)
    with open(s.refused, "w", encoding="ascii") as f:
        f.write("".join(line + "\n" for line in lines))
    shell.wait_until(lambda: s.daemon.counter("blocked_ranges") == cnt, 15, "the list is read")


def test_refused_addresses(s):
    with _takers(s, s.a) as takers:
        _refuse(s, "Some body:1.2.3.0-1.2.3.255", "9.0.0.0/8")
        takers[0].gets_more()
        _refuse(s, f"the lab:{s.lab.client_ip}-{s.lab.client_ip}")
        shell.wait_until(lambda: takers[0].ended, 5, "the peer is closed")
    shell.wait_until(lambda: s.daemon.counter("peers_blocked") == 1, 5, "it is counted")
    try:
        with wire.Peer(s.client_ns, s.address, 6881, 1.5):
            raise AssertionError("connected though refused")
    except OSError:
        pass
    assert s.daemon.counter("tcp_refused") >= 1
    _refuse(s, "# nobody")
    with _takers(s, s.a) as takers:
        takers[0].gets_more()


def test_bad_list_is_named_and_changes_nothing(s):
    with open(s.refused, "w", encoding="ascii") as f:
        f.write("1.2.3.4\nwhat is this\n")
    line = f"{s.refused}:2:"
    shell.wait_until(lambda: line in shell.tail_file(s.daemon.log, 50), 15, "the line is named")
    _refuse(s, "1.2.3.4")


def test_super_seeding_spreads_one_copy(s):
    seeded = s.seed(content.single(s.env.folder(), 24 * MIB, "new.bin"),
                    "--piece-length", "256K")
    s.daemon.cli("set", "new.bin", "super_seed=yes")
    before = s.daemon.counter("payload_bytes")
    s.download([clients.Libtorrent, clients.Libtorrent], seeded, timeout=120)
    copies = (s.daemon.counter("payload_bytes") - before) / (24 * MIB)
    assert copies < 1.5, f"{copies:.2f} copies uploaded to two"


def _draining(s):
    return s.daemon.ready() and s.daemon.counter("draining") == 1


def test_drain(s):
    _set(s, "global", "4M")
    client = s.start_client(clients.Libtorrent, s.a)
    try:
        shell.wait_until(lambda: client.bytes_on_disk() > 0, 30, "some bytes")
        s.daemon.cli("drain")
        shell.wait_until(lambda: _draining(s), 5, "it drains")
        with contextlib.suppress(ConnectionRefusedError):
            with wire.Peer(s.client_ns, s.address, 6881):
                raise AssertionError("connected during a drain")
        assert s.daemon.counter("tcp_shut") >= 1
        seeding.wait_finished([client], 60)
        s.daemon.cli("drain", "--wait", timeout=60)
        assert s.daemon.counter("tcp_connections") == 0
        seeding.compare(client, s.a)
    finally:
        client.stop()
    s.daemon.kill_dataplane()                            # it forgets, and is told again
    s.wait_restarted()
    shell.wait_until(lambda: _draining(s), 20, "it drains again")
    s.daemon.cli("drain", "--off")
    shell.wait_until(lambda: not _draining(s), 20, "it drains no more")
    with _takers(s, s.a) as takers:
        takers[0].gets_more()
