# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Verification: again while it is served, of many at once, stopped or killed in the middle and gone
on with, of files that change meanwhile, and where the kernel refuses io_uring."""

import contextlib
import json
import os
import random
import re
import signal
import sqlite3

import content
import shell
import spillway
import throttle
from alone import Control, running as _control

PIECE_LEN = 65536
LONG = 320 << 20
SHORT = 144 << 20
SLOW = 48 << 20
HALTING = 16 << 20  # the end is seconds away, and so is that of what is asked for already


def _flip(path, *places):
    """Change a byte at each place; the file's time stays: only who reads it can know."""
    before = os.stat(path)
    with open(path, "r+b") as f:
        for at in places:
            f.seek(at)
            byte = f.read(1)
            f.seek(at)
            f.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _add(c, path, *create_options):
    torrent = path + ".torrent"
    spillway.create(c.env, path, torrent, *create_options)
    c.cli("add", torrent, "--data", os.path.dirname(path))
    return torrent


def _verify(c, *words, status=0):
    done = c.cli("verify", *words, check=False, timeout=120)
    assert done.returncode == status, done
    return done


def test_again_while_served(env):
    """What is wrong is withdrawn from the worker that serves it, without letting go of it; what is
    right again is served again."""
    with _control(env) as c:
        path = content.single(env.folder(), 1 << 20, "again.bin")
        _add(c, path, "--piece-length", str(PIECE_LEN))
        c.activate(1)
        assert _verify(c, "again.bin").stdout == "again.bin: all 16 pieces match\n"
        assert not c.events("withdraw") and not c.events("message", kind=5)
        _flip(path, 3 * PIECE_LEN, 4 * PIECE_LEN, 9 * PIECE_LEN + 1)
        done = _verify(c, "again.bin", status=1)
        assert "3 of 16 pieces do not match" in done.stderr, done
        shell.wait_until(lambda: len(c.events("withdraw")) == 2, 5, "the worker is told")
        assert [(e["first"], e["cnt"]) for e in c.events("withdraw")] == [(3, 2), (9, 1)]
        shown = c.torrent("again.bin")
        assert shown["state"] == "seeding" and shown["pieces_had"] == 13, shown
        assert shown["pieces_withdrawn"] == 3 and "3 pieces" in shown["reason"], shown
        assert not c.events("message", kind=5), "it was let go of"
        _flip(path, 3 * PIECE_LEN, 4 * PIECE_LEN)
        _verify(c, "again.bin", status=1)
        shell.wait_until(lambda: c.events("message", kind=5), 5, "it is given anew")
        shown = c.torrent("again.bin")
        assert (shown["pieces_had"], shown["pieces_withdrawn"]) == (15, 1), shown
        _flip(path, 9 * PIECE_LEN + 1)
        _verify(c, "--all")
        shown = c.torrent("again.bin")
        assert (shown["pieces_had"], shown["pieces_withdrawn"]) == (16, 0), shown
        assert shown["reason"] == "", shown


def test_all(env):
    """Several at once, as one JSON object, with those that cannot be had."""
    with _control(env) as c:
        paths = [content.single(env.folder(), 300000 + i, f"all{i}.bin") for i in range(5)]
        for path in paths:
            _add(c, path, "--piece-length", str(PIECE_LEN))
        _flip(paths[1], 0)
        os.unlink(paths[3])
        done = c.cli("--json", "verify", "--all", check=False)
        told = json.loads(done.stdout)
        assert done.returncode == 1 and told["ok"] and told["verified"] == 5, done
        by_name = {t["name"]: t for t in told["torrents"]}
        assert by_name["all1.bin"]["pieces_withdrawn"] == 1, by_name
        assert by_name["all3.bin"]["state"] == "error", by_name
        assert "missing" in by_name["all3.bin"]["reason"], by_name
        assert by_name["all4.bin"]["state"] == "seeding", by_name
        done = c.cli("verify", "all0.bin", "all2.bin", "--detach")
        assert done.stdout == "2 to be verified\n", done
        assert "no torrent" in _verify(c, "other", status=1).stderr
        _verify(c, status=2)
        c.cli("pause", "all4.bin")
        assert "all 5 pieces match" in _verify(c, "all4.bin").stdout, "it is no fault to be paused"
        c.cli("remove", *(f"all{i}.bin" for i in range(5)))
        assert c.cli("verify", "--all").stdout == "there are no torrents\n"


