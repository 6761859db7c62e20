# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Announces of spillwayd alone: what trackers are told, and trackers that hang, lie and worse."""

import contextlib
import os
import socket
import time

import alone
import content
import many
import shell
import spillway
import tracker

SANITIZED = True
PORT_OPTIONS = {"tracker-timeout": 30}  # no tracker of ours is late
IMPATIENT = {"tracker-timeout": 3}
NO_NAME = "http://" + "a" * 70 + ".example/announce"  # no DNS server is asked for such a name


@contextlib.contextmanager
def _seeded(env, *tiers, count=1, private=False, **options):
    """A spillwayd that seeds small torrents with these trackers."""
    with alone.running(env, **{**PORT_OPTIONS, **options}) as control:
        control.many = many.Many(env, *tiers, private=private)
        control.many.add(control.run_dir, range(count))
        control.hash = control.many.info_hash(0)
        yield control


@contextlib.contextmanager
def _closing(*trackers):
    try:
        yield trackers[0] if len(trackers) == 1 else trackers
    finally:
        for t in trackers:
            t.close()


def _rows(control, number=0):
    return control.torrent(control.many.info_hash(number).hex())["announce"]


def _row(control, url, state, timeout=10):
    """The row of a tracker once it is in that state."""
    def found():
        return next((r for r in _rows(control) if r["url"] == url and r["state"] == state), None)
    try:
        return shell.wait_until(found, timeout, f"{url} {state}")
    except shell.CommandError as e:
        raise shell.CommandError(f"{e}: {_rows(control)}") from e


def _events(t, info_hash):
    return [event for h, event in t.announces if h == info_hash]


def _wait_events(t, info_hash, *events):
    shell.wait_until(lambda: _events(t, info_hash) == list(events), 10, f"events {events}")


def _accepting(control, *trackers):
    for t in trackers:
        t.add(control.many.info_hash(0), "10.1.2.3", spillway.PORT)


def test_what_is_told(env):
    with _closing(tracker.Tracker()) as t:
        t.behave(lambda handler, _: handler.reply({"interval": 1800, "peers": b"",
                                                   "tracker id": "T 1", "complete": 5,
                                                   "incomplete": 2, "min interval": 1}))
        with _seeded(env, [t.url]) as control:
            row = _row(control, t.url, "working")
            assert (row["seeders"], row["leechers"], row["interval_seconds"]) == (5, 2, 1800), row
            assert row["tier"] == 0 and row["text"] == "" and row["next_at"] > time.time() + 1000
            q = t.queries[0]
            told = {k: q.get(k) for k in ("event", "port", "left", "downloaded", "uploaded",
                                          "compact", "numwant", "no_peer_id", "ip", "trackerid")}
            assert told == {"event": "started", "port": "6881", "left": "0", "downloaded": "0",
                            "uploaded": "0", "compact": "1", "numwant": "0", "no_peer_id": "1",
                            "ip": "10.1.2.3", "trackerid": None}, told
            assert q["peer_id"].startswith("-SW0100-") and len(q["peer_id"]) == 20
            time.sleep(2.1)  # its min interval, in whole seconds
            assert "asking 1 tracker" in control.cli("announce", control.hash.hex()).stdout
            shell.wait_until(lambda: len(t.queries) == 2, 10, "another announce")
            again = t.queries[1]
            assert "event" not in again and again["trackerid"] == "T 1", again
            assert (again["key"], again["peer_id"]) == (q["key"], q["peer_id"])
            def totals():
                return control.json("stats")["announce"]
            shell.wait_until(lambda: totals()["ok"] == 2, 10, "the second answer")
            assert totals()["sent"] == 2 and totals()["working"] == 1, totals()


def test_events_of_a_life(env):
    with _closing(tracker.Tracker()) as t:
        with _seeded(env, [t.url]) as control:
            _accepting(control, t)
            control.cli("announce", "--all")
            _row(control, t.url, "working")
            name = control.hash.hex()
            first = [e for e in _events(t, control.hash) if e]

            def started_again(times):
                shell.wait_until(lambda: _events(t, control.hash).count("started") ==
                                 first.count("started") + times, 10, "started again")
                _row(control, t.url, "working")
            control.cli("pause", name)
            shell.wait_until(lambda: "stopped" in _events(t, control.hash), 10, "stopped: paused")
            control.cli("start", name)
            started_again(1)
            control.cli("remove", name)
            shell.wait_until(lambda: _events(t, control.hash).count("stopped") == 2, 10,
                             "stopped: removed")
            control.many.add(control.run_dir, [0])
            started_again(2)
            assert control.stop() == 0
            control.start()
            started_again(3)
        events = [e for e in _events(t, control.hash) if e]
        assert events == first + ["stopped", "started", "stopped", "started", "stopped",
                                  "started", "stopped"], events


