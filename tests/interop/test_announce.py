# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock clients find Spillway by what it tells a stock tracker, over HTTP and UDP."""

import contextlib

import clients
import content
import seeding
import shell
import spillway
import tracker

# aria2 asks UDP trackers only when it has a DHT, which clients.py takes away; Transmission takes
# its time before the first announce: once is enough.
MIX = {"http": [clients.Aria2, clients.Transmission, clients.Libtorrent],
       "udp": [clients.Libtorrent]}


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env, announce_rate=1000, tracker_scrape=1) as s:
        s.tracker.close()
        s.tracker = tracker.OpenTracker(env, s.client_ns, s.lab.client_ip)
        yield s


def check(s):
    s.check_dataplane()


def _seeded(s, scheme, name):
    """A torrent that the tracker knows of, once it names us."""
    s.tracker.url = f"{scheme}://{s.lab.client_ip}:{s.tracker.port}/announce"
    seeded = s.seed(content.single(s.env.folder(), 20 << 20, name))
    us = (s.lab.seeder_ip, spillway.PORT)
    shell.wait_until(lambda: us in s.tracker.peers(seeded.info_hash), 10,
                     f"{us} among the tracker's peers")
    return seeded


def _downloads(scheme):
    def test(s):
        seeded = _seeded(s, scheme, f"found by {scheme}")
        s.download(MIX[scheme], seeded)
        shell.wait_until(lambda: s.daemon.json("show", seeded.info_hash.hex())["torrent"]
                         ["announce"][0]["downloaded"] is not None, 10, "a scrape")
        shown = s.daemon.cli("show", seeded.info_hash.hex()).stdout
        assert f"tracker       {s.tracker.url}\n" in shown and "tier 1, working" in shown, shown
    return test


def cases():
    for scheme in ("http", "udp"):
        yield f"found by {scheme} announces", _downloads(scheme)


def test_removed_is_no_longer_named(s):
    seeded = _seeded(s, "udp", "to be removed")
    s.daemon.cli("remove", seeded.info_hash.hex())
    shell.wait_until(lambda: not s.tracker.peers(seeded.info_hash), 10, "our leaving")


def test_unlisted_is_refused_in_words(s):
    seeded = _seeded(s, "http", "listed")
    path = content.single(s.env.folder(), 100000, "unlisted")
    torrent = path + ".torrent"
    spillway.create(s.env, path, torrent, "--tracker", s.tracker.url)
    s.daemon.add(torrent, path.rsplit("/", 1)[0])
    row = shell.wait_until(lambda: [r for r in s.daemon.json("show", "unlisted")["torrent"]
                                    ["announce"] if r["state"] == "failing"], 10, "a refusal")[0]
    assert "not authorized" in row["text"], row
    shell.wait_until(lambda: s.daemon.json("show", seeded.info_hash.hex())["torrent"]
                     ["announce"][0]["state"] == "working", 10, "the other one is not refused")
