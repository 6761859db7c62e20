# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillwayd by itself, with a dataplane double: what it tells the dataplane, what it makes of what
the dataplane says, and what it remembers."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import time

import content
import shell
import spillway
from alone import FILES, LENGTH, Control, running as _control

ADD, REMOVE = 4, 5


def _is_alive(pid):
    """Whether a process runs: one that ended may wait for init to notice."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _sql(control, text):
    """Rows of the catalogue; spillwayd must have ended."""
    path = os.path.join(control.options["state-dir"], "catalogue.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        return database.execute(text).fetchall()


def _told(c, kind, cnt):
    """Once the double has been told of so many torrents, and of no more."""
    def told():
        return sum(e["cnt"] for e in c.events("message", kind=kind))
    shell.wait_until(lambda: told() >= cnt, 5, f"{cnt} in messages of kind {kind}")
    assert told() == cnt, c.events("message", kind=kind)


def test_life_of_a_torrent(env):
    with _control(env) as c:
        c.add("life.bin")
        _told(c, ADD, 1)
        assert [e["cnt"] for e in c.events("message", kind=ADD)] == [1]
        c.activate(1)
        layout = c.events("layout")[0]
        assert layout["total_len"] == LENGTH and layout["file_cnt"] == 1, layout
        shell.wait_until(lambda: c.torrent("life.bin")["active"], 5, "active")
        c.order("uploaded", 1, 7000, 3)
        shell.wait_until(lambda: c.torrent("life.bin")["peers"] == 3, 5, "peers")
        assert c.torrent("life.bin")["uploaded_bytes"] == 7000
        c.order("deactivate", 1, 8000)
        shell.wait_until(lambda: not c.torrent("life.bin")["active"], 5, "not active")
        assert c.torrent("life.bin")["uploaded_bytes"] == 8000
        c.cli("remove", "life.bin")
        shell.wait_until(lambda: c.events("message", kind=REMOVE), 5, "REMOVE")
        assert c.json("list")["torrents"] == []
    for table in ("torrents", "verified", "files"):
        assert _sql(c, f"SELECT * FROM {table}") == [], f"rows are left in {table}"


def test_uploaded_survives_death(env):
    """Bytes counted in the memfd of a dataplane that dies are not lost, nor counted twice."""
    with _control(env) as c:
        c.add("bytes.bin")
        c.activate(1)
        shell.wait_until(lambda: c.torrent("bytes.bin")["active"], 5, "active")
        c.order("uploaded", 1, 5000, 1)
        shell.wait_until(lambda: c.torrent("bytes.bin")["peers"] == 1, 5, "published")
        c.order("die", 9)
        shell.wait_until(lambda: c.json("stats")["dataplane"]["restarts"] == 1, 10, "restart")
        assert c.torrent("bytes.bin")["uploaded_bytes"] == 5000
        c.stop()
        c.start()
        assert c.torrent("bytes.bin")["uploaded_bytes"] == 5000


def test_many_files(env):
    """More files than fit in one message, in order."""
    with _control(env) as c:
        root = content.many(env.folder(), 200, "several")
        torrent = root + ".torrent"
        spillway.create(env, root, torrent)
        c.cli("add", torrent, "--data", os.path.dirname(root))
        c.order("activate", 1)
        shell.wait_until(lambda: c.torrent("several")["active"], 10, "active")
        assert [e["fds"] for e in c.events("message", kind=FILES)] == [64, 64, 64, 8]


def test_many_torrents_after_restart(env):
    """A new dataplane is told all torrents, 64 in a message."""
    with _control(env) as c:
        folder = env.folder()
        for i in range(80):
            path = content.single(folder, 20000, f"t{i}")
            spillway.create(env, path, path + ".torrent")
            c.cli("add", path + ".torrent", "--data", folder)
        _told(c, ADD, 80)
        before = len(c.events("message", kind=ADD))
        c.order("die", 0)
        shell.wait_until(lambda: len(c.events("message", kind=ADD)) >= before + 2, 10, "ADD")
        assert [e["cnt"] for e in c.events("message", kind=ADD)[before:]] == [64, 16]
        done = c.cli("show", "t1", check=False)
        assert done.returncode == 0, done.stderr
        done = c.cli("show", "t", check=False)
        assert done.returncode == 1 and "several" in done.stderr, done.stderr


def test_withdrawn(env):
    with _control(env) as c:
        c.add("rotten.bin")
        c.activate(1)
        c.order("withdraw", 1, 0, 3, 2, 1)
        shell.wait_until(lambda: c.torrent("rotten.bin")["pieces_withdrawn"] == 2, 5, "withdrawn")
        c.order("withdraw", 1, 0, 3, 2, 1)
        c.stop(signal.SIGQUIT)
        c.start()
        shown = c.torrent("rotten.bin")
        assert shown["pieces_withdrawn"] == 2, shown
        assert shown["pieces_had"] == shown["pieces"] - 2, shown
        assert "rotten.bin" in shown["reason"], shown
        c.order("deactivate", 1, 0)
        c.order("activate", 1)
        shell.wait_until(lambda: len(c.events("layout")) == 2, 5, "second layout")
        have = bytes.fromhex(c.events("layout")[1]["have"])
        assert have[0] == 0b11100111, have.hex()


def test_added_again_after_withdrawal(env):
    """add verifies again, and the dataplane gets the new layout."""
    with _control(env) as c:
        path, torrent = c.add("again.bin")
        c.activate(1)
        c.order("withdraw", 1, 0, 0, 1, 1)
        shell.wait_until(lambda: c.torrent("again.bin")["pieces_withdrawn"] == 1, 5, "withdrawn")
        c.cli("add", torrent, "--data", os.path.dirname(path))
        shown = c.torrent("again.bin")
        assert shown["pieces_withdrawn"] == 0 and shown["pieces_had"] == shown["pieces"], shown
        _told(c, REMOVE, 1)
        _told(c, ADD, 2)


def test_changed_content_is_refused(env):
    with _control(env) as c:
        path, torrent = c.add("touched.bin")
        os.utime(path, (1, 1))
        c.activate(1)
        assert c.events("refused", id=1)
        shown = c.torrent("touched.bin")
        assert shown["state"] == "changed" and "touched.bin" in shown["reason"], shown
        shell.wait_until(lambda: c.events("message", kind=REMOVE), 5, "REMOVE")
        c.cli("add", torrent, "--data", os.path.dirname(path))
        assert c.torrent("touched.bin")["state"] == "seeding"


def test_changed_while_away(env):
    """Content changed between two runs is verified again; what is missing is in error."""
    with _control(env) as c:
        c.add("kept.bin")
        touched, _ = c.add("newer.bin")
        gone, _ = c.add("gone.bin")
        c.stop()
        with open(touched, "r+b") as f:
            f.write(b"other bytes")
        os.unlink(gone)
        c.start()
        shell.wait_until(lambda: c.torrent("gone.bin")["state"] == "error", 10, "error")
        shell.wait_until(lambda: c.torrent("newer.bin")["state"] == "seeding"
                         and c.torrent("newer.bin")["pieces_had"]
                         == c.torrent("newer.bin")["pieces"] - 1, 10, "verified again")
        assert c.torrent("kept.bin")["pieces_had"] == c.torrent("kept.bin")["pieces"]
        assert c.log_text().count("event=verify_start id=1 ") == 1


def test_wrong_pieces(env):
    """Some pieces wrong: a warning and the rest is served. All wrong: refused."""
    with _control(env) as c:
        path, torrent = c.content("some.bin")
        with open(path, "r+b") as f:
            f.write(b"x")
        done = c.cli("add", torrent, "--data", os.path.dirname(path))
        assert "warning: 1 of" in done.stderr, done
        path, torrent = c.content("none.bin")
        with open(path, "wb") as f:
            f.truncate(LENGTH)
        done = c.cli("add", torrent, "--data", os.path.dirname(path), check=False)
        assert done.returncode == 1 and "none.bin" in done.stderr, done
        assert c.torrent("none.bin")["state"] == "error"


def test_error_stays(env):
    """What is in error is not read again at each start, only when its files are others."""
    with _control(env) as c:
        wrong, torrent = c.content("wrong.bin")
        with open(wrong, "rb") as f:
            right = f.read()
        with open(wrong, "wb") as f:
            f.truncate(LENGTH)
        c.cli("add", torrent, "--data", os.path.dirname(wrong), check=False)
        gone, _ = c.add("gone.bin")
        c.stop()
        os.rename(gone, gone + ".away")
        c.start()
        shell.wait_until(lambda: c.torrent("gone.bin")["state"] == "error", 10, "error")
        for _ in range(2):
            c.stop()
            c.start()
            assert c.torrent("wrong.bin")["state"] == "error"
            assert "matches" in c.torrent("wrong.bin")["reason"]
        c.stop()
        with open(wrong, "wb") as f:
            f.write(right)
        os.rename(gone + ".away", gone)
        c.start()
        shell.wait_until(lambda: c.torrent("wrong.bin")["state"] == "seeding", 10, "wrong.bin")
        shell.wait_until(lambda: c.torrent("gone.bin")["state"] == "seeding", 10, "gone.bin")
        assert c.torrent("wrong.bin")["pieces_had"] == c.torrent("wrong.bin")["pieces"]
        assert c.log_text().count("event=verify_start id=1 ") == 2


def _big(env):
    """A torrent whose verification takes a while."""
    path = os.path.join(env.folder(), "big.bin")
    with open(path, "wb") as f:
        f.truncate(1 << 30)
    spillway.create(env, path, path + ".torrent")
    return path + ".torrent", os.path.dirname(path)


def test_removed_while_verifying(env):
    torrent, data = _big(env)
    with _control(env) as c:
        c.cli("add", torrent, "--data", data, "--detach")
        assert c.torrent("big.bin")["state"] == "verifying"
        done = c.cli("add", torrent, "--data", data, check=False)
        assert done.returncode == 1 and "being verified" in done.stderr, done
        c.cli("remove", "big.bin")
        assert c.json("list")["torrents"] == []
        c.cli("add", torrent, "--data", data)
        assert c.torrent("big.bin")["state"] == "seeding"
        assert c.log_text().count("event=torrent_verified") == 1


def test_stopped_while_verifying(env):
    """It is verified by the next run; one who waits is told."""
    torrent, data = _big(env)
    with _control(env) as c:
        waiting = shell.start([spillway.cli_path(env), "--run-dir", c.run_dir, "add", torrent,
                               "--data", data], os.path.join(c.folder, "add.log"))
        shell.wait_until(lambda: c.logged("verify_start"), 5, "verification")
        assert c.stop() == 0
        assert waiting.wait(shell.PATIENCE_S) == 3
        assert not c.logged("torrent_verified"), "too late: it was done"
        c.start()
        shell.wait_until(lambda: c.torrent("big.bin")["state"] == "seeding", 30, "seeding")


def test_adopted_after_kill(env):
    """A new control finds the old dataplane and sends nothing that it has."""
    with _control(env) as c:
        c.add("adopted.bin")
        pid = c.pid()
        c.stop(signal.SIGKILL)
        assert _is_alive(pid)
        c.start()
        assert c.pid() == pid and len(c.events("message", kind=ADD)) == 1
        c.stop(signal.SIGQUIT)
        assert _is_alive(pid)
        c.options["state-dir"] = os.path.join(c.folder, "state2")
        c.start()
        assert c.pid() == pid
        shell.wait_until(lambda: c.events("message", kind=REMOVE), 5, "REMOVE of what is unknown")


def test_other_configuration_replaces(env):
    with _control(env) as c:
        pid = c.pid()
        c.stop(signal.SIGKILL)
        c.options["listen-port"] = 7777
        c.start()
        assert c.pid() != pid
        assert c.events("start")[-1]["listen_port"] == 7777
        assert not _is_alive(pid), "the old one still runs"


def test_adopted_without_record(env):
    """A dataplane of ours of which nothing is recorded is replaced; another program is not."""
    binary = os.path.join(env.build, "dataplane", "spillway-dp")
    with _control(env, dataplane=binary, **{"arena-mib": 16}) as c:
        pid = int(c.log_text().split("event=dataplane_start pid=")[1].split()[0])
        c.stop(signal.SIGKILL)
        os.unlink(os.path.join(c.run_dir, "dataplane.config"))
        c.start()
        assert c.logged(f"event=dataplane_replace pid={pid} "), "not replaced"
        assert not _is_alive(pid), "the old one still runs"
    with _control(env) as c:
        c.stop(signal.SIGKILL)
        path = os.path.join(c.run_dir, "dataplane.config")
        os.rename(path, path + ".away")
        assert "did not start" in c.refused()
        os.rename(path + ".away", path)
        c.start()


def test_dataplane_that_hangs_up(env):
    """It is connected to again, told only what it lacks, and not for ever."""
    with _control(env) as c:
        c.add("kept.bin")
        pid = c.pid()
        for i in range(3):
            c.order("hang-up")
            shell.wait_until(lambda i=i: len(c.events("control-came")) == i + 2, 5, "reconnect")
            shell.wait_until(lambda: c.json("stats")["dataplane"]["running"], 5, "running")
        assert c.pid() == pid and len(c.events("message", kind=ADD)) == 1
        c.order("hang-up")
        shell.wait_until(lambda: c.pid() != pid, 15, "another dataplane")
        shell.wait_until(lambda: len(c.events("message", kind=ADD)) == 2, 5, "told again")


def test_added_again_before_it_was_held(env):
    """Removed and added anew while the first ADD waits for its answer."""
    with _control(env) as c:
        path, torrent = c.content("twice.bin")
        add = ("add", torrent, "--data", os.path.dirname(path), "--detach")
        c.order("hang")
        c.cli(*add)
        shell.wait_until(lambda: c.torrent("twice.bin")["state"] == "seeding", 5, "verified")
        c.cli("remove", "twice.bin")
        c.cli(*add)
        shell.wait_until(lambda: c.torrent("twice.bin")["state"] == "seeding", 5, "verified")
        c.order("resume")
        shell.wait_until(lambda: len(c.events("message", kind=ADD)) == 3, 5, "ADD again")
        assert len(c.events("message", kind=REMOVE)) == 1 and not c.logged("dataplane_refused")
        c.activate(2)
        shell.wait_until(lambda: c.torrent("twice.bin")["active"], 5, "active")


def test_withdrawn_of_old_content(env):
    """What the dataplane says of content that is verified anew is not of the new content."""
    with _control(env) as c:
        path, torrent = c.add("fresh.bin")
        c.activate(1)
        c.order("withdraw", 1, 0, 5, 1, 1)
        shell.wait_until(lambda: c.torrent("fresh.bin")["pieces_withdrawn"] == 1, 5, "withdrawn")
        c.order("hang")
        c.cli("add", torrent, "--data", os.path.dirname(path), "--detach")
        shell.wait_until(lambda: c.torrent("fresh.bin")["state"] == "seeding", 5, "verified")
        c.order("withdraw", 1, 0, 0, 1, 1)
        c.order("activate", 1)
        time.sleep(0.3)  # what asks in the same moment as it removes is not refused, but forgotten
        c.order("resume")
        shell.wait_until(lambda: c.events("refused", id=1), 5, "refused")
        shell.wait_until(lambda: len(c.events("message", kind=ADD)) == 2, 5, "ADD again")
        shown = c.torrent("fresh.bin")
        assert shown["pieces_withdrawn"] == 0 and shown["pieces_had"] == shown["pieces"], shown
        assert c.log_text().count("event=pieces_withdrawn") == 1


def test_dataplane_is_its_own_session(env):
    with _control(env) as c:
        start = c.events("start")[0]
        assert start["sid"] == start["pid"], start
        fds = os.listdir(f"/proc/{start['pid']}/fd")
        paths = [os.readlink(f"/proc/{start['pid']}/fd/{fd}") for fd in fds if fd != "255"]
        assert not [p for p in paths if "catalogue" in p or "lock" in p], paths


def test_dataplane_that_never_starts(env):
    """The first failure ends spillwayd with the dataplane's own last line."""
    c = Control(env)
    with open(os.path.join(c.double, "fail"), "w", encoding="ascii") as f:
        f.write("some noise\nno such device: quux\n")
    line = c.refused()
    assert "status 3" in line and "no such device: quux" in line, line


