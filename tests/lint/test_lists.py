# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Lists that are declared once are complete, used, and agree with what is made from them."""

import collections
import os
import re

import harness
import shell
import sources
import spillway


def _dataplane_code(env, but):
    """All of the dataplane's code, one file left out."""
    return "\n".join(sources.code(sources.read(os.path.join(env.top, path)))
                     for path in sources.files(env.top, sources.C_ENDINGS, ["dataplane"])
                     if path != but)


def test_counters_are_declared_once_and_used(env):
    path = "dataplane/base/counters.h"
    names = re.findall(r"^\s*X\((\w+), (?:COUNTER|GAUGE|COMMON),",
                       sources.read(os.path.join(env.top, path)), re.MULTILINE)
    assert len(names) > 50, f"only {len(names)} counters were recognised"
    twice = [n for n, times in collections.Counter(names).items() if times > 1]
    elsewhere = _dataplane_code(env, path)
    used = set(re.findall(r"\bCTR_(\w+)\b(?!\s*##)", elsewhere))
    for prefix in re.findall(r"\bCTR_(\w+)\s*##", elsewhere):
        used |= {n for n in names if n.startswith(prefix)
                 and re.search(rf"\b{n.removeprefix(prefix)}\b", elsewhere)}
    sources.report([f"counter {n} is declared twice" for n in twice]
                   + [f"counter {n} is never used" for n in names if n not in used]
                   + [f"CTR_{n} is not declared" for n in used - set(names) - {"CNT"}])


def test_limits_are_used(env):
    path = "dataplane/base/limits.h"
    blanked = sources.code(sources.read(os.path.join(env.top, path)))
    names = re.findall(r"^\t([A-Z][A-Z0-9_]+) = ", blanked, re.MULTILINE)
    assert len(names) > 30, f"only {len(names)} limits were recognised"
    elsewhere = _dataplane_code(env, path)
    sources.report([f"limit {n} is never used" for n in names
                    if not re.search(rf"\b{n}\b", elsewhere)
                    and len(re.findall(rf"\b{n}\b", blanked)) < 2])


def test_default_configuration_is_current(env):
    """configs/default.conf is what spillwayd --print-config prints."""
    daemon = spillway.daemon_path(env)
    if not os.path.exists(daemon):
        raise harness.Skip("spillwayd is not built")
    printed = shell.run([daemon, "--print-config"]).stdout
    kept = sources.read(os.path.join(env.top, "configs", "default.conf"))
    assert printed == kept, "run: spillwayd --print-config >configs/default.conf"


def test_unit_tests_are_listed(env):
    """Each C file of tests/unit is named in its meson.build, each fuzz target has a corpus."""
    problems = []
    for folder in ("unit", "fuzz"):
        where = os.path.join(env.top, "tests", folder)
        listed = sources.read(os.path.join(where, "meson.build"))
        problems += [f"tests/{folder}/{n} is not built" for n in sorted(os.listdir(where))
                     if n.endswith(".c") and f"'{n}'" not in listed]
    for name in re.findall(r"'fuzz_(\w+)\.c'", listed):
        corpus = os.path.join(env.top, "tests", "fuzz", "corpus", name)
        if not os.path.isdir(corpus) or not os.listdir(corpus):
            problems.append(f"fuzz_{name} has no corpus")
    sources.report(problems)
