# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Desired state: what a manifest says becomes so, all of it or nothing. spillwayd by itself, with a
dataplane double."""

import contextlib
import json
import os
import shlex
import socket

import shell
import spillway
from alone import running as _control
from manifests import PIECE, Manifest

SANITIZED = True


def _apply(c, manifest, *options, lines=None):
    answer = c.json("apply", manifest.write(lines), *options)
    return tuple(answer[k] for k in ("added", "changed", "removed", "unchanged"))


def _refused(c, manifest, lines, *words):
    before = c.json("list")["torrents"]
    done = c.cli("apply", manifest.write(lines), check=False, timeout=60)
    text = done.stderr.strip()
    assert done.returncode == 1 and len(text.splitlines()) == 1 and len(text) < 800, done
    for word in words:
        assert word in text, f"not refused for {word}: {text}"
    assert c.json("list")["torrents"] == before, "something was applied"


def _seeding(c, cnt):
    shell.wait_until(lambda: len(c.json("list", "--state", "seeding")["torrents"]) == cnt, 20,
                     f"{cnt} torrents seeding")


def test_difference_is_applied(env):
    with _control(env) as c:
        m = Manifest(env, 5)
        m.lines[1].update(labels=["b", "a"], weight=7)
        m.lines[2].update(paused=True)
        m.lines[3:3] = ["", "# a comment", "  \t"]
        assert _apply(c, m) == (5, 0, 0, 0)
        _seeding(c, 4)
        assert _apply(c, m) == (0, 0, 0, 5), "not idempotent"
        t = [t for t in c.json("list")["torrents"] if t["labels"]]
        assert [x["labels"] for x in t] == [["a", "b"]] and t[0]["weight"] == 7, t
        assert len(c.json("list", "--state", "paused")["torrents"]) == 1
        # What is not said any more is as it is usually.
        m.lines[1] = m.line(1)
        m.lines[2].update(paused=False, rate_bytes_per_s=1 << 20)
        assert _apply(c, m) == (0, 2, 0, 3)
        _seeding(c, 5)
        assert c.json("list", "--label", "a")["torrents"] == []
        # Content that moved is verified where it is now.
        os.rename(os.path.join(m.data, "x.bin"), os.path.join(m.data, "sub", "x.bin"))
        for line in m.lines:
            if isinstance(line, dict):
                line["data"] = os.path.join(m.data, "sub")
        assert _apply(c, m) == (0, 5, 0, 0)
        _seeding(c, 5)
        hashes = [t["info_hash"] for t in c.json("list")["torrents"]]
        assert {c.torrent(h)["data"] for h in hashes} == {os.path.join(m.data, "sub")}
        c.stop()
        c.start()
        assert _apply(c, m) == (0, 0, 0, 5)


def test_prune(env):
    """Only what a manifest has named is removed for not being named any more."""
    with _control(env) as c:
        c.add("by-hand.bin")
        m = Manifest(env, 4)
        other = m.line(9)
        c.cli("add", os.path.join(m.folder, other["torrent"]), "--data", m.data)
        assert _apply(c, m) == (4, 0, 0, 0)
        fewer = m.lines[:2]
        assert _apply(c, m, lines=fewer) == (0, 0, 0, 2), "removed without --prune"
        dry = c.json("apply", m.write(fewer), "--prune", "--dry-run")
        assert [d["what"] for d in dry["differences"]] == ["remove", "remove"], dry
        assert len(c.json("list")["torrents"]) == 6
        text = c.cli("apply", m.write(fewer + [other]), "--prune", "--dry-run").stdout
        assert text.splitlines()[-1] == "would be: 0 added, 0 changed, 2 removed, 3 unchanged", text
        assert _apply(c, m, "--prune", lines=fewer + [other]) == (0, 0, 2, 3)
        # What was added by hand and then named is the manifest's now.
        assert _apply(c, m, "--prune", lines=[]) == (0, 0, 3, 0)
        assert [t["name"] for t in c.json("list")["torrents"]] == ["by-hand.bin"]
        assert _apply(c, m) == (4, 0, 0, 0), "what was removed is not added again"


def test_dry_run(env):
    with _control(env) as c:
        m = Manifest(env, 3)
        _apply(c, m, lines=m.lines[:2])
        m.lines[1].update(labels=["x"], paused=True)
        text = c.cli("apply", m.write(), "--dry-run").stdout.splitlines()
        assert sorted(text[:2]) == ["add    x.bin  (line 3)",
                                    "change x.bin: settings, labels  (line 2)"], text
        assert text[2] == "would be: 1 added, 1 changed, 0 removed, 1 unchanged", text
        assert len(c.json("list")["torrents"]) == 2
        assert c.json("list", "--label", "x")["torrents"] == []


def test_one_bad_line(env):
    """A thousand good lines and a bad one: nothing is applied, and the line is named."""
    with _control(env) as c:
        m = Manifest(env, 400)
        _apply(c, m, lines=m.lines[:1])
        _seeding(c, 1)
        good, fresh = m.lines, m.line(1000)
        cut = os.path.join(m.folder, "cut.torrent")
        with open(cut, "wb") as f:
            f.write(b"d4:info")
        m.torrent("short", length=PIECE + 1, pieces=bytes(40))
        m.torrent("absent", name="absent.bin")
        for bad, *words in (
                ("{", "no JSON"), ("[]", "no JSON object"), ('{"torrent": "x"', "no JSON"),
                ('"x"', "no JSON"), ({}, '"torrent"'), ({"torrent": "0.torrent"}, '"data"'),
                ({**fresh, "wieght": 5}, '"wieght" is unknown'),
                ({**fresh, "weight": 0}, '"weight"'), ({**fresh, "paused": 1}, '"paused"'),
                ({**fresh, "labels": "x"}, '"labels"'), ({**fresh, "labels": [""]}, "label"),
                ({**fresh, "labels": [f"l{i}" for i in range(17)]}, "at most 16"),
                ({**fresh, "class": "unknown"}, "unknown"),
                ({**fresh, "partial": "yes"}, '"partial"'),
                ('{"torrent": "a", "torrent": "b", "data": "data"}', "duplicate"),
                ("{" + " " * 70000 + "}", "longer than"),
                ({**fresh, "data": "x" * 5000}, "too long"),
                ({"torrent": "none.torrent", "data": "data"}, "none.torrent", "No such file"),
                ({"torrent": "data", "data": "data"}, "not a regular file"),
                ({"torrent": cut, "data": "data"}, "cut.torrent", "ends too early"),
                ({"torrent": "short.torrent", "data": "data"}, "shorter"),
                ({"torrent": "absent.torrent", "data": "data"}, "absent.bin", "missing"),
                ({**fresh, "data": "nowhere"}, "nowhere"),
                (good[3], "the same torrent as in line 4")):
            _refused(c, m, good[:200] + [bad] + good[200:], "line 201: ", *words)
        for path, word in ((m.folder, "directory"), (m.path + "x", "No such file")):
            done = c.cli("apply", path, check=False)
            assert done.returncode == 1 and word in done.stderr, done
        _refused(c, m, [fresh, {**good[0], "data": "nowhere"}], "line 2: ", "nowhere")
        assert _apply(c, m) == (399, 0, 0, 1)


def test_from_a_pipe_and_bad_requests(env):
    with _control(env) as c:
        m = Manifest(env, 2)
        words = [spillway.cli_path(env), "--run-dir", c.run_dir, "apply", "-"]
        done = shell.run(["sh", "-c", f"cat {m.write()} | {shlex.join(words)}"], cwd=m.folder)
        assert done.stdout == "2 added, 0 changed, 0 removed, 0 unchanged\n", done
        for request in ({"command": "apply"}, {"command": "apply", "base": "x"}):
            assert c.ask(request)[-1]["ok"] is False
        with open("/dev/zero", "rb") as f:
            assert "regular" in c.ask({"command": "apply", "base": "/"}, f.fileno())[-1]["error"]
        with open(os.path.join(m.folder, "huge"), "wb") as f:
            f.truncate(1 << 40)
            assert "larger" in c.ask({"command": "apply", "base": "/"}, f.fileno())[-1]["error"]


def test_full_catalogue(env):
    with _control(env, **{"torrents-max": 10}) as c:
        m = Manifest(env, 12)
        _refused(c, m, m.lines[:11], "torrents_max is 10")
        assert _apply(c, m, lines=m.lines[:10]) == (10, 0, 0, 0)
        _seeding(c, 10)
        _refused(c, m, m.lines, "torrents_max is 10")
        # Room is made by what goes.
        assert _apply(c, m, "--prune", lines=m.lines[2:]) == (2, 0, 2, 8)


def _begin(c, path):
    """Ask for a manifest; returns the connection once it is being applied."""
    s = socket.socket(socket.AF_UNIX)
    with open(path, "rb") as f:
        s.connect(os.path.join(c.run_dir, "control.sock"))
        request = {"command": "apply", "base": os.path.dirname(path)}
        socket.send_fds(s, [json.dumps(request).encode() + b"\n"], [f.fileno()])
    s.settimeout(60)
    assert b"progress" in s.recv(100)
    return s


def test_others_are_answered_meanwhile(env):
    """While a manifest is applied others are answered; a second one is refused; when the client
    goes away before the end, nothing is applied."""
    with _control(env) as c:
        m = Manifest(env, 3000)
        path = m.write()
        _begin(c, path).close()
        nothing = os.path.join(m.folder, "nothing")
        with open(nothing, "w", encoding="ascii"):
            pass
        shell.wait_until(lambda: c.cli("apply", nothing, check=False).returncode == 0, 10,
                         "the first one is over")
        assert c.json("list")["torrents"] == []
        with _begin(c, path) as s, open(path, "rb") as f:
            answer = c.ask({"command": "apply", "base": m.folder, "dry_run": True}, f.fileno())
            assert "another manifest" in answer[-1]["error"], answer
            cnt = 0
            s.setblocking(False)
            text = b""
            while b'"ok"' not in text:
                c.ask({"command": "list", "since": 0, "label": "none"})
                cnt += 1
                with contextlib.suppress(BlockingIOError):
                    text += s.recv(1 << 16)
        assert b'"added":3000' in text.replace(b" ", b""), text[-200:]
        assert cnt > 1, "nobody was answered meanwhile"
        assert len(c.json("list")["torrents"]) == 3000
