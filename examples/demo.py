#!/usr/bin/env python3
"""./dev demo: starts a server on loopback in a folder of its own, runs a job through it and shows what happens.

The job is examples/penguins (three replicas in two pools train one model), or the file given with --job. All that was
started is ended again, also after Ctrl-C; with --keep the server stays for you to try things until Ctrl-C.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True

from demo_parts import (  # noqa: E402
    BIN, COMMAND_SECONDS, POLL_SECONDS, ROOT, STOP_SECONDS, Client, Failure, Screen, Server, ask_to_end)
from penguins.data import FetchError, fetch  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
WORK = pathlib.Path(os.environ.get("CUSTOMJOBD_BUILD_DIR", ROOT / "build")) / "demo"
PENGUINS_JOB = HERE / "penguins" / "job.yaml"
BUCKET_FOLDER = "demo/penguins"  # gs://demo/penguins
JOB_SECONDS = 180
FINAL = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")


class Run:
    """One job from its creation to its end, on the screen."""

    def __init__(self, client, screen):
        self.client = client
        self.screen = screen
        self.job = None
        self.lines = []  # (replica, text)
        self.follower = None

    def create(self, path):
        self.screen.started = time.monotonic()
        self.job = self.client.run("create", path)
        return self.job["name"]

    @property
    def has_ended(self):
        return self.job is None or self.job["state"] in FINAL

    def _follow(self):
        for raw in self.follower.stdout:
            entry = json.loads(raw)
            self.lines.append((entry["replica"], entry["line"]))
            self.screen.log(*self.lines[-1])

    def watch(self):
        """Prints states and lines as they come, until the job has ended and its last line was shown."""
        self.follower = self.client.start("logs", "-f", self.job["name"])
        reader = threading.Thread(target=self._follow)
        reader.start()
        deadline = time.monotonic() + JOB_SECONDS
        shown = None
        while True:
            if self.job["state"] != shown:
                shown = self.job["state"]
                if self.has_ended:
                    reader.join(COMMAND_SECONDS)
                self.screen.state(shown)
            if self.has_ended:
                break
            if time.monotonic() > deadline:
                raise Failure(f"the job is {shown} after {JOB_SECONDS} s")
            time.sleep(POLL_SECONDS)
            self.job = self.client.run("get", self.job["name"])
        if shown != "JOB_STATE_SUCCEEDED":
            raise Failure(f"the job ended in {shown}: {self.job.get('error', {}).get('message', 'no error was told')}")

    def stop(self):
        """Cancels what still runs, so that no replica is left behind."""
        if not self.has_ended:
            self.screen.step("Cancelling the job")
            deadline = time.monotonic() + STOP_SECONDS
            with contextlib.suppress(Failure):  # of a server that is gone; then its supervisors are told
                self.client.run("cancel", self.job["name"])
                while not self.has_ended and time.monotonic() < deadline:
                    self.job = self.client.run("get", self.job["name"])
                    time.sleep(POLL_SECONDS)
        if self.follower is not None:
            ask_to_end(self.follower, STOP_SECONDS)


def fill_bucket(buckets, screen):
    """What gs://demo/penguins has to hold before the job runs."""
    folder = buckets / BUCKET_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    data = fetch(WORK / "data", screen.step)
    for path in (data, *(HERE / "penguins" / name for name in ("train.py", "allreduce.py", "model.py"))):
        shutil.copy(path, folder)


def check_result(run):
    """The accuracy's line; that all replicas ended with the same weights is what data-parallel training promises."""
    weights = {replica: line.rsplit(" ", 1)[1] for replica, line in run.lines if ", weights " in line}
    accuracy = [line for replica, line in run.lines if replica == "workerpool0-0" and line.startswith("held-out accuracy")]
    if len(weights) != 3 or len(accuracy) != 1:
        raise Failure(f"the log of the job is not whole: weights of {sorted(weights)}, accuracy {accuracy}")
    if len(set(weights.values())) != 1:
        raise Failure(f"the replicas ended with different models: {weights}")
    return accuracy[0]


def suggest(screen, server, keep):
    endpoint = f" --endpoint {server.address}" if keep else ""
    screen.text()
    screen.text("What to try next:" if keep else "What to try next (the first starts a server that stays, on 127.0.0.1:8080):")
    lines = [] if keep else ["./dev run"]
    lines += [f"build/bin/customjob create examples/hello.yaml{endpoint}", f"build/bin/customjob list{endpoint}",
              f"python3 examples/clients/gapic.py {server.address if keep else '127.0.0.1:8080'}"
              "      (pip install google-cloud-aiplatform)",
              "less README.md                                  Node, Go, grpcurl, the SDK over TLS"]
    for line in lines:
        screen.text(f"  {line}")


def show(arguments, screen, stack):
    """Everything between the first folder and the last word."""
    for name in ("customjobd", "customjob", "customjob-supervisor"):
        if not (BIN / name).exists():
            raise Failure(f"there is no {BIN / name}; build it with ./dev build")
    WORK.mkdir(parents=True, exist_ok=True)
    buckets = WORK / "buckets"
    is_penguins = arguments.job == PENGUINS_JOB
    if is_penguins:
        fill_bucket(buckets, screen)
    buckets.mkdir(exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=WORK))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)

    screen.step(f"Starting customjobd in {os.path.relpath(folder)}")
    server = Server(folder, buckets, arguments.listen)
    stack.callback(server.stop)
    try:
        server.wait_ready()
        screen.text(f"ready grpc={server.address}")
        run = Run(Client(server.address), screen)
        stack.callback(run.stop)
        screen.step(f"customjob create {os.path.relpath(arguments.job)}")
        screen.text(run.create(arguments.job))
        run.watch()
        seconds = time.monotonic() - screen.started
        screen.step(f"SUCCEEDED in {seconds:.1f} s" + (f": {check_result(run)}" if is_penguins else ""))
        if is_penguins:
            screen.text(f"the model is in {os.path.relpath(buckets / BUCKET_FOLDER / 'model' / 'model.json')}")
        suggest(screen, server, arguments.keep)
        if arguments.keep:
            screen.text()
            screen.step(f"The server stays on {server.address} until Ctrl-C")
            server.process.wait()
            raise Failure(f"the server ended with {server.process.returncode}")
    except Failure as failure:
        raise Failure(f"{failure}\n--- the end of the server's log\n{server.log_tail()}") from None


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", type=lambda text: pathlib.Path(text).resolve(), default=PENGUINS_JOB, metavar="FILE")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDR", help="default: 127.0.0.1 and a free port")
    parser.add_argument("--keep", action="store_true", help="leave the server running until Ctrl-C")
    arguments = parser.parse_args()
    screen = Screen(sys.stdout)
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    code = 0
    with contextlib.ExitStack() as stack:
        try:
            show(arguments, screen, stack)
        except (Failure, FetchError) as failure:
            print(f"demo: {failure}", file=sys.stderr, flush=True)
            code = 1
        except KeyboardInterrupt:
            code = 130
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # the rest ends by itself, within its deadlines
    return code


if __name__ == "__main__":
    sys.exit(main())
