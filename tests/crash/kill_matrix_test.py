#!/usr/bin/env python3
"""The server dies at every step of a job's life, by name; then the count is taken.

base/fault_points.def names the steps. For each, and each executor, a server is told to die when it passes the step for
the N-th time, N by the seed, while jobs of every kind go their way: with one replica and with three, that fail, that are
tried again, that are cancelled, that are deleted. A step that the server did not die at in its round is a failure. Then
it is started again, nothing is in its way, and: every acknowledged job is there and ended as it must; every attempt of
every replica ran once; no exit code was made up; no process, container, network, control group and no file of a deleted
job is left. Other rounds kill the supervisors of replicas, and the Docker engine.

Usage    kill_matrix_test.py [--executor process|docker|simulate] [--point NAME] [--rounds N] [--seed S]
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import client_install  # noqa: E402
import docker_engine  # noqa: E402
import server_fixture  # noqa: E402

PARENT = "projects/matrix/locations/us-central1"
FAULT = re.compile(r'^FAULT\("([\w.]+)", "([\w,]+)"\)', re.MULTILINE)
EXECUTORS = ("process", "simulate", "docker")
AT_ONCE = 3
DIE_SECONDS = 40
SETTLE_SECONDS = 120
ENDED = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
# Steps that come after a restart alone: there is something to adopt.
AT_A_START = ("act.adopt", "adopt.looked")
GRACE = "1s"

# What is asked of a job: its replicas, the script of each, what becomes of it.
Kind = collections.namedtuple("Kind", "name replicas script states exit_code")
KINDS = (
    Kind("one", 1, "exit 0", ("JOB_STATE_SUCCEEDED",), 0),
    Kind("three", 3, "sleep 0.1; exit 0", ("JOB_STATE_SUCCEEDED",), 0),
    Kind("fails", 1, "exit 7", ("JOB_STATE_FAILED",), 7),
    # Killed by somebody the first time: the replica is started again in place, and then it is well.
    Kind("again", 1, """[ "${CUSTOMJOBD_EXECUTION##*-}" != 0 ] || sh -c 'kill -9 $PPID'; exit 0""",
         ("JOB_STATE_SUCCEEDED",), 0),
    Kind("sleeps", 2, "sleep 600", ("JOB_STATE_CANCELLED",), None),
    Kind("deleted", 1, "exit 0", ("JOB_STATE_SUCCEEDED",), 0),
)
SIMULATED = {"fails": {"simulate-exit-code": "7"}, "sleeps": {"simulate-duration": "1h"}}
SCENARIO = """replicas: [{match: {display_name: again, job_attempt: 1}, duration: 50ms, end: preempted}]"""


def points_of(executor):
    text = (server_fixture.ROOT / "base" / "fault_points.def").read_text(encoding="utf-8")
    return [name for name, executors in FAULT.findall(text) if executors == "any" or executor in executors.split(",")]


def reexec_with_clients(build_dir):
    python = client_install.python_of(client_install.Installer(build_dir))
    if pathlib.Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), *sys.argv])


class Client:
    """Calls of one server's life; what it does not answer is not known."""

    def __init__(self, address):
        import grpc
        from google.api_core import exceptions
        from google.cloud.aiplatform_v1 import JobServiceClient
        from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport

        self.channel = grpc.insecure_channel(address)
        self.jobs = JobServiceClient(transport=JobServiceGrpcTransport(channel=self.channel))
        self.broken = (exceptions.GoogleAPICallError, exceptions.RetryError)
        self.not_found = exceptions.NotFound
        self.precondition = exceptions.FailedPrecondition

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def get(self, name):
        return self.jobs.get_custom_job(name=name, timeout=10)

    def await_state(self, name, states, seconds=DIE_SECONDS):
        deadline = time.monotonic() + seconds
        while (job := self.get(name)).state.name not in states:
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is {job.state.name} after {seconds} s, none of {states}\n{job}")
            time.sleep(0.02)
        return job


