# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A disk that has become slow: those who wait for it wait, nobody else does."""

import contextlib

import clients
import content
import disks
import seeding
import shell
import throttle

LENGTH = 8 << 20
SLOW_BYTES_PER_S = 64 << 10
PATIENT = 3


@contextlib.contextmanager
def fixture(env):
    with disks.mounted(env, "ext4", 96, "-O", "^has_journal") as disk, seeding.af_xdp(env) as s:
        s.disk = disk
        yield s


def check(s):
    s.check_dataplane()


def test_others_do_not_wait(s):
    slow = s.seed(content.single(s.disk.mount, LENGTH, "slow.bin"))
    fast = s.seed(content.single(s.env.folder(), LENGTH, "fast.bin"))
    waiting = []
    with throttle.reads(s.dataplane, slow.path, SLOW_BYTES_PER_S) as disk:
        try:
            waiting = [s.start_client(clients.Libtorrent, slow, 10 + i) for i in range(PATIENT)]
            shell.wait_until(lambda: s.daemon.counter("disk_reading") > 0, 30, "reads wait",
                             pause=0.1)
            s.download([clients.Aria2, clients.Libtorrent], fast)
            assert s.daemon.counter("disk_reading") > 0, "nothing waited for the slow disk"
            assert not any(c.finished() for c in waiting), "the slow disk was not slow"
            disk.set(0)
            seeding.wait_finished(waiting, 120)
            for client in waiting:
                seeding.compare(client, slow)
        finally:
            for client in waiting:
                client.stop()
    assert s.daemon.counter("pieces_withdrawn") == 0
