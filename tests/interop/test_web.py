# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""/metrics as Prometheus takes it, the dashboard's metrics, and the page in a browser."""

import contextlib
import http.client
import json
import os
import re
import subprocess

import content
import seeding
import shell
import wire
from spillway import PORT

API_PORT = 9091
PROMETHEUS_PORT = 9090
SMALL = 30
BLOCK = 16384
NASTY = "<b>bold & \"quoted\".bin"
BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
           "--no-first-run", "--disable-background-networking", "--disable-component-update",
           "--disable-sync", "--window-size=1200,1200", "--virtual-time-budget=8000"]


@contextlib.contextmanager
def fixture(env):
    with seeding.af_xdp(env, api=f"127.0.0.1:{API_PORT}") as s:
        s.token = s.daemon.cli("api-token").stdout.split()[-1]
        s.one = s.seed(content.single(env.folder(), 4 << 20, "watched.bin"))
        s.nasty = s.seed(content.single(env.folder(), 1 << 20, NASTY))
        s.daemon.cli("label", "watched.bin", "+film")
        s.daemon.cli("label", NASTY, '+q"uote')
        yield s


def check(s):
    s.check_dataplane()


def _get(s, path, accept="*/*", token=True):
    """Status, type and text of an answer, asked from the seeder's namespace."""
    with s.lab.seeder.inside():
        connection = http.client.HTTPConnection("127.0.0.1", API_PORT,
                                                timeout=shell.PATIENCE_S)
        connection.connect()
    headers = {"Accept": accept, **({"Authorization": "Bearer " + s.token} if token else {})}
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.getheader("Content-Type"), text


@contextlib.contextmanager
def _peer(s, blocks=64):
    """A peer that has got some blocks, and stays."""
    with wire.Peer(s.client_ns, s.address, PORT) as peer:
        peer.handshake(s.one.info_hash)
        peer.interested()
        for i in range(blocks):
            peer.request(i, 0, BLOCK)
        for _ in range(blocks):
            peer.receive_until(wire.PIECE)
        yield peer


def _names(text):
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line[0] != "#"}


def test_metrics_need_the_token(s):
    assert _get(s, "/metrics", token=False)[0] == 401
    assert _get(s, "/api/v1/live", token=False)[0] == 401


def test_promtool_finds_nothing_wrong(s):
    with _peer(s):
        status, kind, text = _get(s, "/metrics")
    assert status == 200 and kind.startswith("text/plain; version=0.0.4"), kind
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                          capture_output=True, check=False, timeout=shell.PATIENCE_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'spillway_torrents{state="seeding"} 2' in text, text[:2000]
    assert 'spillway_label_torrents{label="film"} 1' in text, text[:2000]
    assert 'spillway_label_torrents{label="q\\"uote"} 1' in text, text[:2000]


