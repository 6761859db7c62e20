# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Our TCP against the kernel's, without BitTorrent: tests/support/tcp_host at one end."""

import contextlib
import socket
import struct
import threading
import time

import lab
import shell
import tcp_host

PORT = 5000
LEN = 50 << 20


@contextlib.contextmanager
def _af_packet(env, **options):
    """Yields a host on a veth and the namespace at the other end."""
    with lab.Lab(seeder_address=False) as the_lab, \
            tcp_host.TcpHost(env, the_lab.seeder, f"af_packet:{the_lab.seeder_if}",
                             the_lab.spare_ip, **options) as host:
        host.peer_ip = the_lab.client_ip
        host.ping = the_lab.ping
        yield host, the_lab.client


@contextlib.contextmanager
def _af_xdp(env):
    with lab.Lab() as the_lab, \
            tcp_host.TcpHost(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}",
                             the_lab.seeder_ip, listen_port=PORT) as host:
        host.peer_ip = the_lab.client_ip
        host.ping = the_lab.ping
        yield host, the_lab.client


@contextlib.contextmanager
def _tap(env):
    """The kernel's end of the tap is the peer's."""
    with lab.Lab(seeder_address=False) as the_lab:
        ns = the_lab.client
        ns.ip("addr", "flush", "dev", the_lab.client_if)
        with tcp_host.TcpHost(env, ns, "tap:spwtap", the_lab.spare_ip) as host:
            ns.ip("addr", "add", the_lab.client_ip + "/24", "dev", "spwtap")
            ns.ip("link", "set", "spwtap", "up")
            host.peer_ip = the_lab.client_ip
            host.ping = the_lab.ping
            yield host, ns


def _fixtures():
    return {"af_packet": _af_packet, "af_xdp": _af_xdp, "tap": _tap}


def _accepted(host, ns):
    """A client of the host with a connection that the kernel opened, and the kernel's socket."""
    command = host.client()
    command("listen %d" % PORT)
    sock = ns.connect(host.address, PORT)
    sock.settimeout(30)
    address, port = command("accept").split()
    assert (address, int(port)) == sock.getsockname(), f"accept told {address}:{port}"
    return command, sock


def _connected(host, ns):
    """The same, opened by the host."""
    command = host.client()
    with ns.inside():
        listener = socket.create_server((host.peer_ip, PORT + 1))
    with listener:
        listener.settimeout(10)
        command("connect %s %d" % (host.peer_ip, PORT + 1))
        sock, peer = listener.accept()
    assert peer[0] == host.address, f"connected from {peer}"
    sock.settimeout(30)
    return command, sock


class _Reader(threading.Thread):
    """Reads a socket to its end and checks that all is zeros."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self._sock = sock
        self._zeros = bytes(1 << 20)
        self.len = 0
        self.only_zeros = True
        self.start()

    def run(self):
        while chunk := self._sock.recv(1 << 20):
            self.only_zeros &= chunk == self._zeros[:len(chunk)]
            self.len += len(chunk)

    def check(self, expected):
        self.join(60)
        assert not self.is_alive(), f"no end after {self.len} bytes"
        assert self.len == expected, f"{self.len} bytes came of {expected}"
        assert self.only_zeros, "other bytes than zeros came"


def _reset_on_close(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _expect_refusal(call, text):
    try:
        answer = call()
    except tcp_host.Refused as e:
        assert text in str(e), f"the answer is: error {e}"
    else:
        raise AssertionError(f"no error but: ok {answer}")


def _expect_state(command, state):
    shell.wait_until(lambda: command.info()["state"] == state, 5, state)


def _download(env, fixture):
    """The kernel connects and takes 50 MB."""
    with fixture(env) as (host, ns):
        command, sock = _accepted(host, ns)
        with sock:
            reader = _Reader(sock)
            command("write %d" % LEN)
            command("close")
            reader.check(LEN)
        assert host.ping(host.address), "no echo reply"


def _send(env, fixture):
    """The host connects and sends 50 MB."""
    with fixture(env) as (host, ns):
        command, sock = _connected(host, ns)
        with sock:
            reader = _Reader(sock)
            command("write %d" % LEN)
            command("shutdown")
            reader.check(LEN)
            _expect_state(command, "FIN-WAIT-2")


def _agreed_on_ecn(sock):
    """The kernel's view: TCPI_OPT_ECN of tcpi_options in struct tcp_info."""
    return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)[5] & 8)


def _congestion_control(env, name):
    """Both roles send under it; ECN is offered by whoever opens, and agreed to."""
    with _af_packet(env, cc=name, ecn=True) as (host, ns):
        ns.run(["sysctl", "-qw", "net.ipv4.tcp_ecn=1"])
        for begin in (_accepted, _connected):
            command, sock = begin(host, ns)
            with sock:
                assert _agreed_on_ecn(sock), f"{begin.__name__}: no ECN"
                reader = _Reader(sock)
                command("write %d" % LEN)
                command("shutdown")
                reader.check(LEN)
                assert command.info()["cc"] == name


def cases():
    for name in ("cubic", "bbr", "newreno"):
        yield f"{name} with ECN", lambda env, n=name: _congestion_control(env, n)
    for name, fixture in _fixtures().items():
        yield f"{name}: the kernel downloads", lambda env, f=fixture: _download(env, f)
        yield f"{name}: the host connects and sends", lambda env, f=fixture: _send(env, f)


