# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Each kind of port that a client of the kernel can reach; and what the kernel keeps of one."""

import contextlib
import socket
import threading

import clients
import content
import lab
import seeding
import spillway


def _download(s):
    torrent = s.seed(content.single(s.env.folder()))
    s.download([clients.Aria2, clients.Libtorrent], torrent)
    s.check_dataplane()


@contextlib.contextmanager
def _echo_service(ns, address, port):
    """A TCP service of the kernel that sends back what it gets."""
    with ns.inside():
        listener = socket.create_server((address, port))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                conn, _ = listener.accept()
                with conn:
                    while data := conn.recv(65536):
                        conn.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _echoes(s, port):
    with s.client_ns.connect(s.address, port) as conn:
        conn.sendall(b"are you there" * 500)
        conn.shutdown(socket.SHUT_WR)
        got = b""
        while chunk := conn.recv(65536):
            got += chunk
    return got == b"are you there" * 500


def test_af_xdp_leaves_the_rest_to_the_kernel(env):
    """ping and a TCP service on the same address work before, during and after a download."""
    with seeding.af_xdp(env) as s, _echo_service(s.lab.seeder, s.address, 2222):
        assert s.lab.ping(s.address), "no echo reply"
        assert _echoes(s, 2222), "the kernel's service is silent"
        torrent = s.seed(content.single(env.folder(), 96 << 20))
        client = s.start_client(clients.Aria2, torrent)
        try:
            rounds = 0
            while not client.finished():
                assert s.lab.ping(s.address), "no echo reply during the download"
                assert _echoes(s, 2222), "the kernel's service is silent during the download"
                rounds += 1
            seeding.compare(client, torrent)
        finally:
            client.stop()
        assert rounds > 0, "the download was over before anything could be asked"
        s.check_dataplane()


def test_af_xdp_without_hugepages(env):
    with seeding.af_xdp(env, huge="no") as s:
        _download(s)


def test_af_packet(env):
    with lab.Lab(seeder_address=False) as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_packet:{the_lab.seeder_if}",
                                   address=the_lab.spare_ip)
        with seeding.started(daemon), \
                seeding.tracked(env, the_lab, daemon, the_lab.spare_ip, the_lab.client) as s:
            assert the_lab.ping(the_lab.spare_ip), "the dataplane does not answer ping"
            _download(s)


def test_tap(env):
    """The kernel's end of the tap is the client's."""
    with lab.Lab(seeder_address=False) as the_lab:
        ns = the_lab.client
        ns.ip("addr", "flush", "dev", the_lab.client_if)
        daemon = spillway.Spillway(env, ns, "tap:spwtap", address=the_lab.spare_ip)
        with seeding.started(daemon):
            ns.ip("addr", "add", the_lab.client_ip + "/24", "dev", "spwtap")
            ns.ip("link", "set", "spwtap", "up")
            with seeding.tracked(env, the_lab, daemon, the_lab.spare_ip, ns) as s:
                assert the_lab.ping(the_lab.spare_ip), "the dataplane does not answer ping"
                _download(s)
