# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillway top on a terminal and in JSON, the shells' completion, and the manual page."""

import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import content
import harness
import pyte
import seeding
import shell
import spillway
import wire

BLOCK = 16384


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env) as s:
        s.one = s.seed(content.single(env.folder(), 8 << 20, "watched.bin"))
        yield s


def check(s):
    s.check_dataplane()


class Screen:
    """spillway top on a terminal of its own."""

    def __init__(self, s, *words):
        self.shown = pyte.Screen(140, 30)
        self.stream = pyte.ByteStream(self.shown)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environ = {**os.environ, "TERM": "linux", "LINES": "30", "COLUMNS": "140",
                       "LC_ALL": "C.UTF-8"}
            path = spillway.cli_path(s.env)
            os.execve(path, [path, "--run-dir", s.daemon.run_dir, "top", *words], environ)

    def until(self, wanted, timeout=shell.PATIENCE_S):
        """Returns once the text stands on the screen."""
        end = time.monotonic() + timeout
        while wanted not in "\n".join(self.shown.display):
            left = end - time.monotonic()
            assert left > 0, f"no {wanted!r} on the screen:\n" + "\n".join(self.shown.display)
            if select.select([self.fd], [], [], left)[0]:
                self.stream.feed(os.read(self.fd, 65536))

    def press(self, key):
        os.write(self.fd, key.encode())

    def end(self):
        """Its exit status, once it has ended by itself."""
        end = time.monotonic() + shell.PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if select.select([self.fd], [], [], 0.05)[0]:
                    os.read(self.fd, 65536)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        raise AssertionError("top did not end at q")


@contextlib.contextmanager
def _peer(s):
    with wire.Peer(s.client_ns, s.address, spillway.PORT) as peer:
        peer.handshake(s.one.info_hash)
        peer.interested()
        yield peer


def test_screen_shows_torrents_and_peers(s):
    with _peer(s) as peer:
        screen = Screen(s, "--interval", "0.2")
        screen.until("watched.bin")
        screen.until("dataplane running")
        screen.press("p")
        screen.until("%s:%d" % peer.sock.getsockname())
        screen.press(" ")
        screen.until("space goes on")
        screen.press("q")
        assert screen.end() == 0


def test_json_tells_rates(s):
    with _peer(s) as peer:
        watching = subprocess.Popen(
            [spillway.cli_path(s.env), "--run-dir", s.daemon.run_dir, "--json", "top",
             "--interval", "1", "--count", "1"], stdout=subprocess.PIPE, text=True)
        while watching.poll() is None:  # whenever it looks
            peer.request(0, 0, BLOCK)
            peer.receive_until(wire.PIECE)
        told = json.loads(watching.communicate()[0])
    assert told["peers"] == 1 and told["upload_bytes_per_s"] > 0, told
    assert [t["name"] for t in told["torrents"]] == ["watched.bin"], told
    assert told["torrents"][0]["rate_bytes_per_s"] > 0, told


def test_refuses_what_it_cannot(s):
    cli = s.daemon.cli
    assert cli("top", check=False).returncode == 1           # no terminal
    assert cli("top", "--interval", "0", check=False).returncode == 2
    assert cli("top", "--count", "none", check=False).returncode == 2
    gone = shell.run([spillway.cli_path(s.env), "--run-dir", "/nonexistent", "top", "--json"],
                     check=False)
    assert gone.returncode == 3, gone


def _complete(s, line):
    done = shell.run([spillway.cli_path(s.env), "complete"],
                     env={**os.environ, "COMP_LINE": line})
    return done.stdout.split()


def test_completion(s):
    run_dir = f"--run-dir {s.daemon.run_dir}"
    assert _complete(s, "spillway sh") == ["show"]
    assert "peers" in _complete(s, "spillway ") and "complete" not in _complete(s, "spillway ")
    assert _complete(s, "spillway top --i") == ["--interval"] * 2
    assert _complete(s, f"spillway {run_dir} show wat") == ["watched.bin"]
    assert _complete(s, f"spillway {run_dir} show {s.one.info_hash.hex()[:6]}") == \
        [s.one.info_hash.hex()]
    for command in ("remove", "pause", "label", "set", "verify", "limit torrent", "announce"):
        assert "watched.bin" in _complete(s, f"spillway {run_dir} {command} wat"), command
    assert "watched.bin" in _complete(s, f"spillway {run_dir} remove x wat")
    assert _complete(s, "spillway list --state se") == ["seeding"]
    assert _complete(s, "spillway limit ") == ["global", "label", "class", "torrent"]
    assert "rtt" in _complete(s, "spillway peers --sort ")
    assert _complete(s, "spillway show wat") == []           # no daemon there: silent


def test_completion_in_bash(s):
    script = (f"PATH={os.path.dirname(spillway.cli_path(s.env))}:$PATH\n"
              f"source {s.env.top}/configs/completion/spillway.bash\n"
              "complete -p spillway && COMP_LINE='spillway remo' spillway complete")
    assert shell.run(["bash", "-c", script]).stdout.split()[-1] == "remove"


def _page(s, text):
    """A manual page as one reads it, having been found in order."""
    if shutil.which("mandoc") is None:
        raise harness.Skip("no mandoc")
    page = os.path.join(s.env.folder(), "page")
    with open(page, "w", encoding="utf-8") as f:
        f.write(text)
    lint = shell.run(["mandoc", "-T", "lint", "-W", "warning", page], check=False)
    assert lint.returncode == 0, lint.stdout
    return re.sub(".\b", "", shell.run(["mandoc", "-T", "utf8", page]).stdout)  # bold, underlined


def test_manual_page_of_the_command(s):
    text = _page(s, s.daemon.cli("man").stdout)
    names = [line.split()[0] for line in s.daemon.cli("--help").stdout.splitlines()
             if line.startswith("  ") and not line.startswith("  -")]
    assert len(names) > 5 and all(name in text for name in names), names


def test_manual_page_of_the_daemon(s):
    path = spillway.daemon_path(s.env)
    text = _page(s, shell.run([path, "--print-man"]).stdout)
    names = re.findall(r"^(\w+): ", shell.run([path, "--print-config"]).stdout, re.M)
    assert len(names) > 20 and all(
        re.search(rf"^ +{name}( |$)", text, re.M) for name in names), text
