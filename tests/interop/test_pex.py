# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock clients that know of nobody but Spillway find each other through it (BEP 11), but for the
members of a private torrent (BEP 27). It tells nobody a port where nobody listens."""

import contextlib
import socket
import struct
import time

import bencode
import clients
import content
import seeding
import shell
import wire

CLIENTS_MAX = 4
PEX = 3                # our id of ut_pex
SLOW_KIB = 512         # a second, so that nobody is done before the others are found
QUIET_S = 6            # a first message comes within a second or two


class Libtorrent(clients.Libtorrent):
    @property
    def options(self):
        return ("--tcp-only", "--torrent-kib", str(SLOW_KIB), "--address", address_of(self))


class Aria2(clients.Aria2):
    def command(self):
        words = super().command()
        return [*words[:-1], f"--max-download-limit={SLOW_KIB}K",
                f"--interface={address_of(self)}", words[-1]]


class Transmission(clients.Transmission):
    def settings(self):
        return {**super().settings(), "speed-limit-down": SLOW_KIB,
                "speed-limit-down-enabled": True, "bind-address-ipv4": address_of(self)}


def address_of(client):
    """Each client has an address of its own, for one contact an address is told."""
    return Libtorrent.network + str(10 + client.port % 100)


@contextlib.contextmanager
def fixture(env):
    folder = env.folder()
    with seeding.af_xdp(env) as s:
        Libtorrent.network = s.lab.client_ip.rpartition(".")[0] + "."
        for number in range(CLIENTS_MAX):
            s.client_ns.ip("addr", "add", f"{Libtorrent.network}{10 + number}/24", "dev",
                           s.lab.client_if)
        s.public = s.seed(content.single(folder, 48 << 20, "public.bin"))
        s.private = s.seed(content.single(folder, 48 << 20, "private.bin"), "--private")
        yield s


def check(s):
    s.check_dataplane()


@contextlib.contextmanager
def _running(s, kinds, torrent):
    running = []
    try:
        for number, kind in enumerate(kinds):
            running.append(s.start_client(kind, torrent, number))
        yield running
    finally:
        for client in running:
            client.stop()


def _met(s, client):
    """Whether one client is connected to where another listens."""
    shown = s.client_ns.run(["ss", "-Htn", "state", "established"]).stdout
    here = f"{address_of(client)}:{client.port}"
    return any(here in line.split() and s.address + ":" not in line
               for line in shown.splitlines())


def test_two_libtorrents_find_each_other(s):
    with _running(s, [Libtorrent, Libtorrent], s.public) as running:
        shell.wait_until(lambda: any(_met(s, c) for c in running), 20,
                         "one libtorrent connects to the other", pause=0.2)
        shell.wait_until(lambda: s.daemon.counter("pex_sent") >= 2, 20, "both are told")


def test_each_client_is_found(s):
    with _running(s, [Libtorrent, Transmission, Aria2], s.public) as running:
        for client in running:
            shell.wait_until(lambda c=client: _met(s, c), 30, f"{client.program} is found",
                             pause=0.2)


def test_members_of_a_private_torrent_do_not_meet(s):
    sent = s.daemon.counter("pex_sent")
    with _running(s, [Libtorrent, Libtorrent, Transmission, Aria2], s.private) as running:
        shell.wait_until(lambda: len(s.daemon.json("peers")["peers"]) >= len(running), 30,
                         "all download", pause=0.2)
        time.sleep(QUIET_S)
        assert not any(_met(s, c) for c in running)
    assert s.daemon.counter("pex_sent") == sent


def _contacts(packed):
    return [(socket.inet_ntoa(packed[i:i + 4]), struct.unpack("!H", packed[i + 4:i + 6])[0])
            for i in range(0, len(packed), 6)]


def _heard(peer):
    """The next ut_pex message, as what is added and what dropped."""
    while True:
        payload = peer.receive_until(wire.EXTENDED)
        if payload[0] == PEX:
            told = bencode.decode(payload[1:])
            assert len(told[b"added.f"]) == len(told[b"added"]) // 6
            return _contacts(told[b"added"]), _contacts(told[b"dropped"])


def test_only_where_a_peer_listens_is_told(s):
    with wire.Peer(s.client_ns, s.address, 6881) as first, \
            wire.Peer(s.client_ns, s.address, 6881) as second, \
            wire.Peer(s.client_ns, s.address, 6881) as third:
        for peer, values in ((first, {"p": 4001}), (second, {"p": 4002}), (third, {})):
            peer.handshake(s.public.info_hash)
            ours = peer.extended_handshake(m={"ut_pex": PEX}, **values)
            assert ours[b"m"][b"ut_pex"] == PEX, ours
        assert _heard(first) == ([(s.lab.client_ip, 4002)], [])
        assert _heard(second) == ([(s.lab.client_ip, 4001)], [])
        assert len(_heard(third)[0]) == 1  # one contact an address


def test_flood_of_messages_costs_its_sender_nothing_else(s):
    before = s.daemon.counters()
    with wire.Peer(s.client_ns, s.address, 6881) as peer:
        peer.handshake(s.public.info_hash)
        peer.extended_handshake(m={"ut_pex": PEX}, p=4001)
        message = bytes([PEX]) + bencode.encode({"added": bytes(6), "added.f": b"\0"})
        for _ in range(1000):
            peer.send(wire.EXTENDED, message)
        peer.interested()
        peer.request(0, 0, 16384)
        assert len(peer.receive_until(wire.PIECE)) == 8 + 16384
    after = s.daemon.counters()
    assert after["pex_received"] == before["pex_received"] + 1
    assert after["pex_flood"] == before["pex_flood"] + 999
