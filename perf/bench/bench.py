# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The benchmark behind perf/run, which puts tests/support on the path of modules."""

import argparse
import datetime
import json
import os
import shutil
import signal
import sys
import tempfile

import bencode
import flooding
import hugepages
import measure
import path_cells
import path_report
import paths
import procfs
import report
from lab import reap_stale
from seeders import Content, Libtorrent, Spillway
from shell import CommandError, run

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

EPILOG = """\
scenarios:
  wire   Spillway on af_xdp and libtorrent serve the generator in turns over a veth pair (MTU 1500,
         offloads off). Goodput, what a CPU-second serves, cycles per byte, read amplification,
         latency, fairness; medians of the rounds and the ratios side by side.
  idle   CPU that a dataplane with one torrent and no peer takes, as a percentage of a core.
  paths  Our TCP and the kernel's send in turns over the same impaired path to a kernel receiver,
         with cubic and with bbr: goodput and ratios. About 30 minutes; --rounds 1: 6; --grid full
         (all rates, delays and losses): 2 hours and a half.
  fairness  8 flows of ours, and 4 beside 4 of the kernel's, over one bottleneck: Jain's index.
         About 5 minutes a round.
  floods Sixteen honest peers download while SYNs, guessed resets, tiny segments and others flood
         the seeder at --flood-pps: their goodput beside the same work sent nowhere.

Each run is appended to perf/results/runs.jsonl; a scenario's result is written beside it as JSON,
and but for idle as an HTML page. Needs root, installs the Debian packages it needs, builds
into build-perf/. Network namespaces, daemons, hugepages and temporary files are taken away again.
"""


def options_read(argv):
    parser = argparse.ArgumentParser(
        prog="perf/run", epilog=EPILOG,
        description="Measures Spillway beside libtorrent and the kernel.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO",
                        help="wire (the default), idle, floods, paths, fairness")
    parser.add_argument("--size", type=int, default=1024, metavar="MIB",
                        help="bytes of content, MiB [1024]")
    parser.add_argument("--seconds", type=int, default=5, help="length of one run [5]")
    parser.add_argument("--rounds", type=int, default=5, help="runs per figure [5]")
    parser.add_argument("--connections", default="1,16,256", metavar="N,N...",
                        help="numbers of peers [1,16,256]")
    parser.add_argument("--outstanding", type=int, default=64,
                        help="requests in flight per peer [64]")
    parser.add_argument("--order", choices=["sequential", "random", "same"], default="sequential",
                        help="the order of each peer's pieces [sequential]")
    parser.add_argument("--seeders", default="spillway,libtorrent", metavar="NAME,...",
                        help="who takes part [spillway,libtorrent]")
    parser.add_argument("--flood-pps", type=int, default=20000, metavar="N",
                        help="floods: packets per second of the flood [20000]")
    parser.add_argument("--grid", choices=["default", "full"], default="default",
                        help="paths: which cells [default]")
    parser.add_argument("--cells", default="", metavar="TEXT",
                        help="paths: only cells with this text in their name")
    parser.add_argument("--port-kind", choices=["af_packet", "af_xdp"], default="af_packet",
                        help="paths, fairness: the port under our sender [af_packet]")
    parser.add_argument("--at-once", type=int, default=4, metavar="N",
                        help="paths: senders measured at the same time, each on a path of its own")
    parser.add_argument("--at-once-mbit", type=int, default=100, metavar="MBIT",
                        help="paths: and no more than this rate at the same time [100]")
    parser.add_argument("--work", default="/var/tmp", metavar="DIR",
                        help="where the content is made; on the disk to be read [/var/tmp]")
    parser.add_argument("--results", default=os.path.join(ROOT, "perf", "results"), metavar="DIR",
                        help="where results are written [perf/results]")
    parser.add_argument("--build", default=os.path.join(ROOT, "build-perf"), metavar="DIR",
                        help="the build to measure [build-perf]")
    options = parser.parse_args(argv)
    options.scenario = options.scenario or ["wire"]
    options.connections = [int(n) for n in options.connections.split(",")]
    options.seeders = options.seeders.split(",")
    if not set(options.scenario) <= set(SCENARIOS) | set(PATH_SCENARIOS):
        parser.error("scenario: " + " or ".join([*SCENARIOS, *PATH_SCENARIOS]))
    if not set(options.seeders) <= {"spillway", "libtorrent"}:
        parser.error("--seeders: spillway, libtorrent or both")
    return options


