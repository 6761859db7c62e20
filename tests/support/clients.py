# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Stock BitTorrent clients as Debian ships them, with their default settings wherever a download
without a terminal allows it. Discovery is by the tracker alone: nothing else is in reach."""

import json
import os

import shell

_HERE = os.path.dirname(os.path.abspath(__file__))


class Client:
    """One download: started by construction, done when finished(), gone after stop().

    ns       the namespace it runs in.
    source   path of a .torrent file, or a magnet link.
    folder   an existing empty folder; the content arrives in folder/data.
    number   distinct for those that run at once; gives each its own listening port.
    """

    program = ""
    leaves = False  # ends by itself, with status 0, when it has everything

    def __init__(self, ns, source, folder, number=0):
        self.source = source
        self.data = os.path.join(folder, "data")
        self.home = os.path.join(folder, "home")
        self.log = os.path.join(folder, f"{self.program}.log")
        self.mark = os.path.join(folder, "finished")
        self.port = 51000 + number
        os.mkdir(self.data)
        os.mkdir(self.home)
        self.ns = ns
        environment = {**os.environ, "HOME": self.home, "TERM": "dumb"}
        self._proc = ns.start(self.command(), self.log, env=environment, cwd=folder)
        try:
            self.after_start()
        except BaseException:
            self.stop()
            raise

    def command(self):
        """The command line."""
        raise NotImplementedError

    def after_start(self):
        """What is to be done once it runs."""

    def finished(self):
        """True once the whole content is there; CommandError when the client gave up."""
        status = self._proc.poll()  # before the mark is looked for: it may end in between
        if os.path.exists(self.mark) or (self.leaves and status == 0):
            return True
        if status is not None:
            raise shell.CommandError(f"{self.program} ended with status {status}\n"
                                     + shell.tail_file(self.log))
        return False

    def bytes_on_disk(self):
        """How much has come so far, roughly: allocated bytes."""
        return sum(os.stat(os.path.join(folder, name)).st_blocks * 512
                   for folder, _, names in os.walk(self.data) for name in names)

    def stop(self):
        shell.stop(self._proc, timeout=5)


class Aria2(Client):
    """aria2c, which leaves by itself when the download is complete."""

    program = "aria2c"
    leaves = True

    def command(self):
        return ["aria2c", "--no-conf", "--seed-time=0", f"--dir={self.data}",
                f"--listen-port={self.port}", "--enable-dht=false", "--file-allocation=none",
                "--summary-interval=5", "--console-log-level=info", self.source]


class Transmission(Client):
    """transmission-daemon, told what to do by transmission-remote; runs a script when complete.

    uTP is off: 3.00 never turns to TCP for a torrent's first peers when these have no uTP
    (transmission/transmission#4897).
    """

    program = "transmission-daemon"

    def settings(self):
        """What settings.json says."""
        return {"utp-enabled": False, "peer-port": self.port, "rpc-port": self.port + 1000,
                "download-dir": self.data, "port-forwarding-enabled": False,
                "script-torrent-done-enabled": True,
                "script-torrent-done-filename": os.path.join(self.home, "done.sh")}

    def command(self):
        script = os.path.join(self.home, "done.sh")
        with open(script, "w", encoding="utf-8") as f:
            f.write(f"#!/bin/sh\ntouch '{self.mark}'\n")
        os.chmod(script, 0o755)
        with open(os.path.join(self.home, "settings.json"), "w", encoding="utf-8") as f:
            json.dump(self.settings(), f)
        return ["transmission-daemon", "--foreground", "--config-dir", self.home]

    def after_start(self):
        remote = ["transmission-remote", str(self.port + 1000), "--add", self.source]
        shell.wait_until(lambda: self.ns.run(remote, check=False).returncode == 0, 20,
                         "transmission-daemon takes the torrent", pause=0.1)


class Rtorrent(Client):
    """rTorrent as a daemon, driven by a configuration file."""

    program = "rtorrent"

    def command(self):
        session = os.path.join(self.home, "session")
        config = os.path.join(self.home, "rc")
        os.mkdir(session)
        source = self.source
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"directory.default.set = {self.data}\n"
                    f"session.path.set = {session}\n"
                    f"network.port_range.set = {self.port}-{self.port}\n"
                    "dht.mode.set = disable\n"
                    "system.daemon.set = true\n"
                    "method.set_key = event.download.finished, mark, "
                    f'"execute2=touch,{self.mark}"\n'
                    f'schedule2 = load, 0, 0, "load.start={source}"\n')
        return ["rtorrent", "-n", "-o", f"import={config}"]


class Libtorrent(Client):
    """python3-libtorrent with its default settings, by a script of ours."""

    program = "libtorrent"
    options = ()

    def command(self):
        return ["/usr/bin/python3", os.path.join(_HERE, "lt_get.py"), "--port", str(self.port),
                *self.options, self.source, self.data, self.mark]


class SlowLibtorrent(Libtorrent):
    """One that takes its time, and soon comes back to a peer it lost: for the fault tests."""

    options = ("--reconnect-s", "1", "--rate-mib", "8")


ALL = {"aria2": Aria2, "transmission": Transmission, "libtorrent": Libtorrent,
       "rtorrent": Rtorrent}
