"""Simulated jobs by the hundred thousand through the whole server, ten thousand of them running at a time."""

import json
import pathlib
import subprocess
import tempfile
import time

import server_fixture
from bench_lib import custom_job, field, figures_of, run_load

PARENT = "projects/bench/locations/us-central1"
CREATE = "/google.cloud.aiplatform.v1.JobService/CreateCustomJob"
RUNNING = 10000
STEP = 2000  # jobs made at a time, and a few more: those in flight
MINUTES_LEAST, MINUTES_MOST = 60, 120  # of a job
MINUTES = (MINUTES_LEAST + MINUTES_MOST) / 2
IN_FLIGHT = 256
CONNECTIONS = 16
CORES = "0,1"
KEPT = 20000  # ended jobs, where the store is not to grow


def anonymous_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {pid} tells no RssAnon")


class Run:
    """One server, and how long its two halves took: making jobs, and letting time pass over them."""

    def __init__(self, tools, folder, jobs, *flags):
        scenario = folder / "scenario.json"
        scenario.write_text(json.dumps({"seed": 1, "replicas": [
            {"duration": {"min": f"{MINUTES_LEAST}m", "max": f"{MINUTES_MOST}m"}}]}))
        self.tools, self.jobs = tools, jobs
        self.server = server_fixture.Server("--max-replicas", 1000000, "--clock", "virtual", "--simulate-scenario",
                                            scenario, *flags, executor="simulate")
        self.create_seconds = self.advance_seconds = 0.0
        self.memory = []  # (jobs made, anonymous bytes)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.kill()
        self.server.remove()

    def _customjob(self, *words):
        return subprocess.run([server_fixture.bin_dir() / "customjob", "--endpoint", self.server.address, *words],
                              check=True, stdout=subprocess.PIPE, text=True, timeout=900).stdout

    def advance(self, minutes):
        begun = time.monotonic()
        self._customjob("simulation", "advance", f"{minutes:.6f}m", "--timeout=15m")
        self.advance_seconds += time.monotonic() - begun

    def create(self, count):
        request = field(1, PARENT.encode()) + field(2, custom_job(1024))
        begun = time.monotonic()
        figures = run_load(self.tools, self.server.address, CREATE, request, CONNECTIONS, IN_FLIGHT, 60, CORES, count)
        self.create_seconds += time.monotonic() - begun
        return int(figures["total"])

    def through(self):
        """All jobs, until the last has ended."""
        made = 0
        while made < self.jobs:
            created = self.create(STEP)
            made += created
            self.advance(MINUTES * created / RUNNING)
            if made >= 2 * RUNNING:
                self.memory.append((made, anonymous_bytes(self.server.process.pid)))
        self.memory.append((made, anonymous_bytes(self.server.process.pid)))
        self.running = self._count("state=JOB_STATE_RUNNING")
        self.advance(MINUTES_MOST)
        left = self._count("state=JOB_STATE_RUNNING OR state=JOB_STATE_PENDING OR state=JOB_STATE_QUEUED")
        if left:
            raise RuntimeError(f"{left} jobs have not ended")
        return made

    def _count(self, wanted):
        return len(self._customjob("--project=bench", "list", "--quiet", "--page-size=1000", f"--filter={wanted}",
                                   "--timeout=10m").splitlines())

    def growth(self):
        """Anonymous bytes per job, over the second half."""
        later = self.memory[len(self.memory) // 2:]
        (made_first, bytes_first), (made_last, bytes_last) = later[0], later[-1]
        return (bytes_last - bytes_first) / max(made_last - made_first, 1)


def bench_simulate(tools, arguments):
    jobs = arguments.jobs or (60000 if arguments.quick else 1000000)
    with tempfile.TemporaryDirectory(prefix="customjobd-bench-") as name:
        folder = pathlib.Path(name)
        sync_us = figures_of([tools.store(), "probe", folder, 150], 60)["p50_us"]
        with Run(tools, folder, jobs) as run:
            made = run.through()
            figures = {"what": "simulate", "jobs": made, "running": run.running, "creates_s": made / run.create_seconds,
                       "ends_s": made / run.advance_seconds, "sync_s": 1e6 / sync_us,
                       "jobs_s": made / (run.create_seconds + run.advance_seconds),
                       "growth_bytes": run.growth(), "end_bytes": anonymous_bytes(run.server.process.pid)}
            run.server.stop()
            run.server.start()
            figures["restarted_bytes"] = anonymous_bytes(run.server.process.pid)
        with Run(tools, folder, jobs, "--retention-count", KEPT) as run:
            run.through()
            figures["kept_growth_bytes"] = run.growth()
    return figures


def print_simulate(result):
    print(f"{result['jobs']:,} simulated jobs through the whole server, {result['running']:,} running at the end")
    print(f"  created, by {IN_FLIGHT} calls in flight      {result['creates_s']:12,.0f} jobs/s")
    print(f"  run to their ends, each at its time {result['ends_s']:12,.0f} jobs/s; bare write+fdatasync {result['sync_s']:,.0f}/s")
    print(f"  all in all                          {result['jobs_s']:12,.0f} jobs/s")
    print(f"  memory, second half                 {result['growth_bytes']:12,.0f} bytes/job, the store's with it")
    print(f"  memory at the end                   {result['end_bytes'] / 1e6:12,.0f} MB; of the same jobs after a restart "
          f"{result['restarted_bytes'] / 1e6:,.0f} MB")
    print(f"  where the store keeps {KEPT:,}        {result['kept_growth_bytes']:12,.0f} bytes/job, second half")
