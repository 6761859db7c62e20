# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""How torrents come in: as a folder, as an info dictionary alone, with files missing. spillwayd by
itself, with a dataplane double."""

import hashlib
import json
import os

import bencode
import content
import shell
import spillway
from alone import FILES, running as _control

SANITIZED = True
PIECE = 16384


def _only(c):
    torrents = c.json("list")["torrents"]
    assert len(torrents) == 1, torrents
    return c.torrent(torrents[0]["info_hash"])


def test_folder(env):
    """A folder is added as what spillway create makes of it."""
    with _control(env) as c:
        root = content.odd(env.folder())
        out = c.cli("add", root, "--tracker", "http://t.example/a", "--label", "mine",
                    "--private").stdout
        assert out.startswith("seeding odd "), out
        shown = _only(c)
        assert shown["data"] == os.path.dirname(root) and shown["labels"] == ["mine"], shown
        assert shown["trackers"] == ["http://t.example/a"] and shown["private"], shown
        same = spillway.create(env, root, os.path.join(c.folder, "x.torrent"), "--private")
        assert shown["info_hash"] == same.hex() and shown["magnet"].startswith("magnet:?xt=urn")
        done = c.cli("add", root, "--private", check=False)
        assert done.returncode == 1 and "seeded already" in done.stderr, done
        done = c.cli("add", root, "--data", "/", check=False)
        assert done.returncode == 2 and "its own content" in done.stderr, done
        os.symlink("/etc/passwd", os.path.join(root, "link"))
        done = c.cli("add", root, check=False)
        assert done.returncode == 1 and "link" in done.stderr, done
        empty = env.folder()
        assert c.cli("add", empty, check=False).returncode == 1
        assert len(c.json("list")["torrents"]) == 1


def test_folder_is_read_once(env):
    """What the command has hashed is known to spillwayd, and not read again."""
    with _control(env) as c:
        root = content.odd(env.folder())
        c.cli("add", root)
        shown = _only(c)
        assert shown["pieces_had"] == shown["pieces"], shown
        assert "ranges_known=1" in c.log_text(), c.log_text()
        c.cli("verify", shown["info_hash"])
        assert _only(c)["pieces_had"] == shown["pieces"]
        assert "ranges_known=0" in c.log_text(), c.log_text()


def test_known_is_refused(env):
    """What stands behind a .torrent is read with care, and nothing is added for it."""
    with _control(env) as c:
        path, torrent = c.content("known.bin")
        with open(torrent, "rb") as f:
            whole = f.read()
        behind = os.path.join(c.folder, "behind")
        ask = {"command": "add", "data": os.path.dirname(path)}
        for tail, length in ((b"", 0), (b"", -1), (b"", len(whole) + 1), (b"x", len(whole)),
                             (b"\0" * 24 + b"x", len(whole)), (b"\xff" * 24, len(whole))):
            with open(behind, "wb") as f:
                f.write(whole + tail)
            with open(behind, "rb") as f:
                answer = c.ask({**ask, "torrent_len": length}, f.fileno())
            assert answer[-1]["ok"] is False, (tail, length, answer)
        assert not c.json("list")["torrents"]


def test_info_dictionary(env):
    """What peers give for a magnet link is enough; trackers may be told beside it."""
    with _control(env) as c:
        path, torrent = c.content("bare.bin")
        with open(torrent, "rb") as f:
            info = bencode.encode(bencode.decode(f.read())[b"info"])
        bare = os.path.join(c.folder, "bare.info")
        with open(bare, "wb") as f:
            f.write(info)
        words = ["--data", os.path.dirname(path)]
        done = c.cli("add", torrent, *words, "--tracker", "http://a/", check=False)
        assert done.returncode == 1 and "has its own" in done.stderr, done
        c.cli("add", bare, *words, "--tracker", "http://a/x", "--tracker", "udp://b:1/")
        shown = _only(c)
        assert shown["info_hash"] == hashlib.sha1(info).hexdigest()
        assert shown["trackers"] == ["http://a/x", "udp://b:1/"], shown
        c.activate(1)
        shell.wait_until(lambda: _only(c)["active"], 5, "active")
        c.stop()
        c.start()
        assert _only(c)["trackers"] == ["http://a/x", "udp://b:1/"]
        with open(bare, "wb") as f:
            f.write(info[:-1])
        done = c.cli("add", bare, *words, check=False)
        assert done.returncode == 1 and "ends too early" in done.stderr, done
        with open(torrent, "rb") as f:
            for trackers in ("x", [1], ["http://a/"] * 1000):
                answer = c.ask({"command": "add", "data": "/", "trackers": trackers}, f.fileno())
                assert answer[-1]["ok"] is False, trackers


def _folder(env, c):
    """A folder of three files of whole pieces and its .torrent."""
    root = os.path.join(env.folder(), "three")
    os.mkdir(root)
    for name in "abc":
        content.write_file(os.path.join(root, name), 4 * PIECE, name)
    torrent = os.path.join(c.folder, "three.torrent")
    spillway.create(env, root, torrent, "--piece-length", "16KiB")
    return root, torrent


def _verified(c, had):
    shell.wait_until(lambda: _only(c)["state"] != "verifying", 10, "verified")
    shown = _only(c)
    assert (shown["state"], shown["pieces_had"]) == ("seeding", had), shown


def test_partial_seed(env):
    """With --partial what is there is served; what comes later is found."""
    with _control(env) as c:
        root, torrent = _folder(env, c)
        words = ["add", torrent, "--data", os.path.dirname(root)]
        os.rename(os.path.join(root, "b"), os.path.join(c.folder, "b"))
        done = c.cli(*words, check=False)
        assert done.returncode == 1 and "b: file is missing" in done.stderr, done
        done = c.cli(*words, "--partial")
        assert "4 of 12 pieces are missing" in done.stderr, done
        _verified(c, 8)
        c.activate(1)
        shell.wait_until(lambda: _only(c)["active"], 5, "active")
        assert c.events("layout")[-1]["have"] == "f0f0", c.events("layout")
        assert [e["fds"] for e in c.events("message", kind=FILES)] == [3]
        c.stop()
        c.start()
        _verified(c, 8)
        # It has come meanwhile: found at the next start, or when it is added again.
        c.stop()
        os.rename(os.path.join(c.folder, "b"), os.path.join(root, "b"))
        c.start()
        _verified(c, 12)
        os.remove(os.path.join(root, "a"))
        c.cli("remove", "three")
        c.cli(*words, "--partial")
        _verified(c, 8)
        content.write_file(os.path.join(root, "a"), 4 * PIECE, "a")
        c.cli(*words)
        _verified(c, 12)


def test_partial_of_nothing(env):
    """Not a single file, or not a single piece, is no partial seed."""
    with _control(env) as c:
        root, torrent = _folder(env, c)
        words = ["add", torrent, "--data", os.path.dirname(root), "--partial"]
        for name in "bc":
            os.remove(os.path.join(root, name))
        with open(os.path.join(root, "a"), "wb") as f:
            f.write(bytes(4 * PIECE))
        done = c.cli(*words, check=False)
        assert done.returncode == 1 and "none of its 12 pieces matches" in done.stderr, done
        c.cli("remove", "three")
        os.remove(os.path.join(root, "a"))
        done = c.cli(*words, check=False)
        assert done.returncode == 1 and "no file of three is there" in done.stderr, done
        assert c.json("list")["torrents"] == []


def test_partial_in_a_manifest(env):
    with _control(env) as c:
        root, torrent = _folder(env, c)
        os.rename(os.path.join(root, "c"), os.path.join(c.folder, "c"))
        line = {"torrent": torrent, "data": os.path.dirname(root)}
        manifest = os.path.join(c.folder, "manifest")

        def apply(**members):
            with open(manifest, "w", encoding="utf-8") as f:
                json.dump({**line, **members}, f)
            return c.cli("apply", manifest, check=False)
        assert "c: file is missing" in apply().stderr
        assert apply(partial=True).stdout.startswith("1 added")
        _verified(c, 8)
        assert apply(partial=True).stdout.endswith("1 unchanged\n")
        os.rename(os.path.join(c.folder, "c"), os.path.join(root, "c"))
        assert apply().stdout.startswith("0 added, 1 changed")
        _verified(c, 12)


def test_paused_from_the_beginning(env):
    with _control(env) as c:
        path, torrent = c.content("p.bin")
        out = c.cli("add", torrent, "--data", os.path.dirname(path), "--paused").stdout
        assert out.startswith("added, paused: p.bin"), out
        assert _only(c)["state"] == "paused" and c.events("added") == []
        c.cli("start", "p.bin")
        shell.wait_until(lambda: c.events("added"), 5, "offered")
