# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Scrubbing: what rots is found before a peer asks for it, slowly, and where it was is remembered.
A pass that is due is made by setting the time of the last one."""

import contextlib
import os
import sqlite3
import time

import clients
import content
import disks
import seeding
import shell
import spillway
from alone import running as _control

PIECE_LEN = 65536
ROTTEN = b"what a disk made of it"


def _rot(path, at):
    """Other bytes, of which the file's time says nothing."""
    before = os.stat(path)
    with open(path, "r+b") as f:
        f.seek(at)
        f.write(ROTTEN)
        f.flush()
        os.fsync(f.fileno())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _make_due(state_dir):
    """The last pass was long ago; spillwayd does not run."""
    with contextlib.closing(sqlite3.connect(os.path.join(state_dir, "catalogue.db"))) as db, db:
        db.execute("INSERT OR REPLACE INTO settings VALUES('scrub', '0 0 0 1 0 0 0 0')")


def _again_and_due(c, **options):
    assert c.stop() == 0
    c.options.update(options)
    _make_due(c.options["state-dir"])
    c.start()


def _seed(c, path):
    torrent = path + ".torrent"
    spillway.create(c.env, path, torrent, "--piece-length", str(PIECE_LEN))
    c.cli("add", torrent, "--data", os.path.dirname(path))


def _scrub(c):
    return c.json("stats")["scrub"]


def _ended(c):
    shell.wait_until(lambda: _scrub(c)["ended_at"] > 0, 60, "the end of a pass", pause=0.2)
    return _scrub(c)


def test_not_before_its_time(env):
    with _control(env) as c:
        _seed(c, content.single(env.folder(), 1 << 20, "young.bin"))
        told = _scrub(c)
        assert not told["running"] and told["scrubbed_bytes"] == 0, told
        assert abs(told["next_at"] - time.time() - 30 * 86400) < 1000, told
        assert "scrubbed      0.0 MiB ever, 0 rotten pieces found, next 20" in c.cli("stats").stdout


def test_rotten_pieces(env):
    """They are withdrawn in the registry and at the worker that serves them; the rest is whole."""
    with _control(env) as c:
        good = content.single(env.folder(), 3 << 20, "good.bin")
        bad = content.odd(env.folder())
        victim = os.path.join(bad, "ünï", "file 15.dat")
        _seed(c, good)
        _seed(c, bad)
        c.activate(2)
        _rot(victim, 100000)
        _again_and_due(c, **{"scrub-rate": 2})  # what is good takes a second or more
        c.activate(2)
        told = _ended(c)
        assert told["rotten_pieces"] > 0, told
        shown = c.torrent("odd")
        assert shown["state"] == "seeding", shown
        assert shown["pieces_withdrawn"] == told["rotten_pieces"], (shown, told)
        assert "file 15.dat" in shown["reason"] and "scrub" in shown["reason"], shown
        assert c.torrent("good.bin")["pieces_withdrawn"] == 0
        withdrawn = sum(e["cnt"] for e in c.events("withdraw", id=2))
        assert withdrawn == told["rotten_pieces"], c.events("withdraw")
        sizes = c.torrent("odd")["size_bytes"] + c.torrent("good.bin")["size_bytes"]
        assert sizes <= told["scrubbed_bytes"] < sizes + (2 << 20), (sizes, told)
        assert "rotten pieces found, last whole pass" in c.cli("stats").stdout
        assert c.logged("event=scrub_rotten") and c.logged("event=scrub_end")


def test_rate_and_restart(env):
    """It reads no faster than it may, and goes on where it was."""
    with _control(env) as c:
        path = content.single(env.folder(), 40 << 20, "slow.bin")
        _seed(c, path)
        _again_and_due(c, **{"scrub-rate": 4})
        begun, before = time.monotonic(), _scrub(c)["scrubbed_bytes"]
        def read_bytes():
            return _scrub(c)["scrubbed_bytes"] - before
        time.sleep(3)
        shell.wait_until(lambda: read_bytes() > 4 << 20, 20, "a second's worth")
        read = read_bytes()
        most = (time.monotonic() - begun + 0.5) * (4 << 20)
        assert read < most, f"{read} bytes, at most {most:.0f}"
        assert c.stop() == 0
        c.options["scrub-rate"] = 1000
        c.start()
        told = _ended(c)
        assert told["pass_bytes"] < (40 << 20) + (1 << 20), "it began anew"
        assert told["pass_bytes"] >= 40 << 20, "something was left out"
        assert told["rotten_pieces"] == 0, told


