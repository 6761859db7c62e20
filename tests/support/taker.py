# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A peer that takes all it can get of a torrent, over and over, and counts it."""

import threading
import time

import shell
import wire

BLOCK = 16384
AHEAD = 64           # requests waiting
BELOW, ABOVE = 0.6, 1.06  # of a limit: message heads are counted too, and a burst at both ends


class Taker:
    """In a thread, inside the block. bytes: of content, so far."""

    def __init__(self, s, seeded, blocks, piece_len=32768):
        self.peer = wire.Peer(s.client_ns, s.address, 6881, 30)
        self.info_hash = seeded.info_hash
        self.blocks = blocks
        self.per_piece = piece_len // BLOCK
        self.bytes = 0
        self.asked = 0
        self.ended = None
        self.stopping = False
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.peer.handshake(self.info_hash)
        self.peer.interested()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping = True
        self.thread.join()
        self.peer.close()

    def gets_more(self):
        """Returns once more has come."""
        before = self.bytes
        shell.wait_until(lambda: self.bytes > before or self.ended, 10, "more for a taker")
        assert not self.ended, self.ended

    def _ask(self):
        block = self.asked % self.blocks
        self.asked += 1
        self.peer.request(block // self.per_piece, block % self.per_piece * BLOCK, BLOCK)

    def _run(self):
        self.peer.sock.settimeout(0.2)
        buffer = bytearray(1 << 18)
        try:
            for _ in range(AHEAD):
                self._ask()
            credit = 0
            while not self.stopping:
                try:
                    got = self.peer.sock.recv_into(buffer)
                except TimeoutError:
                    continue
                if got == 0:
                    self.ended = "closed"
                    return
                self.bytes += got
                credit += got
                while credit >= BLOCK + 13:
                    credit -= BLOCK + 13
                    self._ask()
        except ConnectionError as e:
            self.ended = str(e)


def rates(takers, seconds):
    """Bytes per second that each of them took, over some seconds."""
    begin, before = time.monotonic(), [t.bytes for t in takers]
    time.sleep(seconds)
    after, span = [t.bytes for t in takers], time.monotonic() - begin
    return [(b - a) / span for a, b in zip(before, after)]


def settle(takers, seconds, what, is_right):
    """Returns the rates once they are right over some seconds: a change takes effect when the
    machine lets it, and takers that get no CPU take nothing."""
    def right():
        got = rates(takers, seconds)
        return got if is_right(got) else None
    return shell.wait_until(right, 60, what)


def holds(takers, limit, seconds=2):
    """All of them together come to have what the limit leaves, and get no more from then on but
    what was on its way to them."""
    settle(takers, seconds, f"{limit} bytes/s for {len(takers)}",
           lambda got: limit * BELOW < sum(got) < limit * ABOVE)
    most = limit * ABOVE + len(takers) * AHEAD * BLOCK / seconds
    got = sum(rates(takers, seconds))
    assert got < most, f"{got:.0f} bytes/s of {limit}"
