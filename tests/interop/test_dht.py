# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The mainline DHT: stock clients that have only a magnet link find Spillway by it alone, and its
announces are stored by libtorrent's nodes."""

import contextlib
import os

import content
import dht
import seeding
import shell
import spillway

ROUTERS = 10  # Transmission 3.00 asks for no peers before it knows nine
STORED = 8    # nodes that an announce is told to


@contextlib.contextmanager
def _begun(routers):
    """The first of the routers knows most of the others."""
    shell.wait_until(lambda: routers.ask("nodes")[0] >= 6, 40, "routers", pause=0.3)
    yield


@contextlib.contextmanager
def fixture(env):
    """Some of libtorrent's nodes beside the clients; Spillway begins with one of them."""
    with seeding.lab.Lab() as the_lab:
        the_lab.seeder.ip("addr", "add", "fd77::1/64", "dev", the_lab.seeder_if, "nodad")
        the_lab.client.ip("addr", "add", "fd77::2/64", "dev", the_lab.client_if, "nodad")
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}",
                                   dht_bootstrap=f"{the_lab.client_ip}:{dht.PORT},"
                                                 f"[fd77::2]:{dht.PORT + 100}")
        with dht.nodes(env, the_lab.client, ROUTERS, address=the_lab.client_ip) as routers, \
                dht.nodes(env, the_lab.client, 1, address="fd77::2",
                          port=dht.PORT + 100) as routers6, \
                _begun(routers), seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as s:
            s.routers = routers
            s.routers6 = routers6
            s.own = (the_lab.seeder_ip, dht.OWN_PORT)
            dht.wait_nodes(daemon, STORED)
            yield s


def check(s):
    s.check_dataplane()


def _seeded(s, path, *options):
    info_hash = dht.seed(s.env, s.daemon, path, *options)
    made = seeding.Seeded(path, None, info_hash, "")
    made.magnet = f"magnet:?xt=urn:btih:{info_hash.hex()}&dn={os.path.basename(path)}"
    return made


def _magnet_by(name):
    def test(s):
        seeded = _seeded(s, content.single(s.env.folder(), 3 << 20, f"{name}.bin"))
        dht.wait_announced(s.daemon, seeded.info_hash)
        # It begins with the one of libtorrent's nodes that knows the others.
        entry = (s.lab.client_ip, dht.PORT)
        kind = dht.client(name, entry)
        running = s.start_client(kind, seeded, 0, seeded.magnet)
        try:
            seeding.wait_finished([running], 120)
            seeding.compare(running, seeded)
        finally:
            running.stop()
    return test


def test_magnet_by_our_node_alone(s):
    """The client knows nobody but Spillway's node."""
    seeded = _seeded(s, content.single(s.env.folder(), 3 << 20, "alone.bin"))
    dht.wait_announced(s.daemon, seeded.info_hash)
    running = s.start_client(dht.client("libtorrent", s.own), seeded, 0, seeded.magnet)
    try:
        seeding.wait_finished([running], 120)
        seeding.compare(running, seeded)
    finally:
        running.stop()


def test_announces_are_stored_by_libtorrent(s):
    """Each of its nodes finds the address that peers can reach, with the port of TCP."""
    info_hash = dht.seed(s.env, s.daemon, content.single(s.env.folder(), 70000, "stored.bin"))
    assert dht.wait_announced(s.daemon, info_hash) == STORED
    for i in range(0, ROUTERS, 3):
        found = s.routers.ask("get", i, info_hash.hex())
        assert found == [f"{s.address}:{spillway.PORT}"], found
    told = s.daemon.cli("show", info_hash.hex()).stdout
    assert f"DHT           {STORED} nodes stored it" in told, told


def test_private_is_never_announced(s):
    path = content.single(s.env.folder(), 70000, "private.bin")
    hidden = dht.seed(s.env, s.daemon, path, "--private", "--tracker", s.tracker.url)
    shown = dht.seed(s.env, s.daemon, content.single(s.env.folder(), 70000, "public.bin"))
    dht.wait_announced(s.daemon, shown)
    told = s.daemon.json("show", hidden.hex())["torrent"]["dht"]
    assert told["state"] == "private" and told["announced_at"] == 0, told
    assert s.routers.ask("get", 0, hidden.hex()) == []
    assert "never, for it is private" in s.daemon.cli("show", hidden.hex()).stdout


def test_paused_is_announced_when_started(s):
    """A torrent that was paused before its turn is not announced; started, it is at once."""
    path = content.single(s.env.folder(), 70000, "paused.bin")
    info_hash = dht.seed(s.env, s.daemon, path)
    dht.wait_announced(s.daemon, info_hash)
    before = dht.node(s.daemon)["counters"]["announces"]
    s.daemon.cli("pause", info_hash.hex())
    s.daemon.cli("start", info_hash.hex())
    assert dht.node(s.daemon)["counters"]["announces"] >= before


def test_what_libtorrent_announces_is_found_here(s):
    """Spillway's node is one of the closest in so small a network: it stores for others."""
    info_hash = bytes(range(20))
    s.routers.ask("announce", 2, info_hash.hex())

    def found():
        with dht.Packets(s.client_ns, s.own) as packets:
            reply = packets.ask("get_peers", info_hash=info_hash)
        return (s.lab.client_ip, dht.PORT + 2) in dht.peers(reply)
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


def cases():
    for name in dht.ALL:
        yield f"magnet by {name}", _magnet_by(name)
