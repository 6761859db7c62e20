# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Running commands: with a bounded time, with their output kept, and never outliving the caller."""

import ctypes
import os
import shlex
import signal
import subprocess
import time

# What must happen may take as long as a slow and busy machine needs; a wait that is fulfilled costs
# nothing. How soon something comes is no test's question, but where it is measured.
PATIENCE_S = 60

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class CommandError(Exception):
    """A command failed, or took too long; the text holds its last lines."""


def tail(text, lines=20):
    """The last lines of a text, for messages."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def tail_file(path, lines=20):
    """The last lines of a file, "" when there is none."""
    try:
        with open(path, "rb") as f:
            f.seek(max(0, os.path.getsize(path) - 16384))
            return tail(f.read().decode(errors="replace"), lines)
    except OSError:
        return ""


def run(cmd, timeout=60, check=True, **options):
    """Run to the end; returns CompletedProcess with text in stdout and stderr."""
    try:
        done = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace",
                              timeout=timeout, check=False, **options)
    except subprocess.TimeoutExpired as e:
        raise CommandError(f"{shlex.join(cmd)}: no end after {timeout} s") from e
    if check and done.returncode != 0:
        raise CommandError(f"{shlex.join(cmd)}: status {done.returncode}\n"
                           + tail(done.stdout + done.stderr))
    return done


def die_with_parent(sig=signal.SIGKILL):
    """The calling process gets the signal when the thread that forked it ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, sig)


def start(cmd, log_path, **options):
    """Start a process of its own session whose output goes to a file. Main thread only: the
    kernel ends it together with the thread that started it."""
    with open(log_path, "ab") as log:
        return subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=log,
                                stderr=subprocess.STDOUT, start_new_session=True,
                                preexec_fn=die_with_parent, **options)


def stop(proc, sig=signal.SIGTERM, timeout=PATIENCE_S):
    """Ask a process to end, then insist. Returns its exit status."""
    if proc.poll() is None:
        proc.send_signal(sig)
    try:
        return proc.wait(timeout)
    except subprocess.TimeoutExpired:
        proc.kill()
        return proc.wait()


def wait_until(condition, timeout, what, pause=0.05):
    """Poll until the condition is true; returns its value. Raises CommandError after timeout, which
    is PATIENCE_S at least."""
    timeout = max(timeout, PATIENCE_S)
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise CommandError(f"{what}: not within {timeout} s")
        time.sleep(pause)
