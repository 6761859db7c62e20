# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What tests/run does once its packages are installed; tests/run --help tells the usage."""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import beside
import build
import harness
import hugepages
import lab
import shell

SUITES = ["lint", "unit", "fuzz", "interop", "fault"]
HUGE_MIB = 384
FUZZ_SECONDS = int(os.environ.get("FUZZ_SECONDS", "20"))
NIGHTLY_SECONDS = 1800
COMPUTING = ("tcp_", "dht_", "wire_")  # unit tests whose clock is a number; the simulator's too
FUZZ_AT_ONCE = 2


def build_step(report, name, function, log_path):
    """Returns True when built."""
    begin = time.monotonic()
    try:
        function(log_path)
    except shell.CommandError as e:
        report.fail(name, time.monotonic() - begin, str(e))
        return False
    report.ok(name, time.monotonic() - begin)
    return True


def meson_test(report, folder, label, is_beside):
    """Those of meson's tests in one build directory that may run beside others, or those that may
    not; of them those that the report wants."""
    known = json.loads(shell.run(["meson", "introspect", folder, "--tests"]).stdout)
    names = [t["name"] for t in known if t["name"].startswith(COMPUTING) == is_beside]
    wanted = [n for n in names if report.wants(f"unit {label}: {n}")]
    if not names:
        report.fail(f"unit {label}", 0, "meson knows of no such test")
    if not wanted:
        return
    logs = "log-beside" if is_beside else "log"  # two runs in one folder do not share it
    subprocess.run(["meson", "test", "-C", folder, "--no-rebuild", "--num-processes", "2",
                    "--logbase", logs, "--timeout-multiplier", "5" if is_beside else "1", *wanted],
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    with open(os.path.join(folder, "meson-logs", logs + ".json"), encoding="utf-8") as f:
        results = [json.loads(line) for line in f]
    if len(results) != len(wanted):
        report.fail(f"unit {label}", 0, f"meson ran {len(results)} tests of {len(wanted)}")
    for result in results:
        name = f"unit {label}: {result['name'].split(' / ')[-1]}"
        if result["result"] in ("OK", "EXPECTEDFAIL"):
            report.ok(name, result["duration"])
        elif result["result"] == "SKIP":
            report.skip(name, "by itself")
        else:
            output = result.get("stdout", "") + result.get("stderr", "")
            report.fail(name, result["duration"], result["result"] + "\n" + shell.tail(output, 30))


def fuzz_start(env, binary, seconds):
    name = os.path.basename(binary)
    folder = env.folder()
    grown = os.path.join(folder, "corpus")
    os.mkdir(grown)
    log = os.path.join(folder, name + ".log")
    seeds = os.path.join(env.top, "tests", "fuzz", "corpus", name.removeprefix("fuzz_"))
    # UBSan alone reports and goes on
    halting = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    # entropic: its bookkeeping takes two thirds of the time and finds no more in it
    proc = shell.start([binary, f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=2048",
                        "-entropic=0", f"-artifact_prefix={folder}/", "-print_final_stats=1",
                        grown, seeds], log, env=halting)
    return {"name": f"fuzz: {name}", "proc": proc, "log": log, "folder": folder, "seeds": seeds,
            "begin": time.monotonic(), "seconds": seconds}


def fuzz_end(report, job):
    took = time.monotonic() - job["begin"]
    with open(job["log"], encoding="utf-8", errors="replace") as f:
        text = f.read()
    if job["proc"].returncode != 0:
        kept = []
        for entry in os.listdir(job["folder"]):
            if entry.startswith(("crash-", "leak-", "oom-", "timeout-", "slow-")):
                kept.append(shutil.copy(os.path.join(job["folder"], entry), build.SANITIZED))
        report.fail(job["name"], took, shell.tail(text, 40) + "\ninput kept: " + ", ".join(kept))
        return
    runs = [line.split()[1] for line in text.splitlines()
            if line.startswith("stat::number_of_executed_units")]
    seeds = len(os.listdir(job["seeds"])) if os.path.isdir(job["seeds"]) else 0
    if not runs or int(runs[0]) <= seeds or seeds == 0:
        report.fail(job["name"], took, f"{seeds} seeds, executed units: {runs}")
    else:
        report.ok(job["name"], took, f"{runs[0]} runs, {seeds} seeds")


def fuzz(env, report, seconds):
    """Every fuzz target, a few at a time."""
    folder = os.path.join(build.SANITIZED, "tests", "fuzz")
    names = sorted(n for n in os.listdir(folder) if n.startswith("fuzz_") and "." not in n)
    names = [n for n in names if report.wants("fuzz: " + n)]
    if not names:
        report.skip("fuzz", "no target")
    running = []
    while names or running:
        while names and len(running) < FUZZ_AT_ONCE:
            running.append(fuzz_start(env, os.path.join(folder, names.pop(0)), seconds))
        time.sleep(0.2)
        for job in [j for j in running if j["proc"].poll() is not None]:
            running.remove(job)
            fuzz_end(report, job)


SAN = "build clang ASan UBSan"


def steps_beside(env, suites):
    """What computes only: it runs at the lowest priority beside the suites that wait."""
    folder = os.path.join(env.tmp, "beside")
    os.mkdir(folder)
    mine = harness.Env(env.top, env.build, folder, env.huge)
    steps = []
    if "lint" in suites:
        steps.append(("lint", lambda report: harness.run_suite(mine, report, "lint")))
    if {"unit", "fuzz", "fault", "nightly"} & set(suites):
        steps.append((SAN, lambda report: build_step(
            report, SAN, build.sanitized, os.path.join(folder, "build-san.log"))))
    if "unit" in suites:
        for label, tree in (("gcc", build.RELEASE), ("clang", build.SANITIZED)):
            steps.append((f"unit {label}, computing", lambda report, label=label, tree=tree:
                          meson_test(report, tree, label, True)))
    if "fuzz" in suites:
        steps.append(("fuzz", lambda report: fuzz(mine, report, FUZZ_SECONDS)))
    return steps


def run_suites(env, report, suites):
    """Build what they need, then run them: first those that need no sanitizers."""
    built = build_step(report, "build gcc", build.tested, os.path.join(env.tmp, "build.log"))
    with beside.running(report, steps_beside(env, suites)) as aside:
        if "unit" in suites and built:
            meson_test(report, build.RELEASE, "gcc", False)
        if "interop" in suites and built:
            harness.run_suite(env, report, "interop")
        env.sanitized = build.SANITIZED if aside.passed(SAN) else None
        if "unit" in suites and env.sanitized:
            meson_test(report, build.SANITIZED, "clang", False)
        if "fault" in suites and built:
            harness.run_suite(env, report, "fault")
        if "nightly" in suites and built:
            if env.sanitized:
                fuzz(env, report, NIGHTLY_SECONDS)
            harness.run_suite(env, report, "nightly")


def parse_arguments():
    parser = argparse.ArgumentParser(prog="tests/run", add_help=False)
    parser.add_argument("suites", nargs="*", metavar="suite")
    parser.add_argument("-k", dest="only", default="", metavar="TEXT")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    for suite in options.suites:
        if suite not in SUITES + ["nightly"]:
            parser.error(f"no suite {suite}; there are {', '.join(SUITES)}, nightly")
    options.suites = options.suites or SUITES
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    os.environ.pop("DISPLAY", None)
    lab.reap_stale()
    report = harness.Report(options.only)
    tmp = tempfile.mkdtemp(prefix="spw", dir="/var/tmp")
    try:
        with hugepages.reserved(HUGE_MIB) as huge:
            if not huge:
                print(f"no {HUGE_MIB} MiB of hugepages to be had: the tests run without")
            run_suites(harness.Env(build.TOP, build.RELEASE, tmp, huge), report, options.suites)
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    finally:
        if options.keep:
            print(f"logs: {tmp}")
        else:
            shutil.rmtree(tmp, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
