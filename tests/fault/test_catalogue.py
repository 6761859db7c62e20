# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What the operator makes of torrents in the catalogue: paused, labelled, limited, listed by what
changed. spillwayd by itself, with a dataplane double."""

import shell
from alone import running as _control

SANITIZED = True
ADD, REMOVE = 4, 5


def _names(answer):
    return [t["name"] for t in answer["torrents"]]


def test_pause_and_start(env):
    """A paused torrent is taken from the dataplane and comes back when it is started."""
    with _control(env) as c:
        c.add("a.bin")
        c.add("b.bin")
        out = c.cli("pause", "a.bin").stdout
        assert out == "paused a.bin\n", out
        shell.wait_until(lambda: c.events("message", kind=REMOVE), 5, "REMOVE")
        assert c.torrent("a.bin")["state"] == "paused"
        c.order("activate", 1)
        shell.wait_until(lambda: c.events("refused", id=1), 5, "REFUSE")
        c.stop()
        c.start()
        assert c.torrent("a.bin")["state"] == "paused"
        assert c.torrent("b.bin")["state"] == "seeding"
        shell.wait_until(lambda: c.events("added", id=2), 5, "b.bin offered again")
        before = len(c.events("added", id=1))
        c.cli("start", "a.bin", "b.bin")
        shell.wait_until(lambda: len(c.events("added", id=1)) > before, 5, "ADD")
        assert c.torrent("a.bin")["state"] == "seeding"


def test_labels(env):
    with _control(env) as c:
        c.add("a.bin")
        c.add("b.bin")
        c.cli("label", "a.bin", "b.bin", "+linux", "+Größe 1")
        out = c.cli("label", "a.bin", "-linux", "-never", "+x").stdout
        assert out == "labelled a.bin: Größe 1, x\n", out
        assert c.torrent("a.bin")["labels"] == ["Größe 1", "x"]
        assert _names(c.json("list", "--label", "linux")) == ["b.bin"]
        assert _names(c.json("list", "--label", "x", "--state", "paused")) == []
        assert "[Größe 1, linux]" in c.cli("list").stdout
        done = c.cli("label", "a.bin", "b.bin", "+" + "x" * 64, check=False)
        assert done.returncode == 1 and "is not a label" in done.stderr, done
        done = c.cli("label", "a.bin", *(f"+l{i}" for i in range(15)), check=False)
        assert done.returncode == 1 and "at most 16 labels" in done.stderr, done
        assert c.torrent("a.bin")["labels"] == ["Größe 1", "x"]
        c.stop()
        c.start()
        assert c.torrent("b.bin")["labels"] == ["Größe 1", "linux"]


def test_settings(env):
    with _control(env) as c:
        c.add("a.bin")
        c.cli("set", "a.bin", "rate=5M", "weight=1000", "connections=7", "super_seed=yes")
        shown = c.torrent("a.bin")
        assert shown["rate_bytes_per_s"] == 5 << 20 and shown["weight"] == 1000, shown
        assert shown["connections_max"] == 7 and shown["super_seed"] is True, shown
        text = c.cli("show", "a.bin").stdout
        assert "5.0 MiB/s at most" in text and "super-seeding" in text, text
        for wrong, why in (("weight=1001", "weight"), ("weight=0", "weight"),
                           ("rate=2000G", "rate_bytes_per_s")):
            done = c.cli("set", "a.bin", "connections=9", wrong, check=False)
            assert done.returncode == 1 and why in done.stderr, done
        for wrong in ("rate=", "rate=-1", "rate=5X", "super_seed=1", "speed=1", "rate"):
            assert c.cli("set", "a.bin", wrong, check=False).returncode == 2, wrong
        c.stop()
        c.start()
        assert c.torrent("a.bin")["connections_max"] == 7


def test_several_or_none(env):
    """Where one of several torrents is not there, nothing happens to the others."""
    with _control(env) as c:
        for name in ("a.bin", "b.bin", "c.bin"):
            c.add(name)
        for words in (("remove",), ("pause",), ("label", "+x"), ("set", "weight=5")):
            done = c.cli(words[0], "a.bin", "b.bin", "nothing", *words[1:], check=False)
            assert done.returncode == 1 and 'no torrent "nothing"' in done.stderr, done
        assert _names(c.json("list", "--state", "seeding")) == ["a.bin", "b.bin", "c.bin"]
        assert c.torrent("a.bin")["labels"] == [] and c.torrent("a.bin")["weight"] == 100
        assert c.cli("remove", "a.bin", "b.bin", "a.bin").stdout == "removed a.bin\nremoved b.bin\n"
        assert _names(c.json("list")) == ["c.bin"]
        assert c.cli("remove", check=False).returncode == 2


def test_list_of_changes(env):
    with _control(env) as c:
        c.add("a.bin")
        c.add("b.bin")
        c.add("c.bin")
        whole = c.json("list")
        assert list(whole)[-1] == "serial" and "removed" not in whole, whole
        quiet = c.json("list", "--since", whole["serial"])
        assert quiet["torrents"] == quiet["removed"] == [] and not quiet["reset"], quiet
        assert quiet["serial"] == whole["serial"]
        c.cli("label", "b.bin", "+x")
        c.cli("remove", "a.bin")
        later = c.json("list", "--since", whole["serial"])
        assert _names(later) == ["b.bin"] and not later["reset"], later
        assert [r["id"] for r in later["removed"]] == [1], later
        # What leaves the list that was asked for is told as well.
        c.cli("label", "b.bin", "-x")
        left = c.json("list", "--since", later["serial"], "--label", "x")
        assert left["torrents"] == [] and [r["id"] for r in left["removed"]] == [2], left
        # What is counted meanwhile is a change too.
        c.activate(3)
        shell.wait_until(lambda: c.torrent("c.bin")["active"], 5, "active")
        serial = c.json("list")["serial"]
        c.order("uploaded", 3, 7000, 2)
        shell.wait_until(lambda: _names(c.json("list", "--since", serial)) == ["c.bin"], 5,
                         "the upload is told")
        serial = c.json("list")["serial"]
        c.stop()
        c.start()
        reset = c.json("list", "--since", serial)
        assert reset["reset"] and _names(reset) == ["b.bin", "c.bin"], reset
        assert reset["serial"] > serial
        for wrong in ("", "x", "-1", "1.5", "99999999999999999999"):
            assert c.cli("list", "--since", wrong, check=False).returncode == 2, wrong
        done = c.cli("list", "--state", "dead", check=False)
        assert done.returncode == 1 and "there are verifying, seeding" in done.stderr, done


def test_hostile_requests(env):
    """Requests of the wrong shape are refused by one line, and change nothing."""
    with _control(env) as c:
        c.add("a.bin")
        for request in ({"command": "set", "torrents": "a.bin", "weight": 5},
                        {"command": "set", "torrents": []},
                        {"command": "set", "torrents": [1]},
                        {"command": "set", "torrent": "a.bin", "weight": 1e3},
                        {"command": "set", "torrent": "a.bin", "paused": 1},
                        {"command": "set", "torrent": "a.bin", "rate_bytes_per_s": -1},
                        {"command": "label", "torrent": "a.bin", "add": [1]},
                        {"command": "label", "torrent": "a.bin", "add": ["a,b"]},
                        {"command": "list", "label": "x" * 64},
                        {"command": "list", "label": 1},
                        {"command": "list", "state": "x" * 400},
                        {"command": "list", "since": "1"},
                        {"command": "list", "since": -1}):
            answer = c.ask(request)
            assert len(answer) == 1 and answer[0]["ok"] is False, (request, answer)
        assert c.torrent("a.bin")["weight"] == 100
