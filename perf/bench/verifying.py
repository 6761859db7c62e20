# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""perf/run verify: content on disk is verified, cold, by Spillway, libtorrent and Transmission in
turns, beside what fio reads of the same files and what OpenSSL hashes."""

import json
import os
import re

import checkers
import contents
import procfs
import stats
from seeders import Content
from shell import CommandError, run

SIZE_MIB = 1024
SMALL_MIB = 8
SHAPES = {"one": "one torrent, v1", "hybrid": "the same file, v1 and v2",
          "many": f"torrents of {SMALL_MIB} MiB, v1"}
BUDGET_S = 12  # of one checker for one figure: begun no more when it has spent that
THREADS = (1, 2)
FIGURES = ("rate", "cycles_per_byte", "seconds", "foreign_cores")


def make(options, work):
    """{shape: Content}: a large file under two torrents, and the same bytes in many."""
    one = contents.make(options.build, os.path.join(work, "one"), options.size)
    hybrid = os.path.join(work, "hybrid.torrent")
    path = one.files()[0]
    run([os.path.join(options.build, "control", "spillway"), "create", path, "-o", hybrid,
         "--hybrid"], timeout=600)
    many = contents.make(options.build, os.path.join(work, "many"), options.size,
                         max(1, options.size // SMALL_MIB))
    return {"one": one, "hybrid": Content(one.folder, [hybrid], one.total_bytes), "many": many}


def drop_caches():
    run(["sync"], timeout=300)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")


def figures(seconds, cpu_s, length):
    return {"seconds": seconds, "rate": length / seconds,
            "cycles_per_byte": cpu_s * procfs.tsc_hz() / length}


def fio(content):
    """Reading the first file in order, O_DIRECT, as deep and as long at a time as we do."""
    path = content.files()[0]
    done = run(["fio", "--name=read", f"--filename={path}", "--readonly", "--rw=read", "--bs=1m",
                "--direct=1", "--ioengine=io_uring", "--iodepth=8", "--thread",
                "--output-format=json"], timeout=600)
    job = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]
    seconds = job["read"]["runtime"] / 1e3
    cpu_s = (job["usr_cpu"] + job["sys_cpu"]) / 100 * seconds
    return figures(seconds, cpu_s, job["read"]["io_bytes"])


def hashing():
    """What one thread of OpenSSL hashes of 16 KiB, bytes a second, with the SHA instructions if
    there are any and without."""
    out = {}
    for name in ("sha1", "sha256"):
        for kind, env in (("", {}), (" without SHA-NI", {"OPENSSL_ia32cap": ":~0x20000000"})):
            done = run(["openssl", "speed", "-seconds", "1", "-bytes", "16384", "-evp", name],
                       env={**os.environ, **env}, timeout=60)
            found = re.search(rf"^{name}\s+([\d.]+)k", done.stdout, re.M)
            if found:
                out[name + kind] = float(found.group(1)) * 1000
    return out


class Verifying:
    """All runs of the command."""

    def __init__(self, options, content, work):
        self.options = options
        self.content = content
        self.work = work
        self.runs = []
        self.cards = {}

    def _round(self, checker, keys):
        drop_caches()
        busy = sum(procfs.cpu_busy_s().values())
        told = checker.once()
        busy = sum(procfs.cpu_busy_s().values()) - busy
        foreign = max(0.0, busy - told["cpu_s"]) / told["seconds"]
        return {**keys, "foreign_cores": foreign, **figures(told["seconds"], told["cpu_s"],
                                  self.content[keys["shape"]].total_bytes)}

    def _begin(self, keys, note):
        """A checker that is ready, or None when it does not come so far."""
        checker = checkers.ALL[keys["checker"]](self.content[keys["shape"]], keys["threads"],
                                                self.options.build)
        folder = os.path.join(self.work, "-".join(map(str, keys.values())))
        os.mkdir(folder)
        try:
            checker.begin(folder)
        except (CommandError, OSError) as e:
            note({**keys, "failed": str(e).splitlines()[0]})
            checker.end()
            checker = None
        return checker

    def _rounds(self, shape, threads, note):
        """All checkers in turns, each until it has its rounds or has spent its time."""
        running = []
        for name in checkers.ALL:
            keys = {"shape": shape, "threads": threads, "checker": name}
            running.append([self._begin(keys, note), keys, 0.0])
        running = [r for r in running if r[0] is not None]
        try:
            for turn in range(self.options.rounds):
                for one in stats.rotated([r for r in running if r[2] < BUDGET_S], turn):
                    one[2] += self._noted(*one[:2], note)
        finally:
            for checker, *_ in running:
                checker.end()
                self.cards[checker.name] = {"name": checker.name, "version": checker.version,
                                            "settings": checker.settings}

    def _noted(self, checker, keys, note):
        """One run; returns the seconds it took, or so many that there is no other."""
        try:
            told = self._round(checker, keys)
        except (CommandError, OSError) as e:
            note({**keys, "failed": str(e).splitlines()[0]})
            return BUDGET_S
        note(told)
        return told["seconds"]

    def run(self, note):
        for shape in SHAPES:
            keys = {"shape": shape, "threads": 1, "checker": "fio"}
            for _ in range(self.options.rounds if shape == "one" else 0):
                drop_caches()
                note({**keys, **fio(self.content[shape])})
            for threads in THREADS:
                self._rounds(shape, threads, note)
        return stats.rows(self.runs, ("shape", "threads", "checker"), FIGURES)


def line(row):
    """For the terminal."""
    head = f"  {row['shape']:<7} {row['threads']} threads  {row['checker']:<13}"
    if not row["good"]:
        return head + "failed: " + row["reason"]
    rate, cycles = row["rate"], row["cycles_per_byte"]
    return head + (f"{rate['median'] / 1e9:7.2f} GB/s ({rate['min'] / 1e9:.2f} to "
                   f"{rate['max'] / 1e9:.2f})  {cycles['median']:6.2f} cycles/B")
