# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Lengths, file headers and what may not stand in any file."""

import ast
import os
import re

import sources

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5
# Functions whose parameters a library dictates.
CALLBACKS = {"http_exchange_handle"}  # MHD_AccessHandlerCallback
NESTING_MAX = 3
COLUMNS_MAX = 100
TAB = 4

C_LICENCES = {"/* SPDX-License-Identifier: BSD-3-Clause */",
              "/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-3-Clause) */",
              "/* SPDX-License-Identifier: (BSD-3-Clause OR GPL-2.0-only) */"}
C_COPYRIGHT = "/* Copyright (c) 2026 The Spillway authors */"
SCRIPT_LICENCE = "# SPDX-License-Identifier: BSD-3-Clause"
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|^#if 0")


def _texts(env, endings=("",)):
    for path in sources.files(env.top, endings):
        try:
            yield path, sources.read(os.path.join(env.top, path))
        except UnicodeDecodeError:
            continue


def _is_script(path, text):
    return path.endswith((".py", ".sh", "meson.build")) or text.startswith("#!")


def test_files_are_short(env):
    sources.report([f"{path}: {text.count(chr(10))} lines" for path, text in _texts(env)
                    if (path.endswith((".c", ".h", ".py")) or _is_script(path, text))
                    and text.count("\n") > FILE_LINES_MAX])


def test_functions_are_short(env):
    problems, found = [], 0
    for path, text in _texts(env, sources.C_ENDINGS):
        for function in sources.functions(sources.code(text)):
            found += 1
            where = f"{path}:{function.line}: {function.name}"
            if function.lines > FUNCTION_LINES_MAX:
                problems.append(f"{where} has {function.lines} lines")
            if len(function.parameters) > PARAMETERS_MAX and function.name not in CALLBACKS:
                problems.append(f"{where} has {len(function.parameters)} parameters")
            if function.depth() > NESTING_MAX:
                problems.append(f"{where} nests {function.depth()} deep")
    assert found > 100, f"only {found} functions were recognised"
    sources.report(problems)


def test_no_function_escapes(env):
    """Every body in column 0 belongs to a function that the other tests recognise."""
    problems = []
    for path, text in _texts(env, (".c",)):
        blanked = sources.code(text)
        bodies = len(re.findall(r"^\{$", blanked, re.MULTILINE))
        known = len(sources.functions(blanked))
        if bodies != known:
            problems.append(f"{path}: {bodies} bodies, {known} recognised")
    sources.report(problems)


def test_python_functions_are_short(env):
    problems = []
    for path, text in _texts(env):
        if not path.endswith(".py") and not text.startswith("#!/usr/bin/python3"):
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                length = node.end_lineno - node.lineno
                names = [a.arg for a in node.args.args + node.args.kwonlyargs if a.arg != "self"]
                if length > FUNCTION_LINES_MAX:
                    problems.append(f"{path}:{node.lineno}: {node.name} has {length} lines")
                if len(names) > PARAMETERS_MAX:
                    problems.append(f"{path}:{node.lineno}: {node.name}: {len(names)} parameters")
    sources.report(problems)


def test_headers_of_files(env):
    problems = []
    for path, text in _texts(env):
        lines = text.splitlines()[:3]
        if path.endswith(sources.C_ENDINGS):
            if len(lines) < 2 or lines[0] not in C_LICENCES or lines[1] != C_COPYRIGHT:
                problems.append(f"{path}: licence or copyright line")
        elif _is_script(path, text) and SCRIPT_LICENCE not in lines:
            problems.append(f"{path}: licence line")
    sources.report(problems)


def test_include_guards(env):
    problems = []
    for path, text in _texts(env, (".h",)):
        guard = "SPILLWAY_" + re.sub(r"\W", "_", path).upper()
        if f"#ifndef {guard}\n#define {guard}\n" not in text:
            problems.append(f"{path}: {guard}")
    sources.report(problems)


def test_lines(env):
    """At most 100 columns (a tab is 4), nothing blank at the end."""
    problems = []
    for path, text in _texts(env):
        if not path.endswith(sources.C_ENDINGS) and not _is_script(path, text):
            continue
        for number, line in enumerate(text.splitlines(), 1):
            columns = len(line.expandtabs(TAB))
            if columns > COLUMNS_MAX:
                problems.append(f"{path}:{number}: {columns} columns")
            if line != line.rstrip():
                problems.append(f"{path}:{number}: space at the end")
        if not text.endswith("\n"):
            problems.append(f"{path}: no newline at the end")
    sources.report(problems)


def test_nothing_unfinished(env):
    problems = []
    for path, text in _texts(env):
        for number, line in enumerate(text.splitlines(), 1):
            if UNFINISHED.search(line):
                problems.append(f"{path}:{number}: {line.strip()[:80]}")
    sources.report(problems)


def test_scripts_are_executable(env):
    problems = []
    for path, text in _texts(env):
        if text.startswith("#!") != os.access(os.path.join(env.top, path), os.X_OK):
            problems.append(path)
    sources.report(problems)
