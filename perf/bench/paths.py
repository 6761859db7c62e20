# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Our sender and the kernel's, in turns over the same impaired path to the same kernel receiver."""

import contextlib
import json
import os
import statistics

import path_cells
import path_lab
import shell
import tcp_host
from path_senders import STACKS

CONTROLS = ["cubic", "bbr"]
CONTENDERS = [(stack, cc) for cc in CONTROLS for stack in STACKS]
FIRST_BYTE_S = 60
RELAY_PRIORITY = 1
LATE_PART_MAX = 0.05  # of packets that left the relay late, beyond which a run is not believed


class PathEnv:
    """What the shared helpers ask of their surroundings."""

    def __init__(self, build, work, at_once=4, at_once_mbit=100):
        self.build = build
        self.port_kind = "af_packet"
        self.huge = False
        self.at_once = at_once
        self.at_once_mbit = at_once_mbit
        self._work = work
        self._serial = 0

    def folder(self):
        self._serial += 1
        path = os.path.join(self._work, str(self._serial))
        os.mkdir(path)
        return path

    @staticmethod
    def watch(path):
        return path


class Flow:
    """Flows of one sender to one receiver; a relay must run."""

    def __init__(self, env, lab, contender, cell, flows):
        stack, self.cc = contender
        self._log = os.path.join(env.folder(), "recv.log")
        self._cell = cell
        self.stack = stack
        self._sender = STACKS[stack](env, lab, self.cc, flows)
        try:
            self._proc = lab.receiver.start(
                [os.path.join(env.build, "perf", "spillway-kernelflow"), "recv",
                 "--connect", f"{self._sender.address}:{self._sender.port}",
                 "--flows", str(flows),
                 "--seconds", str(cell.seconds), "--skip-ms", str(cell.skip_ms)], self._log)
        except BaseException:
            self._sender.stop()
            raise

    def figures(self):
        """Waits for the end; what receiver and sender saw."""
        self._proc.wait(self._cell.seconds + FIRST_BYTE_S + 30)
        seen = json.loads(shell.tail_file(self._log).splitlines()[-1])
        try:
            sender = self._sender.info()
        except (shell.CommandError, tcp_host.Refused, OSError, ValueError, IndexError) as e:
            sender = {"complaint": str(e)}
        return {"stack": self.stack, "cc": self.cc, "status": self._proc.returncode,
                "goodput": seen["goodput_bytes_per_s"], "jain": seen["jain"],
                "flow_goodputs": [f["goodput_bytes_per_s"] for f in seen["flows"]],
                "seconds": seen["seconds"], "bytes": seen["bytes"], "sender": sender}

    def stop(self):
        shell.stop(self._proc)
        self._sender.stop()


@contextlib.contextmanager
def labs(count):
    """So many three-namespace labs."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(path_lab.PathLab()) for _ in range(count)]


def relay_figures(report):
    """What of the relay's report belongs to a result."""
    forward, backward = report["forward"], report["backward"]
    packets = forward["packets"] + backward["packets"]
    late = forward["late"] + backward["late"]
    return {"relay": forward, "relay_late_part": late / packets if packets else 0.0,
            "relay_failures": path_lab.relay_failures(report)}


def start_relay(env, lab, cell, seed):
    forward, backward = cell.path()
    return lab.relay(env, forward, backward,
                     ["--seed", str(seed), "--priority", str(RELAY_PRIORITY)])


def run_together(env, lab_list, cell, contenders, seed):
    """Each contender in its own lab, all at once; a list of figures."""
    with contextlib.ExitStack() as stack:
        running = []
        for lab, contender in zip(lab_list, contenders):
            relay = start_relay(env, lab, cell, seed)
            stack.callback(relay.stop)
            flow = Flow(env, lab, contender, cell, cell.flows)
            stack.callback(flow.stop)
            running.append((relay, flow))
        return [{"cell": cell.name, "seed": seed, **flow.figures(),
                 **relay_figures(relay.report())} for relay, flow in running]


