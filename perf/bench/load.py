# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The load: what the generator is asked to do, and one run of it."""

import contextlib
import functools
import ipaddress
import json
import os

from shell import CommandError, run, stop, tail, tail_file, wait_until
from spillway import PORT

SOURCES = ipaddress.ip_network("10.96.0.0/12")  # addresses that are the generator's
GROUPS_MAX = 32


class Load:
    """So many peers that ask for so much, for so long, after as long as it takes to settle."""

    settle_s = 0

    def __init__(self, connections, seconds, outstanding=64, words=()):
        self.connections = connections
        self.seconds = seconds
        self.outstanding = outstanding
        self.words = list(words)

    def words_for(self, connections):
        """The options of the generator, but for where the seeder is and what it seeds."""
        settle = ["--settle", str(self.settle_s)] if self.settle_s else []
        return ["--json", *settle, "--connections", str(connections),
                "--seconds", str(self.seconds),
                "--outstanding", str(self.outstanding), *self.words]


@functools.cache
def knows(build, option):
    """True when this build's generator has the option."""
    return option in run([binary(build), "--help"]).stdout


def binary(build):
    return os.path.join(build, "perf", "spillway-leech")


def sources_add(lab):
    """The generator may come from as many addresses as it has peers."""
    lab.seeder.run(["sysctl", "-qw", "net.core.somaxconn=8192",
                    "net.ipv4.tcp_max_syn_backlog=16384"])
    lab.client.ip("route", "add", "local", str(SOURCES), "dev", "lo")
    lab.seeder.ip("route", "add", str(SOURCES), "via", lab.client_ip)


def groups(connections, torrents):
    """The connections divided over so many of the torrents as there are, or GROUPS_MAX."""
    count = min(connections, torrents, GROUPS_MAX)
    return [connections // count + (i < connections % count) for i in range(count)]


def _target(lab, seeder, content, index, count):
    words = ["--connect", f"{lab.seeder_ip}:{PORT}",
             "--torrent", content.torrent_paths[index * len(content.torrent_paths) // count]]
    return words + (["--http"] if seeder.http else [])


def _figures(text, status):
    report = [line for line in text.splitlines() if line.startswith("{")]
    complaint = "\n".join(line for line in text.splitlines() if not line.startswith("{"))
    if not report:
        raise CommandError(tail(complaint, 3) or f"spillway-leech ended with status {status}")
    return json.loads(report[-1]), status, complaint


def merged(parts):
    """One report of several generators that ran at the same time.

    Counts are added. The goodput is that of all bytes over the longest of the times. A latency
    quantile is the highest of the parts': exact only for the largest latency of all.
    """
    if len(parts) == 1:
        return parts[0]
    out = dict(parts[0])
    for name in out:
        if name.startswith("latency_") or name == "seconds":
            out[name] = max(p[name] for p in parts)
        elif name.endswith("_cnt") or name in ("payload_bytes", "connections", "cpu_user_s",
                                               "cpu_system_s"):
            out[name] = sum(p[name] for p in parts)
    rates = [p["payload_bytes"] / p["connections"] for p in parts]
    squares = sum(r * r * p["connections"] for r, p in zip(rates, parts))
    out["jain"] = out["payload_bytes"] ** 2 / (out["connections"] * squares) if squares else 0.0
    out["goodput_bytes_per_s"] = out["payload_bytes"] / out["seconds"] if out["seconds"] else 0.0
    out["generators"] = len(parts)
    return out


class Generator:
    """spillway-leech in the lab's client namespace, on one CPU when told so."""

    def __init__(self, build, folder, cpu=None):
        self.build = build
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

    def able(self, load):
        """The load as this build's generator can make it: without settling, it counts all."""
        if knows(self.build, "--settle"):
            return load
        return Load(load.connections, load.seconds + load.settle_s, load.outstanding, load.words)

    def _commands(self, lab, seeder, content, load):
        parts = groups(load.connections, len(content.torrent_paths))
        if seeder.far_port:
            cpu = ["--cpu", str(self._cpu)] if self._cpu is not None else []
            return [[binary(self.build), *_target(lab, seeder, content, 0, 1),
                     *load.words_for(load.connections), "--port", seeder.far_port,
                     "--local", lab.spare_ip, *cpu, *([] if seeder.huge else ["--no-huge"])]]
        return [[binary(self.build), *_target(lab, seeder, content, index, len(parts)),
                 *load.words_for(connections), "--bind", self._source(connections)]
                for index, connections in enumerate(parts)]

    def _pinned(self, command):
        return command if self._cpu is None else ["taskset", "-c", str(self._cpu), *command]

    def run(self, lab, seeder, content, load):
        """From start to end: what it saw, its exit status and its complaints."""
        with self.running(lab, seeder, content, load) as wait:
            return wait()

    @contextlib.contextmanager
    def running(self, lab, seeder, content, load):
        """It runs inside the block. Yields a function that waits for its end and returns what it
        saw, its exit status and its complaints."""
        load = self.able(load)
        if seeder.http and not knows(self.build, "--http"):
            raise CommandError("this build's spillway-leech does not speak HTTP")
        commands = self._commands(lab, seeder, content, load)
        limit = load.settle_s + load.seconds + 60
        logs = [os.path.join(self._folder, f"leech-{i}.log") for i in range(len(commands))]
        ns = lab.seeder if seeder.far_port else lab.client  # sockets are known in one namespace
        started = []
        try:
            for command, path in zip(commands, logs):
                open(path, "wb").close()
                started.append(ns.start(self._pinned(command), path))
            yield lambda: self._wait(started, logs, limit)
        finally:
            for process in started:
                stop(process)

    @staticmethod
    def _wait(started, logs, limit):
        wait_until(lambda: all(p.poll() is not None for p in started), limit,
                   "spillway-leech does not end", pause=0.01)
        parts = [_figures(tail_file(path), p.returncode) for path, p in zip(logs, started)]
        complaints = "\n".join(dict.fromkeys(filter(None, (p[2] for p in parts))))
        return merged([p[0] for p in parts]), max(p[1] for p in parts), tail(complaints, 3)
