# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The seeders under measurement. Each starts in the lab's seeder namespace, pinned to one CPU."""

import json
import os

import procfs
import spillway
from shell import CommandError, run, start, stop, tail_file, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ARENA_MIB = 256


class Content:
    """What is seeded: a file, its folder and its .torrent."""

    def __init__(self, folder, torrent_path):
        self.folder = folder
        self.torrent_path = torrent_path


class _Env:
    """What the shared helper asks of its surroundings."""

    def __init__(self, build, folder, huge):
        self.build = build
        self.huge = huge
        self.folder = lambda: folder

    @staticmethod
    def watch(path):
        return path


class _Pinned(spillway.Spillway):
    """Both daemons on one CPU, and the worker's own option set to it."""

    cpu = None

    def command(self):
        words = super().command()
        if self.cpu is not None:
            words = ["taskset", "-c", str(self.cpu), *words, "--cpu", str(self.cpu)]
        return words


class Spillway:
    """spillwayd and the dataplane that it starts, on af_xdp."""

    name = "spillway"

    def __init__(self, build, folder, huge):
        self._env = _Env(build, folder, huge)
        self._daemon = None
        self.version = run([spillway.cli_path(self._env), "--version"]).stdout.split()[-1]

    def start(self, lab, content, cpu):
        self._daemon = _Pinned(self._env, lab.seeder, "af_xdp:" + lab.seeder_if, address="auto",
                               arena_mib=ARENA_MIB, connections_per_source=65536)
        self._daemon.cpu = cpu
        self._daemon.start()
        if not self._ask("list")["torrents"]:
            self._daemon.add(content.torrent_path, content.folder)
        wait_until(self._serves, 600, "spillwayd does not seed", pause=0.2)

    def _ask(self, command):
        return json.loads(self._daemon.cli("--json", command).stdout)

    def _serves(self):
        return [t["state"] for t in self._ask("list")["torrents"]] == ["seeding"]

    def pids(self):
        """The dataplane: what the cost of serving is taken from."""
        return self._daemon.dataplane_pids()

    def disk_read_bytes(self):
        return self.counters()["disk_bytes"]

    def counters(self):
        """Every counter of the dataplane, by name."""
        return self._ask("stats")["counters"]

    def stop(self):
        if self._daemon is not None:
            self._daemon.stop()
            self._daemon = None


class Libtorrent:
    """libtorrent in one Python process; its threads do all the work."""

    name = "libtorrent"

    def __init__(self, folder):
        self._log = os.path.join(folder, "libtorrent.log")
        self._process = None
        self.version = run(["/usr/bin/python3", "-c",
                            "import libtorrent; print(libtorrent.__version__)"]).stdout.strip()

    def start(self, lab, content, cpu):
        command = ["/usr/bin/python3", os.path.join(HERE, "libtorrent_seed.py"),
                   f"{lab.seeder_ip}:{spillway.PORT}", content.torrent_path, content.folder]
        if cpu is not None:
            command = ["taskset", "-c", str(cpu), *command]
        open(self._log, "wb").close()
        self._process = start(lab.seeder.command(command), self._log)
        wait_until(self._serves, 600, "libtorrent does not seed")

    def _serves(self):
        if self._process.poll() is not None:
            raise CommandError("libtorrent ended:\n" + tail_file(self._log))
        return "ready" in tail_file(self._log)

    def pids(self):
        return [self._process.pid]

    def disk_read_bytes(self):
        return procfs.process_read_bytes(self.pids())

    def stop(self):
        if self._process is not None:
            stop(self._process)
            self._process = None
