# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A lab where Spillway seeds with two workers."""

import contextlib

import lab
import seeding
import shell
import spillway
import wire

WORKERS = 2


@contextlib.contextmanager
def af_packet(env, **options):
    """Seeding over af_packet, which spreads flows over its sockets by their hash."""
    with lab.Lab(seeder_address=False) as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_packet:{the_lab.seeder_if}",
                                   address=the_lab.spare_ip, workers=WORKERS, **options)
        with seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.spare_ip, the_lab.client) as s:
            yield s


def counters(s, name):
    """A counter of each worker."""
    return [w["counters"][name] for w in s.daemon.stats()["workers"]]


def check_steering(s):
    """Raises when a segment of a connection came to a worker that does not have it."""
    for name in ("tcp_no_connection", "tcp_cookies_bad"):
        counted = counters(s, name)
        assert counted == [0] * WORKERS, f"{name}: {counted}"


class Spread:
    """Peers of the wire at every worker, as peers[worker]; a context manager."""

    def __init__(self, s, seeded, reserved=wire.RESERVED_ALL):
        self.peers = [None] * WORKERS
        self._all = []
        try:
            for _ in range(32):
                if all(self.peers):
                    return
                self._open(s, seeded, reserved)
            raise shell.CommandError(f"all peers came to one worker: {counters(s, 'peers')}")
        except BaseException:
            self.close()
            raise

    def _open(self, s, seeded, reserved):
        before = counters(s, "peers_handshaken")
        peer = wire.Peer(s.client_ns, s.address, spillway.PORT)
        self._all.append(peer)
        peer.handshake(seeded.info_hash, reserved)

        def where():
            after = counters(s, "peers_handshaken")
            return [w for w in range(WORKERS) if after[w] > before[w]]
        worker = shell.wait_until(where, 5, "the peer is counted")[0]
        self.peers[worker] = self.peers[worker] or peer

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for peer in self._all:
            peer.close()
