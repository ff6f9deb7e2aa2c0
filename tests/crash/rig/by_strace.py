"""Killed at every system call, and every system call failing, by strace: the real program on the real file system."""

import collections
import re
import shutil
import subprocess

from rig import hammer

SEED = 11
START = 150  # the template: commits that lie there already, with a snapshot, spares and a log to be read
COMMITS = 60
# What a kill at it can tell from a kill at the next one: calls that touch files, and the answer itself.
KILLED_AT = ("openat", "pread64", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "mkdir", "ftruncate", "fcntl",
             "getdents64", "close", "write")
FAILING = {"EIO": ("openat", "pread64", "pwrite64", "fdatasync", "fsync", "rename", "unlink", "mkdir", "ftruncate",
                   "getdents64"),
           "ENOSPC": ("openat", "pwrite64", "fdatasync", "rename"),
           "EROFS": ("openat", "rename", "unlink"),
           "ENOMEM": ("mmap", "clone3", "clone")}


def missing():
    return None if shutil.which("strace") else "strace is not installed"


def count_calls(template, scratch):
    """How often each call is made: by the thread that makes it most, since strace counts for each by itself."""
    directory, log = scratch / "counted", scratch / "log"
    shutil.copytree(template, directory)
    subprocess.run(["strace", "-f", "-o", log, hammer.program(), "write", directory, str(SEED), str(START),
                    str(COMMITS)], stdout=subprocess.DEVNULL, check=True, timeout=120)
    counts = collections.Counter()
    for line in log.read_text(errors="replace").splitlines():
        match = re.match(r"(\d+)\s+(\w+)\(", line)
        if match:
            counts[match.group(2), match.group(1)] += 1
    shutil.rmtree(directory)
    most = collections.Counter()
    for (name, _), count in counts.items():
        most[name] = max(most[name], count)
    return most


def run_once(tally, template, scratch, injection, flags=()):
    directory = scratch / "data"
    shutil.copytree(template, directory)
    name = injection.split(":")[0]
    run = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={injection}",
                          hammer.program(), *flags, "write", directory, str(SEED), str(START), str(COMMITS)],
                         capture_output=True, text=True, check=False, timeout=120)
    last = hammer.acknowledged(run.stdout, START)
    tally.acknowledged += last - START
    tally.judge(directory, SEED, last, last + 1, injection)
    if run.returncode == 3 and "store_hammer: " not in run.stderr:
        tally.lost += 1
        tally.first = tally.first or f"{injection}: stopped without a word"
    shutil.rmtree(directory)
    return run


def campaign(tally, template, scratch, injections, every, flags=()):
    """injections: (text with {n}, how many); each, or every so many-th of all of them taken together."""
    turn = 0
    stopped = 0
    for text, count in injections:
        for number in range(1, count + 1):
            turn += 1
            if turn % every == 0:
                stopped += run_once(tally, template, scratch, text.format(n=number), flags).returncode == 3
    return stopped


def run(options):
    reason = missing()
    if reason:
        return [hammer.skipped(name, reason) for name in ("killed at a system call", "failing system calls")]
    every = 1 if options.all else 12
    with hammer.Scratch() as scratch:
        template = scratch / "template"
        subprocess.run([hammer.program(), "write", template, str(SEED), "0", str(START)], stdout=subprocess.DEVNULL,
                       check=True, timeout=120)
        counts = count_calls(template, scratch)
        kills = [(name + ":signal=SIGKILL:when={n}", counts[name]) for name in KILLED_AT if counts[name]]
        killed = hammer.Tally("killed at a system call")
        campaign(killed, template, scratch, kills, every)
        failing = hammer.Tally("failing system calls")
        faults = [(name + ":error=" + error + ":when={n}", counts[name]) for error, names in FAILING.items()
                  for name in names if counts[name]]
        stopped = campaign(failing, template, scratch, faults, every)
        control = hammer.Tally("control: answered before it is done", control=True)
        for number in range(1, 60, 7):
            run_once(control, template, scratch, f"pwrite64:signal=SIGKILL:when={number}", ("--early", "--early"))
        return [killed.result(acknowledged=killed.acknowledged),
                failing.result(acknowledged=failing.acknowledged, stopped=stopped), control.result()]
