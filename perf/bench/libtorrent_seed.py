# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Seeds torrents with libtorrent, set up for seeding as its tuning guide says.

The content is checked before it serves: in seed_mode each piece would be hashed when it is first
asked for, and the hashing would be counted as serving.

    libtorrent_seed.py ADDR:PORT LIST DATA_DIR
    libtorrent_seed.py --settings

LIST is a file of paths of .torrent files, one a line. Prints "ready VERSION" when it serves all of
them, then runs until a signal ends it. --settings prints what differs from libtorrent's defaults.
"""

import signal
import sys
import time

import libtorrent as lt


def settings_of(listen):
    """The preset for seeding boxes, plus what a load generator of one address needs."""
    settings = lt.high_performance_seed()
    settings.update({
        "listen_interfaces": listen,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_incoming_utp": False,
        "enable_outgoing_utp": False,
        "in_enc_policy": int(lt.enc_policy.disabled),
        "out_enc_policy": int(lt.enc_policy.disabled),
        "allow_multiple_connections_per_ip": True,
        "connections_limit": 20000,
        "unchoke_slots_limit": -1,
        "choking_algorithm": 0,  # fixed slots
        "max_allowed_in_request_queue": 4000,
        "suggest_mode": 0,  # the generator does not follow suggestions
        "rate_limit_ip_overhead": False,
        "close_redundant_connections": False,
        "alert_mask": 0,
    })
    return settings


def settings_print():
    """Those that are not the library's defaults, one a line."""
    defaults = lt.default_settings()
    for name, value in sorted(settings_of("").items()):
        if defaults.get(name) != value and name != "listen_interfaces":
            print(f"{name}: {value}")


def add(session, torrent_path, data_dir):
    """A torrent that serves whoever comes, once it is checked."""
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent_path)
    params.save_path = data_dir
    params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    handle = session.add_torrent(params)
    handle.set_max_connections(-1)
    handle.set_max_uploads(-1)
    return handle


def wait_for(handle, deadline):
    """Until it seeds."""
    while not handle.status().is_seeding:
        if handle.status().state == lt.torrent_status.downloading or time.monotonic() > deadline:
            sys.exit("libtorrent did not begin to seed")
        time.sleep(0.05)


def main():
    if sys.argv[1:] == ["--settings"]:
        settings_print()
        return
    listen, listed, data_dir = sys.argv[1:4]
    session = lt.session(settings_of(listen))
    with open(listed, encoding="utf-8") as f:
        handles = [add(session, path, data_dir) for path in f.read().splitlines()]
    deadline = time.monotonic() + 600
    for handle in handles:
        wait_for(handle, deadline)
    while not session.is_listening():
        time.sleep(0.05)
    print("ready", lt.__version__, flush=True)
    signal.pause()


main()
