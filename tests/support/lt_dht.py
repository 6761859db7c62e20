# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""Nodes of libtorrent's DHT in one process, by python3-libtorrent: lt_dht.py [--nodes N]
[--address IP] [--port FIRST] [--bootstrap HOST:PORT]. Reads lines and answers each with one line of
JSON:

    nodes               how many nodes each one knows
    get INDEX HASH      the peers that one of them finds for an info_hash
    announce INDEX HASH    as a peer that listens at the port of that node
"""

import argparse
import json
import sys
import time

import libtorrent as lt

GET_S = 5


def node(options, index):
    address = f"[{options.address}]" if ":" in options.address else options.address
    bootstrap = options.bootstrap or f"{address}:{options.port}"
    return lt.session({
        "listen_interfaces": f"{address}:{options.port + index}", "enable_dht": True,
        "enable_lsd": False, "enable_upnp": False, "enable_natpmp": False,
        "dht_bootstrap_nodes": bootstrap, "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False, "dht_max_peers_reply": 100,
        "dht_block_ratelimit": 10000,  # all nodes here have one address
        "allow_multiple_connections_per_ip": True,
        "alert_mask": lt.alert.category_t.dht_operation_notification
        | lt.alert.category_t.stats_notification | lt.alert.category_t.error_notification})


def known(session):
    session.post_session_stats()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        session.wait_for_alert(500)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.session_stats_alert):
                return alert.values["dht.dht_nodes"]
    return -1


def get(session, info_hash):
    session.pop_alerts()
    session.dht_get_peers(lt.sha1_hash(bytes.fromhex(info_hash)))
    found = set()
    end = time.monotonic() + GET_S
    while time.monotonic() < end:
        session.wait_for_alert(200)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.dht_get_peers_reply_alert):
                found |= {f"{ip}:{port}" for ip, port in alert.peers()}
        if found:
            break
    return sorted(found)


def answer(sessions, words):
    if words[0] == "nodes":
        return [known(s) for s in sessions]
    if words[0] == "get":
        return get(sessions[int(words[1])], words[2])
    params = lt.parse_magnet_uri(f"magnet:?xt=urn:btih:{words[2]}")
    params.save_path = "/nonexistent"
    sessions[int(words[1])].add_torrent(params).force_dht_announce()
    return "announced"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--address", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=53000)
    parser.add_argument("--bootstrap")
    options = parser.parse_args()
    sessions = [node(options, i) for i in range(options.nodes)]
    for line in sys.stdin:
        print(json.dumps(answer(sessions, line.split())), flush=True)


if __name__ == "__main__":
    sys.exit(main())
