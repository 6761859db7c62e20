# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The kernel receives from our stack over impaired paths: every byte comes, right, in bounded time.

How fast is perf/run paths' matter; the limits here only tell a transfer that goes on from one that
hangs."""

import contextlib
import json
import os

import clients
import content
import harness
import path_lab
import seeding
import shell
import spillway
import tcp_host

BYTES = 20 << 20
LIMIT_S = 90
PORT = 5001
DELAY = {"delay_us": 2000}
SHAPE = {**DELAY, "rate_bps": 400000000, "queue_bytes": 400000}


class Paths:
    """What the tests share: the namespaces. Each test has its relay and its host."""

    def __init__(self, env, lab):
        self.env = env
        self.lab = lab

    @contextlib.contextmanager
    def host(self, **options):
        """tcp_host that lets who connects come to PORT."""
        with tcp_host.TcpHost(self.env, self.lab.sender, "af_packet:" + path_lab.SENDER_IF,
                              self.lab.spare_ip, **options) as host:
            host.client()(f"listen {PORT}")
            yield host

    def transfer(self, host, number_of_bytes=BYTES, receiver=()):
        """One transfer to a kernel receiver that looks at every byte; what tcp_host says of it."""
        client = host.client(20)
        client.ask("accept")
        log = os.path.join(self.env.folder(), "recv.log")
        self.env.watch(log)
        proc = self.lab.receiver.start(
            [os.path.join(self.env.build, "perf", "spillway-kernelflow"), "recv",
             "--connect", f"{self.lab.spare_ip}:{PORT}", "--bytes", str(number_of_bytes),
             "--check", "1", *receiver], log)
        try:
            client.answer()
            client.ask(f"write {number_of_bytes}")
            proc.wait(LIMIT_S)
            seen = json.loads(shell.tail_file(log).splitlines()[-1])
            flow = seen["flows"][0]
            assert proc.returncode == 0, f"status {proc.returncode}: {seen}"
            assert (flow["bytes"], flow["wrong_bytes"]) == (number_of_bytes, 0), seen
            return json.loads(host.client()("#1 info"))
        finally:
            shell.stop(proc)

    @contextlib.contextmanager
    def relay(self, forward, backward=None):
        """Afterwards the relay must have lost nothing by itself."""
        relay = self.lab.relay(self.env, forward, backward or DELAY, ["--seed", "7"])
        try:
            yield relay
            failures = path_lab.relay_failures(relay.report())
            assert not failures, f"the relay failed: {failures}"
        finally:
            relay.stop()


@contextlib.contextmanager
def fixture(env):
    with path_lab.PathLab() as lab:
        yield Paths(env, lab)


def impaired(befell, backward=None, **forward):
    """A test: the transfer is whole, and what the relay counts by this name did befall it."""
    def test(s):
        with s.relay({**SHAPE, **forward}, {**DELAY, **(backward or {})}) as relay, \
                s.host() as host:
            s.transfer(host)
            report = relay.report()
        assert report["forward"][befell] > 50, report["forward"]
    return test


def test_tiny_receive_window(s):
    """A receiver with room for a few segments: we wait for its window over and over."""
    with s.relay({}, {}), s.host() as host:
        info = s.transfer(host, BYTES // 4, ["--rcvbuf", "4096"])
    assert info["snd_wnd_bytes"] < 16384, info["snd_wnd_bytes"]


def test_a_rate_far_below_what_is_offered(s):
    """A short queue that overflows: loss by congestion alone."""
    with s.relay({**DELAY, "rate_bps": 30000000, "queue_bytes": 30000}, DELAY) as relay, \
            s.host() as host:
        s.transfer(host, BYTES // 2)
        assert relay.report()["forward"]["lost_queue"] > 10, relay.report()["forward"]


def test_marks_instead_of_losses(s):
    """RFC 3168: the receiver asks for ECN, the path marks; where our stack agrees to ECN, marks
    arrive and nothing needs to be lost."""
    s.lab.receiver.run(["sysctl", "-q", "-w", "net.ipv4.tcp_ecn=1"])
    try:
        with s.relay({**SHAPE, "rate_bps": 100000000, "ecn_bytes": 50000}) as relay, \
                _ecn_host(s) as host:
            info = s.transfer(host)
            forward = relay.report()["forward"]
        assert info["ecn"] not in (False, 0, "off"), info["ecn"]
        assert forward["marked"] > 0, forward
        assert forward["lost_queue"] == 0, forward
    finally:
        s.lab.receiver.run(["sysctl", "-q", "-w", "net.ipv4.tcp_ecn=2"])


@contextlib.contextmanager
def _ecn_host(s):
    try:
        stack = contextlib.ExitStack()
        host = stack.enter_context(s.host(ecn=True))
    except tcp_host.Unsupported as e:
        raise harness.Skip("tcp_host has no --ecn") from e
    with stack:
        yield host


def test_bbr_over_loss(s):
    """The other congestion control, where tcp_host has it."""
    try:
        with s.relay({**SHAPE, "loss_ppm": 20000}), s.host(cc="bbr") as host:
            s.transfer(host)
    except tcp_host.Unsupported as e:
        raise harness.Skip("tcp_host has no bbr") from e


def test_a_seeder_and_libtorrent(s):
    """The whole dataplane: af_xdp, a stock client, every byte compared, over a lossy path that
    also reorders."""
    forward = {**SHAPE, "loss_ppm": 10000, "reorder_ppm": 10000, "reorder_packets": 5}
    daemon = spillway.Spillway(s.env, s.lab.sender, "af_xdp:" + path_lab.SENDER_IF)
    with s.relay(forward, {**DELAY, "loss_ppm": 10000}), seeding.started(daemon), \
            seeding.tracked(s.env, s.lab, daemon, s.lab.sender_ip, s.lab.receiver) as peers:
        torrent = peers.seed(content.single(s.env.folder(), BYTES // 2))
        peers.download([clients.Libtorrent], torrent, timeout=LIMIT_S)
        assert daemon.counter("tcp_retransmits") > 0, "nothing was sent again"
        peers.check_dataplane()


def cases():
    yield "loss 1 %", impaired("lost_random", loss_ppm=10000)
    yield "loss 1 % both ways", impaired("lost_random", {"loss_ppm": 10000}, loss_ppm=10000)
    yield "loss in bursts", impaired("lost_burst", burst_enter_ppm=2000, burst_leave_ppm=200000)
    yield "reordering", impaired("held", reorder_ppm=20000, reorder_packets=10)
    yield "duplication", impaired("duplicated", duplicate_ppm=20000)
    yield "jitter that reorders", impaired("sent", jitter_us=2000, jitter_reorders=1)
