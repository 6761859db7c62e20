# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The impaired paths that senders are compared on."""

import dataclasses

QUEUE_MIN_BYTES = 30000
LOSSES_PPM = {"0": 0, "0.1": 1000, "1": 10000, "3": 30000, "10": 100000}
RTTS_MS = [1, 20, 100, 300]
RATES_MBIT = [10, 100, 1000]
# Of the grid, what tells most: (Mb/s, ms, loss in per cent).
CHOSEN = [(10, 20, "0"), (10, 20, "1"), (10, 100, "0.1"), (10, 100, "3"), (10, 300, "1"),
          (10, 300, "10"), (100, 1, "0"), (100, 1, "1"), (100, 20, "0.1"), (100, 20, "1"),
          (100, 100, "0"), (100, 100, "0.1"), (100, 100, "1"), (100, 300, "0")]


@dataclasses.dataclass
class Cell:
    """One path. forward and backward: more keys for the relay, beside delay, rate and queue."""
    name: str
    rate_mbit: int
    rtt_ms: int
    bdp: float = 1.0  # of queue
    forward: dict = dataclasses.field(default_factory=dict)
    backward: dict = dataclasses.field(default_factory=dict)
    flows: int = 1
    seconds: int = 0
    skip_ms: int = 0

    def __post_init__(self):
        # Long enough for the congestion window to grow, and to be seen losing.
        self.seconds = self.seconds or max(4, min(15, 45 * self.rtt_ms // 1000))

    @property
    def queue_bytes(self):
        return max(QUEUE_MIN_BYTES, int(self.bdp * self.rate_mbit * self.rtt_ms * 125))

    def path(self):
        """The relay's keys, forward and backward."""
        delay = {"delay_us": self.rtt_ms * 500}
        return ({**delay, "rate_bps": self.rate_mbit * 1000000, "queue_bytes": self.queue_bytes,
                 **self.forward}, {**delay, **self.backward})


def _lossy(rate_mbit, rtt_ms, loss):
    return Cell(f"{rate_mbit} Mb/s, {rtt_ms} ms, {loss} %", rate_mbit, rtt_ms,
                forward={"loss_ppm": LOSSES_PPM[loss]})


def _special():
    def cell(what, bdp=1.0, backward=None, **forward):
        return Cell(f"50 Mb/s, 40 ms, {what}", 50, 40, bdp, forward, backward or {})
    yield cell("burst loss", burst_enter_ppm=500, burst_leave_ppm=200000)
    for packets in (3, 10, 50):
        yield cell(f"reorder {packets}", reorder_ppm=10000, reorder_packets=packets)
    yield cell("jitter 10 ms", jitter_us=10000)
    yield cell("jitter 5 ms, reorders", jitter_us=5000, jitter_reorders=1)
    yield cell("queue 0.25 BDP", bdp=0.25)
    yield cell("queue 4 BDP", bdp=4.0)
    yield cell("1 % both ways", backward={"loss_ppm": 10000}, loss_ppm=10000)
    yield cell("2 % twice", duplicate_ppm=20000)


def cells(grid, pattern=""):
    """The cells of a grid, "default" or "full", whose name has the pattern in it."""
    if grid == "full":
        lossy = [(rate, rtt, loss) for rate in RATES_MBIT for rtt in RTTS_MS
                 for loss in LOSSES_PPM]
    else:
        lossy = CHOSEN
    every = [_lossy(*one) for one in lossy] + list(_special())
    return [c for c in every if pattern in c.name]


def fairness_cell(flows):
    """Flows that share one bottleneck for half a minute; their first five seconds do not count."""
    return Cell(f"50 Mb/s, 40 ms, {flows} flows", 50, 40, flows=flows, seconds=30, skip_ms=5000)
