# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What the control plane takes, and what serving keeps meanwhile: perf/run control.

One hot torrent is downloaded by readers of a set rate, which together ask for less than the wire
could give; beside it lie very many small torrents. In each phase control does one thing, again and
again or once, while the download is measured. Serving is what the readers got, beside phases in
which control had nothing to do, one at the beginning and one at the end.
"""

import base64
import contextlib
import http.client
import json
import os
import re
import statistics
import tempfile
import threading
import time

import bencode
import measure
import many
import procfs
from load import Load
from report import MIB
from seeders import Spillway
from shell import CommandError, stop, wait_until

READERS = 64
READER_RATE = 2 << 20  # bytes/s of each
API_PORT = 9091
TRACKER_PORT = 6969
PACE_S = 0.2           # between the beginnings of a job that is repeated
MANY_S = 900           # for all of the many to be seeded
QUIET = "quiet"


class Controlled(Spillway):
    """Spillway with an API, and a catalogue beside the hot torrent."""

    def __init__(self, options, folder, huge):
        worker = {"cpu": measure.SEEDER_CPU} if measure.can_pin() else {}
        super().__init__(options.build, folder, huge, torrents_max=options.torrents + 1000,
                         api=f"127.0.0.1:{API_PORT}", announce="yes", dht="no", **worker)
        self.lab = None
        self.hot_name = ""
        self.serial = 0

    def start(self, lab, content, cpu):
        self.lab = lab
        super().start(lab, content, None)

    def control_pid(self):
        return self._daemon.proc.pid

    def cli(self, *words):
        return self._daemon.cli(*words, timeout=MANY_S)

    def json(self, *words):
        """The last line that a command prints."""
        return self._daemon.json(*words)

    def restart_control(self):
        """The dataplane goes on; returns the seconds until control answers again."""
        self._daemon.proc.send_signal(3)  # QUIT: leave it serving
        self._daemon.proc.wait(30)
        begin = time.monotonic()
        self._daemon.start()
        return time.monotonic() - begin

    def request(self, method, path, body=None):
        """One request to the API; returns its status and body."""
        token = self._daemon.cli("api-token").stdout.strip()
        basic = base64.b64encode(f"perf:{token}".encode()).decode()
        headers = {"Authorization": "Basic " + basic}
        with self.lab.seeder.inside():
            connection = http.client.HTTPConnection("127.0.0.1", API_PORT, timeout=60)
            connection.connect()
        for _ in range(2):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
            session = answer.getheader("X-Transmission-Session-Id")
            if answer.status != 409:
                break
            headers["X-Transmission-Session-Id"] = session
        connection.close()
        return answer.status, text

    def rpc(self, method, **arguments):
        """The answer is not parsed: that would be our work and not control's."""
        status, text = self.request("POST", "/transmission/rpc",
                                    json.dumps({"method": method, "arguments": arguments}))
        if status != 200 or b'"success"' not in text[-40:] + text[:40]:
            raise CommandError(f"{method}: status {status}: {text[:200]}")


class Job:
    """What control does in a phase: once(seeder) again and again, or while it lasts, once."""

    def __init__(self, name, about, once, repeat=True):
        self.name, self.about, self._once, self._repeat = name, about, once, repeat

    def run(self, seeder, ended):
        """Until ended is set. Returns the seconds that each took."""
        took = []
        while not ended.is_set() and (self._repeat or not took):
            begin = time.monotonic()
            self._once(seeder)
            took.append(time.monotonic() - begin)
            time.sleep(max(0.0, PACE_S - took[-1]))  # as often as someone would who watches
        return took


def _metrics(seeder):
    status, _ = seeder.request("GET", "/metrics")
    if status != 200:
        raise CommandError(f"/metrics: status {status}")


def _list(seeder, *words):
    """The list is not parsed: that would be our work and not control's."""
    last = seeder.cli("--json", "list", *words).stdout[-60:]
    seeder.serial = int(re.search(r'"serial": (\d+)', last)[1])


def _changes(seeder):
    _list(seeder, "--since", str(seeder.serial))


def _verify(seeder):
    seeder.cli("verify", seeder.hot_name)


JOBS = [
    Job("list", "spillway list --json, of all", _list),
    Job("changes", "spillway list --since the last serial", _changes),
    Job("stats", "spillway stats", lambda s: s.json("stats")),
    Job("scrape", "GET /metrics", _metrics),
    Job("rpc all", "torrent-get of id, name, status of all",
        lambda s: s.rpc("torrent-get", fields=["id", "name", "status"])),
    Job("rpc recent", "torrent-get of what is recently active",
        lambda s: s.rpc("torrent-get", ids="recently-active", fields=["id", "rateUpload"])),
    Job("announce", "spillway announce --all", lambda s: s.cli("announce", "--all")),
    Job("verify", "spillway verify of the hot torrent", _verify),
]


