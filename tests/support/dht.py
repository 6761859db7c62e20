# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The DHT around a Spillway under test: libtorrent's nodes, clients that have only a magnet link,
and packets of our own making."""

import contextlib
import json
import os
import socket
import struct
import subprocess

import bencode
import clients
import content
import lab
import seeding
import shell
import spillway

_HERE = os.path.dirname(os.path.abspath(__file__))
PORT = 53000
OWN_PORT = spillway.PORT + 1  # of Spillway's node
ROUTERS = 10  # Transmission 3.00 asks for no peers before it knows nine
STORED = 8    # nodes that an announce is told to


class Nodes:
    """Nodes of libtorrent in one process: lt_dht.py."""

    def __init__(self, env, ns, nodes=1, **options):
        self.log = env.watch(os.path.join(env.folder(), "lt_dht.log"))
        words = ["/usr/bin/python3", os.path.join(_HERE, "lt_dht.py"), "--nodes", str(nodes)]
        for name, value in options.items():
            words += [f"--{name}", str(value)]
        with open(self.log, "ab") as log:
            self._proc = subprocess.Popen(ns.command(words), stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, stderr=log, text=True)

    def ask(self, *words):
        self._proc.stdin.write(" ".join(map(str, words)) + "\n")
        self._proc.stdin.flush()
        line = self._proc.stdout.readline()
        if not line:
            raise shell.CommandError("lt_dht.py ended\n" + shell.tail_file(self.log))
        return json.loads(line)

    def close(self):
        self._proc.stdin.close()
        self._proc.stdout.close()
        shell.stop(self._proc)


@contextlib.contextmanager
def nodes(env, ns, count=1, **options):
    made = Nodes(env, ns, count, **options)
    try:
        yield made
    finally:
        made.close()


def status(daemon):
    """What spillway dht --json tells."""
    return daemon.json("dht")["dht"]


def node(daemon, family="ipv4"):
    found = [n for n in status(daemon)["nodes"] if n["family"] == family]
    return found[0] if found else None


def wait_nodes(daemon, count, family="ipv4", timeout=40):
    def enough():
        found = node(daemon, family)
        return found and found["nodes_good"] >= count
    shell.wait_until(enough, timeout, f"{count} good nodes of {family}", pause=0.3)


def wait_announced(daemon, info_hash, timeout=40):
    """Until some node has stored it; returns how many."""
    def announced():
        told = daemon.json("show", info_hash.hex())["torrent"]["dht"]
        return told["state"] == "announced" and told["stored_by"]
    return shell.wait_until(announced, timeout, "the torrent is announced", pause=0.3)


def seed(env, daemon, path, *options):
    """Seeds a file or folder without any tracker; returns its info_hash."""
    torrent = os.path.join(env.folder(), os.path.basename(path) + ".torrent")
    info_hash = spillway.create(env, path, torrent, *options)
    daemon.add(torrent, os.path.dirname(path))
    return info_hash


class Packets:
    """A socket that speaks KRPC, or anything."""

    def __init__(self, ns, target, source=None):
        with ns.inside():
            family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
            self.sock = socket.socket(family, socket.SOCK_DGRAM)
        if source:
            self.sock.bind((source, 0))
        self.target = target

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendto(data, self.target)

    def query(self, name, tid=b"aa", read_only=True, **arguments):
        message = {"t": tid, "y": "q", "q": name, "a": {"id": b"packets of our own..", **arguments}}
        if read_only:
            message["ro"] = 1
        self.send(bencode.encode(message))

    def receive(self, timeout=20):
        """The next message, decoded; None when none comes."""
        self.sock.settimeout(timeout)
        try:
            return bencode.decode(self.sock.recv(65536))
        except TimeoutError:
            return None

    def ask(self, name, timeout=20, **arguments):
        self.query(name, **arguments)
        return self.receive(timeout)


def peers(reply):
    """The IPv4 peers in a reply to get_peers."""
    return {(socket.inet_ntoa(v[:4]), struct.unpack("!H", v[4:])[0])
            for v in reply[b"r"].get(b"values", [])}


# ---- Clients that know of no tracker, and of one node.

class Libtorrent(clients.Libtorrent):
    entry = None

    def command(self):
        return super().command()[:2] + ["--dht", "%s:%d" % self.entry] + super().command()[2:]


class Aria2(clients.Aria2):
    entry = None

    def command(self):
        words = [w for w in super().command() if not w.startswith("--enable-dht")]
        return [*words[:-1], "--enable-dht=true", "--dht-entry-point=%s:%d" % self.entry,
                f"--dht-listen-port={self.port + 500}",
                f"--dht-file-path={os.path.join(self.home, 'dht.dat')}", words[-1]]


class Transmission(clients.Transmission):
    entry = None

    def command(self):
        with open(os.path.join(self.home, "dht.bootstrap"), "w", encoding="ascii") as f:
            f.write("%s %d\n" % self.entry)
        return super().command()


ALL = {"libtorrent": Libtorrent, "aria2": Aria2, "transmission": Transmission}


def client(name, entry):
    """A kind of client that begins with this node."""
    return type(name, (ALL[name],), {"entry": entry})


# ---- A Spillway among libtorrent's nodes.

@contextlib.contextmanager
def _begun(routers):
    """The first of the routers knows some of the others."""
    shell.wait_until(lambda: routers.ask("nodes")[0] >= 4, 40, "routers", pause=0.3)
    yield


@contextlib.contextmanager
def surrounded(env):
    """Some of libtorrent's nodes beside the clients; Spillway begins with one of them."""
    with lab.Lab() as the_lab:
        the_lab.seeder.ip("addr", "add", "fd77::1/64", "dev", the_lab.seeder_if, "nodad")
        the_lab.client.ip("addr", "add", "fd77::2/64", "dev", the_lab.client_if, "nodad")
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}",
                                   dht_bootstrap=f"{the_lab.client_ip}:{PORT},"
                                                 f"[fd77::2]:{PORT + 100}")
        with nodes(env, the_lab.client, ROUTERS, address=the_lab.client_ip) as routers, \
                nodes(env, the_lab.client, 1, address="fd77::2",
                          port=PORT + 100) as routers6, \
                _begun(routers), seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as s:
            s.routers = routers
            s.routers6 = routers6
            s.own = (the_lab.seeder_ip, OWN_PORT)
            wait_nodes(daemon, STORED, timeout=60)
            yield s


def download(s, names, entry):
    """These clients, at once, with only a magnet link and one node of the DHT to begin with."""
    path = content.single(s.env.folder(), 3 << 20, "-".join(names) + ".bin")
    seeded = seeding.Seeded(path, None, seed(s.env, s.daemon, path), "")
    magnet = f"magnet:?xt=urn:btih:{seeded.info_hash.hex()}&dn={seeded.name}"
    wait_announced(s.daemon, seeded.info_hash)
    running = []
    try:
        for number, name in enumerate(names):
            running.append(s.start_client(client(name, entry), seeded, number, magnet))
        seeding.wait_finished(running, 150)
        for one in running:
            seeding.compare(one, seeded)
    finally:
        for one in running:
            one.stop()
