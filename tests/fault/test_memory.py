# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Memory for blocks is a fraction of what many peers on a long, lossy path would hold: what was
sent is given up, and what was lost is read again. Every byte is right, nobody starves, and when
the peers have left every buffer is back."""

import concurrent.futures
import contextlib
import json
import os
import struct

import content
import path_lab
import seeding
import shell
import spillway
import wire

ARENA_MIB = 16       # the least that there may be
LENGTH = 48 << 20    # of the torrent: most of it is cold at any time
PEERS = 96
SECONDS = 4
STOPPED = 48         # peers that stop reading
PIECE_LEN = 256 << 10
PIECES = LENGTH // PIECE_LEN
BLOCK = 16 << 10
DELAY = {"delay_us": 50000}
FORWARD = {**DELAY, "loss_ppm": 10000, "rate_bps": 400000000, "queue_bytes": 4000000}


class Short:
    """What the tests share: a seeder with little memory at the end of a long path."""

    def __init__(self, env, lab, daemon):
        self.env = env
        self.lab = lab
        self.daemon = daemon
        self.torrent = os.path.join(env.folder(), "cold.torrent")
        path = content.single(env.folder(), LENGTH, "cold.bin")
        self.info_hash = spillway.create(env, path, self.torrent, "--piece-length",
                                         str(PIECE_LEN))
        daemon.add(self.torrent, os.path.dirname(path))
        self.path = path
        self.dataplane = daemon.dataplane_pid()

    def leech(self, *options):
        """A run of the generator that checks every piece; what it saw."""
        done = self.lab.receiver.run(
            [os.path.join(self.env.build, "perf", "spillway-leech"), "--json",
             "--connect", f"{self.lab.sender_ip}:{spillway.PORT}", "--torrent", self.torrent,
             "--verify", "all", *options], timeout=SECONDS + 90, check=False)
        assert done.stdout.startswith("{"), shell.tail(done.stderr)
        return json.loads(done.stdout)


@contextlib.contextmanager
def fixture(env):
    with path_lab.PathLab() as lab:
        daemon = spillway.Spillway(env, lab.sender, "af_xdp:" + path_lab.SENDER_IF,
                                   arena_mib=ARENA_MIB, connections_max=512)
        relay = lab.relay(env, FORWARD, DELAY, ["--seed", "7"])
        try:
            with seeding.started(daemon):
                yield Short(env, lab, daemon)
        finally:
            relay.stop()


def check(s):
    """The dataplane lives, and has all of its buffers back."""
    assert s.daemon.dataplane_pids() == [s.dataplane], "the dataplane died"
    shell.wait_until(lambda: _settled(s.daemon.counters()), 20, "everything let go")


def _settled(counters):
    return (counters["peers"] == 0 and counters["disk_reading"] == 0
            and counters["tcp_connections"] == 0
            and counters["arena_free"] == counters["arena_buffers"])


def _grown(s, before):
    after = s.daemon.counters()
    return {name: after[name] - before[name] for name in after}


def _unharmed(seen, grown):
    """All pieces were right, and nobody was reset for want of memory."""
    assert seen["pieces_ok_cnt"] > 0 and seen["pieces_failed_cnt"] == 0, seen
    lost = seen["closed_cnt"] + seen["protocol_error_cnt"] + seen["connect_failed_cnt"]
    assert lost == 0, f"{lost} connections were lost"
    for name in ("rereads_gone", "stalled_reclaimed", "tcp_timeouts"):
        assert grown[name] == 0, f"{name}: {grown[name]}"


def test_many_peers_on_a_lossy_path(s):
    before = s.daemon.counters()
    seen = s.leech("--connections", str(PEERS), "--seconds", str(SECONDS), "--order", "random")
    grown = _grown(s, before)
    _unharmed(seen, grown)
    assert grown["tcp_given_up"] > 0, "memory was never short"
    assert grown["rereads"] > 0, "nothing that was given up was sent again"
    assert seen["connection_min_bytes_per_s"] > 0, "somebody starved"


def _blocks(number):
    """What a peer asks for: blocks that no other asks for, of pieces all over the torrent."""
    return [((number * 4 + i % 4) % PIECES, i // 4 * 2 * BLOCK, BLOCK) for i in range(32)]


def _asking(s, number):
    """A peer that has asked for its blocks and reads nothing of them."""
    peer = wire.Peer(s.lab.receiver, s.lab.sender_ip, spillway.PORT, 30)
    peer.handshake(s.info_hash)
    peer.interested()
    for block in _blocks(number):
        peer.request(*block)
    return peer


def _reads_on(s, peer, number):
    """The peer gets every block that it asked for, and every byte is right."""
    due = set(_blocks(number))
    with open(s.path, "rb") as f:
        while due:
            body = peer.receive_until(wire.PIECE)
            piece, begin = struct.unpack("!II", body[:8])
            due.remove((piece, begin, len(body) - 8))
            f.seek(piece * PIECE_LEN + begin)
            assert f.read(len(body) - 8) == body[8:], f"piece {piece} at {begin} is wrong"


def test_readers_that_stop_and_go_on(s):
    """What waits for those who take nothing is given up for those who do, and read again."""
    before = s.daemon.counters()
    with contextlib.ExitStack() as stack:
        threads = stack.enter_context(concurrent.futures.ThreadPoolExecutor(STOPPED))
        stopped = list(threads.map(lambda number: _asking(s, number), range(STOPPED)))
        for peer in stopped:
            stack.enter_context(peer)
        seen = s.leech("--connections", "32", "--seconds", str(SECONDS), "--order", "random")
        _unharmed(seen, _grown(s, before))
        list(threads.map(lambda number: _reads_on(s, stopped[number], number), range(STOPPED)))
    assert _grown(s, before)["rereads"] > 0, "nothing that was given up was sent"
