# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A small machine whose first process is systemd: namespaces of its own (processes, mounts, control
groups, names, IPC) in a network namespace that the caller has. Its root is this machine's under an
overlay in memory, so that what is installed there is gone with it; what /proc/sys has is read-only.
"""

import json
import os
import shutil

import harness
import shell

_SYSTEMD = "/lib/systemd/systemd"
_TARGET = "machine.target"
# Of this machine's services those that change the kernel's state, or begin at some time.
_MASKED = (
    "systemd-udevd.service", "systemd-udev-trigger.service", "systemd-timesyncd.service",
    "systemd-networkd.service", "systemd-resolved.service", "systemd-logind.service",
    "systemd-update-utmp.service", "systemd-binfmt.service", "systemd-modules-load.service",
    "systemd-remount-fs.service", "systemd-pstore.service", "systemd-tmpfiles-setup-dev.service",
    "sys-kernel-debug.mount", "sys-kernel-tracing.mount", "sys-kernel-config.mount",
    "sys-fs-fuse-connections.mount", "proc-sys-fs-binfmt_misc.automount", "timers.target")
_UNIT = "[Unit]\nRequires=basic.target\nAfter=basic.target\n"
# Arguments: the machine's folder, its control group, which is entered first so that it is the root
# that the machine sees, what is run then, and what of this machine is seen at its own path.
_ENTER = """
set -e
mount --make-rprivate /
mkdir "$1/groups"
mount -t cgroup2 none "$1/groups"
mkdir "$1/groups/$2"
echo $$ >"$1/groups/$2/cgroup.procs"
exec unshare --cgroup --ipc --uts --pid --fork --kill-child sh -c "$3" machine "$@"
"""
_BOOT = """
set -e
folder=$1 root=$1/root
shift 3
mkdir "$folder/memory" "$root"
mount -t tmpfs none "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
mount -t overlay none -o "lowerdir=/,upperdir=$folder/memory/upper,workdir=$folder/memory/work" \
    "$root"
for path; do
    mkdir -p "$root$path"
    mount --bind "$path" "$root$path"
done
mount --bind "$folder/srv" "$root/srv"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs sysfs "$root/sys"
mount -t cgroup2 none "$root/sys/fs/cgroup"
for i in dev run var/log var/lib; do mount -t tmpfs -o mode=755 none "$root/$i"; done
mkdir "$root/dev/net" "$root/dev/shm"
for i in console full null ptmx random tty urandom zero net/tun; do
    [ ! -c /dev/$i ] || cp -a /dev/$i "$root/dev/$i"
done
for i in tmp dev/shm; do mount -t tmpfs none "$root/$i"; done
mkdir "$root/run/systemd"
cp -a "$folder/units" "$root/run/systemd/system"
: >"$root/etc/fstab"
echo 5b1c0fb0b0a84d0e8e3a5d5b1a7e2f10 >"$root/etc/machine-id"
cd "$root"
mkdir run/host
pivot_root . run/host
umount -l run/host
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    chroot . /lib/systemd/systemd --system --unit=machine.target --show-status=no \
    --log-target=journal --log-level=info
"""

# Also the control groups of killed runs. One is busy for a moment after its processes have ended.
_REMOVE = """
mount -t cgroup2 none "$1" && cd "$1" || exit 0
for group in spillway-*; do
    pid=${group#spillway-}
    [ "$group" = "$2" ] || [ ! -d "/proc/${pid%%-*}" ] || continue
    for i in 1 2 3 4 5 6 7 8 9; do
        find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
        [ -d "$group" ] || break
        sleep 0.2
    done
done
"""


def _check():
    if not os.path.exists(_SYSTEMD):
        raise harness.Skip("systemd is not installed")
    with open("/proc/filesystems", encoding="ascii") as f:
        known = {line.split()[-1] for line in f}
    missing = {"cgroup2", "overlay"} - known
    if missing:
        raise harness.Skip(f"the kernel has no {', '.join(sorted(missing))}")


class Machine:
    """A context manager: the machine is up inside the block, and gone after it.

    ns   the network namespace (lab.Netns) that it is in.
    srv  a folder of this machine, the other's /srv.
    """

    def __init__(self, env, ns):
        _check()
        self.env = env
        self.folder = env.folder()
        self.log = env.watch(os.path.join(self.folder, "console.log"))
        self.group = f"spillway-{os.getpid()}-{os.path.basename(self.folder)}"
        self.srv = os.path.join(self.folder, "srv")
        self._ns = ns
        self._holder = None
        self.pid = None
        os.mkdir(self.srv)
        units = os.path.join(self.folder, "units")
        os.mkdir(units)
        for name in _MASKED:
            os.symlink(os.devnull, os.path.join(units, name))
        with open(os.path.join(units, _TARGET), "w", encoding="ascii") as f:
            f.write(_UNIT)

    def __enter__(self):
        try:
            self._boot()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def _boot(self):
        seen = dict.fromkeys((self.env.top, self.env.release))
        self._holder = self._ns.start(["unshare", "--mount", "sh", "-c", _ENTER, "machine",
                                       self.folder, self.group, _BOOT, *seen], self.log)
        self.pid = shell.wait_until(self._first, 30, "systemd begins")
        shell.wait_until(self._is_up, 60, "systemd is up", pause=0.1)

    def _is_alive(self):
        if self._holder.poll() is not None:
            raise shell.CommandError("the machine ended\n" + shell.tail_file(self.log))

    def _first(self):
        """The pid of the machine's systemd as this machine sees it, None until there is one."""
        self._is_alive()
        pid = self._holder.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            children = f.read().split()
        return next((int(c) for c in children if _comm(c) == "systemd"), None)

    def _is_up(self):
        self._is_alive()
        return self.run(["systemctl", "is-active", _TARGET], check=False).stdout == "active\n"

    def run(self, cmd, **options):
        """Runs a command in the machine."""
        return shell.run(["nsenter", "-t", str(self.pid), "-m", "-p", "-C", "-i", "-u", "-n",
                          "env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          "SYSTEMD_PAGER=", *cmd], **options)

    def systemctl(self, *words, **options):
        return self.run(["systemctl", *words], **options)

    def show(self, unit, name):
        """A property of a unit."""
        return self.systemctl("show", "--value", "--property", name, unit).stdout.strip()

    def journal(self, unit):
        """What the journal has of a unit, oldest first, in fields."""
        self.run(["journalctl", "--sync"])
        done = self.run(["journalctl", "-o", "json", "-u", unit])
        return [json.loads(line) for line in done.stdout.splitlines()]

    def path(self, path):
        """A file of the machine's, as this machine may open it."""
        return f"/proc/{self.pid}/root{path}"

    def write(self, path, text):
        path = self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="ascii") as f:
            f.write(text)

    def pids(self, unit):
        """{name: pid as this machine sees it} of a unit's processes."""
        group = self.show(unit, "ControlGroup")
        if not group:
            return {}
        with open(self.path(f"/sys/fs/cgroup{group}/cgroup.procs"), encoding="ascii") as f:
            return {_comm(pid): int(pid) for pid in f.read().split()}

    def close(self):
        """Ends all of it, which its first process's end does; its control groups go too."""
        if self._holder is not None:
            self._holder.kill()
            self._holder.wait()
        shell.run(["unshare", "--mount", "sh", "-c", _REMOVE, "machine", self.env.folder(),
                   self.group], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def _comm(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return ""
