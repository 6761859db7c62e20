# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The DHT's node under attack, over restarts, and where it may not or cannot run."""

import contextlib
import os
import random
import socket
import time

import content
import dht
import lab
import seeding
import shell
import spillway

FLOOD_S, PACKETS = 3, 5000  # at least
GROWTH_KIB = 12 << 10  # what is touched of tables of fixed size is part of it


def _daemon(env, the_lab, **options):
    """Spillway with a port that serves nobody: the kernel owns its address all the same."""
    return spillway.Spillway(env, the_lab.seeder, "null",
                             **{"address": the_lab.seeder_ip, "dht_bootstrap": "", **options})


@contextlib.contextmanager
def _running(env, **options):
    with lab.Lab() as the_lab:
        daemon = _daemon(env, the_lab, **options)
        with seeding.started(daemon):
            yield the_lab, daemon


def _garbage(rng):
    """Packets of every bad kind, without end."""
    ask = (b"d1:ad2:id20:%s9:info_hash20:%se1:q9:get_peers1:t2:aa1:y1:qe", 2)
    announce = (b"d1:ad2:id20:%s9:info_hash20:%s4:porti7e5:token8:replayede1:q13:announce_peer"
                b"1:t2:aa1:y1:qe", 2)
    reply = (b"d1:rd2:id20:%s5:nodes520:%se1:t4:abcd1:y1:re", None)
    while True:
        for text, parts in (ask, announce):
            yield text % tuple(rng.randbytes(20) for _ in range(parts))
        yield reply[0] % (rng.randbytes(20), b"\x0a\x4d\x01\x02\x1a\xe1" * 86 + b"\0\0\0\0")
        yield b"d1:x" + b"l" * 700 + b"e" * 700
        yield rng.randbytes(rng.randrange(1400))
        yield b"d" * 60000


def test_floods_are_counted_and_cost_little(env):
    with _running(env) as (the_lab, daemon):
        pid = daemon.proc.pid
        target = (the_lab.seeder_ip, dht.OWN_PORT)
        with dht.Packets(the_lab.client, target) as calm, contextlib.ExitStack() as stack:
            assert calm.ask("ping")[b"y"] == b"r"
            floods = [stack.enter_context(dht.Packets(the_lab.client, target)) for _ in range(20)]
            before = spillway.anonymous_kib(pid)
            sent, end = 0, time.monotonic() + FLOOD_S
            for packet in _garbage(random.Random(1)):
                floods[sent % len(floods)].send(packet)
                sent += 1
                if sent > PACKETS and time.monotonic() > end:
                    break
            # While all that is worked off, control answers, and so does the node one who asks well.
            assert dht.status(daemon)["on"]
            shell.wait_until(lambda: calm.ask("ping", timeout=2), 10, "an answer after the flood")
        counters = dht.node(daemon)["counters"]
        grown = spillway.anonymous_kib(pid) - before
    for name in ("malformed", "flooded", "unasked", "tokens_wrong", "too_long"):
        assert counters[name] > 0, (name, counters)
    assert counters["received"] + counters["not_read"] <= sent + 100, (sent, counters)
    assert counters["answered"] < counters["queries"], counters
    assert grown < GROWTH_KIB, f"{grown} KiB more after {sent} packets"


def test_id_and_nodes_outlive_a_restart(env):
    with lab.Lab() as the_lab, dht.nodes(env, the_lab.client, 4, address=the_lab.client_ip) as lt:
        shell.wait_until(lambda: lt.ask("nodes")[0] == 3, 40, "routers", pause=0.3)
        daemon = _daemon(env, the_lab, dht_bootstrap=f"{the_lab.client_ip}:{dht.PORT}")
        with seeding.started(daemon):
            dht.wait_nodes(daemon, 4)
            own = dht.node(daemon)["id"]
        daemon.options["dht_bootstrap"] = ""  # now there is only what it remembers
        with seeding.started(daemon):
            dht.wait_nodes(daemon, 4)
            assert dht.node(daemon)["id"] == own


