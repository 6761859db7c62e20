# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Includes point down, the two towers do not see each other, and names stay in their layer."""

import os
import re

import sources

# What each layer may include, itself included. dataplane/abi.h and what it is made of are the layer
# "abi".
MAY_INCLUDE = {
    "base": {"base"},
    "port": {"port", "base"},
    "ip": {"ip", "port", "base"},
    "tcp": {"tcp", "ip", "port", "base"},
    "store": {"store", "base", "abi"},
    "wire": {"wire", "store", "base"},
    "worker": {"worker", "wire", "store", "tcp", "ip", "port", "base", "abi"},
}

# A pattern, the only places where code may say it, and what it is called.
NAMES = [
    (r"\bio_uring_\w+|<liburing",
     ["dataplane/store/", "control/content/read_queue.", "dataplane/worker/sandbox_filter.c"],
     "io_uring"),
    (r"\brte_\w+|<rte_", ["dataplane/port/", "tests/unit/worker_sandbox_dpdk.c"], "DPDK"),
    (r"\bXXH\w*|<xxhash", ["dataplane/base/hash.", "control/", "tests/unit/"], "xxHash"),
    (r"\bsqlite3_\w+|<sqlite3", ["control/", "tests/unit/control_schema.c"], "SQLite"),
]

ALLOCATION = r"\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|strdup|mmap)\s*\("

# Functions that run at start, when a torrent is activated, or never again.
ALLOCATORS = ("_create", "_init", "_open", "_map")

# What in perf/ stands on the dataplane's parts: to measure them by themselves, or to use our TCP as
# a client's.
ON_THE_DATAPLANE = ("perf/micro/", "perf/leech_net", "perf/leech_stack", "perf/ring_dp")

TOWERS = [
    (["dataplane/tcp/", "dataplane/ip/", "dataplane/port/"],
     r"\b\w*(torrent|info_hash|metainfo|bitfield|choke|bencod|piece)\w*\b", "BitTorrent"),
    (["dataplane/wire/", "dataplane/store/"],
     r"\b(tcp_\w+|\w*(cwnd|ssthresh|snd_una|snd_nxt|rcv_nxt|retransmi|mbuf)\w*)\b", "packet"),
]


def _layer(path):
    if path in ("dataplane/abi.h", "dataplane/abi_counters.h"):
        return "abi"
    parts = path.split("/")
    return parts[1] if parts[0] == "dataplane" and len(parts) > 2 else None


def _c_files(env):
    for path in sources.files(env.top, sources.C_ENDINGS):
        yield path, sources.read(os.path.join(env.top, path))


def test_includes_point_down(env):
    problems, seen = [], set()
    for path, text in _c_files(env):
        layer = _layer(path)
        for line, what in sources.includes(text):
            if what.startswith("<"):
                continue
            target = what.strip('"')
            if not os.path.exists(os.path.join(env.top, target)):
                problems.append(f"{path}:{line}: {what} is not written from the root")
            elif layer in MAY_INCLUDE:
                seen.add(layer)
                if _layer(target) not in MAY_INCLUDE[layer]:
                    problems.append(f"{path}:{line}: {layer} may not include {target}")
    sources.report(problems)
    assert seen == set(MAY_INCLUDE), f"layers without any include: {set(MAY_INCLUDE) - seen}"


def test_control_and_perf_see_only_the_boundary(env):
    problems = []
    for path, text in _c_files(env):
        if path.split("/")[0] not in ("control", "perf") or path.startswith(ON_THE_DATAPLANE):
            continue
        for line, what in sources.includes(text):
            if what.startswith('"dataplane/') and what != '"dataplane/abi.h"':
                problems.append(f"{path}:{line}: {what}")
    sources.report(problems)


def test_libraries_stay_in_their_layer(env):
    problems = []
    for path, text in _c_files(env):
        if path.startswith("tests/") and "/unit/" not in path:
            continue
        blanked = sources.code(text)
        for pattern, places, name in NAMES:
            if any(path.startswith(p) for p in places):
                continue
            for m in re.finditer(pattern, blanked):
                line = blanked.count("\n", 0, m.start()) + 1
                problems.append(f"{path}:{line}: {m.group()} is {name}'s")
    sources.report(problems)


def test_towers_speak_their_own_words(env):
    problems = []
    for path, text in _c_files(env):
        blanked = re.sub(r"CTR_\w+", "", sources.code(text))
        for places, pattern, name in TOWERS:
            if any(path.startswith(p) for p in places):
                for m in re.finditer(pattern, blanked):
                    line = blanked.count("\n", 0, m.start()) + 1
                    problems.append(f"{path}:{line}: {m.group()} is a {name} word")
    sources.report(problems)


def test_memory_is_taken_at_start(env):
    """The dataplane allocates only in functions whose name ends in one of ALLOCATORS."""
    problems, found = [], 0
    for path, text in _c_files(env):
        if not path.startswith("dataplane/"):
            continue
        for function in sources.functions(sources.code(text)):
            if not re.search(ALLOCATION, function.body):
                continue
            found += 1
            if not function.name.endswith(ALLOCATORS):
                problems.append(f"{path}:{function.line}: {function.name} allocates")
    assert found > 0, "no allocation was found: the test looks in the wrong place"
    sources.report(problems)


def test_packet_path_is_silent(env):
    """No lock, and no print but a failed assertion's, in any layer below the worker."""
    problems = []
    for path, text in _c_files(env):
        if not re.match(r"dataplane/(base|ip|tcp|wire|store)/", path):
            continue
        blanked = sources.code(text)
        for m in re.finditer(r"\bpthread_(mutex|spin|rwlock)_\w+", blanked):
            problems.append(f"{path}: {m.group()}")
        for function in sources.functions(blanked):
            if re.search(r"\b(printf|fprintf|puts|syslog|perror)\s*\(", function.body) \
                    and "abort();" not in function.body:
                problems.append(f"{path}:{function.line}: {function.name} prints")
    sources.report(problems)
