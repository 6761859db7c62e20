# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""An HTTP tracker for a namespace: names one seeder for the torrents it knows (BEP 3, BEP 23)."""

import http.server
import socket
import struct
import threading
import urllib.parse

import bencode


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query,
                                      encoding="latin-1", strict_parsing=False)
        info_hash = query.get("info_hash", [""])[0].encode("latin-1")
        peer = self.server.peers.get(info_hash)
        self.server.announces.append((info_hash, query.get("event", [""])[0]))
        if peer is None:
            answer = {"failure reason": "unknown torrent"}
        else:
            compact = socket.inet_aton(peer[0]) + struct.pack("!H", peer[1])
            answer = {"interval": 30, "min interval": 1, "complete": 1, "incomplete": 0,
                      "peers": compact}
        body = bencode.encode(answer)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


class Tracker:
    """Listens in a namespace from construction to close(). peers: info_hash → (address, port)."""

    def __init__(self, ns, address, port=6969):
        with ns.inside():
            self._server = http.server.ThreadingHTTPServer((address, port), _Handler)
        self._server.peers = {}
        self._server.announces = []
        self.url = f"http://{address}:{port}/announce"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def add(self, info_hash, address, port):
        self._server.peers[info_hash] = (address, port)

    @property
    def announces(self):
        """(info_hash, event) of every announce so far."""
        return list(self._server.announces)

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
