# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The command line of perf/run."""

import argparse
import os

import classic
import compare
import scenario

ROOT = classic.ROOT
COMMANDS = ("list", "compare", "wires", "floors", "verify")
CLASSIC = {"size": 1024, "seconds": 5, "outstanding": 64, "connections": [1, 16, 256]}

EPILOG = """\
commands:
  list                   every scenario in one line
  compare [SCENARIO...]  Spillway, libtorrent, Transmission, rTorrent and aria2 as Debian ships
                         them, tuned as their own guides say, and nginx with sendfile over HTTP: one
                         veth pair, in turns, with the kernel's segmentation offload off and on;
                         then the floors. Scenarios are those of perf/scenarios; "hot" when none is
                         named, "all" for every one. About an hour for hot; --rounds 1: 12 minutes.
  wires                  each seeder on the best wire it can use: Spillway over af_xdp on veth,
                         memif and vhost-user with TSO; the others over veth with offload on; and
                         testpmd on each of the wires. The scenario is "hot", or the one named.
  floors                 what no seeder can pass: testpmd txonly on each kind of wire, fio with
                         io_uring on a file like the content, and copying memory.
  verify                 content is verified, cold, by Spillway, libtorrent and Transmission, on 1
                         and 2 CPUs: one torrent, a hybrid, many; beside what fio reads. GB/s and
                         cycles per byte. Of --size MiB [1024]. 5 minutes; --rounds 1: 2.
  SCENARIO...            one of the programs wire, idle, floods, control, paths, fairness, or a
                         scenario of perf/scenarios (among --seeders, offload off, without floors).

programs:
  wire   Spillway on af_xdp and libtorrent serve the generator in turns over a veth pair (MTU 1500,
         offloads off). Goodput, what a CPU-second serves, cycles per byte, read amplification,
         latency, fairness; medians of the rounds and the ratios side by side.
  idle   CPU that a dataplane with one torrent and no peer takes, as a percentage of a core.
  paths  Our TCP and the kernel's send in turns over the same impaired path to a kernel receiver,
         with cubic and with bbr: goodput and ratios. About 30 minutes; --rounds 1: 6; --grid full
         (all rates, delays and losses): 2 hours and a half.
  fairness  8 flows of ours, and 4 beside 4 of the kernel's, over one bottleneck: Jain's index.
         About 5 minutes a round.
  floods Sixteen honest peers download while SYNs, guessed resets, tiny segments and others flood
         the seeder at --flood-pps: their goodput beside the same work sent nowhere.

  control  --torrents small torrents beside a hot one that is downloaded: add them all from a
         manifest, restart, list, scrape, announce, verify; how long each takes, what control's
         process takes, and what the download keeps. With --rounds 1, about 10 minutes.

Each run is appended to perf/results/runs.jsonl; a command's result is written beside it as JSON,
and but for idle as one HTML page that needs nothing else. A seeder that is missing or fails is a
row with its reason. Needs root, installs the Debian packages it needs, builds into build-perf/.
Network namespaces, daemons, control groups, hugepages and temporary files are taken away again.
"""


def _numbers(text):
    return [int(n) for n in text.split(",")]


def _words(text):
    return text.split(",")


def _add_common(parser):
    parser.add_argument("--rounds", type=int, default=5, help="runs per figure [5]")
    parser.add_argument("--seconds", type=int, help="length of one run [the scenario's; 5]")
    parser.add_argument("--size", type=int, metavar="MIB",
                        help="bytes of content, MiB [the scenario's; 1024]")
    parser.add_argument("--connections", type=_numbers, metavar="N,N...",
                        help="numbers of peers [the scenario's; 1,16,256]")
    parser.add_argument("--outstanding", type=int, metavar="N",
                        help="requests in flight per peer [the scenario's; 64]")
    parser.add_argument("--seeders", type=_words, metavar="NAME,...",
                        help="who takes part: " + ", ".join(compare.NAMES)
                        + " [compare and wires: all; otherwise the first two]")
    parser.add_argument("--offload", type=_words, default=[], metavar="MODE,...",
                        help="segmentation offload of the veth pair: off, on [compare: off,on; "
                        "otherwise off]")
    parser.add_argument("--no-floors", action="store_true", help="compare: leave the floors out")


