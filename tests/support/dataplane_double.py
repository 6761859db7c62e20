#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A stand-in for spillway-dp that only speaks dataplane/abi.h, for tests of spillwayd alone.

It is started like the dataplane (descriptors 3, 4, and from 5 on those of more workers). In the
folder $SPILLWAY_DOUBLE_DIR it keeps events.jsonl (each message received, by which worker) and takes
orders on the datagram socket orders.sock, for worker 0 unless they begin with "@WORKER":

    activate ID | withdraw ID FILE PIECE_FIRST PIECE_CNT REASON | deactivate ID BYTES
    uploaded ID BYTES PEERS | counter INDEX VALUE | peers CNT (-1: never told) | garbage |
    wrong-length | hang | resume | hang-up |
    die STATUS | say TEXT

If the file "fail" is in that folder it prints the file's text and exits with status 3 at once.
"""
import array
import contextlib
import json
import os
import secrets
import selectors
import socket
import struct
import sys

MAGIC, VERSION = 0x53504C57, 4
(HELLO, WELCOME, RESULT, ADD, REMOVE, LIST, HELD, ACTIVATE, LAYOUT, FILES, REFUSE, DEACTIVATED,
 WITHDRAWN, SHUTDOWN, PEERS, PEER, TRACE, TRACED, WITHDRAW, POLICY, RATES, USE,
 USED) = range(1, 24)
OK, ERR_VERSION, ERR_MESSAGE, ERR_UNKNOWN, ERR_EXISTS, ERR_FULL, ERR_LAYOUT, ERR_STATE = range(8)
ENTRIES_MAX, FDS_MAX, PEERS_MAX, TRACE_MAX = 64, 64, 32, 25
HDR = struct.Struct("=IHHII")
ENTRY = struct.Struct("=20sIIIIIQIHHII")
POLICY_HEAD = struct.Struct("=6I4Q72x")
GROUP = struct.Struct("=IIQ")
CLASS = struct.Struct("=QIIII")
CLASS_RANGE = struct.Struct("=IIII")
RANGE = struct.Struct("=II")
USED_LEN = 840
PEER_ROW = struct.Struct("=6Q7QIIIHHII9I20s")
EVENT = struct.Struct("=QQQ16s16s16s80s")
ENTRIES_LEN = 8 + ENTRIES_MAX * ENTRY.size
CONFIG = struct.Struct("=II64s256s64sIHHIIIIIIII8i24x")
LAYOUT_HDR = struct.Struct("=IIQIIIIIIIIQQQQ20sI")
COUNTERS = ("payload_bytes", "disk_bytes", "peers", "torrents_active", "requests")
SLOT_CNT = 16


class Counters:
    """The counters memfd of all workers."""

    def __init__(self, worker_cnt):
        self.desc_off = 192
        self.value_off = (self.desc_off + 136 * len(COUNTERS) + 63) // 64 * 64
        self.torrent_off = self.value_off + 64 * worker_cnt
        self.len = self.torrent_off + 32 * SLOT_CNT * worker_cnt
        self.fd = os.memfd_create("double-counters")
        os.ftruncate(self.fd, self.len)
        head = struct.pack("=IIIIIIQQQQQ8Q24x", MAGIC, VERSION, len(COUNTERS), worker_cnt, SLOT_CNT,
                           64, self.desc_off, self.value_off, self.torrent_off, 2_000_000_000,
                           32 * SLOT_CNT, *[500_000_000 * (i < worker_cnt) for i in range(8)])
        os.pwrite(self.fd, head, 0)
        for i, name in enumerate(COUNTERS):
            text = f"what {name} counts"
            os.pwrite(self.fd, struct.pack("=II40s88s", 0, 0, name.encode(), text.encode()),
                      self.desc_off + 136 * i)

    def value(self, worker, index, value):
        os.pwrite(self.fd, struct.pack("=Q", value), self.value_off + 64 * worker + 8 * index)

    def slot(self, worker, slot, torrent_id, peers, uploaded):
        os.pwrite(self.fd, struct.pack("=IIQQQ", torrent_id, peers, uploaded, 0, 0),
                  self.torrent_off + 32 * (SLOT_CNT * worker + slot))


class Torrent:
    def __init__(self, info_hash):
        self.info_hash = info_hash
        self.active = False
        self.congestion = 0
        self.limits = (0, 0, 0, 0, 100)  # flags, group, rate, connections, weight
        self.layout = None
        self.file_cnt = 0
        self.fds = []
        self.slot = 0


class Worker:
    """One worker: its socket and what it holds."""

    def __init__(self, double, index):
        self.double = double
        self.index = index
        self.torrents = {}
        self.counters = double.counters
        self.conn = None
        self.hung = False
        self.peer_cnt = 0
        self.sel = double.sel
        self.listener = socket.socket(fileno=3 if index == 0 else 4 + index)
        self.sel.register(self.listener, selectors.EVENT_READ, self.accept)

    def note(self, what, **fields):
        self.double.note(what, worker=self.index, **fields)

    def slot(self, torrent, torrent_id, peers, uploaded):
        self.counters.slot(self.index, torrent.slot, torrent_id, peers, uploaded)

    def send(self, kind, body=b"", cookie=0, fds=()):
        if self.conn is None:
            return
        message = HDR.pack(MAGIC, VERSION, kind, cookie, len(body)) + body
        extra = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # message() notices
            self.conn.sendmsg([message], extra)

    def result(self, cookie, status=OK, done=0, slot=0, active=0):
        self.send(RESULT, struct.pack("=IiIIII", status, 0, done, slot, active, 0), cookie)

    # ---- Messages.

    def on_hello(self, cookie, _body, _fds):
        text = f"double of {self.double.port}".encode()
        self.send(WELCOME, struct.pack("=QIIIIII128s", self.double.boot, self.double.worker_cnt,
                                       self.index, os.getpid(), len(self.torrents),
                                       self.counters.len, 0, text), cookie, [self.counters.fd])

    def on_list(self, cookie, _body, _fds):
        rows = [ENTRY.pack(t.info_hash, i, int(t.active), t.congestion, *t.limits, 0, 0, 0)
                for i, t in self.torrents.items()]
        while True:
            part, rows = rows[:ENTRIES_MAX], rows[ENTRIES_MAX:]
            body = struct.pack("=II", len(part), int(not rows)) + b"".join(part)
            self.send(HELD, body.ljust(ENTRIES_LEN, b"\0"), cookie)
            if not rows:
                return

    def entries(self, body):
        cnt, _ = struct.unpack_from("=II", body)
        return [ENTRY.unpack_from(body, 8 + i * ENTRY.size) for i in range(cnt)]

    def on_add(self, cookie, body, _fds):
        done = 0
        for info_hash, torrent_id, _, congestion, *limits in self.entries(body):
            held = self.torrents.get(torrent_id)
            others = [t for i, t in self.torrents.items() if i != torrent_id]
            if ((held and held.info_hash != info_hash)
                    or info_hash in [t.info_hash for t in others]):
                self.result(cookie, ERR_EXISTS, done)
                return
            torrent = self.torrents.setdefault(torrent_id, Torrent(info_hash))
            torrent.congestion, torrent.limits = congestion, limits[:5]
            flags, group, rate, connections, weight = torrent.limits
            self.note("added", id=torrent_id, congestion=congestion, flags=flags, group=group,
                      rate=rate, connections=connections, weight=weight)
            done += 1
        self.result(cookie, OK, done)

    def on_remove(self, cookie, body, _fds):
        done = 0
        for _, torrent_id, *_ in self.entries(body):
            torrent = self.torrents.pop(torrent_id, None)
            if torrent is None:
                self.result(cookie, ERR_UNKNOWN, done)
                return
            self.drop(torrent)
            done += 1
        self.result(cookie, OK, done)

    def drop(self, torrent):
        for fd in torrent.fds:
            os.close(fd)
        if torrent.active:
            self.slot(torrent, 0, 0, 0)
        torrent.fds, torrent.active, torrent.layout = [], False, None

    def on_layout(self, cookie, body, fds):
        torrent = self.torrents.get(struct.unpack_from("=I", body)[0])
        if torrent is None:
            self.result(cookie, ERR_UNKNOWN)
            return
        head = LAYOUT_HDR.unpack(os.pread(fds[0], LAYOUT_HDR.size, 0))
        torrent.layout = {"total_len": head[2], "piece_len": head[3], "piece_cnt": head[4],
                          "unit_len": head[5], "file_cnt": head[6]}
        have = os.pread(fds[0], (head[4] + 7) // 8, head[13])
        self.note("layout", info_hash=head[15].hex(), have=have.hex(), **torrent.layout)
        self.result(cookie)

    def on_files(self, cookie, body, fds):
        torrent_id, first, cnt, _ = struct.unpack_from("=IIII", body)
        torrent = self.torrents.get(torrent_id)
        if torrent is None:
            self.result(cookie, ERR_UNKNOWN)
        elif torrent.layout is None or first != len(torrent.fds) or cnt != len(fds):
            self.result(cookie, ERR_STATE)
        else:
            torrent.fds += [os.dup(fd) for fd in fds]
            torrent.active = len(torrent.fds) == torrent.layout["file_cnt"]
            if torrent.active:
                torrent.slot = torrent_id % SLOT_CNT
                self.slot(torrent, torrent_id, 0, 0)
            self.result(cookie, OK, slot=torrent.slot, active=int(torrent.active))

    def on_refuse(self, cookie, body, _fds):
        self.note("refused", id=struct.unpack_from("=I", body)[0])
        self.result(cookie)

    def on_withdraw(self, cookie, body, _fds):
        torrent_id, first, cnt, _ = struct.unpack("=IIII", body)
        self.note("withdraw", id=torrent_id, first=first, cnt=cnt)
        self.result(cookie, OK if torrent_id in self.torrents else ERR_UNKNOWN)

    def on_policy(self, cookie, body, fds):
        rate, flags, connections, slots, choke, slow, slow_s = struct.unpack_from("=Q6I", body)
        head = POLICY_HEAD.unpack(os.pread(fds[0], POLICY_HEAD.size, 0))
        groups = [GROUP.unpack(os.pread(fds[0], GROUP.size, head[6] + i * GROUP.size))
                  for i in range(head[2])]
        classes = [CLASS.unpack(os.pread(fds[0], CLASS.size, head[7] + i * CLASS.size))
                   for i in range(head[3])]
        ranges = [CLASS_RANGE.unpack(os.pread(fds[0], CLASS_RANGE.size,
                                              head[8] + i * CLASS_RANGE.size))
                  for i in range(head[4])]
        blocks = [RANGE.unpack(os.pread(fds[0], RANGE.size, head[9] + i * RANGE.size))
                  for i in range(min(head[5], 100))]
        self.note("policy", rate=rate, flags=flags, connections=connections, slots=slots,
                  choke=choke, slow=slow, slow_s=slow_s, groups=groups, classes=classes,
                  ranges=ranges, block_cnt=head[5], blocks=blocks)
        self.result(cookie)

    def on_rates(self, cookie, body, _fds):
        cnt, _ = struct.unpack_from("=II", body)
        self.note("rates", rates=[struct.unpack_from("=IIQ", body, 8 + 16 * i)
                                  for i in range(cnt)])
        self.result(cookie)

    def on_use(self, cookie, _body, _fds):
        self.send(USED, bytes(USED_LEN), cookie)

    def on_peers(self, cookie, body, _fds):
        """Peers that are made up, some in each answer."""
        cursor, wanted = struct.unpack("=II", body)
        self.note("peers", cursor=cursor, torrent=wanted)
        if self.peer_cnt < 0:
            return
        end = min(cursor + PEERS_MAX, self.peer_cnt)
        rows = b"".join(self.peer(i, wanted) for i in range(cursor, end))
        head = struct.pack("=IIII", end - cursor, int(end == self.peer_cnt), end, 0)
        self.send(PEER, head + rows.ljust(PEERS_MAX * PEER_ROW.size, b"\0"), cookie)

    @staticmethod
    def peer(index, torrent_id):
        return PEER_ROW.pack(
            10_000_000, 900_000, 100_000, 1000 * index, 0, 0,
            7_000_000, 2_000_000, 1_000_000, 0, 0, 0, 0,
            0, torrent_id or 1, int.from_bytes(socket.inet_aton("10.9.8.7"), sys.byteorder),
            1000 + index, 1448, 1, 0,
            30_000, 0, 230_000, 14480, 1 << 20, 65535, 1448, 2896, 3, b"-TR3000-" + bytes(12))

    def on_trace(self, cookie, body, _fds):
        _, port, _ = struct.unpack("=IHH", body)
        if port >= 1000 + self.peer_cnt:
            self.result(cookie, ERR_UNKNOWN)
            return
        event = EVENT.pack(2_000_000, 14480, 7240, b"recovering", b"cwnd_bytes", b"flight_bytes",
                           b"loss: window now 14480, in flight 7240")
        self.send(TRACED, struct.pack("=II", 1, 0) + event.ljust(TRACE_MAX * EVENT.size, b"\0"),
                  cookie)

    def on_shutdown(self, cookie, _body, _fds):
        self.result(cookie)
        sys.exit(0)

    # ---- Orders of the test.

    def order(self, words):
        name, args = words[0], words[1:]
        if name == "activate":
            self.send(ACTIVATE, struct.pack("=II", int(args[0]), 0))
        elif name == "withdraw":
            torrent_id, file_index, first, cnt, reason = map(int, args)
            self.send(WITHDRAWN, struct.pack("=IIIIQIi", torrent_id, file_index, first, cnt, 65536,
                                             reason, 5))
        elif name == "deactivate":
            torrent = self.torrents[int(args[0])]
            slot = torrent.slot
            self.drop(torrent)
            self.send(DEACTIVATED, struct.pack("=IIQQ", int(args[0]), slot, int(args[1]), 1))
        elif name == "uploaded":
            torrent_id, uploaded, peers = map(int, args)
            self.slot(self.torrents[torrent_id], torrent_id, peers, uploaded)
        elif name == "counter":
            self.counters.value(self.index, int(args[0]), int(args[1]))
        elif name == "peers":
            self.peer_cnt = int(args[0])
        elif name == "garbage":
            self.conn.send(b"\xff" * 40)
        elif name == "wrong-length":
            self.conn.send(HDR.pack(MAGIC, VERSION, ACTIVATE, 0, 999) + b"x" * 8)
        elif name == "hang":
            self.hung = True
            self.sel.unregister(self.conn)
        elif name == "resume":
            self.hung = False
            self.sel.register(self.conn, selectors.EVENT_READ, self.message)
        elif name == "hang-up":
            self.hang_up()
        elif name == "say":
            print(" ".join(args), flush=True)
        elif name == "die":
            print("double: told to die", flush=True)
            os._exit(int(args[0]))

    # ---- The connection.

    def accept(self):
        """One control at a time: the next waits in the socket's queue."""
        self.conn, _ = self.listener.accept()
        self.sel.unregister(self.listener)
        self.sel.register(self.conn, selectors.EVENT_READ, self.message)
        self.note("control-came")

    def hang_up(self):
        self.note("control-gone")
        self.sel.unregister(self.conn)
        self.conn.close()
        self.conn = None
        self.sel.register(self.listener, selectors.EVENT_READ, self.accept)

    def message(self):
        if self.conn is None or self.hung:
            return
        try:
            data, fds, _, _ = socket.recv_fds(self.conn, 65536, FDS_MAX)
        except ConnectionResetError:
            data, fds = b"", []
        if not data:
            self.hang_up()
            return
        magic, version, kind, cookie, body_len = HDR.unpack_from(data)
        body = data[HDR.size:]
        assert (magic, version, body_len) == (MAGIC, VERSION, len(body)), data[:16]
        handler = {HELLO: self.on_hello, LIST: self.on_list, ADD: self.on_add,
                   REMOVE: self.on_remove, LAYOUT: self.on_layout, FILES: self.on_files,
                   REFUSE: self.on_refuse, SHUTDOWN: self.on_shutdown,
                   PEERS: self.on_peers, TRACE: self.on_trace,
                   WITHDRAW: self.on_withdraw, POLICY: self.on_policy, RATES: self.on_rates,
                   USE: self.on_use}[kind]
        self.note("message", kind=kind, fds=len(fds), cnt=struct.unpack_from("=I", body)[0]
                  if kind in (ADD, REMOVE) else 0)
        handler(cookie, body, fds)
        for fd in fds:
            os.close(fd)


