# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Each seeder on the best wire that it can use: Spillway also on wires that no kernel is on."""

import os
import shutil
import tempfile

import compare
from seeders import Spillway

FLOORS = ["null", "af_xdp", "memif", "vhost-user", "vhost-user, 64 KiB frames"]


class OnSocket(Spillway):
    """Spillway whose wire is a socket, with the generator's TCP at its other end.

    port, far_port   of either end, with the socket's path in place of {}.
    """

    fresh = True

    def __init__(self, options, folder, huge, scenario, wire):
        super().__init__(options.build, folder, huge, arena_mib=scenario.arena_mib)
        self.name, port, far_port = wire
        self.wire = self.name.partition(", ")[2]
        self._ports = port, far_port
        self._folder = None

    def port_options(self, lab):
        self._folder = tempfile.mkdtemp(prefix="spwp-", dir="/run")  # an option port is short
        path = os.path.join(self._folder, "wire")
        self.far_port = self._ports[1].format(path)
        return {"port": self._ports[0].format(path), "address": lab.seeder_ip}

    def stop(self):
        super().stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


SOCKETS = [("spillway, memif", "memif:{},server", "memif:{}"),
           ("spillway, vhost-user", "vhost-user:{},server", "vhost-backend:{},client")]


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
