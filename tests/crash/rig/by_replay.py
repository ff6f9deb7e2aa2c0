"""Every write and flush that ext4 sends to its disk is written down; crash states are made of them, mounted, judged."""

import os
import pathlib
import random
import shutil
import struct
import subprocess
import time

from rig import hammer
from rig.by_shutdown import quietly

DISK_BYTES = 32 << 20
SECTOR = 512
HEAD = struct.Struct("<IIQ")
COMMITS = 120


def missing():
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("nbdkit", "nbdfuse", "mkfs.ext4", "cc"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    if not os.path.exists("/usr/include/nbdkit-plugin.h"):
        return "nbdkit-plugin-dev is not installed"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.path.exists(device):
            return f"there is no {device}"
    return None


class Recorder:
    """A disk of block_log, as a file, under a loop device, with ext4 on it."""

    def __init__(self, scratch):
        self.log, self.fuse, self.point = scratch / "log", scratch / "fuse", scratch / "mount"
        plugin = scratch / "block_log.so"
        quietly("cc", "-shared", "-fPIC", "-O2", "-o", plugin, pathlib.Path(__file__).parent / "block_log.c")
        self.fuse.mkdir()
        self.point.mkdir()
        self.server = subprocess.Popen(["nbdfuse", self.fuse / "disk", "--command", "nbdkit", "-s", plugin,
                                        f"size={DISK_BYTES}", f"log={self.log}"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not (self.fuse / "disk").exists():
            if time.monotonic() > deadline or self.server.poll() is not None:
                raise OSError("nbdfuse did not come up")
            time.sleep(0.02)
        self.loop = subprocess.run(["losetup", "--find", "--show", self.fuse / "disk"], check=True, text=True,
                                   capture_output=True, timeout=60).stdout.strip()

    def __enter__(self):
        quietly("mkfs.ext4", "-q", "-F", "-J", "size=4", self.loop)
        quietly("mount", self.loop, self.point)
        return self

    def __exit__(self, *unused):
        for command in (("umount", self.point), ("losetup", "-d", self.loop), ("umount", self.fuse)):
            subprocess.run(command, check=False, stderr=subprocess.DEVNULL, timeout=60)
        try:
            self.server.wait(20)
        except subprocess.TimeoutExpired:
            self.server.kill()

    def hammer(self, seed, flags):
        """Returns (length of the log, commit) for each acknowledgement: the next commit waits until it is noted."""
        notes = []
        process = subprocess.Popen([hammer.program(), "--step", *flags, "write", self.point / "data", str(seed), "0",
                                    str(COMMITS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in process.stdout:
            notes.append((self.log.stat().st_size, hammer.acknowledged(line, 0)))
            if line.startswith("ack"):
                try:
                    process.stdin.write("x")
                    process.stdin.flush()
                except BrokenPipeError:
                    break
        process.communicate(timeout=60)
        return notes


def read_log(path):
    """(offset in the log behind it, None for a flush or where, bytes)."""
    data = path.read_bytes()
    at, calls = 0, []
    while at + HEAD.size <= len(data):
        kind, length, offset = HEAD.unpack_from(data, at)
        at += HEAD.size + length
        calls.append((at, None if kind else offset, data[at - length:at]))
    return calls


def crash_image(durable, pending, dice):
    """What the disk may hold: of each write since the last flush all, nothing, or some sectors."""
    image = bytearray(durable)
    for offset, data in pending:
        way = dice.randrange(4)
        if way == 0:
            continue
        for at in range(0, len(data), SECTOR):
            if way == 1 or dice.randrange(2):
                image[offset + at:offset + at + SECTOR] = data[at:at + SECTOR]
    return image


def replay(tally, calls, notes, seed, count, scratch):
    dice = random.Random(seed)
    first = notes[0][0]
    cuts = sorted(dice.sample([i for i, call in enumerate(calls) if call[0] >= first], count))
    durable, pending, done, unmountable = bytearray(DISK_BYTES), [], 0, 0
    image, point = scratch / "crashed", scratch / "crashed-mount"
    point.mkdir()
    for cut in cuts:
        for _, offset, data in calls[done:cut + 1]:
            if offset is not None:
                pending.append((offset, data))
                continue
            for at, written in pending:
                durable[at:at + len(written)] = written
            pending = []
        done = cut + 1
        image.write_bytes(crash_image(durable, pending, dice))
        low = max(commit for length, commit in notes if length <= calls[cut][0])
        try:
            quietly("mount", "-o", "loop", image, point)
        except subprocess.CalledProcessError:
            unmountable += 1  # a tear in ext4's own superblock: nobody's files are to be had
            continue
        try:
            tally.judge(point / "data", seed, low, low + 1, f"crash at block call {cut}")
        finally:
            quietly("umount", point)
    point.rmdir()
    return unmountable


def record_and_replay(tally, seed, count, flags=()):
    with hammer.Scratch(memory=True) as scratch:
        with Recorder(scratch) as recorder:
            notes = recorder.hammer(seed, flags)
        calls = read_log(scratch / "log")
        unmountable = replay(tally, calls, notes, seed, min(count, len(calls) // 2), scratch)
    return tally.result(seed=seed, unmountable=unmountable)


def run(options):
    name = "ext4's block writes replayed"
    reason = missing()
    if reason:
        return [hammer.skipped(name, reason)]
    try:
        result = record_and_replay(hammer.Tally(name), options.seed, 400 if options.all else 30)
        control = record_and_replay(hammer.Tally("control: block writes replayed, no sync", control=True), options.seed,
                                    30, ("--no-sync",))
    except (OSError, subprocess.CalledProcessError) as error:
        return [hammer.skipped(name, str(error))]
    return [result, control]