def test_dataplane_that_dies_again_and_again(env):
    """Later failures are tried again, ever more slowly, and told."""
    with _control(env) as c:
        c.add("lasting.bin")
        with open(os.path.join(c.double, "fail"), "w", encoding="ascii") as f:
            f.write("still broken\n")
        c.order("die", 7)
        shell.wait_until(lambda: c.logged("still broken") and c.logged("wait_ms=400"), 10, "tries")
        assert c.logged("status 7") and c.logged("told to die")
        assert c.json("stats")["dataplane"]["running"] is False
        os.unlink(os.path.join(c.double, "fail"))
        shell.wait_until(lambda: c.json("stats")["dataplane"]["running"], 10, "running again")
        shell.wait_until(lambda: c.events("message", kind=ADD)[1:], 5, "told again")


def test_dataplane_that_breaks_the_protocol(env):
    with _control(env) as c:
        for order in ("garbage", "wrong-length"):
            pid = c.pid()
            c.order(order)
            shell.wait_until(lambda pid=pid: c.pid() != pid, 10, "another dataplane")
            shell.wait_until(lambda: c.json("stats")["dataplane"]["running"], 10, "running")
            assert not _is_alive(pid)
        c.order("withdraw", 1, 0, 0, 1, 1)
        c.order("activate", 4711)
        shell.wait_until(lambda: c.events("refused", id=4711), 5, "refused")