class Cell:
    """One step, one executor, one round: a data directory of its own."""

    def __init__(self, executor, point, seed, engine):
        self.executor, self.point, self.engine = executor, point, engine
        self.random = random.Random(seed)
        self.buckets = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-matrix-"))
        (self.buckets / "b").mkdir()
        (self.buckets / "b").chmod(0o777)
        flags = ["--stop-grace", GRACE, "--max-replicas", "100", "--buckets-dir", self.buckets, "--capacity", "ignore"]
        if executor == "docker":
            flags += ["--docker-socket", engine.socket]
        if executor == "simulate":
            (self.buckets / "scenario.yaml").write_text(SCENARIO)
            flags += ["--simulate-duration", "100ms", "--simulate-scenario", self.buckets / "scenario.yaml"]
        self.server = server_fixture.Server(*flags, executor=executor)
        self.acknowledged = {}  # kind → name
        self.has_fired = False

    # ---- the life in which it dies ----

    def create(self, client, kind):
        # A run is a directory of its own: made by one system call, so that there is no half of a run to be found.
        script = f'mktemp -d "$CUSTOMJOBD_BUCKETS/b/$CUSTOMJOBD_EXECUTION.XXXXXX" > /dev/null; {kind.script}'
        container = {"image_uri": docker_engine.IMAGE, "command": ["sh", "-c", script]}
        pools = [{"replica_count": 1, "container_spec": container}]
        if kind.replicas > 1:
            pools.append({"replica_count": kind.replicas - 1, "container_spec": container})
        job = {"display_name": kind.name, "job_spec": {"worker_pool_specs": pools},
               "labels": SIMULATED.get(kind.name, {}) if self.executor == "simulate" else {}}
        self.acknowledged[kind.name] = client.jobs.create_custom_job(parent=PARENT, custom_job=job, timeout=20).name

    def live(self, client):
        """All that can happen to jobs; ends by the server's death, or when nothing more can come."""
        for kind in self.random.sample(KINDS, len(KINDS)):
            self.create(client, kind)
        names = self.acknowledged
        client.await_state(names["sleeps"], ("JOB_STATE_RUNNING",))
        client.jobs.cancel_custom_job(name=names["sleeps"], timeout=10)
        for kind in KINDS:
            client.await_state(names[kind.name], ENDED)
        client.jobs.delete_custom_job(name=names["deleted"], timeout=10)
        deadline = time.monotonic() + 2
        while self.server.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def live_until_death(self, fault):
        self.server.flags += ["--fault-point", fault]
        try:
            self.server.start()
            with Client(self.server.address) as client:
                try:
                    self.live(client)
                except client.broken:
                    pass
        except RuntimeError:
            pass  # it died before it was ready
        del self.server.flags[-2:]
        self.note_death()

    def note_death(self):
        process = self.server.process
        try:
            self.has_fired = process is None or process.wait(1) == -signal.SIGKILL
        except Exception:
            self.has_fired = False
        self.server.kill()

    # ---- ways to die ----

    def die_at_point(self):
        """At the N-th pass; a step that is not passed so often is died at when it is passed first."""
        if self.point in AT_A_START:
            self.server.start()
            with Client(self.server.address) as client:
                for kind in KINDS:
                    if kind.name in ("sleeps", "three"):
                        self.create(client, kind)
                client.await_state(self.acknowledged["sleeps"], ("JOB_STATE_RUNNING",))
            self.server.kill()
            self.live_until_death(self.point)
            return
        self.live_until_death(f"{self.point}:{self.random.randint(1, 4)}")
        if not self.has_fired:
            self.live_until_death(self.point)

    def kill_supervisors(self):
        self.server.start()
        with Client(self.server.address) as client:
            for kind in KINDS:
                self.create(client, kind)
            client.await_state(self.acknowledged["sleeps"], ("JOB_STATE_RUNNING",))
            for pid in supervisors_of(self.ids()) if self.engine is None else self.engine_pids():
                try:
                    os.kill(pid, signal.SIGKILL)
                    self.has_fired = True
                except ProcessLookupError:
                    pass
        self.server.kill()

    def engine_pids(self):
        """The first process of each container of ours is its supervisor."""
        containers = (self.engine.call("GET", f"/containers/{name}/json")[1] for name in self.of_engine(self.ids()))
        return [pid for pid in (container.get("State", {}).get("Pid", 0) for container in containers) if pid > 1]

    # ---- the count ----

    def of_engine(self, ids, networks=False):
        if self.engine is None:
            return []
        names = self.engine.networks() if networks else self.engine.containers()
        return [name for name in names if any(f"-{name}-".find(f"-{job}-") >= 0 for job in ids)]

    def ids(self):
        return [name.rsplit("/", 1)[1] for name in self.acknowledged.values()]

    def settle(self):
        """Another life, in which nothing is in the way: all ends. Returns the faults found."""
        self.server.start()
        with Client(self.server.address) as client:
            found = {job.name: job for job in client.jobs.list_custom_jobs(parent=PARENT)}
            for name, job in found.items():
                if job.display_name == "sleeps" and job.state.name not in ENDED:
                    try:
                        client.jobs.cancel_custom_job(name=name, timeout=10)
                    except client.precondition:
                        pass
            ended = {name: client.await_state(name, ENDED, SETTLE_SECONDS) for name in found}
            faults = list(self.faults(ended))
            for name in ended:
                client.jobs.delete_custom_job(name=name, timeout=10)
            faults += self.left_over([name.rsplit("/", 1)[1] for name in ended] + self.ids())
        if self.server.stop() != 0:
            faults.append("the server did not end in order")
        return faults

    def faults(self, ended):
        for kind, name in self.acknowledged.items():
            if name not in ended and kind != "deleted":
                yield f"{name} ({kind}) was acknowledged and is lost"
        kinds = {kind.name: kind for kind in KINDS}
        for name, job in ended.items():
            kind = kinds[job.display_name]
            if self.point == "supervisors":
                continue  # what becomes of them depends on when they were killed
            if job.state.name not in kind.states:
                yield f"{kind.name} is {job.state.name}: {job.error.message}"
            told = re.search(r"non-zero status of (\d+)", job.error.message)
            if kind.exit_code and (not told or int(told.group(1)) != kind.exit_code):
                yield f"{kind.name} should tell of {kind.exit_code}: {job.error.message}"
        runs = collections.Counter(path.name.rpartition(".")[0] for path in (self.buckets / "b").iterdir())
        yield from (f"{execution} ran {count} times" for execution, count in runs.items() if count > 1)
        if self.executor != "simulate" and self.point != "supervisors":
            yield from self.missing_runs(ended, runs)

    @staticmethod
    def missing_runs(ended, runs):
        """An execution is JOB-ATTEMPT-workerpoolPOOL-REPLICA-RESTART."""
        primaries = {execution.split("-", 1)[0] for execution in runs if "-workerpool0-0-" in execution}
        for name, job in ended.items():
            if job.state.name != "JOB_STATE_CANCELLED" and name.rsplit("/", 1)[1] not in primaries:
                yield f"{job.display_name} is {job.state.name} and never ran"

    def left_over(self, ids):
        """What is there of the jobs after all of them were deleted; files go by and by."""
        attempts = self.server.data_dir / "attempts"
        deadline = time.monotonic() + 30
        while True:
            left = [f"files of {name}" for name in ids if (attempts / name).exists()]
            left += [f"process {pid}" for pid in processes_of(ids)]
            left += [f"control group {path}" for path in groups_of(ids)]
            left += [f"container {name}" for name in self.of_engine(ids)]
            left += [f"network {name}" for name in self.of_engine(ids, networks=True)]
            if not left or time.monotonic() > deadline:
                return left
            time.sleep(0.1)

    def remove(self):
        self.server.kill()
        self.server.remove()
        shutil.rmtree(self.buckets, ignore_errors=True)


