# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock clients download every shape of content over af_xdp, alone and twenty at once."""

import contextlib

import clients
import content
import harness
import seeding

HYBRID_UNREADABLE = {
    "aria2": "aria2 1.36 drops the empty keys of a hybrid's file tree, so gets another info_hash",
    "transmission": "transmission 3.00 cannot parse the empty keys of a hybrid's file tree",
}


@contextlib.contextmanager
def fixture(env):
    folder = env.folder()
    with seeding.af_xdp(env) as s:
        odd = content.odd(folder)
        s.torrents = {
            "single file": s.seed(content.single(folder)),
            "odd sizes": s.seed(odd),
            "2000 files": s.seed(content.many(folder)),
            "hybrid": s.seed(odd, "--hybrid"),
        }
        yield s


def check(s):
    s.check_dataplane()


def alone(shape, name):
    def test(s):
        if shape == "hybrid" and name in HYBRID_UNREADABLE:
            raise harness.Skip(HYBRID_UNREADABLE[name])
        s.download([clients.ALL[name]], s.torrents[shape])
    return test


def magnet(name):
    def test(s):
        before = s.daemon.counter("metadata_served")
        torrent = s.torrents["2000 files"]
        s.download([clients.ALL[name]], torrent, source=torrent.magnet)
        assert s.daemon.counter("metadata_served") > before, "no metadata was served"
    return test


def cases():
    for shape in ("single file", "odd sizes", "2000 files", "hybrid"):
        for name in clients.ALL:
            yield f"{shape}, {name}", alone(shape, name)
    for name in clients.ALL:
        yield f"magnet link, {name}", magnet(name)


def test_twenty_at_once_single_file(s):
    s.download(seeding.MIX * 5, s.torrents["single file"])


def test_twenty_at_once_odd_sizes(s):
    s.download(seeding.MIX * 5, s.torrents["odd sizes"])


def test_read_amplification(s):
    """Twenty clients share reads: fewer bytes are read than sent."""
    before = s.daemon.counters()
    s.download([clients.Libtorrent] * 5, s.torrents["single file"])
    after = s.daemon.counters()
    read = after["disk_bytes"] - before["disk_bytes"]
    sent = after["payload_bytes"] - before["payload_bytes"]
    assert sent >= 5 * (24 << 20), f"{sent} bytes sent"
    assert read <= sent, f"read {read} bytes to send {sent}"
