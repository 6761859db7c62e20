# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Who sends over an impaired path: the kernel, or our stack. Both listen; the receiver connects."""

import contextlib
import json
import os
import threading

import path_lab
import shell
import tcp_host

KERNEL_PORT, OUR_PORT = 5001, 5002  # with af_xdp both have one address
NO_SUCH_CC = 3  # spillway-kernelflow's exit status
ENDLESS_BYTES = 1 << 40
SERVE_S = 600


class Kernel:
    """spillway-kernelflow over the kernel's TCP."""

    stack = "linux"
    port = KERNEL_PORT

    def __init__(self, env, lab, cc, flows):
        self.address = lab.sender_ip
        self._log = env.watch(os.path.join(env.folder(), "send.log"))
        self._proc = lab.sender.start(
            [os.path.join(env.build, "perf", "spillway-kernelflow"), "send",
             "--listen", f"{self.address}:{self.port}", "--cc", cc, "--flows", str(flows)],
            self._log)
        shell.wait_until(self._ready, 10, "spillway-kernelflow")

    def _ready(self):
        status = self._proc.poll()
        if status == NO_SUCH_CC:
            raise tcp_host.Unsupported(shell.tail_file(self._log))
        if status is not None:
            raise shell.CommandError(shell.tail_file(self._log))
        return "ready" in shell.tail_file(self._log)

    def info(self):
        """What it knows of its first flow, once the receiver is done."""
        shell.stop(self._proc)
        flows = json.loads(shell.tail_file(self._log).splitlines()[-1])["flows"]
        return flows[0] if flows else {}

    def stop(self):
        shell.stop(self._proc)


class Ours:
    """tcp_host, which serves each flow by a thread that only asks."""

    stack = "spillway"
    port = OUR_PORT

    def __init__(self, env, lab, cc, flows):
        self.address = lab.sender_ip if env.port_kind == "af_xdp" else lab.spare_ip
        self._stack = contextlib.ExitStack()
        self._host = self._stack.enter_context(tcp_host.TcpHost(
            env, lab.sender, f"{env.port_kind}:{path_lab.SENDER_IF}", self.address, cc=cc,
            listen_port=OUR_PORT))
        try:
            self._client = self._host.client()
            self._client(f"listen {OUR_PORT}")
            for _ in range(flows):
                client = self._host.client(SERVE_S)
                client.ask("accept")
                threading.Thread(target=_serve, args=[client], daemon=True).start()
        except BaseException:
            self.stop()
            raise

    def info(self):
        """What it knows of its first flow; of the counters those that count something."""
        info = json.loads(self._client("#1 info"))
        info["counters"] = {k: v for k, v in info["counters"].items() if v}
        return info

    def stop(self):
        self._stack.close()


def _serve(client):
    """Zeros for one flow until the receiver goes, which is an error to the host."""
    with contextlib.suppress(tcp_host.Refused, OSError, ValueError):
        client.answer()
        client(f"write {ENDLESS_BYTES}")


STACKS = {"linux": Kernel, "spillway": Ours}
