# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Either daemon dies while a client downloads."""

import contextlib
import signal

import clients
import content
import seeding
import shell

LENGTH = 40 << 20


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env) as s:
        s.torrent = s.seed(content.single(env.folder(), LENGTH))
        yield s


@contextlib.contextmanager
def _downloading(s):
    """A client that is some seconds from done; the whole download is compared at the end."""
    client = s.start_client(clients.SlowLibtorrent, s.torrent)
    try:
        shell.wait_until(lambda: client.bytes_on_disk() > LENGTH // 10, 20, "download begins")
        yield client
        seeding.wait_finished([client], 60)
        seeding.compare(client, s.torrent)
    finally:
        client.stop()


def _states(s):
    return [t["state"] for t in s.daemon.json("list")["torrents"]]


def test_control_killed(s):
    """The download finishes without control; a new control adopts the dataplane."""
    pid = s.daemon.dataplane_pid()
    with _downloading(s) as client:
        s.daemon.kill_control()
        assert not client.finished(), "too late: the client was done"
    assert s.daemon.dataplane_pids() == [pid], "the dataplane went with control"
    s.daemon.start()
    assert s.daemon.dataplane_pids() == [pid], "the dataplane was not adopted"
    assert _states(s) == ["seeding"], _states(s)
    with _downloading(s):
        pass
    assert s.daemon.dataplane_pids() == [pid]


def test_control_left_by_sigquit(s):
    """SIGQUIT leaves the dataplane serving on purpose."""
    pid = s.daemon.dataplane_pid()
    with _downloading(s):
        assert shell.stop(s.daemon.proc, signal.SIGQUIT) == 0
    assert s.daemon.dataplane_pids() == [pid]
    s.daemon.start()
    assert s.daemon.dataplane_pids() == [pid]


def test_dataplane_killed(s):
    """It is restarted; the client comes back and finishes."""
    pid = s.daemon.dataplane_pid()
    with _downloading(s) as client:
        s.daemon.kill_dataplane()
        assert not client.finished(), "too late: the client was done"
        shell.wait_until(lambda: s.daemon.dataplane_pids() not in ([], [pid]), 20,
                         "a new dataplane")
    assert _states(s) == ["seeding"], _states(s)


def test_dataplane_killed_while_control_is_away(s):
    s.daemon.kill_control()
    s.daemon.kill_dataplane()
    s.daemon.start()
    assert _states(s) == ["seeding"], _states(s)
    with _downloading(s):
        pass


def test_restart_does_not_hash_again(s):
    """A restarted control seeds without reading the content."""
    s.daemon.stop()
    s.daemon.start()
    assert _states(s) == ["seeding"], _states(s)
    with open(f"/proc/{s.daemon.proc.pid}/io", encoding="ascii") as f:
        rchar = int(f.readline().split()[1])
    assert rchar < LENGTH // 4, f"spillwayd read {rchar} bytes"
    with _downloading(s):
        pass


def test_changed_options_replace_the_dataplane(s):
    """A dataplane that runs with other options is not adopted."""
    pid = s.daemon.dataplane_pid()
    s.daemon.kill_control()
    s.daemon.options["arena_mib"] = 48
    s.daemon.start()
    shell.wait_until(lambda: s.daemon.dataplane_pids() not in ([], [pid]), 20, "a new dataplane")
    with _downloading(s):
        pass
