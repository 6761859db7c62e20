# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""One page of the commands compare, wires and floors; it needs nothing from outside itself."""

import html

import plots
from compare import COLUMNS, cell
from load import QUANTILES
from report import CSS, bullets, facts

MIB = 2.0 ** 20
FOREIGN_CORES_MAX = 0.1
SPREAD_MAX = 0.25

MORE_CSS = """
body { max-width: 1080px; }
.whisker { stroke: #1d2733; stroke-width: 1; fill: none; opacity: .65; }
.charts svg { background: #fbfcfd; border: 1px solid #e9edf1; border-radius: 6px; }
td.text, th.text { text-align: left; } tr.first td { border-top: 2px solid #c8d0d8; }
td.best { font-weight: 650; } td.bad { color: #9a3412; text-align: left; }
th:nth-child(2), td:nth-child(2) { text-align: right; }
.seeder { white-space: nowrap; text-align: left !important; }
.dot { display: inline-block; width: 9px; height: 9px; border-radius: 2px; margin-right: 6px; }
details { margin: 6px 0; } summary { cursor: pointer; font-weight: 600; }
code { font-size: 12.5px; color: #34414e; } .settings { columns: 3 240px; margin: 6px 0 12px; }
"""
BEST = {"goodput": max, "cpu_s_per_gb": min, "cycles_per_byte": min, "p50_us": min, "p99_us": min,
        "p99_9_us": min}

METHOD = [
    "One veth pair between two network namespaces, MTU 1500, made anew for each seeder and round. "
    "Segmentation offload off: both ends compute checksums and cut packets themselves, as on a "
    "network card without offloads. On: the kernel hands packets of up to 64 KiB with unfinished "
    "checksums over the pair, which costs the kernel's TCP a fraction. Spillway on af_xdp cannot "
    "use it; there its wire differs from \"off\" only at the generator's end.",
    "Every seeder keeps all its threads on CPU 0, the generator is on CPU 1; receive packet "
    "steering keeps the kernel's receiving at either end on that end's CPU. Without two CPUs "
    "nothing is pinned.",
    "Seeders take turns, in another order each time; figures are medians of the rounds, whiskers "
    "their least and greatest. A run is counted once the load has settled (1 s, and "
    "longer for more than 512 peers; 15 s for Transmission, 11 s for aria2, which let a new peer "
    "wait for up to ten seconds).",
    "Every connection comes from an address of its own: Transmission and rTorrent take one from "
    "each. Transmission answers what it was asked twice a second, so it is asked for 512 blocks "
    "ahead, all that it allows.",
    "CPU-s/GB: CPU time of all the seeder's threads and of CPU 0's softirq thread for 10^9 bytes "
    "of payload. cycles/B is the same time at the TSC's rate. What the kernel does for a seeder "
    "in an interrupt is in the time of the thread that it struck.",
    "Latency: from a request's send to its block's last byte, with all of a connection's requests "
    "outstanding: at full load it grows with peers x outstanding / goodput, whoever serves. A "
    "seeder that serves a few of its peers and lets the others wait (see Jain's index, 1 when all "
    "get the same) answers those few sooner.",
    "memory: PSS and hugepages of the seeder's processes; the page cache, which the others read "
    "through, is not in it. read/sent: bytes read from the disk divided by payload (/proc/PID/io; "
    "Spillway's own counter).",
    "hot: the content has been read once before it is measured. cold: nothing of it is in memory "
    "when a run begins, and a control group bounds what a seeder may use, page cache included.",
    "nginx serves the same file with sendfile, by HTTP range requests of 1 MiB, as many in flight "
    "as make up the same bytes: no BitTorrent, no check of what is read; the kernel's best case. "
    "Its latency is that of a MiB. nginx-16k is asked for 16 KiB at a time, as the seeders are.",
]


def _peers(count):
    return f"{count} peer{'s' if count > 1 else ''}"


def _groups(rows, name, divisor):
    """{peers: {seeder: summary}} for the charts."""
    out = {}
    for row in rows:
        if row.get(name):
            out.setdefault(_peers(row["connections"]), {})[row["seeder"]] = {
                k: v / divisor for k, v in row[name].items() if k != "runs"}
    return out


def _by_seeder(groups):
    out = {}
    for label, series in groups.items():
        for name, part in series.items():
            out.setdefault(name, {})[label] = part
    return out


def _latency(rows, peers):
    """{seeder: {quantile: summary}} of one number of peers."""
    out = {}
    for row in rows:
        if row["connections"] == peers and row.get("p99_us"):
            out[row["seeder"]] = {
                name.removesuffix("_us").replace("_", "."):
                {k: max(v, 1) / 1e3 for k, v in row[name].items()}
                for name in QUANTILES if row.get(name)}
    return out


