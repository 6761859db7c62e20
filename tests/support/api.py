# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The HTTP API as a tool sees it: raw sockets, HTTP requests, and Transmission's RPC."""

import base64
import contextlib
import http.client
import json
import random
import socket

import shell

PATH = "/transmission/rpc"
SESSION = "X-Transmission-Session-Id"


class Refused(Exception):
    """A result that is not success."""


class Api:
    """The API that control offers at 127.0.0.1:port.

    ns  the namespace it is in; None for ours.
    """

    def __init__(self, port, token, ns=None):
        self.port = port
        self.token = token
        self.ns = ns
        self.session = "none"

    def socket(self):
        """A connection, not used yet."""
        if self.ns is not None:
            return self.ns.connect("127.0.0.1", self.port)
        return socket.create_connection(("127.0.0.1", self.port), timeout=shell.PATIENCE_S)

    def raw(self, request, timeout=shell.PATIENCE_S):
        """Send bytes and read until the other side closes, or times out."""
        with self.socket() as s:
            s.settimeout(timeout)
            return exchange(s, request)

    def http(self, method, path, body=None, token=True, **headers):
        """One request. Returns status, headers and body; token None sends none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=shell.PATIENCE_S)
        words = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            words["Authorization"] = "Bearer " + (self.token if token is True else token)
        try:
            connection.sock = self.socket()
            connection.request(method, path, body, words)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def post(self, body):
        """A body to the RPC. Returns status and the JSON of the answer."""
        for _ in range(2):
            status, headers, text = self.http("POST", PATH, body,
                                              **{SESSION.replace("-", "_"): self.session})
            if status != 409:
                break
            self.session = headers[SESSION]
        return status, json.loads(text)

    def call(self, method, **arguments):
        """A method of the RPC. Returns its arguments; Refused when it does not succeed."""
        body = {"method": method, "tag": 7,
                "arguments": {k.replace("__", "-"): v for k, v in arguments.items()}}
        status, answer = self.post(json.dumps(body))
        assert status == 200 and answer["tag"] == 7, (status, answer)
        if answer["result"] != "success":
            raise Refused(answer["result"])
        return answer["arguments"]

    def refused(self, method, **arguments):
        """The result of a method that must not succeed."""
        try:
            answer = self.call(method, **arguments)
        except Refused as e:
            return str(e)
        raise AssertionError(f"{method} succeeded: {answer}")

    def get(self, *fields, **arguments):
        return self.call("torrent-get", fields=list(fields), **arguments)["torrents"]

    def get_session(self, *fields):
        return self.call("session-get", fields=list(fields))

    def add(self, torrent, data, **arguments):
        with open(torrent, "rb") as f:
            text = base64.b64encode(f.read()).decode()
        return self.call("torrent-add", metainfo=text, download__dir=data, **arguments)

    def remote(self, *words, check=True):
        """transmission-remote. Returns what it printed."""
        command = ["transmission-remote", f"127.0.0.1:{self.port}", "-n", "spillway:" + self.token,
                   *words]
        if self.ns is not None:
            command = ["ip", "netns", "exec", self.ns.name, *command]
        done = shell.run(command, check=False, timeout=60)
        text = done.stdout + done.stderr
        assert not check or (done.returncode == 0 and "Error" not in text), done
        return text


def exchange(s, request):
    """Send bytes and read to the end, or what came until it was reset or timed out."""
    answer = b""
    try:
        s.sendall(request)
        while True:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    except OSError:
        pass
    return answer


def status_of(answer):
    """The status of a raw answer, 0 when there is none."""
    words = answer.split(b" ", 2)
    return int(words[1]) if answer.startswith(b"HTTP/1.") and len(words) > 1 else 0


def free_port():
    """A port that is nobody's, and that the kernel gives to nobody who asks for any."""
    while True:
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", random.randrange(12000, 30000)))
            return s.getsockname()[1]
