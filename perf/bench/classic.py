# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The scenarios that are programs of their own: wire, idle, floods, paths, fairness."""

import os
import tempfile

import bencode
import contents
import controlling
import flooding
import hugepages
import measure
import path_cells
import path_report
import paths
import procfs
import report
from load import Load
from results import append_run, stamp, write_result
from seeders import Libtorrent, Spillway

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def say(text):
    print(text, flush=True)


def load_of(options, connections):
    """What the options ask of the generator."""
    return Load(connections, options.seconds, options.outstanding, ["--order", options.order])


def seeders_make(options, work, huge):
    made = {"spillway": lambda: Spillway(options.build, os.path.join(work, "spillway"), huge),
            "libtorrent": lambda: Libtorrent(os.path.join(work, "libtorrent"))}
    for name in options.seeders:
        os.mkdir(os.path.join(work, name))
    return [made[name]() for name in options.seeders]


def wire_round(options, content, seeders, note):
    source = measure.generator(options.build, options.work_folder)
    for seeder in seeders:
        with measure.serving(seeder, content) as lab:
            for connections in options.connections:
                figures = measure.run_once(lab, seeder, content, load_of(options, connections),
                                           source)
                note(figures)
                say(f"  {seeder.name:<10} {connections:>4} peers  "
                    f"{figures['goodput'] / report.MIB:8.1f} MiB/s  "
                    f"{figures['cycles_per_byte']:6.2f} cycles/B  {figures['leech_complaint']}")


def scenario_wire(options, content, seeders, result):
    runs = result["runs"] = []

    def note(figures):
        runs.append({"round": number, **figures})
        append_run(options, result["stamp"], result["machine"],
                   {"scenario": "wire", "size_mib": options.size, **runs[-1]})

    with measure.backlog():
        for number in range(1, options.rounds + 1):
            say(f"round {number} of {options.rounds}")
            wire_round(options, content, seeders if number % 2 else seeders[::-1], note)
    result["medians"] = measure.medians(runs)
    result["ratios"] = measure.ratios(result["medians"])
    say("")
    say(report.table(result["medians"], result["ratios"]))
    for line in report.warnings(result["medians"]):
        say("note: " + line)
    return all(r["leech_status"] == 0 for r in runs)


def scenario_idle(options, content, seeders, result):
    result["runs"] = []
    for seeder in seeders:
        with measure.serving(seeder, content):
            part = measure.idle(seeder, 10)
        figures = {"scenario": "idle", "seeder": seeder.name, "core_part": part}
        result["runs"].append(figures)
        append_run(options, result["stamp"], result["machine"], figures)
        say(f"  {seeder.name:<10} idle: {part * 100:.2f} % of a core over 10 s")
    return True


def scenario_floods(options, content, seeders, result):
    with open(content.torrent_path, "rb") as f:
        info_hash = bencode.info_hash(f.read())
    result["runs"] = []
    env = paths.PathEnv(options.build, tempfile.mkdtemp(dir=os.path.dirname(content.folder)))
    with measure.backlog():
        for number in range(1, options.rounds + 1):
            for figures in flooding.run_round(env, seeders[0], content, info_hash, options):
                result["runs"].append({"round": number, **figures})
                append_run(options, result["stamp"], result["machine"],
                           {"scenario": "floods", **result["runs"][-1]})
                say(f"round {number} of {options.rounds}: {figures['kind']:<10}"
                    f"{figures['goodput'] / report.MIB:8.1f} MiB/s")
    result["rows"] = flooding.rows(result["runs"])
    say(flooding.table(result["rows"]))
    return all(r["status"] == 0 for r in result["runs"])


def scenario_control(options, content, seeders, result):
    """Spillway alone: it is its control plane that is looked at."""
    result["runs"] = []
    result["torrents"] = options.torrents

    def note(figures):
        result["runs"].append({"round": number, **figures})
        append_run(options, result["stamp"], result["machine"],
                   {"scenario": "control", **result["runs"][-1]})
        say(f"round {number} of {options.rounds}: {figures['phase']:<12}"
            f"{figures['goodput'] / report.MIB:8.1f} MiB/s  {figures['failed']}")

    options.huge = seeders[0].huge
    with measure.backlog():
        for number in range(1, options.rounds + 1):
            controlling.run_round(options, content, options.work_folder, note)
    result["rows"] = controlling.rows(result["runs"])
    say("")
    say(controlling.table(result["rows"]))
    return not any(r["failed"] for r in result["runs"])


