# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The units as systemd runs them: installed as the README tells, in a machine of their own whose
first process is systemd (tests/support/machine.py)."""

import contextlib
import os
import signal
import stat

import bencode
import clients
import content
import hugepages
import lab
import machine
import seeding
import shell
import spillway
import tracker

UNIT = "spillwayd.service"
CONF = "/usr/local/etc/spillway/spillwayd.conf"
DROP_IN = f"/run/systemd/system/{UNIT}.d/test.conf"
HUGE_DROP_IN = "/run/systemd/system/spillway-hugepages.service.d/test.conf"
CAP_SYS_RESOURCE = 24


class Installed(spillway.Spillway):
    """The daemons of the unit; those of Spillway's calls that tests/support/seeding needs."""

    def __init__(self, env, the_lab, box):
        super().__init__(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}")
        self.box = box
        self.conf = "".join(f"{name}: {value}\n" for name, value in self.options.items()
                            if name not in ("run_dir", "state_dir"))

    def install(self):
        """What the README says, and a configuration for this network."""
        if not self.env.huge:
            self.box.write(HUGE_DROP_IN, "[Service]\nEnvironment=SPILLWAY_HUGEPAGES=0\n")
        self.box.run(["meson", "install", "-C", self.env.release, "--no-rebuild"])
        self.box.write(CONF, self.conf)
        self.box.run(["systemd-sysusers"])
        self.box.systemctl("daemon-reload")
        self.box.systemctl("enable", "--now", "spillwayd", timeout=130)

    def pids(self):
        return self.box.pids(UNIT)

    def control_pid(self):
        return self.pids().get("spillwayd")

    def dataplane_pids(self, name="spillway-dp"):
        pid = self.pids().get(name)
        return [pid] if pid is not None else []

    def cli(self, *words, check=True, timeout=120):
        return self.box.run(["spillway", *words], check=check, timeout=timeout)

    def ready(self):
        return self.box.show(UNIT, "ActiveState") == "active" and \
            self.cli("stats", check=False).returncode == 0

    def drop_in(self, text):
        """What "systemctl edit" would do; None takes it back."""
        if text is None:
            os.unlink(self.box.path(DROP_IN))
        else:
            self.box.write(DROP_IN, f"[Service]\n{text}\n")
        self.box.systemctl("daemon-reload")


def messages(box):
    """The last that the journal has of the unit."""
    return shell.tail(box.run(["journalctl", "-o", "short-precise", "-u", UNIT]).stdout)


class Box(seeding.Seeding):
    """The machine, what is installed in it, and clients beside it."""

    def __init__(self, env, the_lab, daemon, box):
        super().__init__(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client)
        self.box = box

    def wait_other(self, was):
        """Until control is another process than was, and serves."""
        self.wait(lambda: self.daemon.control_pid() not in (None, was), "another spillwayd")
        self.wait(self.daemon.ready, "ready again")

    def wait(self, condition, what):
        """Until the condition is true; what the journal has of the unit when it does not come."""
        try:
            shell.wait_until(condition, 60, what, pause=0.1)
        except shell.CommandError as e:
            raise shell.CommandError(f"{e}\n{messages(self.box)}") from e

    def seed(self, path, *create_options):
        """path is in the machine's /srv, as this machine sees it."""
        name = os.path.basename(path)
        there = f"/srv/{name}"
        self.daemon.cli("create", there, "-o", there + ".torrent", "--tracker", self.tracker.url,
                        *create_options)
        with open(path + ".torrent", "rb") as f:
            info_hash = bencode.info_hash(f.read())
        self.tracker.add(info_hash, self.address, spillway.PORT)
        self.daemon.cli("add", there + ".torrent", "--data", "/srv")
        return seeding.Seeded(path, path + ".torrent", info_hash, self.tracker.url)