def test_drained_is_left(env):
    with _closing(tracker.UdpTracker()) as t:
        with _seeded(env, [t.url], count=10) as control:
            def events(*wanted):
                shell.wait_until(lambda: [a["event"] for a in t.announces] == list(wanted), 10,
                                 f"events {wanted}")
            events(*[2] * 10)
            control.cli("drain")
            events(*[2] * 10, *[3] * 10)
            shell.wait_until(lambda: not _rows(control), 10, "no tracker is left")
            control.cli("drain", "--off")
            events(*[2] * 10, *[3] * 10, *[2] * 10)


def test_killed_and_started_again(env):
    with _closing(tracker.Tracker()) as t:
        with _seeded(env, [t.url]) as control:
            _accepting(control, t)
            control.cli("announce", "--all")
            _row(control, t.url, "working")
            control.proc.kill()
            control.proc.wait()
            count = len(t.queries)
            control.start()
            _row(control, t.url, "working")
            assert t.queries[count]["event"] == "started"


def test_many_are_spread(env):
    """No more than the rate to one tracker, each torrent once."""
    count, rate = 1000, 500
    with _closing(tracker.UdpTracker()) as t:
        with _seeded(env, [t.url], count=count, **{"announce-rate": rate}) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == count, 30,
                             "all announced")
            assert len({a["info_hash"] for a in t.announces}) == count == len(t.announces)
            assert t.connects == 1, t.connects
            took = t.announces[-1]["at"] - t.announces[0]["at"]
            assert took > count / rate / 2, f"{count} within {took} s"
        stopped = {a["info_hash"] for a in t.announces if a["event"] == 3}
        assert len(stopped) == count, f"{len(stopped)} were stopped"


def test_tracker_that_hangs(env):
    """Costs one question at a time, and nobody else anything."""
    with _closing(tracker.Tracker(), tracker.Tracker()) as (bad, good):
        bad.behave(lambda *_: time.sleep(30))
        good.behave(lambda handler, _: handler.reply({"interval": 1800, "peers": b""}))
        with _seeded(env, [bad.url], [good.url], count=50, **{"tracker-timeout": 8}) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 50, 10,
                             "the other tracker")
            began = time.monotonic()
            control.cli("list")
            assert time.monotonic() - began < 6, "the loop stood still"
            row = _row(control, bad.url, "failing")
            assert "timed out" in row["text"].lower() and row["next_at"] > time.time(), row
            assert len(bad.queries) == 1, len(bad.queries)
            assert control.json("stats")["announce"]["hosts_backing_off"] == 1


def test_hundreds_that_hang(env):
    """More than are asked at once: those that answer are not kept waiting."""
    with _closing(tracker.Tracker(address="0.0.0.0"), tracker.UdpTracker()) as (bad, good):
        bad.behave(lambda *_: time.sleep(100))

        def tiers(number):
            return [[f"http://127.0.{number}.{n}:{bad.port}/announce"] for n in range(2, 16)] \
                + [[good.url]]
        with _seeded(env, tiers, count=12, **{"tracker-timeout": 100}) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 12, 5,
                             "the one that answers")
            totals = control.json("stats")["announce"]
            assert totals["hosts"] == 12 * 14 + 1 and totals["failing"] == 0, totals


def test_tracker_that_lies(env):
    lies = [{"interval": 0, "min interval": -5}, {"interval": -1}, {"interval": 2 ** 63 - 1},
            {"interval": 1, "min interval": 2 ** 40}, {"complete": 2 ** 62, "interval": 1800},
            {"peers": [{"ip": "x" * 1000, "port": -1}]}, {"peers": b"12345", "interval": 1800},
            {"interval": "soon", "peers": 7, "complete": []},
            {"interval": 1800, "tracker id": b"\0" * 20, "warning message": b"\x1b[31m" * 100}]
    with _closing(tracker.Tracker()) as t:
        t.behave(lambda handler, _: handler.reply(lies[(len(t.queries) - 1) % len(lies)]))
        with _seeded(env, [t.url], count=len(lies)) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["waiting"] == 0, 10, "all")
            rows = [r for n in range(len(lies)) for r in _rows(control, n)]
            assert all(r["state"] == "working" for r in rows), rows
            assert all(30 <= r["interval_seconds"] <= 86400 for r in rows), rows
            assert not any("\x1b" in r["text"] for r in rows)


def _redirects_for_ever(handler, query):
    handler.reply(b"", 302, Location=f"/announce?{query['at']}")


def _gigabyte(handler, _):
    handler.send_response(200)
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(1024):
            handler.wfile.write(b"i" * (1 << 20))
    handler.close_connection = True


