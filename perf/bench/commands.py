# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The commands compare, wires, floors and verify: what they prepare, and the result they write."""

import contextlib
import os

import compare as comparing
import contents
import floors as floor_runs
import hugepages
import measure
import procfs
import verifying
import wires as wire_runs
from bench_options import ROOT, with_defaults
from classic import say
from results import append_run, stamp, write_result

HUGE_SPARE_MIB = 256


def _result(options, name, folder):
    return {"scenario": name, "stamp": stamp(), "machine": procfs.machine_card(ROOT, folder),
            "rounds": options.rounds, "offload": options.offload, "scenarios": [], "runs": [],
            "rows": [], "seeders": [], "floors": [], "memory": ""}


@contextlib.contextmanager
def _pages(result, mib):
    with hugepages.reserved(mib) as huge, measure.backlog():
        result["memory"] = "2 MiB hugepages" if huge else "ordinary pages (no hugepages to be had)"
        yield huge


def _plan(options, scenario):
    return with_defaults(options, {"seconds": scenario.seconds, "size": scenario.content_mib,
                                   "outstanding": scenario.outstanding,
                                   "connections": scenario.peers})


def _cards(seeders):
    return [{"name": s.name, "version": s.version, "guide": s.guide, "settings": s.settings}
            for s in seeders]


def one_scenario(options, scenario, work, result, kind=comparing.Comparison):
    """Content, seeders, rounds of one scenario; their figures go to the result."""
    plan = _plan(options, scenario)
    say(f"scenario {scenario.name}: {scenario.about}")
    content = contents.make(options.build, work, plan.size, scenario.torrents)
    comparison = kind(plan, scenario, content, work)

    def note(figures):
        append_run(options, result["stamp"], result["machine"],
                   {"command": result["scenario"], "size_mib": plan.size, **figures})

    with _pages(result, scenario.arena_mib + HUGE_SPARE_MIB) as huge:
        comparison.make_seeders(huge)
        rows = comparison.run(options.offload, options.rounds, note, say)
    say("")
    say(comparing.table(rows))
    result["scenarios"].append({
        "name": scenario.name, "about": scenario.about, "memory": scenario.memory,
        "memory_mib": scenario.memory_mib, "size_mib": plan.size, "torrents": scenario.torrents,
        "arena_mib": scenario.arena_mib, "peers": plan.connections, "seconds": plan.seconds,
        "outstanding": plan.outstanding, "load": " ".join(scenario.load)})
    result["rows"] += rows
    result["runs"] += comparison.runs
    result["seeders"] = _cards(comparison.seeders)


def compare(options, work):
    """Each scenario in turn, then the floors; True when some seeder served in each."""
    result = _result(options, "compare", work)
    for scenario in options.data_scenarios:
        folder = os.path.join(work, scenario.name)
        os.mkdir(folder)
        one_scenario(options, scenario, folder, result)
    if not options.no_floors:
        result["floors"] = floor_runs.measure_all(options, work, say)
    say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return any(row["good"] for row in result["rows"])


def floors(options, work):
    """Only the floors."""
    result = _result(options, "floors", work)
    result["floors"] = floor_runs.measure_all(options, work, say)
    for floor in result["floors"]:
        append_run(options, result["stamp"], result["machine"], {"command": "floors", **floor})
    say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return any(not f.get("failed") for f in result["floors"])


def wires(options, work):
    """Each seeder on its best wire, beside the floor of that wire."""
    result = _result(options, "wires", work)
    scenario = options.data_scenarios[0]
    options.offload = ["on"]
    one_scenario(options, scenario, work, result, wire_runs.Wires)
    with _pages(result, floor_runs.HUGE_MIB) as huge:
        for name in wire_runs.FLOORS:
            result["floors"].append(floor_runs.wire(name, work, huge))
            say(floor_runs.line(result["floors"][-1]))
    good = any(row["good"] for row in result["rows"])
    say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return good


def verify(options, work):
    """Verification of content on disk; True when Spillway's was measured."""
    options = with_defaults(options, {"size": verifying.SIZE_MIB})
    result = {"scenario": "verify", "stamp": stamp(), "machine": procfs.machine_card(ROOT, work),
              "rounds": options.rounds, "size_mib": options.size, "rows": [], "runs": []}
    say(f"content: {options.size} MiB, twice")
    verification = verifying.Verifying(options, verifying.make(options, work), work)

    def note(figures):
        verification.runs.append(figures)
        append_run(options, result["stamp"], result["machine"],
                   {"command": "verify", "size_mib": options.size, **figures})
        say("  " + " ".join(str(figures[k]) for k in ("shape", "threads", "checker")) + " "
            + (figures.get("failed") or f"{figures['rate'] / 1e9:.2f} GB/s"))

    result["hashing"] = verifying.hashing()
    result["rows"] = verification.run(note)
    result["runs"] = verification.runs
    result["checkers"] = list(verification.cards.values())
    say("")
    for row in result["rows"]:
        say(verifying.line(row))
    say(f"written: {os.path.relpath(write_result(options, result))}.*")
    return any(r["good"] for r in result["rows"] if r["checker"] == "spillway")
