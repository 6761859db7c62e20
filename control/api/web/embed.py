#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""embed.py OUT FILE...: C source that holds the files as web_files of control/api/web.h."""

import os
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8"}
PER_LINE = 20


def _bytes(data):
    lines = [",".join(str(b) for b in data[i:i + PER_LINE]) for i in range(0, len(data), PER_LINE)]
    return ",\n".join(lines)


def main(out, paths):
    parts, rows = ['#include "control/api/web.h"\n\n'], []
    for number, path in enumerate(paths):
        with open(path, "rb") as f:
            data = f.read()
        name = os.path.basename(path)
        where = "/" if name == "index.html" else "/" + name
        kind = TYPES[os.path.splitext(name)[1]]
        parts.append(f"static const unsigned char file_{number}[] = {{\n{_bytes(data)}\n}};\n")
        rows.append(f'\t{{"{where}", "{kind}", (const char *)file_{number}, {len(data)}}},\n')
    parts += ["\nconst struct web_file web_files[] = {\n", *rows, "\t{0},\n};\n"]
    with open(out, "w", encoding="ascii") as f:
        f.writelines(parts)


main(sys.argv[1], sys.argv[2:])