def test_openmetrics_ends_as_it_must(s):
    status, kind, text = _get(s, "/metrics", "application/openmetrics-text; version=1.0.0")
    assert status == 200 and kind.startswith("application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1
    families = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(families) == len(set(families)), "a family is told twice"


def test_series_are_bounded(s):
    """Two series for each label; a torrent that nobody asks for has none."""
    folder = s.env.folder()
    for number in range(SMALL):
        path = content.single(folder, 1000, f"small-{number}.bin")
        torrent = path + ".torrent"
        s.daemon.cli("create", path, "-o", torrent)
        s.daemon.cli("add", torrent, "--data", folder, "--label", f"label-{number}")
    def lines():  # the catalogue is counted now and then
        found = _get(s, "/metrics")[2].splitlines()
        return found if any(f'label="label-{SMALL - 1}"' in line for line in found) else None
    found = shell.wait_until(lines, 10, "the last label")
    assert sum('label="label-' in line for line in found) == 2 * SMALL, found
    assert not any("small-" in line for line in found), found


def _prometheus_start(s, folder):
    with open(os.path.join(s.env.top, "configs", "grafana", "prometheus.yml"),
              encoding="utf-8") as f:
        config = f.read()
    token = os.path.join(folder, "token")
    with open(token, "w", encoding="ascii") as f:
        f.write(s.token)
    config = config.replace("/etc/prometheus/spillway.token", token)
    path = os.path.join(folder, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("global: {scrape_interval: 1s}\n" + config)
    shell.run(["promtool", "check", "config", path])
    log = s.env.watch(os.path.join(folder, "prometheus.log"))
    return s.lab.seeder.start(
        ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={folder}/tsdb",
         f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}"], log)


def _query(s, expression):
    done = s.lab.seeder.run(["promtool", "query", "instant", "-o", "json",
                             f"http://127.0.0.1:{PROMETHEUS_PORT}", expression], check=False)
    return json.loads(done.stdout) if done.returncode == 0 else []


def test_prometheus_scrapes(s):
    with _peer(s):
        process = _prometheus_start(s, s.env.folder())
        try:
            shell.wait_until(lambda: _query(s, "spillway_dataplane_payload_bytes_total > 0"), 30,
                             "Prometheus has scraped", pause=0.5)
            assert _query(s, 'up{job="spillway"} == 1')
            assert _query(s, "histogram_quantile(0.5, spillway_dataplane_service_seconds_bucket)")
            assert _query(s, 'spillway_build_info{version!=""}')
        finally:
            shell.stop(process)


def test_dashboard_names_what_there_is(s):
    with open(os.path.join(s.env.top, "configs", "grafana", "spillway.json"),
              encoding="utf-8") as f:
        board = json.load(f)
    expressions = [t["expr"] for panel in board["panels"] for t in panel["targets"]]
    with _peer(s) as peer:
        def names():
            peer.request(0, 0, BLOCK)
            peer.receive_until(wire.PIECE)
            found = _names(_get(s, "/metrics")[2])
            return found if "spillway_torrent_upload" in str(found) else None
        there = shell.wait_until(names, 10, "a torrent has a rate", pause=0.3)
    named = {n for e in expressions for n in re.findall(r"\bspillway_\w+(?=[{\[\s)])", e)}
    assert len(named) > 12 and named <= there, named - there


def _browse(s, url, *words):
    """What a browser beside spillwayd makes of the page."""
    profile = s.env.folder()
    return s.lab.seeder.run([*BROWSER, f"--user-data-dir={profile}", *words, url], timeout=90)


def test_page_shows_what_happens(s):
    picture = os.path.join(s.env.folder(), "page.png")
    url = f"http://127.0.0.1:{API_PORT}/#token={s.token}"
    with _peer(s) as peer:
        dom = _browse(s, url, "--dump-dom").stdout
        address = "%s:%d" % peer.sock.getsockname()
        _browse(s, url, f"--screenshot={picture}")
    assert ">serving<" in dom and "watched.bin" in dom and address in dom, dom[-4000:]
    assert "request to block handed to TCP" in dom and s.token not in dom
    with open(picture, "rb") as f:
        assert f.read(8) == b"\x89PNG\r\n\x1a\n"
    assert os.path.getsize(picture) > 20000


def test_page_shows_names_as_text(s):
    with wire.Peer(s.client_ns, s.address, PORT) as peer:
        peer.handshake(s.nasty.info_hash)
        dom = _browse(s, f"http://127.0.0.1:{API_PORT}/#token={s.token}", "--dump-dom").stdout
    assert "&lt;b&gt;bold" in dom and "<b>bold" not in dom, dom[-4000:]


def test_page_asks_for_the_token(s):
    dom = _browse(s, f"http://127.0.0.1:{API_PORT}/", "--dump-dom").stdout
    assert "a token is needed" in dom and "watched.bin" not in dom
    dom = _browse(s, f"http://127.0.0.1:{API_PORT}/#token=wrong", "--dump-dom").stdout
    assert "That is not the token." in dom and "watched.bin" not in dom


def test_page_tells_what_is_not_well(s):
    """A torrent whose content is gone is shown with the reason; nothing is when all is well."""
    path = content.single(s.env.folder(), 1000, "soon-gone.bin")
    torrent = path + ".torrent"
    s.daemon.cli("create", path, "-o", torrent)
    s.daemon.cli("add", torrent, "--data", os.path.dirname(path))
    url = f"http://127.0.0.1:{API_PORT}/#token={s.token}"
    shell.wait_until(lambda: not json.loads(_get(s, "/api/v1/live")[2])["torrents"]["ailing"], 20,
                     "all is well")
    assert '<section id="ailing-part" hidden' in _browse(s, url, "--dump-dom").stdout
    os.unlink(path)
    s.daemon.cli("verify", "soon-gone.bin", check=False)
    shell.wait_until(lambda: json.loads(_get(s, "/api/v1/live")[2])["torrents"]["ailing_count"], 20,
                     "it is told")
    dom = _browse(s, url, "--dump-dom").stdout
    s.daemon.cli("remove", "soon-gone.bin")
    assert "soon-gone.bin: file is missing" in dom and '<section id="ailing-part">' in dom, dom