def scenario_paths(options, env, result):
    """Rounds over all cells; within a round every contender in turn."""
    cells = path_cells.cells(options.grid, options.cells)
    with paths.labs(options.at_once) as labs:
        contenders = paths.supported(env, labs[0], say)
        for number in range(1, options.rounds + 1):
            for cell in cells:
                say(f"round {number} of {options.rounds}: {cell.name}")
                for figures in paths.run_cell(env, labs, cell, contenders, number):
                    result["runs"].append(figures)
                    append_run(options, result["stamp"], result["machine"],
                               {"scenario": "paths", **figures})
                    say(f"  {figures['stack']:<9}{figures['cc']:<6}"
                        f"{figures['goodput'] / path_report.MBIT:9.2f} Mb/s  "
                        f"{paths.complaint(figures)}")
    result["rows"] = paths.medians(result["runs"], cells)
    say(path_report.table(result["rows"]))


def scenario_fairness(options, env, result):
    """Every mix in every round."""
    with paths.labs(1) as labs:
        contenders = paths.supported(env, labs[0], say)
        for number in range(1, options.rounds + 1):
            for mix in paths.fairness_mixes(contenders):
                figures = paths.run_mix(env, labs[0], mix, number)
                result["runs"].append(figures)
                append_run(options, result["stamp"], result["machine"],
                           {"scenario": "fairness", **figures})
                say(f"round {number} of {options.rounds}: {figures['mix']:<36} "
                    f"Jain {figures['jain']:.3f}")
    result["fairness"] = paths.fairness_rows(result["runs"])
    say(path_report.fairness_table(result["fairness"]))


SEEDER_SCENARIOS = {"wire": scenario_wire, "idle": scenario_idle, "floods": scenario_floods,
                    "control": scenario_control}
PATH_SCENARIOS = {"paths": scenario_paths, "fairness": scenario_fairness}
ABOUT = {
    "wire": "Spillway and libtorrent over veth, offloads off: 1, 16 and 256 peers (the default)",
    "idle": "CPU that a dataplane with one torrent and no peer takes",
    "floods": "what honest peers get while the seeder is flooded",
    "control": "what control takes with 100,000 torrents, and what serving keeps meanwhile",
    "paths": "our TCP and the kernel's over impaired paths: goodput",
    "fairness": "our flows and the kernel's over one bottleneck: Jain's index",
}


def measure_paths(options, work):
    """The scenarios that need no content: plain TCP over impaired paths."""
    env = paths.PathEnv(options.build, work, options.at_once, options.at_once_mbit)
    env.port_kind = options.port_kind
    for scenario in [s for s in options.scenario if s in PATH_SCENARIOS]:
        say(f"scenario {scenario}")
        result = {"scenario": scenario, "stamp": stamp(), "runs": [], "rounds": options.rounds,
                  "port_kind": options.port_kind, "machine": procfs.machine_card(ROOT, ROOT)}
        with measure.backlog():
            PATH_SCENARIOS[scenario](options, env, result)
        say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return True


def measure_seeders(options, work):
    good = True
    say(f"content: {options.size} MiB")
    content = contents.make(options.build, work, options.size)
    with hugepages.reserved(measure.HUGEPAGE_MIB) as huge:
        if not huge:
            say("no hugepages to be had: the dataplane runs with --no-huge")
        seeders = seeders_make(options, work, huge)
        for scenario in [s for s in options.scenario if s in SEEDER_SCENARIOS]:
            say(f"scenario {scenario}")
            result = {
                "scenario": scenario,
                "stamp": stamp(),
                "machine": procfs.machine_card(ROOT, content.folder),
                "versions": {s.name: s.version for s in seeders},
                "memory": "2 MiB hugepages" if huge else "ordinary pages",
                "size_mib": options.size, "seconds": options.seconds, "rounds": options.rounds,
                "outstanding": options.outstanding, "order": options.order,
            }
            good &= SEEDER_SCENARIOS[scenario](options, content, seeders, result)
            say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return good
