# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The same over a link that loses one packet in a hundred, each way."""

import contextlib

import clients
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


def lossy(shape, kinds):
    def test(s):
        before = s.daemon.counter("tcp_retransmits")
        lost_before = s.lab.lost()
        s.download(kinds, getattr(s, shape), timeout=150)
        lost = [after - prior for after, prior in zip(s.lab.lost(), lost_before)]
        assert len(lost) == 2 and min(lost) > 0, f"the link lost {lost} packets"
        assert s.daemon.counter("tcp_retransmits") > before, "nothing was sent again"
    return test


def cases():
    for name, kind in clients.ALL.items():
        yield f"single file, {name}", lossy("single", [kind])
    yield "odd sizes, one of each", lossy("odd", seeding.MIX)
    yield "twenty at once", lossy("single", seeding.MIX * 5)