@contextlib.contextmanager
def fixture(env):
    """All is installed and started."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(hugepages.kept())
        the_lab = stack.enter_context(lab.Lab())
        box = stack.enter_context(machine.Machine(env, the_lab.seeder))
        daemon = Installed(env, the_lab, box)
        try:
            daemon.install()
            all_of_it = Box(env, the_lab, daemon, box)
        except shell.CommandError as e:
            raise shell.CommandError(f"{e}\n{messages(box)}") from e
        stack.callback(all_of_it.tracker.close)
        yield all_of_it


def _mode(path):
    st = os.stat(path)
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


def _check_owners(s):
    """All that the daemons write is theirs."""
    user, group = (int(s.box.run(["id", word, "spillway"]).stdout) for word in ("-u", "-g"))
    for path, mode in (("/run/spillway", 0o750), ("/run/spillway/control.sock", 0o660),
                       ("/var/lib/spillway", 0o700), ("/var/lib/spillway/catalogue.db", 0o600)):
        assert _mode(s.box.path(path)) == (user, group, mode), path


def test_start(s):
    """systemctl start returned: it serves. Where things are, and whose."""
    assert s.box.show(UNIT, "ActiveState") == "active"
    assert s.box.show(UNIT, "StatusText") == "serving, 0 torrents"
    assert s.box.show("spillway-hugepages.service", "Result") == "success"
    assert set(s.daemon.pids()) == {"spillwayd", "spillway-start", "spillway-dp"}
    _check_owners(s)
    group = s.box.run(["id", "-g", "spillway"]).stdout.strip()
    in_group = ["setpriv", "--reuid=65534", f"--regid={group}", "--clear-groups"]
    s.box.run([*in_group, "spillway", "list"])
    done = s.box.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "spillway",
                      "list"], check=False)
    assert done.returncode != 0 and "ermission denied" in done.stderr, done


def test_journal(s):
    """Events are in fields, under the unit."""
    entry = next(e for e in s.box.journal(UNIT) if e.get("SPILLWAY_EVENT") == "dataplane_ready")
    assert entry["_SYSTEMD_UNIT"] == UNIT and entry["PRIORITY"] == "6", entry
    assert entry["SYSLOG_IDENTIFIER"] == "spillwayd" and entry["SPILLWAY_WORKER"] == "0", entry
    assert entry["SPILLWAY_PORT"].startswith(f"af_xdp:{s.lab.seeder_if}, "), entry
    assert entry["MESSAGE"].startswith("dataplane_ready worker=0 pid="), entry


def test_control_comes_and_goes(s):
    """While a client downloads, as slowly as control says: a reload, control ended by SIGQUIT, and
    killed. One connection."""
    dataplane = s.daemon.dataplane_pids()
    seeded = s.seed(content.single(s.box.srv, 64 << 20))
    s.daemon.cli("limit", "global", "256K")
    client = s.start_client(clients.SlowLibtorrent, seeded)
    try:
        s.wait(lambda: client.bytes_on_disk() > 0, "download begins")
        s.box.write(CONF, s.daemon.conf + "congestion: bbr\n")
        s.box.systemctl("reload", "spillwayd")
        _check_owners(s)
        control = s.daemon.control_pid()
        reloaded = [e for e in s.box.journal(UNIT) if e.get("SPILLWAY_EVENT") == "reloaded"]
        assert reloaded[-1]["SPILLWAY_CHANGED"] == "congestion", reloaded
        s.box.systemctl("kill", "--kill-whom=main", "--signal=QUIT", "spillwayd")
        s.wait_other(control)
        control = s.daemon.control_pid()
        os.kill(control, signal.SIGKILL)
        s.wait_other(control)
        assert s.daemon.dataplane_pids() == dataplane, "not adopted"
        assert not client.finished(), "the limit is gone"
        s.daemon.cli("limit", "global", "none")
        seeding.wait_finished([client], 60)
        seeding.compare(client, seeded)
    finally:
        client.stop()
    assert s.daemon.counter("peers_handshaken") == 1, "the client had to come again"


def test_dataplane_killed(s):
    """Control starts another, and what it served goes on being served."""
    seeded = s.seed(content.single(s.box.srv, 8 << 20, "again.bin"))
    s.download([clients.Aria2], seeded)
    control, was = s.daemon.control_pid(), s.daemon.dataplane_pids()
    os.kill(was[0], signal.SIGKILL)
    s.wait(lambda: s.daemon.dataplane_pids() not in ([], was), "another dataplane")
    s.wait(lambda: s.daemon.json("stats")["dataplane"]["running"], "it serves")
    assert s.daemon.control_pid() == control
    said = [e for e in s.box.journal(UNIT) if e.get("SPILLWAY_EVENT") == "dataplane_ended"]
    assert said and said[-1]["PRIORITY"] == "3", messages(s.box)
    s.download([clients.Aria2], seeded)


def test_hung_control_is_replaced(s):
    """By the watchdog, at a shorter time than the unit's; the dataplane goes on."""
    dataplane = s.daemon.dataplane_pids()
    assert s.box.show(UNIT, "WatchdogUSec") == "30s"
    s.daemon.drop_in("WatchdogSec=3")
    try:
        control = s.daemon.control_pid()
        s.box.systemctl("kill", "--kill-whom=main", "--signal=QUIT", "spillwayd")
        s.wait_other(control)
        control = s.daemon.control_pid()
        os.kill(control, signal.SIGSTOP)
        s.wait_other(control)
        assert any(e.get("UNIT_RESULT") == "watchdog" or "watchdog" in str(e.get("MESSAGE"))
                   for e in s.box.journal(UNIT)), messages(s.box)
    finally:
        s.daemon.drop_in(None)
    assert s.daemon.dataplane_pids() == dataplane


