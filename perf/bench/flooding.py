# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What honest peers get from a Spillway that is being flooded.

The flood is made on the generator's CPU, beside the honest peers. "nowhere" is the same work sent
into a device that drops it: what it takes from them by being made. The floods are compared with
that."""

import contextlib
import statistics

import floods
import measure
import wire
from load import Load
from report import MIB
from spillway import PORT

SITTERS = 50
PEERS = 16
NOWHERE = "198.51.100.1"
QUIET, CONTROL, SIT = "no flood", "nowhere", "sitters"
KINDS = [QUIET, CONTROL, *floods.COUNTERS, SIT]


def _nowhere_make(lab):
    """A veth pair to a neighbour that does not exist: its far end drops what comes."""
    lab.client.ip("link", "add", "spwnull0", "type", "veth", "peer", "name", "spwnull1")
    for dev in ("spwnull0", "spwnull1"):
        lab.client.ip("link", "set", dev, "up")
    lab.client.ip("route", "add", NOWHERE, "dev", "spwnull0")
    lab.client.ip("neigh", "add", NOWHERE, "lladdr", "02:00:00:00:00:99", "dev", "spwnull0")


@contextlib.contextmanager
def _sitting(lab, info_hash):
    with contextlib.ExitStack() as stack:
        for _ in range(SITTERS):
            floods.sit(stack.enter_context(wire.Peer(lab.client, lab.seeder_ip, PORT)), info_hash)
        yield {}


@contextlib.contextmanager
def flooding(env, lab, kind, info_hash, rate_pps):
    """The flood goes on inside the block; yields a dict that holds its report afterwards."""
    if kind == SIT:
        with _sitting(lab, info_hash) as report:
            yield report
        return
    report = {}
    if kind == QUIET:
        yield report
        return
    aim = floods.at_seeder(lab)
    if kind == CONTROL:
        aim.target = NOWHERE
    flood = floods.Flood(env, aim, "syn" if kind == CONTROL else kind, info_hash, rate_pps)
    try:
        yield report
    finally:
        report.update(flood.stop())


def run_round(env, seeder, content, info_hash, options):
    """One run of each kind on one fresh wire; yields figures."""
    load = Load(PEERS, options.seconds, options.outstanding, ["--order", options.order])
    source = measure.generator(env.build, env.folder())
    with measure.serving(seeder, content) as lab:
        _nowhere_make(lab)
        for kind in KINDS:
            before = seeder.counters()
            with flooding(env, lab, kind, info_hash, options.flood_pps) as report:
                figures = measure.run_once(lab, seeder, content, load, source)
            after = seeder.counters()
            names = [n for n in floods.COUNTERS.get(kind, []) if n in before]
            yield {"kind": kind, "flood": report, "goodput": figures["goodput"],
                   "p99_us": figures["p99_us"], "jain": figures["jain"],
                   "status": figures["leech_status"], "foreign_cores": figures["foreign_cores"],
                   "counted": {n: after[n] - before[n] for n in names}}


def rows(runs):
    """The medians, one row per kind; ratio is to the same work sent nowhere."""
    out = []
    for kind in dict.fromkeys(r["kind"] for r in runs):
        mine = [r for r in runs if r["kind"] == kind]
        out.append({"kind": kind, "runs": len(mine),
                    "goodput": statistics.median(r["goodput"] for r in mine),
                    "p99_us": statistics.median(r["p99_us"] for r in mine),
                    "jain": statistics.median(r["jain"] for r in mine),
                    "rate_pps": statistics.median(r["flood"].get("rate_pps", 0) for r in mine),
                    "counted": {n: statistics.median(r["counted"][n] for r in mine)
                                for n in mine[0]["counted"]}})
    base = next((r["goodput"] for r in out if r["kind"] == CONTROL), None)
    for row in out:
        row["ratio"] = row["goodput"] / base if base else None
    return out


def table(result_rows):
    """For the terminal."""
    lines = [f"{'flood':<10}{'packets/s':>10}{'MiB/s':>9}{'of control':>12}{'p99 ms':>9}"
             f"{'Jain':>8}  counted"]
    for r in result_rows:
        ratio = "-" if r["ratio"] is None else f"{r['ratio']:.3f}"
        counted = ", ".join(f"{k} {v:.0f}" for k, v in r["counted"].items())
        lines.append(f"{r['kind']:<10}{r['rate_pps']:>10.0f}{r['goodput'] / MIB:>9.1f}{ratio:>12}"
                     f"{r['p99_us'] / 1e3:>9.1f}{r['jain']:>8.4f}  {counted}")
    return "\n".join(lines)
