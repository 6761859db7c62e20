#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Instructions that the hot paths take, function by function, beside those of the baseline.

usage: perf/micro/instructions.py [BUILD] [--path NAME]... [--baseline FILE] [--update]

Runs each path of BUILD/perf/micro/hot_micro (BUILD is build/) under callgrind, which counts from
the entry of hot_round_* to its return. A path, or a function of it, that takes more instructions an
operation than the baseline says is worse: by SHARE and by SLACK. A function that the baseline does
not have counts in its path. --update writes the baseline anew.

Status 0: nothing is worse; 1: something is; 77: nothing to compare with, and why.

Counts are the compiler's and the C library's. The baseline says whose, and is not used under
others. They are not the processor's: the C library is told to take the functions that every x86-64
has, and no path sums bytes or takes fingerprints, the two that choose by the processor."""

import argparse
import concurrent.futures
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
BASELINE = os.path.join(HERE, "instructions.tsv")
ROUNDS = 50
SHARE = 0.05
SLACK = 3.0            # instructions an operation
LEAST = 0.5            # what is less is in its path's sum only
SHOWN = 0.04           # of a path: a function that is printed
ALL = "(all)"
OPTIONS = ["buildtype", "optimization", "b_ndebug", "b_sanitize", "b_lto", "b_pgo", "c_args",
           "fuzz"]
PINNED = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(
    "-" + name for name in ("AVX512F", "AVX512VL", "AVX512BW", "AVX2", "AVX_Fast_Unaligned_Load",
                            "ERMS", "FSRM", "SSSE3", "SSE4_1", "SSE4_2", "BMI2"))}
NAME = re.compile(r"\((\d+)\)(?: (.*))?$")
COST = re.compile(r"^(?:\+|-|\*|0x)?[0-9a-f]* (\d+)$")


class Unfit(Exception):
    """There is nothing to compare; the text says why."""


def introspect(build, what):
    done = subprocess.run(["meson", "introspect", build, what], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Unfit(f"{build} is no build directory")
    return json.loads(done.stdout)


def compiler_of(build):
    """The compiler's name and major version, as it says itself."""
    target = next(t for t in introspect(build, "--targets") if t["name"] == "hot_micro")
    command = next(s["compiler"] for s in target["target_sources"] if s.get("compiler"))
    defines = subprocess.run([*command, "-dM", "-E", "-x", "c", os.devnull], capture_output=True,
                             text=True, check=True).stdout
    values = dict(re.findall(r"^#define (__clang_major__|__GNUC__) (\d+)$", defines, re.MULTILINE))
    if "__clang_major__" in values:
        return "clang-" + values["__clang_major__"]
    return "gcc-" + values["__GNUC__"]


def made_by(build):
    """What the counts depend on, as one line."""
    values = {o["name"]: o["value"] for o in introspect(build, "--buildoptions")}
    words = [platform.machine(), compiler_of(build),
             os.confstr("CS_GNU_LIBC_VERSION").replace(" ", "-")]
    words += [f"{name}={values.get(name)}".replace(" ", "") for name in OPTIONS]
    return " ".join(words)


def functions(path):
    """{function: its own instructions} of a callgrind file."""
    names, own, current, called = {}, {}, None, False
    with open(path, encoding="utf-8") as f:
        for line in f:
            line = line.rstrip("\n")
            if line.startswith(("fn=", "cfn=")):
                number, name = NAME.match(line.split("=", 1)[1]).groups()
                names.setdefault(number, name)
                if line.startswith("fn="):
                    current = re.sub(r"('\d+)$", "", names[number])
            elif line.startswith("calls="):
                called = True              # the next line is what the callee took
            elif COST.match(line):
                if not called:
                    own[current] = own.get(current, 0) + int(COST.match(line).group(1))
                called = False
    return own


