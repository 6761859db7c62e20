# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What configs/quickstart does once its packages are installed; its --help tells the usage."""

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time

import bencode
import build
import clients
import harness
import hugepages
import lab
import seeding
import shell
import spillway

ARENA_MIB = 256
HUGE_MIB = ARENA_MIB + 128
RATE_BYTES_MIN = 16 << 20


class Trouble(Exception):
    """What to tell the user."""


class Steps:
    """A line for each step: its name at once, how it went when it is done."""

    def __init__(self):
        self._open = False

    def begin(self, name):
        print(f"  {name:12}", end="", flush=True)
        self._open = True

    def end(self, text):
        print(text, flush=True)
        self._open = False

    def break_off(self):
        if self._open:
            print()


class Aria2(clients.Aria2):
    """aria2c that also asks our tracker, for a torrent that does not name it."""

    tracker = ""

    def command(self):
        return [*super().command(), f"--bt-tracker={self.tracker}"]


def parse_arguments():
    parser = argparse.ArgumentParser(prog="configs/quickstart", add_help=False)
    parser.add_argument("--file")
    parser.add_argument("--torrent")
    parser.add_argument("--data")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--stay", action="store_true")
    options = parser.parse_args()
    if (options.torrent is None) != (options.data is None):
        parser.error("--torrent and --data go together")
    if options.file and options.torrent:
        parser.error("either --file or --torrent")
    if not 1 <= options.size <= 1 << 20:
        parser.error("--size is from 1 to 1048576 MiB")
    for path in (options.file, options.torrent, options.data):
        if path is not None and not os.path.exists(path):
            parser.error(f"{path}: no such file")
    return options


def mib(length):
    return f"{length / (1 << 20):,.1f} MiB" if length < 10 << 20 else f"{length >> 20:,} MiB"


def build_all(steps):
    steps.begin("build")
    os.makedirs(build.RELEASE, exist_ok=True)
    log = os.path.join(build.RELEASE, "quickstart.log")
    begin = time.monotonic()
    build.release(log)
    steps.end(f"done in {time.monotonic() - begin:.0f} s (log: {os.path.relpath(log)})")


def prepare_hugepages(steps, stack):
    """True when there are enough; else the daemon runs without."""
    steps.begin("hugepages")
    huge = stack.enter_context(hugepages.reserved(HUGE_MIB))
    if huge:
        steps.end(f"{HUGE_MIB} MiB prepared, given back at the end")
    else:
        steps.end(f"{HUGE_MIB} MiB are not to be had: going on with --no-huge, a little slower")
    return huge


def write_sample(path, size_mib):
    with open(path, "wb") as f:
        for _ in range(size_mib):
            f.write(os.urandom(1 << 20))


def choose_content(steps, env, options):
    """What to seed: (torrent file, data folder)."""
    steps.begin("content")
    if options.torrent:
        with open(options.torrent, "rb") as f:
            info = bencode.decode(f.read())[b"info"]
        if b"meta version" in info:
            raise Trouble("Debian 12's aria2 cannot read v2 or hybrid torrents; "
                          "Spillway seeds hybrids: take a client that can")
        steps.end(f"{options.torrent}: {info[b'name'].decode(errors='replace')}")
        return options.torrent, options.data
    path = options.file
    if path is None:
        path = os.path.join(env.folder(), "sample.bin")
        write_sample(path, options.size)
        text = f"a sample of {options.size} MiB of random bytes"
    else:
        path = os.path.abspath(path)
        text = path
    torrent = os.path.join(env.folder(), os.path.basename(path) + ".torrent")
    spillway.create(env, path, torrent)
    steps.end(text)
    return torrent, os.path.dirname(path)


def files_of(torrent):
    """(the torrent's name, the relative paths of its files that have bytes; [""] for one file)."""
    with open(torrent, "rb") as f:
        info = bencode.decode(f.read())[b"info"]
    name = info[b"name"].decode()
    if b"files" not in info:
        return name, [""]
    return name, ["/".join(part.decode() for part in f[b"path"]) for f in info[b"files"]
                  if f[b"length"] > 0 and b"p" not in f.get(b"attr", b"")]