def _endless_head(handler, _):
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(1 << 20):
            handler.wfile.write(b"X-%d: %s\r\n" % (number, b"x" * 1000))
    handler.close_connection = True


def _hangs_up(handler, _):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nd8:inter")
    handler.close_connection = True


BAD = [("redirects for ever", _redirects_for_ever, "redirects"),
       ("redirects to a file", lambda h, _: h.reply(b"", 302, Location="file:///etc/passwd"),
        "protocol"),
       ("gigabyte", _gigabyte, "larger than 1024 KiB"),
       ("endless head", _endless_head, "larger than 64 KiB"),
       ("hangs up", _hangs_up, "transfer closed"),
       ("garbage", lambda h, _: h.reply(b"<html>for sale</html>"), "not a tracker's answer"),
       ("no dictionary", lambda h, _: h.reply([1, 2]), "no dictionary"),
       ("empty", lambda h, _: h.reply(b""), "not a tracker's answer"),
       ("404", lambda h, _: h.reply(b"no", 404), "HTTP status 404"),
       ("503", lambda h, _: h.reply(b"", 503, Retry_After="7200"), "HTTP status 503"),
       ("refusal", lambda h, _: h.reply({"failure reason": "go \x07away", "retry in": 120}),
        "go ?away")]


def test_bad_answers(env):
    """Each of them is told in words, backed off from, and no other tracker's trouble."""
    trackers = [tracker.Tracker() for _ in BAD]
    for t, (_, behaviour, _) in zip(trackers, BAD):
        t.behave(behaviour)
    with contextlib.ExitStack() as stack:
        for t in trackers:
            stack.callback(t.close)
        began = time.time()
        control = stack.enter_context(_seeded(env, *[[t.url] for t in trackers]))
        for t, (name, _, text) in zip(trackers, BAD):
            row = _row(control, t.url, "failing")
            assert text.lower() in row["text"].lower(), f"{name}: {row}"
            waits = 7000 if name in ("503", "refusal") else 30
            assert row["next_at"] >= began + waits, f"{name}: {row}"
        shown = control.cli("show", control.hash.hex()).stdout
        assert "go ?away" in shown and "larger than 1024 KiB" in shown, shown
        assert spillway.anonymous_kib(control.proc.pid) < (600 << 10)


def test_unreachable(env):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{s.getsockname()[1]}/announce"
        udp = closed.replace("http", "udp")
        with _seeded(env, [closed], [NO_NAME], [udp], ["udp://nowhere"],
                     ["wss://x.example/a"], **IMPATIENT) as control:
            assert "connect" in _row(control, closed, "failing")["text"].lower()
            assert "was not found" in _row(control, NO_NAME, "failing")["text"]
            assert "refused" in _row(control, udp, "failing", 2)["text"]
            assert len(_rows(control)) == 3, _rows(control)


def test_certificates(env):
    folder = env.folder()
    key, certificate = os.path.join(folder, "key"), os.path.join(folder, "certificate")
    shell.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
               "-days", "2", "-subj", "/CN=tracker", "-addext", "subjectAltName=IP:127.0.0.1"])
    with _closing(tracker.Tracker(tls=(certificate, key))) as t:
        with _seeded(env, [t.url]) as control:
            row = _row(control, t.url, "failing")
            assert "certificate" in row["text"], row
            assert not t.queries
        os.environ["SSL_CERT_FILE"] = certificate
        try:
            with _seeded(env, [t.url]) as control:
                _accepting(control, t)
                shell.wait_until(lambda: t.queries, 10, "an announce over TLS")
        finally:
            del os.environ["SSL_CERT_FILE"]


def test_tiers(env):
    """Each tier has one tracker that works; of a private torrent there is one in all."""
    with _closing(*[tracker.Tracker() for _ in range(4)]) as (a, b, c, dead):
        for t in (a, b, c):
            t.behave(lambda handler, _: handler.reply({"interval": 1800, "peers": b""}))
        dead.behave(lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR))
        with _seeded(env, [a.url, b.url], [dead.url, c.url]) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 2, 10, "both")
            assert len(a.queries) + len(b.queries) == 1, "two trackers of one tier were told"
            assert len(c.queries) == 1 and c.queries[0]["event"] == "started"
            states = sorted((r["tier"], r["state"]) for r in _rows(control))
            assert states == [(tier, state) for tier in (0, 1)
                              for state in ("standby", "working")], states
        before = [len(t.queries) for t in (a, b, c)]
        with _seeded(env, [a.url], [b.url, c.url], private=True) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 1, 10, "one")
            told = [len(t.queries) - n for t, n in zip((a, b, c), before)]
            assert told == [1, 0, 0], told


