# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The HTTP API under bad input: wrong tokens, hosts and origins, bodies without end, slow clients,
hundreds of connections, broken HTTP. Each is answered clearly or closed, and others are served."""

import base64
import contextlib
import json
import os
import socket
import stat
import time

import alone
import api
import content
import shell
import spillway

HEAD = b"POST /transmission/rpc HTTP/1.1\r\nHost: localhost\r\n"


class Fixture:
    def __init__(self, env, control, client):
        self.env = env
        self.control = control
        self.api = client
        self.token = client.token


@contextlib.contextmanager
def fixture(env):
    port = api.free_port()
    with alone.running(env, api=f"127.0.0.1:{port}", api_hosts="seeder.example") as control:
        yield Fixture(env, control, api.Api(port, control.json("api-token")["token"]))


def check(f):
    """Whoever has the token is served."""
    f.api.call("session-stats")


def _auth(f):
    return b"Authorization: Bearer " + f.token.encode() + b"\r\n"


def _raw(f, request):
    return api.status_of(f.api.raw(request))


def test_token_is_made_and_kept(f):
    path = os.path.join(f.control.options["state-dir"], "api_token")
    mode = os.stat(path).st_mode
    assert stat.S_IMODE(mode) == 0o600, oct(mode)
    with open(path, encoding="ascii") as file:
        assert file.read().strip() == f.token
    assert len(f.token) == 64 and int(f.token, 16) > 0
    assert f.control.cli("api-token").stdout.strip() == f.token


def test_without_the_token(f):
    for token in (None, "0" * 64, f.token[:-1], f.token + "0", "x"):
        status, headers, body = f.api.http("POST", api.PATH, "{}", token=token)
        assert status == 401 and "Basic" in headers["WWW-Authenticate"], (token, status)
        assert f.token.encode() not in body
    status, _, _ = f.api.http("GET", "/nothing/there", token=None)
    assert status == 404


def test_guesses_are_limited(f):
    statuses = [f.api.http("POST", api.PATH, "{}", token="%064x" % i)[0] for i in range(60)]
    assert set(statuses) == {401, 429}, statuses
    assert statuses[-1] == 429
    assert f.api.http("POST", api.PATH, "{}")[0] == 409, "the token's owner is shut out"


def test_hosts(f):
    for host, want in (("localhost", 409), ("127.0.0.1:1", 409), ("[::1]:80", 409),
                       ("seeder.example:443", 409), ("evil.example", 421),
                       ("localhost.evil.example", 421), ("", 421), ("10.0.0.1", 421)):
        status, _, _ = f.api.http("POST", api.PATH, "{}", Host=host)
        assert status == want, (host, status)
    assert _raw(f, b"GET /transmission/rpc HTTP/1.0\r\n" + _auth(f) + b"\r\n") == 400
    assert _raw(f, HEAD + b"Host: evil.example\r\nConnection: close\r\n\r\n") == 400


def test_origins(f):
    for origin, want in ((f"http://localhost:{f.api.port}", 409), ("http://evil.example", 403),
                         ("null", 403), (f"http://localhost:{f.api.port + 1}", 403)):
        status, headers, _ = f.api.http("POST", api.PATH, "{}", Origin=origin,
                                        Host=f"localhost:{f.api.port}")
        assert status == want, (origin, status)
        assert "Access-Control-Allow-Origin" not in headers


def test_headers_of_security(f):
    _, headers, _ = f.api.http("GET", api.PATH)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_methods_and_paths(f):
    assert f.api.http("OPTIONS", api.PATH)[0] == 204
    status, headers, _ = f.api.http("DELETE", api.PATH)
    assert status == 405 and "POST" in headers["Allow"]
    for path in ("/../../etc/passwd", "/transmission/rpc/../../etc/passwd", "/%2e%2e/",
                 "/transmission/rpc%00", "//transmission/rpc", "/transmission"):
        status, _, body = f.api.http("GET", path)
        assert status in (404, 400, 409) and b"root:" not in body, (path, status)
    assert f.api.http("HEAD", "/nothing")[2] == b""
    for request in (b"GET http://evil.example/ HTTP/1.1\r\n",
                    b"BREW / HTTP/1.1\r\n"):
        request += b"Host: localhost\r\nConnection: close\r\n\r\n"
        assert _raw(f, request) in (404, 405), request


def test_broken_http(f):
    for request in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n\r\n\r\n",
                    b"GET\r\n\r\n",
                    b"\x00" * 1000, HEAD + b"Content-Length: x\r\n\r\n",
                    HEAD + b"Content-Length: -1\r\n\r\n",
                    HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n",
                    HEAD + b"Transfer-Encoding: chunked\r\n" + _auth(f) + b"\r\nzz\r\n",
                    HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
                    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}"):
        with f.api.socket() as s:
            s.settimeout(1)
            status = api.status_of(api.exchange(s, request))
        assert status == 0 or 400 <= status < 500, (request, status)


def test_pipelined(f):
    one = HEAD + _auth(f) + b"Content-Length: 2\r\n\r\n{}"
    last = HEAD + _auth(f) + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}"
    answer = f.api.raw(one * 9 + last)
    assert answer.count(b"HTTP/1.1 409") == 10, answer[:400]


def test_long_headers(f):
    answer = f.api.raw(HEAD + b"X-Long: " + b"a" * 200000 + b"\r\n\r\n")
    assert api.status_of(answer) in (0, 400, 413, 431), answer[:80]
    lines = b"".join(b"X-%d: y\r\n" % i for i in range(20000))
    assert api.status_of(f.api.raw(HEAD + lines + b"\r\n")) in (0, 400, 413, 431)
    assert _raw(f, b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n\r\n") in (0, 400, 414)


def test_a_gigabyte(f):
    """Announced, it is refused before it comes; unannounced, when it is too much. Neither stays in
    memory."""
    before = spillway.anonymous_kib(f.control.proc.pid)
    for length in (b"1073741824", b"9" * 18, b"9" * 19):
        with f.api.socket() as s:
            s.settimeout(5)
            announced = HEAD + _auth(f) + b"Content-Length: " + length + b"\r\n\r\n"
            assert api.status_of(api.exchange(s, announced)) == 413
    with f.api.socket() as s:
        s.sendall(HEAD + _auth(f) + b"Transfer-Encoding: chunked\r\n\r\n")
        part, sent = b"100000\r\n" + b" " * (1 << 20) + b"\r\n", 0
        with contextlib.suppress(OSError):
            while sent < 1 << 30:
                s.sendall(part)
                sent += 1 << 20
        assert sent < 200 << 20, f"{sent >> 20} MiB were taken"
    with f.api.socket() as s:  # without the token, nothing of it is kept
        s.settimeout(5)
        assert api.status_of(api.exchange(s, HEAD + b"Content-Length: 20000000\r\n\r\n")) == 401
    grown = spillway.anonymous_kib(f.control.proc.pid) - before
    assert grown < 8192, f"{grown} KiB more than before"


def test_many_long_bodies_at_once(f):
    """What all bodies take together is bounded."""
    before = spillway.anonymous_kib(f.control.proc.pid)
    head = HEAD + _auth(f) + b"Content-Length: 20000000\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            s = stack.enter_context(f.api.socket())
            s.settimeout(2)
            with contextlib.suppress(OSError):
                s.sendall(head + b" " * 19000000)
        check(f)
        most = spillway.anonymous_kib(f.control.proc.pid) - before
        assert most < 160 << 10, f"{most >> 10} MiB"
    shell.wait_until(lambda: spillway.anonymous_kib(f.control.proc.pid) - before < 16 << 10, 10,
                     "memory given back")


def test_hundreds_of_connections(f):
    """They make place for each other; who has the token comes through."""
    with contextlib.ExitStack() as stack:
        for i in range(300):
            s = stack.enter_context(socket.create_connection(("127.0.0.1", f.api.port),
                                                                 timeout=shell.PATIENCE_S))
            if i % 2:
                with contextlib.suppress(OSError):
                    s.sendall(HEAD)
            if i % 50 == 49:
                check(f)
        check(f)


def test_slow_clients(f):
    """A byte now and then: cut when the time for a header is over, and nobody else waits."""
    slow = [f.api.socket() for _ in range(20)]
    begin = time.monotonic()
    try:
        for i in range(60):
            for s in slow[i % 2::2]:
                with contextlib.suppress(OSError):
                    s.sendall(HEAD[i % len(HEAD):][:1])
            check(f)
            time.sleep(0.6)
            if all(_is_closed(s) for s in slow):
                break
        took = time.monotonic() - begin
        assert all(_is_closed(s) for s in slow), f"open after {took:.0f} s"
    finally:
        for s in slow:
            s.close()


def _is_closed(s):
    s.setblocking(False)
    try:
        while s.recv(65536) != b"":
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_bad_requests_of_the_rpc(f):
    deep = "[" * 100000
    for body, want in (("", 400), ("{", 400), ("[]", 400), ("null", 400), (deep, 400),
                       ("{\"a\":" * 80, 400), ("{\"a\":\"\\u0000\"}", 400), ("\xff\xfe", 400),
                       ("[" + "0," * 400000 + "0]", 400),
                       ("{}", 200), ("{\"method\": 7}", 200), ("{\"method\": \"no-such\"}", 200),
                       ("{\"method\": \"torrent-get\", \"arguments\": []}", 200),
                       ("{\"method\": \"torrent-get\", \"method\": \"torrent-get\"}", 400)):
        status, answer = f.api.post(body.encode("latin-1"))
        assert status == want and answer["result"] != "success", (body[:60], status, answer)
        assert answer["arguments"] == {}


def test_wrong_arguments(f):
    for method, arguments in (
            ("torrent-get", {"fields": "id"}), ("torrent-get", {"fields": ["id"], "ids": [1.5]}),
            ("torrent-get", {"fields": ["id"], "ids": {}}),
            ("torrent-get", {"fields": ["id"], "format": "csv"}),
            ("torrent-add", {}), ("torrent-add", {"metainfo": "!!"}),
            ("torrent-add", {"metainfo": "ZGU="}), ("torrent-add", {"filename": 1}),
            ("torrent-add", {"filename": "/etc/shadow"}), ("torrent-add", {"filename": "x"}),
            ("torrent-add", {"filename": "http://127.0.0.1/x.torrent"}),
            ("torrent-add", {"filename": "magnet:?xt=urn:btih:" + "a" * 40}),
            ("torrent-add", {"metainfo": "ZGU=", "download__dir": "relative"}),
            ("torrent-set", {"labels": [1]}), ("torrent-set", {"labels": ["a,b"]}),
            ("torrent-set", {"peer__limit": -1}), ("torrent-set", {"uploadLimited": "yes"}),
            ("torrent-set", {"uploadLimit": 1e300}), ("torrent-set", {"seedRatioMode": 1}),
            ("torrent-set", {"honorsSessionLimits": False}),
            ("session-set", {"start__added__torrents": "no"}),
            ("torrent-set-location", {}), ("torrent-set-location", {"location": "/nowhere"}),
            ("torrent-set-location", {"location": "/tmp", "move": True}),
            ("torrent-rename-path", {"path": "a", "name": "b"}), ("session-close", {}),
            ("session-set", {"encryption": "required"}), ("free-space", {"path": "x"}),
            ("torrent-remove", {"delete__local__data": True})):
        text = f.api.refused(method, **arguments)
        assert text and "root:" not in text, (method, text)
        assert "/etc/shadow" not in text or "no .torrent" in text


def test_numbers_out_of_this_world(f):
    for ids in ([0], [-1], [1 << 40], ["0" * 40], ["zz"], [], "recently-active"):
        assert f.api.get("id", ids=ids) == []


def test_a_long_torrent_holds_up_nobody(f):
    """Megabytes of base64 are read at once, while a long text elsewhere is refused."""
    text = base64.b64encode(os.urandom(12 << 20)).decode().replace("/", "\\/")
    body = '{"method": "torrent-add", "arguments": {"metainfo" : "%s", "download-dir": "/"}}' % text
    before = _cpu_seconds(f.control.proc.pid)
    status, answer = f.api.post(body)
    took = _cpu_seconds(f.control.proc.pid) - before
    assert status == 200 and "not a .torrent" in answer["result"], answer
    assert took < 2, f"{took:.1f} s of CPU: the parser has had it"
    status, answer = f.api.post(body.replace("metainfo", "filename"))
    assert status == 400 and "too long" in answer["result"], answer


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        words = file.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_add_that_is_cut_short(f):
    """A client that goes in the midst of its answer, or before it."""
    path, torrent = f.control.content("cut.bin")
    f.api.add(torrent, os.path.dirname(path))
    for _ in range(20):
        body = json.dumps({"method": "torrent-get", "arguments": {"fields": ["files", "pieces"]}})
        request = (HEAD + _auth(f) + b"X-Transmission-Session-Id: " + f.api.session.encode() +
                   b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body.encode())
        with f.api.socket() as s:
            s.sendall(request)
    assert f.api.get("name") == [{"name": "cut.bin"}]
    f.api.call("torrent-remove", ids=[1])


def test_roots(f):
    """Content and .torrents from elsewhere are refused when api_roots says where they may be."""
    port, folder = api.free_port(), f.env.folder()
    inside, outside = os.path.join(folder, "inside"), os.path.join(folder, "outside")
    os.mkdir(inside)
    os.mkdir(outside)
    os.symlink(outside, os.path.join(inside, "link"))
    with alone.running(f.env, api=f"127.0.0.1:{port}", api_roots=inside) as control:
        client = api.Api(port, control.json("api-token")["token"])
        torrents = {}
        for where in (inside, outside):
            path = content.single(where, 100000, "root.bin")
            torrents[where] = path + ".torrent"
            spillway.create(f.env, path, torrents[where])
        for where in (outside, os.path.join(inside, "link"), inside + "/../outside", inside + "x"):
            text = client.refused("torrent-add", filename=torrents[inside], download__dir=where)
            assert "api_roots" in text or "No such file" in text, text
        assert "no .torrent" in client.refused("torrent-add", filename=torrents[outside],
                                               download__dir=inside)
        client.call("torrent-add", filename=torrents[inside], download__dir=inside)


def test_roots_keep_what_they_judged(f):
    """A symbolic link that is swapped after torrent-add leads nowhere else."""
    port, folder = api.free_port(), f.env.folder()
    inside, link = os.path.join(folder, "inside"), os.path.join(folder, "inside", "link")
    for name in ("inside/real", "inside/other", "outside"):
        os.makedirs(os.path.join(folder, name))
        path = content.single(os.path.join(folder, name), 100000, "root.bin")
    spillway.create(f.env, path, os.path.join(inside, "torrent"))
    os.symlink("real", link)
    with alone.running(f.env, api=f"127.0.0.1:{port}", api_roots=inside) as control:
        client = api.Api(port, control.json("api-token")["token"])
        client.call("torrent-add", filename=os.path.join(inside, "torrent"), download__dir=link)
        real = os.path.join(inside, "real")
        assert control.torrent("root.bin")["data"] == real
        os.unlink(link)
        os.symlink(os.path.join(folder, "outside"), link)
        assert control.torrent("root.bin")["data"] == real
        text = client.refused("torrent-set-location", ids=[1], location=link, move=False)
        assert "api_roots" in text, text
        os.unlink(link)
        os.symlink("other", link)
        client.call("torrent-set-location", ids=[1], location=link, move=False)
        client.call("session-set", download__dir=link)
        other = os.path.join(inside, "other")
        assert control.torrent("root.bin")["data"] == other
        assert client.call("session-get")["download-dir"] == other


def test_places_that_are_taken(f):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        text = alone.Control(f.env, api="127.0.0.1:%d" % s.getsockname()[1]).refused()
        assert "option api" in text and "in use" in text, text
    control = alone.Control(f.env, api=f"127.0.0.1:{api.free_port()}")
    os.makedirs(control.options["state-dir"])
    path = os.path.join(control.options["state-dir"], "api_token")
    with open(path, "w", encoding="ascii") as file:
        file.write("short\n")
    text = control.refused()
    assert "api_token" in text and "32" in text, text


def test_unix_socket(f):
    """The token is asked for there, too; a socket that a killed spillwayd left is replaced."""
    path = os.path.join(f.env.folder(), "api.sock")
    control = alone.Control(f.env, api=f"unix:{path}").start()
    try:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        request = HEAD + b"Connection: close\r\n\r\n"
        token = control.json("api-token")["token"].encode()
        for extra, want in ((b"", 401), (b"Authorization: Bearer " + token + b"\r\n", 409)):
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(5)
                s.connect(path)
                assert api.status_of(api.exchange(s, HEAD + extra + b"Connection: close\r\n\r\n")) \
                    == want, request
        control.proc.kill()
        control.proc.wait()
        control.order("die", 9)
        control.start()
    finally:
        assert control.stop() == 0
    assert not os.path.exists(path)
