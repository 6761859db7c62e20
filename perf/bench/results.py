# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Where results go: one line a run in runs.jsonl, one JSON file and one page a command."""

import datetime
import json
import os

import compare_report
import control_report
import path_report
import report
import verify_report

PAGES = {"wire": report, "paths": path_report, "fairness": path_report, "compare": compare_report,
         "control": control_report, "wires": compare_report, "floors": compare_report,
         "verify": verify_report}


def stamp():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")


def append_run(options, stamp, machine, figures):
    line = {"stamp": stamp, "commit": machine["commit"], "cpu": machine["cpu"],
            "kernel": machine["kernel"], **figures}
    with open(os.path.join(options.results, "runs.jsonl"), "a", encoding="utf-8") as f:
        f.write(json.dumps(line) + "\n")


def write_result(options, result):
    base = os.path.join(options.results, f"{result['stamp']}-{result['scenario']}")
    with open(base + ".json", "w", encoding="utf-8") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    page = PAGES.get(result["scenario"])
    if page:
        with open(base + ".html", "w", encoding="utf-8") as f:
            f.write(page.page(result))
    return base
