# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The mainline DHT: stock clients that have only a magnet link find Spillway by it alone, and its
announces are stored by libtorrent's nodes."""

import contextlib

import content
import dht
import shell
import spillway

@contextlib.contextmanager
def fixture(env):
    with dht.surrounded(env) as s:
        yield s


def check(s):
    s.check_dataplane()


def test_magnet_by_our_node_alone(s):
    """The client knows nobody but Spillway's node."""
    dht.download(s, ["libtorrent"], s.own)


def test_magnet_by_stock_clients(s):
    """They begin with the one of libtorrent's nodes that knows the others."""
    dht.download(s, ["libtorrent", "aria2"], (s.lab.client_ip, dht.PORT))


def test_announces_are_stored_by_libtorrent(s):
    """Each of its nodes finds the address that peers can reach, with the port of TCP."""
    info_hash = dht.seed(s.env, s.daemon, content.single(s.env.folder(), 70000, "stored.bin"))
    stored = dht.wait_announced(s.daemon, info_hash)
    assert dht.STORED // 2 <= stored <= dht.STORED, stored  # an answer may come too late
    for i in range(0, dht.ROUTERS, 3):
        found = s.routers.ask("get", i, info_hash.hex())
        assert found == [f"{s.address}:{spillway.PORT}"], found
    told = s.daemon.cli("show", info_hash.hex()).stdout
    assert f"DHT           {stored} nodes stored it" in told, told


def test_private_is_never_announced(s):
    path = content.single(s.env.folder(), 70000, "private.bin")
    hidden = dht.seed(s.env, s.daemon, path, "--private", "--tracker", s.tracker.url)
    shown = dht.seed(s.env, s.daemon, content.single(s.env.folder(), 70000, "public.bin"))
    dht.wait_announced(s.daemon, shown)
    told = s.daemon.json("show", hidden.hex())["torrent"]["dht"]
    assert told["state"] == "private" and told["announced_at"] == 0, told
    assert s.routers.ask("get", 0, hidden.hex()) == []
    assert "never, for it is private" in s.daemon.cli("show", hidden.hex()).stdout


def test_what_libtorrent_announces_is_found_here(s):
    """Spillway's node is the closest: it stores for others."""
    own = bytes.fromhex(dht.node(s.daemon)["id"])
    info_hash = own[:19] + bytes([own[19] ^ 1])
    s.routers.ask("announce", 0, info_hash.hex())

    def found():
        with dht.Packets(s.client_ns, s.own) as packets:
            reply = packets.ask("get_peers", info_hash=info_hash)
        return (s.lab.client_ip, dht.PORT) in dht.peers(reply)
    shell.wait_until(found, 40, "libtorrent's announce is stored by Spillway", pause=0.5)


def test_ipv6_with_libtorrent(s):
    """The IPv6 node finds libtorrent's and is found by it; it announces nothing."""
    dht.wait_nodes(s.daemon, 1, "ipv6")
    shell.wait_until(lambda: s.routers6.ask("nodes")[0] >= 1, 30,
                     "libtorrent knows Spillway's node", pause=0.5)
    own = dht.node(s.daemon, "ipv6")
    assert own["address"] == "[fd77::1]:6882" and own["counters"]["announces"] == 0, own
    with dht.Packets(s.client_ns, ("fd77::1", dht.OWN_PORT)) as packets:
        reply = packets.ask("find_node", target=bytes(20), want=["n4", "n6"])
    assert len(reply[b"r"][b"nodes6"]) == 38, reply
    assert len(reply[b"r"][b"nodes"]) >= 26 * 4, reply
    assert len(reply[b"ip"]) == 18, reply
