# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Transmission, rTorrent, aria2 and nginx as Debian ships them, each set up to seed as fast as its
own advice says. Discovery is off in all of them: the generator knows the address."""

import base64
import glob
import http.client
import json
import os
import re
import socket
import xmlrpc.client

import procfs
from seeders import Daemon
from shell import CommandError, run
from spillway import PORT

PEERS_MAX = 16384


def _version(words, pattern):
    done = run(words, check=False)
    m = re.search(pattern, done.stdout + done.stderr)
    if not m:
        raise CommandError(f"{words[0]} does not say its version")
    return m.group(1)


def _post(ns, address, path, body, headers=()):
    """An HTTP POST from inside a namespace; (status, headers, body)."""
    with ns.inside():
        connection = http.client.HTTPConnection(*address, timeout=60)
        connection.connect()
    try:
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Transmission(Daemon):
    """transmission-daemon. uTP is off: the generator speaks TCP. It unchokes every ten seconds."""

    name = "transmission"
    outstanding = 512  # its reqq; it answers what it was asked twice a second
    guide = "Transmission's wiki, Editing Configuration Files"
    patience_s = 15
    _RPC = ("127.0.0.1", 9091)
    _SEEDS = 6

    def ask_version(self):
        return _version(["transmission-daemon", "--version"], r"([\d.]+)")

    def command(self, lab, content):
        settings = {
            "utp-enabled": False, "dht-enabled": False, "lpd-enabled": False,
            "pex-enabled": False, "port-forwarding-enabled": False, "encryption": 0,
            "bind-address-ipv4": lab.seeder_ip, "peer-port": PORT, "download-dir": content.folder,
            "peer-limit-global": PEERS_MAX, "peer-limit-per-torrent": PEERS_MAX,
            "upload-slots-per-torrent": PEERS_MAX, "cache-size-mb": 64, "prefetch-enabled": True,
            "speed-limit-up-enabled": False, "speed-limit-down-enabled": False,
            "ratio-limit-enabled": False, "idle-seeding-limit-enabled": False,
            "seed-queue-enabled": False, "download-queue-enabled": False,
            "queue-stalled-enabled": False, "message-level": 1,
            "rpc-bind-address": self._RPC[0], "rpc-port": self._RPC[1],
            "rpc-authentication-required": False, "rpc-whitelist-enabled": False}
        with open(os.path.join(self._folder, "settings.json"), "w", encoding="utf-8") as f:
            json.dump(settings, f)
        self.settings = [f"{k}: {json.dumps(v)}" for k, v in settings.items()
                         if not k.startswith(("rpc-", "bind-", "download-dir"))]
        return ["transmission-daemon", "--foreground", "--config-dir", self._folder]

    def _call(self, lab, method, arguments):
        body = json.dumps({"method": method, "arguments": arguments})
        headers = {}
        while True:
            status, got, text = _post(lab.seeder, self._RPC, "/transmission/rpc", body, headers)
            if status != 409:
                return json.loads(text)["arguments"]
            headers = {"X-Transmission-Session-Id": got["X-Transmission-Session-Id"]}

    def _torrents(self, lab):
        try:
            return self._call(lab, "torrent-get", {"fields": ["status", "percentDone"]})["torrents"]
        except OSError:
            return None

    def after_start(self, lab, content):
        self.wait_until(lambda: self._torrents(lab) is not None, 30)
        if not self._torrents(lab):
            for path in content.torrent_paths:
                self._call(lab, "torrent-add", {"filename": path})

    def serves(self, lab, content):
        found = self._torrents(lab) or []
        return [t["status"] for t in found] == [self._SEEDS] * len(content.torrent_paths)


class Rtorrent(Daemon):
    """rTorrent as a daemon."""

    name = "rtorrent"
    guide = "github.com/rakshasa/rtorrent/wiki/Performance-Tuning"

    def ask_version(self):
        return _version(["rtorrent", "-h"], r"version ([\d.]+)")

    def command(self, lab, content):
        session = os.path.join(self._folder, "session")
        os.makedirs(session, exist_ok=True)
        self._socket = os.path.join(self._folder, "scgi")
        tuned = ["network.port_random.set = no", "dht.mode.set = disable", "protocol.pex.set = no",
                 "trackers.use_udp.set = no", "protocol.encryption.set = none",
                 "throttle.global_up.max_rate.set_kb = 0",
                 "throttle.global_down.max_rate.set_kb = 0",
                 f"throttle.max_uploads.set = {PEERS_MAX}",
                 f"throttle.max_uploads.global.set = {PEERS_MAX}",
                 f"throttle.max_peers.normal.set = {PEERS_MAX}",
                 f"throttle.max_peers.seed.set = {PEERS_MAX}",
                 f"network.max_open_sockets.set = {PEERS_MAX}",
                 "network.max_open_files.set = 4096",
                 "network.send_buffer.size.set = 4M", "network.receive_buffer.size.set = 1M",
                 "pieces.memory.max.set = 4096M", "pieces.preload.type.set = 1"]
        with open(os.path.join(self._folder, "rc"), "w", encoding="utf-8") as f:
            f.write("\n".join([
                *tuned, f"network.bind_address.set = {lab.seeder_ip}",
                f"network.port_range.set = {PORT}-{PORT}", "system.daemon.set = true",
                f"directory.default.set = {content.folder}", f"session.path.set = {session}",
                f"network.scgi.open_local = {self._socket}", ""]))
        self.settings = [t.replace(" = ", ": ") for t in tuned]
        for left in (self._socket, *glob.glob(os.path.join(session, "*.lock"))):
            if os.path.exists(left):
                os.unlink(left)
        return ["rtorrent", "-n", "-o", f"import={self._folder}/rc"]

    def _call(self, method, *words):
        body = xmlrpc.client.dumps(words, method).encode()
        head = b"CONTENT_LENGTH\0%d\0SCGI\0001\0" % len(body)
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(60)
            s.connect(self._socket)
            s.sendall(b"%d:%s,%s" % (len(head), head, body))
            answer = b"".join(iter(lambda: s.recv(65536), b""))
        return xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])[0][0]

    def _answers(self):
        try:
            return bool(self._call("system.client_version"))
        except OSError:
            return False

    def after_start(self, lab, content):
        self.wait_until(self._answers, 30)
        if not self._call("d.multicall2", "", "main", "d.hash="):
            for path in content.torrent_paths:
                self._call("load.start", "", path)

    def serves(self, lab, content):
        found = self._call("d.multicall2", "", "main", "d.complete=", "d.is_active=",
                           "d.hashing=")
        return [list(t) for t in found] == [[1, 1, 0]] * len(content.torrent_paths)


class Aria2(Daemon):
    """aria2c. It serves at most four peers of a torrent at a time, whatever it is told."""

    name = "aria2"
    guide = "aria2c(1)"
    patience_s = 11
    _RPC = ("127.0.0.1", 6800)

    def ask_version(self):
        return _version(["aria2c", "--version"], r"version ([\d.]+)")

    def command(self, lab, content):
        tuned = ["--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
                 "--enable-peer-exchange=false", "--check-integrity=true", "--seed-ratio=0.0",
                 "--bt-max-peers=0", f"--max-concurrent-downloads={len(content.torrent_paths)}",
                 "--bt-max-open-files=4096", f"--rlimit-nofile={4 * PEERS_MAX}",
                 "--max-overall-upload-limit=0", "--event-poll=epoll", "--file-allocation=none",
                 "--summary-interval=0", "--console-log-level=error"]
        self.settings = [t.removeprefix("--").replace("=", ": ") for t in tuned]
        return ["aria2c", "--no-conf", *tuned, "--enable-rpc=true", "--disable-ipv6=true",
                f"--rpc-listen-port={self._RPC[1]}", f"--interface={lab.seeder_if}",
                "--follow-torrent=mem", f"--dir={content.folder}", f"--listen-port={PORT}"]

    def _call(self, lab, method, *words):
        body = json.dumps({"jsonrpc": "2.0", "id": "1", "method": method, "params": words})
        _, _, text = _post(lab.seeder, self._RPC, "/jsonrpc", body)
        answer = json.loads(text)
        if "error" in answer:
            raise CommandError("aria2: " + answer["error"]["message"])
        return answer["result"]

    def _answers(self, lab):
        try:
            return bool(self._call(lab, "aria2.getVersion"))
        except OSError:
            return False

    def after_start(self, lab, content):
        self.wait_until(lambda: self._answers(lab), 30)
        for path in content.torrent_paths:
            with open(path, "rb") as f:
                self._call(lab, "aria2.addTorrent", base64.b64encode(f.read()).decode())

    def serves(self, lab, content):
        found = self._call(lab, "aria2.tellActive", ["seeder"])
        return [t.get("seeder") for t in found] == ["true"] * len(content.torrent_paths)


class Nginx(Daemon):
    """nginx with sendfile over HTTP: what the kernel does at its best, without BitTorrent."""

    name = "nginx"
    guide = "nginx.org/en/docs/http/ngx_http_core_module.html, sendfile"
    http = True
    block_bytes = 1 << 20  # what HTTP clients ask for; of 16 KiB each request would cost most

    def ask_version(self):
        return _version(["/usr/sbin/nginx", "-v"], r"nginx/([\d.]+)")

    def command(self, lab, content):
        outer = ["worker_processes: 1", f"worker_rlimit_nofile: {4 * PEERS_MAX}"]
        events = [f"worker_connections: {2 * PEERS_MAX}", "use: epoll", "multi_accept: on"]
        tuned = ["sendfile: on", "tcp_nopush: on", "tcp_nodelay: on", "access_log: off",
                 "keepalive_timeout: 3600s", "keepalive_requests: 1000000000",
                 "open_file_cache: max=8192 inactive=1h", "open_file_cache_valid: 1h"]
        self.settings = outer + events + tuned

        def lines(pairs):
            return "".join(p.replace(":", "", 1) + ";\n" for p in pairs)

        temps = "".join(f"{name}_temp_path {self._folder}/{name};\n" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        with open(os.path.join(self._folder, "nginx.conf"), "w", encoding="utf-8") as f:
            f.write(f"user root;\ndaemon off;\npid {self._folder}/pid;\nerror_log stderr;\n"
                    f"{lines(outer)}events {{\n{lines(events)}}}\n"
                    f"http {{\n{lines(tuned)}{temps}"
                    f"server {{\nlisten {lab.seeder_ip}:{PORT} backlog=8192;\n"
                    f"root {content.folder};\n}}\n}}\n")
        return ["/usr/sbin/nginx", "-e", "stderr", "-c", os.path.join(self._folder, "nginx.conf")]

    def serves(self, lab, content):
        try:
            lab.client.connect(lab.seeder_ip, PORT).close()
            return True
        except OSError:
            return False

    def pids(self):
        """The worker, not the master that only waits."""
        return procfs.children(self._process.pid)


class NginxBlocks(Nginx):
    """The same, asked for 16 KiB at a time as a seeder is."""

    name = "nginx-16k"
    block_bytes = 0


ALL = [Transmission, Rtorrent, Aria2, Nginx, NginxBlocks]
