# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Torrents made by `spillway create` load in stock clients and describe the content truly."""

import os
import re

import libtorrent as lt

import bencode
import content
import shell
import spillway

TRACKER = "http://10.77.1.2:6969/announce"
SHAPES = {"single file": content.single, "odd sizes": content.odd, "2000 files": content.many,
          "one byte": lambda parent: content.single(parent, 1, "one byte.bin")}


def _libtorrent_checks(env, torrent, folder):
    """libtorrent hashes the content (a hybrid's both ways) and finds it whole."""
    session = lt.session({"listen_interfaces": "", "enable_dht": False, "enable_lsd": False,
                          "enable_upnp": False, "enable_natpmp": False})
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    handle = session.add_torrent(params)

    def checked():
        status = handle.status()
        assert not status.errc.value(), f"libtorrent: {status.errc.message()}"
        return status.is_seeding
    shell.wait_until(checked, 60, "libtorrent finds the content whole")


def created(shape, *options):
    def test(env):
        folder = env.folder()
        path = SHAPES[shape](folder)
        torrent = os.path.join(env.folder(), "t.torrent")
        ours = spillway.create(env, path, torrent, "--tracker", TRACKER, *options)
        info = lt.torrent_info(torrent)
        assert info.info_hashes().v1.to_bytes() == ours
        assert info.info_hashes().has_v2() == ("--hybrid" in options)
        assert info.priv() == ("--private" in options)
        assert [t.url for t in info.trackers()] == [TRACKER]
        _libtorrent_checks(env, torrent, folder)
        if "--hybrid" not in options:
            shown = shell.run(["transmission-show", torrent]).stdout
            assert f"Hash: {ours.hex()}" in shown, shown
            shown = shell.run(["aria2c", "-S", torrent]).stdout
            assert re.search(f"Info Hash: {ours.hex()}", shown, re.IGNORECASE), shown
    return test


def cases():
    for shape in SHAPES:
        yield f"{shape}", created(shape)
        yield f"{shape}, hybrid", created(shape, "--hybrid")
    yield "private", created("odd sizes", "--private")


def test_piece_length_and_name(env):
    path = content.single(env.folder(), 1 << 20)
    torrent = os.path.join(env.folder(), "t.torrent")
    spillway.create(env, path, torrent, "--piece-length", "65536", "--name", "another name")
    with open(torrent, "rb") as f:
        info = bencode.decode(f.read())[b"info"]
    assert info[b"piece length"] == 65536 and info[b"name"] == b"another name", info.keys()
    assert len(info[b"pieces"]) == 16 * 20


def test_refusals(env):
    """What cannot be made is refused with one line that names it."""
    folder = env.folder()
    os.symlink("/etc/hostname", os.path.join(folder, "link"))
    os.mkfifo(os.path.join(folder, "pipe"))
    empty = os.path.join(folder, "empty")
    os.mkdir(empty)
    for path in ("missing", "pipe", "empty"):
        out = os.path.join(folder, path + ".torrent")
        done = shell.run([spillway.cli_path(env), "create", os.path.join(folder, path), "-o", out],
                         check=False)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == 1 and len(lines) == 1 and path in lines[0], (path, done)
        assert not os.path.exists(out), f"{out} was left behind"
    path = content.single(env.folder(), 1000)
    out = os.path.join(folder, "t.torrent")
    for url in ("tracker.example/announce", "ftp://tracker.example/", "udp://tracker.example", ""):
        done = shell.run([spillway.cli_path(env), "create", path, "-o", out, "--tracker", url],
                         check=False)
        assert done.returncode == 2 and "is not a tracker's URL" in done.stderr, (url, done)
        assert not os.path.exists(out), f"{out} was made"
