"""Databases beside which the store is measured, each started in a folder of its own on loopback and ended by its pid.

Every peer is a context manager. Absent.check() tells, as a sentence, why one cannot be had here, or None.
"""

import contextlib
import os
import pathlib
import pwd
import re
import shutil
import socket
import statistics
import subprocess
import time

from bench_lib import Device, figures_of, field, free_port, run_load

READY_SECONDS = 60
JOB_BYTES = 1024
POSTGRES_USERS = ("postgres", "nobody")
ETCD_TXN_PUTS = 128


def wait_until(ready, what, seconds=READY_SECONDS):
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} was not ready after {seconds} s")
        time.sleep(0.01)


def forget_cache(folder):
    """The files' pages leave the page cache, so that the next reading is of the disk."""
    os.sync()
    for path in pathlib.Path(folder).rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


class Peer:
    """A server process in a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.process = None
        self.port = None

    def spawn(self, command, **options):
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **options)

    def __enter__(self):
        self.folder.mkdir(exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def resident_bytes(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii")
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Etcd(Peer):
    name = "etcd"

    @staticmethod
    def missing():
        return None if shutil.which("etcd") else "etcd is not installed"

    def start(self):
        client, peer = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        self.address = client
        self.spawn(["etcd", "--data-dir", self.folder / "data", "--listen-client-urls", f"http://{client}",
                    "--advertise-client-urls", f"http://{client}", "--listen-peer-urls", f"http://{peer}",
                    "--initial-advertise-peer-urls", f"http://{peer}", "--initial-cluster", f"default=http://{peer}",
                    "--quota-backend-bytes", 8 << 30])
        wait_until(self.is_ready, "etcd", 300)

    def is_ready(self):
        """A linearizable read is answered."""
        return subprocess.run(["etcdctl", "--endpoints", self.address, "get", "jobs"], check=False, capture_output=True,
                              env=dict(os.environ, ETCDCTL_API="3")).returncode == 0

    def create(self, tools, in_flight, seconds):
        put = field(1, b"jobs/########") + field(2, b"x" * JOB_BYTES)
        device = Device(self.folder)
        figures = run_load(tools, self.address, "/etcdserverpb.KV/Put", put, min(in_flight, 16), in_flight, seconds, "0,1")
        return dict(figures, payload_bytes=figures["total"] * JOB_BYTES, **device.since())

    def fill(self, tools, rows):
        puts = b"".join(field(2, field(2, field(1, b"jobs/########/%03d" % i) + field(2, b"x" * JOB_BYTES)))
                        for i in range(ETCD_TXN_PUTS))
        run_load(tools, self.address, "/etcdserverpb.KV/Txn", puts, 4, 4, 600, "0,1", calls=-(-rows // ETCD_TXN_PUTS))


class Redis(Peer):
    name = "Redis"

    @staticmethod
    def missing():
        return None if shutil.which("redis-server") else "redis-server is not installed"

    def start(self):
        self.port = free_port()
        self.spawn(["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder, "--save", "",
                    "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", 0])
        wait_until(self.is_ready, "Redis", 300)

    def is_ready(self):
        """It answers, and not that it is loading."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        return False

    def create(self, tools, in_flight, seconds):
        return figures_of([tools.c("peer_redis"), "create", self.port, in_flight, seconds, self.folder], seconds + 60)

    def fill(self, tools, rows):
        figures_of([tools.c("peer_redis"), "fill", self.port, rows], 600)


