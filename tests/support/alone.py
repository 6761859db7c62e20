# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillwayd by itself, with a dataplane double under it."""

import contextlib
import json
import os
import signal
import socket

import content
import shell
import spillway

FILES = 10
LENGTH = (1 << 20) + 5


class Control:
    """spillwayd with a double, without a namespace."""

    def __init__(self, env, **options):
        self.env = env
        self.folder = env.folder()
        self.double = os.path.join(self.folder, "double")
        os.mkdir(self.double)
        self.run_dir = os.path.join(self.folder, "run")
        env.forget_logs()
        self.log = env.watch(os.path.join(self.folder, "spillwayd.log"))
        env.watch(os.path.join(self.run_dir, "dataplane.log"))
        self.options = {
            "port": "null", "address": "10.1.2.3", "huge": "no", "run-dir": self.run_dir,
            "state-dir": os.path.join(self.folder, "state"),
            "dataplane": os.path.join(env.top, "tests", "support", "dataplane_double.py"),
            **options}
        self.proc = None

    def command(self):
        return [spillway.daemon_path(self.env)] + [
            word for name, value in self.options.items() for word in ("--" + name, str(value))]

    def environ(self):
        return {**os.environ, "SPILLWAY_DOUBLE_DIR": self.double}

    def start(self):
        self.proc = shell.start(self.command(), self.log, env=self.environ())
        shell.wait_until(self.ready, 20, "spillwayd ready")
        return self

    def ready(self):
        if self.proc.poll() is not None:
            raise shell.CommandError("spillwayd ended\n" + shell.tail_file(self.log))
        return self.cli("list", check=False).returncode == 0

    def refused(self):
        """Start where it cannot: returns the last line."""
        done = shell.run(self.command(), check=False, env=self.environ())
        assert done.returncode == 1, done
        return shell.tail(done.stderr, 1)

    def stop(self, sig=signal.SIGTERM):
        return shell.stop(self.proc, sig)

    def cli(self, *words, **options):
        return shell.run([spillway.cli_path(self.env), "--run-dir", self.run_dir,
                          *map(str, words)],
                         **options)

    def json(self, *words):
        return json.loads(self.cli("--json", *words).stdout)

    def torrent(self, name):
        return self.json("show", name)["torrent"]

    def ask(self, request, fd=None):
        """A request as it is, with a descriptor beside it; returns the lines of the answer."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(os.path.join(self.run_dir, "control.sock"))
            s.settimeout(shell.PATIENCE_S)
            socket.send_fds(s, [json.dumps(request).encode() + b"\n"], [] if fd is None else [fd])
            lines = []
            with s.makefile("r", encoding="utf-8") as answer:
                for line in answer:
                    lines.append(json.loads(line))
                    if "ok" in lines[-1]:
                        break
        return lines

    def order(self, *words):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(" ".join(map(str, words)).encode(), os.path.join(self.double, "orders.sock"))

    def events(self, what=None, **fields):
        """What the double has noted."""
        path = os.path.join(self.double, "events.jsonl")
        if not os.path.exists(path):
            return []
        with open(path, encoding="ascii") as f:
            notes = [json.loads(line) for line in f if line.endswith("\n")]
        return [n for n in notes if what in (None, n["what"])
                and all(n.get(k) == v for k, v in fields.items())]

    def pid(self):
        """The process id of the double that was started last."""
        return self.events("start")[-1]["pid"]

    def content(self, name, length=LENGTH):
        """A file and its torrent, not added."""
        folder = self.env.folder()
        path = content.single(folder, length, name)
        torrent = path + ".torrent"
        spillway.create(self.env, path, torrent)
        return path, torrent

    def add(self, name, length=LENGTH):
        path, torrent = self.content(name, length)
        self.cli("add", torrent, "--data", os.path.dirname(path))
        return path, torrent

    def activate(self, torrent_id):
        """Ask for a torrent as a worker does; returns once there is an answer to this question."""
        def answers():
            return len(self.events("message", kind=FILES)) + len(self.events("refused"))
        before = answers()
        self.order("activate", torrent_id)
        shell.wait_until(lambda: answers() > before, 10, "an answer to ACTIVATE")

    def log_text(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read()

    def logged(self, text):
        return text in self.log_text()


@contextlib.contextmanager
def running(env, **options):
    """spillwayd runs inside the block, and ends well."""
    control = Control(env, **options)
    control.start()
    try:
        yield control
    except BaseException:
        control.stop()
        raise
    assert control.stop() == 0, "spillwayd did not end well"
