"""Real replicas: how soon they run, how many a second, how many are taken over, what they cost while nothing happens."""

import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile
import time

import docker_engine
import server_fixture
from bench_lib import cpu_seconds, field, figures_of, run_load, varint

PARENT = "projects/bench/locations/us-central1"
CREATE = "/google.cloud.aiplatform.v1.JobService/CreateCustomJob"
SENT = "@" * 19  # the load writes the time of sending here
STARTS = 40
DOCKER_STARTS = 10
JOBS = 2000
IN_FLIGHT = 16
LIVING = 1000
IDLE_SECONDS = 20
WAIT_SECONDS = 120
CORES = "0,1"
ADOPTED = re.compile(r"(\S+Z) INFO +all (\d+) executions are known after ([\d.]+) ms")


def create_request(*pools):
    """pools: (replicas, command)."""
    job = field(2, b"bench")
    spec = b""
    for replicas, command in pools:
        container = field(1, docker_engine.IMAGE.encode()) + b"".join(field(2, word.encode()) for word in command)
        spec += field(1, varint(2 << 3) + varint(replicas) + field(6, container))
    return field(1, PARENT.encode()) + field(2, job + field(4, spec))


def lines_of(path):
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def wait_for(condition, what, every=0.01):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{what} did not come within {WAIT_SECONDS} s")
        time.sleep(every)


def unix_seconds(text):
    """Of a timestamp in UTC, whatever number of digits its second has."""
    whole, _, digits = text.rstrip("Z").partition(".")
    return datetime.datetime.fromisoformat(whole + "+00:00").timestamp() + float(f"0.{digits or 0}")


