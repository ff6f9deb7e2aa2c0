#!/usr/bin/env python3
"""Jobs as people run them, each with the state and the error it has to end with: on processes, and in Docker where an
engine can be had.

Frameworks (PyTorch, scikit-learn) are not ours; a job whose framework is not installed is skipped by name. All jobs of an
executor run at once.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import docker_engine  # noqa: E402
import server_fixture  # noqa: E402

WAIT_SECONDS = 180
LOG_LIMIT_MIB = 8
SUCCEEDED, FAILED, CANCELLED = "JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"
# The system's own, which has the system's packages.
PYTHON = "/usr/bin/python3"
MACHINES = "machine_types:\n  - {name: tiny, cpus: 1, memory_mib: 64}\n"

# pools: a list of (replicas, command); error and log: patterns that must be found. log_bytes_max: what
# its log may come to. act: what is done while it runs.
Job = collections.namedtuple("Job", "name pools state error log log_bytes_max act needs spec executors")


def job(name, *pools, state=SUCCEEDED, error=None, log=None, log_bytes_max=None, act=None, needs=None,
        executors=("process", "docker"), **spec):
    return Job(name, pools, state, error, log, log_bytes_max, act, needs, spec, executors)


def shell(script, replicas=1):
    return (replicas, ["sh", "-c", script])


def python(program, replicas=1):
    return (replicas, [PYTHON, str(HERE / program)])


def signalled(name, number):
    """No second try: what is asked is what becomes of the first."""
    status = f"non-zero status of {128 + number} \\(signal {number}, SIG{name}\\)"
    return job(f"signal-{name.lower()}", shell(f"kill -{name} $$$$; sleep 60"), state=FAILED, error=status,
               scheduling={"disableRetries": True})


ONLY_PROCESS = ("process",)
JOBS = [
    job("shell", shell("seq 1 1000 | awk '{s += $1} END {print \"sum\", s}'"), log="sum 500500", executors=ONLY_PROCESS),
    job("variables", shell('echo "$AIP_MODEL_DIR|$CLOUD_ML_JOB_ID|$ODD"'), log=r"/b/out/model/\|\d+\|a b=c\$d'e",
        baseOutputDirectory={"outputUriPrefix": "gs://b/out"}, env=[{"name": "ODD", "value": "a b=c$d'e"}]),
    job("pytorch-ddp", python("torch_ddp.py"), python("torch_ddp.py", 2), needs="torch",
        log=r"rank 2 of 3: the same model everywhere", executors=ONLY_PROCESS),
    job("scikit-learn", python("sklearn_iris.py"), needs="sklearn", log=r"score 0\.9\d|score 1\.00", executors=ONLY_PROCESS,
        baseOutputDirectory={"outputUriPrefix": "gs://b/iris"}),
    job("tf-config", python("tf_config.py"), python("tf_config.py", 2), python("tf_config.py"),
        log=r"(?s)(?=.*chief:0 at )(?=.*worker:1 at )(?=.*ps:0 at )", executors=ONLY_PROCESS),
    job("all-reduce", python("all_reduce.py"), python("all_reduce.py", 4), log="rank 0: the sum is 10",
        executors=ONLY_PROCESS),
    job("ignores-sigterm", shell("trap '' TERM; echo ready; while :; do sleep 0.1; done"), state=CANCELLED,
        error="CANCELED", act="cancel"),
    job("daemons", shell("for i in 1 2 3; do (setsid sleep 100000 &) ; done; echo left")),
    job("flood", shell("i=0; while [ $i -lt 100 ]; do head -c 1000000 /dev/zero; i=$((i+1)); done"),
        log="bytes (were )?dropped|dropped", log_bytes_max=LOG_LIMIT_MIB * 5 << 18, scheduling={"timeout": "120s"}),
    job("full-disk", shell("head -c 3000000 /dev/zero > $CUSTOMJOBD_BUCKETS/small/file || exit 9"), state=FAILED,
        error="(?s)non-zero status of 9.*No space left on device", needs="mount", executors=ONLY_PROCESS),
    job("out-of-memory", (1, [PYTHON, "-c", "x = bytearray(256 << 20)"]), state=FAILED,
        error="ran out of memory", needs="memory", executors=ONLY_PROCESS, machineSpec={"machineType": "tiny"}),
    job("out-of-memory-too", (1, ["bash", "-c", "x=abcdefgh; while :; do x=$x$x; done"]), state=FAILED,
        error="ran out of memory", needs="memory", machineSpec={"machineType": "tiny"}),
    signalled("SEGV", 11), signalled("ABRT", 6), signalled("FPE", 8), signalled("ILL", 4), signalled("BUS", 7),
    signalled("KILL", 9), signalled("TERM", 15), signalled("USR1", 10),
    job("exit-255", shell("echo why >&2; exit 255"), state=FAILED, error="(?s)non-zero status of 255.*why"),
    job("no-such-program", (1, ["/no/such/program"]), state=FAILED, error="No such file or directory"),
    job("bucket", shell("echo kept > $CUSTOMJOBD_BUCKETS/b/kept; cat $CUSTOMJOBD_BUCKETS/b/kept"), log="kept"),
    job("nfs", shell("cat /mnt/nfs/data/file; echo written > /mnt/nfs/data/new && cat /mnt/nfs/data/new"), needs="mount-maps",
        log=r"(?s)exported.*written", nfsMounts=[{"server": "nfs.example", "path": "/vol", "mountPoint": "data"}]),
    job("second-try", shell('[ "$CUSTOMJOBD_EXECUTION" != "${CUSTOMJOBD_EXECUTION%%-*}-1-workerpool0-0-0" ] || exit 139; echo well'),
        log="well"),
    job("timeout", shell("sleep 1000"), state=CANCELLED, error="CANCELED", scheduling={"timeout": "2s"}),
    job("secondary-fails", shell("sleep 1000"), shell("exit 4", 2), state=FAILED, error="workerpool1-\\d .*status of 4"),
    job("long-line", shell("head -c 1000000 /dev/zero; echo end"), log="end"),
    job("binary", shell("printf '\\\\000\\\\377\\\\376bytes\\\\n'"), log="bytes"),
    job("slow-reader", shell("i=0; while [ $i -lt 20 ]; do echo line $i; sleep 0.05; i=$((i+1)); done"), log="line 19"),
]


def installed(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], check=False, stderr=subprocess.DEVNULL).returncode == 0


def counts_memory():
    """Either version of control groups has its memory controller here."""
    root = pathlib.Path("/sys/fs/cgroup")
    controllers = root / "cgroup.controllers"
    return (root / "memory").is_dir() or (controllers.is_file() and "memory" in controllers.read_text().split())


class Bench:
    def __init__(self, executor, folder, engine):
        self.executor, self.folder, self.engine = executor, folder, engine
        self.buckets = folder / "buckets"
        for name in ("b", "small"):
            (self.buckets / name).mkdir(parents=True)
            (self.buckets / name).chmod(0o777)
        (folder / "machines.yaml").write_text(MACHINES)
        self.is_mounted = executor == "process" and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", self.buckets / "small"], check=False,
            stderr=subprocess.DEVNULL).returncode == 0
        flags = ["--stop-grace", "1s", "--max-replicas", "200", "--buckets-dir", self.buckets, "--machine-types",
                 folder / "machines.yaml", "--log-limit", f"{LOG_LIMIT_MIB}MiB"]
        if engine:
            flags += ["--docker-socket", engine.socket]
        if os.geteuid() == 0:
            (folder / "export").mkdir()
            (folder / "export" / "file").write_text("exported\n")
            flags += ["--nfs-map", f"nfs.example:/vol={folder / 'export'}"]
        self.server = server_fixture.Server(*flags, executor=executor)

    def close(self):
        self.server.kill()
        self.server.remove()
        if self.is_mounted:
            subprocess.run(["umount", self.buckets / "small"], check=True)

    def client(self, *words, check=True):
        command = [server_fixture.bin_dir() / "customjob", "--endpoint", self.server.address, "--project", "p"]
        return subprocess.run([*map(str, command), *map(str, words)], capture_output=True, text=True, errors="replace",
                              check=check, timeout=WAIT_SECONDS).stdout

    def why_not(self, one):
        """A reason to skip it; None."""
        if one.needs == "mount":
            return None if self.is_mounted else "only root may mount"
        if one.needs == "mount-maps":
            return None if os.geteuid() == 0 else "only root may mount"
        if one.needs == "memory":
            return None if os.geteuid() == 0 and counts_memory() else "memory cannot be limited"
        return f"{one.needs} is not installed" if one.needs and not installed(one.needs) else None

    def create(self, one):
        spec = dict(one.spec)
        scheduling = {"scheduling": spec.pop("scheduling")} if "scheduling" in spec else {}
        output = {"baseOutputDirectory": spec.pop("baseOutputDirectory")} if "baseOutputDirectory" in spec else {}
        env = {"env": spec.pop("env")} if "env" in spec else {}
        pools = [{"replicaCount": str(replicas), **spec,
                  "containerSpec": {"imageUri": docker_engine.IMAGE, "command": command, **env}}
                 for replicas, command in one.pools]
        file = self.folder / f"{one.name}.json"
        file.write_text(json.dumps({"displayName": one.name, "jobSpec": {"workerPoolSpecs": pools, **scheduling, **output}}))
        return self.client("create", "--quiet", file).strip()

    def get(self, name):
        return json.loads(self.client("get", name, "--format=json"))

    def run(self, one):
        """What is wrong with it, a line each."""
        name = self.create(one)
        if one.act == "cancel":
            deadline = time.monotonic() + WAIT_SECONDS
            while "ready" not in self.client("logs", name) and time.monotonic() < deadline:
                time.sleep(0.05)
            self.client("cancel", name)
        self.client("wait", name, check=False)
        found = self.get(name)
        error = found.get("error", {}).get("message", "")
        if found["state"] != one.state:
            yield f"{found['state']}, not {one.state}: {error}"
        if one.error and not re.search(one.error, error):
            yield f"its error has no {one.error!r}: {error}"
        if one.log:
            log = self.client("logs", name)
            if not re.search(one.log, log):
                yield f"its log has no {one.log!r}: {log[-500:]}"
            if one.log_bytes_max and len(log.encode()) > one.log_bytes_max:
                yield f"its log has {len(log.encode())} bytes; at most {one.log_bytes_max} were to be kept"
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            if f"CUSTOMJOBD_EXECUTION={name.rpartition('/')[2]}-".encode() in environment:
                yield f"process {pid} is left"

    def run_all(self, jobs):
        self.server.start()
        with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
            futures = {one.name: pool.submit(lambda one=one: list(self.run(one))) for one in jobs}
            return {name: future.result() for name, future in futures.items()}


def run_executor(executor, wanted, engine):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-jobs-"))
    folder.chmod(0o755)
    bench = Bench(executor, folder, engine)
    bad = 0
    try:
        jobs = [one for one in JOBS if executor in one.executors and (not wanted or one.name in wanted)]
        skipped = {one.name: bench.why_not(one) for one in jobs}
        results = bench.run_all([one for one in jobs if not skipped[one.name]])
        print(f"\n{executor}")
        for one in jobs:
            faults = results.get(one.name)
            bad += bool(faults)
            print(f"  {one.name:18} {one.state.removeprefix('JOB_STATE_').lower():10} "
                  + (f"SKIPPED {skipped[one.name]}" if skipped[one.name] else "ok" if not faults else "; ".join(faults)), flush=True)
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executor", action="append", choices=("process", "docker"))
    parser.add_argument("job", nargs="*", help="these alone")
    arguments = parser.parse_args()
    bad = 0
    for executor in arguments.executor or ("process", "docker"):
        engine = None
        try:
            if executor == "docker":
                engine = docker_engine.Engine().start()
                engine.import_image()
            bad += run_executor(executor, arguments.job, engine)
        except docker_engine.Unavailable as reason:
            print(f"SKIPPED docker: {reason}")
        finally:
            if engine:
                engine.close()
    print(f"\n{bad} jobs did not end as they must" if bad else "\nevery job ended as it must")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
