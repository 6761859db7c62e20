# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The seeders under measurement: Spillway, and what any other daemon needs to be one.

A seeder has
    name, version    what the report calls it
    guide            where the advice comes from that it is tuned by
    settings         what it was told, one "name: value" each, known once it has started
    outstanding      requests in flight per peer that it needs to be fast; 0: as anyone
    wire             what it sends on
    raw              True when it takes frames from the wire as they are
    far_port         the generator's port of DPDK at the wire's other end; None: kernel sockets
    source           a generator of its own, see load.Generator; None: the one that all have
    fresh            True when it is to be started again for each run
    http             True when it serves files, not peers
    block_bytes      of a request, as many in flight as make up the same bytes; 0: 16 KiB
    patience_s       how long it may let peers wait before it serves the first of them
    join()           to be called once the generator runs
    start(lab, content, cpu), pids(), disk_read_bytes(), memory_bytes(), stop()
and starts in the lab's seeder namespace, with all its threads on one CPU.
"""

import json
import os

import procfs
import spillway
from shell import CommandError, run, start, stop, tail_file, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ARENA_MIB = 256
READY_S = 900


class Content:
    """What is seeded: the files of a folder, and a .torrent for each of the things in it."""

    def __init__(self, folder, torrent_paths, total_bytes=0):
        self.folder = folder
        self.torrent_paths = torrent_paths
        self.total_bytes = total_bytes

    @property
    def torrent_path(self):
        return self.torrent_paths[0]

    def files(self):
        """The paths of all files."""
        return [os.path.join(top, name) for top, _, names in os.walk(self.folder)
                for name in names]


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
    """spillwayd and the dataplane that it starts, on af_xdp unless told otherwise."""

    name = "spillway"
    process = "spillway-dp"
    guide = "configs/default.conf"
    wire = "veth, af_xdp"
    raw = True
    fresh = http = False
    far_port = source = None
    outstanding = block_bytes = 0
    patience_s = 0

    def __init__(self, build, folder, huge, **options):
        self._env = _Env(build, folder, huge)
        self._daemon = None
        self.huge = huge
        self._options = {"address": "auto", "arena_mib": ARENA_MIB,
                         "connections_per_source": 65536, "connections_max": 8192,
                         "active_max": 4096, **options}
        self.settings = []
        self.version = run([spillway.cli_path(self._env), "--version"]).stdout.split()[-1]

    def port_options(self, lab):
        """Where it is on the network."""
        return {"port": "af_xdp:" + lab.seeder_if}

    def start(self, lab, content, cpu):
        options = {**self._options, **self.port_options(lab)}
        self._daemon = _Pinned(self._env, lab.seeder, **options)
        self._daemon.cpu = cpu
        self.settings = [f"{k}: {v}" for k, v in {**options, "huge": self._env.huge}.items()]
        self._daemon.start()
        if not self._ask("list")["torrents"]:
            for path in content.torrent_paths:
                self._daemon.cli("add", path, "--data", content.folder, "--detach")
        wait_until(lambda: self._serves(len(content.torrent_paths)), READY_S,
                   "spillwayd does not seed", pause=0.2)

    def join(self):
        pass

    def _ask(self, command):
        return json.loads(self._daemon.cli("--json", command).stdout)

    def _serves(self, count):
        return [t["state"] for t in self._ask("list")["torrents"]] == ["seeding"] * count

    def pids(self):
        """The dataplane: what the cost of serving is taken from."""
        return self._daemon.dataplane_pids(self.process)

    def disk_read_bytes(self):
        return self.counters()["disk_bytes"]

    def memory_bytes(self):
        return procfs.memory_bytes(self.pids())

    def counters(self):
        """Every counter of the dataplane, by name."""
        return self._ask("stats")["counters"]

    def stop(self):
        if self._daemon is not None:
            if self._daemon.proc is not None:
                self._daemon.stop()
            self._daemon = None


class Daemon:
    """A seeder of one process, whose threads do all the work; subclasses say which."""

    name = guide = ""
    wire = "veth"
    raw = fresh = http = False
    far_port = source = None
    outstanding = block_bytes = 0
    patience_s = 0

    def __init__(self, folder):
        self._folder = folder
        self._log = os.path.join(folder, self.name + ".log")
        self._process = None
        self.settings = []
        self.version = self.ask_version()

    def ask_version(self):
        """The program's own word for it; CommandError or OSError when it is not installed."""
        raise NotImplementedError

    def command(self, lab, content):
        """The command line; sets settings."""
        raise NotImplementedError

    def serves(self, lab, content):
        """True when everything is offered to peers."""
        raise NotImplementedError

    def after_start(self, lab, content):
        """What is to be done once the process runs."""

    def start(self, lab, content, cpu):
        command = self.command(lab, content)
        if cpu is not None:
            command = ["taskset", "-c", str(cpu), *command]
        open(self._log, "wb").close()
        environment = {**os.environ, "HOME": self._folder, "TERM": "dumb"}
        self._process = start(lab.seeder.command(command), self._log, env=environment)
        self.after_start(lab, content)
        self.wait_until(lambda: self.serves(lab, content), READY_S)

    def join(self):
        pass

    def wait_until(self, condition, seconds):
        """Until the condition holds; what the process said last when it ends before."""
        def alive():
            if self._process.poll() is not None:
                raise CommandError(f"{self.name} ended with status {self._process.returncode}\n"
                                   + tail_file(self._log))
            return condition()

        wait_until(alive, seconds, f"{self.name} does not seed", pause=0.1)

    def pids(self):
        return [self._process.pid]

    def disk_read_bytes(self):
        return procfs.process_read_bytes(self.pids())

    def memory_bytes(self):
        return procfs.memory_bytes(self.pids())

    def stop(self):
        if self._process is not None:
            stop(self._process)
            self._process = None


class Libtorrent(Daemon):
    """libtorrent in one Python process that only waits."""

    name = "libtorrent"
    guide = "libtorrent.org/tuning-ref.html; settings of perf/bench/libtorrent_seed.py"

    def ask_version(self):
        return run(["/usr/bin/python3", "-c",
                    "import libtorrent; print(libtorrent.__version__)"]).stdout.strip()

    def command(self, lab, content):
        script = os.path.join(HERE, "libtorrent_seed.py")
        self.settings = run(["/usr/bin/python3", script, "--settings"]).stdout.splitlines()
        listed = os.path.join(self._folder, "torrents")
        with open(listed, "w", encoding="utf-8") as f:
            f.writelines(path + "\n" for path in content.torrent_paths)
        return ["/usr/bin/python3", script, f"{lab.seeder_ip}:{spillway.PORT}", listed,
                content.folder]

    def serves(self, lab, content):
        return "ready" in tail_file(self._log)
