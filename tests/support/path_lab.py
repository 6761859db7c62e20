# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A sender and a receiver joined by an impaired path: spillway-relay between two veth pairs.

    namespace ...s                namespace ...r               namespace ...c
    spws0 10.78.N.1/24 == veth == spwrs0 relay spwrc0 == veth == spwc0 10.78.N.2/24

Forward is from the sender to the receiver. The stack under test may have an address of its own,
10.78.N.3, which the sender's kernel does not know of.
"""

import itertools
import json
import os
import signal

import lab
import shell

TCP_MEMORY_MAX = 64 << 20
SYSCTLS = {
    "net.ipv6.conf.all.disable_ipv6": "1",
    "net.ipv6.conf.default.disable_ipv6": "1",
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.tcp_rmem": f"4096 131072 {TCP_MEMORY_MAX}",
    "net.ipv4.tcp_wmem": f"4096 16384 {TCP_MEMORY_MAX}",
}
SENDER_IF, RECEIVER_IF = "spws0", "spwc0"
RELAY_SENDER_IF, RELAY_RECEIVER_IF = "spwrs0", "spwrc0"
# What the relay itself lost: not the path's doing.
RELAY_FAILURES = ["no_memory", "not_sent", "truncated", "socket_drops", "device_drops"]

_serial = itertools.count(1)


def path_words(values):
    """{"delay_us": 5} as the relay's command line has it."""
    return ",".join(f"{k}={int(v)}" for k, v in values.items())


class Relay:
    """A running spillway-relay."""

    def __init__(self, env, ns, forward, backward, options=()):
        self.log = os.path.join(env.folder(), "relay.log")
        env.watch(self.log)
        self.proc = ns.start([os.path.join(env.build, "perf", "spillway-relay"),
                              "--from", RELAY_SENDER_IF, "--to", RELAY_RECEIVER_IF,
                              "--forward", path_words(forward),
                              "--backward", path_words(backward), *options], self.log)
        shell.wait_until(self._ready, 10, "spillway-relay")

    def _ready(self):
        if self.proc.poll() is not None:
            raise shell.CommandError("spillway-relay ended: " + shell.tail_file(self.log))
        return self._lines()[:1] == ["ready"]

    def _lines(self):
        with open(self.log, encoding="utf-8") as f:
            return f.read().splitlines()

    def report(self):
        """What it has done so far."""
        before = len(self._lines())
        self.proc.send_signal(signal.SIGUSR1)
        shell.wait_until(lambda: len(self._lines()) > before, 5, "the relay's report", pause=0.01)
        return json.loads(self._lines()[-1])

    def stop(self):
        """End it; returns its report."""
        shell.stop(self.proc)
        return json.loads(self._lines()[-1])


def relay_failures(report):
    """{"forward socket_drops": 12}: what the relay did wrong, empty when all is well."""
    return {f"{way} {name}": report[way][name] for way in ("forward", "backward")
            for name in RELAY_FAILURES if report[way][name]}


class PathLab:
    """The three namespaces; a context manager that takes all away again."""

    def __init__(self):
        n = next(_serial)
        net = f"10.78.{n % 250}"
        self.sender_ip, self.receiver_ip, self.spare_ip = (f"{net}.{i}" for i in (1, 2, 3))
        self.seeder_ip, self.client_ip = self.sender_ip, self.receiver_ip  # as lab.Lab has them
        self._name = f"{lab.PREFIX}-{os.getpid()}-p{n}"
        self.sender = self.middle = self.receiver = None

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
        self.sender = lab.Netns(self._name + "s")
        self.middle = lab.Netns(self._name + "r")
        self.receiver = lab.Netns(self._name + "c")
        settings = [f"{k}={v}" for k, v in SYSCTLS.items()]
        for ns in (self.sender, self.middle, self.receiver):
            ns.run(["sysctl", "-q", "-w", *settings])
        self._join(self.sender, SENDER_IF, RELAY_SENDER_IF)
        self._join(self.receiver, RECEIVER_IF, RELAY_RECEIVER_IF)
        self.sender.ip("addr", "add", self.sender_ip + "/24", "dev", SENDER_IF)
        self.receiver.ip("addr", "add", self.receiver_ip + "/24", "dev", RECEIVER_IF)

    def _join(self, ns, dev, relay_dev):
        shell.run(["ip", "link", "add", dev, "netns", ns.name, "type", "veth",
                   "peer", "name", relay_dev, "netns", self.middle.name])
        for where, name in ((ns, dev), (self.middle, relay_dev)):
            where.run(["ethtool", "-K", name, *lab.OFFLOADS])
            where.ip("link", "set", name, "up")

    def relay(self, env, forward, backward=None, options=()):
        """A relay between the two; forward and backward are its keys and values."""
        return Relay(env, self.middle, forward, backward or {}, options)

    def close(self):
        for ns in (self.receiver, self.sender, self.middle):
            if ns is not None:
                ns.delete()
