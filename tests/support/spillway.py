# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Spillway under test: its daemons in a namespace, and its command line."""

import json
import os
import signal

import bencode
import shell

PORT = 6881
ARENA_MIB = 64


def cli_path(env):
    return os.path.join(env.build, "control", "spillway")


def daemon_path(env):
    return os.path.join(env.build, "control", "spillwayd")


def create(env, path, out, *options):
    """spillway create; returns the info_hash."""
    shell.run([cli_path(env), "create", path, "-o", out, *options], timeout=120)
    with open(out, "rb") as f:
        return bencode.info_hash(f.read())


class Spillway:
    """spillwayd and its dataplane in a namespace.

    ns       the namespace.
    port     value of --port.
    options  further options of spillwayd; a value None leaves one out.
    """

    def __init__(self, env, ns, port, **options):
        self.env = env
        self.ns = ns
        folder = env.folder()
        self.run_dir = os.path.join(folder, "run")
        self.state_dir = os.path.join(folder, "state")
        self.log = env.watch(os.path.join(folder, "spillwayd.log"))
        env.watch(os.path.join(self.run_dir, "dataplane.log"))
        self.options = {"port": port, "run_dir": self.run_dir, "state_dir": self.state_dir,
                        "arena_mib": ARENA_MIB, "huge": "yes" if env.huge else "no", **options}
        self.proc = None

    def command(self):
        words = [daemon_path(self.env)]
        for name, value in self.options.items():
            if value is not None:
                words += ["--" + name.replace("_", "-"), str(value)]
        return words

    def start(self):
        """Returns once the dataplane serves."""
        self.proc = self.ns.start(self.command(), self.log)
        shell.wait_until(self.ready, 30, "spillwayd ready", pause=0.1)
        return self

    def ready(self):
        """True when control answers and its dataplane is up; CommandError when it ended."""
        if self.proc.poll() is not None:
            raise shell.CommandError(f"spillwayd ended with status {self.proc.returncode}\n"
                                     + shell.tail_file(self.log))
        done = self.cli("--json", "stats", check=False)
        return done.returncode == 0 and json.loads(done.stdout)["dataplane"]["running"]

    def dataplane_pids(self, name="spillway-dp"):
        """The pids of spillway-dp, or what stands for it, in the namespace."""
        pids = []
        for pid in map(int, shell.run(["ip", "netns", "pids", self.ns.name]).stdout.split()):
            try:
                with open(f"/proc/{pid}/comm", encoding="utf-8") as f:
                    if f.read().strip() == name:
                        pids.append(pid)
            except OSError:
                pass
        return pids

    def dataplane_pid(self):
        pids = self.dataplane_pids()
        if len(pids) != 1:
            raise shell.CommandError(f"expected one spillway-dp, found {pids}")
        return pids[0]

    def cli(self, *words, check=True, timeout=120):
        """spillway with these words."""
        return shell.run([cli_path(self.env), "--run-dir", self.run_dir, *words],
                         check=check, timeout=timeout)

    def json(self, *words):
        """The JSON that a command prints last."""
        return json.loads(self.cli("--json", *words).stdout.strip().splitlines()[-1])

    def add(self, torrent, data):
        """Add and wait until verified and serving."""
        return self.cli("add", torrent, "--data", data)

    def counter(self, name):
        """A counter of the dataplane by name."""
        return self.counters()[name]

    def counters(self):
        return self.stats()["counters"]

    def stats(self):
        """What is told of the time of the call, or later. A worker publishes what it has counted
        now and then: here each has done so twice since, for it may have been about it."""
        def newer(than):
            told = self.json("stats")
            pairs = zip(told["workers"], than["workers"])
            return told if all(a["cpu_seconds"] != b["cpu_seconds"] for a, b in pairs) else None
        told = self.json("stats")
        for _ in range(2):
            told = shell.wait_until(lambda than=told: newer(than), 10, "the workers publish", 0.001)
        return told

    def stop(self):
        """SIGTERM: both daemons end. Returns control's exit status."""
        status = shell.stop(self.proc)
        said = shell.tail_file(os.path.join(self.run_dir, "dataplane.log"), 200)
        if "the sandbox refuses" in said:
            raise shell.CommandError("the dataplane wanted what its sandbox has not\n" + said)
        return status

    def kill_control(self):
        self.proc.send_signal(signal.SIGKILL)
        self.proc.wait()

    def wait_other_dataplane(self, pid):
        """Until a dataplane that is not this process serves."""
        shell.wait_until(lambda: self.dataplane_pids() not in ([], [pid]), 20, "a new dataplane")
        shell.wait_until(self.ready, 20, "it serves", pause=0.1)

    def kill_dataplane(self):
        os.kill(self.dataplane_pid(), signal.SIGKILL)


def anonymous_kib(pid):
    """Private memory of a process that is not file-backed, KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("RssAnon:"):
                return int(line.split()[1])
    return 0
