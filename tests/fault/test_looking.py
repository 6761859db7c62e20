# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillway peers, and classes, over a dataplane double: what control asks, and what it makes of
good answers, of none and of bad ones."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import threading

import bencode
import shell
from alone import LENGTH, Control, running

ADD = 4
CUBIC, BBR, NEWRENO = range(3)


def _peers(c, *words):
    return c.json("peers", *words)["peers"]


def test_peers_come_in_batches(env):
    with running(env) as c:
        c.add("seen.bin")
        assert _peers(c) == []
        c.order("peers", 100)
        peers = _peers(c)
        assert [e["cursor"] for e in c.events("peers")][-4:] == [0, 32, 64, 96], c.events("peers")
        assert [p["address"] for p in peers] == [f"10.9.8.7:{1099 - i}" for i in range(100)]
        peer = peers[0]
        assert peer["client"] == "Transmission 3.0" and peer["congestion"] == "bbr", peer
        assert peer["torrent"] == "seen.bin" and peer["ecn"] is False, peer
        assert peer["limit_us"]["requests"] == 7_000_000 and sum(
            peer["limit_us"].values()) == peer["connected_us"], peer
        assert (peer["rtt_us"], peer["cwnd_bytes"], peer["window_bytes"], peer["requests"]) == (
            30_000, 14480, 65535, 3), peer


def test_peers_of_one_torrent_and_their_order(env):
    with running(env) as c:
        c.add("one.bin")
        c.order("peers", 3)
        assert len(_peers(c, "--torrent", "one.bin")) == 3
        assert c.events("peers")[-1]["torrent"] == 1
        assert "no torrent" in c.cli("peers", "--torrent", "other", check=False).stderr
        by_address = [p["address"][-4:] for p in _peers(c, "--sort", "address")]
        assert by_address == ["1000", "1001", "1002"], by_address
        assert c.cli("peers", "--sort", "colour", check=False).returncode == 2


def test_peers_as_people_read_them(env):
    with running(env) as c:
        c.add("read.bin")
        c.order("peers", 1)
        lines = c.cli("peers").stdout.splitlines()
        assert lines[0].split()[:3] == ["ADDRESS", "RATE", "RTT"], lines
        for text in ("10.9.8.7:1000", "30.0 ms", "14.1 KiB", "10.0 %", "10s", "bbr",
                     "Transmission 3.0", "its requests 70 %, disk 20 %, its window 10 %",
                     "read.bin"):
            assert text in lines[1], (text, lines[1])
        assert lines[-1] == "1 peer, 0 B/s", lines


def test_trace(env):
    with running(env) as c:
        c.order("peers", 1)
        trace = c.json("peers", "--trace", "10.9.8.7:1000")
        assert trace["trace"] == [{
            "ago_us": 2_000_000, "event": "recovering", "cwnd_bytes": 14480, "flight_bytes": 7240,
            "text": "loss: window now 14480, in flight 7240"}], trace
        line = c.cli("peers", "--trace", "10.9.8.7:1000").stdout
        assert line.split()[:4] == ["2.000000", "s", "ago", "recovering"], line
        done = c.cli("peers", "--trace", "10.9.8.7:2000", check=False)
        assert done.returncode == 1 and "no peer 10.9.8.7:2000 is connected" in done.stderr, done
        for bad in ("", "10.9.8.7", "10.9.8.7:", "10.9.8.7:0", "10.9.8.7:65536", "10.9.8.7:+5",
                    "host:80", "::1:80", "10.9.8.7:80x", "1" * 500):
            done = c.cli("peers", "--trace", bad, check=False)
            assert done.returncode == 1 and "is not ADDRESS:PORT" in done.stderr, (bad, done)
        assert c.cli("peers", "--trace", "10.9.8.7:1", "--sort", "rate",
                     check=False).returncode == 2


def _ask_in_background(c, answers):
    thread = threading.Thread(
        target=lambda: answers.append(c.cli("--json", "peers", check=False)))
    thread.start()
    return thread


def test_dataplane_that_dies_meanwhile(env):
    """The question is answered by an error, the next one by the new dataplane."""
    with running(env) as c:
        c.order("peers", -1)
        before, answers = c.pid(), []
        thread = _ask_in_background(c, answers)
        shell.wait_until(lambda: c.events("peers"), 5, "the question")
        c.order("die", 3)
        thread.join(10)
        assert answers and answers[0].returncode == 1, answers
        assert "the dataplane went away" in json.loads(answers[0].stdout)["error"], answers
        shell.wait_until(lambda: c.pid() != before, 10, "another dataplane")
        shell.wait_until(lambda: c.cli("peers", check=False).returncode == 0, 10, "its answer")


def test_clients_that_leave_give_their_place_back(env):
    """More questions than can be under way, of clients that do not wait for the answer."""
    with running(env) as c:
        c.order("peers", -1)
        for asked in (8, 16, 24):
            with contextlib.ExitStack() as stack:
                for _ in range(12):
                    s = stack.enter_context(socket.socket(socket.AF_UNIX))
                    s.connect(os.path.join(c.run_dir, "control.sock"))
                    s.sendall(b'{"command":"peers"}\n')
                shell.wait_until(lambda n=asked: len(c.events("peers")) >= n, 5, "questions")
        c.order("die", 3)
        shell.wait_until(lambda: c.cli("peers", check=False).returncode == 0, 15, "an answer")


def _congestion(c, torrent_id=1):
    """What the dataplane was told last of a torrent."""
    return c.events("added", id=torrent_id)[-1]["congestion"]


def _add(c, name, *words):
    path, torrent = c.content(name)
    return c.cli("add", torrent, "--data", os.path.dirname(path), *words, check=False)


