# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Transmission's own tool and the libraries' calls control a Spillway that seeds."""

import base64
import contextlib
import os
import time

import api
import clients
import content
import seeding
import shell
import spillway
import wire

PORT = 9091
BLOCK = 16384


class Fixture:
    def __init__(self, s):
        self.s = s
        self.token = s.daemon.json("api-token")["token"]
        self.api = api.Api(PORT, self.token, s.daemon.ns)

    def remote(self, *words, check=True):
        return self.api.remote(*words, check=check)

    def get(self, *fields, **arguments):
        return self.api.get(*fields, **arguments)

    def content(self, name, length=4 << 20):
        path = content.single(self.s.env.folder(), length, name)
        torrent = path + ".torrent"
        info_hash = spillway.create(self.s.env, path, torrent, "--tracker", self.s.tracker.url)
        self.s.tracker.add(info_hash, self.s.address, spillway.PORT)
        return seeding.Seeded(path, torrent, info_hash, self.s.tracker.url)

    def add(self, seeded, *words):
        text = self.remote("-a", seeded.torrent, "-w", os.path.dirname(seeded.path), *words)
        assert "success" in text, text
        ids = [t["id"] for t in self.get("id", "name") if t["name"] == seeded.name]
        assert len(ids) == 1, ids
        shell.wait_until(lambda: self.status(ids[0]) not in (1, 2), 20, "verified")
        return str(ids[0])

    def status(self, torrent_id):
        return self.get("status", ids=[int(torrent_id)])[0]["status"]


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env, api=f"127.0.0.1:{PORT}") as s:
        yield Fixture(s)


def check(f):
    f.s.check_dataplane()
    f.remote("-t", "all", "-r", check=False)


def test_added_by_rpc_downloads(f):
    """Added by transmission-remote, a stock client downloads it; what it was given is told."""
    seeded = f.content("added.bin", 8 << 20)
    name = f.add(seeded, "-L", "linux,iso")
    f.s.download([clients.Aria2], seeded)
    shell.wait_until(lambda: f.get("uploadedEver", ids=[int(name)])[0]["uploadedEver"] >= 8 << 20,
                     10, "uploadedEver")
    text = f.remote("-t", name, "-i")
    for line in ("Name: added.bin", "Percent Done: 100%", "Labels: iso, linux",
                 seeded.info_hash.hex(), "Uploaded: 8.39 MB",
                 "Location: " + os.path.dirname(seeded.path)):
        assert line in text, (line, text)
    line = [w for w in f.remote("-l").splitlines() if "added.bin" in w][0]
    assert "100%" in line and "8.39 MB" in line, line


def test_stop_and_start(f):
    seeded = f.content("paused.bin")
    name = f.add(seeded)
    f.remote("-t", name, "-S")
    assert f.status(name) == 0 and "Stopped" in f.remote("-l")
    assert f.s.daemon.json("show", "paused.bin")["torrent"]["state"] == "paused"
    f.remote("-t", name, "-s")
    shell.wait_until(lambda: f.status(name) == 6, 5, "seeding")
    f.s.download([clients.Aria2], seeded)


def test_peers_and_rates(f):
    """While a client downloads, its address, its client and its rate are told."""
    seeded = f.content("watched.bin", 8 << 20)
    name = f.add(seeded)
    with wire.Peer(f.s.client_ns, f.s.address, spillway.PORT) as peer:
        peer.handshake(seeded.info_hash)
        peer.interested()
        def rate():
            for i in range(8):
                peer.request(i, 0, BLOCK)
                peer.receive_until(wire.PIECE)
            return f.get("rateUpload", ids=[int(name)])[0]["rateUpload"]
        shell.wait_until(rate, 20, "a rate")
        told = f.get("peers", "peersConnected", ids=[int(name)])[0]
        assert told["peersConnected"] == 1 and len(told["peers"]) == 1, told
        one = told["peers"][0]
        assert one["address"] == f.s.lab.client_ip and one["flagStr"] == "UI", one
        assert one["clientName"].startswith("TorrentStorm") and one["isUploadingTo"], one
        assert f.s.lab.client_ip in f.remote("-t", name, "-ip")
        assert "Seeding" in f.remote("-l") and int(name) in _recent(f)
        assert f.api.call("session-stats")["uploadSpeed"] > 0


def _recent(f):
    """Ids of what is recently active."""
    return [t["id"] for t in f.get("id", ids="recently-active")]