def _scenario_charts(rows):
    out = []
    for mode in dict.fromkeys(r["offload"] for r in rows):
        mine = [r for r in rows if r["offload"] == mode]
        goodput = _groups(mine, "goodput", MIB)
        if not goodput:
            continue
        out.append(plots.bars(f"Goodput, MiB/s (offload {mode})", goodput))
        out.append(plots.bars(f"Seeder CPU-seconds per GB (offload {mode}, log)",
                              _groups(mine, "cpu_s_per_gb", 1), True))
        if len(goodput) > 1:
            out.append(plots.curves(f"Goodput over peers, MiB/s (offload {mode}, log)", goodput,
                                    _by_seeder(goodput)))
            p99 = _groups(mine, "p99_us", 1e3)
            out.append(plots.curves(f"p99 latency over peers, ms (offload {mode}, log)", p99,
                                    _by_seeder(p99)))
        for peers in dict.fromkeys(r["connections"] for r in mine):
            series = _latency(mine, peers)
            if series:
                out.append(plots.curves(f"Latency at {_peers(peers)}, ms (offload {mode}, log)",
                                        [n.removesuffix("_us").replace("_", ".")
                                         for n in QUANTILES], series))
    first = [r for r in rows if r["offload"] == rows[0]["offload"]]
    out.append(plots.bars("Memory of the seeder, MiB (log)",
                          _groups(first, "memory_bytes", MIB), True))
    if any((r["read_amplification"] or {"median": 0})["median"] > 0.01 for r in first):
        out.append(plots.bars("Bytes read per byte sent",
                              _groups(first, "read_amplification", 1)))
    return [chart for chart in out if "rect" in chart or "circle" in chart]


def _seeder_cell(name):
    return (f"<td class=seeder><span class=dot style='background:{plots.colour(name)}'></span>"
            f"{html.escape(name)}</td>")