def test_given_up(s):
    """A control that systemd restarts no more: the dataplane serves on, and the next start adopts
    it."""
    dataplane = s.daemon.dataplane_pids()
    s.daemon.drop_in("Restart=no")
    try:
        os.kill(s.daemon.control_pid(), signal.SIGKILL)
        s.wait(lambda: s.box.show(UNIT, "ActiveState") == "failed", "failed")
        assert s.daemon.dataplane_pids() == dataplane
    finally:
        s.daemon.drop_in(None)
    s.box.systemctl("start", "spillwayd", timeout=130)
    assert s.daemon.dataplane_pids() == dataplane, "not adopted"


def _proc(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def _limits(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        return {line[:26].strip(): line[26:47].strip() for line in f}


def test_hardening(s):
    """What the unit denies is denied: read from /proc, and tried where the daemons see files."""
    pids = s.daemon.pids()
    for name, pid in pids.items():
        status = _proc(pid)
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), (name, status)
        assert int(status["CapBnd"], 16) & ~int(_proc(s.box.pid)["CapBnd"], 16) == 0
    assert int(_proc(pids["spillway-dp"])["CapEff"], 16) == 0
    for path in ("/usr/local/bin", "/etc", "/srv", "/root", "/var/lib", "/sys/kernel"):
        for name in ("spillwayd", "spillway-start"):
            done = shell.run(["nsenter", "-t", str(pids[name]), "-m", "touch", path + "/x"],
                             check=False)
            assert "Read-only file system" in done.stderr, (name, path, done)
    shell.run(["nsenter", "-t", str(pids["spillwayd"]), "-m", "sh", "-c",
               "touch /var/lib/spillway/x && rm /var/lib/spillway/x"])


def test_limits_of_resources(s):
    """As the unit says, or as far as systemd itself may go."""
    may_lift = int(_proc(s.box.pid)["CapEff"], 16) >> CAP_SYS_RESOURCE & 1
    own = _limits(s.box.pid)
    limits = _limits(s.daemon.dataplane_pid())
    assert limits["Max core file size"] == "0", limits
    for name, wanted in (("Max locked memory", "unlimited"), ("Max open files", "1048576")):
        assert limits[name] == (wanted if may_lift else own[name]), (name, limits[name])


def test_restart_and_stop(s):
    """Both daemons end, at once and cleanly; nothing of them stays."""
    was = s.daemon.pids()
    s.box.systemctl("restart", "spillwayd", timeout=160)
    now = s.daemon.pids()
    assert set(now) == set(was) and not set(now.values()) & set(was.values()), (was, now)
    s.box.systemctl("stop", "spillwayd", timeout=60)
    assert s.box.show(UNIT, "Result") == "success", messages(s.box)
    assert s.box.show(UNIT, "ExecMainStatus") == "0"
    assert s.daemon.pids() == {}
    assert "xdp" not in s.lab.seeder.ip("link", "show", s.lab.seeder_if)
    stopped = [e for e in s.box.journal(UNIT) if e.get("SPILLWAY_EVENT") == "dataplane_stop"]
    assert stopped[-1]["SPILLWAY_KILLED"] == "no", stopped[-1]


def test_start_that_cannot_be(s):
    """systemctl start fails, and the journal says why as an error; no second try where none could
    help."""
    for text, why in (("port: af_xdp:eth9\n", "eth9"), ("mtu: 12\n", "option mtu")):
        s.box.systemctl("stop", "spillwayd", timeout=60)
        s.box.write(CONF, text)
        seen = len(s.box.journal(UNIT))
        assert s.box.systemctl("start", "spillwayd", check=False, timeout=130).returncode != 0
        errors = [e["MESSAGE"] for e in s.box.journal(UNIT)[seen:]
                  if e["PRIORITY"] == "3" and e["SYSLOG_IDENTIFIER"] == "spillwayd"]
        assert errors and why in errors[0], (why, errors, messages(s.box))
    assert s.box.show(UNIT, "ActiveState") == "failed", "status 2 is not tried again"
