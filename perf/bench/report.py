# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What a set of runs says: a table for the terminal and one HTML page with everything in it."""

import html

from svg import bars

MIB = 2.0 ** 20
FOREIGN_CORES_MAX = 0.1

COLUMNS = [  # heading, unit, width, figure, divisor, digits
    ("goodput", "MiB/s", 9, "goodput", MIB, 1),
    ("served per", "MiB/CPU-s", 10, "bytes_per_cpu_s", MIB, 1),
    ("CPU cost", "cycles/B", 9, "cycles_per_byte", 1, 2),
    ("whole CPU", "MiB/CPU-s", 10, "bytes_per_machine_s", MIB, 1),
    ("read/sent", "", 9, "read_amplification", 1, 3),
    ("p50", "ms", 9, "p50_us", 1e3, 2),
    ("p99", "ms", 9, "p99_us", 1e3, 2),
    ("p99.9", "ms", 9, "p99_9_us", 1e3, 2),
    ("Jain", "", 7, "jain", 1, 4),
    ("generator", "% busy", 9, "generator_busy", 0.01, 0),
]


def _cell(row, name, divisor, digits):
    value = row.get(name)
    return "-" if value is None else f"{value / divisor:.{digits}f}"


def table(rows, ratio_rows):
    """Medians side by side, Spillway over libtorrent below each pair."""
    head = "".join(f"{h:>{w + 1}}" for h, _, w, *_ in COLUMNS)
    units = "".join(f"{u:>{w + 1}}" for _, u, w, *_ in COLUMNS)
    lines = [f"{'peers':>5} {'seeder':<10}" + head, f"{'':>5} {'':<10}" + units]
    for connections in dict.fromkeys(r["connections"] for r in rows):
        for row in (r for r in rows if r["connections"] == connections):
            cells = "".join(f"{_cell(row, n, d, p):>{w + 1}}" for _, _, w, n, d, p in COLUMNS)
            lines.append(f"{connections:>5} {row['seeder']:<10}" + cells)
        for row in (r for r in ratio_rows if r["connections"] == connections):
            cells = "".join(f"{_cell(row, n, 1, 2):>{w + 1}}" for _, _, w, n, *_ in COLUMNS)
            lines.append(f"{'':>5} {'ratio':<10}" + cells)
    return "\n".join(lines)


def warnings(rows):
    """What a reader must know before believing the figures."""
    out = []
    foreign = max(row["foreign_cores"] for row in rows)
    if foreign > FOREIGN_CORES_MAX:
        out.append(f"other programs took up to {foreign * 100:.0f} % of a core beside the runs: "
                   "goodput and latency are not to be quoted")
    for row in rows:
        where = f"{row['seeder']} at {row['connections']} peers"
        if row["pieces_failed"]:
            out.append(f"{where}: {row['pieces_failed']} pieces had a wrong SHA-1")
        if not row["pieces_ok"]:
            out.append(f"{where}: no piece was verified")
        if row["connections_lost"]:
            out.append(f"{where}: {row['connections_lost']} connections failed or were closed")
        if (row["generator_busy"] or 0) > 0.95 and row["foreign_cores"] <= FOREIGN_CORES_MAX:
            out.append(f"{where}: the generator's CPU was full; goodput may be its limit, "
                       "not the seeder's")
    return out


METHOD = [
    "One veth pair between two network namespaces, MTU 1500; tx checksumming, TSO, GSO and GRO are "
    "off at both ends, so every packet is a real one and its checksum is computed and checked.",
    "The seeder keeps to CPU 0, the generator to CPU 1; receive packet steering keeps the kernel's "
    "receiving on the receiver's CPU, but for the XDP program, which runs where the generator "
    "sends. Without two CPUs nothing is pinned.",
    "The seeders take turns in every round, on the same content and a fresh wire; each figure is "
    "the median of the rounds, dots are single runs.",
    "Served per CPU-second: piece payload divided by the CPU time of all the seeder's threads and "
    "of its CPU's softirq thread (schedstat; what interrupts take from a thread is in it). Cycles "
    "per byte: that CPU time times the TSC's rate, divided by payload.",
    "Whole CPU: payload divided by all CPU time the machine spent that the generator's process "
    "did not; it holds the kernel's receiving at both ends and whatever else ran.",
    "read/sent: bytes that the seeder had read from the disk, divided by payload. libtorrent reads "
    "through the page cache, which is warm (the file was written and hashed before); Spillway "
    "reads past it (O_DIRECT).",
    "Latency: from a request's send to its block's last byte, with all of a connection's requests "
    "outstanding: it grows with peers x outstanding / goodput, whoever serves.",
    "libtorrent: its high_performance_seed preset, content checked before it serves (seed_mode "
    "would hash while serving), no DHT, LSD, UPnP, NAT-PMP, uTP or encryption, unlimited slots, "
    "many connections per address.",
]

CSS = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733; background: #fff;
       max-width: 980px; margin: 32px auto; padding: 0 20px; }
