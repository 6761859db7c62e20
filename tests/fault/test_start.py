# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""What keeps spillwayd from starting is told in one clear line; stopping leaves nothing behind."""

import contextlib
import os
import shutil

import lab
import shell
import spillway


@contextlib.contextmanager
def fixture(env):
    with lab.Lab() as the_lab:
        the_lab.env = env
        yield the_lab


def _daemon(the_lab, **options):
    options = {"port": f"af_xdp:{the_lab.seeder_if}", **options}
    return spillway.Spillway(the_lab.env, the_lab.seeder, options.pop("port"), **options)


def _refused(the_lab, daemon, *words, status=1):
    """spillwayd ends by itself; its last line has all the words."""
    done = the_lab.seeder.run(daemon.command(), check=False, timeout=30)
    last = shell.tail(done.stderr, 1)
    assert done.returncode == status, f"status {done.returncode}: {shell.tail(done.stderr)}"
    missing = [w for w in words if w.lower() not in last.lower()]
    assert not missing, f"{missing} not in: {last}"
    assert daemon.dataplane_pids() == [], "a dataplane was left"


def test_no_such_interface(the_lab):
    _refused(the_lab, _daemon(the_lab, port="af_xdp:spwnone"), "no such interface", "spwnone")


def test_unknown_port_kind(the_lab):
    _refused(the_lab, _daemon(the_lab, port="carrier_pigeon:coo"), "carrier_pigeon", status=2)


def test_address_auto_without_address(the_lab):
    the_lab.seeder.ip("addr", "flush", "dev", the_lab.seeder_if)
    try:
        _refused(the_lab, _daemon(the_lab), "address", the_lab.seeder_if)
    finally:
        the_lab.seeder.ip("addr", "add", the_lab.seeder_ip + "/24", "dev", the_lab.seeder_if)


def test_hugepages_that_cannot_be_had(the_lab):
    daemon = _daemon(the_lab, huge="yes", arena_mib=1048576)
    _refused(the_lab, daemon, "hugepages", "--no-huge")


def test_option_out_of_range(the_lab):
    _refused(the_lab, _daemon(the_lab, mtu=100000), "mtu", "100000", "576", "9000", status=2)


def test_configuration_file_error(the_lab):
    path = os.path.join(the_lab.env.folder(), "bad.conf")
    with open(path, "w", encoding="ascii") as f:
        f.write("# a comment\nlisten_port: 6881\nlisten_prot: 6882\n")
    _refused(the_lab, _daemon(the_lab, config=path), "bad.conf:3", "listen_prot", status=2)


def test_not_root(the_lab):
    """Another user is told so, even though the folders would be refused as well."""
    folder = the_lab.env.folder()
    shutil.copy(spillway.daemon_path(the_lab.env), folder)
    for path in (folder, the_lab.env.tmp):
        os.chmod(path, 0o755)
    cmd = _daemon(the_lab).command()
    cmd[0] = os.path.join(folder, "spillwayd")
    done = shell.run(cmd, check=False, user=65534, group=65534, extra_groups=[])
    assert done.returncode == 1, done
    assert "needs root" in shell.tail(done.stderr, 1), done.stderr


def test_second_instance_and_interface_in_use(the_lab):
    first = _daemon(the_lab).start()
    try:
        pid = first.dataplane_pid()
        done = the_lab.seeder.run(first.command(), check=False, timeout=30)
        assert done.returncode == 1 and "already" in shell.tail(done.stderr, 1), done.stderr
        other = _daemon(the_lab)
        done = the_lab.seeder.run(other.command(), check=False, timeout=30)
        assert done.returncode == 1, done
        assert the_lab.seeder_if in shell.tail(done.stderr, 1), shell.tail(done.stderr)
        assert first.dataplane_pids() == [pid], "the first was disturbed"
        assert first.ready(), "the first does not answer"
    finally:
        first.stop()


def test_stop_leaves_nothing(the_lab):
    """After SIGTERM: status 0, no process, no XDP program, the kernel answers on the port again."""
    daemon = _daemon(the_lab).start()
    assert "xdp" in the_lab.seeder.ip("link", "show", the_lab.seeder_if)
    status = daemon.stop()
    assert status == 0, f"status {status}"
    assert daemon.dataplane_pids() == []
    shown = the_lab.seeder.ip("link", "show", the_lab.seeder_if)
    assert "xdp" not in shown, shown
    try:
        the_lab.client.connect(the_lab.seeder_ip, spillway.PORT, 2).close()
        raise AssertionError("somebody accepted")
    except ConnectionRefusedError:
        pass


def test_command_without_daemon(the_lab):
    daemon = _daemon(the_lab)
    for words in (["list"], ["stats"], ["--json", "list"], ["show", "x"]):
        done = daemon.cli(*words, check=False)
        assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1, (words, done)
    for words in ([], ["fly"], ["add"], ["list", "--nonsense"]):
        assert daemon.cli(*words, check=False).returncode == 2, words
