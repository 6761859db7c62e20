# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock clients and what the operator wants of torrents: a paused one is served to nobody, of a
partial seed what is there."""

import contextlib
import os
import shutil
import time

import clients
import content
import seeding
import shell
import spillway
import wire

MIB = 1 << 20


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env) as s:
        yield s


def check(s):
    s.check_dataplane()


def _peers(s):
    return s.daemon.stats()["totals"]["peers"]


def test_paused_and_started(s):
    """A paused torrent is served to nobody, a started one as before; who is there is cut off."""
    seeded = s.seed(content.single(s.env.folder(), 4 * MIB, "pause.bin"))
    s.daemon.cli("pause", "pause.bin")
    client = s.start_client(clients.Aria2, seeded)
    try:
        time.sleep(3)
        assert not client.finished() and _peers(s) == 0, "served while paused"
        assert s.daemon.json("show", "pause.bin")["torrent"]["uploaded_bytes"] == 0
    finally:
        client.stop()
    s.daemon.cli("start", "pause.bin")
    s.download([clients.Aria2], seeded)
    with wire.Peer(s.client_ns, s.address, spillway.PORT) as peer:
        peer.handshake(seeded.info_hash)
        peer.interested()
        s.daemon.cli("pause", "pause.bin")
        assert peer.is_closed(), "the peer of a paused torrent is not let go"


def test_partial_seed(s):
    """Clients get the files that are there, byte for byte, and the rest once it is there too."""
    root = os.path.join(s.env.folder(), "parts")
    os.mkdir(root)
    for name in ("a.bin", "b.bin", "c.bin"):
        content.write_file(os.path.join(root, name), 2 * MIB, name)
    seeded = s.seed(root, "--piece-length", "64KiB")
    s.daemon.cli("remove", "parts")
    away = os.path.join(s.env.folder(), "b.bin")
    shutil.move(os.path.join(root, "b.bin"), away)
    done = s.daemon.cli("add", seeded.torrent, "--data", os.path.dirname(root), "--partial")
    assert "32 of 96 pieces are missing" in done.stderr, done
    for kind in (clients.Aria2, clients.Libtorrent):
        client = s.start_client(kind, seeded)
        copy = os.path.join(client.data, "parts")

        def has(name):
            for path in (os.path.join(copy, name), os.path.join(copy, name + ".part")):
                if os.path.exists(path) and content.digests(path) == \
                        content.digests(os.path.join(root, name)):
                    return True
            return False
        try:
            shell.wait_until(lambda: has("a.bin") and has("c.bin"), 60,
                             f"{kind.program} has what there is", pause=0.2)
            assert not client.finished()
        finally:
            client.stop()
    shutil.move(away, os.path.join(root, "b.bin"))
    s.daemon.cli("add", seeded.torrent, "--data", os.path.dirname(root))
    s.download([clients.Aria2], seeded)