def test_second_instance(env):
    with _control(env) as c:
        line = c.refused()
        assert "already running" in line and str(c.proc.pid) in line, line
        other = Control(env)
        other.options["state-dir"] = c.options["state-dir"]
        line = other.refused()
        assert "already running" in line, line


def test_damaged_catalogue(env):
    """Nothing that is not ours, or newer than us, is written to."""
    with _control(env) as c:
        c.add("stored.bin")
    path = os.path.join(c.options["state-dir"], "catalogue.db")
    with open(path, "rb") as f:
        good = f.read()
    _sql(c, "UPDATE torrents SET state = 99")
    assert "torrent 1 is damaged" in c.refused()
    _sql(c, "PRAGMA user_version = 99")
    assert "newer" in c.refused()
    os.unlink(path)
    _sql(c, "CREATE TABLE recipes(name)")
    assert "another program" in c.refused()
    for bad in (b"not a database, but long enough to be read as one" * 100,
                good[:100] + b"\xff" * (len(good) - 100)):
        with open(path, "wb") as f:
            f.write(bad)
        line = c.refused()
        assert "catalogue.db" in line, line
        with open(path, "rb") as f:
            assert f.read() == bad, "it was overwritten"


def _talk(c, data, lines=1):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(10)
        s.connect(os.path.join(c.run_dir, "control.sock"))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        with s.makefile("rb") as f:
            return [f.readline() for _ in range(lines)]


