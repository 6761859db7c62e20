# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What never answers does not hold up control's loop: pipes, and file systems whose server is
gone."""

import os

import alone
import api
import shell
import silent_mount


def _answers(control, client):
    """Control answers both kinds of clients."""
    client.call("session-stats")
    control.json("stats")


def test_blocklist_is_a_pipe(env):
    """Refused at the start; later as well, and what was read before stays."""
    path = os.path.join(env.folder(), "list")
    os.mkfifo(path)
    assert "not a regular file" in alone.Control(env, blocklist=path).refused()
    os.unlink(path)
    with open(path, "w", encoding="ascii") as f:
        f.write("10.0.0.0/8\n")
    with alone.running(env, blocklist=path) as c:
        os.unlink(path)
        os.mkfifo(path)
        shell.wait_until(lambda: c.logged("not a regular file"), shell.PATIENCE_S, "refused")
        assert c.json("limit")["limits"]["blocked_ranges"] == 1
        with open(path + ".new", "w", encoding="ascii") as f:
            f.write("10.0.0.0/8\n192.168.0.0/16\n")
        os.rename(path + ".new", path)
        shell.wait_until(lambda: c.json("limit")["limits"]["blocked_ranges"] == 2, shell.PATIENCE_S,
                         "the new list")


def test_blocklist_on_a_dead_mount(env):
    folder = env.folder()
    place, path = os.path.join(folder, "place"), os.path.join(folder, "place", "list")
    os.mkdir(place)
    with open(path, "w", encoding="ascii") as f:
        f.write("10.0.0.0/8\n")
    with alone.running(env, blocklist=path) as c:
        with silent_mount.mounted(place):
            shell.wait_until(lambda: _in_kernel(c.proc.pid, "fuse"), shell.PATIENCE_S, "a look")
            c.json("stats")
            assert c.json("limit")["limits"]["blocked_ranges"] == 1
        shell.wait_until(lambda: not _in_kernel(c.proc.pid, "fuse"), shell.PATIENCE_S, "its end")


def _in_kernel(pid, word):
    """Whether a thread waits in a function of the kernel with word in its name."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/wchan", encoding="ascii") as f:
            if word in f.read():
                return True
    return False


def test_folders_on_a_dead_mount(env):
    """They are refused, and others are served."""
    port, folder = api.free_port(), env.folder()
    with alone.running(env, api=f"127.0.0.1:{port}") as c, silent_mount.mounted(folder):
        client = api.Api(port, c.json("api-token")["token"])
        path, torrent = c.content("here.bin")
        for _ in range(2):
            assert "does not answer" in client.refused("free-space", path=folder)
            assert "does not answer" in client.refused("torrent-add", filename=torrent,
                                                       download__dir=folder)
            done = c.cli("add", torrent, "--data", folder, "--detach", check=False)
            assert done.returncode == 1 and "does not answer" in done.stderr, done
            _answers(c, client)
        client.call("torrent-add", filename=torrent, download__dir=os.path.dirname(path))
        assert client.call("free-space", path=os.path.dirname(path))["size-bytes"] > 0
