# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A dataplane of two workers: either daemon dies, torrents come and go, content rots."""

import contextlib
import os

import content
import lab
import shell
import spillway
import two_workers
import wire

LENGTH = 4 << 20
PIECE_AT = 3 << 20
BLOCK = 16 << 10


@contextlib.contextmanager
def fixture(env):
    with two_workers.af_packet(env) as s:
        yield s


def _seed(s, name):
    seeded = s.seed(content.single(s.env.folder(), LENGTH, name))
    with open(seeded.path, "rb") as f:
        seeded.bytes = f.read()
    seeded.piece_len = s.daemon.json("show", name)["torrent"]["piece_length"]
    return seeded


def _has(seeded, peer, at):
    """The peer gets the block at a byte, compared."""
    piece, begin = divmod(at, seeded.piece_len)
    peer.request(piece, begin, BLOCK)
    got = peer.receive_until(wire.PIECE)
    assert got[8:] == seeded.bytes[at:at + BLOCK], "other bytes"


def _all_have(s, seeded):
    """A peer at each worker is served."""
    with two_workers.Spread(s, seeded) as spread:
        for peer in spread.peers:
            peer.interested()
            _has(seeded, peer, 0)


def _uploaded(s, name):
    s.daemon.stats()  # what has been counted is published
    return s.daemon.json("show", name)["torrent"]["uploaded_bytes"]


def test_control_killed(s):
    """Peers at both workers are served without control; a new one adopts both."""
    seeded = _seed(s, "control.bin")
    pid = s.daemon.dataplane_pid()
    with two_workers.Spread(s, seeded) as spread:
        for peer in spread.peers:
            peer.interested()
        s.daemon.kill_control()
        for peer in spread.peers:
            _has(seeded, peer, 0)
        s.daemon.start()
        assert s.daemon.dataplane_pids() == [pid], "the dataplane was not adopted"
        for peer in spread.peers:
            _has(seeded, peer, BLOCK)
        stats = s.daemon.stats()
        assert stats["totals"]["peers"] >= 2 and stats["totals"]["torrents_active"] == 1, stats
    _all_have(s, seeded)
    assert _uploaded(s, "control.bin") >= 6 * BLOCK


def test_dataplane_killed(s):
    """Both workers are started again and told all."""
    seeded = _seed(s, "dataplane.bin")
    _all_have(s, seeded)
    before = _uploaded(s, "dataplane.bin")
    pid = s.daemon.dataplane_pid()
    s.daemon.kill_dataplane()
    s.daemon.wait_other_dataplane(pid)
    _all_have(s, seeded)
    after = _uploaded(s, "dataplane.bin")
    assert before == 2 * BLOCK and after == 4 * BLOCK, (before, after)


def test_removed(s):
    """Peers at both workers are let go, and a new one is refused at either."""
    seeded = _seed(s, "removed.bin")
    with two_workers.Spread(s, seeded) as spread:
        s.daemon.cli("remove", "removed.bin")
        for peer in spread.peers:
            assert peer.is_closed(), "a peer of a removed torrent stays"
    shell.wait_until(lambda: two_workers.counters(s, "torrents")[0]
                     == two_workers.counters(s, "torrents")[1], 5, "both forget it")
    s.daemon.add(seeded.torrent, os.path.dirname(seeded.path))
    _all_have(s, seeded)


def _spoil(seeded):
    """Other bytes on disk from PIECE_AT on, and none of them in memory: nobody asked."""
    with open(seeded.path, "r+b") as f:
        f.seek(PIECE_AT)
        f.write(b"rotten")
        f.flush()
        os.fsync(f.fileno())


def test_withdrawn_at_both(s):
    """What one worker finds changed the other does not serve either, though it has not looked."""
    seeded = _seed(s, "rotten.bin")
    piece = PIECE_AT // seeded.piece_len
    with two_workers.Spread(s, seeded) as spread:
        for peer in spread.peers:
            peer.interested()
            _has(seeded, peer, 0)
        changed = two_workers.counters(s, "integrity_changed")
        _spoil(seeded)
        spread.peers[1].request(piece, 0, BLOCK)
        shell.wait_until(lambda: two_workers.counters(s, "pieces_withdrawn")[0] > 0, 5,
                         "withdrawn at the worker that was not asked")
        now = two_workers.counters(s, "integrity_changed")
        assert now[0] == changed[0] and now[1] == changed[1] + 1, now
        spread.peers[0].request(piece, 0, BLOCK)
        with contextlib.suppress(ConnectionError):
            while True:
                kind, payload = spread.peers[0].receive()
                assert kind != wire.PIECE, "rotten bytes were sent"
                if kind == wire.REJECT:
                    assert payload[:4] == piece.to_bytes(4, "big"), payload
                    break
        assert two_workers.counters(s, "integrity_changed") == now, "it has read them"
    shown = s.daemon.json("show", "rotten.bin")["torrent"]
    withdrawn = two_workers.counters(s, "pieces_withdrawn")
    assert shown["pieces_withdrawn"] == withdrawn[0] == withdrawn[1] > 0, (shown, withdrawn)


def test_failure_to_start_is_one_line(s):
    """A port without so many queues: refused, not half started."""
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(s.env, the_lab.seeder, "tap:wk0", workers=2,
                                   address=the_lab.spare_ip)
        done = shell.run(the_lab.seeder.command(daemon.command()), check=False, timeout=30)
        assert done.returncode == 1 and "queue" in shell.tail(done.stderr, 1), done
        assert not daemon.dataplane_pids()