def test_files_and_trackers(f):
    folder = content.odd(f.s.env.folder())
    torrent = folder + ".torrent"
    info_hash = spillway.create(f.s.env, folder, torrent, "--tracker", f.s.tracker.url)
    seeded = seeding.Seeded(folder, torrent, info_hash, f.s.tracker.url)
    name = f.add(seeded)
    text = f.remote("-t", name, "-if")
    files = f.get("files", ids=[int(name)])[0]["files"]
    assert f"{seeded.name} ({len(files)} files):" in text, text
    for file in files:
        assert file["name"] in text and file["bytesCompleted"] == file["length"], file
    assert f.s.tracker.url.split("/announce")[0] in f.remote("-t", name, "-it")
    pieces = f.get("pieces", "pieceCount", ids=[int(name)])[0]
    bits = base64.b64decode(pieces["pieces"])
    assert sum(bin(b).count("1") for b in bits) == pieces["pieceCount"]


def test_verify_finds_rot(f):
    """After -v the pieces that changed on disk are not had any more."""
    seeded = f.content("rotten.bin")
    name = f.add(seeded)
    stamp = os.stat(seeded.path)
    with open(seeded.path, "r+b") as file:
        file.seek(1 << 20)
        file.write(b"\0" * 100)
    os.utime(seeded.path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    f.remote("-t", name, "-v")
    shell.wait_until(lambda: 0 < f.get("percentDone", ids=[int(name)])[0]["percentDone"] < 1, 20,
                     "a piece less")


def test_limits_of_a_torrent(f):
    name = f.add(f.content("limited.bin"))
    f.remote("-t", name, "-u", "500", "-pr", "7")
    torrent = f.s.daemon.json("show", "limited.bin")["torrent"]
    assert torrent["rate_bytes_per_s"] == 500000 and torrent["connections_max"] == 7, torrent
    text = f.remote("-t", name, "-i")
    assert "Upload Limit: 500 kB/s" in text and "Peer limit: 7" in text, text
    f.remote("-t", name, "-U", "-Bh")
    torrent = f.s.daemon.json("show", "limited.bin")["torrent"]
    assert torrent["rate_bytes_per_s"] == 0 and torrent["weight"] == 200, torrent


def test_limits_of_the_session(f):
    """-u holds at once, and can be switched off and on; the download is as slow as it says."""
    seeded = f.content("slowed.bin", 3 << 20)
    f.add(seeded)
    f.remote("-u", "1000")
    limits = f.s.daemon.json("limit")["limits"]
    assert limits["global"]["rate_bytes_per_s"] == 1000000, limits
    begin = time.monotonic()
    f.s.download([clients.Aria2], seeded)
    took = time.monotonic() - begin
    f.remote("-U")
    assert took > 2, f"{took:.1f} s for 3 MiB at 1 MB/s"
    text = f.remote("-si")
    assert "Unlimited (Disabled limit: 1.00 MB/s" in text, text
    f.api.call("session-set", speed__limit__up__enabled=True)
    assert f.api.get_session("speed-limit-up", "speed-limit-up-enabled") == \
        {"speed-limit-up": 1000, "speed-limit-up-enabled": True}
    f.remote("-U", "-pr", "50")
    assert f.api.get_session("peer-limit-global") == {"peer-limit-global": 50}
    assert "4096" in f.api.refused("session-set", peer__limit__global=5000)
    f.api.call("session-set", peer__limit__global=4096)


def test_the_session(f):
    for words, line in ((("-si",), "RPC version: 17"), (("-st",), "CURRENT SESSION")):
        assert line in f.remote(*words)
    for words in (("--exit",), ("-t", "all", "--remove-and-delete"), ("-er",),
                  ("-a", "magnet:?xt=urn:btih:" + "a" * 40)):
        assert "Error" in f.remote(*words, check=False), words
    seeded = f.content("dir.bin")
    f.remote("--start-paused")
    name = f.add(seeded)
    assert f.status(name) == 0, "served at once"
    f.remote("--no-start-paused")
    f.remote("-t", name, "-r")
    path = os.path.dirname(seeded.path)
    f.remote("-w", path)
    assert f.api.get_session("download-dir") == {"download-dir": path}
    assert f.api.call("free-space", path=path)["size-bytes"] > 0


def test_recently_active_costs_what_changed(f):
    """Only what changed is told, and what was removed."""
    seeded = [f.content(f"recent{i}.bin", 100000) for i in range(3)]
    names = [f.add(s) for s in seeded]
    assert {int(n) for n in names} <= set(_recent(f))
    f.remote("-t", names[0], "-r")
    answer = f.api.call("torrent-get", fields=["id"], ids="recently-active")
    assert int(names[0]) in answer["removed"], answer
    assert int(names[0]) not in [t["id"] for t in answer["torrents"]]


def test_table_and_hashes(f):
    seeded = f.content("table.bin", 100000)
    name = f.add(seeded)
    rows = f.get("id", "name", "no-such-field", ids=[seeded.info_hash.hex()], format="table")
    assert rows == [["id", "name"], [int(name), "table.bin"]], rows
    duplicate = f.remote("-a", seeded.torrent, "-w", os.path.dirname(seeded.path))
    assert "success" in duplicate and len(f.get("id")) == 1
