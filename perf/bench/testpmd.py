# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""dpdk-testpmd in txonly mode: what the wire takes when nobody computes anything to send."""

import contextlib
import os
import re
import shutil
import signal
import statistics
import time

import procfs
from measure import GENERATOR_CPU, SEEDER_CPU, can_pin
from shell import CommandError, start, stop, wait_until

PACKET_BYTES = 1514    # a full frame of an MTU of 1500
PAYLOAD_BYTES = 1448   # of which TCP with timestamps carries so much
BIG_SEGMENTS = [1514, *[2048] * 30]  # a frame as large as one that the other end need not cut
TX_MULTI_SEGS = "0x8000"
MEMORY_MIB = 192
BUFFERS = 16384
RUNTIME = "/var/run/dpdk"  # where an EAL leaves its sockets


class Testpmd:
    """One testpmd that forwards on a thread of its own.

    mode     txonly or rxonly.
    vdev     the device.
    cpu      of the thread that forwards; other: of the one that waits.
    """

    def __init__(self, folder, name, mode, vdev, huge):
        self._log = os.path.join(folder, f"testpmd-{name}.log")
        self._prefix = f"spwfloor-{os.getpid()}-{name}"
        self._mode, self._vdev, self._huge = mode, vdev, huge
        self._process = None
        self.segments = [PACKET_BYTES]

    def command(self):
        mine, other = (SEEDER_CPU, GENERATOR_CPU) if can_pin() else (0, 0)
        if self._mode == "rxonly":
            mine, other = other, mine
        memory = ["--no-huge", "--no-shconf"]
        if self._huge:  # vhost-user passes on no more than 8 files of memory
            memory = ["--in-memory", "--single-file-segments"]
        big = ["--tx-offloads=" + TX_MULTI_SEGS] if len(self.segments) > 1 else []
        return ["dpdk-testpmd", f"--lcores=0@{other},1@{mine}", "--main-lcore=0", "--no-pci",
                *memory, "-m", str(MEMORY_MIB), "--no-telemetry", "--iova-mode=va",
                "--log-level=lib.eal:4", f"--file-prefix={self._prefix}",
                f"--vdev={self._vdev}", "--", f"--forward-mode={self._mode}",
                "--txpkts=" + ",".join(map(str, self.segments)), *big,
                "--stats-period=1", f"--total-num-mbufs={BUFFERS}"]

    def start(self, ns=None):
        """It runs; see wait_forwards."""
        open(self._log, "wb").close()
        command = self.command()
        self._process = start(command if ns is None else ns.command(command), self._log)
        return self

    def wait(self, condition):
        wait_until(condition, 20, f"dpdk-testpmd does not {self._mode}")

    def ready(self):
        """True when the device is there; CommandError with the reason when it never will."""
        text = self._text()
        if self._process.poll() is not None or "No probed ethernet devices" in text:
            raise CommandError("dpdk-testpmd: " + reason(text))
        return "Port statistics" in text

    def forwards(self):
        """True when packets go."""
        return self.ready() and re.search(r"TX-packets: [1-9]", self._text())

    def _text(self):
        with open(self._log, encoding="utf-8", errors="replace") as f:
            return f.read()

    def _worker_cpu_s(self):
        for task in os.listdir(f"/proc/{self._process.pid}/task"):
            path = f"/proc/{self._process.pid}/task/{task}/"
            with open(path + "comm", encoding="ascii") as f:
                if f.read().startswith("rte-worker"):
                    with open(path + "schedstat", encoding="ascii") as s:
                        return int(s.read().split()[0]) / 1e9
        return 0.0

    def figures(self, seconds):
        """Lets it go on for so long, ends it, and tells of rate and cost."""
        time.sleep(seconds)
        cpu_s = self._worker_cpu_s()
        status = stop(self._process, signal.SIGINT)
        text = self._text()
        total = re.search(r"Accumulated.*?TX-packets: (\d+)", text, re.S)
        rates = [int(n) for n in re.findall(r"Tx-pps:\s+(\d+)", text)[1:] if int(n)]
        if not total or not rates:
            raise CommandError(f"dpdk-testpmd (status {status}): " + reason(text))
        frame = sum(self.segments)
        payload = frame - PACKET_BYTES + PAYLOAD_BYTES
        pps = statistics.median(rates)
        cycles = cpu_s * procfs.tsc_hz() / int(total.group(1)) if int(total.group(1)) else None
        return {"mpps": pps / 1e6, "gbit": pps * frame * 8 / 1e9, "goodput": pps * payload,
                "frame_bytes": frame, "cycles_per_packet": cycles,
                "cycles_per_byte": cycles / payload if cycles else None}

    def stop(self):
        if self._process is not None:
            stop(self._process, signal.SIGINT)
        shutil.rmtree(os.path.join(RUNTIME, self._prefix), ignore_errors=True)


def reason(text):
    """The line of a log that says what went wrong."""
    lines = [line.strip() for line in text.splitlines()
             if re.search(r"fail|error|cannot|invalid|not enough|no probed", line, re.I)
             and "errors:" not in line and "Bps" not in line]
    return lines[0] if lines else (_last_line(text) or "no reason given")


def _last_line(text):
    return (text.strip().splitlines() or [""])[-1]


@contextlib.contextmanager
def running(testpmd, ns=None):
    """A sender, sending."""
    try:
        testpmd.start(ns).wait(testpmd.forwards)
        yield testpmd
    finally:
        testpmd.stop()


@contextlib.contextmanager
def listening(testpmd):
    """A receiver that a sender can connect to."""
    try:
        testpmd.start().wait(testpmd.ready)
        yield testpmd
    finally:
        testpmd.stop()
