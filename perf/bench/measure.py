# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A wire of two namespaces on which a seeder and the generator each keep to their own CPU.

Left alone, veth receives on the sender's CPU: each end would pay for the other's receiving, and
the kernel's TCP would send for the seeder where the generator's ACKs are made. Receive packet
steering puts the work of either end on that end's CPU. It does not reach the XDP program, which
runs where the generator sends; a pinned NAPI thread would bring it over, but its context switches
cost far more than the program.
"""

import contextlib
import os
import statistics
import time

import bounded
import procfs
from lab import Lab
from load import QUANTILES, Generator, sources_add

SEEDER_CPU = 0
GENERATOR_CPU = 1
HUGEPAGE_MIB = 512
BACKLOG_PATH = "/proc/sys/net/core/netdev_max_backlog"
BACKLOG_PACKETS = 200000  # the kernel's 1000 would lose packets that no wire has lost


def can_pin():
    return (os.cpu_count() or 1) >= 2


@contextlib.contextmanager
def backlog():
    """The receive queue between the two CPUs is long enough for every window that is open."""
    with open(BACKLOG_PATH, encoding="ascii") as f:
        before = f.read()
    with open(BACKLOG_PATH, "w", encoding="ascii") as f:
        f.write(str(max(BACKLOG_PACKETS, int(before))))
    try:
        yield
    finally:
        with open(BACKLOG_PATH, "w", encoding="ascii") as f:
            f.write(before)


def steer(lab):
    """The kernel's receiving at each end is on that end's CPU."""
    if not can_pin():
        return
    for ns, dev, cpu in ((lab.seeder, lab.seeder_if, SEEDER_CPU),
                         (lab.client, lab.client_if, GENERATOR_CPU)):
        ns.run(["sh", "-c", f"echo {1 << cpu:x} > /sys/class/net/{dev}/queues/rx-0/rps_cpus"])


def _receivers():
    """The kernel thread that receives for the seeder when its CPU is short of time."""
    return procfs.named(f"ksoftirqd/{SEEDER_CPU}") if can_pin() else []


def offload(lab, on, raw_seeder):
    """The kernel's checksumming and segmentation are left to the wire, or done for each packet.

    raw_seeder: the seeder takes frames from the wire as they are; those that the generator's
    kernel sends then have their checksums and are no longer than a packet all the same.
    """
    word = "on" if on else "off"
    lab.seeder.run(["ethtool", "-K", lab.seeder_if, "tx", word, "tso", word, "gso", word])
    word = "on" if on and not raw_seeder else "off"
    lab.client.run(["ethtool", "-K", lab.client_if, "tx", word, "tso", word, "gso", word])


@contextlib.contextmanager
def serving(seeder, content, offloads=False, memory_mib=0):
    """A fresh wire with the seeder on it, ready."""
    pin = can_pin()
    with bounded.bounded(memory_mib) as group, Lab() as lab:
        steer(lab)
        sources_add(lab)
        if offloads:
            offload(lab, True, seeder.raw)
        try:
            with group.started_inside():
                seeder.start(lab, content, SEEDER_CPU if pin else None)
            yield lab
        finally:
            seeder.stop()


def generator(build, folder):
    """The load generator on its CPU."""
    return Generator(build, folder, GENERATOR_CPU if can_pin() else None)


def run_once(lab, seeder, content, load, source):
    """One run of the generator; returns what it saw and what the seeder spent meanwhile."""
    begun = time.monotonic()
    source = seeder.source or source
    with source.running(lab, seeder, content, load) as wait:
        seeder.join()
        time.sleep(max(0.0, begun + load.settle_s - time.monotonic()))
        return _figures(seeder, load, wait)


def _figures(seeder, load, wait):
    pids, receivers = seeder.pids(), _receivers()
    disk = seeder.disk_read_bytes()
    own_s, cpu_s = procfs.process_cpu_s(pids), procfs.process_cpu_s(pids + receivers)
    busy, foreign_s = procfs.cpu_busy_s(), procfs.user_s() - procfs.process_user_s(pids)
    start = time.monotonic()
    seen, status, complaint, latency = wait()
    wall_s = time.monotonic() - start
    busy = {cpu: s - busy[cpu] for cpu, s in procfs.cpu_busy_s().items()}
    foreign_s = procfs.user_s() - procfs.process_user_s(pids) - seen["cpu_user_s"] - foreign_s
    own_s = procfs.process_cpu_s(pids) - own_s
    cpu_s = procfs.process_cpu_s(pids + receivers) - cpu_s
    if "seeder_cpu_s" in seen:  # of the threads that serve, in a process that does more
        own_s = cpu_s = seen["seeder_cpu_s"]
    time.sleep(0.2)  # counters are published now and then
    disk = seeder.disk_read_bytes() - disk
    payload = seen["payload_bytes"]
    leech_cpu_s = seen["cpu_user_s"] + seen["cpu_system_s"]
    rest_s = sum(busy.values()) - leech_cpu_s
    return {
        "seeder": seeder.name, "wire": seeder.wire,
        "connections": load.connections, "wall_s": round(wall_s, 3),
        "leech": seen, "leech_status": status, "leech_complaint": complaint,
        "seeder_process_cpu_s": round(own_s, 4), "seeder_cpu_s": round(cpu_s, 4),
        "disk_bytes": disk, "memory_bytes": seeder.memory_bytes(),
        "seeder_cpu_busy_s": round(busy[SEEDER_CPU], 3) if can_pin() else None,
        "generator_busy": round(busy[GENERATOR_CPU] / wall_s, 4) if can_pin() else None,
        "machine_less_leech_s": round(rest_s, 3),
        "foreign_cores": round(foreign_s / wall_s, 3),
        "goodput": seen["goodput_bytes_per_s"],
        "bytes_per_cpu_s": payload / cpu_s if cpu_s else 0,
        "cpu_s_per_gb": cpu_s / (payload / 1e9) if payload else None,
        "bytes_per_machine_s": payload / rest_s if rest_s > 0 else 0,
        "cycles_per_byte": cpu_s * procfs.tsc_hz() / payload if payload else 0,
        "read_amplification": disk / payload if payload else 0,
        **dict.fromkeys(QUANTILES), **latency,
        "jain": seen.get("fairness_fast", seen)["jain"],
    }


MEDIANS = ["goodput", "bytes_per_cpu_s", "bytes_per_machine_s", "cycles_per_byte",
           "read_amplification", "p50_us", "p99_us", "p99_9_us", "jain", "generator_busy",
           "foreign_cores"]
RATIOS = [n for n in MEDIANS if n not in ("read_amplification", "generator_busy", "foreign_cores")]


def medians(runs):
    """One row per seeder and number of connections: the median of its runs, figure by figure."""
    rows = []
    for key in dict.fromkeys((r["connections"], r["seeder"]) for r in runs):
        mine = [r for r in runs if (r["connections"], r["seeder"]) == key]
        row = {"connections": key[0], "seeder": key[1], "runs": len(mine),
               "pieces_ok": sum(r["leech"]["pieces_ok_cnt"] for r in mine),
               "pieces_failed": sum(r["leech"]["pieces_failed_cnt"] for r in mine),
               "connections_lost": sum(r["leech"]["connect_failed_cnt"] + r["leech"]["closed_cnt"]
                                       + r["leech"]["protocol_error_cnt"] for r in mine)}
        for name in MEDIANS:
            values = [r[name] for r in mine if r[name] is not None]
            row[name] = statistics.median(values) if values else None
        rows.append(row)
    return sorted(rows, key=lambda r: (r["connections"], r["seeder"] != "spillway"))


def ratios(rows):
    """Spillway's medians divided by libtorrent's, per number of connections."""
    out = []
    for ours in (r for r in rows if r["seeder"] == "spillway"):
        for theirs in rows:
            if theirs["seeder"] != "libtorrent" or theirs["connections"] != ours["connections"]:
                continue
            out.append({"connections": ours["connections"],
                        **{n: ours[n] / theirs[n] for n in RATIOS if ours[n] and theirs[n]}})
    return out


def idle(seeder, seconds):
    """CPU of a seeder that nobody asks for anything, as a fraction of one core."""
    pids = seeder.pids()
    before, start = procfs.process_cpu_s(pids), time.monotonic()
    time.sleep(seconds)
    return (procfs.process_cpu_s(pids) - before) / (time.monotonic() - start)
