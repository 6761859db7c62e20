# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""perf/run: the figures it makes of runs, the scenarios it reads, a whole comparison in small."""

import glob
import html.parser
import json
import os
import re
import sys

import shell

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(1, os.path.join(TOP, "perf", "bench"))

import compare
import load
import plots
import scenario
import stats
import testpmd

VOID_TAGS = {"meta", "line", "rect", "circle", "path", "br"}


def _raises(kind, function, *words):
    try:
        function(*words)
    except kind as e:
        return str(e)
    raise AssertionError(f"{function.__name__} accepted {words}")


def test_a_summary_is_the_median_and_the_extremes(env):
    assert stats.summary([3, None, 1, 10]) == {"median": 3, "min": 1, "max": 10, "runs": 3}
    assert stats.summary([4, 2])["median"] == 3
    assert stats.summary([None]) is None and stats.summary([]) is None
    assert stats.spread(stats.summary([8, 10, 12])) == 0.4
    assert stats.spread(stats.summary([0, 0])) == 0.0
    assert stats.ratio(3, 2) == 1.5
    assert stats.ratio(None, 2) is None and stats.ratio(3, 0) is None


def test_each_turn_begins_with_another(env):
    assert [stats.rotated("abc", n)[0] for n in range(4)] == ["a", "b", "c", "a"]
    assert sorted(stats.rotated("abc", 7)) == ["a", "b", "c"]
    assert stats.rotated([], 3) == []


def test_rows_keep_good_runs_and_reasons(env):
    runs = [{"s": "x", "n": 1, "v": 10}, {"s": "y", "n": 1, "failed": "no luck"},
            {"s": "x", "n": 1, "v": 30}, {"s": "x", "n": 2, "v": 5},
            {"s": "x", "n": 1, "failed": "late"}]
    rows = stats.rows(runs, ["s", "n"], ["v"])
    assert [(r["s"], r["n"], r["good"], r["failed"]) for r in rows] == [
        ("x", 1, 2, 1), ("y", 1, 0, 1), ("x", 2, 1, 0)]
    assert rows[0]["v"]["median"] == 20 and rows[0]["reason"] == "late"
    assert rows[1]["v"] is None and rows[1]["reason"] == "no luck"


def test_quantiles_of_a_histogram(env):
    seen = load.quantiles([(10, 50), (20, 40), (30, 9), (400, 1)])
    assert seen == {"p10_us": 10, "p50_us": 10, "p90_us": 20, "p99_us": 30, "p99_9_us": 400,
                    "p99_99_us": 400}
    assert load.quantiles([]) == {}


def test_a_report_is_found_among_complaints(env):
    report = json.dumps({"x": 1, **{n: {"buckets": [[7, 1]]} for n in
                                    ("connect", "first_byte", "last_byte")}})
    seen, complaint, latency = load.report_of(f"one\ntwo\n{report}\n", 1)
    assert seen["x"] == 1 and complaint == "one\ntwo" and latency["p50_us"] == 7
    assert "two" in _raises(shell.CommandError, load.report_of, "two\n", 1)


def test_scales_hold_what_is_shown(env):
    for top in (0.003, 0.9, 1, 7, 99, 12345):
        ticks = plots.ticks_linear(top)
        assert ticks[0] == 0 and ticks[-1] >= top * (1 - 1e-9) and len(ticks) <= 8, (top, ticks)
    assert plots.ticks_log([3, 250]) == [1, 10, 100, 1000]
    assert len(plots.ticks_log([10])) >= 2


def test_scenarios_are_read_and_wrong_ones_refused(env):
    every = scenario.every()
    assert {"hot", "cold", "torrents", "flash-crowd", "mixed"} <= set(every)
    assert max(every["hot"].peers) == 4096 and every["torrents"].torrents >= 1000
    assert all(s.memory_mib < s.content_mib for s in every.values() if s.cold)
    folder = env.folder()
    good = "about: x\ncontent_mib: 1\narena_mib: 16\npeers: 1 2\n"
    for text in ("nonsense: 1\n" + good, good + "peers:\n", good + "memory: warm\n",
                 good.replace("about: x\n", ""), good + "seconds: soon\n", good + "torrents: 99\n"):
        path = os.path.join(folder, "wrong.conf")
        with open(path, "w", encoding="ascii") as f:
            f.write(text)
        assert path in _raises(scenario.ScenarioError, scenario.read, path)


def test_a_missing_seeder_fails_with_its_reason(env):
    gone = compare.Missing("aria2", "aria2c is not there")
    assert _raises(shell.CommandError, gone.start, None, None, None) == "aria2c is not there"
    assert testpmd.reason("EAL: x\nvdev_probe(): failed to initialize y\n").startswith("vdev_probe")


class _Balanced(html.parser.HTMLParser):
    """Every tag that is opened is closed; nothing comes from outside."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        assert not {"src", "href"} & {name for name, _ in attrs}, (tag, attrs)
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag == "html":
            self.open = [t for t in self.open if t != "html"]
        elif tag not in VOID_TAGS:
            assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
            self.open.pop()


def _page_is_whole(path):
    page = _Balanced()
    with open(path, encoding="utf-8") as f:
        text = f.read()
    page.feed(text)
    assert not page.open, page.open
    assert page.seen.count("svg") >= 3, "no plots"
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<style>.*?</style>", "", text)), \
        "a figure is not a number"
    return text


def test_a_comparison_in_small(env):
    """Two seeders, a round of a second: figures, a page, and nothing left behind."""
    work, results = env.folder(), env.folder()
    command = ["/usr/bin/python3", "-B", os.path.join(TOP, "perf", "bench", "bench.py"), "compare",
               "hot", "--seeders", "spillway,libtorrent", "--rounds", "1", "--seconds", "1",
               "--size", "16", "--connections", "2", "--offload", "off", "--no-floors",
               "--build", env.build, "--work", work, "--results", results]
    shell.run(command, timeout=120, env={**os.environ, "PYTHONPATH": os.path.join(
        TOP, "tests", "support")})
    with open(glob.glob(os.path.join(results, "*-compare.json"))[0], encoding="utf-8") as f:
        result = json.load(f)
    assert [(r["seeder"], r["good"]) for r in result["rows"]] == [("spillway", 1),
                                                                ("libtorrent", 1)]
    for row in result["rows"]:
        assert row["goodput"]["median"] > 1e6 and row["cpu_s_per_gb"]["median"] > 0
        assert row["memory_bytes"]["median"] > 1 << 20 and row["peers_served"]["median"] == 2
    with open(os.path.join(results, "runs.jsonl"), encoding="utf-8") as f:
        assert [json.loads(line)["seeder"] for line in f] == ["spillway", "libtorrent"]
    text = _page_is_whole(glob.glob(os.path.join(results, "*-compare.html"))[0])
    assert "send_buffer_watermark" in text and "mitigations" in text
    assert os.listdir(work) == []
