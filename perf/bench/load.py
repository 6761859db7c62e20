# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The load: what the generator is asked to do, and one run of it."""

import contextlib
import ipaddress
import json
import os

from shell import CommandError, start, stop, tail, wait_until
from spillway import PORT

SOURCES = ipaddress.ip_network("10.96.0.0/12")  # addresses that are the generator's
QUANTILES = {"p10_us": 0.1, "p50_us": 0.5, "p90_us": 0.9, "p99_us": 0.99, "p99_9_us": 0.999,
             "p99_99_us": 0.9999}


class Load:
    """So many peers that ask for so much, for so long, after as long as it takes to settle."""

    settle_s = 0

    def __init__(self, connections, seconds, outstanding=64, words=()):
        self.connections = connections
        self.seconds = seconds
        self.outstanding = outstanding
        self.words = list(words)

    def options(self):
        """The generator's options, but for where the seeder is and what it seeds."""
        return ["--json", "--settle", str(self.settle_s), "--connections", str(self.connections),
                "--seconds", str(self.seconds), "--outstanding", str(self.outstanding),
                *self.words]


def sources_add(lab):
    """The generator may come from as many addresses as it has peers, all at once."""
    lab.seeder.run(["sysctl", "-qw", "net.core.somaxconn=8192",
                    "net.ipv4.tcp_max_syn_backlog=16384"])
    lab.client.ip("route", "add", "local", str(SOURCES), "dev", "lo")
    lab.seeder.ip("route", "add", str(SOURCES), "via", lab.client_ip)


def quantiles(buckets):
    """QUANTILES of a histogram, a list of (upper edge, count) in order; {} of an empty one."""
    total = sum(count for _, count in buckets)
    out, below = {}, 0
    left = dict(QUANTILES)
    for edge, count in buckets:
        below += count
        for name in [n for n, part in left.items() if below >= part * total]:
            out[name] = edge
            del left[name]
    return out


def without_buckets(seen):
    """Takes the buckets out of a report; returns the quantiles of its latency."""
    buckets = seen["last_byte"]["buckets"]
    for name in ("connect", "first_byte", "last_byte"):
        del seen[name]["buckets"]
    return quantiles(buckets)


def report_of(text, status):
    """What the generator printed: its report, its complaints as one text, quantiles of latency.

    CommandError when it has no report."""
    lines = text.splitlines()
    report = [line for line in lines if line.startswith("{")]
    complaint = tail("\n".join(line for line in lines if not line.startswith("{")), 3)
    if not report:
        raise CommandError(complaint or f"spillway-leech ended with status {status}")
    seen = json.loads(report[-1])
    return seen, complaint.strip(), without_buckets(seen)


class Generator:
    """spillway-leech in the lab's client namespace, on one CPU when told so."""

    def __init__(self, build, folder, cpu=None):
        self._binary = os.path.join(build, "perf", "spillway-leech")
        self._folder = folder
        self._cpu = cpu
        self._used = 1

    def _source(self, count):
        """So many addresses without a connection lately: Transmission refuses those that had."""
        if self._used + count >= SOURCES.num_addresses:
            self._used = 1
        first = SOURCES[self._used]
        self._used += count
        return f"{first}/{count}"

    def _torrents(self, content):
        if len(content.torrent_paths) == 1:
            return ["--torrent", content.torrent_path]
        path = os.path.join(self._folder, "torrents.list")
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(p + "\n" for p in content.torrent_paths)
        return ["--torrents", path]

    def _place(self, lab, seeder, load):
        if seeder.far_port:
            return ["--port", seeder.far_port, "--local", lab.spare_ip,
                    *([] if seeder.huge else ["--no-huge"])]
        return ["--local", self._source(load.connections)]

    def command(self, lab, seeder, content, load):
        """The command line."""
        pin = ["--cpu", str(self._cpu)] if self._cpu is not None else []
        return [self._binary, "--connect", f"{lab.seeder_ip}:{PORT}", *self._torrents(content),
                *(["--http"] if seeder.http else []), *load.options(),
                *self._place(lab, seeder, load), *pin]

    def run(self, lab, seeder, content, load):
        """From start to end; what running() tells."""
        with self.running(lab, seeder, content, load) as wait:
            return wait()

    @contextlib.contextmanager
    def running(self, lab, seeder, content, load):
        """It runs inside the block. Yields a function that waits for its end and returns what it
        saw, its exit status, its complaints and the quantiles of its latency."""
        ns = lab.seeder if seeder.far_port else lab.client  # sockets are known in one namespace
        log = os.path.join(self._folder, "leech.log")
        open(log, "wb").close()
        process = start(ns.command(self.command(lab, seeder, content, load)), log)
        limit = load.settle_s + load.seconds + 60

        def wait():
            wait_until(lambda: process.poll() is not None, limit,
                       "spillway-leech does not end", pause=0.01)
            with open(log, encoding="utf-8", errors="replace") as f:
                seen, complaint, latency = report_of(f.read(), process.returncode)
            return seen, process.returncode, complaint, latency

        try:
            yield wait
        finally:
            stop(process)