h1 { font-size: 24px; margin-bottom: 4px; } h2 { font-size: 17px; margin: 28px 0 8px; }
p.sub { color: #5b6875; margin-top: 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 18px; }
svg { width: 100%; height: auto; font-family: system-ui, sans-serif; }
svg .title { font-size: 14px; font-weight: 600; fill: #1d2733; }
svg .tick { font-size: 11px; fill: #5b6875; } svg .value { font-size: 11px; fill: #1d2733; }
svg .grid { stroke: #e3e8ed; } svg .run { fill: #1d2733; opacity: .55; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 4px 9px; text-align: right; border-bottom: 1px solid #e3e8ed; }
th { font-weight: 600; } th small, td small { color: #5b6875; font-weight: 400; }
th:nth-child(2), td:nth-child(2) { text-align: left; }
tr.ratio td { background: #f3f6f8; font-style: italic; }
.scroll { overflow-x: auto; } ul.warn { color: #9a3412; } li { margin: 3px 0; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; margin: 0; }
dt { color: #5b6875; } dd { margin: 0; }
"""


def _chart(result, title, name, divisor, log=False):
    groups = {}
    for row in result["medians"]:
        ones = [r[name] / divisor for r in result["runs"]
                if r["seeder"] == row["seeder"] and r["connections"] == row["connections"]]
        peers = row["connections"]
        groups.setdefault(f"{peers} peer{'s' if peers > 1 else ''}", {})[row["seeder"]] = (
            row[name] / divisor, ones)
    return bars(title, groups, log)


def _html_table(rows, ratio_rows):
    out = ["<tr><th>peers</th><th>seeder</th>"
           + "".join(f"<th>{h}<br><small>{u or '&nbsp;'}</small></th>" for h, u, *_ in COLUMNS)
           + "</tr>"]
    for connections in dict.fromkeys(r["connections"] for r in rows):
        for row in (r for r in rows if r["connections"] == connections):
            out.append(f"<tr><td>{connections}</td><td>{row['seeder']}</td>" + "".join(
                f"<td>{_cell(row, n, d, p)}</td>" for _, _, _, n, d, p in COLUMNS) + "</tr>")
        for row in (r for r in ratio_rows if r["connections"] == connections):
            out.append("<tr class=ratio><td></td><td>ratio</td>" + "".join(
                f"<td>{_cell(row, n, 1, 2)}</td>" for _, _, _, n, *_ in COLUMNS) + "</tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def bullets(items, css=""):
    """An HTML list."""
    return f"<ul class='{css}'>" + "".join(f"<li>{html.escape(i)}</li>" for i in items) + "</ul>"


def facts(pairs):
    """An HTML list of names and values."""
    return "<dl>" + "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(str(v))}</dd>"
                            for k, v in pairs.items()) + "</dl>"


def _card(result):
    machine = result["machine"]
    return facts({
        "processor": f"{machine['cpu']}, {machine['cpu_cnt']} CPUs"
                     + (", a virtual machine" if machine["virtual"] else ""),
        "TSC": f"{machine['tsc_hz'] / 1e9:.3f} GHz",
        "memory": f"{machine['memory_gib']} GiB",
        "kernel": machine["kernel"],
        "content": f"{result['size_mib']} MiB of random bytes on {machine['content_on']}",
        "versions": ", ".join([f"{k} {v}" for k, v in result["versions"].items()]
                              + [f"DPDK {machine['dpdk']}"]),
        "commit": machine["commit"],
        "memory of the arena": result["memory"],
        "runs": f"{result['rounds']} rounds of {result['seconds']} s, {result['outstanding']} "
                f"requests outstanding per peer, order {result['order']}",
    })


def page(result):
    """The whole report of a wire scenario, as HTML text without outside references."""
    charts = [_chart(result, "Goodput, MiB/s", "goodput", MIB),
              _chart(result, "Served per seeder CPU-second, MiB", "bytes_per_cpu_s", MIB),
              _chart(result, "Seeder CPU cycles per byte (less is better)", "cycles_per_byte", 1),
              _chart(result, "Block latency p50, ms (log scale)", "p50_us", 1e3, True),
              _chart(result, "Block latency p99, ms (log scale)", "p99_us", 1e3, True),
              _chart(result, "Fairness among peers, Jain's index", "jain", 1)]
    notes = warnings(result["medians"])
    return "\n".join([
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>Spillway on the wire, {result['stamp']}</title><style>{CSS}</style>",
        "<h1>Spillway on the wire</h1>",
        f"<p class=sub>perf/run wire, {html.escape(result['stamp'])}</p>",
        _html_table(result["medians"], result["ratios"]),
        (bullets(notes, "warn") if notes else ""),
        "<h2>Plots</h2><div class=charts>", *charts, "</div>",
        "<h2>Machine</h2>", _card(result), "<h2>Method</h2>", bullets(METHOD), "</html>", ""])