def test_partial_is_paused_then_completed(env):
    """BEP 21 while pieces are missing; one that gets them has completed."""
    with _closing(tracker.Tracker()) as t:
        t.behave(lambda handler, _: handler.reply({"interval": 1800, "peers": b"",
                                                   "min interval": 1}))
        with alone.running(env, **PORT_OPTIONS) as control:
            path = content.single(env.folder(), 4 << 20, "partial")
            torrent = path + ".torrent"
            spillway.create(env, path, torrent, "--tracker", t.url)
            with open(path, "r+b") as f:
                whole = f.read(4096)
                f.seek(0)
                f.write(b"\0" * 4096)
            control.cli("add", torrent, "--data", os.path.dirname(path))
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 1, 10,
                             "an announce and its answer")
            assert t.queries[0]["event"] == "paused" and int(t.queries[0]["left"]) > 0
            with open(path, "r+b") as f:
                f.write(whole)
            control.cli("add", torrent, "--data", os.path.dirname(path))
            shell.wait_until(lambda: len(t.queries) > 1, 10, "another announce")
            assert t.queries[1]["event"] == "completed" and t.queries[1]["left"] == "0"


def test_udp(env):
    with _closing(tracker.UdpTracker()) as t:
        with _seeded(env, [t.url], count=20) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 20, 10, "all")
            row = _row(control, t.url, "working")
            assert (row["seeders"], row["leechers"], row["interval_seconds"]) == (7, 3, 1800), row
            assert t.connects == 1, "a connection id serves all torrents"
            note = t.announces[0]
            assert note["event"] == 2 and note["port"] == spillway.PORT and note["num_want"] == 0
            assert note["left"] == note["downloaded"] == 0 and note["url"] == b"/announce?pass=key"
            assert note["ip"] == int.from_bytes(socket.inet_aton("10.1.2.3"), "big"), note
        assert sorted(a["event"] for a in t.announces) == [2] * 20 + [3] * 20


def test_udp_that_is_bad(env):
    cases = {"silent": "no answer", "strangers": "no answer", "short": "cut short",
             "error": "not here?[31m"}
    trackers = [tracker.UdpTracker(mode=mode) for mode in cases]
    with _closing(*trackers):
        with _seeded(env, *[[t.url] for t in trackers], count=5, **IMPATIENT) as control:
            for t, text in zip(trackers, cases.values()):
                row = _row(control, t.url, "failing")
                assert text in row["text"], f"{t.mode}: {row}"
            assert trackers[0].connects == 2, "sent once and once again, for all torrents"


def test_ipv6(env):
    with _closing(tracker.Tracker(address="::1"), tracker.UdpTracker("::1")) as (t, u):
        t.behave(lambda handler, _: handler.reply({"interval": 1800, "peers": b"",
                                                   "peers6": b"\0" * 18}))
        with _seeded(env, [t.url], [u.url], **{"announce-address": "2001:db8::7",
                                               "announce-port": 7000}) as control:
            shell.wait_until(lambda: control.json("stats")["announce"]["working"] == 2, 10, "both")
            q = t.queries[0]
            assert q["ipv6"] == "2001:db8::7" and q["port"] == "7000", q
            assert u.announces[0]["ip"] == 0 and u.announces[0]["port"] == 7000


def _scraped(handler, query):
    if query["path"].startswith("/scrape?"):
        counts = {"complete": 70, "incomplete": 30, "downloaded": 110}
        handler.reply({"files": {h: counts for h in [*query["hashes"], b"x" * 20]}})
    else:
        handler.reply({"interval": 1800, "peers": b"", "complete": 1})


def test_scrape(env):
    """Over HTTP and UDP, as many torrents as go into one question."""
    with _closing(tracker.Tracker(), tracker.UdpTracker()) as (t, u):
        t.behave(_scraped)
        with _seeded(env, [t.url], [u.url], count=100, **{"tracker-scrape": 1}) as control:
            shell.wait_until(lambda: max(u.scrapes, default=0) == 40, 10, "a full question")
            shell.wait_until(lambda: [r["downloaded"] for r in _rows(control)] == [110, 11], 10,
                             "scraped numbers")
            assert [r["seeders"] for r in _rows(control)] == [70, 7]
            assert [r["leechers"] for r in _rows(control)] == [30, 3]


def test_not_announced(env):
    with _closing(tracker.Tracker()) as t:
        with _seeded(env, [t.url], announce="no") as control:
            refused = control.cli("announce", "--all", check=False)
            assert refused.returncode == 1 and "option announce" in refused.stderr
            time.sleep(0.5)
            assert not t.queries and not _rows(control)
