# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""tcp_host under test: the process in a namespace, and clients that command it."""

import json
import os
import socket

import shell

USAGE = 2  # exit status


class Refused(Exception):
    """tcp_host answered "error ..."; the text is what follows."""


class Unsupported(shell.CommandError):
    """This tcp_host does not know one of its options, or a value of it."""


class Client:
    """A connection to the command socket; call it with a command, get what follows "ok"."""

    def __init__(self, path, timeout=60):
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sock.settimeout(timeout)
        self._sock.connect(path)

    def ask(self, command):
        """Send a command without waiting for its answer."""
        self._sock.send(command.encode())

    def answer(self):
        text = self._sock.recv(1 << 16).decode()
        if text != "ok" and not text.startswith(("ok ", "ok\n")):
            raise Refused(text.removeprefix("error "))
        return text[3:]

    def __call__(self, command):
        self.ask(command)
        return self.answer()

    def info(self):
        return json.loads(self("info"))

    def read_all(self):
        """Bytes until the peer's FIN."""
        total = 0
        while (n := int(self("read"))) > 0:
            total += n
        return total

    def close(self):
        self._sock.close()


class TcpHost:
    """tcp_host in a namespace; a context manager. options: further options, by name; True: without
    a value."""

    def __init__(self, env, ns, port, address, **options):
        folder = env.folder()
        self.socket = os.path.join(folder, "host.sock")
        self.log = env.watch(os.path.join(folder, "tcp_host.log"))
        self.address = address.split("/")[0]
        self._ns = ns
        self._command = [os.path.join(env.build, "tests", "tcp_host"), "--port", port,
                         "--address", address, "--socket", self.socket]
        for name, value in options.items():
            self._command.append("--" + name.replace("_", "-"))
            if value is not True:
                self._command.append(str(value))
        if not env.huge:
            self._command.append("--no-huge")
        self.proc = None
        self._clients = []

    def __enter__(self):
        self.proc = self._ns.start(self._command, self.log)
        shell.wait_until(self._ready, 30, "tcp_host ready")
        return self

    def _ready(self):
        status = self.proc.poll()
        if status == USAGE:
            raise Unsupported(shell.tail_file(self.log))
        if status is not None:
            raise shell.CommandError(f"tcp_host ended with status {status}")
        return "ready" in shell.tail_file(self.log)

    def client(self, timeout=60):
        client = Client(self.socket, timeout)
        self._clients.append(client)
        return client

    def __exit__(self, kind, *_):
        for client in self._clients:
            client.close()
        status = shell.stop(self.proc)
        if kind is None:
            assert status == 0, f"tcp_host ended with status {status}"
