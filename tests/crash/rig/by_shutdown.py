"""A file system shut down under the store: what was not synced is gone, as after a power cut. ext4 and xfs, as root."""

import fcntl
import itertools
import os
import random
import shutil
import struct
import subprocess
import time

from rig import hammer

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32), of ext4 and xfs alike
LOG_FLUSH, NO_LOG_FLUSH = 1, 2
IMAGE_BYTES = {"ext4": 64 << 20, "xfs": 320 << 20}
MAKE = {"ext4": ("mkfs.ext4", "-q", "-F"), "xfs": ("mkfs.xfs", "-q", "-f")}


def missing(kind):
    if os.geteuid() != 0:
        return "needs root"
    if not shutil.which(MAKE[kind][0]):
        return f"{MAKE[kind][0]} is not installed"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    with hammer.Scratch() as scratch:
        try:
            with Mounted(kind, scratch):
                return None
        except (OSError, subprocess.CalledProcessError) as error:
            return f"cannot mount {kind} on a loop device: {error}"


def quietly(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)


class Mounted:
    """A file system of its own on a file."""

    def __init__(self, kind, scratch):
        self.image, self.point = scratch / "image", scratch / "mount"
        self.point.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(IMAGE_BYTES[kind])
        quietly(*MAKE[kind], self.image)

    def __enter__(self):
        quietly("mount", "-o", "loop", self.image, self.point)
        return self

    def __exit__(self, *unused):
        subprocess.run(["umount", self.point], check=False, stderr=subprocess.DEVNULL, timeout=120)

    def cut(self, how):
        point = os.open(self.point, os.O_RDONLY)
        try:
            fcntl.ioctl(point, SHUTDOWN, struct.pack("I", how))
        finally:
            os.close(point)

    def again(self):
        quietly("umount", self.point)
        quietly("mount", "-o", "loop", self.image, self.point)


def cycle(tally, mounted, dice, seed, start, flags):
    """One life ended by a shutdown, while it opens or commits; returns what the next one goes on from, or None."""
    directory = mounted.point / "data"
    process = subprocess.Popen([hammer.program(), *flags, "write", directory, str(seed), str(start), "1000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if dice.randrange(4) == 0:
        time.sleep(dice.uniform(0, 0.02))
        output = ""
    else:
        output = "".join(itertools.islice(process.stdout, dice.randrange(1, 400)))
    mounted.cut(dice.choice((LOG_FLUSH, NO_LOG_FLUSH, NO_LOG_FLUSH)))
    output += process.communicate(timeout=60)[0]
    last = hammer.acknowledged(output, start)
    tally.acknowledged += last - start
    mounted.again()
    return tally.judge(directory, seed, last, last + 1, f"shutdown after commit {last}")


def cycles(tally, kind, count, seed, flags=()):
    dice = random.Random(seed)
    with hammer.Scratch() as scratch, Mounted(kind, scratch) as mounted:
        start = 0
        for _ in range(count):
            start = cycle(tally, mounted, dice, seed, start, flags)
            if start is None:
                break
    return tally


def run(options):
    results = []
    for kind in ("ext4", "xfs"):
        reason = missing(kind)
        if reason:
            results.append(hammer.skipped(f"{kind} shut down", reason))
            continue
        tally = cycles(hammer.Tally(f"{kind} shut down"), kind, 200 if options.all else 15, options.seed)
        results.append(tally.result(acknowledged=tally.acknowledged, seed=options.seed))
        control = hammer.Tally(f"control: {kind} shut down, no sync", control=True)
        for number in range(5):
            if control.failures() == 0:
                cycles(control, kind, 4, options.seed + number, ("--no-sync",))
        results.append(control.result())
    return results
