"""store_hammer, the program that campaigns end from outside: started, listened to, and what it left judged."""

import os
import pathlib
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]


def program():
    return pathlib.Path(os.environ.get("CUSTOMJOBD_BUILD_DIR", ROOT / "build")) / "tests/store_hammer"


class Scratch:
    """A directory of a campaign's own, gone afterwards. memory: where the kernel keeps it in memory, if it does."""

    def __init__(self, memory=False):
        place = "/dev/shm" if memory and os.access("/dev/shm", os.W_OK) else None
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-crash-", dir=place))

    def __enter__(self):
        return self.path

    def __exit__(self, *unused):
        shutil.rmtree(self.path, ignore_errors=True)


class Tally:
    """What came of a campaign's crashes."""

    def __init__(self, campaign, control=False):
        self.campaign, self.control = campaign, control
        self.tried = self.recovered = self.refused = self.lost = self.acknowledged = 0
        self.first = ""

    def judge(self, directory, seed, low, high, where):
        """Opens the directory; returns the commit whose rows it shows, or None."""
        run = subprocess.run([program(), "check", directory, str(seed), str(low), str(high)], capture_output=True,
                             text=True, check=False, timeout=120)
        self.tried += 1
        if run.returncode == 0:
            self.recovered += 1
            return int(run.stdout.split()[1])
        if run.returncode == 3:
            self.refused += 1
        else:
            self.lost += 1
        self.first = self.first or f"{where}: {run.stderr.strip() or run.stdout.strip() or run.returncode}"
        return None

    def failures(self):
        return self.refused + self.lost

    def result(self, **more):
        return {"campaign": self.campaign, "control": self.control, "tried": self.tried, "recovered": self.recovered,
                "refused": self.refused, "lost": self.lost, **more, "first_failure": self.first,
                "passed": (self.failures() > 0) if self.control else (self.failures() == 0 and self.tried > 0)}


def skipped(campaign, reason):
    return {"campaign": campaign, "skipped": reason, "passed": True}


def acknowledged(output, start):
    """The last commit that was told of."""
    last = start
    for line in output.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] == "ack" and words[1].isdigit():
            last = int(words[1])
    return last
