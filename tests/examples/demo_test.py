#!/usr/bin/env python3
"""./dev demo without its build: to its last line, with Ctrl-C in the middle, with a job that fails, on a taken port."""

import contextlib
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo.py"
WHOLE_SECONDS = 240
LEAST_ACCURACY = 85.0

SLEEPING_JOB = """
displayName: sleeps
jobSpec:
  workerPoolSpecs:
    - replicaCount: 1
      containerSpec: {imageUri: debian, command: [sh, -c, "echo asleep; exec sleep 600"]}
"""
FAILING_JOB = """
displayName: fails
jobSpec:
  workerPoolSpecs:
    - replicaCount: 1
      containerSpec: {imageUri: debian, command: [sh, -c, "echo no luck >&2; exit 3"]}
"""


def check(condition, *told):
    if not condition:
        raise AssertionError("\n".join(map(str, told)))


class Demo:
    """The demo as a process; its build folder is its own, but for the data set that is had already."""

    def __init__(self, folder, *arguments):
        self.folder = folder
        environment = dict(os.environ, CUSTOMJOBD_BUILD_DIR=str(folder), PYTHONDONTWRITEBYTECODE="1")
        self.process = subprocess.Popen([sys.executable, DEMO, *arguments], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.output = ""

    def read_until(self, text):
        deadline = time.monotonic() + WHOLE_SECONDS
        while text not in self.output:
            check(select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0],
                  f"no {text!r} in {WHOLE_SECONDS} s", self.output)
            piece = os.read(self.process.stdout.fileno(), 65536)
            check(piece, f"the demo ended before {text!r}", self.output)
            self.output += piece.decode()

    def finish(self):
        self.output += self.process.communicate(timeout=WHOLE_SECONDS)[0].decode()
        return self.process.returncode

    def processes(self):
        """(pid, command line) of all that names the folder of the run."""
        name = os.fsencode(self.folder / "demo")
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if name in command:
                    yield int(entry.name), command

    def check_clean(self):
        """No process and no folder of the run is left."""
        check(not list((self.folder / "demo").glob("run-*")), list((self.folder / "demo").iterdir()))
        left = list(self.processes())
        check(not left, f"left: {left}", self.output)


def whole(folder):
    demo = Demo(folder)
    check(demo.finish() == 0, demo.output)
    lines = demo.output.splitlines()
    states = [line.split()[-1] for line in lines if re.match(r"\s+\d+\.\d\d s  JOB_STATE_", line)]
    check(states[-1] == "JOB_STATE_SUCCEEDED", states, demo.output)
    weights = [line.rsplit(" ", 1)[1] for line in lines if ", weights " in line]
    check(len(weights) == 3 and len(set(weights)) == 1, weights, demo.output)
    for replica in ("workerpool0-0", "workerpool1-0", "workerpool1-1", "service"):
        check(any(line.strip().startswith(replica + " |") for line in lines), f"no line of {replica}", demo.output)
    accuracy = float(re.search(r"==> SUCCEEDED in .*held-out accuracy ([\d.]+) %", demo.output)[1])
    check(accuracy >= LEAST_ACCURACY, demo.output)
    check((folder / "demo" / "buckets" / "demo" / "penguins" / "model" / "model.json").exists(), "no model")
    check("What to try next" in demo.output, demo.output)
    demo.check_clean()


def interrupted(folder):
    for number in (signal.SIGINT, signal.SIGTERM):
        job = folder / "sleeps.yaml"
        job.write_text(SLEEPING_JOB)
        demo = Demo(folder, "--job", job)
        demo.read_until("asleep")
        demo.process.send_signal(number)
        check(demo.finish() == 130, demo.output)
        demo.check_clean()


def server_killed(folder):
    """Replicas outlive their server; the demo's do not outlive the demo."""
    job = folder / "sleeps.yaml"
    job.write_text(SLEEPING_JOB)
    demo = Demo(folder, "--job", job)
    demo.read_until("asleep")
    servers = [pid for pid, command in demo.processes() if b"customjobd\0serve" in command]
    check(len(servers) == 1, servers)
    os.kill(servers[0], signal.SIGKILL)
    check(demo.finish() == 1, demo.output)
    check("the end of the server's log" in demo.output, demo.output)
    demo.check_clean()


def failing(folder):
    job = folder / "fails.yaml"
    job.write_text(FAILING_JOB)
    demo = Demo(folder, "--job", job)
    check(demo.finish() == 1, demo.output)
    for text in ("JOB_STATE_FAILED", "non-zero status of 3", "no luck", "the end of the server's log"):
        check(text in demo.output, f"no {text!r}", demo.output)
    demo.check_clean()


def port_taken(folder):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        demo = Demo(folder, "--job", ROOT / "examples" / "hello.yaml", "--listen", address)
        check(demo.finish() == 1, demo.output)
        check(address in demo.output and "ended with 4" in demo.output, demo.output)
    demo.check_clean()


def main():
    for test in (whole, interrupted, server_killed, failing, port_taken):
        with tempfile.TemporaryDirectory(prefix="customjobd-demo-") as name:
            test(pathlib.Path(name).resolve())
        print(f"ok demo: {test.__name__.replace('_', ' ')}", flush=True)


if __name__ == "__main__":
    main()
