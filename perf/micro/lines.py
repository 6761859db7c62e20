#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Which cache lines of a connection one in-order acknowledgement touches, and the two segments
that it lets leave.

usage: perf/micro/lines.py [BUILD]     BUILD is build/

Runs BUILD/perf/micro/tcp_lines under valgrind, which tells every load and store; needs valgrind,
and gdb and a build with debug information to name the fields."""

import os
import re
import shutil
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINE = 64
STEPS = [("ACK", "mark0", "mark1"), ("two segments out", "mark2", "mark3")]
ACCESS = re.compile(r"^ ([LSM]) ([0-9a-f]+),(\d+)$")
MEMBER = re.compile(r"^/\*\s*(\d+)[^|*]*\|\s*(\d+)\s*\*/.*?(\w+)(?:\[\d+\])*\)?(?:\(.*\))?;$")
CLOSING = re.compile(r"^\s*\}\s*(\w*)(?:\[\d+\])*;?\s*$")


def trace(binary):
    """What the program printed, and its accesses [(kind, address, length)]."""
    command = ["valgrind", "--tool=lackey", "--trace-mem=yes", "--log-fd=3", binary]
    with subprocess.Popen(f"exec {' '.join(command)} 3>&1 1>&2", shell=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as proc:
        accesses = [(m.group(1), int(m.group(2), 16), int(m.group(3)))
                    for m in map(ACCESS.match, proc.stdout) if m]
        printed = proc.stderr.read()
    if proc.returncode != 0:
        sys.exit(f"{binary} failed under valgrind: {printed}")
    return printed, accesses


def places(printed):
    """The address and size of the connection, the addresses of the marks."""
    words = [line.split() for line in printed.splitlines()]
    found = {w[0]: int(w[1], 16) for w in words if len(w) >= 2 and w[1].startswith("0x")}
    size = next(int(w[2]) for w in words if w[0] == "tcb")
    return found, size


def between(accesses, begin, end):
    """The accesses after the first store to begin and before that to end."""
    stores = [i for i, (kind, address, _) in enumerate(accesses)
              if kind != "L" and address == begin]
    stops = [i for i, (kind, address, _) in enumerate(accesses) if kind != "L" and address == end]
    return accesses[stores[0] + 1:stops[-1]]


def fields(binary):
    """[(offset, length, name)] of struct tcb's members, those of structures one by one."""
    if not shutil.which("gdb"):
        return []
    shown = subprocess.run(["gdb", "-batch", "-ex", "ptype /o struct tcb", binary],
                           capture_output=True, text=True, check=False).stdout
    levels = [[]]
    for line in shown.splitlines():
        closing = CLOSING.match(line)
        member = MEMBER.match(line)
        if line.rstrip().endswith("{"):
            levels.append([])
        elif closing and len(levels) > 1:
            prefix = closing.group(1) + "." if closing.group(1) else ""
            inner = levels.pop()
            levels[-1] += [(at, size, prefix + name) for at, size, name in inner]
        elif member:
            levels[-1].append((int(member.group(1)), int(member.group(2)), member.group(3)))
    return levels[0]


def names_at(table, offset, length):
    hit = [name for at, size, name in table if at < offset + length and offset < at + size]
    return hit or [f"+{offset}"]


def report(title, accesses, tcb, size, table):
    """Prints the lines of one step. Returns how many there are."""
    lines, elsewhere = {}, set()
    for kind, address, length in accesses:
        offset = address - tcb
        if not 0 <= offset < size:
            elsewhere.add(address // LINE)
            continue
        for line in range(offset // LINE, (offset + length - 1) // LINE + 1):
            read, written = lines.setdefault(line, ([], []))
            for name in names_at(table, offset, length):
                for names, wanted in ((read, "LM"), (written, "SM")):
                    if kind in wanted and name not in names:
                        names.append(name)
    written_cnt = sum(1 for _, written in lines.values() if written)
    print(f"{title}: {len(lines)} lines of the connection, {written_cnt} of them written; "
          f"{len(elsewhere)} other lines, the C stack's among them")
    for line, (read, written) in sorted(lines.items()):
        print(f"  line {line:2}  read {', '.join(read) or '-'}")
        print(f"           written {', '.join(written) or '-'}")
    return len(lines)


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else os.path.join(TOP, "build")
    binary = os.path.join(build, "perf", "micro", "tcp_lines")
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed")
    printed, accesses = trace(binary)
    found, size = places(printed)
    table = fields(binary)
    print(f"struct tcb: {size} bytes, {(size + LINE - 1) // LINE} lines")
    for title, begin, end in STEPS:
        report(title, between(accesses, found[begin], found[end]), found["tcb"], size, table)


if __name__ == "__main__":
    main()
