# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillwayd and a dataplane of two workers, a double: each is told all, and seen together."""

import os
import signal

import alone
import shell
from alone import FILES, Control

ADD, REMOVE = 4, 5


def _two(env, **options):
    return alone.running(env, **{"workers": 2, "arena-mib": 32, **options})


def _by(control, worker, what, **fields):
    return control.events(what, worker=worker, **fields)


def _activate(control, torrent_id, *workers):
    for worker in workers:
        control.order(f"@{worker}", "activate", torrent_id)
        shell.wait_until(lambda w=worker: _by(control, w, "message", kind=FILES), 10, "FILES")


def test_each_is_told(env):
    """An ACTIVATE is answered to the worker that asked; what both have is summed up."""
    with _two(env) as c:
        c.add("both.bin")
        for worker in (0, 1):
            shell.wait_until(lambda w=worker: _by(c, w, "message", kind=ADD), 5, "ADD")
            assert [e["cnt"] for e in _by(c, worker, "message", kind=ADD)] == [1]
        _activate(c, 1, 1)
        shell.wait_until(lambda: c.torrent("both.bin")["active"], 5, "active")
        assert not _by(c, 0, "layout"), "the other worker was answered"
        _activate(c, 1, 0)
        c.order("@0", "uploaded", 1, 7000, 3)
        c.order("@1", "uploaded", 1, 500, 2)
        shell.wait_until(lambda: c.torrent("both.bin")["peers"] == 5, 5, "peers")
        assert c.torrent("both.bin")["uploaded_bytes"] == 7500
        c.order("@1", "deactivate", 1, 600)
        shell.wait_until(lambda: c.torrent("both.bin")["uploaded_bytes"] == 7600, 5, "stored")
        assert c.torrent("both.bin")["active"], "the other worker serves it"
        c.cli("remove", "both.bin")
        for worker in (0, 1):
            shell.wait_until(lambda w=worker: _by(c, w, "message", kind=REMOVE), 5, "REMOVE")
        assert c.json("list")["torrents"] == []


def test_counters_of_each(env):
    with _two(env) as c:
        c.order("@0", "counter", 4, 30)
        c.order("@1", "counter", 4, 12)
        shell.wait_until(lambda: c.json("stats")["counters"]["requests"] == 42, 5, "the sum")
        stats = c.json("stats")
        assert [w["counters"]["requests"] for w in stats["workers"]] == [30, 12], stats
        assert [w["worker"] for w in stats["workers"]] == [0, 1]
        assert stats["dataplane"]["workers"] == 2
        assert stats["totals"]["dataplane_cpu_seconds"] == 1.0, stats["totals"]


def test_withdrawn_at_the_others(env):
    """What one worker withdraws is told to the other, and not back."""
    with _two(env) as c:
        c.add("rotten.bin")
        _activate(c, 1, 0, 1)
        c.order("@1", "withdraw", 1, 0, 3, 2, 1)
        shell.wait_until(lambda: _by(c, 0, "withdraw"), 5, "WITHDRAW")
        told = c.events("withdraw")
        assert [(e["worker"], e["id"], e["first"], e["cnt"]) for e in told] == [(0, 1, 3, 2)], told
        assert c.torrent("rotten.bin")["pieces_withdrawn"] == 2
        c.order("@0", "withdraw", 1, 0, 4, 2, 1)
        shell.wait_until(lambda: _by(c, 1, "withdraw"), 5, "WITHDRAW")
        assert c.torrent("rotten.bin")["pieces_withdrawn"] == 3, "a piece is counted twice"


def test_withdrawn_while_the_other_is_hung_up(env):
    """It is told when it is connected to again, before anything else of the torrent."""
    with _two(env) as c:
        c.add("late.bin")
        _activate(c, 1, 0, 1)
        c.order("@0", "hang")
        c.order("@1", "withdraw", 1, 0, 0, 1, 1)
        shell.wait_until(lambda: c.torrent("late.bin")["pieces_withdrawn"] == 1, 5, "withdrawn")
        assert not _by(c, 0, "withdraw")
        c.order("@0", "resume")
        shell.wait_until(lambda: _by(c, 0, "withdraw", id=1, first=0, cnt=1), 5, "WITHDRAW")


