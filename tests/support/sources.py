# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The tree's own files, and C read as far as the lint tests need it."""

import os
import re

FOLDERS = ["dataplane", "control", "perf", "tests", "configs", ".ci"]
C_ENDINGS = (".c", ".h")

_TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)
_HEAD = re.compile(r"^(\w+)\(([^;{}]*)\)(?:\s+\w+(?:\([^()]*\))?)*\s*\n\{$", re.MULTILINE)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def files(top, endings=(""), folders=None):
    """Paths relative to the top, sorted."""
    out = []
    for folder in folders or FOLDERS:
        for where, subfolders, names in os.walk(os.path.join(top, folder)):
            subfolders[:] = [s for s in subfolders if s not in ("__pycache__", "corpus", "results")]
            out += [os.path.relpath(os.path.join(where, n), top) for n in names
                    if n.endswith(endings)]
    return sorted(out)


def _blank(match):
    text = match.group()
    if text.startswith("/"):
        return re.sub(r"[^\n]", " ", text)
    return text[0] + " " * (len(text) - 2) + text[-1]


def code(text):
    """C with comments and the insides of strings blanked out; lines stay where they are."""
    return _TOKENS.sub(_blank, text)


def includes(text):
    """(line number, what) of each #include; what keeps its quotes or brackets."""
    return [(text.count("\n", 0, m.start()) + 1, m.group(1))
            for m in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*("[^"]+"|<[^>]+>)', text,
                                 re.MULTILINE)]


class Function:
    """A function's definition: its name, parameters, first line and body."""

    def __init__(self, text, match):
        self.name = match.group(1)
        self.parameters = _split_parameters(match.group(2))
        end = text.find("\n}", match.end())
        self.body = text[match.end():end if end >= 0 else len(text)]
        self.line = text.count("\n", 0, match.start()) + 1
        self.lines = self.body.count("\n")

    def depth(self):
        """How deep its braces nest, the function's own not counted."""
        depth = deepest = 0
        for c in self.body:
            depth += (c == "{") - (c == "}")
            deepest = max(deepest, depth)
        return deepest


def _split_parameters(text):
    depth, parts = 0, [""]
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip() not in ("", "void")]


def functions(blanked):
    """Every function defined in the house's form: name at the line's start, braces in column 0."""
    return [Function(blanked, m) for m in _HEAD.finditer(blanked)]


def report(problems):
    """Fails with the list when there is one."""
    assert not problems, f"{len(problems)} problem(s)\n" + "\n".join(problems[:40])
