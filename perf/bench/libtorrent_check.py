# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Has libtorrent check content again and again, set up to hash as fast as it can.

    libtorrent_check.py THREADS DATA_DIR TORRENT...
    libtorrent_check.py --settings THREADS

Checks once, then for each line on its input once more (force_recheck), and prints after each one
line of JSON: seconds, CPU seconds of the process, and whether all pieces are there.
"""

import json
import sys
import time

import libtorrent as lt

QUEUED = (lt.torrent_status.states.checking_files, lt.torrent_status.states.checking_resume_data)


def settings_of(threads):
    return {
        "hashing_threads": threads, "aio_threads": threads, "checking_mem_usage": 4096,
        "active_checking": -1, "active_seeds": -1, "active_downloads": -1, "active_limit": -1,
        "listen_interfaces": "", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
        "enable_natpmp": False, "alert_mask": 0,
    }


def checked(begins, at_once):
    """Begin checks, each by a function that returns its handle, so many at once, and wait for all;
    returns the handles. Hundreds at once take libtorrent a hundred times as long as one by one."""
    waiting, running, done = list(begins), [], []
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(waiting.pop(0)())
        time.sleep(0.002)
        ended = [h for h in running if h.status().state not in QUEUED]
        running = [h for h in running if h not in ended]
        done += ended
    return done


def measured(begins, at_once):
    wall, cpu = time.monotonic(), time.process_time()
    handles = checked(begins, at_once)
    spent = {"seconds": time.monotonic() - wall, "cpu_s": time.process_time() - cpu}
    states = [h.status() for h in handles]
    print(json.dumps({**spent, "good": all(s.is_seeding or s.progress == 1 for s in states)}),
          flush=True)
    return handles


def adding(session, folder, path):
    """A function that adds a torrent, which is checked then."""
    def add():
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(path)
        params.save_path = folder
        params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
        return session.add_torrent(params)
    return add


def rechecking(handle):
    def recheck():
        handle.force_recheck()
        return handle
    return recheck


def main(threads, folder, *torrents):
    session = lt.session(settings_of(threads))
    handles = measured([adding(session, folder, path) for path in torrents], 2 * threads)
    for _ in sys.stdin:
        measured([rechecking(h) for h in handles], 2 * threads)


if __name__ == "__main__":
    if sys.argv[1] == "--settings":
        print("\n".join(f"{k}: {v}" for k, v in settings_of(int(sys.argv[2])).items()))
    else:
        main(int(sys.argv[1]), *sys.argv[2:])
