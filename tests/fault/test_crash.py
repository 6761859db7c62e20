# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillwayd is killed in the middle of every change of its state, and its disk fills up: what it
knows afterwards is what it knew before or after the change. With a dataplane double."""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time

import bencode
import shell
import spillway
from alone import Control
from manifests import Manifest

KILLS = 5  # of each change


def _known(c):
    """What the catalogue says, whole and sound; spillwayd does not run."""
    path = os.path.join(c.options["state-dir"], "catalogue.db")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lost = db.execute("SELECT count(*) FROM torrents LEFT JOIN sources"
                          " ON sources.id = source_id WHERE metainfo IS NULL").fetchone()[0]
        assert lost == 0, f"{lost} torrents without their metainfo"
        return {h.hex(): (labels, paused, weight) for h, labels, paused, weight in db.execute(
            "SELECT info_hash, labels, paused, weight FROM torrents")}


def _kill_during(c, words, delay_s):
    """Begin a command and kill spillwayd so much later; returns what it knows."""
    with subprocess.Popen([spillway.cli_path(c.env), "--run-dir", c.run_dir, *words],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as command:
        time.sleep(delay_s)
        os.kill(c.proc.pid, signal.SIGKILL)
        c.proc.wait(shell.PATIENCE_S)
        command.wait(shell.PATIENCE_S)
    return _known(c)


def _changes(m):
    """Manifests that change something, each with its options."""
    rng = random.Random(7)
    everything = m.lines
    while True:
        some = sorted(rng.sample(range(len(everything)), len(everything) // 2))
        yield [everything[i] for i in some], ["--prune"]
        yield [dict(everything[i], labels=["x"], paused=True) for i in some], []
        yield everything, []


def test_killed_while_a_manifest_is_applied(env):
    """All of a manifest, or nothing."""
    m = Manifest(env, 120)
    rng = random.Random(1)
    hashes = _hashes(m)
    c = Control(env)
    c.start()
    before, met = {}, set()
    try:
        begin = time.monotonic()
        c.cli("apply", m.write(m.lines[:60]), "--dry-run")
        delay_s = time.monotonic() - begin
        for (lines, options), _ in zip(_changes(m), range(4 * KILLS)):
            after = dict(before)
            wanted = {hashes[line["torrent"]]: (",".join(line.get("labels", [])),
                                                int(line.get("paused", False)), 100)
                      for line in lines}
            if options:
                after = {}
            after.update(wanted)
            words = ["apply", m.write(lines), *options]
            now = _kill_during(c, words, delay_s * rng.uniform(0.7, 1.4))
            assert now in (before, after), "neither before nor after"
            met.add(now == after)
            delay_s *= 0.7 if now == after else 1.4  # wherever the change is, kills are about it
            before = now
            c.start()
            assert {t["info_hash"] for t in c.json("list")["torrents"]} == set(now)
        assert met == {True, False}, f"never killed both before and after: {met}"
    finally:
        c.stop()


def _hashes(m):
    out = {}
    for line in m.lines:
        with open(os.path.join(m.folder, line["torrent"]), "rb") as f:
            out[line["torrent"]] = bencode.info_hash(f.read()).hex()
    return out


def test_killed_in_the_middle_of_changes(env):
    """Add, label, pause, set, remove: before or after."""
    m = Manifest(env, 20)
    rng = random.Random(2)
    hashes = _hashes(m)
    names = list(hashes.values())
    c = Control(env)
    c.start()
    try:
        c.cli("apply", m.write())
        extra = m.line(999)["torrent"]
        with open(os.path.join(m.folder, extra), "rb") as f:
            extra_hash = bencode.info_hash(f.read()).hex()
        all_of = {h: ("", 0, 100) for h in names}
        for words, after in (
                (["label", *names, "+a", "+b"], {h: ("a,b", 0, 100) for h in names}),
                (["pause", *names], {h: ("", 1, 100) for h in names}),
                (["set", *names, "weight=7"], {h: ("", 0, 7) for h in names}),
                (["remove", *names[5:]], {h: ("", 0, 100) for h in names[:5]}),
                (["add", os.path.join(m.folder, extra), "--data", m.data, "--detach"],
                 {**all_of, extra_hash: ("", 0, 100)})):
            for _ in range(KILLS):
                now = _kill_during(c, words, rng.uniform(0, 0.02))
                assert now in (all_of, after), f"{words[0]}: neither before nor after: {now}"
                c.start()
                c.cli("apply", m.write(), "--prune")
                if words[0] == "add":
                    c.cli("remove", extra_hash, check=False)
    finally:
        c.stop()


@contextlib.contextmanager
def _small_disk(env, mib):
    """A file system of its own for the state."""
    path = env.folder()
    shell.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", path])
    try:
        yield path
    finally:
        shell.run(["umount", "-l", path])


def _fill(folder):
    """Leave not a byte free; returns what to remove for room."""
    path = os.path.join(folder, "ballast")
    with open(path, "wb", buffering=0) as f, contextlib.suppress(OSError):
        while True:
            f.write(bytes(4096))
    return path


def test_full_disk(env):
    """What cannot be stored is refused by a clear error; what is there stays, also over a restart;
    with room again all goes on."""
    with _small_disk(env, 8) as disk:
        c = Control(env, **{"state-dir": os.path.join(disk, "state")})
        c.start()
        try:
            c.add("held.bin")
            m = Manifest(env, 300)
            for line in m.lines[:2]:
                line["labels"] = ["big"]
            ballast = _fill(disk)
            before = c.json("list")["torrents"]
            failed = 0
            for words in (["apply", m.write()], ["label", "held.bin", "+" + "x" * 60],
                          *([["label", "held.bin", f"+l{i}"] for i in range(10)])):
                done = c.cli(*words, check=False)
                failed += done.returncode != 0
                assert done.returncode == 0 or "full" in done.stderr, done
            assert failed > 0, "the disk was never full"
            names = [t["name"] for t in c.json("list")["torrents"]]
            assert len(names) in (1, 301), "a part of the manifest was applied"
            assert [t["state"] for t in before] == ["seeding"]
            c.activate(1)
            shell.wait_until(lambda: c.json("show", "held.bin")["torrent"]["active"], 5, "served")
            os.remove(ballast)
            c.cli("label", "held.bin", "+room")
            c.cli("apply", m.write())
            known = {t["info_hash"] for t in c.json("list")["torrents"]}
            assert len(known) == 301
            c.stop()
            ballast = _fill(disk)
            with contextlib.suppress(shell.CommandError):
                c.start()
                c.stop()
            shell.stop(c.proc)
            os.remove(ballast)
            c.start()
            assert {t["info_hash"] for t in c.json("list")["torrents"]} == known
        finally:
            c.stop()