def test_hostile_clients(env):
    with _control(env) as c:
        for data in (b"garbage\n", b"[]\n", b"{\n", b"x" * 100000, b'{"command":7}\n',
                     b'{"command":"fly"}\n', b'{"command":"add","data":"/"}\n',
                     b'{"command":"show","torrent":""}\n', b'{"command":"show"}\n',
                     b'{"command":"list","command":"stats"}\n', b'"' * 1000 + b"\n",
                     b"[" * 10000 + b"\n", b'{"command":"show","torrent":"\xff"}\n'):
            answer = json.loads(_talk(c, data)[0])
            assert answer["ok"] is False and answer["error"], (data[:40], answer)
        two = _talk(c, b'{"command":"list"}\n{"command":"stats"}\n', 2)
        assert all(json.loads(line)["ok"] for line in two), two
        assert _talk(c, b"") == [b""] and c.ready()


def test_silent_clients(env):
    """Those that connect and say nothing do not keep others out for ever, nor make us spin."""
    with _control(env) as c:
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                s = stack.enter_context(socket.socket(socket.AF_UNIX))
                s.connect(os.path.join(c.run_dir, "control.sock"))
            shell.wait_until(lambda: c.cli("list", check=False).returncode == 1, 5, "full")
            assert "too many clients" in c.cli("list", check=False).stderr
        shell.wait_until(c.ready, 5, "room again")
        with open(f"/proc/{c.proc.pid}/schedstat", encoding="ascii") as f:
            assert int(f.read().split()[0]) < 2e9, "spillwayd spins"


def test_default_configuration(env):
    """The file in the tree is what the program writes, and is read back."""
    printed = shell.run([spillway.daemon_path(env), "--print-config"]).stdout
    path = os.path.join(env.top, "configs", "default.conf")
    with open(path, encoding="utf-8") as f:
        assert f.read() == printed, "configs/default.conf is stale"
    again = shell.run([spillway.daemon_path(env), "--config", path, "--print-config"]).stdout
    assert again == printed