def test_half_close_by_the_host(env):
    """After our FIN what the kernel sends is read, to its FIN."""
    with _af_packet(env) as (host, ns):
        for begin in (_accepted, _connected):
            command, sock = begin(host, ns)
            with sock:
                reader = _Reader(sock)
                command("write 1000000")
                command("shutdown")
                reader.check(1000000)
                _expect_state(command, "FIN-WAIT-2")
                sock.sendall(b"x" * 3000000)
                sock.shutdown(socket.SHUT_WR)
                assert command.read_all() == 3000000
                assert command.info()["state"] == "TIME-WAIT"
            _expect_refusal(lambda: command("write 1"), "closed")


def test_half_close_by_the_kernel(env):
    """After the kernel's FIN what we send is read by it."""
    with _af_packet(env) as (host, ns):
        for begin in (_accepted, _connected):
            command, sock = begin(host, ns)
            with sock:
                sock.sendall(b"x" * 300000)
                sock.shutdown(socket.SHUT_WR)
                assert command.read_all() == 300000
                assert command.info()["state"] == "CLOSE-WAIT"
                reader = _Reader(sock)
                command("write 2000000")
                command("close")
                reader.check(2000000)
            _expect_state(command, "CLOSED")


def test_resets(env):
    with _af_packet(env) as (host, ns):
        command, sock = _accepted(host, ns)
        sock.sendall(b"12345")
        shell.wait_until(lambda: command.info()["read_bytes"] == 5, 5, "bytes read")
        _reset_on_close(sock)
        sock.close()
        shell.wait_until(lambda: command.info()["end"] == "reset", 5, "reset")
        assert command("read") == "5"
        _expect_refusal(lambda: command("read"), "reset")
        _expect_refusal(lambda: command("write 1"), "reset")
        command, sock = _accepted(host, ns)
        command.ask("write 1000000000")
        time.sleep(0.2)
        _reset_on_close(sock)
        sock.close()
        _expect_refusal(command.answer, "reset")
        command, sock = _accepted(host, ns)
        with sock:
            command("abort")
            try:
                sock.recv(1)
            except ConnectionResetError:
                pass
            else:
                raise AssertionError("abort was no reset")


def test_connect_is_refused(env):
    with _af_packet(env) as (host, _):
        command = host.client()
        _expect_refusal(lambda: command("connect %s 9" % host.peer_ip), "refused")
        begin = time.monotonic()
        nobody = host.address.rpartition(".")[0] + ".77"
        _expect_refusal(lambda: command("connect %s 9" % nobody), "unreachable")
        assert time.monotonic() - begin > 2, "not three requests a second apart"


def test_reader_that_stops(env):
    """A window that is shut for seconds is probed, and opened again."""
    with _af_packet(env) as (host, ns):
        command, sock = _accepted(host, ns)
        with sock:
            command.ask("write 20000000")
            def probed():
                info = host.client().info()
                return info if info["counters"]["tcp_probes"] >= 1 else None
            time.sleep(1)
            shell.wait_until(lambda: host.client().info()["snd_wnd_bytes"] == 0, 10, "it is shut")
            info = shell.wait_until(probed, 10, "a probe")
            assert info["to_write_bytes"] > 0, "all was taken"
            reader = _Reader(sock)
            command.answer()
            command("close")
            reader.check(20000000)


def test_info_tells_of_the_connection(env):
    with _af_packet(env) as (host, ns):
        command, sock = _accepted(host, ns)
        with sock:
            reader = _Reader(sock)
            command("write 1000000")
            shell.wait_until(lambda: command.info()["acked_bytes"] == 1000000, 10, "all acked")
            info = command.info()
            assert info["state"] == "ESTABLISHED" and info["cc"] == "cubic"
            assert info["mss"] == 1448 and info["cwnd"] == info["cwnd_bytes"] > 10000
            assert 0 < info["srtt"] == info["srtt_us"] < 1000000
            assert info["rto_us"] >= 200000 and info["ssthresh"] == info["ssthresh_bytes"]
            assert info["queued_bytes"] == info["flight_bytes"] == 0
            assert info["counters"]["tcp_accepted"] == 1
            assert info["limit"] == "requests" and sum(info["limit_us"].values()) > 0
            command("close")
            reader.check(1000000)


def test_several_connections_and_clients(env):
    """Connections are chosen by number; a client that waits keeps no other from being served."""
    with _af_packet(env) as (host, ns):
        first, sock1 = _accepted(host, ns)
        second, sock2 = _accepted(host, ns)
        with sock1, sock2:
            first.ask("read")
            second("write 1000")
            second("#1 write 2000")
            for sock, length in ((sock2, 1000), (sock1, 2000)):
                with sock.makefile("rb") as stream:
                    assert len(stream.read(length)) == length
            lines = second("list").split("\n")
            assert [line.split()[0] for line in lines] == ["#1", "#2"], lines
            sock1.sendall(b"abc")
            assert first.answer() == "3"
            second.close()
            third = host.client()
            assert third.info()["connection"] == 2, "a new client has the latest connection"
            _expect_refusal(lambda: third("#3 info"), "no connection")
            _expect_refusal(lambda: third("frobnicate"), "unknown command")
            _expect_refusal(lambda: third("write x"), "expected")
