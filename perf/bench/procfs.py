# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What the kernel tells of CPU time, reads from disk and the machine."""

import glob
import os
import re
import subprocess

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""


def process_cpu_s(pids):
    """CPU seconds of all living threads: user, system, and interrupts that struck them."""
    total_ns = 0
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            total_ns += int((_read(path).split() or ["0"])[0])
    return total_ns / 1e9


def process_read_bytes(pids):
    """Bytes that the processes had the disk read for them."""
    texts = [_read(f"/proc/{pid}/io") for pid in pids]
    return sum(int(m.group(1)) for t in texts if (m := re.search(r"^read_bytes: (\d+)", t, re.M)))


def memory_bytes(pids):
    """Proportional share of memory (PSS) of the processes, and their hugepages."""
    total_kib = 0
    for pid in pids:
        for name in ("Pss", "Shared_Hugetlb", "Private_Hugetlb"):
            m = re.search(rf"^{name}:\s*(\d+)", _read(f"/proc/{pid}/smaps_rollup"), re.M)
            total_kib += int(m.group(1)) if m else 0
    return total_kib * 1024


def children(pid):
    """The pids of the processes that a process started."""
    return [int(child) for path in glob.glob(f"/proc/{pid}/task/*/children")
            for child in _read(path).split()]


def named(prefix):
    """The pids of all processes and kernel threads whose name begins so."""
    return [int(path.split("/")[2]) for path in glob.glob("/proc/[0-9]*/comm")
            if _read(path).startswith(prefix)]


def cpu_busy_s():
    """Seconds since boot that each CPU was not idle and not stolen, whoever ran."""
    busy = {}
    for line in _read("/proc/stat").splitlines():
        if m := re.match(r"cpu(\d+) (.*)", line):
            user, nice, system, _idle, _iowait, irq, softirq = map(int, m.group(2).split()[:7])
            busy[int(m.group(1))] = (user + nice + system + irq + softirq) / _TICKS_PER_S
    return busy


def user_s():
    """Seconds since boot that all CPUs spent outside the kernel."""
    return sum(map(int, _read("/proc/stat").split()[1:3])) / _TICKS_PER_S


def process_user_s(pids):
    """Seconds that the processes spent outside the kernel."""
    fields = [_read(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in pids]
    return sum(int(f[11]) for f in fields if f) / _TICKS_PER_S


def tsc_hz():
    """The rate of the time stamp counter, which the kernel's delay loop is counted in."""
    m = re.search(r"^bogomips\s*:\s*([\d.]+)", _read("/proc/cpuinfo"), re.M)
    return float(m.group(1)) / 2 * 1e6 if m else 0.0


def _output(*cmd):
    try:
        return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              timeout=20, check=False).stdout.strip()
    except OSError:
        return ""


def _caches():
    """The first CPU's caches, each once."""
    out = []
    for index in sorted(glob.glob("/sys/devices/system/cpu/cpu0/cache/index*")):
        level, kind, size = (_read(f"{index}/{n}").strip() for n in ("level", "type", "size"))
        if kind != "Instruction" and size:
            out.append(f"L{level} {size}")
    return ", ".join(out)


def _mitigations():
    """What the kernel does against the processor's weaknesses, but for those that it has not."""
    out = []
    for path in sorted(glob.glob("/sys/devices/system/cpu/vulnerabilities/*")):
        state = _read(path).strip()
        if state and state != "Not affected":
            out.append(f"{os.path.basename(path)}: {state}")
    return "; ".join(out) or "none needed"


def machine_card(root, content_dir):
    """A description of the machine and of what ran, for the report."""
    cpuinfo = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.*)", cpuinfo, re.M)
    memory_kib = int(re.search(r"MemTotal:\s*(\d+)", _read("/proc/meminfo")).group(1))
    commit = _output("git", "-C", root, "rev-parse", "--short=12", "HEAD") or "none"
    if _output("git", "-C", root, "status", "--porcelain", "-uno"):
        commit += " with changes"
    return {
        "cpu": model.group(1) if model else os.uname().machine,
        "cpu_cnt": os.cpu_count(),
        "virtual": "hypervisor" in cpuinfo,
        "tsc_hz": tsc_hz(),
        "caches": _caches(),
        "mitigations": _mitigations(),
        "memory_gib": round(memory_kib / 2**20, 1),
        "kernel": os.uname().release,
        "content_on": _output("df", "--output=source,fstype", content_dir).split("\n")[-1].strip(),
        "dpdk": _output("pkg-config", "--modversion", "libdpdk"),
        "commit": commit,
    }