def test_read_only_announces_and_is_in_no_table(env):
    with lab.Lab() as the_lab, dht.nodes(env, the_lab.client, 4, address=the_lab.client_ip) as lt:
        shell.wait_until(lambda: lt.ask("nodes")[0] == 3, 40, "routers", pause=0.3)
        daemon = _daemon(env, the_lab, dht="read_only",
                         dht_bootstrap=f"{the_lab.client_ip}:{dht.PORT}")
        with seeding.started(daemon):
            dht.wait_nodes(daemon, 4)
            with dht.Packets(the_lab.client, (the_lab.seeder_ip, dht.OWN_PORT)) as packets:
                assert packets.ask("ping", timeout=2) is None
            with dht.Packets(the_lab.client, (the_lab.client_ip, dht.PORT)) as packets:
                named = packets.ask("find_node", target=bytes.fromhex(dht.node(daemon)["id"]))
            assert socket.inet_aton(the_lab.seeder_ip) not in named[b"r"].get(b"nodes", b""), named
            assert dht.node(daemon)["read_only"] is True
            # libtorrent notes whoever announces with a right token: so this comes last.
            path = content.single(env.folder(), 70000, "read only.bin")
            info_hash = dht.seed(env, daemon, path)
            assert 2 <= dht.wait_announced(daemon, info_hash) <= 4  # an answer may come too late
            assert lt.ask("get", 1, info_hash.hex()) == [f"{the_lab.seeder_ip}:{spillway.PORT}"]


def test_paused_is_not_announced_before_it_is_started(env):
    """Two torrents wait for a first node; the one that is paused meanwhile is left out."""
    with lab.Lab() as the_lab:
        daemon = _daemon(env, the_lab, dht_bootstrap=f"{the_lab.client_ip}:{dht.PORT}")
        with seeding.started(daemon):
            seeded, paused = (dht.seed(env, daemon, content.single(env.folder(), 70000, name))
                              for name in ("seeded.bin", "paused.bin"))
            daemon.cli("pause", paused.hex())
            with dht.nodes(env, the_lab.client, 1, address=the_lab.client_ip):
                dht.wait_announced(daemon, seeded, timeout=60)
                told = daemon.json("show", paused.hex())["torrent"]["dht"]
                assert told["announced_at"] == 0 and told["state"] != "announcing", told
                assert dht.node(daemon)["counters"]["announces"] == 1
                daemon.cli("start", paused.hex())
                dht.wait_announced(daemon, paused, timeout=10)


def test_off_where_the_kernel_does_not_own_the_address(env):
    with _running(env, address="10.99.1.2") as (_, daemon):
        told = dht.status(daemon)
        assert not told["on"] and "does not own the address served" in told["reason"], told
        assert "does not own the address served" in daemon.cli("stats").stdout
        assert "event=dht_off" in shell.tail_file(daemon.log)


def test_off_when_its_port_is_taken(env):
    with lab.Lab() as the_lab:
        with the_lab.seeder.inside():
            taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with taken:
            taken.bind((the_lab.seeder_ip, dht.OWN_PORT))
            daemon = _daemon(env, the_lab)
            with seeding.started(daemon):
                told = dht.status(daemon)
        assert not told["on"] and "Address already in use" in told["reason"], told


def test_off_by_option(env):
    with _running(env, dht="no") as (the_lab, daemon):
        assert dht.status(daemon)["reason"] == "option dht: no"
        assert f":{dht.OWN_PORT} " not in the_lab.seeder.run(["ss", "-Hlun"]).stdout


def test_wrong_options_are_named(env):
    with lab.Lab() as the_lab:
        for name, value, words in (("dht_bootstrap", "a", '"a" is not HOST:PORT'),
                                   ("dht_rate", "9", "10 to 100000"), ("dht", "maybe", "read_only"),
                                   ("dht_port", "65536", "0 to 65535")):
            daemon = _daemon(env, the_lab, **{name: value})
            done = the_lab.seeder.run(daemon.command(), check=False)
            assert done.returncode == 2, done
            assert f"option {name}" in done.stderr and words in done.stderr, done.stderr


def test_routers_that_cannot_be_resolved_hold_nothing_up(env):
    begin = time.monotonic()
    with _running(env, dht_bootstrap="nowhere.invalid:6881,10.77.255.255:1,[fd00::1]:2") as (_, d):
        assert dht.status(d)["on"]
        assert d.stop() == 0
    assert time.monotonic() - begin < 40
    assert os.path.exists(d.log)
