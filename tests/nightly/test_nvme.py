# SPDX-License-Identifier: BSD-3-Clause
# Copyright (c) 2026 The Spillway authors
"""The store over a real kernel's NVMe driver, in a virtual machine: polled reads, and a device that
fails where it holds a file's bytes. One boot: without the CPU's help it takes a minute or more."""

import contextlib
import json
import os
import re
import shutil

import guest
import shell

FILE_MIB = 8
BLOCK = 4096
POLL_QUEUES = 2
UNIT = 64 << 10
BROKEN_AT = 5 << 20
UNIT_TESTS = ["unit_store_read", "unit_store_polled", "unit_store_faults", "unit_store_share"]
BENCH = f"store_bench --seconds 1 --unit {UNIT} --arena-mib 4 --peers 8"
TIMEOUT_S = 400

SCRIPT = f"""
mkdir -p /mnt/good /mnt/broken
mount -t ext4 /dev/nvme0n1 /mnt/good || exit 1
mount -t ext4 -o ro /dev/nvme1n1 /mnt/broken || exit 1
echo "io_poll $(cat /sys/block/nvme0n1/queue/io_poll)"
{BENCH} --file /mnt/good/f | sed 's/^/told /'
{BENCH} --file /mnt/good/f --polled yes | sed 's/^/polled /'
{BENCH} --file /mnt/broken/f --integrity off | sed 's/^/broken_told /'
{BENCH} --file /mnt/broken/f --integrity off --polled yes | sed 's/^/broken_polled /'
for name in {' '.join(UNIT_TESTS)}; do
    if TMPDIR=/mnt/good $name >/tmp/log 2>&1; then echo "passed $name"; else cat /tmp/log; fi
done
"""


def _sector(disk, offset):
    """Where a byte of the file is on the disk, in sectors of 512."""
    shown = shell.run(["debugfs", "-R", f"bmap /f {offset // BLOCK}", disk]).stdout
    return int(re.findall(r"\d+", shown)[-1]) * (BLOCK // 512)


def _disks(env):
    """Two disks with the same file: a good one, and one that has lost a sector of it."""
    folder, content = env.folder(), env.folder()
    good, broken, rules = (os.path.join(folder, n) for n in ("good", "broken", "rules"))
    with open(os.path.join(content, "f"), "wb") as f:
        f.write(os.urandom(FILE_MIB << 20))
    shell.run(["truncate", "-s", "64M", good])
    shell.run(["mkfs.ext4", "-q", "-b", str(BLOCK), "-d", content, good])
    shutil.copy(good, broken)
    with open(rules, "w", encoding="utf-8") as f:
        f.write(f'[inject-error]\nevent = "read_aio"\nerrno = "5"\nonce = "off"\n'
                f'sector = "{_sector(broken, BROKEN_AT)}"\n')
    return ["-drive", f"if=none,id=good,format=raw,file={good}",
            "-device", "nvme,serial=1,drive=good",
            "-drive", f"if=none,id=broken,driver=raw,file.driver=blkdebug,file.config={rules},"
                      f"file.image.driver=file,file.image.filename={broken}",
            "-device", "nvme,serial=2,drive=broken"]


@contextlib.contextmanager
def fixture(env):
    units = os.path.join(env.build, "tests", "unit")
    machine = guest.Guest(env, {"nvme": f"poll_queues={POLL_QUEUES}", "ext4": ""},
                          [os.path.join(units, name) for name in UNIT_TESTS]
                          + [os.path.join(env.build, "perf", "micro", "store_bench")])
    yield machine.run(SCRIPT, _disks(env), TIMEOUT_S - 20)


def _result(printed, name):
    lines = [line for line in printed.splitlines() if line.startswith(name + " {")]
    assert len(lines) == 1, printed
    return json.loads(lines[0][len(name):])


def test_reads(printed):
    """Every read is told of, and every byte is what it should be."""
    result = _result(printed, "told")
    assert result["polled"] == 0 and result["absent"] == 0 and result["checked"] > 0, result


def test_polled_reads(printed):
    """Every read is polled for."""
    assert "io_poll 1" in printed, printed
    result = _result(printed, "polled")
    assert result["poll_refused"] == 0 and result["absent"] == 0, result
    assert result["polled"] == result["reads"] > 0 and result["checked"] > 0, result


def test_media_error(printed):
    """One unit of the file cannot be read: its piece is withdrawn, the rest is served."""
    for name in ("broken_told", "broken_polled"):
        result = _result(printed, name)
        assert result["absent"] > 0 and result["withdrawn"] == 1, result
        assert result["bytes"] > FILE_MIB << 20, result
    assert result["polled"] == result["reads"], result


def test_unit_tests(printed):
    """What the unit tests say of the store, with the disk under it."""
    for name in UNIT_TESTS:
        assert f"passed {name}" in printed, printed