def test_peers_and_trace_of_all(env):
    with _two(env) as c:
        c.order("@0", "peers", 40)
        c.order("@1", "peers", 70)
        shell.wait_until(lambda: len(_peers(c)) == 110, 5, "the peers of both")
        asked = [(e["worker"], e["cursor"]) for e in c.events("peers")][-5:]
        assert asked == [(0, 0), (0, 32), (1, 0), (1, 32), (1, 64)], asked
        traced = c.json("peers", "--trace", "10.9.8.7:1069")
        assert traced["trace"], traced
        done = c.cli("peers", "--trace", "10.9.8.7:1070", check=False)
        assert done.returncode == 1 and "no peer 10.9.8.7:1070" in done.stderr, done.stderr


def _peers(control):
    return control.json("peers")["peers"]


def test_uploaded_survives_death(env):
    """What both had counted is stored once, and both new workers are told."""
    with _two(env) as c:
        c.add("bytes.bin")
        _activate(c, 1, 0, 1)
        c.order("@0", "uploaded", 1, 5000, 1)
        c.order("@1", "uploaded", 1, 300, 1)
        shell.wait_until(lambda: c.torrent("bytes.bin")["peers"] == 2, 5, "published")
        c.order("@1", "die", 9)
        shell.wait_until(lambda: c.json("stats")["dataplane"]["restarts"] == 1, 10, "restart")
        for worker in (0, 1):
            shell.wait_until(lambda w=worker: len(_by(c, w, "message", kind=ADD)) == 2, 5, "ADD")
        assert c.torrent("bytes.bin")["uploaded_bytes"] == 5300
        c.stop()
        c.start()
        assert c.torrent("bytes.bin")["uploaded_bytes"] == 5300


def test_adopted_after_kill(env):
    """A new control finds both workers and sends nothing that they have."""
    with _two(env) as c:
        c.add("adopted.bin")
        _activate(c, 1, 1)
        c.order("@1", "uploaded", 1, 77, 1)
        pid = c.pid()
        c.stop(signal.SIGKILL)
        c.start()
        assert c.pid() == pid and len(c.events("message", kind=ADD)) == 2
        assert c.torrent("adopted.bin")["active"]
        shell.wait_until(lambda: c.torrent("adopted.bin")["uploaded_bytes"] == 77, 5, "its bytes")


def test_fewer_workers_replace(env):
    with _two(env) as c:
        c.add("kept.bin")
        _activate(c, 1, 0)
        c.order("@0", "uploaded", 1, 50, 1)
        shell.wait_until(lambda: c.torrent("kept.bin")["peers"] == 1, 5, "published")
        pid = c.pid()
        c.stop(signal.SIGKILL)
        c.options["workers"] = 1
        c.start()
        assert c.pid() != pid and c.events("start")[-1]["workers"] == 1
        assert not os.path.exists(os.path.join(c.run_dir, "dataplane.1.sock"))
        assert c.torrent("kept.bin")["uploaded_bytes"] == 50


def test_one_that_hangs_up(env):
    """Only that worker is connected to again, and told only what it lacks."""
    with _two(env) as c:
        c.add("kept.bin")
        pid = c.pid()
        c.order("@1", "hang-up")
        shell.wait_until(lambda: len(_by(c, 1, "control-came")) == 2, 5, "reconnect")
        shell.wait_until(lambda: c.json("stats")["dataplane"]["running"], 5, "running")
        assert len(_by(c, 0, "control-came")) == 1 and c.pid() == pid
        assert len(c.events("message", kind=ADD)) == 2


def test_one_that_breaks_the_protocol(env):
    """A worker that cannot be trusted is the end of the whole dataplane; another one is started."""
    with _two(env) as c:
        pid = c.pid()
        c.order("@1", "garbage")
        shell.wait_until(lambda: c.pid() != pid, 10, "another dataplane")
        shell.wait_until(lambda: c.json("stats")["dataplane"]["running"], 10, "running")


def test_numbers_of_workers(env):
    """Refused with one line; auto is as many as CPUs are named."""
    c = Control(env, **{"workers": 2, "cpu": "0"})
    assert 'option cpu: "0" has 1 CPUs for 2 workers' in c.refused()
    c = Control(env, **{"workers": 4, "arena-mib": 63})
    assert "option arena_mib: 63 MiB are too few for 4 workers" in c.refused()
    with alone.running(env, **{"workers": "auto", "cpu": "1,0,0"}) as c:
        start = c.events("start")[-1]
        assert start["workers"] == 3 and start["cpus"] == [1, 0, 0, -1, -1, -1, -1, -1], start
