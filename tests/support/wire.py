# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A peer of the wire protocol that does exactly what a test tells it, right or wrong."""

import os
import struct
import time

import bencode
import shell

PROTOCOL = b"\x13BitTorrent protocol"
CHOKE, UNCHOKE, INTERESTED, NOT_INTERESTED, HAVE, BITFIELD, REQUEST, PIECE, CANCEL = range(9)
PORT, HAVE_ALL, HAVE_NONE, REJECT, EXTENDED = 9, 14, 15, 16, 20
RESERVED_PLAIN = bytes(8)
RESERVED_ALL = bytes([0, 0, 0, 0, 0, 0x10, 0, 0x04])  # BEP 10 and BEP 6


class Peer:
    """One connection from a namespace."""

    def __init__(self, ns, address, port, timeout=shell.PATIENCE_S):
        self.sock = ns.connect(address, port, timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send_raw(self, data):
        self.sock.sendall(data)

    def send(self, kind, payload=b""):
        """One message."""
        self.send_raw(struct.pack("!IB", len(payload) + 1, kind) + payload)

    def request(self, piece, begin, length):
        self.send(REQUEST, struct.pack("!III", piece, begin, length))

    def handshake(self, info_hash, reserved=RESERVED_ALL):
        """Both handshakes; returns the reserved bytes of the other side."""
        peer_id = b"-TS0001-" + os.urandom(12)
        self.send_raw(PROTOCOL + reserved + info_hash + peer_id)
        answer = self.receive_exactly(68)
        assert answer[:20] == PROTOCOL and answer[28:48] == info_hash, answer
        return answer[20:28]

    def receive_exactly(self, length):
        """ConnectionError when the other side closes first."""
        out = b""
        while len(out) < length:
            chunk = self.sock.recv(length - len(out))
            if not chunk:
                raise ConnectionError("closed by the other side")
            out += chunk
        return out

    def receive(self):
        """The next message as (kind, payload); a keep-alive is (None, b"")."""
        length = struct.unpack("!I", self.receive_exactly(4))[0]
        if length == 0:
            return None, b""
        body = self.receive_exactly(length)
        return body[0], body[1:]

    def receive_until(self, kind):
        """The payload of the next message of a kind, others being skipped."""
        while True:
            got, payload = self.receive()
            if got == kind:
                return payload

    def interested(self):
        """Say so, and wait for the unchoke."""
        self.send(INTERESTED)
        self.receive_until(UNCHOKE)

    def extended_handshake(self, **values):
        """BEP 10 both ways; returns the other side's dictionary."""
        self.send(EXTENDED, b"\0" + bencode.encode(values))
        return bencode.decode(self.receive_until(EXTENDED)[1:])

    def is_closed(self, timeout=shell.PATIENCE_S):
        """True when the other side ends the connection within the time; what it sends is thrown
        away."""
        end = time.monotonic() + timeout
        self.sock.settimeout(0.2)
        while time.monotonic() < end:
            try:
                if not self.sock.recv(65536):
                    return True
            except TimeoutError:
                continue
            except ConnectionError:
                return True
        return False
