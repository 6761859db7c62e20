# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Trackers for tests: an HTTP one that names one seeder for the torrents it knows (BEP 3, BEP 23)
and misbehaves when told to, a UDP one (BEP 15) that does so too, and Debian's opentracker."""

import contextlib
import http.server
import os
import signal
import socket
import ssl
import struct
import threading
import time
import urllib.parse

import bencode
import shell


def _here(ns):
    return ns.inside() if ns is not None else contextlib.nullcontext()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query,
                                      encoding="latin-1", strict_parsing=False)
        hashes = [h.encode("latin-1") for h in query.get("info_hash", [])]
        query = {name: values[0] for name, values in query.items()}
        query.update(hashes=hashes, source=self.client_address[0], at=time.monotonic(),
                     path=self.path)
        self.server.queries.append(query)
        if self.server.behaviour is not None:
            self.server.behaviour(self, query)
        else:
            self.reply(self.server.answer(query))

    def reply(self, answer, status=200, **headers):
        """Send bytes, or what is to be bencoded."""
        body = answer if isinstance(answer, bytes) else bencode.encode(answer)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def __init__(self, address, is_v6):
        self.address_family = socket.AF_INET6 if is_v6 else socket.AF_INET
        self.peers, self.queries, self.behaviour = {}, [], None
        super().__init__(address, _Handler)

    def answer(self, query):
        peer = self.peers.get(query.get("info_hash", "").encode("latin-1"))
        if peer is None:
            return {"failure reason": "unknown torrent"}
        compact = socket.inet_aton(peer[0]) + struct.pack("!H", peer[1])
        return {"interval": 30, "min interval": 1, "complete": 1, "incomplete": 0,
                "peers": compact}

    def handle_error(self, *_):
        pass  # a client that goes away


