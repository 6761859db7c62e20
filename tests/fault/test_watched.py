# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A watched folder: what appears there is added, renamed when taken, and noted when refused.
spillwayd by itself, with a dataplane double."""

import os
import shutil

import content
import shell
import spillway
from alone import Control, running as _control

SANITIZED = True


class Watched:
    """A folder to watch and one with content."""

    def __init__(self, env):
        self.env = env
        self.dir = env.folder()
        self.data = env.folder()
        self.away = env.folder()
        self.options = {"watch-dir": self.dir, "watch-data-dir": self.data,
                        "watch-label": "watched"}

    def torrent(self, name):
        """A .torrent outside of the folder, with its content."""
        path = os.path.join(self.away, name + ".torrent")
        spillway.create(self.env, content.single(self.data, 100_000, name), path)
        return path

    def names(self):
        return sorted(os.listdir(self.dir))

    def holds(self, *names):
        shell.wait_until(lambda: self.names() == sorted(names), 10, f"{names} in {self.names()}")

    def reason(self, name):
        with open(os.path.join(self.dir, name + ".reason"), encoding="utf-8") as f:
            return f.read()


def _seeding(c, *names):
    def seeding():
        return sorted(t["name"] for t in c.json("list", "--state", "seeding", "--label",
                                                "watched")["torrents"]) == sorted(names)
    shell.wait_until(seeding, 10, f"{names} seeding")


def test_files_are_taken(env):
    """By rename and by writing; at the start too what lies there."""
    w = Watched(env)
    shutil.copyfile(w.torrent("early.bin"), os.path.join(w.dir, "early.bin.torrent"))
    with _control(env, **w.options) as c:
        _seeding(c, "early.bin")
        os.rename(w.torrent("moved.bin"), os.path.join(w.dir, "moved.torrent"))
        _seeding(c, "early.bin", "moved.bin")
        path = w.torrent("slow.bin")
        with open(path, "rb") as f, open(os.path.join(w.dir, "slow.torrent"), "wb") as out:
            for byte in f.read():
                out.write(bytes([byte]))
                out.flush()
        _seeding(c, "early.bin", "moved.bin", "slow.bin")
        assert not c.logged("watch_refused"), c.log_text()
        w.holds("early.bin.torrent.added", "moved.torrent.added", "slow.torrent.added")
        # What is there already counts as taken; others' files are let be.
        shutil.copyfile(path, os.path.join(w.dir, "again.torrent"))
        for other in (".hidden.torrent", "note.txt", ".torrent", "x.torrent.part"):
            shutil.copyfile(path, os.path.join(w.dir, other))
        shell.wait_until(lambda: "again.torrent.added" in w.names(), 5, "taken again")
        assert {".hidden.torrent", "note.txt", ".torrent", "x.torrent.part"} < set(w.names())
        # The files may go: the torrents stay until they are removed, and do not come back.
        os.remove(os.path.join(w.dir, "moved.torrent.added"))
        c.cli("remove", "early.bin")
        c.stop()
        c.start()
        _seeding(c, "moved.bin", "slow.bin")


def test_bad_files_are_refused(env):
    w = Watched(env)
    with _control(env, **w.options) as c:
        with open(os.path.join(w.dir, "bad.torrent"), "wb") as f:
            f.write(b"d4:info")
        path = w.torrent("gone.bin")
        os.rename(os.path.join(w.data, "gone.bin"), os.path.join(w.away, "gone.bin"))
        shutil.copyfile(path, os.path.join(w.dir, "gone.torrent"))
        os.symlink(path, os.path.join(w.away, "link"))
        os.rename(os.path.join(w.away, "link"), os.path.join(w.dir, "link.torrent"))
        os.mkfifo(os.path.join(w.away, "pipe"))
        os.rename(os.path.join(w.away, "pipe"), os.path.join(w.dir, "pipe.torrent"))
        os.mkdir(os.path.join(w.away, "folder"))
        os.rename(os.path.join(w.away, "folder"), os.path.join(w.dir, "folder.torrent"))
        names = ("bad", "folder", "gone", "link", "pipe")
        w.holds(*(f"{n}.torrent.{e}" for n in names for e in ("reason", "refused")))
        for name, word in zip(names, ("ends too early", "regular", "gone.bin: file is missing",
                                      "opened", "regular")):
            assert word in w.reason(name + ".torrent"), w.reason(name + ".torrent")
        assert c.json("list")["torrents"] == []
        # Renamed back when the reason is gone, it is taken.
        os.rename(os.path.join(w.away, "gone.bin"), os.path.join(w.data, "gone.bin"))
        os.rename(os.path.join(w.dir, "gone.torrent.refused"), os.path.join(w.dir, "gone.torrent"))
        _seeding(c, "gone.bin")


def test_many_at_once(env):
    """More than the kernel's queue of events holds: none is forgotten."""
    w = Watched(env)
    path = w.torrent("one.bin")
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as f:
        cnt = min(int(f.read()) + 1000, 20000)
    with _control(env, **w.options) as c:
        for number in range(cnt):
            os.link(path, os.path.join(w.away, f"{number}.torrent"))
            os.rename(os.path.join(w.away, f"{number}.torrent"),
                      os.path.join(w.dir, f"{number}.torrent"))
        shell.wait_until(lambda: all(n.endswith(".added") for n in w.names()), 60, "all are taken")
        assert len(w.names()) == cnt
        _seeding(c, "one.bin")


def test_wrong_options(env):
    for options, word in (({"watch-dir": "/nowhere/x"}, "option watch_dir: /nowhere/x"),
                          ({"watch-dir": "/etc/passwd"}, "option watch_dir")):
        assert word in Control(env, **options).refused(), options
    for options in ({"watch-dir": "x"}, {"watch-data-dir": "x"}, {"watch-label": "a,b"}):
        done = shell.run(Control(env, **options).command(), check=False)
        name = next(iter(options)).replace("-", "_")
        assert done.returncode == 2 and name in done.stderr, done