def test_class_of_a_torrent(env):
    with running(env, congestion_classes="bulk=bbr,lan=newreno") as c:
        assert _add(c, "plain.bin").returncode == 0
        assert _add(c, "bulk.bin", "--class", "bulk").returncode == 0
        assert (_congestion(c, 1), _congestion(c, 2)) == (CUBIC, BBR)
        done = _add(c, "other.bin", "--class", "blk")
        assert done.returncode == 1 and 'no class "blk"' in done.stderr, done
        assert "bulk, lan" in done.stderr, done
        shown = c.torrent("bulk.bin")
        assert (shown["class"], shown["congestion"]) == ("bulk", "bbr"), shown
        shown = c.torrent("plain.bin")
        assert (shown["class"], shown["congestion"]) == ("", "cubic"), shown
        listed = c.cli("list").stdout.splitlines()
        assert "CLASS" in listed[0] and " bulk " in listed[2], listed
        text = c.cli("show", "bulk.bin").stdout
        assert "class         bulk" in text and "congestion    bbr" in text, text


def test_other_classes_need_no_other_dataplane(env):
    """What changed is told again; the dataplane is adopted, and what it serves goes on."""
    c = Control(env, congestion_classes="bulk=bbr")
    c.start()
    _add(c, "plain.bin")
    _add(c, "bulk.bin", "--class", "bulk")
    c.activate(1)
    pid = c.pid()
    for preset, classes, plain, bulk in (("cubic", "bulk=newreno", CUBIC, NEWRENO),
                                         ("bbr", "", BBR, BBR),
                                         ("cubic", "bulk=bbr", CUBIC, BBR)):
        assert c.stop(signal.SIGQUIT) == 0
        c.options.update(congestion=preset, congestion_classes=classes)
        c.start()
        shell.wait_until(lambda want=(plain, bulk): (_congestion(c, 1), _congestion(c, 2)) == want,
                         5, f"{preset} {classes}: what they should have")
        assert c.pid() == pid, "another dataplane was started"
        assert c.torrent("plain.bin")["active"], "the torrent was let go"
        assert c.torrent("bulk.bin")["class"] == "bulk"
    told = len(c.events("message", kind=ADD))
    assert c.stop(signal.SIGQUIT) == 0
    c.start()
    assert len(c.events("message", kind=ADD)) == told, "told again what it knows"
    assert c.stop(signal.SIGQUIT) == 0
    c.options.update(ecn="no")
    c.start()
    shell.wait_until(lambda: c.pid() != pid, 10, "another dataplane, for ECN")
    assert c.stop() == 0


FIRST_SCHEMA = """
CREATE TABLE torrents(
 id INTEGER PRIMARY KEY AUTOINCREMENT,
 info_hash BLOB NOT NULL UNIQUE CHECK(length(info_hash) = 20),
 state INTEGER NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,
 added_at INTEGER NOT NULL, verified_at INTEGER NOT NULL,
 total_len INTEGER NOT NULL, uploaded_bytes INTEGER NOT NULL,
 file_cnt INTEGER NOT NULL, piece_cnt INTEGER NOT NULL,
 have_cnt INTEGER NOT NULL, withdrawn_cnt INTEGER NOT NULL,
 data_dir TEXT NOT NULL, metainfo BLOB NOT NULL);
CREATE TABLE verified(
 torrent_id INTEGER PRIMARY KEY REFERENCES torrents(id) ON DELETE CASCADE,
 unit_len INTEGER NOT NULL, have BLOB NOT NULL, fingerprints BLOB NOT NULL);
CREATE TABLE files(
 torrent_id INTEGER NOT NULL REFERENCES torrents(id) ON DELETE CASCADE,
 idx INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
 inode INTEGER NOT NULL, PRIMARY KEY(torrent_id, idx)) WITHOUT ROWID;
PRAGMA application_id = 1397771351;
PRAGMA user_version = 1;
"""


def _first_schema_write(path, torrent, folder):
    """A catalogue as the first Spillway wrote it, with one torrent that is not verified yet."""
    with open(torrent, "rb") as f:
        metainfo = f.read()
    row = (bencode.info_hash(metainfo), "old.bin", LENGTH, 123, folder, metainfo)
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executescript(FIRST_SCHEMA)
        database.execute("INSERT INTO torrents VALUES(NULL, ?, 1, ?, '', 1, 0, ?, ?, 1, 65, 0, 0,"
                         " ?, ?)", row)


def test_catalogue_of_the_first_schema(env):
    """It is brought up to date, and its torrents have no class and keep what they have uploaded."""
    c = Control(env)
    content_path, torrent = c.content("old.bin")
    os.mkdir(c.options["state-dir"])
    path = os.path.join(c.options["state-dir"], "catalogue.db")
    _first_schema_write(path, torrent, os.path.dirname(content_path))
    c.start()
    shell.wait_until(lambda: c.torrent("old.bin")["state"] == "seeding", 10, "seeding")
    shown = c.torrent("old.bin")
    assert shown["class"] == "" and shown["uploaded_bytes"] == 123, shown
    assert c.stop() == 0
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (3,)
        assert database.execute("SELECT name, class, weight FROM torrents").fetchall() == [
            ("old.bin", "", 100)]


def test_options_that_are_refused(env):
    for name, value, text in (
            ("congestion", "reno", "cubic or bbr or newreno"),
            ("congestion_classes", "bulk", "is not CLASS=CONGESTION"),
            ("congestion_classes", "Bulk=bbr", "only a-z"),
            ("congestion_classes", "a=bbr,a=cubic", "given twice"),
            ("connections_per_source", "0", "allowed are 1 to 1048576")):
        c = Control(env, **{name: value})
        done = shell.run(c.command(), check=False, timeout=20, env=c.environ())
        assert done.returncode == 2 and text in done.stderr, (name, value, done)
