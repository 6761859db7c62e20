# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Each seeder on the best wire that it can use: Spillway also on wires that no kernel is on."""

import contextlib
import json
import os
import shutil
import socket
import tempfile

import compare
from load import without_buckets
from seeders import Spillway
from shell import CommandError, wait_until

FLOORS = ["null", "af_xdp", "memif", "vhost-user", "vhost-user, 64 KiB frames"]


class OnSocket(Spillway):
    """Spillway whose wire is a socket, with the generator's TCP at its other end.

    wire  name, Spillway's port, the generator's port ({} stands for the socket's path), and whether
          the generator's end is the one that listens: then Spillway starts after it.
    """

    fresh = True

    def __init__(self, options, folder, huge, scenario, wire):
        super().__init__(options.build, folder, huge, arena_mib=scenario.arena_mib)
        self.name, self._port, self._far_port, self._joins = wire
        self.wire = self.name.partition(", ")[2]
        self._folder = self._path = self._later = None

    def port_options(self, lab):
        return {"port": self._port.format(self._path), "address": lab.seeder_ip}

    def start(self, lab, content, cpu):
        self._folder = tempfile.mkdtemp(prefix="spwp-", dir="/run")  # an option port is short
        self._path = os.path.join(self._folder, "wire")
        self.far_port = self._far_port.format(self._path)
        if not self._joins:
            super().start(lab, content, cpu)
            return
        port, self._port = self._port, "null"
        super().start(lab, content, cpu)  # the content is checked, its catalogue kept
        super().stop()
        self._port = port
        self._later = lambda: super(OnSocket, self).start(lab, content, cpu)

    def join(self):
        if self._later is not None:
            wait_until(lambda: os.path.exists(self._path), 10, "the generator does not listen")
            self._later()

    def stop(self):
        super().stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = self._later = None


class RingGenerator:
    """The generator inside the seeder's process, asked through a socket."""

    def __init__(self, path):
        self._path = path

    def run(self, lab, seeder, content, load):
        """What load.Generator.run returns."""
        words = ["--torrent", content.torrent_path, "--connections", str(load.connections),
                 "--seconds", str(load.seconds), "--outstanding", str(load.outstanding),
                 *load.words]
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(load.seconds + 60)
            s.connect(self._path)
            s.sendall((" ".join(words) + "\n").encode())
            answer = b"".join(iter(lambda: s.recv(65536), b"")).decode()
        if not answer.startswith("{"):
            raise CommandError("ring_dp: " + (answer.strip() or "no answer"))
        parts = json.loads(answer)
        seen = parts["leech"]
        seen["seeder_cpu_s"] = sum(parts["seeder"]["worker_cpu_s"])
        return seen, 0, "", without_buckets(seen)

    @contextlib.contextmanager
    def running(self, lab, seeder, content, load):
        """See load.Generator. Nothing has to settle: the content was read before."""
        yield lambda: self.run(lab, seeder, content, load)


class OnRing(Spillway):
    """Spillway and the generator in one process, whose lcores pass packets by pointer."""

    name, wire, process = "spillway, ring", "ring", "ring_dp"

    def __init__(self, options, folder, huge, scenario):
        self._binary = os.path.join(options.build, "perf", "ring_dp")
        super().__init__(options.build, folder, huge, arena_mib=scenario.arena_mib,
                         dataplane=self._binary)
        self._folder = None

    def port_options(self, lab):
        return {"port": "ring", "address": lab.seeder_ip}

    def start(self, lab, content, cpu):
        if not os.path.exists(self._binary):
            raise CommandError("this build has no ring_dp")
        self._folder = tempfile.mkdtemp(prefix="spwp-", dir="/run")
        path = os.environ["RING_DP_SOCKET"] = os.path.join(self._folder, "ring")
        self.source = RingGenerator(path)
        super().start(lab, content, None)  # its threads need a CPU each

    def stop(self):
        super().stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


SOCKETS = [("spillway, memif", "memif:{},server", "memif:{}", False),
           ("spillway, vhost-user", "vhost-user:{}", "vhost-backend:{}", True)]


class Wires(compare.Comparison):
    """The seeders of a comparison, and Spillway once more for each wire of its own."""

    def make_seeders(self, huge):
        super().make_seeders(huge)
        if "spillway" not in self.options.seeders:
            return
        at = self.options.seeders.index("spillway") + 1
        self.seeders.insert(at, OnRing(self.options, self._folder(OnRing.name), huge,
                                       self.scenario))
        for wire in reversed(SOCKETS):
            self.seeders.insert(at, OnSocket(self.options, self._folder(wire[0]), huge,
                                             self.scenario, wire))

    def _folder(self, name):
        path = os.path.join(self._work, name.replace(", ", "-"))
        os.makedirs(path)
        return path