def _table(rows):
    heads = ["offload", "peers", "seeder", "wire", *(h for h, *_ in COLUMNS), "served"]
    out = ["<tr>" + "".join(f"<th class={'seeder' if h in ('seeder', 'wire') else 'n'}>{h}</th>"
                            for h in heads) + "</tr>"]
    last = None
    for row in rows:
        group = [r for r in rows if (r["offload"], r["connections"]) ==
                 (row["offload"], row["connections"])]
        first = last != (row["offload"], row["connections"])
        last = (row["offload"], row["connections"])
        line = (f"<tr class={'first' if first else 'n'}><td>{row['offload'] if first else ''}</td>"
                f"<td>{row['connections'] if first else ''}</td>{_seeder_cell(row['seeder'])}"
                f"<td class=seeder>{html.escape(row['wire'])}</td>")
        if not row["good"]:
            out.append(f"{line}<td class=bad colspan={len(COLUMNS) + 1}>"
                       f"{html.escape(row['reason'])}</td></tr>")
            continue
        for _, name, divisor, digits in COLUMNS:
            values = [r[name]["median"] for r in group if r.get(name)
                      and not (name.endswith("_us") and r["seeder"] == "nginx")]
            best = (name in BEST and row[name] and values
                    and row[name]["median"] == BEST[name](values))
            line += f"<td class={'best' if best else 'n'}>{cell(row, name, divisor, digits)}</td>"
        served = row["peers_served"]["median"] if row.get("peers_served") else 0
        out.append(line + f"<td>{served:.0f}</td></tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def warnings(rows):
    """What a reader must know before believing the figures."""
    out = []
    foreign = max([r["foreign_cores"]["median"] for r in rows if r.get("foreign_cores")] or [0])
    if foreign > FOREIGN_CORES_MAX:
        out.append(f"Other programs took up to {foreign * 100:.0f} % of a core beside the runs: "
                   "goodput and latency are not to be quoted, CPU costs with care.")
    wide = [f"{r['seeder']} at {_peers(r['connections'])}" for r in rows if r.get("goodput")
            and r["goodput"]["median"]
            and (r["goodput"]["max"] - r["goodput"]["min"]) / r["goodput"]["median"] > SPREAD_MAX]
    if wide:
        out.append("Goodput of the rounds lies apart by more than a quarter of the median for: "
                   + ", ".join(dict.fromkeys(wide)) + ".")
    full = [f"{r['seeder']} at {r['connections']} (offload {r['offload']})" for r in rows
            if r.get("generator_busy") and r["generator_busy"]["median"] > 0.95]
    if full and foreign <= FOREIGN_CORES_MAX:
        out.append("The generator's CPU was full, so that goodput may be its limit and not the "
                   "seeder's (CPU costs are not touched by that): " + ", ".join(full) + ".")
    return out


def _scenario_part(result, scenario):
    rows = [r for r in result["rows"] if r["scenario"] == scenario["name"]]
    bound = f"; at most {scenario['memory_mib']} MiB a seeder" if scenario["memory_mib"] else ""
    count = scenario["torrents"]
    notes = warnings(rows)
    return "\n".join([
        f"<h2>{html.escape(scenario['name'])}: {html.escape(scenario['about'])}</h2>",
        f"<p class=sub>{scenario['size_mib']} MiB in {count} torrent{'s' if count > 1 else ''}, "
        f"{scenario['memory']}{bound}; {scenario['outstanding']} requests outstanding per peer; "
        f"{result['rounds']} round{'s' if result['rounds'] > 1 else ''} of {scenario['seconds']} "
        f"s; Spillway's arena {scenario['arena_mib']} MiB; generator: "
        f"<code>{html.escape(scenario['load'])}</code></p>",
        _table(rows), bullets(notes, "warn") if notes else "",
        "<div class=charts>", *_scenario_charts(rows), "</div>"])


def _floors_part(floors):
    if not floors:
        return ""
    out = ["<tr><th class=text>what</th><th class=seeder>on</th><th>Mpps</th><th>MiB/s</th>"
           "<th>Gb/s</th><th>cycles/B</th></tr>"]
    for floor in floors:
        head = (f"<tr><td class=text>{html.escape(floor['kind'])}</td>"
                f"<td class=seeder>{html.escape(floor['name'])}</td>")
        if floor.get("failed"):
            out.append(f"{head}<td class=bad colspan=4>{html.escape(floor['failed'])}</td></tr>")
            continue
        mpps = f"{floor['mpps']:.3f}" if "mpps" in floor else ""
        out.append(f"{head}<td>{mpps}</td><td>{floor['goodput'] / MIB:,.0f}</td>"
                   f"<td>{floor['goodput'] * 8 / 1e9:.1f}</td>"
                   f"<td>{floor['cycles_per_byte'] or 0:.3f}</td></tr>")
    return ("<h2>Floors: what no seeder here can pass</h2><div class=scroll><table>"
            + "\n".join(out) + "</table></div>"
            + bullets(["testpmd: frames of 1514 bytes from one thread that computes nothing; "
                       "rates and cycles are per payload byte, as if 1448 bytes of each frame "
                       "were payload. memif and vhost-user have a second testpmd that receives.",
                       "fio: O_DIRECT reads in random order with fixed buffers, from a file "
                       "beside the content; CPU of its thread.",
                       "memcpy: source and target of that length each."]))


def _settings_part(seeders):
    out = ["<h2>Seeders and their settings</h2>"]
    for seeder in seeders:
        items = "".join(f"<div><code>{html.escape(s)}</code></div>" for s in seeder["settings"])
        out.append(f"<details open><summary>{html.escape(seeder['name'])} "
                   f"{html.escape(seeder['version'])}</summary>"
                   f"tuned by: {html.escape(seeder['guide'] or '-')}"
                   f"<div class=settings>{items}</div></details>")
    return "\n".join(out) if seeders else ""


def machine_facts(machine):
    """The machine's description, as names and values."""
    return {
        "processor": f"{machine['cpu']}, {machine['cpu_cnt']} CPUs"
                     + (", a virtual machine" if machine["virtual"] else ""),
        "TSC": f"{machine['tsc_hz'] / 1e9:.3f} GHz",
        "caches": machine["caches"], "memory": f"{machine['memory_gib']} GiB",
        "kernel": machine["kernel"], "mitigations": machine["mitigations"],
        "content on": machine["content_on"], "DPDK": machine["dpdk"],
        "commit": machine["commit"],
    }


TITLES = {"compare": "Seeders on the same wire", "wires": "Each seeder on its best wire",
          "floors": "Floors of this machine"}


def page(result):
    """The whole report, as HTML text without outside references."""
    title = TITLES[result["scenario"]]
    parts = [_scenario_part(result, s) for s in result["scenarios"]]
    method = METHOD if result["rows"] else []
    return "\n".join([
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>{title}, {result['stamp']}</title><style>{CSS}{MORE_CSS}</style>",
        f"<h1>{title}</h1>",
        f"<p class=sub>perf/run {result['scenario']}, {html.escape(result['stamp'])}; Spillway "
        f"with {html.escape(result['memory'] or 'no pages of its own')}</p>",
        *parts, _floors_part(result["floors"]), _settings_part(result["seeders"]),
        "<h2>Machine</h2>", facts(machine_facts(result["machine"])),
        *(["<h2>Method</h2>", bullets(method)] if method else []), "</html>", ""])
