"""What the measurements share: messages by hand, the programs of this folder, the load generator, probes, patience."""

import os
import pathlib
import re
import socket
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
# A probe this much slower than the best one of the run tells of a machine that somebody else uses.
NOISE = 1.5
TRIES = 3


def field(number, payload):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def custom_job(size):
    """A CustomJob of about so many bytes that the simulate executor ends at once; "########" is the load's number."""
    container = field(1, b"debian:12") + field(2, b"true")
    environment = b""
    while len(container) + len(environment) + 140 < size:
        environment += field(4, field(1, b"FILL%d" % len(environment)) + field(2, b"x" * 100))
    pool = varint(2 << 3) + varint(1) + field(6, container + environment)
    labels = b"".join(field(11, field(1, key) + field(2, value)) for key, value in ((b"team", b"a"), (b"run", b"########")))
    return field(2, b"bench") + field(4, field(1, pool)) + labels


class Tools:
    """The programs of this folder, compiled into the build folder when they are newer than what is there."""

    # What each is made of, and what it links.
    PROGRAMS = {
        "load": (["load.c"], ["-lgrpc", "-lgpr"]),
        "execution_floor": (["execution_floor.c"], ["-static"]),
        "echo_core": (["echo_core.c"], ["-lgrpc", "-lgpr"]),
        "peer_sqlite": (["peer_sqlite.c", "peer_threads.c", "measure.c", "bench_job.c"], ["-lsqlite3", "-lpthread"]),
        "peer_rocksdb": (["peer_rocksdb.c", "peer_threads.c", "measure.c", "bench_job.c"], ["-lrocksdb", "-lpthread"]),
        "peer_redis": (["peer_redis.c", "measure.c", "bench_job.c"], []),
    }

    def __init__(self, build_dir):
        self.folder = build_dir / "bench"
        self.folder.mkdir(parents=True, exist_ok=True)

    def _fresh(self, name, sources):
        program = self.folder / name
        return program.exists() and all(program.stat().st_mtime >= source.stat().st_mtime for source in sources)

    def store(self):
        """storage_store, which the build makes, since it links the rooms."""
        return self.folder / "storage_store"

    def c(self, name):
        sources, libraries = self.PROGRAMS[name]
        return self._compile(name, ["gcc", "-std=gnu17", "-D_GNU_SOURCE"], sources, libraries)

    def cpp(self, name):
        libraries = ["-lgrpc++", "-lgrpc", "-lgpr", "-labsl_synchronization"]
        return self._compile(name, ["g++", "-std=c++17"], [f"{name}.cc"], libraries)

    def _compile(self, name, compiler, sources, libraries):
        sources = [HERE / source for source in sources]
        if not self._fresh(name, [*sources, *HERE.glob("*.h")]):
            command = [*compiler, "-O2", "-g", *map(str, sources), "-o", str(self.folder / name), *libraries]
            subprocess.run(command, check=True)
        return self.folder / name

    def go(self, name):
        if not self._fresh(name, [HERE / name / "main.go"]):
            subprocess.run(["go", "build", "-o", str(self.folder / name), "."], check=True, cwd=HERE / name)
        return self.folder / name


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def figures_of(command, timeout):
    """Runs a program of this folder; returns what it prints, "key=value", as numbers."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stdout}{done.stderr}")
    return {key: float(value) for key, value in re.findall(r"(\w+)=([\d.]+)", done.stdout)}


def run_load(tools, address, method, request, connections, in_flight, seconds, cores, calls=0):
    """One run of the load generator on these cores; ends after so many calls too, if that is not 0."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(request)
        file.flush()
        return figures_of(["taskset", "-c", cores, tools.c("load"), address, method, file.name, connections, in_flight,
                           seconds, "-", calls], seconds * 3 + 60)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Device:
    """Counters of the block device under a folder; bytes is None where there is none, or none that can be read."""

    SECTOR_BYTES = 512

    def __init__(self, folder):
        number = os.stat(folder).st_dev
        self._path = pathlib.Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}/stat")
        self._before = self._read()

    def _read(self):
        try:
            fields = [int(word) for word in self._path.read_text(encoding="ascii").split()]
        except OSError:
            return None
        return (fields[6] * self.SECTOR_BYTES, fields[15]) if len(fields) > 15 and fields[6] else None

    def since(self):
        """What was written since this was made, as figures; empty where it is not known."""
        after = self._read()
        if self._before is None or after is None:
            return {}
        return {"device_bytes": after[0] - self._before[0], "flushes": after[1] - self._before[1]}


class Patience:
    """Repeats what was measured between noisy probes, a bounded number of times, and says what it is worth."""

    def __init__(self, tools, folder):
        self._command = [tools.store(), "probe", folder, 150]
        self.best_us = min(self._probe() for _ in range(5))

    def _probe(self):
        return figures_of(self._command, 60)["p50_us"]

    def measure(self, run):
        """The figures of the first run between two quiet probes, else of the least noisy one; with both probes."""
        best = None
        for _ in range(TRIES):
            before = self._probe()
            figures = run()
            after = self._probe()
            self.best_us = min(self.best_us, before, after)
            noise = max(before, after) / self.best_us
            if best is None or noise < best["noise"]:
                best = dict(figures, probe_before_us=before, probe_after_us=after, noise=noise, noisy=noise > NOISE)
            if not best["noisy"]:
                break
        return best
