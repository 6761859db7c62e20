# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The two build directories of the tree."""

import json
import os
import subprocess

import shell

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RELEASE = os.path.join(TOP, "build")
SANITIZED = os.path.join(TOP, "build-san")

_TESTED = {"tests": True, "werror": True}
_SANITIZED = {**_TESTED, "buildtype": "debugoptimized", "fuzz": True,
              "b_sanitize": "address,undefined", "b_lundef": False}


def _words(options):
    return [f"-D{name}={str(value).lower() if isinstance(value, bool) else value}"
            for name, value in options.items()]


def _differs(folder, options):
    """True when an existing build directory has other values for some of these options."""
    shown = json.loads(shell.run(["meson", "introspect", folder, "--buildoptions"]).stdout)
    values = {option["name"]: option["value"] for option in shown}
    return any(values.get(name) != value for name, value in options.items())


def _give_to_caller(folder):
    """A tree that sudo built in belongs to the one who called sudo."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if uid and gid:
        shell.run(["chown", "-R", f"{uid}:{gid}", folder])


def _build(folder, options, log_path, compiler):
    commands = [["meson", "compile", "-C", folder]]
    if not os.path.exists(os.path.join(folder, "build.ninja")):
        commands.insert(0, ["meson", "setup", folder, TOP, *_words(options)])
    elif _differs(folder, options):
        commands.insert(0, ["meson", "configure", folder, *_words(options)])
    with open(log_path, "wb") as log:
        for cmd in commands:
            status = subprocess.run(cmd, env={**os.environ, "CC": compiler}, stdout=log,
                                    stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                    check=False).returncode
            if status != 0:
                raise shell.CommandError(f"{' '.join(cmd[:2])} failed; its log is {log_path}\n"
                                         + shell.tail_file(log_path, 30))
    _give_to_caller(folder)


def release(log_path):
    """build/: the programs, by gcc; the unit tests too when they have been asked for before."""
    fresh = not os.path.exists(os.path.join(RELEASE, "build.ninja"))
    _build(RELEASE, {"buildtype": "release", **({"tests": False} if fresh else {})}, log_path,
           "gcc")


def tested(log_path):
    """build/ with the unit tests, warnings being errors."""
    _build(RELEASE, {"buildtype": "release", **_TESTED}, log_path, "gcc")


def sanitized(log_path):
    """build-san/: everything and the fuzz targets by clang, with ASan and UBSan."""
    _build(SANITIZED, _SANITIZED, log_path, "clang")