def measured(seeder, content, job, options):
    """The download and the job at once. Returns figures."""
    load = Load(READERS, options.seconds, 16,
                ["--slow-share", "1", "--slow-rate", str(READER_RATE)])
    source = measure.generator(options.build, options.work_folder)
    pid, ended, seen, took, failed = seeder.control_pid(), threading.Event(), [], [], ""
    cpu_s, begin = procfs.process_cpu_s([pid]), time.monotonic()
    with source.running(seeder.lab, seeder, content, load) as wait:
        def watch():
            seen.append(wait())
            ended.set()

        watching = threading.Thread(target=watch)
        watching.start()
        # Here and not there: a process that is started ends with the thread that started it.
        try:
            took = job.run(seeder, ended)
        except CommandError as e:
            failed = str(e).splitlines()[0]
        watching.join()
    wall_s = time.monotonic() - begin
    seen, _, _, latency = seen[0]
    return {"phase": job.name, "about": job.about, "goodput": seen["goodput_bytes_per_s"],
            "p99_us": latency.get("p99_us"),
            "pieces_failed": seen["pieces_failed_cnt"], "times": len(took),
            "median_s": statistics.median(took) if took else None,
            "max_s": max(took) if took else None,
            "control_cores": (procfs.process_cpu_s([seeder.control_pid()]) - cpu_s) / wall_s
            if seeder.control_pid() == pid else None,
            "control_mib": procfs.memory_bytes([seeder.control_pid()]) / 2**20,
            "failed": failed}


def _all_seeding(seeder, count):
    """As /metrics counts them: cheap beside a list."""
    _, text = seeder.request("GET", "/metrics")
    by_state = dict(re.findall(r'^spillway_torrents\{state="(\w+)"\} (\d+)', text.decode(), re.M))
    return int(by_state["seeding"]) >= count


def add_many(seeder, listed):
    """Applies the manifest and waits until all is seeded."""
    path = os.path.join(os.path.dirname(listed[0][0]), "manifest")
    with open(path, "w", encoding="utf-8") as f:
        for torrent, folder in listed:
            f.write(json.dumps({"torrent": torrent, "data": folder}) + "\n")
    seeder.cli("apply", path)
    wait_until(lambda: _all_seeding(seeder, len(listed)), MANY_S, "not all is seeded", pause=1)


def _jobs(listed):
    """Every phase, in order."""
    quiet = Job(QUIET, "control has nothing to do", lambda seeder: None)
    return [
        quiet,
        Job("add", f"spillway apply of {len(listed):,} torrents, until all are verified",
            lambda seeder: add_many(seeder, listed), False),
        Job("restart", "control restarted beside a dataplane that goes on",
            lambda seeder: seeder.restart_control(), False),
        *JOBS, quiet]


@contextlib.contextmanager
def _tracker(lab, listed):
    """opentracker beside the peers; Debian's serves those torrents only that a file names."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)  # it gives up its privileges
        with open(os.path.join(folder, "white"), "w", encoding="ascii") as f:
            for torrent, _ in listed:
                with open(torrent, "rb") as t:
                    f.write(bencode.info_hash(t.read()).hex() + "\n")
        process = lab.client.start(
            ["opentracker", "-i", lab.client_ip, "-p", str(TRACKER_PORT), "-P", str(TRACKER_PORT),
             "-d", folder, "-w", "white"], os.path.join(folder, "opentracker.log"))
        try:
            yield
        finally:
            stop(process)


def run_round(options, content, work, note):
    """Every phase once, on a fresh wire; note gets the figures of each."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=work))
        seeder = Controlled(options, folder, options.huge)
        lab = stack.enter_context(measure.serving(seeder, content))
        url = f"udp://{lab.client_ip}:{TRACKER_PORT}/announce"
        listed = many.make(os.path.join(folder, "many"), options.torrents, url)
        stack.enter_context(_tracker(lab, listed))
        seeder.hot_name = seeder.json("list")["torrents"][0]["info_hash"]
        for job in _jobs(listed):
            note(measured(seeder, content, job, options))


def rows(runs):
    """Medians over the rounds, one row a phase; served is beside the quiet phases."""
    quiet = statistics.median(r["goodput"] for r in runs if r["phase"] == QUIET)
    out = []
    for phase in dict.fromkeys(r["phase"] for r in runs):
        mine = [r for r in runs if r["phase"] == phase]
        row = {"phase": phase, "about": mine[0]["about"], "runs": len(mine),
               "failed": next((r["failed"] for r in mine if r["failed"]), "")}
        for name in ("goodput", "p99_us", "times", "median_s", "max_s", "control_cores",
                     "control_mib"):
            values = [r[name] for r in mine if r[name] is not None]
            row[name] = statistics.median(values) if values else None
        row["served"] = row["goodput"] / quiet if quiet else None
        out.append(row)
    return out


def _cell(value, form):
    return "-" if value is None else format(value, form)


def table(result_rows):
    """For the terminal."""
    lines = [f"{'phase':<12}{'MiB/s':>8}{'of quiet':>10}{'p99 ms':>8}{'times':>7}{'median s':>10}"
             f"{'max s':>9}{'cores':>7}{'MiB':>7}  what"]
    for r in result_rows:
        lines.append(f"{r['phase']:<12}{r['goodput'] / MIB:>8.1f}{_cell(r['served'], '.3f'):>10}"
                     f"{_cell(r['p99_us'] and r['p99_us'] / 1e3, '.1f'):>8}"
                     f"{_cell(r['times'], '.0f'):>7}{_cell(r['median_s'], '.3f'):>10}"
                     f"{_cell(r['max_s'], '.3f'):>9}{_cell(r['control_cores'], '.2f'):>7}"
                     f"{_cell(r['control_mib'], '.0f'):>7}  {r['failed'] or r['about']}")
    return "\n".join(lines)
