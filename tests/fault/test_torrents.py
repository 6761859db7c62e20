# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Broken, huge and malicious .torrent files are refused by one line, and nothing else happens."""

import contextlib
import hashlib
import os

import bencode
import clients
import content
import seeding
import spillway

PIECE = 16384
SANITIZED = True


def _info(**changes):
    """An info dictionary of one 16 KiB file, changed; a value None removes a key."""
    info = {"length": PIECE, "name": "x.bin", "piece length": PIECE,
            "pieces": hashlib.sha1(bytes(PIECE)).digest()}
    info.update({k.replace("_", " "): v for k, v in changes.items()})
    return {k: v for k, v in info.items() if v is not None}


def _torrent(info):
    return bencode.encode({"announce": "http://127.0.0.1:6969/announce", "info": info})


def _files(*files):
    return _torrent(_info(length=None, files=list(files)))


GOOD = _torrent(_info())
ONE = {"length": PIECE, "path": ["a"]}
V2_FILE = {"": {"length": PIECE * 3, "pieces root": b"r" * 32}}

# What is bad, a word that its refusal must have, and the file.
BAD = {
    ("empty", "ends too early"): b"",
    ("not bencoded", "begins no value"): b"<html>404</html>",
    ("not a dictionary", "no dictionary"): b"l4:infoe",
    ("no info", "info is missing"): bencode.encode({"announce": "x"}),
    ("info is a list", "info is missing"): bencode.encode({"info": []}),
    ("trailing bytes", "after the end"): GOOD + b"x",
    ("nested too deep", "nested too deep"): b"d1:a" + b"l" * 100000 + b"e" * 100001,
    ("dictionaries nested too deep", "nested too deep"): b"d1:a" * 50000 + b"i1e" + b"e" * 50000,
    ("too many nodes", "too many values"): b"d1:al" + b"i1e" * 6000000 + b"ee",
    ("string beyond the end", "out of range"): b"d4:info999999999999:xe",
    ("string length overflows", "out of range"): b"d4:info99999999999999999999999999:xe",
    ("integer overflows", "out of range"): GOOD.replace(b"i16384e", b"i99999999999999999999e"),
    ("integer with leading zero", "leading zero"): GOOD.replace(b"i16384e", b"i016384e"),
    ("minus zero", "minus zero"): GOOD.replace(b"i16384e", b"i-0e"),
    ("negative length", "length"): _torrent(_info(length=-1)),
    ("piece length zero", "piece length"): _torrent(_info(piece_length=0)),
    ("piece length negative", "piece length"): _torrent(_info(piece_length=-16384)),
    ("piece length huge", "piece length"): _torrent(_info(piece_length=1 << 62)),
    ("pieces not a multiple of 20", "pieces has 21 bytes"): _torrent(_info(pieces=b"x" * 21)),
    ("too few pieces", "pieces has 20 bytes"): _torrent(_info(length=PIECE * 2)),
    ("too many pieces", "pieces has 40 bytes"): _torrent(_info(pieces=b"x" * 40)),
    ("pieces is a number", "pieces"): _torrent(_info(pieces=7)),
    ("total overflows", "more than"): _files({"length": (1 << 63) - 1, "path": ["a"]},
                              {"length": (1 << 63) - 1, "path": ["b"]}),
    ("name empty", "safe file name"): _torrent(_info(name="")),
    ("name is ..", "safe file name"): _torrent(_info(name="..")),
    ("name has a slash", "safe file name"): _torrent(_info(name="a/b")),
    ("name has a NUL", "safe file name"): _torrent(_info(name=b"a\0b")),
    ("name too long", "safe file name"): _torrent(_info(name="n" * 5000)),
    ("path leaves", "unsafe component"): _files({"length": PIECE, "path": ["..", "..", "x"]}),
    ("path absolute", "unsafe component"): _files({"length": PIECE, "path": ["/etc/passwd"]}),
    ("path empty", "path"): _files({"length": PIECE, "path": []}),
    ("path part empty", "unsafe component"): _files({"length": PIECE, "path": ["a", "", "b"]}),
    ("path part is a number", "no string"): _files({"length": PIECE, "path": [1]}),
    ("path twice", "used twice"): _files({"length": PIECE // 2, "path": ["a"]},
                         {"length": PIECE // 2, "path": ["a"]}),
    ("no files", "no bytes"): _files(),
    ("both length and files", "both length and files"): _torrent(_info(files=[ONE])),
    ("keys twice", "key twice"): b"d4:infod6:lengthi1e6:lengthi1eee",
    ("v2 without piece layers", "piece layers"): bencode.encode({"info": {
        "file tree": {"x": V2_FILE}, "meta version": 2, "name": "x", "piece length": PIECE}}),
    ("hybrid that differs", "differ"): bencode.encode({"piece layers": {}, "info": {
        **_info(), "file tree": {"y": {"": {"length": 7, "pieces root": b"r" * 32}}},
        "meta version": 2}}),
    ("unknown meta version", "meta version"): _torrent(_info(meta_version=3)),
}


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env) as s:
        s.folder = env.folder()
        s.data = env.folder()
        with open(os.path.join(s.data, "x.bin"), "wb") as f:
            f.write(bytes(PIECE))
        yield s


def check(s):
    s.check_dataplane()


def _add(s, name, data):
    path = os.path.join(s.folder, name.replace("/", "_") + ".torrent")
    with open(path, "wb") as f:
        f.write(data)
    return s.daemon.cli("add", path, "--data", s.data, check=False, timeout=30)


def _refused(s, name, data, reason=""):
    done = _add(s, name, data)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1, f"{name}: status {done.returncode}: {done.stderr}{done.stdout}"
    assert len(lines) == 1 and len(lines[0]) < 400, f"{name}: {done.stderr}"
    assert reason in lines[0], f"{name}: refused, but not for {reason}: {lines[0]}"


def bad(name, data, reason):
    return lambda s: _refused(s, name, data, reason)


def cases():
    for (name, reason), data in BAD.items():
        yield name, bad(name, data, reason)


def test_truncated_everywhere(s):
    for length in range(0, len(GOOD), 7):
        _refused(s, f"cut{length}", GOOD[:length])


def test_huge_file(s):
    """A sparse file of 4 GiB is refused without being read."""
    path = os.path.join(s.folder, "huge.torrent")
    with open(path, "wb") as f:
        f.truncate(4 << 30)
    done = s.daemon.cli("add", path, "--data", s.data, check=False, timeout=10)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done


def test_not_a_file(s):
    pipe = os.path.join(s.folder, "pipe.torrent")
    os.mkfifo(pipe)
    for path in (pipe, "/dev/zero", os.path.join(s.folder, "missing.torrent")):
        done = s.daemon.cli("add", path, "--data", s.data, check=False, timeout=10)
        assert done.returncode == 1 and path in done.stderr, done
    done = s.daemon.cli("add", s.folder, "--data", s.data, check=False, timeout=10)
    assert done.returncode == 2 and "a folder is its own content" in done.stderr, done


def test_control_did_not_grow(s):
    """All these, once more and many times, leave control's memory where it was."""
    before = spillway.anonymous_kib(s.daemon.proc.pid)
    for _ in range(20):
        for (name, _), data in list(BAD.items())[::5]:
            _refused(s, name, data)
    grown = spillway.anonymous_kib(s.daemon.proc.pid) - before
    assert grown < 8192, f"spillwayd grew by {grown} KiB"


def test_the_good_one_is_taken(s):
    """What all the bad ones are made from is itself seeded and downloaded."""
    done = _add(s, "good", GOOD)
    assert done.returncode == 0, done
    assert [t["name"] for t in s.daemon.json("list")["torrents"]] == ["x.bin"]
    seeded = s.seed(content.single(s.env.folder(), 1 << 20, "after.bin"))
    s.download([clients.Aria2], seeded)
