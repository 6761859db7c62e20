# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The load generator against real seeders: every piece it gets is hashed."""

import contextlib
import http.server
import json
import os
import re
import socket
import threading

import content
import lab
import seeding
import shell
import spillway

SEEDER = "10.77.0.1"
CLIENT = "10.77.0.2"
LENGTH = (24 << 20) + 12345
RUN_S = 60


def _leech(env, ns, *words):
    """What the generator reports; it must have found no fault."""
    done = ns.run([os.path.join(env.build, "perf", "spillway-leech"), "--json", "--verify", "all",
                   "--seconds", str(RUN_S), *words], timeout=RUN_S + 30, check=False)
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    return _checked(json.loads(done.stdout))


def _checked(seen):
    assert seen["pieces_failed_cnt"] == 0, "wrong pieces"
    assert seen["pieces_unverified_cnt"] == 0, "pieces went unverified"
    assert seen["protocol_error_cnt"] == 0 and seen["reject_cnt"] == 0, seen
    return seen


def _whole(seen, torrent):
    """One connection that went through the content once has seen all of its pieces."""
    assert seen["payload_bytes"] >= LENGTH
    assert seen["pieces_ok_cnt"] >= _pieces(torrent), seen["pieces_ok_cnt"]


def _pieces(torrent):
    with open(torrent, "rb") as f:
        return int(re.search(rb"6:pieces(\d+):", f.read()).group(1)) // 20


@contextlib.contextmanager
def _seeder(env, the_lab, port, **options):
    """A seeder on a port of DPDK and its torrent."""
    path = content.single(env.folder(), LENGTH)
    torrent = os.path.join(env.folder(), "single.torrent")
    spillway.create(env, path, torrent)
    daemon = spillway.Spillway(env, the_lab.seeder, port, address=SEEDER, **options)
    with seeding.started(daemon):
        daemon.add(torrent, os.path.dirname(path))
        yield daemon, torrent


def test_our_tcp_over_memif(env):
    path = os.path.join(env.folder(), "memif.sock")
    with lab.Lab() as the_lab, _seeder(env, the_lab, f"memif:{path},server") as (_, torrent):
        seen = _leech(env, the_lab.seeder, "--port", f"memif:{path}", "--local", CLIENT,
                      "--peer", f"{SEEDER}:{spillway.PORT}", "--torrent", torrent,
                      "--bytes", str(LENGTH), *([] if env.huge else ["--no-huge"]))
        _whole(seen, torrent)
        assert seen["carrier"] == "spillway" and seen["opened_cnt"] == 1


def _ask(path, words):
    """A run inside ring_dp."""
    with socket.socket(socket.AF_UNIX) as conn:
        conn.settimeout(RUN_S + 30)
        conn.connect(path)
        conn.sendall((" ".join(words) + "\n").encode())
        answer = b""
        while part := conn.recv(65536):
            answer += part
    return json.loads(answer)


def test_ring_within_one_process(env):
    path = os.path.join(env.folder(), "ring.sock")
    os.environ["RING_DP_SOCKET"] = path
    try:
        with lab.Lab() as the_lab, \
                _seeder(env, the_lab, "ring",
                        dataplane=os.path.join(env.build, "perf", "ring_dp")) as (_, torrent):
            words = ["--torrent", torrent, "--verify", "all", "--seconds", str(RUN_S)]
            seen = _ask(path, [*words, "--bytes", str(LENGTH)])
            _whole(_checked(seen["leech"]), torrent)
            assert seen["seeder"]["worker_cpu_s"][0] > 0
            seen = _ask(path, [*words, "--bytes", str(2 * LENGTH), "--connections", "20",
                               "--order", "random"])
            assert _checked(seen["leech"])["opened_cnt"] == 20
    finally:
        del os.environ["RING_DP_SOCKET"]


def test_kernel_sockets_that_come_and_go(env):
    with seeding.af_xdp(env) as s:
        torrent = s.seed(content.single(env.folder(), LENGTH)).torrent
        connect = ["--connect", f"{s.address}:{spillway.PORT}", "--torrent", torrent]
        _whole(_leech(env, s.client_ns, *connect, "--bytes", str(LENGTH)), torrent)
        seen = _leech(env, s.client_ns, *connect, "--bytes", str(3 * LENGTH), "--threads", "2",
                      "--connections", "16", "--order", "rarest", "--leave-after-bytes", "1M",
                      "--ramp", "100", "--slow-share", "0.25", "--slow-rate", "256K")
        assert seen["left_cnt"] > 0 and seen["opened_cnt"] > 16, seen
        assert seen["fairness_slow"]["connections"] == 4
        assert seen["last_byte"]["cnt"] == seen["block_cnt"]
        assert sum(count for _, count in seen["last_byte"]["buckets"]) == seen["block_cnt"]
        s.check_dataplane()


class _Ranges(http.server.BaseHTTPRequestHandler):
    """A range of a file for each request, ten to a connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20  # head and body in one send
    path_served = None
    served = 0

    def do_GET(self):
        with open(self.path_served, "rb") as f:
            start, last = map(int, re.match(r"bytes=(\d+)-(\d+)$", self.headers["Range"]).groups())
            f.seek(start)
            body = f.read(last + 1 - start)
        self.served += 1
        self.send_response(206)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Range", f"bytes {start}-{last}/{LENGTH}")
        if self.served == 10:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_http(env):
    path = content.single(env.folder(), LENGTH)
    torrent = os.path.join(env.folder(), "single.torrent")
    spillway.create(env, path, torrent)
    with lab.Lab() as the_lab:
        with the_lab.client.inside():
            server = http.server.ThreadingHTTPServer(
                ("127.0.0.1", 0), type("Ranges", (_Ranges,), {"path_served": path}))
        server.handle_error = lambda *_: None  # a peer that leaves
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            at = f"127.0.0.1:{server.server_port}"
            seen = _leech(env, the_lab.client, "--connect", at, "--http", "--torrent", torrent,
                          "--bytes", str(LENGTH), "--outstanding", "1", "--block", "1048576")
            assert seen["renewed_cnt"] > 0 and seen["closed_cnt"] == 0, seen
            assert seen["payload_bytes"] >= LENGTH and seen["pieces_ok_cnt"] > 0
            done = the_lab.client.run(
                [os.path.join(env.build, "perf", "spillway-leech"), "--url",
                 f"http://{at}/single.bin", "--bytes", "1M", "--outstanding", "2"], timeout=60)
            assert "1.0 MiB" in done.stdout, done.stdout
        except shell.CommandError as e:
            raise AssertionError(str(e)) from e
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
