# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillwayd as a service: what it tells the service manager, and what it writes to the journal. The
manager's socket and the journal's are the test's own."""

import array
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess

import alone
import shell


class Manager:
    """The service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)
        self.told = []

    def seen(self, what):
        with contextlib.suppress(BlockingIOError):
            while True:
                self.told += self._socket.recv(4096).decode().split("\n")
        return what in self.told

    def count(self, what):
        self.seen(what)
        return self.told.count(what)

    def wait(self, what, seconds=10):
        shell.wait_until(lambda: self.seen(what), seconds, f"{what} in {self.told}")

    def close(self):
        self._socket.close()


class Service(alone.Control):
    """spillwayd with a manager; watchdog_s 0: it asks for no signs of life."""

    def __init__(self, env, watchdog_s=0, **options):
        super().__init__(env, **options)
        self.path = os.path.join(self.folder, "notify")
        self.manager = Manager(self.path)
        self.watchdog_s = watchdog_s

    def environ(self):
        more = {"NOTIFY_SOCKET": self.path}
        if self.watchdog_s:
            more["WATCHDOG_USEC"] = str(int(self.watchdog_s * 1000000))
        return {**super().environ(), **more}

    def end(self, sig=signal.SIGTERM):
        try:
            assert self.stop(sig) == 0
        finally:
            self.manager.close()


def test_manager_is_told(env):
    """READY comes once the dataplane serves, not before; the end is told too."""
    c = Service(env)
    conf = os.path.join(c.folder, "spillwayd.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("congestion: cubic\n")
    c.options["config"] = conf
    c.start()
    try:
        c.manager.wait("READY=1")
        c.manager.wait("STATUS=serving, 0 torrents")
        assert c.manager.told.index("STATUS=starting the dataplane") \
            < c.manager.told.index("READY=1")
        assert not c.manager.seen("WATCHDOG=1"), "nobody asked"
        with open(conf, "w", encoding="ascii") as f:
            f.write("congestion: bbr\n")
        c.cli("reload")
        c.manager.wait("RELOADING=1")
        shell.wait_until(lambda: c.manager.count("READY=1") == 2, 10, "ready again")
        assert any(t.startswith("MONOTONIC_USEC=") for t in c.manager.told)
        with open(conf, "w", encoding="ascii") as f:
            f.write("mtu: 1\n")
        c.cli("reload", check=False)
        shell.wait_until(lambda: c.manager.count("READY=1") == 3, 10, "after one that was refused")
        c.add("status.bin")
        c.manager.wait("STATUS=serving, 1 torrents")
        with open(os.path.join(c.double, "fail"), "w", encoding="ascii") as f:
            f.write("broken\n")
        c.order("die", 1)
        c.manager.wait("STATUS=the dataplane is down, 1 torrents")
        assert not c.manager.seen("STOPPING=1")
    finally:
        c.end()


def _stands_still(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


def test_signs_of_life(env):
    """Twice as often as asked for, by the loop itself: one that stands still gives none."""
    c = Service(env, watchdog_s=0.4).start()
    try:
        c.manager.wait("READY=1")
        for i in range(3):
            before = c.manager.count("WATCHDOG=1")
            shell.wait_until(lambda n=before: c.manager.count("WATCHDOG=1") > n, 2, f"sign {i}")
        c.proc.send_signal(signal.SIGSTOP)
        try:
            shell.wait_until(lambda: _stands_still(c.proc.pid), 10, "it stands still")
            before = c.manager.count("WATCHDOG=1")
            with contextlib.suppress(subprocess.TimeoutExpired):
                c.proc.wait(0.6)
            assert c.manager.count("WATCHDOG=1") == before
        finally:
            c.proc.send_signal(signal.SIGCONT)
        c.proc.send_signal(signal.SIGTERM)
        c.manager.wait("STOPPING=1")
    finally:
        c.end()


def _entry(data):
    """An entry as it is sent to the journal: NAME=VALUE lines, or NAME, length and value."""
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length, = struct.unpack("<Q", data[:8])
            value, data = data[8:8 + length], data[9 + length:]
        fields[name.decode()] = value.decode()
    return fields


class Journal(alone.Control):
    """spillwayd in a mount namespace where the journal's socket is the test's."""

    def __init__(self, env, **options):
        super().__init__(env, **options)
        self.place = os.path.join(self.folder, "journal")
        os.mkdir(self.place)
        os.makedirs("/run/systemd", exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(self.place, "socket"))
        self.socket.settimeout(10)
        self.entries = []

    def command(self):
        script = ("mount -t tmpfs none /run/systemd && mkdir /run/systemd/journal && "
                  f"mount --bind {self.place} /run/systemd/journal && "
                  'exec 2>"$0" && '
                  'export JOURNAL_STREAM=$(stat -Lc %d:%i /proc/self/fd/2) && exec "$@"')
        return ["unshare", "-m", "sh", "-c", script, self.log, *super().command()]

    def read_until(self, event):
        """Everything up to an event, which is returned."""
        while True:
            data, extra, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4))
            for _, _, fds in extra:  # a long entry comes as a memfd
                fd = array.array("i", fds)[0]
                with os.fdopen(fd, "rb") as f:
                    f.seek(0)
                    data = f.read()
            self.entries.append(_entry(data))
            if self.entries[-1].get("SPILLWAY_EVENT") == event:
                return self.entries[-1]


def test_journal_has_fields(env):
    """A priority, a message and a field for each pair; nothing as text beside."""
    c = Journal(env).start()
    try:
        ready = c.read_until("ready")
        assert ready["PRIORITY"] == "6" and ready["SYSLOG_IDENTIFIER"] == "spillwayd", ready
        assert ready["SPILLWAY_TORRENTS"] == "0", ready
        c.add("two words\nSPILLWAY_EVENT=forged.bin")
        added = c.read_until("torrent_added")
        assert added["SPILLWAY_TORRENT_ID"] == "1", added
        assert added["SPILLWAY_NAME"] == "two words\nSPILLWAY_EVENT=forged.bin", added
        assert "\n" not in added["MESSAGE"] and added["MESSAGE"].startswith("torrent_added id=1")
        assert not c.log_text(), c.log_text()
        c.cli("reload", check=False)
        assert c.read_until("reload_refused")["PRIORITY"] == "3"
    finally:
        assert c.stop() == 0
        c.socket.close()


def test_json_and_levels(env):
    """log_format and log_level, and both can change while it runs."""
    c = alone.Control(env)
    conf = c.options["config"] = os.path.join(c.folder, "spillwayd.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("log_format: json\n")
    c.start()
    try:
        lines = [json.loads(line) for line in c.log_text().splitlines()]
        assert [x["event"] for x in lines][-1] == "ready", lines
        assert lines[-1]["torrents"] == "0" and lines[-1]["level"] == "info", lines[-1]
        with open(conf, "w", encoding="ascii") as f:
            f.write("log_format: text\nlog_level: error\n")
        assert c.json("reload")["changed"] == ["log_level", "log_format"]
        before = c.log_text()
        c.add("quiet.bin")
        with open(conf, "w", encoding="ascii") as f:
            f.write("log_level: loud\n")
        assert c.cli("reload", check=False).returncode == 1
        more = c.log_text()[len(before):]
        assert more.count("\n") == 1 and " level=error event=reload_refused " in more, more
    finally:
        assert c.stop() == 0


def test_dataplane_is_heard(env):
    """Each line it writes is told once, as one value, by a control that comes later too."""
    with alone.running(env) as c:
        log = os.path.join(c.run_dir, "dataplane.log")
        c.order("say", "mbuf pool is low event=forged")
        shell.wait_until(lambda: c.logged('dataplane_says line="mbuf pool is low event=forged"'),
                         5, "told")
        c.stop(signal.SIGKILL)
        c.order("say", "while nobody listened")
        shell.wait_until(lambda: "nobody" in shell.tail_file(log), 5, "written")
        c.start()
        c.order("say", "again")
        shell.wait_until(lambda: c.logged("event=dataplane_says line=again"), 5, "told")
        assert c.log_text().count("event=dataplane_says") == 2, c.log_text()


def _nice(pid):
    """Of each thread."""
    found = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/stat", encoding="utf-8") as f:
            found.append(int(f.read().rpartition(")")[2].split()[16]))
    return found


def test_control_stands_behind_the_dataplane(env):
    """Its threads have a lower priority, and keep off the worker's CPU where there is another."""
    own, may = os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0)
    first = min(may)
    with alone.running(env, cpu=first) as c:
        assert min(_nice(c.proc.pid)) == max(own, 10), _nice(c.proc.pid)
        assert os.getpriority(os.PRIO_PROCESS, c.pid()) == own
        assert os.sched_getaffinity(c.proc.pid) == (may - {first} or may)
        assert os.sched_getaffinity(c.pid()) == may, "the dataplane chooses by itself"
    with alone.running(env) as c:
        assert os.sched_getaffinity(c.proc.pid) == may
