"""What the demo is made of: the screen, a server of its own, and the customjob program."""

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("CUSTOMJOBD_BIN_DIR", ROOT / "build" / "bin"))

READY_SECONDS = 30
COMMAND_SECONDS = 30
STOP_SECONDS = 20
POLL_SECONDS = 0.1
LOG_TAIL_LINES = 25


class Failure(Exception):
    """What went wrong, as a sentence."""


class Screen:
    """Lines of several threads; coloured by replica on a terminal."""

    COLOURS = (36, 32, 33, 35, 34, 96, 92, 93)

    def __init__(self, out):
        self.out = out
        self.coloured = out.isatty() and "NO_COLOR" not in os.environ
        self.lock = threading.Lock()
        self.colour_of = {"service": 90}
        self.started = time.monotonic()

    def _paint(self, code, text):
        return f"\x1b[{code}m{text}\x1b[0m" if self.coloured else text

    def _print(self, line):
        with self.lock:
            print(line, file=self.out, flush=True)

    def step(self, text):
        self._print(f"{self._paint(32, '==>')} {self._paint(1, text)}")

    def text(self, text=""):
        self._print(text)

    def state(self, state):
        colour = {"JOB_STATE_SUCCEEDED": 32, "JOB_STATE_FAILED": 31}.get(state, 1)
        self._print(f"{time.monotonic() - self.started:6.2f} s  {self._paint(colour, state)}")

    def log(self, replica, line):
        colour = self.colour_of.setdefault(replica, self.COLOURS[(len(self.colour_of) - 1) % len(self.COLOURS)])
        self._print(self._paint(colour, f"{replica:>15} | {line}"))


def ask_to_end(process, seconds):
    """SIGTERM, and SIGKILL when that is not enough; the exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    return process.returncode


class Server:
    """customjobd in a folder of its own; its children live in sessions of their own, so that Ctrl-C is ours to handle."""

    def __init__(self, folder, buckets, listen):
        self.folder = folder
        self.log_path = folder / "server.log"
        command = [BIN / "customjobd", "serve", "--executor", "process", "--data-dir", folder / "data", "--listen", listen,
                   "--buckets-dir", buckets, "--stop-grace", "2s"]
        if os.geteuid() == 0:
            command.append("--allow-root-jobs")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                                            start_new_session=True)
        self.address = None

    def wait_ready(self):
        """Reads `ready grpc=ADDR`."""
        deadline = time.monotonic() + READY_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise Failure(f"the server was not ready after {READY_SECONDS} s")
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                raise Failure(f"the server ended with {self.process.wait()} before it was ready")
            line += piece
        words = dict(word.partition("=")[::2] for word in line.decode().split())
        if "ready" not in words or "grpc" not in words:
            raise Failure(f"the server said {line!r} and not `ready grpc=ADDRESS`")
        self.address = words["grpc"].split(",")[0]

    def log_tail(self):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def stop(self):
        code = ask_to_end(self.process, STOP_SECONDS)
        self.process.stdout.close()
        self._stop_supervisors()
        return code

    def _supervisors(self):
        """Replicas outlive a server that ended in disorder; their supervisors name our folder."""
        prefix = os.fsencode(self.folder) + b"/"
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                if len(words) > 1 and words[0].endswith(b"customjob-supervisor") and words[1].startswith(prefix):
                    yield int(entry.name)

    def _stop_supervisors(self):
        """SIGTERM is their stop, with a grace; then there is nothing left of a replica."""
        deadline = time.monotonic() + STOP_SECONDS
        for pid in self._supervisors():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        while any(self._supervisors()) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


class Client:
    """The customjob program, asked for JSON."""

    def __init__(self, address):
        self.arguments = ["--endpoint", address, "--project", "demo", "--location", "us-central1", "--format", "json"]

    def start(self, *words):
        return subprocess.Popen([BIN / "customjob", *words, *self.arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)

    def run(self, *words):
        process = self.start(*words)
        try:
            out, err = process.communicate(timeout=COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"customjob {words[0]} took more than {COMMAND_SECONDS} s") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode != 0:
            raise Failure(f"customjob {words[0]} ended with {process.returncode}: {err.decode(errors='replace').strip()}")
        return json.loads(out) if out.strip() else {}