def test_hybrid(env):
    with _control(env) as c:
        root = content.odd(env.folder())
        _add(c, root, "--hybrid", "--piece-length", str(PIECE_LEN))
        shown = c.torrent("odd")
        assert shown["pieces_had"] == shown["pieces"], shown
        _flip(os.path.join(root, "ünï", "file 15.dat"), 70000)
        _verify(c, "odd", status=1)
        assert c.torrent("odd")["pieces_withdrawn"] == 1


def _long(env, length=LONG):
    """A file of several ranges with bytes of its own in each, of which a disk must give all."""
    path = os.path.join(env.folder(), "long.bin")
    rng = random.Random("long")
    with open(path, "wb") as f:
        for _ in range(length >> 20):
            f.write(rng.randbytes(1 << 20))
        f.flush()
        os.fsync(f.fileno())
    torrent = path + ".torrent"
    spillway.create(env, path, torrent)
    return path, torrent


def _known(c):
    """How many ranges were known to each verification that began."""
    return [int(n) for n in re.findall(r"event=verify_start .*ranges_known=(\d+)", c.log_text())]


def _half_done(c):
    told = c.torrent("long.bin").get("verification") or {}
    if told.get("done_bytes", 0) > LONG // 2 and told.get("rate_bytes_per_s", 0) > 0:
        return told
    return None


def _slowly(c, ask, sig):
    """Ask for a verification from a slow disk, and end spillwayd when half of it is done and
    saved. Returns its exit status, and the torrent's state
    before."""
    with throttle.reads(c.proc.pid, c.folder, SLOW) as disk:
        ask()
        told = shell.wait_until(lambda: _half_done(c), 30, "half of it", pause=0.1)
        disk.set(HALTING)
        assert told["rate_bytes_per_s"] < SLOW * 4, told
        left_s = (LONG - told["done_bytes"]) / told["rate_bytes_per_s"]
        assert left_s / 2 - 1 < told["left_s"] < left_s * 2 + 1, told
        shell.wait_until(lambda: len(_saved(c)) >= 2, 20, "ranges are saved", pause=0.2)
        state = c.torrent("long.bin")["state"]
        c.proc.send_signal(sig)
        if sig == signal.SIGTERM:
            shell.wait_until(lambda: c.logged("event=stop "), 10, "it stops")
    return c.stop(sig), state  # what was asked of the disk comes at once now


def _saved(c):
    query = "select idx from ranges where idx < 4294967295"
    path = os.path.join(c.options["state-dir"], "catalogue.db")
    with contextlib.closing(sqlite3.connect(path, timeout=shell.PATIENCE_S)) as db:
        return [row[0] for row in db.execute(query)]


def test_goes_on_after_death(env):
    """Killed in the middle, of a first verification and of one of what is served; stopped, too."""
    path, torrent = _long(env)
    with _control(env) as c:
        _slowly(c, lambda: c.cli("add", torrent, "--data", os.path.dirname(path), "--detach"),
                signal.SIGKILL)
        c.start()
        shell.wait_until(lambda: c.torrent("long.bin")["state"] == "seeding", 30, "seeding")
        assert _known(c)[0] == 0 and _known(c)[1] >= 2, _known(c)
        assert c.torrent("long.bin")["pieces_had"] == c.torrent("long.bin")["pieces"]
        assert _saved(c) == []
        ended = _slowly(c, lambda: c.cli("verify", "long.bin", "--detach"), signal.SIGTERM)
        assert ended == (0, "seeding"), ended
        _flip(path, LONG - 1)
        c.start()
        shell.wait_until(lambda: c.torrent("long.bin")["pieces_withdrawn"] == 1, 30,
                         "the end is read")
        assert _known(c)[3] >= 2, _known(c)


