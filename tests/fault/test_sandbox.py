# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What is left to the daemons once they serve, read from /proc; and that it is enough on the kinds
of port that no stock client uses. spillway.Spillway.stop looks for what the sandbox refused."""

import array
import contextlib
import ctypes
import fcntl
import json
import os
import socket

import alone
import clients
import content
import harness
import lab
import seeding
import shell
import spillway

LENGTH = 8 << 20
SEEDER, CLIENT = "10.77.0.1", "10.77.0.2"
CONFIG_LEN = 488  # dataplane/abi.h, struct abi_config
PORT, XDP_OBJECT, FILE_PREFIX, FLAGS = 8, 72, 328, 400
SANDBOX_OFF = 1 << 12
SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW


def _status(pid, tid):
    """Fields of a thread's /proc status."""
    with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii", errors="replace") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def _threads(pid):
    """The threads that run code of ours: a ring's own workers in the kernel do not."""
    found = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            found.append(_status(pid, tid))
    return [s for s in found if not s["Name"].startswith("iou-")]


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


class Generator:
    """The generator at the other end of a socket; it downloads once at a time."""

    def __init__(self, env, the_lab, port):
        self.env = env
        self.ns = the_lab.seeder
        self.port = port
        self.path = content.single(env.folder(), LENGTH)
        self.torrent = os.path.join(env.folder(), "single.torrent")
        self.log = os.path.join(env.folder(), "leech.log")
        self.proc = None
        spillway.create(env, self.path, self.torrent)

    def start(self):
        words = [os.path.join(self.env.release, "perf", "spillway-leech"), "--json", "--verify",
                 "all", "--seconds", "60", "--port", self.port, "--local", CLIENT, "--peer",
                 f"{SEEDER}:{spillway.PORT}", "--torrent", self.torrent, "--bytes", str(LENGTH)]
        self.proc = self.ns.start(words + ([] if self.env.huge else ["--no-huge"]), self.log)

    def listen(self):
        """To be the one that the daemon finds."""
        self.start()
        path = self.port.partition(":")[2].partition(",")[0]
        shell.wait_until(lambda: os.path.exists(path), 10, "it listens")

    def finish(self):
        """Raises unless it got everything. Returns False when it found nobody."""
        status = self.proc.wait(90)
        said = shell.tail_file(self.log, 1)
        if status != 0 and "nobody answers" in said:
            return False
        assert status == 0, said
        seen = json.loads(said)
        assert seen["payload_bytes"] >= LENGTH and seen["pieces_failed_cnt"] == 0, seen
        return True

    def close(self):
        if self.proc is not None and self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()


def _generate(env, port, theirs, first, times=1):
    """The generator downloads, whichever of the two listens, as often as told: each time it is
    another process. One that meets the daemon's last look for it may find nobody, and comes
    again."""
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, port, address=SEEDER)
        generator = Generator(env, the_lab, theirs)
        try:
            if first:
                generator.listen()
            with seeding.started(daemon):
                if first:
                    _check_dataplane(daemon.dataplane_pid())
                daemon.add(generator.torrent, os.path.dirname(generator.path))
                if not first:
                    generator.start()
                assert generator.finish(), shell.tail_file(generator.log)
                for _ in range(1, times):
                    generator.start()
                    if not generator.finish():
                        generator.start()
                        assert generator.finish(), shell.tail_file(generator.log)
                if not first:
                    _check_dataplane(daemon.dataplane_pid())
        finally:
            generator.close()


def test_vhost_user(env):
    """Whose back end goes and another comes: the dataplane, which may not connect any more, gives
    way to one that does."""
    if not env.huge:
        raise harness.Skip("needs hugepages")
    path = os.path.join(env.folder(), "v.sock")
    _generate(env, f"vhost-user:{path}", f"vhost-backend:{path}", True, times=2)


def test_vhost_backend(env):
    if not env.huge:
        raise harness.Skip("needs hugepages")
    path = os.path.join(env.folder(), "v.sock")
    _generate(env, f"vhost-backend:{path}", f"vhost-user:{path}", False, times=2)


def test_memif_client(env):
    """As test_vhost_user."""
    path = os.path.join(env.folder(), "m.sock")
    _generate(env, f"memif:{path}", f"memif:{path},server", True, times=2)


def test_memif_server(env):
    path = os.path.join(env.folder(), "m.sock")
    _generate(env, f"memif:{path},server", f"memif:{path}", False, times=2)


def _check_control(pid):
    """One capability, that of reading content, and a filter, on each thread."""
    read_search = 1 << 2
    for s in _threads(pid):
        assert (s["Seccomp"], s["NoNewPrivs"]) == ("2", "1"), s
        for name in ("CapEff", "CapPrm", "CapBnd"):
            assert int(s[name], 16) == read_search, (s["Name"], name, s[name])


def _check_starter(pid, uid):
    """What af_xdp needs and CAP_SETPCAP, and a filter."""
    s, = _threads(pid)
    rights = sum(1 << cap for cap in (8, 12, 13, 14, 21, 38, 39))
    for name in ("CapEff", "CapPrm", "CapBnd"):
        assert int(s[name], 16) == rights, (name, s[name])
    assert s["Uid"].split() == s["Gid"].split() == [uid] * 4, s
    assert s["Groups"].split() in ([], [uid]), s
    assert (s["Seccomp"], s["NoNewPrivs"]) == ("2", "1"), s
    assert len(os.listdir(f"/proc/{pid}/fd")) == 4, "it holds what is not its own"