def compare(steps, torrent, data, got):
    """Byte for byte, every file of the torrent."""
    steps.begin("compare")
    name, paths = files_of(torrent)
    total = 0
    for path in paths:
        ours, theirs = (os.path.join(root, name, path).rstrip("/") for root in (data, got))
        shell.run(["cmp", ours, theirs], timeout=3600)
        total += os.path.getsize(ours)
    steps.end(f"{len(paths)} file(s), {mib(total)}: identical, byte for byte")


def cpu_s(pid):
    """CPU seconds of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Figures:
    """What the dataplane sent and spent, from its first byte to its last."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._pid = daemon.dataplane_pid()
        self._before = self._now()
        self._first = None

    def _now(self):
        return (time.monotonic(), self._daemon.counter("payload_bytes"), cpu_s(self._pid))

    def look(self):
        """To be called again and again: notes when it began."""
        if self._first is None:
            now = self._now()
            if now[1] > self._before[1]:
                self._first = self._before
            else:
                self._before = now

    def text(self):
        """In words; a rate only when there was enough to measure."""
        took, sent, cpu = (b - a for a, b in zip(self._first or self._before, self._now()))
        if sent < RATE_BYTES_MIN:
            return f"{mib(sent)} in {took:.1f} s"
        return (f"{mib(sent)} in {took:.1f} s: {sent / took / 1e6:,.0f} MB/s, "
                f"{cpu / (sent / 1e9):.2f} s of dataplane CPU per GB")


def download(steps, s, torrent, folder):
    """With aria2 in the client's namespace; returns the folder that holds what it got."""
    steps.begin("download")
    Aria2.tracker = s.tracker.url
    figures = Figures(s.daemon)
    client = Aria2(s.client_ns, torrent, folder)

    def finished():
        figures.look()
        return client.finished()
    try:
        shell.wait_until(finished, 24 * 3600, "download")
        text = figures.text()
    finally:
        client.stop()
    steps.end("aria2 got " + text)
    return client.data


def how_to_reach(s, torrent):
    spillway_words = [os.path.relpath(spillway.cli_path(s.env)), "--run-dir", s.daemon.run_dir]
    print(f"""
Seeding on {s.address}:{spillway.PORT} until Ctrl-C. From another terminal, as root:

  {shlex.join(s.client_ns.command(["aria2c", "--seed-time=0", "--dir=/tmp/got",
                                   "--bt-tracker=" + s.tracker.url, torrent]))}
  {shlex.join([*spillway_words, "list"])}
  {shlex.join([*spillway_words, "stats"])}
""", flush=True)
    signal.pause()


def demonstrate(steps, options, tmp):
    with contextlib.ExitStack() as stack:
        build_all(steps)
        huge = prepare_hugepages(steps, stack)
        env = harness.Env(build.TOP, build.RELEASE, tmp, huge)
        torrent, data = choose_content(steps, env, options)
        steps.begin("daemons")
        s = stack.enter_context(seeding.af_xdp(env, arena_mib=ARENA_MIB))
        steps.end(f"spillwayd and spillway-dp serve {s.address}:{spillway.PORT} "
                  f"by AF_XDP on {s.lab.seeder_if}")
        steps.begin("verify")
        s.daemon.add(torrent, data)
        with open(torrent, "rb") as f:
            info_hash = bencode.info_hash(f.read())
        s.tracker.add(info_hash, s.address, spillway.PORT)
        steps.end(f"seeding {info_hash.hex()}")
        got = download(steps, s, torrent, env.folder())
        compare(steps, torrent, data, got)
        if options.stay:
            how_to_reach(s, torrent)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    lab.reap_stale()
    tmp = tempfile.mkdtemp(prefix="spw", dir="/var/tmp")
    steps = Steps()
    print("Spillway quickstart", flush=True)
    try:
        demonstrate(steps, options, tmp)
    except (shell.CommandError, Trouble, OSError) as e:
        steps.break_off()
        print(f"quickstart failed: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped, cleaned up")
        return 0 if options.stay else 130
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    print("Spillway works on this machine.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