def supported(env, lab, say):
    """The contenders that exist here; the others are told of."""
    out = []
    for stack, cc in CONTENDERS:
        try:
            STACKS[stack](env, lab, cc, 1).stop()
            out.append((stack, cc))
        except tcp_host.Unsupported as e:
            say(f"skipped: {cc} of {stack}: {str(e).splitlines()[0]}")
    return out


def run_cell(env, lab_list, cell, contenders, seed):
    """Every contender once, as many at a time as the machine may carry; yields figures."""
    step = max(1, min(env.at_once, env.at_once_mbit // cell.rate_mbit))
    turn = contenders if seed % 2 else contenders[::-1]
    for i in range(0, len(turn), step):
        yield from run_together(env, lab_list, cell, turn[i:i + step], seed)


def complaint(figures):
    """Why a run is not to be believed, or ""."""
    out = [f"{k}: {v}" for k, v in figures["relay_failures"].items()]
    if figures["relay_late_part"] > LATE_PART_MAX:
        out.append(f"relay late: {figures['relay_late_part'] * 100:.0f} %")
    if figures["status"]:
        out.append("a flow failed")
    return ", ".join(out)


def medians(runs, cells):
    """One row per cell: {"cell", "rate", (stack, cc): [goodputs]...}, medians, ratios."""
    rows = []
    for cell in cells:
        row = {"cell": cell.name, "rate": cell.rate_mbit * 1e6 / 8, "ones": {}, "median": {},
               "ratio": {}}
        for stack, cc in CONTENDERS:
            ones = [r["goodput"] for r in runs
                    if (r["cell"], r["stack"], r["cc"]) == (cell.name, stack, cc)]
            if ones:
                row["ones"][f"{stack} {cc}"] = ones
                row["median"][f"{stack} {cc}"] = statistics.median(ones)
        for cc in CONTROLS:
            ours, kernel = (row["median"].get(f"{s} {cc}") for s in ("spillway", "linux"))
            if ours is not None and kernel:
                row["ratio"][cc] = ours / kernel
        if row["ones"]:
            rows.append(row)
    return rows


def jain(values):
    """Jain's index of fairness."""
    squares = sum(v * v for v in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 0.0


def fairness_mixes(contenders):
    """What shares the bottleneck: lists of (contender, flows)."""
    for cc in CONTROLS:
        if ("spillway", cc) in contenders:
            yield [(("spillway", cc), 8)]
            if ("linux", cc) in contenders:
                yield [(("spillway", cc), 4), (("linux", cc), 4)]
        if ("linux", cc) in contenders:
            yield [(("linux", cc), 8)]


def run_mix(env, lab, mix, seed):
    """All of a mix over one relay."""
    cell = path_cells.fairness_cell(sum(n for _, n in mix))
    with contextlib.ExitStack() as stack:
        relay = start_relay(env, lab, cell, seed)
        stack.callback(relay.stop)
        flows = []
        for contender, count in mix:
            flows.append(Flow(env, lab, contender, cell, count))
            stack.callback(flows[-1].stop)
        parts = [flow.figures() for flow in flows]
        every = [g for part in parts for g in part["flow_goodputs"]]
        return {"mix": " + ".join(f"{n} {s} {cc}" for (s, cc), n in mix), "seed": seed,
                "jain": jain(every), "goodput": sum(every), "parts": parts,
                **relay_figures(relay.report())}


def fairness_rows(runs):
    """One row per mix, the medians of its runs."""
    rows = []
    for mix in dict.fromkeys(r["mix"] for r in runs):
        mine = [r for r in runs if r["mix"] == mix]
        shares = [statistics.median(sum(p["flow_goodputs"]) for p in parts)
                  for parts in zip(*(r["parts"] for r in mine))]
        rows.append({"mix": mix, "runs": len(mine), "jain_ones": [r["jain"] for r in mine],
                     "jain": statistics.median(r["jain"] for r in mine),
                     "goodput": statistics.median(r["goodput"] for r in mine),
                     "shares": shares})
    return rows
