# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The configuration is read again: by SIGHUP and by spillway reload, with a dataplane double."""

import json
import os
import signal

import alone
import shell

ADD = 4


class Configured(alone.Control):
    """spillwayd with a configuration file, which wins nothing over the command line."""

    def __init__(self, env, text):
        super().__init__(env)
        self.options["config"] = os.path.join(self.folder, "spillwayd.conf")
        self.write(text)

    def write(self, text):
        with open(self.options["config"], "w", encoding="utf-8") as f:
            f.write(text)

    def reload(self):
        return self.json("reload")

    def stopped(self):
        assert self.stop() == 0, "spillwayd did not end well"


def _told(c):
    return len(c.events("message", kind=ADD))


def test_live_options_take_effect(env):
    """The torrents of a class are told again, and no dataplane is started."""
    c = Configured(env, "congestion: cubic\n").start()
    try:
        c.add("plain.bin")
        pid, before = c.pid(), _told(c)
        c.write("congestion: bbr\n")
        assert c.reload() == {"ok": True, "changed": ["congestion"], "needs_restart": []}
        shell.wait_until(lambda: _told(c) == before + 1, 5, "ADD with the new one")
        assert c.torrent("plain.bin")["congestion"] == "bbr"
        assert c.reload() == {"ok": True, "changed": [], "needs_restart": []}
        assert c.cli("reload").stdout == "nothing has changed\n"
        assert c.pid() == pid and _told(c) == before + 1
    finally:
        c.stopped()


def test_others_wait_for_a_restart(env):
    """They are named, and asked for again they are named again."""
    c = Configured(env, "mtu: 1500\n").start()
    try:
        pid = c.pid()
        c.write("mtu: 1400\nlisten_port: 7001\ncongestion: newreno\n")
        done = c.cli("reload").stdout
        assert "congestion: changed\n" in done, done
        assert "mtu: needs a restart\n" in done and "listen_port: needs a restart\n" in done, done
        assert sorted(c.reload()["needs_restart"]) == ["listen_port", "mtu"]
        assert c.pid() == pid
    finally:
        c.stopped()


def test_bad_file_changes_nothing(env):
    """Neither by the command nor by SIGHUP; each says which line is wrong."""
    c = Configured(env, "congestion: cubic\n").start()
    try:
        c.add("plain.bin")
        for text, words in (("congestion: bbr\nmtu: 5\n", ":2: option mtu: 5 is out of range"),
                            ("congestion: bbr\nnonsense: 1\n", ':2: unknown option "nonsense"'),
                            ("congestion: bbr\ncongestion: cubic\n", "given twice"),
                            ("congestion: [\n", "not YAML")):
            c.write(text)
            done = c.cli("reload", check=False)
            assert done.returncode == 1 and words in done.stderr, done
            refused = c.log_text().count("event=reload_refused")
            c.proc.send_signal(signal.SIGHUP)
            shell.wait_until(lambda n=refused: c.log_text().count("event=reload_refused") == n + 1,
                             5, "SIGHUP refused")
            assert c.torrent("plain.bin")["congestion"] == "cubic"
        os.unlink(c.options["config"])
        assert "spillwayd.conf" in c.cli("reload", check=False).stderr
        c.write("congestion: bbr\n")
        c.proc.send_signal(signal.SIGHUP)
        shell.wait_until(lambda: c.logged("event=reloaded changed=congestion"), 5, "SIGHUP")
        assert c.torrent("plain.bin")["congestion"] == "bbr"
    finally:
        c.stopped()


def test_without_a_file(env):
    with alone.running(env) as c:
        done = c.cli("--json", "reload", check=False)
        assert done.returncode == 1 and "without --config" in json.loads(done.stdout)["error"], done
        c.proc.send_signal(signal.SIGHUP)
        shell.wait_until(lambda: c.logged("event=reload_refused"), 5, "refused")
        assert c.ready()