def summary(samples):
    samples = sorted(samples)
    return {"p50_us": statistics.median(samples), "p90_us": samples[len(samples) * 9 // 10]}


class ExecutionBench:
    def __init__(self, tools, arguments, folder):
        self.tools, self.arguments, self.folder = tools, arguments, folder
        self.floor = folder / "b" / "floor"
        (folder / "b").mkdir()
        (folder / "b").chmod(0o777)
        shutil.copy(tools.c("execution_floor"), self.floor)
        self.few = 4 if arguments.quick else 1

    @contextlib.contextmanager
    def server(self, *flags, executor="process"):
        server = server_fixture.Server("--max-replicas", 2000, "--stop-grace", "1s", *flags, executor=executor)
        try:
            yield server.start()
        finally:
            server.kill()
            server.remove()

    def create(self, server, request, calls=1, in_flight=1):
        run_load(self.tools, server.address, CREATE, request, 1, in_flight, 1000, CORES, calls)

    def starts(self, server, count, seen_as):
        """µs from the sending of a Create to the first instruction of its program, one job at a time."""
        out = self.folder / "b" / "stamps"
        out.unlink(missing_ok=True)
        request = create_request((1, [f"{seen_as}/floor", "stamp", f"{seen_as}/stamps", SENT]))
        for number in range(count):
            self.create(server, request)
            wait_for(lambda: len(lines_of(out)) > number, "the start of a job")
            time.sleep(0.02)
        return summary(lines_of(out))

    # ---- processes ----

    def bare(self, count, in_flight, out="-"):
        """Supervisors without a server, of programs that stamp out, or of true."""
        folder = self.folder / "bare"
        folder.mkdir()
        figures = figures_of([self.floor, "spawn", server_fixture.bin_dir() / "customjob-supervisor", folder, count,
                              in_flight, out], 600)
        shutil.rmtree(folder)
        return figures

    def process(self):
        count = STARTS // self.few
        with self.server() as server:
            ours = self.starts(server, count, self.folder / "b")
        out = self.folder / "b" / "bare"
        self.bare(count, 1, out)
        return {"floor": summary(lines_of(out)), "ours": ours, "target_us": 1000}

    def rate(self):
        """From the first Create to the last job's end, as the jobs tell it; supervisors without a server likewise."""
        count = JOBS // self.few
        with self.server() as server:
            begun = time.time()
            self.create(server, create_request((1, ["true"])), count, IN_FLIGHT)
            # Seldom: who asks takes of the time that is measured.
            wait_for(lambda: not self.jobs(server, 'NOT state="JOB_STATE_SUCCEEDED"'), "the end of all jobs", 0.5)
            ended = [unix_seconds(job["endTime"]) for job in self.jobs(server)]
        floors = {in_flight: self.bare(count, in_flight)["rate"] for in_flight in (1, IN_FLIGHT, count)}
        return {"jobs": len(ended), "rate": count / (max(ended) - begun), "floors": floors, "floor": max(floors.values())}

    def adoption(self):
        replicas = LIVING // self.few
        request = create_request((1, ["sleep", "100000"]), (replicas - 1, ["sleep", "100000"]))
        with self.server() as server:
            self.create(server, request)
            wait_for(lambda: self.state(server) == "JOB_STATE_RUNNING", "a job of so many replicas")
            server.kill()
            begun = time.time()
            server.start()
            ready = time.time() - begun
            wait_for(lambda: ADOPTED.search(server.log_tail(50)), "the end of the adoption")
            told = ADOPTED.search(server.log_tail(50))
            idle = self.idle(server)
            self.customjob(server, "cancel", self.name(server))
            wait_for(lambda: self.state(server) == "JOB_STATE_CANCELLED", "the end of a job of so many replicas")
        return {"replicas": int(told.group(2)), "ms": 1000 * (unix_seconds(told.group(1)) - begun),
                "asked_ms": float(told.group(3)), "ready_ms": 1000 * ready, "cpu": idle}

    def idle(self, server):
        time.sleep(1)
        before, begun = cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(IDLE_SECONDS / self.few)
        return (cpu_seconds(server.process.pid) - before) / (time.monotonic() - begun)

    @staticmethod
    def customjob(server, *words):
        return subprocess.run([server_fixture.bin_dir() / "customjob", "--endpoint", server.address, "--project", "bench",
                               *words], check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout

    def jobs(self, server, where=""):
        found = json.loads(self.customjob(server, "list", "--format=json", *(["--filter", where] if where else [])))
        return found.get("customJobs", []) if isinstance(found, dict) else found

    def name(self, server):
        return self.jobs(server)[0]["name"]

    def state(self, server):
        return self.jobs(server)[0]["state"]

    # ---- containers ----

    def docker(self):
        if not shutil.which("docker"):
            return {"skipped": "there is no docker program to stand beside"}
        try:
            engine = docker_engine.Engine().start()
        except docker_engine.Unavailable as reason:
            return {"skipped": str(reason)}
        try:
            engine.import_image()
            count = DOCKER_STARTS // (2 if self.arguments.quick else 1)
            flags = ("--docker-socket", engine.socket, "--buckets-dir", self.folder)
            with self.server(*flags, executor="docker") as server:
                ours = self.starts(server, count, "/gcs/b")
            return {"floor": self.docker_run(engine, count), "floor_network": self.docker_run(engine, count, True),
                    "ours": ours, "target": 1.1}
        finally:
            engine.close()

    def docker_run(self, engine, count, has_network=False):
        """With a network of its own, as each job has, or on the engine's."""
        out = self.folder / "b" / "run"
        out.unlink(missing_ok=True)
        environment = dict(os.environ, DOCKER_HOST=f"unix://{engine.socket}")

        def docker(*words):
            subprocess.run(["docker", *words], check=True, env=environment, timeout=60, stdout=subprocess.DEVNULL)

        for number in range(count):
            network = f"bench-{number}" if has_network else "bridge"
            sent = str(time.time_ns())
            if has_network:
                docker("network", "create", network)
            docker("run", "--rm", "--network", network, "-v", f"{self.folder}:/gcs", docker_engine.IMAGE,
                   "/gcs/b/floor", "stamp", "/gcs/b/run", sent)
            if has_network:
                docker("network", "rm", network)
        return summary(lines_of(out))


def bench_execution(tools, arguments):
    with tempfile.TemporaryDirectory(prefix="customjobd-bench-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        bench = ExecutionBench(tools, arguments, folder)
        return {"what": "execution", "process": bench.process(), "rate": bench.rate(), "adoption": bench.adoption(),
                "docker": bench.docker()}


def print_execution(result):
    process, rate, adoption, docker = (result[key] for key in ("process", "rate", "adoption", "docker"))
    print("real replicas; first instruction: from the sending of a Create to the program's own first line, one at a time")
    print(f"{'':44}{'p50 µs':>9}{'p90 µs':>9}")
    print(f"{'process: one fdatasync, bare supervisor':44}{process['floor']['p50_us']:9,.0f}{process['floor']['p90_us']:9,.0f}")
    print(f"{'process: customjobd':44}{process['ours']['p50_us']:9,.0f}{process['ours']['p90_us']:9,.0f}"
          f"  + {process['ours']['p50_us'] - process['floor']['p50_us']:,.0f} µs (target {process['target_us']:,})")
    if "skipped" in docker:
        print(f"{'docker':44}  skipped: {docker['skipped']}")
    else:
        print(f"{'docker run':44}{docker['floor']['p50_us']:9,.0f}{docker['floor']['p90_us']:9,.0f}")
        print(f"{'docker network create, docker run':44}{docker['floor_network']['p50_us']:9,.0f}"
              f"{docker['floor_network']['p90_us']:9,.0f}")
        print(f"{'docker: customjobd, a network for each job':44}{docker['ours']['p50_us']:9,.0f}{docker['ours']['p90_us']:9,.0f}"
              f"  × {docker['ours']['p50_us'] / docker['floor']['p50_us']:.2f} and"
              f" {docker['ours']['p50_us'] / docker['floor_network']['p50_us']:.2f} (target {docker['target']})")
    print(f"jobs of true, from the first Create to the last end: {rate['rate']:,.0f} a second of {rate['jobs']:,}, × "
          f"{rate['rate'] / rate['floor']:.2f} of supervisors without a server (target 0.7): "
          + ", ".join(f"{floor:,.0f} at {in_flight:,} at once" for in_flight, floor in rate["floors"].items()))
    print(f"{adoption['replicas']:,} living replicas are taken over {adoption['ms']:.0f} ms after the server's start (target 200),"
          f" {adoption['asked_ms']:.0f} ms after the first was asked for; ready after {adoption['ready_ms']:.0f} ms")
    print(f"with these running and nothing to do the server takes {100 * adoption['cpu']:.2f} % of a processor (target 1)")