class Tracker:
    """Listens in a namespace, or without one, from construction to close().

    peers      info_hash → (address, port).
    behaviour  of a handler and its query, instead of answering; None answers.
    """

    def __init__(self, ns=None, address="127.0.0.1", port=0, tls=None):
        is_v6 = ":" in address
        with _here(ns):
            self._server = _Server((address, port if ns is None else port or 6969), is_v6)
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        name = f"[{address}]" if is_v6 else address
        self.url = f"http{'s' if tls else ''}://{name}:{self.port}/announce"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    def add(self, info_hash, address, port):
        self._server.peers[info_hash] = (address, port)

    def behave(self, behaviour):
        self._server.behaviour = behaviour

    @property
    def queries(self):
        """The parameters of every announce so far, in latin-1."""
        return list(self._server.queries)

    @property
    def announces(self):
        """(info_hash, event) of every announce so far."""
        return [(q.get("info_hash", "").encode("latin-1"), q.get("event", ""))
                for q in self.queries]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class UdpTracker:
    """A UDP tracker on loopback that knows every torrent.

    mode      "well", "silent", "short", "error", "strangers": answers come from elsewhere and with
              other transaction ids first, never rightly.
    connects  how many connection ids were asked for.
    announces [{info_hash, event, port, left, url, ...}].
    """

    HEAD = struct.Struct("!QII")
    ANNOUNCE = struct.Struct("!20s20sQQQIIIiH")

    def __init__(self, address="127.0.0.1", mode="well"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.mode, self.connects, self.announces, self.scrapes = mode, 0, [], []
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind((address, 0))
        self._other = socket.socket(family, socket.SOCK_DGRAM)
        self.port = self._socket.getsockname()[1]
        name = f"[{address}]" if ":" in address else address
        self.url = f"udp://{name}:{self.port}/announce?pass=key"
        self._open = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self._socket.settimeout(0.1)
        while self._open:
            try:
                data, peer = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            self._answer(data, peer)

    def _answer(self, data, peer):
        connection, action, transaction = self.HEAD.unpack_from(data)
        body = b""
        if action == 0:
            assert connection == 0x41727101980, hex(connection)
            self.connects += 1
            body = struct.pack("!Q", 0x1122334455667788)
        elif action == 1:
            self._note(data[16:])
            body = struct.pack("!III", 1800, 3, 7)
        elif action == 2:
            self.scrapes.append((len(data) - 16) // 20)
            body = struct.pack("!III", 7, 11, 3) * ((len(data) - 16) // 20)
        self._send(action, transaction, body, peer)

    def _note(self, body):
        f = self.ANNOUNCE.unpack_from(body)
        note = dict(zip(("info_hash", "peer_id", "downloaded", "left", "uploaded", "event", "ip",
                         "key", "num_want", "port"), f))
        note["at"] = time.monotonic()
        rest, note["url"] = body[self.ANNOUNCE.size:], b""
        while rest and rest[0] == 2:  # BEP 41
            note["url"] += rest[2:2 + rest[1]]
            rest = rest[2 + rest[1]:]
        self.announces.append(note)

    def _send(self, action, transaction, body, peer):
        well = struct.pack("!II", action, transaction) + body
        if self.mode == "silent":
            return
        if self.mode == "short":
            well = well[:10]
        if self.mode == "error" and action == 1:
            well = struct.pack("!II", 3, transaction) + b"not here\x1b[31m"
        if self.mode == "strangers":
            self._other.sendto(well, peer)
            well = struct.pack("!II", action, transaction ^ 1) + body
        self._socket.sendto(well, peer)

    def close(self):
        self._open = False
        self._thread.join()
        self._socket.close()
        self._other.close()


class OpenTracker:
    """opentracker in a namespace, or without one. Debian's serves those torrents only that a file
    names."""

    def __init__(self, env, ns=None, address="127.0.0.1", port=6969, scheme="http"):
        folder = env.folder()
        os.chmod(env.tmp, 0o755)  # it gives up its privileges
        self.list = os.path.join(folder, "white")
        with open(self.list, "w", encoding="ascii"):
            pass
        self.address, self.port = address, port
        self.url = f"{scheme}://{address}:{port}/announce"
        command = ["opentracker", "-i", address, "-p", str(port), "-P", str(port), "-d", folder,
                   "-w", "white"]
        log = env.watch(os.path.join(folder, "opentracker.log"))
        self.proc = ns.start(command, log) if ns is not None else shell.start(command, log)
        self._ns = ns
        shell.wait_until(self._listens, 10, "opentracker")

    def _listens(self):
        with contextlib.suppress(OSError), _here(self._ns):
            socket.create_connection((self.address, self.port), 1).close()
            return True
        return False

    def allow(self, info_hashes):
        """Serve these, too."""
        with open(self.list, "a", encoding="ascii") as f:
            f.writelines(h.hex() + "\n" for h in info_hashes)

        def allowed():
            self.proc.send_signal(signal.SIGHUP)
            time.sleep(0.1)
            return b"failure reason" not in self._announce(info_hashes[-1], "stopped")
        shell.wait_until(allowed, 30, "opentracker's list")

    def add(self, info_hash, _address, _port):
        """As Tracker.add, but it is not told where the seeder is."""
        self.allow([info_hash])

    def _announce(self, info_hash, event):
        """What a leecher at port 1 is answered."""
        query = urllib.parse.urlencode({
            "info_hash": info_hash, "peer_id": b"-XX0000-" + os.urandom(12), "port": 1,
            "uploaded": 0, "downloaded": 0, "left": 1, "compact": 1, "event": event},
            quote_via=urllib.parse.quote)
        with _here(self._ns):
            s = socket.create_connection((self.address, self.port), 5)
        with s:
            s.sendall(f"GET /announce?{query} HTTP/1.0\r\n\r\n".encode())
            answer = b"".join(iter(lambda: s.recv(65536), b""))
        return bencode.decode(answer.split(b"\r\n\r\n", 1)[1])

    def peers(self, info_hash):
        """[(address, port)] as a leecher is told."""
        packed = self._announce(info_hash, "started").get(b"peers", b"")
        rows = [packed[i:i + 6] for i in range(0, len(packed), 6)]
        peers = [(socket.inet_ntoa(r[:4]), struct.unpack("!H", r[4:])[0]) for r in rows]
        return [p for p in peers if p[1] != 1]

    def close(self):
        shell.stop(self.proc, signal.SIGTERM, 5)
