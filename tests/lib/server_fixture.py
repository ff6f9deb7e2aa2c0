"""One customjobd for a test: started on free loopback addresses, stopped by its own process id."""

import contextlib
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_SECONDS = 60
STOP_SECONDS = 60


def bin_dir():
    """Where the programs under test are: $CUSTOMJOBD_BIN_DIR, else the release build."""
    return pathlib.Path(os.environ.get("CUSTOMJOBD_BIN_DIR", ROOT / "build" / "bin"))


class Server:
    """A server process and its data directory; may be started again after it was stopped or killed."""

    def __init__(self, *flags, data_dir=None, executor="process", log=None):
        self._owns_dir = data_dir is None
        self.data_dir = pathlib.Path(data_dir or tempfile.mkdtemp(prefix="customjobd-test-"))
        self.flags = ["--executor", executor, *map(str, flags)]
        if executor != "simulate" and os.geteuid() == 0:
            self.flags.append("--allow-root-jobs")
        self.log_path = pathlib.Path(log) if log else self.data_dir.with_name(self.data_dir.name + ".log")
        self.process = None
        self.address = None
        self.http_address = None  # None: it serves no HTTP

    def start(self, listen="127.0.0.1:0"):
        command = [str(bin_dir() / "customjobd"), "serve", "--data-dir", str(self.data_dir), "--listen", listen]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                command + self.flags, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL)
        self.address = self._read_ready()
        return self

    def _read_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        line = b""
        while not line.endswith(b"\n"):
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self.process.stdout], [], [], wait)[0]:
                self.kill()
                raise RuntimeError(f"the server was not ready after {READY_SECONDS} s\n{self.log_tail()}")
            piece = os.read(self.process.stdout.fileno(), 4096)
            if not piece:
                code = self.process.wait()
                raise RuntimeError(f"the server ended with {code} before it was ready\n{self.log_tail()}")
            line += piece
        words = line.decode().split()
        if words[:1] != ["ready"]:
            raise RuntimeError(f"not a ready line: {line!r}")
        listeners = dict(word.split("=", 1) for word in words[1:])
        self.http_address = listeners["http"].split(",")[0] if "http" in listeners else None
        return listeners["grpc"].split(",")[0]

    def stop(self):
        """An orderly stop; returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"the server did not stop within {STOP_SECONDS} s\n{self.log_tail()}") from None
        self._forget()
        return code

    def kill(self):
        """kill -9: what the promise of durability is about."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._forget()

    def _forget(self):
        self.process.stdout.close()
        self.process = None

    def log_tail(self, lines=30):
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def remove(self):
        if self._owns_dir:
            shutil.rmtree(self.data_dir, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)


@contextlib.contextmanager
def running(*flags, **options):
    """with running() as server: … server.address …"""
    server = Server(*flags, **options)
    try:
        yield server.start()
        code = server.stop()
        if code != 0:
            raise RuntimeError(f"the server ended with {code}\n{server.log_tail()}")
    finally:
        server.kill()
        server.remove()


def make_certificates(directory):
    """A CA and a server certificate for localhost; returns (ca, cert, key)."""
    directory = pathlib.Path(directory)
    ca_key, ca = directory / "ca.key", directory / "ca.pem"
    key, request, cert = directory / "server.key", directory / "server.csr", directory / "server.pem"
    extensions = directory / "server.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", "req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "2",
                    "-subj", "/CN=customjobd test CA"], **quiet)
    subprocess.run(["openssl", "req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=localhost"], **quiet)
    subprocess.run(["openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
                    "-out", cert, "-days", "2", "-extfile", extensions], **quiet)
    return ca, cert, key
