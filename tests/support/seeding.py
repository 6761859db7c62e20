# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What most tests need: a lab where Spillway seeds and stock clients download."""

import contextlib
import os
import shutil
import urllib.parse

import clients
import content
import lab
import shell
import spillway
import tracker


class Seeded:
    """One torrent that Spillway seeds."""

    def __init__(self, path, torrent, info_hash, url):
        self.path = path
        self.torrent = torrent
        self.info_hash = info_hash
        self.magnet = (f"magnet:?xt=urn:btih:{info_hash.hex()}"
                       f"&dn={urllib.parse.quote(os.path.basename(path))}"
                       f"&tr={urllib.parse.quote(url, safe='')}")
        self.digests = content.digests(path)

    @property
    def name(self):
        return os.path.basename(self.path)


class Seeding:
    """A lab where a Spillway runs, and a tracker beside the clients.

    address    where peers reach Spillway.
    client_ns  the namespace where clients run.
    """

    def __init__(self, env, the_lab, daemon, address, client_ns):
        self.env = env
        self.lab = the_lab
        self.daemon = daemon
        self.address = address
        self.client_ns = client_ns
        self.dataplane = None
        self.remember_dataplane()
        self.tracker = tracker.Tracker(client_ns, the_lab.client_ip)

    def remember_dataplane(self):
        self.dataplane = self.daemon.dataplane_pid()

    def wait_restarted(self):
        """Until another dataplane than the one remembered serves, which is remembered then."""
        self.daemon.wait_other_dataplane(self.dataplane)
        self.remember_dataplane()

    def check_dataplane(self):
        """Raises when the dataplane is not the one that was started, or a sanitizer spoke."""
        reports = self.env.sanitizer_reports()
        if reports:
            raise shell.CommandError("\n".join(reports))
        pids = self.daemon.dataplane_pids()
        if pids != [self.dataplane]:
            raise shell.CommandError(f"the dataplane died: was {self.dataplane}, now {pids}")

    def seed(self, path, *create_options):
        """Create a torrent of a file or folder, add it; returns Seeded."""
        torrent = os.path.join(self.env.folder(), os.path.basename(path) + ".torrent")
        info_hash = spillway.create(self.env, path, torrent, "--tracker", self.tracker.url,
                                    *create_options)
        self.tracker.add(info_hash, self.address, spillway.PORT)
        self.daemon.add(torrent, os.path.dirname(path))
        return Seeded(path, torrent, info_hash, self.tracker.url)

    def start_client(self, kind, seeded, number=0, source=None):
        """A client, started; the caller stops it."""
        folder = self.env.folder()
        client = kind(self.client_ns, source or seeded.torrent, folder, number)
        self.env.watch(client.log)
        return client

    def download(self, kinds, seeded, source=None, timeout=120):
        """Run these clients at once and compare what each got; their copies are removed."""
        self.download_each([(kind, seeded, source) for kind in kinds], timeout)

    def download_each(self, wanted, timeout=120):
        """As download, of (kind, seeded, source) each."""
        running = []
        try:
            for number, (kind, seeded, source) in enumerate(wanted):
                running.append(self.start_client(kind, seeded, number, source))
            wait_finished(running, timeout)
            for client, (_, seeded, _) in zip(running, wanted):
                compare(client, seeded)
        finally:
            for client in running:
                client.stop()
                shutil.rmtree(os.path.dirname(client.data), ignore_errors=True)


def wait_finished(running, timeout):
    """Until every client has everything."""
    def all_finished():
        return all([c.finished() for c in running])
    try:
        shell.wait_until(all_finished, timeout, f"{len(running)} download(s)", pause=0.1)
    except shell.CommandError as e:
        states = ", ".join(f"{c.program}:{c.port} {'done' if c.finished() else 'not done'} "
                           f"{c.bytes_on_disk()} B" for c in running)
        raise shell.CommandError(f"{e}: {states}") from e


def compare(client, seeded):
    """Raises unless the client got exactly what is seeded."""
    got = content.digests(os.path.join(client.data, seeded.name))
    if got == seeded.digests:
        return
    missing = sorted(set(seeded.digests) - set(got))[:3]
    extra = sorted(set(got) - set(seeded.digests))[:3]
    differ = sorted(k for k in set(got) & set(seeded.digests)
                    if got[k] != seeded.digests[k])[:3]
    raise AssertionError(f"{client.program} got other bytes: missing {missing}, "
                         f"extra {extra}, different {differ}")


@contextlib.contextmanager
def started(daemon):
    """The daemon runs inside the block."""
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()


@contextlib.contextmanager
def tracked(env, the_lab, daemon, address, client_ns):
    """Seeding by a running daemon."""
    seeding = Seeding(env, the_lab, daemon, address, client_ns)
    try:
        yield seeding
    finally:
        seeding.tracker.close()


@contextlib.contextmanager
def af_xdp(env, **options):
    """Seeding over af_xdp on the seeder's end of a veth pair."""
    with lab.Lab() as the_lab:
        daemon = spillway.Spillway(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}", **options)
        with started(daemon), \
                tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as seeding:
            yield seeding


MIX = [clients.Aria2, clients.Transmission, clients.Libtorrent, clients.Rtorrent]
