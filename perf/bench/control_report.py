# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The page of perf/run control."""

import html

from plots import bars
from report import CSS, MIB, bullets, facts

METHOD = [
    "One veth pair between two network namespaces, MTU 1500, offloads off; the dataplane keeps to "
    "CPU 0, the readers to CPU 1, which control and its clients share, control at nice 10.",
    "64 readers of one torrent that is on disk; each asks for 2 MiB/s at most. In each phase "
    "control does the one thing, again and again, at most five times a second, or once.",
    "Served: what the readers got, divided by what they got in the phases in which control had "
    "nothing to do. Cores: CPU time of control's process alone. MiB: its memory (PSS).",
    "The small torrents are of one file of 1 KiB each, announced to opentracker over UDP.",
]
COLUMNS = [("MiB/s", "goodput", MIB, ".1f"), ("of quiet", "served", 1, ".3f"),
           ("p99, ms", "p99_us", 1e3, ".1f"), ("times", "times", 1, ".0f"),
           ("median, s", "median_s", 1, ".3f"), ("longest, s", "max_s", 1, ".3f"),
           ("cores", "control_cores", 1, ".2f"), ("MiB", "control_mib", 1, ".0f")]


def _summary(result, row, name):
    ones = [r[name] for r in result["runs"] if r["phase"] == row["phase"] and r[name] is not None]
    return {"median": row[name], "min": min(ones), "max": max(ones)} if ones else None


def _chart(result, title, name, divisor=1, log=False):
    groups = {}
    for row in result["rows"]:
        part = _summary(result, row, name)
        if part and not (log and part["median"] < 1e-4):
            groups[row["phase"]] = {"spillway": {k: v / divisor for k, v in part.items()}}
    return bars(title, groups, log, width=900)


def _table(rows):
    head = "<tr><th>phase</th><th>what</th>" + "".join(f"<th>{h}</th>" for h, *_ in COLUMNS)
    out = [head + "</tr>"]
    for row in rows:
        cells = "".join(
            f"<td>{'-' if row[n] is None else format(row[n] / d, f)}</td>"
            for _, n, d, f in COLUMNS)
        out.append(f"<tr><td>{html.escape(row['phase'])}</td>"
                   f"<td>{html.escape(row['failed'] or row['about'])}</td>{cells}</tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def page(result):
    """The whole report, as HTML text without outside references."""
    machine = result["machine"]
    return "\n".join([
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>Spillway's control plane, {result['stamp']}</title><style>{CSS}</style>",
        "<h1>What control takes, and what serving keeps</h1>",
        f"<p class=sub>perf/run control, {result['torrents']:,} torrents, "
        f"{html.escape(result['stamp'])}</p>", _table(result["rows"]),
        "<h2>Plots</h2>", _chart(result, "Goodput of the readers, MiB/s", "goodput", MIB),
        _chart(result, "How long one took, seconds (log scale)", "median_s", log=True),
        _chart(result, "CPU of control, cores", "control_cores"),
        "<h2>Machine</h2>",
        facts({"processor": f"{machine['cpu']}, {machine['cpu_cnt']} CPUs",
               "memory": f"{machine['memory_gib']} GiB", "kernel": machine["kernel"],
               "commit": machine["commit"],
               "runs": f"{result['rounds']} rounds of {result['seconds']} s a phase"}),
        "<h2>Method</h2>", bullets(METHOD), "</html>", ""])
