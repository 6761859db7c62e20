# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A network in a box: a seeder's and a client's namespace joined by a veth pair.

    namespace <prefix>s                    namespace <prefix>c
    spws0 10.77.N.1/24  ===== veth =====   spwc0 10.77.N.2/24

Names carry the pid of their maker, so that what a killed run left behind can be told from what a
living one uses. Everything that runs in a namespace of ours is ours and ends with it.
"""

import contextlib
import ctypes
import itertools
import os
import re
import signal
import socket
import struct
import time

from shell import PATIENCE_S, CommandError, run, start

PREFIX = "spwlab"
OFFLOADS = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"]

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_serial = itertools.count(1)


def _setns(path):
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _LIBC.setns(fd, _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns " + path)
    finally:
        os.close(fd)


class Netns:
    """A network namespace."""

    def __init__(self, name):
        self.name = name
        run(["ip", "netns", "add", name])
        self.ip("link", "set", "lo", "up")

    def ip(self, *args):
        """An ip(8) command inside."""
        return run(["ip", "-n", self.name, *args]).stdout

    def command(self, cmd):
        """The command line that runs cmd inside; the process keeps its pid."""
        return ["ip", "netns", "exec", self.name, *cmd]

    def run(self, cmd, **options):
        return run(self.command(cmd), **options)

    def start(self, cmd, log_path, **options):
        return start(self.command(cmd), log_path, **options)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is inside; sockets that it opens stay inside."""
        home = f"/proc/self/task/{_gettid()}/ns/net"
        fd = os.open(home, os.O_RDONLY | os.O_CLOEXEC)
        _setns(f"/run/netns/{self.name}")
        try:
            yield self
        finally:
            _setns(f"/proc/self/fd/{fd}")
            os.close(fd)

    def connect(self, address, port, timeout=PATIENCE_S):
        """A TCP socket from inside, connected."""
        with self.inside():
            return socket.create_connection((address, port), timeout)

    def delete(self):
        _delete_netns(self.name)


def _gettid():
    return _LIBC.gettid()


def _delete_netns(name):
    """End what runs inside, then the namespace."""
    for sig in (signal.SIGTERM, signal.SIGKILL):
        for _ in range(30):
            pids = [int(p) for p in run(["ip", "netns", "pids", name], check=False).stdout.split()]
            pids = [p for p in pids if p != os.getpid()]
            if not pids:
                break
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sig)
            time.sleep(0.05)
    run(["ip", "netns", "del", name], check=False)


def reap_stale():
    """Remove the namespaces of runs whose process is gone."""
    for line in run(["ip", "netns", "list"], check=False).stdout.splitlines():
        m = re.match(rf"{PREFIX}-(\d+)-", line)
        if m and not os.path.exists(f"/proc/{m.group(1)}"):
            _delete_netns(line.split()[0])


class Lab:
    """The two namespaces and their veth pair; a context manager that takes all away again."""

    def __init__(self, seeder_address=True):
        n = next(_serial)
        self.seeder_ip = f"10.77.{n}.1"
        self.client_ip = f"10.77.{n}.2"
        self.spare_ip = f"10.77.{n}.3"  # for ports where the kernel must not own the address
        self.seeder_if = "spws0"
        self.client_if = "spwc0"
        self._seeder_address = seeder_address
        self._name = f"{PREFIX}-{os.getpid()}-{n}"
        self.seeder = None
        self.client = None

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _build(self):
        self.seeder = Netns(self._name + "s")
        self.client = Netns(self._name + "c")
        run(["ip", "link", "add", self.seeder_if, "netns", self.seeder.name, "type", "veth",
             "peer", "name", self.client_if, "netns", self.client.name])
        if self._seeder_address:
            self.seeder.ip("addr", "add", self.seeder_ip + "/24", "dev", self.seeder_if)
        self.client.ip("addr", "add", self.client_ip + "/24", "dev", self.client_if)
        for ns, dev in ((self.seeder, self.seeder_if), (self.client, self.client_if)):
            ns.run(["ethtool", "-K", dev, *OFFLOADS])
            ns.ip("link", "set", dev, "up")
        self._wait_for_carrier()

    def _wait_for_carrier(self):
        for _ in range(100):
            if "LOWER_UP" in self.client.ip("link", "show", self.client_if):
                return
            time.sleep(0.02)
        raise CommandError("veth pair has no carrier")

    def lose(self, one_in=100):
        """From now on one packet in so many is dropped, each way, at the client's interface."""
        chains = "\n".join(
            f"chain {hook} {{\n"
            f'type filter hook {hook} device "{self.client_if}" priority 0;\n'
            f"numgen random mod {one_in} == 0 counter drop\n}}" for hook in ("ingress", "egress"))
        path = f"/run/{self._name}.nft"
        with open(path, "w", encoding="ascii") as f:
            f.write(f"table netdev loss {{\n{chains}\n}}\n")
        try:
            self.client.run(["nft", "-f", path])
        finally:
            os.unlink(path)

    def lost(self):
        """Packets dropped so far (in, out), or (0, 0)."""
        text = self.client.run(["nft", "list", "ruleset"]).stdout
        return tuple(int(n) for n in re.findall(r"counter packets (\d+)", text)) or (0, 0)

    def capture(self, path, expression="tcp"):
        """tcpdump on the client's interface, for looking into failures; ends by shell.stop()."""
        return self.client.start(["tcpdump", "-n", "-i", self.client_if, "-s", "128", "-U",
                                  "-w", path, expression], path + ".log")

    def ping(self, address, timeout=3.0):
        """True when the address answers an ICMP echo from the client's namespace."""
        with self.client.inside(), socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                                 socket.IPPROTO_ICMP) as s:
            s.settimeout(timeout)
            ident = os.getpid() & 0xffff
            s.sendto(_echo_request(ident), (address, 0))
            end = time.monotonic() + timeout
            while time.monotonic() < end:
                try:
                    packet = s.recv(2048)
                except TimeoutError:
                    return False
                icmp = packet[(packet[0] & 15) * 4:]
                if icmp[0] == 0 and struct.unpack("!H", icmp[4:6])[0] == ident:
                    return True
        return False

    def close(self):
        for ns in (self.client, self.seeder):
            if ns is not None:
                ns.delete()


def _echo_request(ident):
    body = struct.pack("!BBHHH", 8, 0, 0, ident, 1) + b"spillway" * 4
    total = sum(struct.unpack(f"!{len(body) // 2}H", body))
    total = (total & 0xffff) + (total >> 16)
    total += total >> 16
    return body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