class Postgres(Peer):
    """Does not run as root: then another user's it is, who must be able to reach the folder."""

    name = "PostgreSQL"

    @staticmethod
    def _bin():
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        return found[-1].parent if found else None

    @classmethod
    def _as_user(cls):
        if os.geteuid() != 0:
            return []
        for user in POSTGRES_USERS:
            with contextlib.suppress(KeyError):
                pwd.getpwnam(user)
                return ["runuser", "-u", user, "--"]
        return None

    @classmethod
    def missing(cls):
        if cls._bin() is None or not shutil.which("pgbench"):
            return "postgresql is not installed"
        return None if cls._as_user() is not None else "PostgreSQL does not run as root, and there is no user for it"

    def start(self):
        self.port = free_port()
        prefix = self._as_user()
        if prefix:
            shutil.chown(self.folder, prefix[2])
            if subprocess.run([*prefix, "test", "-x", str(self.folder)], check=False).returncode != 0:
                raise RuntimeError(f"the user {prefix[2]}, as whom PostgreSQL would run, cannot reach {self.folder}")
        data = self.folder / "data"
        subprocess.run([*prefix, str(self._bin() / "initdb"), "-A", "trust", "-U", "bench", "-D", str(data)], check=True,
                       stdout=subprocess.DEVNULL, cwd=self.folder)
        self.spawn([*prefix, self._bin() / "postgres", "-D", data, "-p", self.port, "-h", "127.0.0.1", "-k", self.folder,
                    "-c", "max_connections=400"], cwd=self.folder)
        wait_until(lambda: self.sql("SELECT 1"), "PostgreSQL")
        if not self.sql("CREATE TABLE job (id bigserial PRIMARY KEY, value text)"):
            raise RuntimeError("PostgreSQL makes no table")

    def kill(self):
        """An orderly stop, of the process that runuser started: its own pid is the first line of postmaster.pid."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "data/postmaster.pid").read_text(encoding="ascii").split()[0]), 3)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        super().kill()

    def _client(self, program, *arguments):
        return [program, "-h", "127.0.0.1", "-p", str(self.port), "-U", "bench", *map(str, arguments)]

    def sql(self, text):
        return subprocess.run(self._client("psql", "-d", "postgres", "-qc", text), check=False,
                              capture_output=True).returncode == 0

    def create(self, _tools, in_flight, seconds):
        script = self.folder / "insert.sql"
        script.write_text(f"INSERT INTO job (value) VALUES ('{'x' * JOB_BYTES}');\n", encoding="ascii")
        for log in self.folder.glob("latency.*"):
            log.unlink()
        device = Device(self.folder)
        done = subprocess.run(self._client("pgbench", "-n", "-M", "prepared", "-c", in_flight, "-j", min(2, in_flight), "-T",
                                           max(1, round(seconds)), "-f", script, "-l", "--log-prefix",
                                           self.folder / "latency", "postgres"),
                              check=True, capture_output=True, text=True, timeout=seconds + 120)
        counters = device.since()
        took = sorted(int(line.split()[2]) for log in self.folder.glob("latency.*")
                      for line in log.read_text(encoding="ascii").splitlines())
        rate = float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))
        return dict(counters, rate=rate, p50_us=statistics.median(took), p99_us=took[len(took) * 99 // 100],
                    payload_bytes=len(took) * JOB_BYTES)


class Embedded(Peer):
    """A library in a program of this folder."""

    program = ""
    library = ""

    @classmethod
    def missing(cls):
        there = subprocess.run(["gcc", "-E", "-x", "c", "-include", cls.library, "/dev/null"], check=False,
                               capture_output=True).returncode == 0
        return None if there else f"{cls.library} is not installed"

    def start(self):
        pass

    def _run(self, tools, verb, in_flight, seconds):
        folder = self.folder / f"{verb}-{in_flight}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            return figures_of([tools.c(self.program), verb, folder, in_flight, seconds], seconds + 120)
        finally:
            shutil.rmtree(folder)


class Rocks(Embedded):
    name, program, library = "RocksDB", "peer_rocksdb", "rocksdb/c.h"

    def create(self, tools, in_flight, seconds):
        return self._run(tools, "create", in_flight, seconds)


class SqliteConnections(Embedded):
    name, program, library = "SQLite, N connections", "peer_sqlite", "sqlite3.h"

    def create(self, tools, in_flight, seconds):
        return self._run(tools, "connections", in_flight, seconds)


class SqliteWriter(Embedded):
    name, program, library = "SQLite, N rows a commit", "peer_sqlite", "sqlite3.h"

    def create(self, tools, in_flight, seconds):
        return self._run(tools, "writer", in_flight, seconds)


DURABLE = (Etcd, Postgres, SqliteConnections, SqliteWriter, Redis, Rocks)
