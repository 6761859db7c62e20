# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Downloads one torrent with python3-libtorrent: lt_get.py SOURCE FOLDER MARK. MARK is made when
every piece is there and flushed; then it stays until it is told to end."""

import argparse
import sys
import time

import libtorrent as lt


def dht_begun(session):
    """The node knows others: a torrent that looks for peers before does so again in 15 minutes."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_bootstrap_alert):
                return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=51000)
    parser.add_argument("--reconnect-s", type=int)
    parser.add_argument("--rate-mib", type=int)
    parser.add_argument("--torrent-kib", type=int)
    parser.add_argument("--address")
    parser.add_argument("--tcp-only", action="store_true")
    parser.add_argument("--dht", help="HOST:PORT of a node to begin with, or none")
    parser.add_argument("source")
    parser.add_argument("folder")
    parser.add_argument("mark")
    options = parser.parse_args()

    settings = {"listen_interfaces": f"0.0.0.0:{options.port}", "enable_dht": False,
                "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
                "alert_mask": lt.alert.category_t.error_notification
                | lt.alert.category_t.peer_notification | lt.alert.category_t.status_notification
                | lt.alert.category_t.tracker_notification}
    if options.reconnect_s is not None:
        settings["min_reconnect_time"] = options.reconnect_s
    if options.rate_mib is not None:
        settings["download_rate_limit"] = options.rate_mib << 20
    if options.address is not None:
        settings.update({"listen_interfaces": f"{options.address}:{options.port}",
                         "outgoing_interfaces": options.address})
    if options.tcp_only:
        settings.update({"enable_outgoing_utp": False, "enable_incoming_utp": False})
    if options.dht is not None:
        settings.update({"enable_dht": True, "dht_bootstrap_nodes": options.dht,
                         "dht_restrict_routing_ips": False, "dht_restrict_search_ips": False,
                         "dht_block_ratelimit": 10000})
        settings["alert_mask"] |= lt.alert.category_t.dht_notification
    session = lt.session(settings)
    if options.dht:
        dht_begun(session)
        session.apply_settings({"alert_mask": settings["alert_mask"]
                                & ~lt.alert.category_t.dht_notification})
    if options.source.startswith("magnet:"):
        params = lt.parse_magnet_uri(options.source)
    else:
        params = lt.add_torrent_params()
        params.ti = lt.torrent_info(options.source)
    params.save_path = options.folder
    handle = session.add_torrent(params)
    if options.torrent_kib is not None:   # of local peers as well, unlike the session's
        handle.set_download_limit(options.torrent_kib << 10)
    marked, nodes = False, None
    while True:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            print(f"{time.strftime('%H:%M:%S')} {alert.what()}: {alert.message()}", flush=True)
        if options.dht is not None and session.status().dht_nodes != nodes:
            nodes = session.status().dht_nodes
            print(f"{time.strftime('%H:%M:%S')} dht_nodes: {nodes}", flush=True)
        if not marked and handle.status().is_seeding:
            handle.flush_cache()
            with open(options.mark, "w", encoding="ascii"):
                marked = True


if __name__ == "__main__":
    sys.exit(main())
