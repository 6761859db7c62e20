# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A peer that takes all it can get of a torrent, over and over, and counts it."""

import threading
import time

import wire

BLOCK = 16384
AHEAD = 64           # requests waiting


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


def rates(takers, seconds, settle_s=1.0):
    """Bytes per second that each of them took, over some seconds."""
    time.sleep(settle_s)
    begin, before = time.monotonic(), [t.bytes for t in takers]
    time.sleep(seconds)
    after, span = [t.bytes for t in takers], time.monotonic() - begin
    return [(b - a) / span for a, b in zip(before, after)]
