# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""A virtual machine that boots Debian's kernel with devices that this machine may not have, runs a
script of ours and ends. No disk but those that are given, no network."""

import glob
import os
import re
import shutil
import subprocess

import harness
import shell

_TOOLS = ["qemu-system-x86_64", "cpio", "busybox"]
_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /tmp
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
while read m; do insmod $m; done </modules
sh /script
echo "guest: ended $?"
poweroff -f
"""


def _kernel():
    """The newest of Debian's kernels with its modules: (image, version)."""
    found = [(os.path.getmtime(path), path) for path in glob.glob("/boot/vmlinuz-*-amd64")
             if os.path.isdir("/lib/modules/" + path.removeprefix("/boot/vmlinuz-"))]
    if not found:
        raise harness.Skip("no kernel in /boot with its modules: linux-image-amd64 is missing")
    image = max(found)[1]
    return image, image.removeprefix("/boot/vmlinuz-")


def _modules(version, names):
    """The files that have to be loaded for these modules, in order."""
    files = []
    for name in names:
        shown = shell.run(["modprobe", "-S", version, "--show-depends", name]).stdout
        files += re.findall(r"^insmod (\S+)", shown, re.M)
    return list(dict.fromkeys(files))


def _put(root, path, mode=0o755):
    """Copies a file to the same place in root."""
    to = os.path.join(root, path.lstrip("/"))
    os.makedirs(os.path.dirname(to), exist_ok=True)
    shutil.copyfile(path, to)
    os.chmod(to, mode)


def _accelerator():
    """kvm where it is the CPU's own: what some hosts put there boots no such kernel."""
    real = any(os.path.exists(f"/sys/module/{name}") for name in ("kvm_intel", "kvm_amd"))
    return "kvm" if real and os.access("/dev/kvm", os.R_OK | os.W_OK) else "tcg"


def _libraries(binary):
    return re.findall(r"(/\S+) \(0x", shell.run(["ldd", binary]).stdout)


class Guest:
    """What is to be booted.

    modules   kernel modules: {name: parameters}.
    binaries  programs, put into the guest's /bin with the libraries that they need.
    """

    def __init__(self, env, modules, binaries):
        missing = [tool for tool in _TOOLS if not shutil.which(tool)]
        if missing:
            raise harness.Skip("not installed: " + ", ".join(missing))
        self.image, version = _kernel()
        self.env = env
        self.root = os.path.join(env.folder(), "root")
        for folder in ("bin", "proc", "sys", "dev", "mnt"):
            os.makedirs(os.path.join(self.root, folder))
        shutil.copy(shutil.which("busybox"), os.path.join(self.root, "bin", "busybox"))
        files = _modules(version, modules)
        for path in files + [lib for b in binaries for lib in _libraries(b)]:
            _put(self.root, path)
        for binary in binaries:
            shutil.copy(binary, os.path.join(self.root, "bin"))
        words = {f"{name}.ko": parameters for name, parameters in modules.items()}
        self._write("modules", "".join(f"{path} {words.get(os.path.basename(path), '')}\n"
                                       for path in files))
        self._write("init", _INIT)

    def _write(self, name, text):
        path = os.path.join(self.root, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def run(self, script, devices, timeout):
        """Boots, runs the script, returns what it printed. devices: words for qemu."""
        self._write("script", script)
        folder = self.env.folder()
        initrd = os.path.join(folder, "initrd")
        with open(initrd, "wb") as f:
            subprocess.run("find . | cpio --quiet -o -H newc", shell=True, cwd=self.root,
                           stdout=f, check=True)
        log = self.env.watch(os.path.join(folder, "console"))
        words = ["qemu-system-x86_64", "-nodefaults", "-no-reboot", "-display", "none",
                 "-accel", _accelerator(), "-cpu", "max", "-m", "1024", "-smp", "2",
                 "-serial", f"file:{log}", "-kernel", self.image, "-initrd", initrd,
                 "-append", "console=ttyS0 quiet panic=-1", *devices]
        shell.run(words, timeout=timeout)
        with open(log, encoding="utf-8", errors="replace") as f:
            printed = f.read()
        if "guest: ended" not in printed:
            raise shell.CommandError("the guest did not come to its end\n" + shell.tail(printed))
        return printed
