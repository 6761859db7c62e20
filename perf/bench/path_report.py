# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What the runs over impaired paths say: tables for the terminal, one HTML page with plots."""

import html

import paths
import svg
from report import CSS, bullets, facts

MBIT = 1e6 / 8
SERIES = ["linux cubic", "spillway cubic", "linux bbr", "spillway bbr"]
JAIN_WANTED = {True: 0.95, False: 0.9}  # among our own flows; beside the kernel's


def _mbit(value):
    return "-" if value is None else f"{value / MBIT:.2f}"


def _ratio(row, cc):
    ratio = row["ratio"].get(cc)
    return "-" if ratio is None else f"{ratio:.3f}" + (" <" if ratio < 1 else "  ")


def table(rows):
    """Medians in Mb/s; a ratio below 1 has a < behind it."""
    head = f"{'':36}" + "".join(f"{f'linux {cc}':>14}{f'ours {cc}':>14}{'ratio':>10}"
                                for cc in paths.CONTROLS)
    lines = [head]
    for row in rows:
        cells = "".join(f"{_mbit(row['median'].get(f'linux {cc}')):>14}"
                        f"{_mbit(row['median'].get(f'spillway {cc}')):>14}{_ratio(row, cc):>10}"
                        for cc in paths.CONTROLS)
        lines.append(f"{row['cell']:36}" + cells)
    for cc in paths.CONTROLS:
        ratios = [row["ratio"][cc] for row in rows if cc in row["ratio"]]
        if ratios:
            lines.append(f"{cc}: ours at least the kernel's in {sum(r >= 1 for r in ratios)} of "
                         f"{len(ratios)} cells, at least 0.99 of it in "
                         f"{sum(r >= 0.99 for r in ratios)}")
    return "\n".join(lines)


def fairness_table(rows):
    """Jain's index of each mix, and what each side of it got in all."""
    lines = [f"{'one bottleneck of 50 Mb/s, 40 ms':48}{'Jain':>8}{'Mb/s':>8}  shares"]
    for row in rows:
        shares = " : ".join(_mbit(s) for s in row["shares"])
        lines.append(f"{row['mix']:48}{row['jain']:>8.3f}{_mbit(row['goodput']):>8}  {shares}")
    return "\n".join(lines)


METHOD = [
    "Three network namespaces: the sender's, the path's, the receiver's. spillway-relay carries "
    "frames between two veth pairs and imposes delay, rate, queue and faults; every decision is a "
    "function of the seed and the packet's index, and a round has one seed for all senders. "
    "Offloads are off at all four ends; MTU 1500.",
    "The receiver is the Linux kernel in every run; its memory may grow to 64 MiB, as may the "
    "kernel sender's. No metrics are kept from one connection to the next.",
    "The kernel's sender is spillway-kernelflow with TCP_CONGESTION; ours is tcp_host, the same "
    "stack as the dataplane's without BitTorrent, on the port named below.",
    "A cell's name is its rate, round-trip time and loss from the sender to the receiver. The "
    "queue is one bandwidth-delay product (at least 30,000 bytes) unless said; loss strikes behind "
    "the queue.",
    "Goodput is bytes that the receiver read, from its first byte on, start-up included. Bars are "
    "medians, dots single runs.",
    "The contenders take turns in every round. A run in which the relay lost packets by itself, or "
    "sent more than 5 % of them over 100 us late, is marked in the JSON and told of below.",
]


def _bars(rows):
    groups = {}
    for row in rows:
        groups[row["cell"]] = {
            name: (row["median"][name] / row["rate"], [v / row["rate"] for v in row["ones"][name]])
            for name in SERIES if name in row["median"]}
    return svg.rows("Goodput as a part of the path's rate", groups, 1.0)


def _ratio_chart(rows):
    groups = {row["cell"]: {f"spillway {cc}": (ratio, []) for cc, ratio in row["ratio"].items()}
              for row in rows if row["ratio"]}
    return svg.rows("Ours divided by the kernel's (1.0 is marked)", groups, None, mark=1.0)