class Double:
    """The process: its workers, what they have counted, and the test's orders."""

    def __init__(self, folder):
        self.folder = folder
        self.boot = secrets.randbits(64)
        self.sel = selectors.DefaultSelector()
        fields = CONFIG.unpack(os.pread(4, CONFIG.size, 0))
        self.port = fields[2].rstrip(b"\0").decode()
        self.worker_cnt = fields[15]
        self.counters = Counters(self.worker_cnt)
        self.note("start", magic=fields[0], port=self.port, listen_port=fields[6],
                  flags=fields[8], congestion=fields[13], per_source=fields[14],
                  workers=self.worker_cnt, cpus=fields[16:24], sid=os.getsid(0), pid=os.getpid())
        self.workers = [Worker(self, i) for i in range(self.worker_cnt)]
        path = os.path.join(folder, "orders.sock")
        if os.path.exists(path):
            os.unlink(path)
        self.orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.orders.bind(path)
        self.sel.register(self.orders, selectors.EVENT_READ, self.order)

    def note(self, what, **fields):
        with open(os.path.join(self.folder, "events.jsonl"), "a", encoding="ascii") as out:
            out.write(json.dumps({"what": what, **fields}) + "\n")

    def order(self):
        words = self.orders.recv(256).decode().split()
        worker = int(words.pop(0)[1:]) if words[0].startswith("@") else 0
        self.workers[worker].order(words)

    def run(self):
        """An order is obeyed before a message that came after it."""
        while True:
            ready = [key for key, _ in self.sel.select()]
            for key in sorted(ready, key=lambda key: key.fileobj is not self.orders):
                key.data()


def main():
    folder = os.environ["SPILLWAY_DOUBLE_DIR"]
    fail = os.path.join(folder, "fail")
    if os.path.exists(fail):
        with open(fail, encoding="ascii") as text:
            print(text.read(), flush=True)
        sys.exit(3)
    Double(folder).run()


if __name__ == "__main__":
    main()
