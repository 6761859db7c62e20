# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The benchmark behind perf/run, which puts tests/support on the path of modules."""

import os
import resource
import shutil
import signal
import sys
import tempfile

import bench_options
import classic
import commands
import scenario
from lab import reap_stale
from shell import CommandError, run

DESCRIPTORS = 65536


def list_print():
    """Every scenario, one line each."""
    every = {**classic.ABOUT, **{s.name: s.about for s in scenario.every().values()}}
    width = max(map(len, every)) + 2
    for name, about in every.items():
        print(f"{name:<{width}}{about}")


def measure_all(options, work):
    os.makedirs(options.results, exist_ok=True)
    if options.command is not None:
        return getattr(commands, options.command)(options, work)
    plain = bench_options.with_defaults(options, bench_options.CLASSIC)
    plain.work_folder = work
    good = classic.measure_paths(plain, work)
    if set(options.scenario) & set(classic.SEEDER_SCENARIOS):
        good &= classic.measure_seeders(plain, work)
    if options.data_scenarios:
        options.no_floors = True
        good &= commands.compare(options, work)
    return good


def descriptors_allow():
    """So many peers need as many descriptors; children inherit the limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard > DESCRIPTORS:
        hard = DESCRIPTORS
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def give_to_caller(folder):
    """What sudo wrote in the tree belongs to the one who called sudo."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if uid and gid and os.path.isdir(folder):
        run(["chown", "-R", f"{uid}:{gid}", folder])


def main():
    try:
        options = bench_options.read(sys.argv[1:])
    except scenario.ScenarioError as e:
        print(f"perf/run: {e}", file=sys.stderr)
        return 2
    if options.command == "list":
        list_print()
        return 0
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda *_: sys.exit(1))
    descriptors_allow()
    reap_stale()
    work = tempfile.mkdtemp(prefix="spillway-perf-", dir=options.work)
    try:
        return 0 if measure_all(options, work) else 1
    except CommandError as e:
        print(f"perf/run: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(work, ignore_errors=True)
        give_to_caller(options.results)
        give_to_caller(options.build)


if __name__ == "__main__":
    sys.exit(main())
