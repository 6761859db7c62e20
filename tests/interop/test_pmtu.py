# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Downloads over a path that is narrower than the links at both of its ends.

    seeder  spws0 ═══ spwr0  router  spwr1 ═══ spwc0  client

Every link carries 1500 bytes, so the client offers an MSS of 1460; the router's route to the client
carries 1280. Only the router, or the silence where it should speak, tells. The way back is wide:
what the client's kernel makes of a narrow one is not in question.
"""

import contextlib

import clients
import content
import lab
import seeding
import shell
import spillway

NARROW_MTU = 1280


class NarrowLab(lab.Lab):
    """A lab with a router of the kernel between its ends."""

    def __init__(self):
        super().__init__()
        self.client_ip = self.client_ip.replace("10.77.", "10.78.")
        self.router = None

    def _build(self):
        self.seeder = lab.Netns(self._name + "s")
        self.client = lab.Netns(self._name + "c")
        self.router = lab.Netns(self._name + "r")
        self._join(self.seeder, self.seeder_if, self.seeder_ip, "spwr0")
        self._join(self.client, self.client_if, self.client_ip, "spwr1")
        self.router.ip("route", "add", self.client_ip, "dev", "spwr1", "mtu", str(NARROW_MTU))
        self.router.run(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"])
        shell.wait_until(lambda: self.ping(self.seeder_ip, 0.2), 10, "a way through the router")

    def _join(self, ns, dev, address, router_dev):
        gateway = address.rpartition(".")[0] + ".254"
        shell.run(["ip", "link", "add", dev, "netns", ns.name, "type", "veth",
                   "peer", "name", router_dev, "netns", self.router.name])
        ns.ip("addr", "add", address + "/24", "dev", dev)
        self.router.ip("addr", "add", gateway + "/24", "dev", router_dev)
        for end, name in ((ns, dev), (self.router, router_dev)):
            end.run(["ethtool", "-K", name, *lab.OFFLOADS])
            end.ip("link", "set", name, "up")
        ns.ip("route", "add", "default", "via", gateway)

    def hush(self):
        """From now on the router says nothing of what it drops."""
        self.router.run(["nft", "add table ip hush; "
                         "add chain ip hush out { type filter hook output priority 0; }; "
                         "add rule ip hush out icmp type destination-unreachable counter drop"])

    def close(self):
        super().close()
        if self.router is not None:
            self.router.delete()


@contextlib.contextmanager
def _seeding(env):
    with NarrowLab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}")
        with seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as s:
            yield s


def _download(s, timeout):
    before = s.daemon.counters()
    torrent = s.seed(content.single(s.env.folder()))
    s.download([clients.Aria2, clients.Libtorrent], torrent, timeout=timeout)
    s.check_dataplane()
    assert s.lab.ping(s.address), "the kernel no longer answers ping"
    after = s.daemon.counters()
    return {name: after[name] - before[name] for name in after}


def test_router_tells(env):
    """The router's word is taken: no timeout is needed."""
    with _seeding(env) as s:
        told = _download(s, timeout=60)
        assert told["icmp_errors"] > 0, "no ICMP error came through"
        assert told["tcp_mtu_lowered"] > 0, "no router was believed"
        assert told["tcp_black_holes"] == 0, f"{told['tcp_black_holes']} black holes suspected"


def test_router_is_silent(env):
    """A black hole is passed, and the path's real MTU is found by trying."""
    with _seeding(env) as s:
        s.lab.hush()
        told = _download(s, timeout=60)
        dropped = s.lab.router.run(["nft", "list", "ruleset"]).stdout
        assert "packets 0" not in dropped, "the router had nothing to say"
        assert told["icmp_errors"] == 0, "the router spoke"
        assert told["tcp_black_holes"] > 0, "no black hole was suspected"
        assert told["tcp_mtu_raised"] > 0, "nothing larger was tried"
