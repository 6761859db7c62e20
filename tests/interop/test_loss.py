# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The same over a link that loses one packet in a hundred, each way."""

import contextlib

import content
import seeding


@contextlib.contextmanager
def fixture(env):
    folder = env.folder()
    with seeding.af_xdp(env) as s:
        s.single = s.seed(content.single(folder))
        s.odd = s.seed(content.odd(folder))
        s.lab.lose(one_in=100)
        yield s


def check(s):
    s.check_dataplane()


def lossy(s, wanted):
    """These downloads, (kind, seeded, source) each, lose packets and get every byte."""
    before = s.daemon.counter("tcp_retransmits")
    lost_before = s.lab.lost()
    s.download_each(wanted, timeout=150)
    lost = [after - prior for after, prior in zip(s.lab.lost(), lost_before)]
    assert len(lost) == 2 and min(lost) > 0, f"the link lost {lost} packets"
    assert s.daemon.counter("tcp_retransmits") > before, "nothing was sent again"


def test_two_shapes_one_of_each_client(s):
    lossy(s, [(kind, torrent, None) for kind in seeding.MIX for torrent in (s.single, s.odd)])


def test_twenty_at_once(s):
    lossy(s, [(kind, s.single, None) for kind in seeding.MIX * 5])
