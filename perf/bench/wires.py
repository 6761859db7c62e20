# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Each seeder on the best wire that it can use: Spillway also on wires that no kernel is on."""

import os
import shutil
import tempfile

import compare
from seeders import Spillway
from shell import wait_until

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


SOCKETS = [("spillway, memif", "memif:{},server", "memif:{}", False),
           ("spillway, vhost-user", "vhost-user:{}", "vhost-backend:{}", True)]


class Wires(compare.Comparison):
    """The seeders of a comparison, and Spillway once more for each wire of its own."""

    def make_seeders(self, huge):
        super().make_seeders(huge)
        if "spillway" not in self.options.seeders:
            return
        at = self.options.seeders.index("spillway") + 1
        for wire in reversed(SOCKETS):
            folder = os.path.join(self._work, wire[0].replace(", ", "-"))
            os.makedirs(folder)
            self.seeders.insert(at, OnSocket(self.options, folder, huge, self.scenario, wire))
