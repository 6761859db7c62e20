# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Runs test modules and says how it went.

A test module is tests/<suite>/test_<subject>.py. Its tests are the functions test_*, in the order
of the file, and what an optional cases() returns as (name, function) pairs. With a fixture(env), a
context manager, each gets the fixture's value as its argument, and an optional check(value) runs
after each test; without, each gets env. A test fails by raising.
"""

import contextlib
import importlib.util
import os
import signal
import sys
import time
import traceback

import shell

TIMEOUT_S = 180


class Skip(Exception):
    """The test cannot run here; the text says why."""


class TestTimeout(Exception):
    """A test took too long."""


class Env:
    """What every test gets: where things are.

    top      the tree.
    build    the build directory whose binaries are under test: the release, or for modules that
             say SANITIZED = True the one with ASan and UBSan, when there is one.
    tmp      a folder for anything, short enough for socket paths, on a real filesystem.
    huge     True when hugepages have been prepared.
    """

    def __init__(self, top, build, tmp, huge):
        self.top = top
        self.build = build
        self.tmp = tmp
        self.huge = huge
        self.release = build
        self.sanitized = None
        self._logs = []
        self._serial = 0

    def folder(self):
        """A new empty folder."""
        self._serial += 1
        path = os.path.join(self.tmp, str(self._serial))
        os.mkdir(path)
        return path

    def watch(self, path):
        """The tail of this log is shown when a test fails."""
        self._logs.append(path)
        return path

    def log_count(self):
        return len(self._logs)

    def sanitizer_reports(self):
        """What ASan or UBSan wrote to a watched log."""
        return [line for path in self._logs for line in shell.tail_file(path, 200).splitlines()
                if "runtime error:" in line or "Sanitizer:" in line]

    def forget_logs(self, keep=0):
        """Forget all but the first so many."""
        del self._logs[keep:]

    def log_tails(self):
        for path in self._logs:
            text = shell.tail_file(path, 12)
            if text:
                yield f"--- {os.path.relpath(path, self.tmp)}\n{text}"


class Report:
    """Counts results and prints a line for each."""

    def __init__(self, only=""):
        self.passed = self.failed = self.skipped = 0
        self.only = only
        self._colour = sys.stdout.isatty()

    def wants(self, name):
        return self.only in name

    def _line(self, word, code, name, seconds, note=""):
        mark = f"\033[{code}m{word:4}\033[0m" if self._colour else f"{word:4}"
        print(f"{mark}  {name:58} {seconds:6.1f} s{note}", flush=True)

    def ok(self, name, seconds, note=""):
        self.passed += 1
        self._line("ok", 32, name, seconds, "  " + note if note else "")

    def skip(self, name, why):
        self.skipped += 1
        self._line("skip", 33, name, 0, "  " + why)

    def fail(self, name, seconds, detail):
        self.failed += 1
        self._line("FAIL", 31, name, seconds)
        print("        " + detail.rstrip().replace("\n", "\n        "), flush=True)

    def finish(self):
        """Prints the last line; returns the exit status."""
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 0 if self.failed == 0 and self.passed > 0 else 1


def _load(path):
    name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _tests_of(module):
    tests = [(name[5:].replace("_", " "), f) for name, f in vars(module).items()
             if name.startswith("test_") and callable(f)]
    return tests + (list(module.cases()) if hasattr(module, "cases") else [])


@contextlib.contextmanager
def _time_limit(seconds):
    def on_alarm(*_):
        raise TestTimeout(f"no end after {seconds} s")
    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def _describe(error):
    """The error's text, and where in the tests it was raised."""
    frames = [f for f in traceback.extract_tb(error.__traceback__)
              if f"{os.sep}tests{os.sep}" in f.filename and "harness.py" not in f.filename]
    where = [f"at {os.path.basename(f.filename)}:{f.lineno}: {f.line}" for f in frames[-3:]]
    return "\n".join([f"{type(error).__name__}: {error}", *where])


def _run_one(env, report, name, call, limit):
    begin = time.monotonic()
    try:
        with _time_limit(limit):
            call()
    except Skip as e:
        report.skip(name, str(e))
    except Exception as e:
        detail = "\n".join([_describe(e), *env.log_tails()])
        report.fail(name, time.monotonic() - begin, detail)
    else:
        report.ok(name, time.monotonic() - begin)


def run_module(env, report, path):
    """Run one module's tests that the report wants."""
    suite = os.path.basename(os.path.dirname(path))
    module = _load(path)
    subject = module.__name__.removeprefix("test_")
    env.build = env.release
    if getattr(module, "SANITIZED", False) and env.sanitized:
        env.build = env.sanitized
        subject += ", sanitized"
    tests = [(f"{suite} {subject}: {name}", f) for name, f in _tests_of(module)]
    tests = [(name, f) for name, f in tests if report.wants(name)]
    limit = getattr(module, "TIMEOUT_S", TIMEOUT_S)
    if not tests:
        return
    env.forget_logs()
    if not hasattr(module, "fixture"):
        for name, f in tests:
            _run_one(env, report, name, lambda f=f: f(env), limit)
        return
    begin = time.monotonic()
    after = getattr(module, "check", lambda value: None)
    with contextlib.ExitStack() as stack:
        try:
            with _time_limit(limit):
                value = stack.enter_context(module.fixture(env))
        except Skip as e:
            for name, _ in tests:
                report.skip(name, str(e))
            return
        except Exception as e:
            detail = "\n".join(["while preparing: " + _describe(e), *env.log_tails()])
            for name, _ in tests:
                report.fail(name, time.monotonic() - begin, detail)
                detail = "as above"
            return
        kept = env.log_count()
        for name, f in tests:
            _run_one(env, report, name, lambda f=f: (f(value), after(value)), limit)
            env.forget_logs(kept)


def run_suite(env, report, suite):
    """Run every module of a suite."""
    folder = os.path.join(env.top, "tests", suite)
    for entry in sorted(os.listdir(folder)):
        if entry.startswith("test_") and entry.endswith(".py"):
            run_module(env, report, os.path.join(folder, entry))