def count(binary, path):
    """{function: instructions an operation} of a path, ALL among them."""
    with tempfile.TemporaryDirectory(prefix="spwins", dir="/var/tmp") as folder:
        out = os.path.join(folder, "out")
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}",
             "--toggle-collect=hot_round_*", binary, path, str(ROUNDS)],
            env={**os.environ, **PINNED}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{binary} {path} failed under valgrind:\n{done.stderr[-2000:]}")
        own = functions(out)
    operations = int(done.stdout.split()[1])
    each = {name: total / operations for name, total in own.items()}
    return {ALL: sum(each.values()), **{n: c for n, c in each.items() if c >= LEAST}}


def count_all(binary, wanted):
    listed = subprocess.run([binary, "--list"], capture_output=True, text=True,
                            check=True).stdout.split()
    unknown = set(wanted) - set(listed)
    if unknown:
        sys.exit(f"no path {', '.join(sorted(unknown))}; there are {', '.join(listed)}")
    paths = [path for path in listed if not wanted or path in wanted]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(paths, pool.map(lambda path: count(binary, path), paths)))


def baseline_read(path):
    """Whose the counts are, and {path: {function: instructions an operation}}."""
    whose, counts = "", {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.startswith("# of "):
                whose = line[5:].strip()
            elif not line.startswith("#"):
                name, function, instructions = line.rstrip("\n").split("\t")
                counts.setdefault(name, {})[function] = float(instructions)
    return whose, counts


def baseline_write(path, whose, counts):
    with open(path, "w", encoding="utf-8") as f:
        f.write("# Instructions an operation; made by perf/micro/instructions.py --update\n")
        f.write(f"# of {whose}\n")
        for name, each in counts.items():
            for function, instructions in sorted(each.items(), key=lambda i: (-i[1], i[0])):
                f.write(f"{name}\t{function}\t{instructions:.1f}\n")


def is_worse(now, before):
    return before is not None and now > before * (1 + SHARE) and now > before + SLACK


def compare(counts, kept):
    """Prints what each path takes. Returns the rows that are worse."""
    worse = []
    print(f"{'path':14} {'function':30} {'baseline':>10} {'now':>10}")
    for path, each in counts.items():
        before = kept.get(path, {})
        for function, now in sorted(each.items(), key=lambda i: -i[1]):
            was = before.get(function)
            mark = is_worse(now, was)
            row = (f"{path:14} {function:30} {'-' if was is None else f'{was:.1f}':>10} "
                   f"{now:10.1f}")
            if mark:
                worse.append(row)
            if mark or now >= SHOWN * each[ALL] or is_worse(now, was or 0) and was is None:
                print(row + ("  WORSE" if mark else ""))
    return worse


def look(options):
    binary = os.path.join(options.build, "perf", "micro", "hot_micro")
    if not shutil.which("valgrind"):
        raise Unfit("valgrind is not installed")
    if not os.path.exists(binary):
        raise Unfit(f"{binary} is not built")
    whose = made_by(options.build)
    if options.update:
        counts = count_all(binary, [])
        baseline_write(options.baseline, whose, counts)
        print(f"{options.baseline}: {sum(map(len, counts.values()))} rows of {whose}")
        return 0
    kept_whose, kept = baseline_read(options.baseline)
    if kept_whose != whose:
        raise Unfit(f"the baseline is of {kept_whose}; this is {whose}")
    counts = count_all(binary, options.path)
    worse = compare(counts, kept)
    missing = sorted(path for path in counts if path not in kept)
    for path in missing:
        print(f"{path} is not in the baseline")
    if worse:
        print(f"{len(worse)} rows are worse by {SHARE:.0%} and {SLACK:g} instructions or more; "
              "if that is meant: --update")
    return 1 if worse or missing else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("build", nargs="?", default=os.path.join(TOP, "build"))
    parser.add_argument("--path", action="append", default=[])
    parser.add_argument("--baseline", default=BASELINE)
    parser.add_argument("--update", action="store_true")
    try:
        return look(parser.parse_args())
    except Unfit as e:
        print(f"skipped: {e}")
        return 77


if __name__ == "__main__":
    sys.exit(main())