def environment_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def processes_of(ids):
    wanted = [f"CUSTOMJOBD_EXECUTION={name}-".encode() for name in ids]
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit()
            and any(word in environment_of(pid) for word in wanted)]


def supervisors_of(ids):
    """They have an attempt's directory as their argument."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].endswith(b"customjob-supervisor") and any(name.encode() in words[1] for name in ids):
            found.append(int(pid))
    return found


def groups_of(ids):
    found = []
    for point in {line.split()[1] for line in pathlib.Path("/proc/self/mounts").read_text().splitlines()
                  if line.split()[2].startswith("cgroup")}:
        for folder, names, _ in os.walk(point):
            found += [os.path.join(folder, name) for name in names
                      if any(name.startswith(f"customjob-{job}-") for job in ids)]
    return found


def run_cell(executor, point, seed, engine):
    """Whether the server died at the step, and what was found afterwards."""
    cell = Cell(executor, point, seed, engine)
    try:
        if point == "supervisors":
            cell.kill_supervisors()
        else:
            cell.die_at_point()
        faults = cell.settle()
    except Exception as error:
        faults = [f"{type(error).__name__}: {error}\n{cell.server.log_tail(15)}"]
    finally:
        cell.remove()
    return cell.has_fired, faults


def run_executor(executor, arguments, engine):
    points = points_of(executor) + (["supervisors"] if executor != "simulate" else [])
    if arguments.point:
        points = [point for point in points if point == arguments.point]
    cells = [(point, arguments.seed + number) for point in points for number in range(arguments.rounds)]
    totals = {point: [0, 0, []] for point in points}
    lock = threading.Lock()

    def run(cell):
        point, seed = cell
        fired, faults = run_cell(executor, point, seed, engine)
        with lock:
            totals[point][0] += 1
            totals[point][1] += fired
            totals[point][2] += [f"{executor} {point} --seed {seed}: {fault}" for fault in faults]

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(run, cells))
    return totals


def print_table(executor, totals):
    print(f"\n{executor:22}{'rounds':>8}{'died':>8}{'broken':>8}", flush=True)
    for point, (rounds, fired, faults) in totals.items():
        print(f"  {point:20}{rounds:8}{fired:8}{len(faults):8}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    parser.add_argument("--executor", action="append", choices=EXECUTORS, help="default: process and simulate, and docker")
    parser.add_argument("--point", help="this step alone; \"supervisors\" kills those")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(30))
    arguments = parser.parse_args()
    reexec_with_clients(arguments.build_dir)
    print(f"seed {arguments.seed}, {arguments.rounds} rounds each", flush=True)
    bad = []
    for executor in arguments.executor or EXECUTORS:
        engine = None
        try:
            if executor == "docker":
                engine = docker_engine.Engine().start()
                engine.import_image()
            totals = run_executor(executor, arguments, engine)
        except docker_engine.Unavailable as reason:
            print(f"SKIPPED docker: {reason}", flush=True)
            continue
        finally:
            if engine:
                engine.close()
        print_table(executor, totals)
        for point, (rounds, fired, faults) in totals.items():
            bad += faults
            if fired < rounds:
                bad.append(f"{executor}: the server was to die at {point} in {rounds} rounds, and did in {fired}")
    for line in bad[:60]:
        print(f"BROKEN {line}")
    print(f"{len(bad)} promises broken; again with --seed {arguments.seed}" if bad else "every promise was kept")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
