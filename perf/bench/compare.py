# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Every seeder on the same wire in the same run: rounds in turns, medians, and a reason for who
could not take part."""

import os

import bounded
import measure
import others
import stats
from load import QUANTILES, Load
from seeders import Libtorrent, Spillway
from shell import CommandError

NAMES = ["spillway", "libtorrent", "transmission", "rtorrent", "aria2", "nginx",
         "nginx-16k"]
FIGURES = ["goodput", "cpu_s_per_gb", "cycles_per_byte", *QUANTILES,
           "memory_bytes", "read_amplification", "jain", "generator_busy", "foreign_cores",
           "peers_served", "bytes_per_machine_s"]
KEYS = ["scenario", "offload", "connections", "seeder", "wire"]
OFFLOADS = ["off", "on"]
WARM_S = 60
SETTLE_S = 1
JOIN_S = 4
BLOCK_BYTES = 16384


class Missing:
    """Stands for a seeder that is not installed: each of its runs fails with the reason."""

    raw = fresh = http = False
    outstanding = block_bytes = patience_s = 0
    guide = wire = ""
    far_port = source = None
    version = "missing"

    def __init__(self, name, reason):
        self.name = name
        self.settings = []
        self._reason = reason

    def start(self, lab, content, cpu):
        raise CommandError(self._reason)

    def stop(self):
        pass


def make(name, options, folder, huge, arena_mib):
    """The seeder of that name, with a folder of its own."""
    os.makedirs(folder)
    kinds = {"libtorrent": Libtorrent, **{kind.name: kind for kind in others.ALL}}
    try:
        if name == "spillway":
            return Spillway(options.build, folder, huge, arena_mib=arena_mib)
        return kinds[name](folder)
    except (CommandError, OSError) as e:
        return Missing(name, str(e).splitlines()[0])


def _one_line(error):
    lines = str(error).strip().splitlines() or ["no reason given"]
    return lines[0] if len(lines) == 1 else f"{lines[0]} {lines[-1]}"


class Comparison:
    """One scenario, all seeders.

    say     a function that takes a line for the terminal.
    note    a function that takes each run's figures.
    """

    def __init__(self, options, scenario, content, work):
        self.options = options
        self.scenario = scenario
        self.content = content
        self.runs = []
        self.seeders = []
        self._work = work
        self._source = measure.generator(options.build, work)

    def make_seeders(self, huge):
        """Those of the options, or what stands for them."""
        self.seeders = [make(name, self.options, os.path.join(self._work, name), huge,
                             self.scenario.arena_mib) for name in self.options.seeders]

    def _load(self, seeder, connections):
        outstanding = max(self.options.outstanding, seeder.outstanding)
        words = list(self.scenario.load)
        if seeder.block_bytes:
            outstanding = max(1, outstanding * BLOCK_BYTES // seeder.block_bytes)
            words += ["--block", str(seeder.block_bytes)]
        load = Load(connections, self.options.seconds, outstanding, words)
        load.settle_s = max(SETTLE_S + connections // 512, seeder.patience_s)
        if seeder.fresh:
            load.settle_s += JOIN_S  # it starts and reads its content meanwhile
        return load

    def _warm(self, lab, seeder):
        """Each byte is asked for once, and checked: what fits in memory is in memory."""
        load = Load(1, WARM_S, 64, ["--bytes", str(self.content.total_bytes), "--verify", "all"])
        if len(self.content.torrent_paths) == 1 and not (seeder.http or seeder.fresh):
            source = seeder.source or self._source
            seen, status, complaint, _ = source.run(lab, seeder, self.content, load)
            if status != 0 and seen["pieces_failed_cnt"]:
                raise CommandError(complaint)

    def _figures(self, lab, seeder, connections):
        if self.scenario.cold:
            bounded.forget(self.content.files())
        figures = measure.run_once(lab, seeder, self.content, self._load(seeder, connections),
                                   self._source)
        if not figures["leech"]["payload_bytes"]:
            raise CommandError(figures["leech_complaint"] or "it served nothing")
        if figures["leech"]["pieces_failed_cnt"]:
            raise CommandError(f"{figures['leech']['pieces_failed_cnt']} wrong pieces")
        if not figures["leech"]["block_cnt"]:
            raise CommandError("no whole block came")
        lost = sum(figures["leech"].get(n, 0) for n in
                   ("connect_failed_cnt", "closed_cnt", "protocol_error_cnt"))
        figures["peers_served"] = connections - min(lost, connections)
        return figures

    def _one_seeder(self, key, seeder, note):
        """All numbers of peers, on one start of the seeder where that can be."""
        every = self.options.connections
        if not seeder.fresh:
            self._one_start(key, seeder, list(every), note)
            return
        for connections in every:  # ends that must meet within seconds get a second try
            found = []
            self._one_start(key, seeder, [connections], found.append)
            if found[0].get("failed"):
                found.clear()
                self._one_start(key, seeder, [connections], found.append)
            note(found[0])

    def _one_start(self, key, seeder, left, note):
        """What is left of the numbers of peers, as far as it goes; then the reason."""
        try:
            with measure.serving(seeder, self.content, key["offload"] == "on",
                                 self.scenario.memory_mib) as lab:
                if not self.scenario.cold:
                    self._warm(lab, seeder)
                while left:
                    note({**key, **self._figures(lab, seeder, left[0])})
                    left.pop(0)
        except (CommandError, OSError) as e:
            for connections in left:
                note({**key, "connections": connections, "seeder": seeder.name,
                      "wire": seeder.wire, "failed": _one_line(e)})

    def run(self, offloads, rounds, note, say):
        """Rounds of all modes and seeders, in another order each time."""
        def keep(figures):
            self.runs.append(figures)
            note(figures)
            say(line(figures))

        turn = 0
        for number in range(1, rounds + 1):
            for mode in offloads:
                say(f"{self.scenario.name}, segmentation offload {mode}, "
                    f"round {number} of {rounds}")
                for seeder in stats.rotated(self.seeders, turn):
                    key = {"scenario": self.scenario.name, "offload": mode, "round": number}
                    self._one_seeder(key, seeder, keep)
                turn += 1
        return self.rows()

    def rows(self):
        """The medians, the seeders in their order."""
        order = {s.name: i for i, s in enumerate(self.seeders)}
        return sorted(stats.rows(self.runs, KEYS, FIGURES), key=lambda r: (
            r["offload"], r["connections"], order.get(r["seeder"], 0)))


def line(figures):
    """One run, for the terminal."""
    head = f"  {figures['seeder']:<21}{figures['connections']:>5} peers  "
    if figures.get("failed"):
        return head + "failed: " + figures["failed"]
    return head + (f"{figures['goodput'] / 2**20:8.1f} MiB/s  "
                   f"{figures['cycles_per_byte']:6.2f} cycles/B  "
                   f"p99 {figures['p99_us'] / 1e3:8.2f} ms  {figures['leech_complaint']}")


COLUMNS = [  # heading, figure, divisor, digits
    ("MiB/s", "goodput", 2**20, 1), ("CPU-s/GB", "cpu_s_per_gb", 1, 3),
    ("cycles/B", "cycles_per_byte", 1, 2), ("p50 ms", "p50_us", 1e3, 2),
    ("p99 ms", "p99_us", 1e3, 2), ("p99.9 ms", "p99_9_us", 1e3, 2),
    ("memory MiB", "memory_bytes", 2**20, 0), ("read/sent", "read_amplification", 1, 3),
    ("Jain", "jain", 1, 3),
]


def cell(row, name, divisor, digits):
    part = row.get(name)
    return "-" if part is None else f"{part['median'] / divisor:.{digits}f}"


def table(rows):
    """Medians, for the terminal."""
    out = [f"{'offload':<8}{'peers':>6} {'seeder':<21}"
           + "".join(f"{h:>11}" for h, *_ in COLUMNS)]
    for row in rows:
        head = f"{row['offload']:<8}{row['connections']:>6} {row['seeder']:<21}"
        if not row["good"]:
            out.append(head + "  " + row["reason"][:90])
            continue
        out.append(head + "".join(f"{cell(row, *rest):>11}" for _, *rest in COLUMNS)
                   + (f"  {row['failed']} failed" if row["failed"] else ""))
    return "\n".join(out)
