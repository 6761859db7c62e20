# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What is installed for systemd, looked at by its own tools; and the daemons as installed, started
by the unit's own command line in a mount namespace."""

import contextlib
import json
import os
import shutil
import signal

import clients
import content
import lab
import seeding
import shell
import spillway

EXPOSURE_MAX = 4.0  # of 10; it starts as root, with the rights that its ports need


def _install(env):
    """meson install into a new folder; returns its /usr/local."""
    dest = env.folder()
    _install_to(env, dest)
    return os.path.join(dest, "usr", "local")


def _install_to(env, dest):
    shell.run(["meson", "install", "-C", env.release, "--no-rebuild", "--destdir", dest],
              timeout=60)


def _unit(usr, name):
    return os.path.join(usr, "lib", "systemd", "system", name)


def _analyze(usr, *words):
    """systemd-analyze where the installed tree is /usr/local."""
    script = 'mount --bind "$0" /usr/local && exec systemd-analyze "$@"'
    return shell.run(["unshare", "-m", "sh", "-c", script, usr, *words], check=False)


def test_units_verify(env):
    usr = _install(env)
    done = _analyze(usr, "verify", "--man=no", "spillwayd.service", "spillway-hugepages.service")
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "spillway" in line]
    assert done.returncode == 0 and not ours, done


def test_units_are_not_exposed(env):
    usr = _install(env)
    for name, most in (("spillwayd.service", EXPOSURE_MAX), ("spillway-hugepages.service", 3.0)):
        done = shell.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                          f"--threshold={int(most * 10)}", _unit(usr, name)], check=False)
        assert done.returncode == 0, shell.tail(done.stdout, 3)


def test_configuration_is_kept(env):
    """It is put where there is none, and left alone where there is one."""
    usr = _install(env)
    path = os.path.join(usr, "etc", "spillway", "spillwayd.conf")
    with open(path, encoding="utf-8") as f, \
            open(os.path.join(env.top, "configs", "default.conf"), encoding="utf-8") as g:
        assert f.read() == g.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write("mtu: 1400\n")
    dest = os.path.dirname(os.path.dirname(usr))
    _install_to(env, dest)
    with open(path, encoding="utf-8") as f:
        assert f.read() == "mtu: 1400\n"


def test_hugepages_are_added(env):
    """As many as are missing; the folder is a copy of the kernel's."""
    script = os.path.join(_install(env), "libexec", "spillway", "hugepages")
    folder = env.folder()

    def pages(name, value=None):
        path = os.path.join(folder, name)
        if value is not None:
            with open(path, "w", encoding="ascii") as f:
                f.write(f"{value}\n")
        with open(path, encoding="ascii") as f:
            return int(f.read())
    environ = {**os.environ, "SPILLWAY_HUGEPAGES": "192"}
    for everything, free, after in ((0, 0, 192), (300, 100, 392), (300, 200, 300)):
        pages("nr_hugepages", everything)
        pages("free_hugepages", free)
        shell.run([script, folder], env=environ)
        assert pages("nr_hugepages") == after, (everything, free)


class Installed(spillway.Spillway):
    """The unit's own command line, in a mount namespace where what is installed is /usr/local,
    there is a user spillway, and /var/lib and /run are empty."""

    def __init__(self, env, ns, port, usr):
        super().__init__(env, ns, port)
        self.usr = usr
        self.place = env.folder()
        self.run_dir = "/run/spillway"
        for name in ("passwd", "group"):
            shutil.copy(f"/etc/{name}", self.place)
            with open(os.path.join(self.place, name), "a", encoding="ascii") as f:
                f.write("spillway:x:899:899::/var/lib/spillway:/usr/sbin/nologin\n"
                        if name == "passwd" else "spillway:x:899:\n")
        self.conf = os.path.join(usr, "etc", "spillway", "spillwayd.conf")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("".join(f"{k}: {v}\n" for k, v in self.options.items()
                            if k not in ("run_dir", "state_dir")))
        self.holder = None

    def words(self, key):
        with open(_unit(self.usr, "spillwayd.service"), encoding="utf-8") as f:
            line = next(line for line in f if line.startswith(key + "="))
        return line.split("=", 1)[1].lstrip("!").split()

    def command(self):
        if self.holder is not None:
            return ["nsenter", "-t", str(self.holder.pid), "-m", *self.words("ExecStart")]
        script = ('cd "$0" && mount --bind "$1" /usr/local && shift && '
                  "mount --bind passwd /etc/passwd && mount --bind group /etc/group && "
                  "mount -t tmpfs none /run && mount -t tmpfs none /var/lib && "
                  "chmod 755 /run /var/lib && touch ready && exec sleep 1000")
        self.holder = self.ns.start(["unshare", "-m", "sh", "-c", script, self.place, self.usr],
                                    self.log)
        shell.wait_until(lambda: os.path.exists(os.path.join(self.place, "ready")), 10, "place")
        return self.command()

    def cli(self, *words, check=True, timeout=120):
        return shell.run(["nsenter", "-t", str(self.holder.pid), "-m", "/usr/local/bin/spillway",
                          *words], check=check, timeout=timeout)

    def close(self):
        if self.holder is not None:
            self.holder.kill()
            self.holder.wait()


@contextlib.contextmanager
def _installed(env):
    with lab.Lab() as the_lab:
        daemon = Installed(env, the_lab.seeder, f"af_xdp:{the_lab.seeder_if}", _install(env))
        try:
            with seeding.started(daemon), \
                    seeding.tracked(env, the_lab, daemon, the_lab.seeder_ip, the_lab.client) as s:
                yield s
        finally:
            daemon.close()


def _uid(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next(line.split()[1] for line in f if line.startswith("Uid:"))


def test_restart_by_the_unit_adopts(env):
    """Control is killed, or left by SIGQUIT, while a client downloads; the unit's command line
    brings it back, and a reload between drops nobody."""
    with _installed(env) as s:
        dataplane = s.daemon.dataplane_pid()
        assert _uid(dataplane) == _uid(s.daemon.proc.pid) == "899"
        seeded = s.seed(content.single(env.folder(), 128 << 20))
        client = s.start_client(clients.SlowLibtorrent, seeded)
        try:
            shell.wait_until(lambda: client.bytes_on_disk() > 2 << 20, 20, "download begins")
            s.daemon.kill_control()
            s.daemon.start()
            with open(s.daemon.conf, "a", encoding="ascii") as f:
                f.write("congestion: bbr\n")
            done = s.daemon.cli(*s.daemon.words("ExecReload")[1:])
            assert done.stdout == "congestion: changed\n", done
            s.daemon.proc.send_signal(signal.SIGHUP)
            assert shell.stop(s.daemon.proc, signal.SIGQUIT) == 0
            assert not client.finished(), "too late: the client was done"
            s.daemon.start()
            assert s.daemon.dataplane_pids() == [dataplane], "not adopted"
            seeding.wait_finished([client], 60)
            seeding.compare(client, seeded)
        finally:
            client.stop()
        assert s.daemon.counter("peers_handshaken") == 1, "the client had to come again"
        assert json.loads(s.daemon.cli("--json", "list").stdout.splitlines()[0])