def _add_programs(parser):
    parser.add_argument("--order", choices=["sequential", "random", "same"], default="sequential",
                        help="wire, floods: the order of each peer's pieces [sequential]")
    parser.add_argument("--flood-pps", type=int, default=20000, metavar="N",
                        help="floods: packets per second of the flood [20000]")
    parser.add_argument("--torrents", type=int, default=100000, metavar="N",
                        help="control: small torrents [100000]")
    parser.add_argument("--grid", choices=["default", "full"], default="default",
                        help="paths: which cells [default]")
    parser.add_argument("--cells", default="", metavar="TEXT",
                        help="paths: only cells with this text in their name")
    parser.add_argument("--port-kind", choices=["af_packet", "af_xdp"], default="af_packet",
                        help="paths, fairness: the port under our sender [af_packet]")
    parser.add_argument("--at-once", type=int, default=4, metavar="N",
                        help="paths: senders measured at the same time, each on a path of its own")
    parser.add_argument("--at-once-mbit", type=int, default=100, metavar="MBIT",
                        help="paths: and no more than this rate at the same time [100]")


def _add_places(parser):
    parser.add_argument("--work", default="/var/tmp", metavar="DIR",
                        help="where the content is made; on the disk to be read [/var/tmp]")
    parser.add_argument("--results", default=os.path.join(ROOT, "perf", "results"), metavar="DIR",
                        help="where results are written [perf/results]")
    parser.add_argument("--build", default=os.path.join(ROOT, "build-perf"), metavar="DIR",
                        help="the build to measure [build-perf]")


def _check(parser, options, known):
    programs = {*classic.SEEDER_SCENARIOS, *classic.PATH_SCENARIOS}
    allowed = set(known) | (set() if options.command else programs)
    wrong = [s for s in options.scenario if s not in allowed]
    if wrong:
        parser.error(f"no scenario {', '.join(wrong)}: perf/run list shows them")
    if not set(options.seeders) <= set(compare.NAMES):
        parser.error("--seeders: " + ", ".join(compare.NAMES))
    if not set(options.offload) <= set(compare.OFFLOADS):
        parser.error("--offload: off, on or off,on")
    if {"wire", "idle", "floods", "control"} & set(options.scenario) and \
            not set(options.seeders) <= set(compare.NAMES[:2]):
        parser.error("wire, idle, floods and control know spillway and libtorrent")


def read(argv):
    """The options; options.command is one of COMMANDS or None."""
    parser = argparse.ArgumentParser(
        prog="perf/run", epilog=EPILOG,
        usage="perf/run [list | compare | wires | floors | verify] [SCENARIO...]\n"
              "                [--OPTION VALUE...]",
        description="Measures Spillway beside other seeders and the kernel.",
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", metavar="WORD", help="as below; [wire]")
    _add_common(parser)
    _add_programs(parser)
    _add_places(parser)
    options = parser.parse_args(argv)
    options.command = None
    if options.scenario and options.scenario[0] in COMMANDS:
        options.command = options.scenario.pop(0)
    known = scenario.every()
    if options.scenario == ["all"]:
        options.scenario = list(known)
    if not options.scenario:
        options.scenario = ["wire"] if options.command is None else ["hot"]
    everyone = options.command in ("compare", "wires")
    options.seeders = options.seeders or (compare.NAMES if everyone else compare.NAMES[:2])
    options.offload = options.offload or (["off", "on"] if options.command == "compare"
                                          else ["off"])
    _check(parser, options, known)
    options.data_scenarios = [known[s] for s in options.scenario if s in known]
    return options


def with_defaults(options, values):
    """A copy in which what was not given has these values."""
    copy = argparse.Namespace(**vars(options))
    for name, value in values.items():
        if getattr(copy, name) is None:
            setattr(copy, name, value)
    return copy
