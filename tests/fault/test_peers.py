# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Hostile peers: each is closed or refused under its own counter, memory stays where it was, and an
honest download that goes on all the while is whole at the end."""

import contextlib
import os
import random
import socket
import struct
import time

import clients
import content
import seeding
import shell
import spillway
import wire

LENGTH = 24 << 20
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
    """The dataplane lives, and lets go of what hostile peers made it hold."""
    s.check_dataplane()
    shell.wait_until(lambda: _settled(s.daemon.counters()), 20, "peers and requests let go")
    grown = spillway.anonymous_kib(s.daemon.dataplane_pid()) - s.kib
    assert grown < GROWTH_MAX_KIB, f"spillway-dp grew by {grown} KiB"


def _settled(counters):
    return (counters["peers"] == 0 and counters["requests_waiting"] == 0
            and counters["disk_reading"] == 0)


def _peer(s):
    return wire.Peer(s.client_ns, s.address, spillway.PORT)


@contextlib.contextmanager
def _honest_download(s):
    """A slow client downloads while the block runs, and gets everything right."""
    client = s.start_client(clients.SlowLibtorrent, s.torrent)
    try:
        shell.wait_until(lambda: client.bytes_on_disk() > 0, 20, "download begins")
        yield
        seeding.wait_finished([client], 60)
        seeding.compare(client, s.torrent)
    finally:
        client.stop()


@contextlib.contextmanager
def _counted(s, name, times):
    """Inside the block a counter grows by exactly so much."""
    before = s.daemon.counter(name)
    yield
    shell.wait_until(lambda: s.daemon.counter(name) - before >= times, 5,
                     f"{name} grows by {times}", pause=0.1)
    grown = s.daemon.counter(name) - before
    assert grown == times, f"{name} grew by {grown}, not {times}"


def _closed_at_once(s, counter, *sends):
    """Each of these byte strings, sent on a new connection, gets it closed under the counter."""
    with _honest_download(s), _counted(s, counter, len(sends)):
        for data in sends:
            with _peer(s) as peer:
                with contextlib.suppress(ConnectionError):
                    peer.send_raw(data)
                assert peer.is_closed(), f"{data[:40]!r} was not closed"


def test_garbage(s):
    rng = random.Random(1)
    _closed_at_once(s, "wire_bad_handshake", *[rng.randbytes(1000) for _ in range(20)],
                    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 4, b"\x16\x03\x01" + bytes(200))


def test_unknown_info_hash(s):
    _closed_at_once(s, "wire_unknown_info_hash",
                    *[wire.PROTOCOL + bytes(8) + os.urandom(20) + os.urandom(20)
                      for _ in range(20)])


def _after_handshake(s, counter, *messages):
    """Each of these, sent after the handshake, gets the connection closed under the counter."""
    hello = wire.PROTOCOL + wire.RESERVED_ALL + s.torrent.info_hash
    _closed_at_once(s, counter, *[hello + b"-TS0001-" + os.urandom(12) + m for m in messages])


def test_length_prefix_out_of_bounds(s):
    _after_handshake(s, "wire_bad_length", b"\xff\xff\xff\xff\x06" + bytes(100),
                     b"\x7f\xff\xff\xff\x14", struct.pack("!IB", (1 << 31) + 1, 9))


def test_messages_of_wrong_length(s):
    _after_handshake(s, "wire_bad_message",
                     struct.pack("!IBI", 5, wire.REQUEST, 0),
                     struct.pack("!IBB", 2, wire.INTERESTED, 0),
                     struct.pack("!IB", 1, wire.CANCEL),
                     struct.pack("!IB", 1, wire.HAVE))


def test_half_a_handshake_then_leave(s):
    with _honest_download(s):
        for cut in (1, 19, 20, 28, 47, 48, 67):
            with _peer(s) as peer:
                peer.send_raw((wire.PROTOCOL + bytes(8) + s.torrent.info_hash + bytes(20))[:cut])


def test_silence(s):
    """Peers that send nothing, or half a handshake, are closed after the handshake's time."""
    with _counted(s, "wire_handshake_timeout", 20), contextlib.ExitStack() as stack:
        peers = [stack.enter_context(_peer(s)) for _ in range(20)]
        for peer in peers[10:]:
            peer.send_raw(wire.PROTOCOL[:10])
        for peer in peers:
            assert peer.is_closed(40), "a silent peer was kept"


def _talking(s, stack):
    """A peer that is unchoked."""
    peer = stack.enter_context(_peer(s))
    peer.handshake(s.torrent.info_hash)
    peer.interested()
    return peer


def _refused_requests(s, counter, requests):
    """Each request is rejected (BEP 6) under the counter, or its peer closed."""
    with _honest_download(s), _counted(s, counter, len(requests)), \
            contextlib.ExitStack() as stack:
        for request in requests:
            peer = _talking(s, stack)
            peer.request(*request)
            with contextlib.suppress(ConnectionError):
                answer = peer.receive_until(wire.REJECT)
                assert answer == struct.pack("!III", *request), answer


def test_oversized_requests(s):
    _refused_requests(s, "requests_oversized",
                      [(0, 0, (128 << 10) + 1), (0, 0, 0xffffffff), (1, 0, 1 << 20), (0, 0, 0)])


def test_requests_out_of_range(s):
    _refused_requests(s, "requests_out_of_range",
                      [(1 << 30, 0, 16384), (0xffffffff, 0, 16384), (0, 0xfffffff0, 16384),
                       (0, 1 << 26, 16384)])


