# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Peers are told our DHT node's port (BEP 5), but for those of a private torrent (BEP 27); a stock
client that knows of no node finds its first one so."""

import contextlib
import struct

import clients
import content
import seeding
import shell
import wire

DHT_PORT = 7000  # not that of peers
DHT_BIT = 0x01   # reserved[7]


class Libtorrent(clients.Libtorrent):
    """One whose DHT knows nobody to begin with."""

    options = ("--dht", "")


@contextlib.contextmanager
def fixture(env):
    folder = env.folder()
    with seeding.af_xdp(env, dht="yes", dht_port=DHT_PORT, dht_bootstrap="") as s:
        s.public = s.seed(content.single(folder, 8 << 20, "public.bin"))
        s.private = s.seed(content.single(folder, 8 << 20, "private.bin"), "--private")
        yield s


def check(s):
    s.check_dataplane()


def _reserved(dht_bit):
    return wire.RESERVED_ALL[:7] + bytes([wire.RESERVED_ALL[7] | dht_bit])


def test_port_is_told_to_those_who_speak_it(s):
    with wire.Peer(s.client_ns, s.address, 6881) as peer:
        assert peer.handshake(s.public.info_hash, _reserved(DHT_BIT))[7] & DHT_BIT
        assert peer.receive_until(wire.PORT) == struct.pack("!H", DHT_PORT)


def _kinds_until_unchoke(s, torrent, dht_bit):
    kinds = []
    with wire.Peer(s.client_ns, s.address, 6881) as peer:
        ours = peer.handshake(torrent.info_hash, _reserved(dht_bit))[7]
        peer.send(wire.INTERESTED)
        while not kinds or kinds[-1] != wire.UNCHOKE:
            kinds.append(peer.receive()[0])
    return ours & DHT_BIT, kinds


def test_port_is_told_to_nobody_else(s):
    ours, kinds = _kinds_until_unchoke(s, s.public, 0)
    assert ours and wire.PORT not in kinds, kinds
    ours, kinds = _kinds_until_unchoke(s, s.private, DHT_BIT)
    assert not ours and wire.PORT not in kinds, kinds


def test_libtorrent_learns_of_our_node(s):
    client = s.start_client(Libtorrent, s.public)
    try:
        def learnt():
            with open(client.log, encoding="utf-8") as log:
                return "dht_nodes: 1" in log.read()
        shell.wait_until(learnt, 60, "a node in libtorrent's table", pause=0.2)
    finally:
        client.stop()
    assert s.daemon.counter("dht_ports_sent") > 0
