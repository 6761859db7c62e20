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


def checked(handles):
    """Wait until none is being checked; returns whether all is there. Each question is answered by
    the thread that has to do with the checks, too: one is asked at a time."""
    for handle in handles:
        while handle.status().state in QUEUED:
            time.sleep(0.005)
    states = [h.status() for h in handles]
    if any(s.state in QUEUED for s in states):
        return checked(handles)
    return all(s.is_seeding or s.progress == 1 for s in states)


def measured(handles, again):
    wall, cpu = time.monotonic(), time.process_time()
    if again:
        for handle in handles:
            handle.force_recheck()
        time.sleep(0.005)
    good = checked(handles)
    print(json.dumps({"seconds": time.monotonic() - wall, "cpu_s": time.process_time() - cpu,
                      "good": good}), flush=True)


def main(threads, folder, *torrents):
    session = lt.session(settings_of(threads))
    handles = []
    for path in torrents:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(path)
        params.save_path = folder
        params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
        handles.append(session.add_torrent(params))
    measured(handles, False)
    for _ in sys.stdin:
        measured(handles, True)


if __name__ == "__main__":
    if sys.argv[1] == "--settings":
        print("\n".join(f"{k}: {v}" for k, v in settings_of(int(sys.argv[2])).items()))
    else:
        main(int(sys.argv[1]), *sys.argv[2:])