def test_requests_beyond_the_queue(s):
    """A peer that asks without reading holds no more than its queue; a patient one gets the rest
    rejected."""
    with _honest_download(s):
        before = s.daemon.counter("requests_over_queue")
        with contextlib.ExitStack() as stack:
            peer = _talking(s, stack)
            peer.sock.settimeout(2)
            with contextlib.suppress(TimeoutError, ConnectionError):
                for i in range(20000):
                    peer.request(i % 8, 0, 16384)
            waiting = s.daemon.counter("requests_waiting")
            assert waiting <= 4 * 2560, f"{waiting} requests are held"
            shell.wait_until(lambda: s.daemon.counter("requests_over_queue") > before, 5,
                             "requests are refused")


def test_many_readers_that_never_read(s):
    """A hundred peers ask for megabytes and read nothing: the honest one is not starved."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            peer = _talking(s, stack)
            for i in range(64):
                peer.request(0, i * 16384 % 32768, 16384)
        with _honest_download(s):
            pass


def test_resets_in_the_middle(s):
    """Connections that vanish with requests outstanding."""
    with _honest_download(s):
        for _ in range(200):
            with contextlib.ExitStack() as stack:
                peer = _talking(s, stack)
                for i in range(16):
                    peer.request(i % 8, 0, 16384)
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_unknown_messages_are_skipped(s):
    """A message of an unknown type is skipped, and the peer is served afterwards."""
    with _counted(s, "wire_unknown_message", 3), contextlib.ExitStack() as stack:
        peer = _talking(s, stack)
        for kind in (77, 200, 255):
            peer.send(kind, os.urandom(3000))
        peer.request(0, 0, 16384)
        piece = peer.receive_until(wire.PIECE)
        with open(s.torrent.path, "rb") as f:
            assert piece[8:] == f.read(16384), "other bytes"


def test_malformed_extended_messages(s):
    """Ignored or closed; whichever, the dataplane lives and the rest is served."""
    with _honest_download(s), contextlib.ExitStack() as stack:
        for body in (b"\0", b"\0d", b"\0" + b"d" * 5000, b"\0i1e", b"\0" + b"l" * 16000,
                     b"\0d1:md11:ut_metadatai999999999999e1:xi1eee", b"\1d8:msg_typei0ee",
                     b"\1d8:msg_typei0e5:piecei-1ee", b"\1d8:msg_typei0e5:piecei4294967296ee",
                     b"\xffabc", b""):
            peer = _talking(s, stack)
            peer.send(wire.EXTENDED, body)
            with contextlib.suppress(ConnectionError):
                peer.request(0, 0, 16384)
                peer.receive_until(wire.PIECE)


def test_a_thousand_connections(s):
    """As many idle connections as one address may have by default, then all gone at once."""
    opened = []
    with _honest_download(s):
        try:
            for _ in range(1000):
                opened.append(_peer(s))
            shell.wait_until(lambda: s.daemon.counter("peers") >= 1000, 5, "peers held")
        finally:
            for peer in opened:
                peer.close()


def test_packets_of_garbage(s):
    """Frames and segments that no stack would send, straight at the port."""
    rng = random.Random(2)
    source, target = (socket.inet_aton(a) for a in (s.lab.client_ip, s.address))
    with _honest_download(s), s.client_ns.inside(), \
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        before = s.daemon.counters()
        for _ in range(4000):
            segment = bytearray(rng.randbytes(rng.choice([20, 24, 32, 40, 60, 200])))
            segment[2:4] = struct.pack("!H", spillway.PORT)
            segment[16:18] = b"\0\0"
            if rng.random() < 0.8:
                segment[12] = rng.choice([0x00, 0x40, 0x50, 0x60, 0x80, 0xf0])
                segment[16:18] = _tcp_checksum(source, target, bytes(segment))
            raw.sendto(_ip_header(source, target, len(segment)) + segment, (s.address, 0))
    after = s.daemon.counters()
    for name in ("tcp_bad_header", "tcp_bad_checksum", "tcp_no_connection"):
        assert after[name] > before[name], f"{name} did not move"


def test_half_open_flood(s):
    """SYNs from addresses that never answer fill a bounded table, then get cookies; what is
    connected is unharmed."""
    target = socket.inet_aton(s.address)
    net = s.lab.client_ip.rsplit(".", 1)[0]
    with _honest_download(s), s.client_ns.inside(), \
            socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        before = s.daemon.counter("tcp_cookies_sent")
        for i in range(4000):
            source = socket.inet_aton(f"{net}.{50 + i % 200}")
            segment = bytearray(struct.pack("!HHIIBBHHH", 1024 + i, spillway.PORT, i, 0, 0x50, 2,
                                            65535, 0, 0))
            segment[16:18] = _tcp_checksum(source, target, bytes(segment))
            raw.sendto(_ip_header(source, target, len(segment)) + segment, (s.address, 0))
            if i % 500 == 0:
                time.sleep(0.02)
        shell.wait_until(lambda: s.daemon.counter("tcp_cookies_sent") > before, 5,
                         "SYN cookies are sent")
        assert s.daemon.counter("tcp_half_open") <= 1024


def _ip_header(source, target, payload_len):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + payload_len, 0, 0, 64, 6, 0, source, target)


def _tcp_checksum(source, target, segment):
    data = source + target + struct.pack("!HH", 6, len(segment)) + segment
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack("!H", ~total & 0xffff)
