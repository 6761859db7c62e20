# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock clients download every shape of content over af_xdp, alone and twenty at once."""

import contextlib
import itertools
import os

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
    with seeding.af_xdp(env, pex="no") as s:  # each takes all from Spillway
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


def alone(name):
    return lambda s: s.download([clients.ALL[name]], s.torrents["single file"])


def unreadable(name):
    def test(_):
        raise harness.Skip(HYBRID_UNREADABLE[name])
    return test


def test_shapes_and_a_magnet_link_one_of_each_client(s):
    """All at once: most of a client's time is its own waiting."""
    files = s.torrents["2000 files"]
    before = s.daemon.counter("metadata_served")
    s.download_each([(kind, torrent, source) for kind in seeding.MIX for torrent, source in (
        (s.torrents["odd sizes"], None), (files, None), (files, files.magnet))])
    pieces = -(-os.path.getsize(files.torrent) // 16384)
    served = s.daemon.counter("metadata_served") - before
    assert served >= 4 * (pieces - 1), f"only {served} metadata pieces were served"


def test_hybrid_libtorrent_and_rtorrent(s):
    """By both, at once: the torrent's files as version 1 has them, pads between."""
    s.download([clients.Libtorrent, clients.Rtorrent], s.torrents["hybrid"])


def test_twenty_at_once_two_shapes(s):
    shapes = itertools.cycle([s.torrents["single file"], s.torrents["odd sizes"]])
    s.download_each([(kind, torrent, None) for kind in seeding.MIX
                     for torrent in itertools.islice(shapes, 5)])


def test_read_amplification(s):
    """Twenty clients share reads: fewer bytes are read than sent."""
    before = s.daemon.counters()
    s.download([clients.Libtorrent] * 5, s.torrents["single file"])
    after = s.daemon.counters()
    read = after["disk_bytes"] - before["disk_bytes"]
    sent = after["payload_bytes"] - before["payload_bytes"]
    assert sent >= 5 * (24 << 20), f"{sent} bytes sent"
    assert read <= sent, f"read {read} bytes to send {sent}"


def cases():
    for name in clients.ALL:
        if name != "transmission":  # a quarter of a minute, and it is among the twenty
            yield f"single file, {name} alone", alone(name)
    for name in HYBRID_UNREADABLE:
        yield f"hybrid, {name}", unreadable(name)