def _html_table(rows):
    out = ["<tr><th>path</th>" + "".join(f"<th>Linux {cc}<br><small>Mb/s</small></th>"
           f"<th>ours {cc}<br><small>Mb/s</small></th><th>ratio</th>" for cc in paths.CONTROLS)
           + "</tr>"]
    for row in rows:
        cells = ""
        for cc in paths.CONTROLS:
            below = " class=below" if row["ratio"].get(cc, 1) < 1 else ""
            cells += (f"<td>{_mbit(row['median'].get(f'linux {cc}'))}</td>"
                      f"<td>{_mbit(row['median'].get(f'spillway {cc}'))}</td>"
                      f"<td{below}>{html.escape(_ratio(row, cc).strip())}</td>")
        out.append(f"<tr><td class=name>{html.escape(row['cell'])}</td>{cells}</tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def _html_fairness(rows):
    out = ["<tr><th>flows</th><th>Jain</th><th>together<br><small>Mb/s</small></th>"
           "<th>shares<br><small>Mb/s</small></th></tr>"]
    for row in rows:
        alone = "+" not in row["mix"]
        below = " class=below" if "spillway" in row["mix"] \
            and row["jain"] < JAIN_WANTED[alone] else ""
        shares = " : ".join(_mbit(s) for s in row["shares"])
        out.append(f"<tr><td class=name>{html.escape(row['mix'])}</td>"
                   f"<td{below}>{row['jain']:.3f}</td><td>{_mbit(row['goodput'])}</td>"
                   f"<td>{shares}</td></tr>")
    return "<div class=scroll><table>" + "\n".join(out) + "</table></div>"


def _card(result):
    machine = result["machine"]
    return facts({
        "processor": f"{machine['cpu']}, {machine['cpu_cnt']} CPUs"
                     + (", a virtual machine" if machine["virtual"] else ""),
        "memory": f"{machine['memory_gib']} GiB",
        "kernel": machine["kernel"],
        "commit": machine["commit"],
        "our port": result["port_kind"],
        "runs": f"{result['rounds']} rounds",
    })


def notes(runs):
    """A line for each run that is not to be believed."""
    out = []
    for r in runs:
        why = paths.complaint({"status": 0, **r})
        if why:
            out.append(f"{r.get('cell') or r.get('mix')}, {r.get('stack', '')} {r.get('cc', '')}, "
                       f"seed {r['seed']}: {why}")
    return out


def page(result):
    """The whole report of a paths or fairness scenario, as HTML text without outside references."""
    body = []
    if result.get("rows"):
        body += [_html_table(result["rows"]), "<h2>Plots</h2>", _ratio_chart(result["rows"]),
                 _bars(result["rows"])]
    if result.get("fairness"):
        body += ["<h2>Fairness</h2><p>All flows share one bottleneck of 50 Mb/s and 40 ms with a "
                 "queue of one bandwidth-delay product for 30 s; the first 5 s do not count.</p>",
                 _html_fairness(result["fairness"])]
    warnings = notes(result["runs"])
    return "\n".join([
        "<!doctype html><html lang=en><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width'>",
        f"<title>Spillway on bad paths, {result['stamp']}</title><style>{CSS}"
        "td.name { text-align: left !important; white-space: nowrap; }"
        "th:nth-child(2), td:nth-child(2) { text-align: right; }"
        "td.below { color: #9a3412; font-weight: 600; }</style>",
        "<h1>Spillway and the kernel on bad paths</h1>",
        f"<p class=sub>perf/run {result['scenario']}, {html.escape(result['stamp'])}</p>", *body,
        (f"<h2>Doubtful runs</h2>{bullets(warnings, 'warn')}" if warnings else ""),
        "<h2>Machine</h2>", _card(result), "<h2>Method</h2>", bullets(METHOD), "</html>", ""])