def _starter(control_pid):
    """The process beside the dataplane that spillwayd has."""
    with open(f"/proc/{control_pid}/task/{control_pid}/children", encoding="ascii") as f:
        children = f.read().split()
    for pid in children:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            if f.read().strip() == "spillway-start":
                return int(pid)
    raise AssertionError(f"no starter among {children}")


def test_control_keeps_one_right(env):
    """And still starts dataplanes that need more; what starts them goes with it."""
    with seeding.af_xdp(env) as s:
        control = s.daemon.proc.pid
        _check_control(control)
        starter = _starter(control)
        _check_starter(starter, "0")
        first = s.daemon.dataplane_pid()
        s.daemon.kill_dataplane()
        shell.wait_until(lambda: s.daemon.dataplane_pids() not in ([], [first]), 20, "another")
        shell.wait_until(s.daemon.ready, 20, "ready")
        _check_dataplane(s.daemon.dataplane_pid())
        s.daemon.kill_control()
        shell.wait_until(lambda: not os.path.exists(f"/proc/{starter}"), 5, "the starter ends")
        s.daemon.start()
        s.remember_dataplane()


def test_as_another_user(env):
    """Both daemons are that user's; content that only root may read is served."""
    folder = env.build
    while folder != "/":
        if not os.stat(folder).st_mode & 1:
            raise harness.Skip(f"{folder}: not for other users, who could not execute the binary")
        folder = os.path.dirname(folder)
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}",
                                   user="nobody")
        with seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as s:
            dataplane = s.daemon.dataplane_pid()
            for pid in (daemon.proc.pid, dataplane):
                for t in _threads(pid):
                    assert t["Uid"].split() == ["65534"] * 4, t
            _check_control(daemon.proc.pid)
            _check_starter(_starter(daemon.proc.pid), "65534")
            _check_dataplane(dataplane)
            path = content.single(env.folder(), LENGTH)
            os.chmod(path, 0o600)
            seeded = s.seed(path)
            s.download([clients.Aria2], seeded)
            daemon.kill_dataplane()
            shell.wait_until(lambda: daemon.dataplane_pids() not in ([], [dataplane]), 20, "again")
            s.download([clients.Aria2], seeded)
        daemon.options["user"] = None
        with seeding.started(daemon):
            assert daemon.json("list")["torrents"][0]["state"] == "seeding", "root's again"


def _starter_socket(control_pid):
    """spillwayd's end of the socket to the starter, as who has taken spillwayd over has it."""
    libc = ctypes.CDLL(None, use_errno=True)
    pid_fd = os.pidfd_open(control_pid)
    try:
        for name in os.listdir(f"/proc/{control_pid}/fd"):
            fd = libc.syscall(438, pid_fd, int(name), 0)  # pidfd_getfd
            if fd < 0:
                continue
            try:
                s = socket.socket(fileno=fd)
            except OSError:
                os.close(fd)
                continue
            if (s.family, s.type, s.getsockname()) == (
                    socket.AF_UNIX, socket.SOCK_SEQPACKET, "") and not _peer_is_double(s):
                return s
            s.close()
    finally:
        os.close(pid_fd)
    raise AssertionError("no socket to the starter")


def _peer_is_double(s):
    """A dataplane's socket has a name at its other end, the starter's has none."""
    return s.getpeername() != ""


def _ask_starter(s, fds):
    s.sendmsg([b"\0"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])
    s.settimeout(10)
    return int.from_bytes(s.recv(4), "little", signed=True)


def _config(control, change=None, seals=SEALS):
    """A descriptor of the dataplane's configuration; change: an offset and what is put there."""
    with open(os.path.join(control.run_dir, "dataplane.config"), "rb") as f:
        config = bytearray(f.read(CONFIG_LEN))
    if change is not None:
        at, text = change
        config[at:at + len(text)] = text
    fd = os.memfd_create("config", os.MFD_ALLOW_SEALING)
    os.write(fd, config)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def _check_configs(control, s, null):
    """Another port, XDP program, prefix, no sandbox; one that could be changed later."""
    for change, seals, right in [
            (None, SEALS, True), (None, fcntl.F_SEAL_GROW, False),
            ((PORT, b"tap:other\0"), SEALS, False), ((XDP_OBJECT, b"/x.o\0"), SEALS, False),
            ((FILE_PREFIX, b"../x\0"), SEALS, False),
            ((FLAGS, SANDBOX_OFF.to_bytes(4, "little")), SEALS, False)]:
        config = _config(control, change, seals)
        answer = _ask_starter(s, [config, null, null, null])
        os.close(config)
        assert (answer > 0) if right else (answer == -22), (change, seals, answer)


def test_starter_believes_nothing(env):
    """What spillwayd might ask if it were not itself any more."""
    control = alone.Control(env).start()
    try:
        starter = _starter(control.proc.pid)
        with _starter_socket(control.proc.pid) as s, open(os.devnull, "rb") as null:
            for cnt in (1, 3, 12, 13, 200):
                answer = _ask_starter(s, [null.fileno()] * cnt)
                assert answer == -22, (cnt, answer)
            _check_configs(control, s, null.fileno())
            assert len(os.listdir(f"/proc/{starter}/fd")) == 4, "it keeps what it was given"
        control.order("die", 1)
        shell.wait_until(lambda: len(control.events("start")) == 2, 20, "another dataplane")
    finally:
        control.stop()
