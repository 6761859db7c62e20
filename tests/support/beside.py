# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Work that only computes, at the lowest priority, beside tests that mostly wait.

It runs in a process of its own, forked while there is one thread, and prints its own lines.
"""

import contextlib
import json
import os
import signal

import harness
import shell


class Beside:
    """The steps under way; each is (name, function), the function gets the report."""

    def __init__(self, report, steps):
        self._report = report
        self._names = [name for name, _ in steps]
        self._ended = {}
        reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(reader)
            _run(report, steps, writer)
        os.close(writer)
        self._lines = os.fdopen(reader, encoding="utf-8")

    def passed(self, name):
        """Waits for the end of a step. Returns whether nothing failed in it."""
        while name in self._names and name not in self._ended:
            line = self._lines.readline()
            if not line:
                break
            told = json.loads(line)
            self._ended[told["step"]] = told
        return name in self._ended and self._ended[name]["failed"] == 0

    def join(self):
        """Waits for all of it, and takes its counts over."""
        for name in self._names:
            self.passed(name)
            if name not in self._ended:
                self._report.fail(name, 0, "its process ended before it")
                continue
            told = self._ended[name]
            self._report.passed += told["passed"]
            self._report.failed += told["failed"]
            self._report.skipped += told["skipped"]

    def end(self):
        """Ends what still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._lines.close()


def _end_group(*_):
    os.killpg(0, signal.SIGKILL)


def _run(report, steps, writer):
    """The process: all steps, then its end."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, _end_group)
    shell.die_with_parent(signal.SIGTERM)
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with os.fdopen(writer, "w", encoding="utf-8") as out:
        for name, function in steps:
            mine = harness.Report(report.only)
            try:
                function(mine)
            except Exception as e:
                mine.fail(name, 0, f"{type(e).__name__}: {e}")
            out.write(json.dumps({"step": name, "passed": mine.passed, "failed": mine.failed,
                                  "skipped": mine.skipped}) + "\n")
            out.flush()
    os._exit(0)


@contextlib.contextmanager
def running(report, steps):
    """The steps run until the end of the block, which waits for them."""
    beside = Beside(report, steps)
    try:
        yield beside
        beside.join()
    finally:
        beside.end()
