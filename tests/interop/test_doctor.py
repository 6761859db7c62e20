# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""spillway doctor on this machine, in a namespace, without a daemon and with one."""

import json
import os

import content
import lab
import seeding
import spillway


def _doctor(env, ns, *words):
    """Findings by subject, and the exit status."""
    done = ns.run([spillway.cli_path(env), "doctor", "--json", *words], check=False)
    seen = json.loads(done.stdout)
    assert done.returncode == (1 if seen["bad_cnt"] else 0), done
    assert seen["ok"] == (seen["bad_cnt"] == 0)
    return {f["subject"]: f for f in seen["findings"]}


def test_interface(env):
    """The veth of the lab is well; down, or not there, it is not."""
    with lab.Lab() as the_lab:
        ns, iface = the_lab.seeder, the_lab.seeder_if
        seen = _doctor(env, ns, "--port", f"af_xdp:{iface}", "--data", env.folder())
        for subject in ("link", "mtu", "driver", "queues", "io_uring", "AF_XDP", "version"):
            assert seen[subject]["verdict"] == "ok", seen[subject]
        assert seen["driver"]["text"].startswith("veth"), seen["driver"]
        ns.ip("link", "set", iface, "down")
        seen = _doctor(env, ns, "--port", f"af_xdp:{iface}")
        assert seen["link"]["verdict"] == "bad" and seen["link"]["fix"] == f"ip link set {iface} up"
        seen = _doctor(env, ns, "--port", "af_xdp:quux")
        assert seen["interface"]["verdict"] == "bad", seen["interface"]
        seen = _doctor(env, ns, "--port", f"af_xpd:{iface}")
        assert seen["port"]["verdict"] == "bad" and "af_xdp:IFACE" in seen["port"]["text"], seen
        firewall = _doctor(env, ns, "--port", f"af_packet:{iface}")["firewall"]
        if firewall["verdict"] == "warn":
            ns.run(["sh", "-c", firewall["fix"]])
            assert "notrack" in ns.run(["nft", "list", "ruleset"]).stdout


def test_disk_and_configuration(env):
    """A file is read for the options; content's disk is looked at; a bad file is an error."""
    folder = env.folder()
    path = content.single(folder, 100000)
    conf = os.path.join(env.folder(), "spillwayd.conf")
    with open(conf, "w", encoding="ascii") as f:
        f.write("huge: no\nport: null\nuser: no-such-user\n")
    with lab.Lab() as the_lab:
        seen = _doctor(env, the_lab.seeder, "--config", conf, "--data", os.path.dirname(path))
        assert seen["port"]["text"] == "null" and seen["user"]["verdict"] == "bad", seen
        assert seen["hugepages"]["verdict"] == "warn"
        assert folder in seen["direct reads"]["text"], seen["direct reads"]
        with open(conf, "a", encoding="ascii") as f:
            f.write("mtu: 1\n")
        done = the_lab.seeder.run([spillway.cli_path(env), "doctor", "--config", conf],
                                  check=False)
        assert done.returncode == 1 and "option mtu: 1 is out of range" in done.stderr, done


def test_beside_a_daemon(env):
    """The folders of the catalogue are looked at, and the catalogue is left as it is."""
    with seeding.af_xdp(env) as s:
        seeded = s.seed(content.single(env.folder(), 100000))
        conf = os.path.join(env.folder(), "spillwayd.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"state_dir: {s.daemon.state_dir}\nport: {s.daemon.options['port']}\n")
        seen = _doctor(env, s.lab.seeder, "--config", conf)
        assert os.path.dirname(seeded.path) in seen["direct reads"]["text"], seen["direct reads"]
        text = s.lab.seeder.run([spillway.cli_path(env), "doctor", "--config", conf],
                                check=False).stdout
        assert "\nnetwork\n" in text and " ok, " in text.splitlines()[-1], text
        assert s.daemon.json("list")["torrents"][0]["state"] == "seeding"
