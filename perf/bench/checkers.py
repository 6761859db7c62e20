# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Who verifies content in perf/run verify.

A checker has
    name, version
    settings       what it was told, one "name: value" each
    begin(folder)  starts it with a folder of its own; the content has been verified once after it
    once()         verifies all again: {"seconds", "cpu_s"}; CommandError when something is missing
    end()
"""

import json
import os
import re
import select
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from shell import CommandError, run, start, stop, tail_file, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PATIENCE_S = 60  # for one verification: who takes longer has no figure


def on_cpus(threads):
    """The words that keep a program and all its threads on so many CPUs."""
    return ["taskset", "-c", ",".join(map(str, range(threads)))]


def process_cpu_s(pid):
    """CPU seconds of all threads of a process, those that have ended too: its clock, see
    clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


class Checker:
    """What content is verified, and on how many CPUs."""

    def __init__(self, content, threads, build):
        self.content = content
        self.threads = threads
        self.build = build
        self.settings = []
        self.version = ""
        self.folder = None
        self.proc = None

    def end(self):
        if self.proc is not None:
            stop(self.proc, timeout=30)
        self.proc = None

    def timed(self, function):
        """Run it; its time and the CPU time of the process meanwhile."""
        wall, cpu = time.monotonic(), process_cpu_s(self.proc.pid)
        function()
        return {"seconds": time.monotonic() - wall, "cpu_s": process_cpu_s(self.proc.pid) - cpu}


class Spillway(Checker):
    """spillwayd with a dataplane on the port "null", which has no peers."""

    name = "spillway"

    def _cli(self, *words):
        return run([os.path.join(self.build, "control", "spillway"), "--run-dir",
                    os.path.join(self.folder, "run"), *words], timeout=PATIENCE_S)

    def _ready(self):
        if self.proc.poll() is not None:
            raise CommandError(tail_file(os.path.join(self.folder, "log")))
        try:
            return self._cli("list")
        except CommandError:
            return None

    def begin(self, folder):
        self.folder = folder
        daemon = os.path.join(self.build, "control", "spillwayd")
        self.version = run([daemon, "--version"]).stdout.split()[-1]
        options = {"port": "null", "address": "10.1.2.3", "huge": "no", "arena-mib": 16,
                   "connections-max": 64, "scrub": 0, "run-dir": os.path.join(folder, "run"),
                   "state-dir": os.path.join(folder, "state")}
        self.settings = ["two threads a CPU, nice 19"]
        self.proc = start([*on_cpus(self.threads), daemon,
                           *(w for k, v in options.items() for w in ("--" + k, str(v)))],
                          os.path.join(folder, "log"))
        wait_until(self._ready, 30, "spillwayd ready")
        for path in self.content.torrent_paths:
            self._cli("add", path, "--data", self.content.folder, "--detach")
        wait_until(self._all_had, PATIENCE_S, "all verified", pause=0.2)

    def _all_had(self):
        listed = json.loads(self._cli("--json", "list").stdout)["torrents"]
        return all(t["state"] == "seeding" and t["pieces_had"] == t["pieces"] for t in listed)

    def once(self):
        return self.timed(lambda: self._cli("verify", "--all"))


class Libtorrent(Checker):
    """libtorrent's own check, by its Python binding."""

    name = "libtorrent"
    _SCRIPT = os.path.join(HERE, "libtorrent_check.py")

    def begin(self, folder):
        self.folder = folder
        done = run([sys.executable, self._SCRIPT, "--settings", str(self.threads)])
        self.settings = [re.sub(r"(threads: )\d+", r"\1one a CPU", line)
                         for line in done.stdout.splitlines()]
        self.version = run([sys.executable, "-c",
                            "import libtorrent; print(libtorrent.version)"]).stdout.strip()
        with open(os.path.join(folder, "log"), "wb") as log:
            self.proc = subprocess.Popen(
                [*on_cpus(self.threads), sys.executable, "-B", self._SCRIPT, str(self.threads),
                 self.content.folder, *self.content.torrent_paths],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        self._answer()

    def _answer(self):
        if not select.select([self.proc.stdout], [], [], PATIENCE_S)[0]:
            raise CommandError(f"libtorrent: not checked within {PATIENCE_S} s")
        line = self.proc.stdout.readline()
        if not line:
            raise CommandError("libtorrent ended: " + tail_file(os.path.join(self.folder, "log")))
        told = json.loads(line)
        if not told.pop("good"):
            raise CommandError("libtorrent found pieces missing")
        return told

    def once(self):
        self.proc.stdin.write("again\n")
        self.proc.stdin.flush()
        return self._answer()

    def end(self):
        if self.proc is not None:
            self.proc.stdin.close()
        super().end()


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Transmission(Checker):
    """transmission-daemon, asked over its RPC. It verifies in one thread; 3.00 refuses hybrids."""

    name = "transmission"
    _BUSY = (1, 2)  # waits for verification, verifies

    def begin(self, folder):
        self.folder = folder
        self.port, self.session = _free_port(), ""
        settings = {"bind-address-ipv4": "127.0.0.1", "dht-enabled": False, "lpd-enabled": False,
                    "pex-enabled": False, "utp-enabled": False, "port-forwarding-enabled": False,
                    "peer-port": _free_port(), "rpc-bind-address": "127.0.0.1",
                    "rpc-port": self.port, "rpc-authentication-required": False,
                    "download-dir": self.content.folder, "start-added-torrents": False,
                    "message-level": 1}
        with open(os.path.join(folder, "settings.json"), "w", encoding="utf-8") as f:
            json.dump(settings, f)
        self.settings = ["one thread, whatever it may use"]
        done = run(["transmission-daemon", "--version"], check=False)
        self.version = re.search(r"([\d.]+)", done.stdout + done.stderr).group(1)
        self.proc = start([*on_cpus(self.threads), "transmission-daemon", "--foreground",
                           "--config-dir", folder], os.path.join(folder, "log"))
        wait_until(lambda: self._torrents() is not None, 30, "transmission-daemon ready")
        for path in self.content.torrent_paths:
            self._call("torrent-add", {"filename": path})
        self.once()

    def _call(self, method, arguments):
        body = json.dumps({"method": method, "arguments": arguments}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/transmission/rpc", body,
                                         {"X-Transmission-Session-Id": self.session})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as e:
            if e.code != 409:
                raise CommandError(f"transmission: {e}") from e
            self.session = e.headers["X-Transmission-Session-Id"]
            return self._call(method, arguments)
        if told["result"] != "success":
            raise CommandError(f"transmission: {method}: {told['result']}")
        return told["arguments"]

    def _torrents(self):
        try:
            return self._call("torrent-get", {"fields": ["status", "percentDone"]})["torrents"]
        except OSError:
            return None

    def _verified(self):
        found = self._torrents() or []
        return len(found) == len(self.content.torrent_paths) and not any(
            t["status"] in self._BUSY for t in found)

    def once(self):
        def verify():
            self._call("torrent-verify", {})
            wait_until(self._verified, PATIENCE_S, "transmission verified", pause=0.02)
        wait_until(self._verified, PATIENCE_S, "transmission at rest")
        figures = self.timed(verify)
        if any(t["percentDone"] < 1 for t in self._torrents()):
            raise CommandError("transmission found pieces missing")
        return figures


ALL = {c.name: c for c in (Spillway, Libtorrent, Transmission)}
