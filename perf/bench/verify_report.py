# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The page of perf/run verify; it needs nothing from outside itself."""

import html

import plots
from compare_report import FOREIGN_CORES_MAX, MORE_CSS, machine_facts
from report import CSS, bullets, facts
from verifying import BUDGET_S, SHAPES

METHOD = [
    "The same files are verified by each program in turns, until it has its rounds or has spent "
    f"{BUDGET_S} s; before every run the page cache is dropped. All threads of a program are kept "
    "on as many CPUs as the column says. Spillway reads with O_DIRECT, the others through the page "
    "cache.",
    "GB/s: 10^9 bytes of content by the time from the request until all pieces are known. "
    "cycles/B: CPU time of all the program's threads at the TSC's rate, by bytes of content; what "
    "the kernel does for it in interrupts strikes whoever runs.",
    "Spillway: spillway verify --all, of torrents that it has verified before. libtorrent: "
    "force_recheck, with as many hashing threads as CPUs, of two torrents a CPU at once: of all at "
    "once it took a hundred times as long. Transmission: torrent-verify over its "
    "RPC; it has one thread, and refuses hybrids.",
    "fio: sequential O_DIRECT reads of 1 MiB, 8 in flight, by io_uring, in one thread that does "
    "nothing with them.",
]


def _groups(result, name, divisor):
    out = {}
    for row in result["rows"]:
        if row.get(name):
            label = f"{row['shape']}, {row['threads']} CPU{'s' if row['threads'] > 1 else ''}"
            series = "floor: fio reads" if row["checker"] == "fio" else row["checker"]
            out.setdefault(label, {})[series] = {
                k: v / divisor for k, v in row[name].items() if k != "runs"}
    return out


def _table(rows):
    out = ["<tr><th class=text>content</th><th>CPUs</th><th class=seeder>who</th><th>GB/s</th>"
           "<th>least</th><th>most</th><th>cycles/B</th><th>runs</th></tr>"]
    for row in rows:
        head = (f"<tr><td class=text>{html.escape(SHAPES[row['shape']])}</td>"
                f"<td>{row['threads']}</td><td class=seeder>{html.escape(row['checker'])}</td>")
        if not row["good"]:
            out.append(f"{head}<td class=bad colspan=5>{html.escape(row['reason'])}</td></tr>")
            continue
        rate = {k: v / 1e9 for k, v in row["rate"].items() if k != "runs"}
        out.append(f"{head}<td>{rate['median']:.2f}</td><td>{rate['min']:.2f}</td>"
                   f"<td>{rate['max']:.2f}</td><td>{row['cycles_per_byte']['median']:.2f}</td>"
                   f"<td>{row['good']}</td></tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def _settings(cards):
    return "\n".join(f"<details open><summary>{html.escape(c['name'])} "
                     f"{html.escape(c['version'])}</summary><div class=settings>"
                     + "".join(f"<div><code>{html.escape(s)}</code></div>" for s in c["settings"])
                     + "</div></details>" for c in cards)


def _warnings(rows):
    foreign = max([r["foreign_cores"]["median"] for r in rows if r.get("foreign_cores")] or [0])
    if foreign < FOREIGN_CORES_MAX:
        return ""
    return bullets([f"Other programs took up to {foreign:.1f} cores beside the runs. Spillway's "
                    "threads give way to all others (nice 19): its GB/s are not to be quoted, "
                    "cycles per byte with care."], "warn")


def page(result):
    """The whole report, as HTML text without outside references."""
    return "\n".join([
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>Verification, {result['stamp']}</title><style>{CSS}{MORE_CSS}</style>",
        "<h1>Verification</h1>",
        f"<p class=sub>perf/run verify, {html.escape(result['stamp'])}; {result['size_mib']} MiB, "
        f"cold; {result['rounds']} rounds, as far as {BUDGET_S} s reach</p>",
        _table(result["rows"]), _warnings(result["rows"]), "<div>",
        plots.bars("Verified, GB/s", _groups(result, "rate", 1e9), width=900),
        plots.bars("CPU cycles per byte (less is better)",
                   _groups(result, "cycles_per_byte", 1), width=900), "</div>",
        "<h2>One thread of OpenSSL, from memory</h2>",
        facts({k: f"{v / 1e9:.2f} GB/s" for k, v in result["hashing"].items()}),
        "<h2>Who verified</h2>", _settings(result["checkers"]),
        "<h2>Machine</h2>", facts(machine_facts(result["machine"])),
        "<h2>Method</h2>", bullets(METHOD), "</html>", ""])