def test_changed_file_begins_anew(env):
    path, torrent = _long(env)
    with _control(env) as c:
        _slowly(c, lambda: c.cli("add", torrent, "--data", os.path.dirname(path), "--detach"),
                signal.SIGKILL)
        with open(path, "r+b") as f:
            f.write(b"other")
        c.start()
        shell.wait_until(lambda: c.torrent("long.bin")["state"] == "seeding", 30, "seeding")
        shown = c.torrent("long.bin")
        assert shown["pieces_had"] == shown["pieces"] - 1, shown


def _meanwhile(env, change, words):
    path, torrent = _long(env, SHORT)
    with _control(env) as c:
        with throttle.reads(c.proc.pid, c.folder, SLOW) as disk:
            waiting = shell.start([spillway.cli_path(env), "--run-dir", c.run_dir, "add", torrent,
                                   "--data", os.path.dirname(path)],
                                  os.path.join(c.folder, "add.log"))
            shell.wait_until(lambda: c.logged("event=verify_start"), 20, "it reads")
            shell.wait_until(lambda: c.torrent("long.bin")["verified_bytes"] > 0, 20, "it reads")
            disk.set(HALTING)
            change(c, path)
        assert waiting.wait(shell.PATIENCE_S) == 1
        with open(os.path.join(c.folder, "add.log"), encoding="utf-8") as f:
            told = f.read()
        assert words in told, told
        c.cli("list")


def test_file_shrinks_meanwhile(env):
    _meanwhile(env, lambda c, path: os.truncate(path, SHORT // 2), "changed")


def test_file_grows_meanwhile(env):
    _meanwhile(env, lambda c, path: os.truncate(path, SHORT * 2), "changed")


def test_removed_meanwhile(env):
    _meanwhile(env, lambda c, path: c.cli("remove", "long.bin"), "removed")


def test_many_files(env):
    """10,000 files in one torrent, one of which is wrong."""
    with _control(env) as c:
        root = content.many(env.folder(), 10000)
        _add(c, root, "--piece-length", "16384")
        victim = os.path.join(root, "d77", "f7777")
        _flip(victim, 0)
        _verify(c, "many", status=1)
        assert c.torrent("many")["pieces_withdrawn"] == 1


def test_many_torrents(env):
    """Many small ones are in several threads at once, and each is told of."""
    with _control(env) as c:
        folder = env.folder()
        for i in range(60):
            path = content.single(folder, 20000 + i, f"small{i}.bin")
            spillway.create(env, path, path + ".torrent")
            c.cli("add", path + ".torrent", "--data", folder, "--detach")
        told = json.loads(c.cli("--json", "verify", "--all").stdout)
        assert told["verified"] == 60, told["verified"]
        assert all(t["pieces_had"] == t["pieces"] for t in told["torrents"])
        c.cli("verify", "--all")


class _WithoutUring(Control):
    """spillwayd behind a filter that answers io_uring_setup (425) with EPERM."""

    def command(self):
        code = ("import ctypes, os, struct, sys\n"
                "rows = [(0x20, 0, 0, 0), (0x15, 0, 1, 425), (6, 0, 0, 0x50001),\n"
                "        (6, 0, 0, 0x7fff0000)]\n"
                "code = ctypes.create_string_buffer(b''.join(struct.pack('=HBBI', *r)\n"
                "                                            for r in rows))\n"
                "program = struct.pack('@HP', len(rows), ctypes.addressof(code))\n"
                "libc = ctypes.CDLL(None)\n"
                "assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0\n"
                "os.execv(sys.argv[1], sys.argv[1:])\n")
        return ["python3", "-c", code, *super().command()]


def test_without_io_uring(env):
    """The kernel refuses io_uring: it is said, and everything is read all the same."""
    c = _WithoutUring(env).start()
    try:
        path = content.single(env.folder(), (3 << 20) + 5, "plain.bin")
        _add(c, path, "--piece-length", str(PIECE_LEN))
        _flip(path, 2 << 20)
        _verify(c, "plain.bin", status=1)
        assert c.torrent("plain.bin")["pieces_withdrawn"] == 1
        assert c.log_text().count("event=io_uring_refused") == 1, "it is not said, or not once"
    finally:
        c.stop()
