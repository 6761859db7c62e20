# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The hot paths take no more instructions than the checked-in baseline says."""

import os
import subprocess

import harness
import shell
import sources

QUICK = "cache_hit"
SKIPPED = 77


def _count(env, *arguments):
    """Runs the count. Returns its status and what it printed."""
    done = subprocess.run([os.path.join(env.top, "perf", "micro", "instructions.py"), env.build,
                           *arguments], capture_output=True, text=True, check=False)
    printed = done.stdout + done.stderr
    if done.returncode == SKIPPED:
        raise harness.Skip(printed.strip().removeprefix("skipped: "))
    return done.returncode, printed


def test_hot_paths_take_no_more_instructions(env):
    status, printed = _count(env)
    assert status == 0, shell.tail(printed, 60)


def _baseline_with(env, change):
    """The baseline with a path's rows changed, in a file of its own."""
    path = os.path.join(env.folder(), "baseline.tsv")
    kept = sources.read(os.path.join(env.top, "perf", "micro", "instructions.tsv"))
    with open(path, "w", encoding="utf-8") as f:
        for line in kept.splitlines():
            fields = line.split("\t")
            if fields[0] == QUICK:
                fields[2] = f"{change(float(fields[2])):.1f}"
            f.write("\t".join(fields) + "\n")
    return path


def test_more_instructions_are_found(env):
    less = _baseline_with(env, lambda instructions: instructions * 0.9)
    status, printed = _count(env, "--path", QUICK, "--baseline", less)
    assert status == 1 and "WORSE" in printed, f"status {status}:\n{printed}"
    more = _baseline_with(env, lambda instructions: instructions * 1.1)
    status, printed = _count(env, "--path", QUICK, "--baseline", more)
    assert status == 0, f"status {status}:\n{printed}"
