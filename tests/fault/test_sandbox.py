# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What is left to the daemons once they serve, read from /proc; and that it is enough on the kinds
of port that no stock client uses. spillway.Spillway.stop looks for what the sandbox refused."""

import json
import os

import content
import harness
import lab
import seeding
import shell
import spillway

LENGTH = 8 << 20
SEEDER, CLIENT = "10.77.0.1", "10.77.0.2"


def _status(pid, tid):
    """Fields of a thread's /proc status."""
    with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def _threads(pid):
    """The threads that run code of ours: a ring's own workers in the kernel do not."""
    return [s for s in (_status(pid, tid) for tid in os.listdir(f"/proc/{pid}/task"))
            if not s["Name"].startswith("iou-")]


def _check_dataplane(pid):
    threads = _threads(pid)
    assert len(threads) > 1, "DPDK has threads of its own"
    for s in threads:
        assert (s["Seccomp"], s["NoNewPrivs"]) == ("2", "1"), s
        for name in ("CapEff", "CapPrm", "CapInh", "CapAmb"):
            assert int(s[name], 16) == 0, (s["Name"], name, s[name])


def test_dataplane_gives_all_up(env):
    """And the XDP program goes from the interface with a process that may not take it off."""
    def attached():
        return "prog/xdp" in s.daemon.ns.run(["ip", "link", "show", s.lab.seeder_if]).stdout
    with seeding.af_xdp(env) as s:
        _check_dataplane(s.daemon.dataplane_pid())
        assert attached()
        s.daemon.stop()
        assert not attached(), "after the end"
        s.daemon.start()
        assert attached()
        s.daemon.kill_control()
        s.daemon.kill_dataplane()
        shell.wait_until(lambda: not attached(), 5, "after a kill")
        s.daemon.start()
        s.remember_dataplane()


def _generate(env, the_lab, daemon, port, first):
    """The generator at the other end of a socket downloads once, whichever listens there."""
    path = content.single(env.folder(), LENGTH)
    torrent = os.path.join(env.folder(), "single.torrent")
    spillway.create(env, path, torrent)
    log = os.path.join(env.folder(), "leech.log")
    words = [os.path.join(env.release, "perf", "spillway-leech"), "--json", "--verify", "all",
             "--seconds", "60", "--port", port, "--local", CLIENT, "--peer",
             f"{SEEDER}:{spillway.PORT}", "--torrent", torrent, "--bytes", str(LENGTH)]
    leech = the_lab.seeder.start(words, log) if first else None
    try:
        if first:
            shell.wait_until(lambda: os.path.exists(port.partition(":")[2]), 10, "it listens")
        with seeding.started(daemon):
            daemon.add(torrent, os.path.dirname(path))
            leech = leech or the_lab.seeder.start(words, log)
            assert leech.wait(90) == 0, shell.tail_file(log)
            _check_dataplane(daemon.dataplane_pid())
    finally:
        if leech is not None and leech.poll() is None:
            leech.kill()
    seen = json.loads(shell.tail_file(log, 1))
    assert seen["payload_bytes"] >= LENGTH and seen["pieces_failed_cnt"] == 0, seen


def test_vhost_user(env):
    if not env.huge:
        raise harness.Skip("needs hugepages")
    path = os.path.join(env.folder(), "v.sock")
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"vhost-user:{path}", address=SEEDER)
        _generate(env, the_lab, daemon, f"vhost-backend:{path}", True)


def test_vhost_backend(env):
    if not env.huge:
        raise harness.Skip("needs hugepages")
    path = os.path.join(env.folder(), "v.sock")
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"vhost-backend:{path}", address=SEEDER)
        _generate(env, the_lab, daemon, f"vhost-user:{path}", False)
