# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Transmission takes over a minute before its DHT node asks for peers."""

import contextlib

import dht


@contextlib.contextmanager
def fixture(env):
    with dht.surrounded(env) as s:
        yield s


def check(s):
    s.check_dataplane()


def test_magnet_by_transmission(s):
    dht.download(s, ["transmission"], (s.lab.client_ip, dht.PORT))
