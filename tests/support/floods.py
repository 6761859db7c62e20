# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Floods at a seeder, by spillway-flood from the client's namespace of a lab."""

import contextlib
import dataclasses
import json
import os
import signal

import lab
import shell
import spillway
import wire

# The counters that a flood's packets are found in, whichever of them this dataplane has.
COUNTERS = {
    "syn": ["tcp_cookies_sent", "tcp_half_open_full"],
    "rst": ["tcp_bad_reset", "tcp_out_of_window"],
    "syn-live": ["tcp_bad_flags"],
    "icmp": ["tcp_icmp_out_of_window", "tcp_icmp_limited", "tcp_icmp_no_connection"],
    "tiny": ["tcp_segments_in"],
    "ooo": ["tcp_ooo_segments", "tcp_ooo_full"],
    "ack": ["tcp_bad_ack"],
}
# How much of it must be found there: some of a flood is lost on the way, or is a handshake.
COUNTED_PART = {kind: 0.3 for kind in COUNTERS}
CONNECTIONS = 8
FIRST_SOURCE = 100  # the last byte of the first address that the flood pretends to have


@dataclasses.dataclass
class Aim:
    """From where and at what. source: the first address that the flood pretends to have."""
    ns: lab.Netns
    iface: str
    source: str
    target: str


def at_seeder(the_lab):
    """From the client's namespace at the seeder."""
    return Aim(the_lab.client, the_lab.client_if,
               the_lab.client_ip.rsplit(".", 1)[0] + f".{FIRST_SOURCE}", the_lab.seeder_ip)


class Flood:
    """A flood that goes on until stop()."""

    def __init__(self, env, aim, kind, info_hash, rate_pps):
        self._log = env.watch(os.path.join(env.folder(), f"flood-{kind}.log"))
        hello = wire.PROTOCOL + wire.RESERVED_PLAIN + info_hash + b"-FL0001-flooding...."
        self.proc = aim.ns.start(
            [os.path.join(env.build, "perf", "spillway-flood"), kind,
             "--target", f"{aim.target}:{spillway.PORT}", "--iface", aim.iface,
             "--source", aim.source, "--hello", hello.hex(), "--connections", str(CONNECTIONS),
             "--rate", str(rate_pps)], self._log)

    def stop(self):
        """End it; what it says of itself."""
        if shell.stop(self.proc, signal.SIGINT) != 0:
            raise shell.CommandError("spillway-flood: " + shell.tail_file(self._log))
        return json.loads(shell.tail_file(self._log).splitlines()[-1])


def sit(peer, info_hash):
    """A peer asks for two megabytes and reads nothing of them."""
    peer.handshake(info_hash)
    peer.interested()
    with contextlib.suppress(TimeoutError):
        for i in range(128):
            peer.request(i % 8, i // 8 * 16384, 16384)
