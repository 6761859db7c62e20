# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What no seeder on this machine can pass: sending on each kind of wire without computing anything,
reading a file with io_uring without sending it, copying memory."""

import json
import os

import hugepages
import measure
import testpmd
from lab import Lab
from shell import CommandError, run

SECONDS = 4
HUGE_MIB = 4 * testpmd.MEMORY_MIB
FILE_MIB = 1024
FIO = [(16 << 10, 64), (64 << 10, 32), (128 << 10, 32), (256 << 10, 16)]  # bytes, depth
COPIES = [256 << 10, 64 << 20]


def _null(folder, huge, seconds):
    with testpmd.running(testpmd.Testpmd(folder, "null", "txonly", "net_null0", huge)) as pmd:
        return pmd.figures(seconds)


def _af_xdp(folder, huge, seconds):
    with Lab() as lab:
        measure.steer(lab)
        pmd = testpmd.Testpmd(folder, "af-xdp", "txonly",
                              f"net_af_xdp0,iface={lab.seeder_if}", huge)
        with testpmd.running(pmd, lab.seeder):
            return pmd.figures(seconds)


def _pair(folder, huge, seconds, kind):
    """A sender and a receiver of two processes, joined by a socket."""
    path = os.path.join(folder, kind["name"] + ".sock")
    back = testpmd.Testpmd(folder, kind["name"] + "-rx", "rxonly",
                           kind["back"].format(path), huge)
    front = testpmd.Testpmd(folder, kind["name"] + "-tx", "txonly",
                            kind["front"].format(path), huge)
    front.segments = kind.get("segments", front.segments)
    with testpmd.listening(back), testpmd.running(front):
        return front.figures(seconds)


_MEMIF = {"name": "memif",
          "back": "net_memif0,role=server,socket={},socket-abstract=no,id=0,rsize=11",
          "front": "net_memif0,role=client,socket={},socket-abstract=no,id=0,rsize=11"}
_VHOST = {"name": "vhost", "back": "net_vhost0,iface={}",
          "front": "net_virtio_user0,path={},queue_size=1024"}
_VHOST_BIG = {**_VHOST, "name": "vhost-big", "segments": testpmd.BIG_SEGMENTS}

WIRES = {
    "null": (_null, {}), "af_xdp": (_af_xdp, {}),
    "memif": (_pair, {"kind": _MEMIF}), "vhost-user": (_pair, {"kind": _VHOST}),
    "vhost-user, 64 KiB frames": (_pair, {"kind": _VHOST_BIG}),
}


def wire(name, folder, huge, seconds=SECONDS):
    """The floor of one wire, or the reason why there is none."""
    function, more = WIRES[name]
    out = {"kind": "testpmd txonly", "name": name}
    try:
        return {**out, **function(folder, huge, seconds, **more)}
    except (CommandError, OSError) as e:
        return {**out, "failed": str(e).splitlines()[0]}


def disk(folder, block_bytes, depth, seconds=SECONDS):
    """fio with io_uring, O_DIRECT and random order on a file in the folder."""
    path = os.path.join(folder, "floor.bin")
    out = {"kind": "fio io_uring", "name": f"{block_bytes >> 10} KiB, depth {depth}",
           "block_bytes": block_bytes, "depth": depth}
    pin = ["taskset", "-c", str(measure.SEEDER_CPU)] if measure.can_pin() else []
    try:
        done = run([*pin, "fio", "--name=floor", f"--filename={path}", f"--size={FILE_MIB}m",
                    "--readonly", "--ioengine=io_uring", "--direct=1", "--rw=randread",
                    f"--bs={block_bytes}", f"--iodepth={depth}", "--fixedbufs",
                    "--registerfiles", "--norandommap", "--thread", "--time_based",
                    f"--runtime={seconds}", "--output-format=json"], timeout=seconds + 120)
        job = json.loads(done.stdout[done.stdout.index("{"):])["jobs"][0]
    except (CommandError, OSError, ValueError) as e:
        return {**out, "failed": str(e).splitlines()[0]}
    read = job["read"]
    cpu_s = (job["usr_cpu"] + job["sys_cpu"]) / 100 * job["job_runtime"] / 1e3
    return {**out, "goodput": read["bw_bytes"], "iops": read["iops"],
            "p50_us": read["clat_ns"]["percentile"]["50.000000"] / 1e3,
            "p99_us": read["clat_ns"]["percentile"]["99.000000"] / 1e3,
            "cycles_per_byte": cpu_s * measure.procfs.tsc_hz() / max(1, read["io_bytes"])}


def _file_make(folder):
    with open(os.path.join(folder, "floor.bin"), "wb") as f:
        for _ in range(FILE_MIB):
            f.write(os.urandom(1 << 20))
        os.fsync(f.fileno())


def copy(build, length, seconds=1):
    """memcpy between two buffers of that length."""
    out = {"kind": "memcpy", "name": f"{length >> 10} KiB", "length": length}
    pin = ["taskset", "-c", str(measure.SEEDER_CPU)] if measure.can_pin() else []
    try:
        done = run([*pin, os.path.join(build, "perf", "spillway-memcpy"), str(length),
                    str(seconds)])
    except (CommandError, OSError) as e:
        return {**out, "failed": str(e).splitlines()[0]}
    seen = json.loads(done.stdout)
    return {**out, "goodput": seen["bytes_per_s"],
            "cycles_per_byte": measure.procfs.tsc_hz() * seen["cpu_s"] / seen["bytes"]}


def line(floor):
    """For the terminal."""
    head = f"  {floor['kind']:<15} {floor['name']:<28}"
    if floor.get("failed"):
        return head + "failed: " + floor["failed"]
    mpps = f"{floor['mpps']:8.3f} Mpps" if "mpps" in floor else " " * 13
    return head + (f"{mpps} {floor['goodput'] / 2**20:10.1f} MiB/s "
                   f"{floor['goodput'] * 8 / 1e9:8.2f} Gb/s "
                   f"{floor['cycles_per_byte'] or 0:8.3f} cycles/B")


def measure_all(options, work, say):
    """Every floor; a list."""
    folder = os.path.join(work, "floors")
    os.mkdir(folder)
    out = []

    def keep(floor):
        out.append(floor)
        say(line(floor))

    say("floors")
    with hugepages.reserved(HUGE_MIB) as huge:
        for name in WIRES:
            keep(wire(name, folder, huge))
    _file_make(folder)
    for block_bytes, depth in FIO:
        keep(disk(folder, block_bytes, depth))
    for length in COPIES:
        keep(copy(options.build, length))
    return out