def say(text):
    print(text, flush=True)


def content_make(build, work, size_mib):
    """A file of random bytes and its .torrent, made by our own command."""
    folder = os.path.join(work, "content")
    os.mkdir(folder)
    path = os.path.join(folder, "sample.bin")
    with open(path, "wb") as out:
        for _ in range(size_mib):
            out.write(os.urandom(1 << 20))
        os.fsync(out.fileno())
    torrent = os.path.join(work, "sample.torrent")
    run([os.path.join(build, "control", "spillway"), "create", path, "-o", torrent], timeout=600)
    return Content(folder, torrent)


def append_run(options, stamp, machine, figures):
    line = {"stamp": stamp, "commit": machine["commit"], "cpu": machine["cpu"],
            "kernel": machine["kernel"], **figures}
    with open(os.path.join(options.results, "runs.jsonl"), "a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


def write_result(options, result):
    base = os.path.join(options.results, f"{result['stamp']}-{result['scenario']}")
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    pages = {"wire": report, **dict.fromkeys(PATH_SCENARIOS, path_report)}
    if result["scenario"] in pages:
        with open(base + ".html", "w", encoding="utf-8") as f:
            f.write(pages[result["scenario"]].page(result))
    return base


def seeders_make(options, work, huge):
    made = {"spillway": lambda: Spillway(options.build, os.path.join(work, "spillway"), huge),
            "libtorrent": lambda: Libtorrent(os.path.join(work, "libtorrent"))}
    for name in options.seeders:
        os.mkdir(os.path.join(work, name))
    return [made[name]() for name in options.seeders]


def wire_round(options, content, seeders, note):
    for seeder in seeders:
        with measure.serving(seeder, content) as lab:
            for connections in options.connections:
                figures = measure.run_once(lab, seeder, content, connections, options)
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


SCENARIOS = {"wire": scenario_wire, "idle": scenario_idle, "floods": scenario_floods}
PATH_SCENARIOS = {"paths": scenario_paths, "fairness": scenario_fairness}


def stamp():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


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
    content = content_make(options.build, work, options.size)
    with hugepages.reserved(measure.HUGEPAGE_MIB) as huge:
        if not huge:
            say("no hugepages to be had: the dataplane runs with --no-huge")
        seeders = seeders_make(options, work, huge)
        for scenario in [s for s in options.scenario if s in SCENARIOS]:
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
            good &= SCENARIOS[scenario](options, content, seeders, result)
            say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return good


def measure_all(options, work):
    os.makedirs(options.results, exist_ok=True)
    good = measure_paths(options, work)
    if set(options.scenario) & set(SCENARIOS):
        good &= measure_seeders(options, work)
    return good


def give_to_caller(folder):
    """What sudo wrote in the tree belongs to the one who called sudo."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if uid and gid and os.path.isdir(folder):
        run(["chown", "-R", f"{uid}:{gid}", folder])


def main():
    options = options_read(sys.argv[1:])
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: sys.exit(1))
    reap_stale()
    work = tempfile.mkdtemp(prefix="spillway-perf-", dir=options.work)
    try:
        return 0 if measure_all(options, work) else 1
    except CommandError as e:
        print(f"perf/run: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(work, ignore_errors=True)
        give_to_caller(options.results)
        give_to_caller(options.build)


if __name__ == "__main__":
    sys.exit(main())