def test_off(env):
    with _control(env, scrub=0) as c:
        _seed(c, content.single(env.folder(), 1 << 20, "off.bin"))
        _again_and_due(c)
        time.sleep(1.5)
        told = _scrub(c)
        assert told["scrubbed_bytes"] == 0 and told["next_at"] == 0, told


def test_other_file(env):
    """A file that is another one now is verified again; one that is gone is an error."""
    with _control(env) as c:
        folder = env.folder()
        touched = content.single(folder, 6 << 20, "touched.bin")  # seconds before the next
        gone = content.single(folder, 1 << 20, "gone.bin")
        rest = content.single(folder, 1 << 20, "rest.bin")
        for path in (touched, gone, rest):
            _seed(c, path)
        assert c.stop() == 0
        _make_due(c.options["state-dir"])
        c.options["scrub-rate"] = 1
        c.start()
        os.utime(gone, (1, 1))
        os.unlink(gone)
        told = _ended(c)
        assert c.torrent("touched.bin")["state"] == "seeding"
        assert c.torrent("gone.bin")["state"] == "error"
        assert told["rotten_pieces"] == 0 and told["scrubbed_bytes"] >= 7 << 20, told


def test_partial_seed(env):
    """A file that vanishes from a partial seed takes its pieces with it, and nothing else; one that
    comes back is found, too."""
    with _control(env) as c:
        _seed(c, content.single(env.folder(), 3 << 20, "first.bin"))
        root = os.path.join(env.folder(), "part")
        os.mkdir(root)
        for name in "abc":
            content.write_file(os.path.join(root, name), 4 * PIECE_LEN, name)
        torrent = root + ".torrent"
        spillway.create(c.env, root, torrent, "--piece-length", str(PIECE_LEN))
        os.rename(os.path.join(root, "c"), root + ".c")
        c.cli("add", torrent, "--data", os.path.dirname(root), "--partial")
        assert c.torrent("part")["pieces_had"] == 8
        for change, had, event in ((("b", root + ".b"), 4, "is missing"),
                                   ((root + ".c", "c"), 8, "was missing")):
            assert c.stop() == 0
            _make_due(c.options["state-dir"])
            c.options["scrub-rate"] = 1
            c.start()
            # The first is being read meanwhile.
            os.rename(*(os.path.join(root, end) for end in change))
            shell.wait_until(lambda: c.torrent("part")["pieces_had"] == had, 60, event)
            assert c.torrent("part")["state"] == "seeding"
            assert event in c.log_text(), c.log_text()


def test_failing_disk(env):
    """What the device cannot give is withdrawn, the rest is served."""
    with disks.mounted(env, "ext4", 96, "-O", "^has_journal") as disk, _control(env) as c:
        _seed(c, content.single(disk.mount, 40 << 20, "device.bin"))
        assert c.stop() == 0
        disk.break_after(20 << 20)
        _make_due(c.options["state-dir"])
        c.options["scrub-rate"] = 1000
        c.start()
        told = _ended(c)
        shown = c.torrent("device.bin")
        assert 0 < shown["pieces_had"] < shown["pieces"], shown
        assert shown["pieces_withdrawn"] == told["rotten_pieces"] > 0, (shown, told)


def test_client_never_gets_it(env):
    """A stock client gets every piece but the rotten one, which is withdrawn before it comes."""
    with seeding.af_xdp(env) as s:
        seeded = s.seed(content.single(env.folder(), 8 << 20, "rotten.bin"), "--piece-length",
                        str(PIECE_LEN))
        with open(seeded.path, "rb") as f:
            good = f.read()
        _rot(seeded.path, 37 * PIECE_LEN + 1000)
        s.daemon.stop()
        _make_due(s.daemon.state_dir)
        s.daemon.start()
        s.remember_dataplane()
        shell.wait_until(lambda: s.daemon.json("stats")["scrub"]["ended_at"] > 0, 30, "a pass")
        before = s.daemon.counter("integrity_changed")
        client = s.start_client(clients.Libtorrent, seeded)
        try:
            shell.wait_until(lambda: _lacking(client, seeded, good) == [37], 60,
                             "all pieces but the rotten one", pause=0.5)
            assert not client.finished()
        finally:
            client.stop()
        assert s.daemon.counter("integrity_changed") == before, "a worker read it"
        s.check_dataplane()


def _lacking(client, seeded, good):
    path = os.path.join(client.data, seeded.name)
    if not os.path.exists(path):
        return None
    with open(path, "rb") as f:
        got = f.read().ljust(len(good), b"\0")
    assert ROTTEN not in got, "the rotten bytes came"
    return [i for i, at in enumerate(range(0, len(good), PIECE_LEN))
            if got[at:at + PIECE_LEN] != good[at:at + PIECE_LEN]]
