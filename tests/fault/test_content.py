# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Content that changes, shrinks, vanishes or cannot be read after it was verified: never sent,
withdrawn or refused, and reported."""

import contextlib
import os

import bencode
import clients
import content
import disks
import seeding
import shell
import spillway
import wire

LENGTH = 40 << 20
SPOILT_AT = 30 << 20
SPOILT = b"not what was verified"


@contextlib.contextmanager
def fixture(env):
    with disks.mounted(env, "ext4", 96, "-O", "^has_journal") as disk, seeding.af_xdp(env) as s:
        s.disk = disk
        yield s


def check(s):
    s.check_dataplane()


def _piece_len(seeded):
    with open(seeded.torrent, "rb") as f:
        return bencode.decode(f.read())[b"info"][b"piece length"]


def _spoil(path, end=SPOILT_AT + 1):
    """Other bytes in every 16 KiB from SPOILT_AT to end, on disk."""
    with open(path, "r+b") as f:
        for at in range(SPOILT_AT, end, 16384):
            f.seek(at)
            f.write(SPOILT)
        f.flush()
        os.fsync(f.fileno())


def _spoil_tail(path):
    _spoil(path, LENGTH)


def _keep_times(path, change):
    """Run change(path), then put the file's times back."""
    before = os.stat(path)
    change(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _copy(path):
    """The good bytes, aside."""
    with open(path, "rb") as f:
        return f.read()


def _pieces_lacking(client, seeded, good):
    """Indices of the pieces that the client's file does not have as they were verified."""
    piece_len = _piece_len(seeded)
    path = os.path.join(client.data, seeded.name)
    if not os.path.exists(path):
        return list(range(-(-len(good) // piece_len)))
    got = _copy(path).ljust(len(good), b"\0")
    lacking = []
    for i, at in enumerate(range(0, len(good), piece_len)):
        if got[at:at + piece_len] != good[at:at + piece_len]:
            lacking.append(i)
    return lacking


def _gets_all_but(seeded, good, client, expected):
    """The client ends up with every piece but these, never with bytes that were not verified."""
    shell.wait_until(lambda: _pieces_lacking(client, seeded, good) == expected, 60,
                     f"all pieces but {expected}", pause=0.5)
    assert not client.finished()
    assert SPOILT not in _copy(os.path.join(client.data, seeded.name))


def _shown(s, seeded):
    return s.daemon.cli("show", seeded.info_hash.hex()).stdout


def _listed(s, seeded):
    for torrent in s.daemon.json("list")["torrents"]:
        if torrent["info_hash"] == seeded.info_hash.hex():
            return torrent
    raise AssertionError("not listed")


def _is_withdrawn(s, seeded):
    return _listed(s, seeded)["pieces_withdrawn"] > 0


def _told_withdrawn(s, seeded):
    """list and show say so, and why, naming the file."""
    torrent = _listed(s, seeded)
    assert torrent["pieces_had"] + torrent["pieces_withdrawn"] == torrent["pieces"], torrent
    assert torrent["pieces_withdrawn"] > 0 and torrent["reason"], torrent
    for words in (["list"], ["show", seeded.info_hash.hex()]):
        told = s.daemon.cli(*words).stdout
        assert "withdrawn" in told, told


def _withdrawn_test(s, name, spoil, counter):
    """Spoil the end of the file while a client downloads it; what is before it arrives."""
    seeded = s.seed(content.single(s.env.folder(), LENGTH, name))
    good = _copy(seeded.path)
    spoilt_first = SPOILT_AT // _piece_len(seeded)
    before = s.daemon.counters()
    client = s.start_client(clients.SlowLibtorrent, seeded)
    try:
        shell.wait_until(lambda: client.bytes_on_disk() > LENGTH // 20, 20, "download begins")
        spoil(seeded.path)

        def has_all_before():
            lacking = _pieces_lacking(client, seeded, good)
            assert lacking, "the client got the spoilt bytes' pieces as verified"
            return lacking[0] >= spoilt_first
        shell.wait_until(has_all_before, 60, "every piece that is not spoilt", pause=0.5)
        assert SPOILT not in _copy(os.path.join(client.data, seeded.name))
    finally:
        client.stop()
    after = s.daemon.counters()
    assert after[counter] > before[counter], f"{counter} did not move"
    assert after["pieces_withdrawn"] > before["pieces_withdrawn"]
    _told_withdrawn(s, seeded)


def test_changed_while_downloaded(s):
    _withdrawn_test(s, "changed.bin", _spoil_tail, "integrity_changed")


def test_truncated_while_downloaded(s):
    _withdrawn_test(s, "truncated.bin", lambda path: os.truncate(path, SPOILT_AT), "disk_short")


def test_rotten_before_downloaded(s):
    """Same size and times, other bytes: one piece is withdrawn, all others arrive."""
    seeded = s.seed(content.single(s.env.folder(), LENGTH, "rotten.bin"))
    good = _copy(seeded.path)
    _keep_times(seeded.path, _spoil)
    before = s.daemon.counter("integrity_changed")
    client = s.start_client(clients.SlowLibtorrent, seeded)
    try:
        _gets_all_but(seeded, good, client, [SPOILT_AT // _piece_len(seeded)])
    finally:
        client.stop()
    assert s.daemon.counter("integrity_changed") > before
    _told_withdrawn(s, seeded)


def test_withdrawn_is_remembered(s):
    """After a restart of both daemons the piece is still withdrawn."""
    seeded = s.seed(content.single(s.env.folder(), LENGTH, "remembered.bin"))
    _keep_times(seeded.path, _spoil)
    with wire.Peer(s.client_ns, s.address, spillway.PORT) as peer:
        peer.handshake(seeded.info_hash)
        peer.interested()
        piece = SPOILT_AT // _piece_len(seeded)
        peer.request(piece, SPOILT_AT % _piece_len(seeded), 16384)
        shell.wait_until(lambda: _is_withdrawn(s, seeded), 10, "piece withdrawn")
        peer.is_closed(2)
    s.daemon.stop()
    s.daemon.start()
    s.remember_dataplane()
    _told_withdrawn(s, seeded)
    with wire.Peer(s.client_ns, s.address, spillway.PORT) as peer:
        peer.handshake(seeded.info_hash, wire.RESERVED_PLAIN)
        bitfield = peer.receive_until(wire.BITFIELD)
        assert not bitfield[piece // 8] & (0x80 >> piece % 8), "the piece is offered"
        assert bitfield.count(b"\xff") > 0, "no piece is offered"


def _refused_test(s, name, spoil, *words):
    """Spoil the file of a cold torrent: its first peer is closed and the operator told why."""
    seeded = s.seed(content.single(s.env.folder(), 1 << 20, name))
    spoil(seeded.path)
    before = s.daemon.counter("wire_refused")
    with wire.Peer(s.client_ns, s.address, spillway.PORT) as peer:
        peer.send_raw(wire.PROTOCOL + bytes(8) + seeded.info_hash + b"-TS0001-ABCDEFGHIJKL")
        assert peer.is_closed(), "the peer is kept"
    assert s.daemon.counter("wire_refused") == before + 1
    told = str(_listed(s, seeded)) + _shown(s, seeded) + shell.tail_file(s.daemon.log, 10)
    missing = [w for w in words if w not in told]
    assert not missing, f"{missing} not in {told}"


def test_changed_before_downloaded(s):
    _refused_test(s, "touched.bin", lambda path: os.utime(path, (1, 1)), "changed", "touched.bin")


def test_missing_before_downloaded(s):
    _refused_test(s, "gone.bin", os.unlink, "gone.bin")


def test_short_before_downloaded(s):
    _refused_test(s, "short.bin", lambda path: os.truncate(path, 5), "short.bin")


def test_fifo_instead_of_file(s):
    def spoil(path):
        os.unlink(path)
        os.mkfifo(path)
    _refused_test(s, "fifo.bin", spoil, "fifo.bin")


def _add_refused(s, name, spoil, *words):
    """The content is not there, or wrong, when the torrent is added."""
    folder = s.env.folder()
    path = content.single(folder, 1 << 20, name)
    torrent = path + ".torrent"
    spillway.create(s.env, path, torrent)
    spoil(path)
    done = s.daemon.cli("add", torrent, "--data", folder, check=False)
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 1 and lines, done
    missing = [w for w in (name, *words) if w not in done.stderr]
    assert not missing, f"{missing} not in {done.stderr}"


def test_add_without_file(s):
    _add_refused(s, "nofile.bin", os.unlink)


def test_add_with_short_file(s):
    _add_refused(s, "half.bin", lambda path: os.truncate(path, 1 << 19))


def test_add_with_fifo(s):
    def spoil(path):
        os.unlink(path)
        os.mkfifo(path)
    _add_refused(s, "pipe.bin", spoil)


def test_add_with_link_out_of_the_folder(s):
    """A symbolic link may not lead out of the data folder."""
    def spoil(path):
        os.rename(path, path + ".elsewhere")
        os.symlink("/etc/../etc/hostname", path)
    _add_refused(s, "link.bin", spoil)


def test_add_twice(s):
    seeded = s.seed(content.single(s.env.folder(), 1 << 20, "twice.bin"))
    done = s.daemon.cli("add", seeded.torrent, "--data", os.path.dirname(seeded.path), check=False)
    assert done.returncode == 1 and "twice.bin" in done.stderr, done


def test_device_error(s):
    """The disk ends early: what it cannot give is withdrawn."""
    seeded = s.seed(content.single(s.disk.mount, LENGTH, "device.bin"))
    s.disk.break_after(20 << 20)
    before = s.daemon.counter("disk_errors")
    client = s.start_client(clients.SlowLibtorrent, seeded)
    try:
        shell.wait_until(lambda: s.daemon.counter("disk_errors") > before, 30, "a read fails",
                         pause=0.3)
    finally:
        client.stop()
    _told_withdrawn(s, seeded)
    s.daemon.cli("remove", seeded.info_hash.hex())


def test_others_still_served(s):
    """After all this, an honest torrent is downloaded whole."""
    seeded = s.seed(content.odd(s.env.folder()))
    s.download([clients.Aria2, clients.Libtorrent], seeded)
