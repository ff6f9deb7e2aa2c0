"""GetCustomJob and CreateCustomJob through gRPC, beside the barest echoes and beside etcd."""

import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import tempfile

import server_fixture
import storage_peers
from bench_lib import Patience, cpu_seconds, custom_job, field, run_load

SERVER_CORE, LOAD_CORE = "0", "1"
BOTH_CORES = "0,1"
PARENT = "projects/bench/locations/us-central1"
LEVELS = (1, 16, 64, 256)
CONNECTIONS_MAX = 16


class Echo:
    """A peer that answers everything with the same bytes."""

    def __init__(self, program, answer):
        environment = dict(os.environ, GOMAXPROCS="1")
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, str(program), "127.0.0.1:0", str(answer)],
                                        stdout=subprocess.PIPE, text=True, env=environment)
        self.address = "127.0.0.1:" + self.process.stdout.readline().split()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def customjobd(*flags, data_dir=None, max_replicas=1000000, cores=SERVER_CORE):
    """A server on these cores, by the simulate executor."""
    server = server_fixture.Server("--max-replicas", str(max_replicas), *flags, executor="simulate", data_dir=data_dir)
    try:
        server.start()
        subprocess.run(["taskset", "-a", "-p", "-c", cores, str(server.process.pid)], check=True,
                       stdout=subprocess.DEVNULL)
        yield server
    finally:
        server.kill()
        server.remove()


def bench_get(tools, arguments):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-bench-")))
        server = stack.enter_context(customjobd("--simulate-duration", "0s", "--call-threads", "1"))
        request, answer = one_job(tools, server, folder)
        answer_bytes = answer.stat().st_size
        echoes = {"C-core echo": tools.c("echo_core"), "grpc++ echo": tools.cpp("echo_cpp"), "Go echo": tools.go("echo_go")}
        peers = {"customjobd Get": (server.address, server.process.pid)}
        for name, program in echoes.items():
            echo = stack.enter_context(Echo(program, answer))
            peers[name] = (echo.address, echo.process.pid)
        method = "/google.cloud.aiplatform.v1.JobService/GetCustomJob"
        samples = {name: [] for name in peers}
        for _ in range(arguments.rounds):
            for name, (address, pid) in peers.items():
                before = cpu_seconds(pid)
                figures = run_load(tools, address, method, request, 4, 32, arguments.seconds, LOAD_CORE)
                cost = (cpu_seconds(pid) - before) * 1e6 / figures["total"]
                samples[name].append((cost, figures["rate"], figures["p50_us"], figures["p99_us"]))
    return {"what": "get", "answer_bytes": answer_bytes, "peers": summarize(samples, "C-core echo")}


def one_job(tools, server, folder):
    """Makes one job, lets it end; returns the Get request for it and a file with the answer's bytes."""
    load, create = tools.c("load"), folder / "create"
    create.write_bytes(field(1, PARENT.encode()) + field(2, custom_job(1024)))
    subprocess.run([str(load), server.address, "/google.cloud.aiplatform.v1.JobService/CreateCustomJob", str(create), "1",
                    "1", "0", str(folder / "created")], check=True, stdout=subprocess.DEVNULL)
    name = re.search(rb"projects/[^\x00-\x20\"]*/customJobs/\d+", (folder / "created").read_bytes()).group()
    request, answer = folder / "get", folder / "answer"
    request.write_bytes(field(1, name))
    subprocess.run([str(load), server.address, "/google.cloud.aiplatform.v1.JobService/GetCustomJob", str(request), "1",
                    "1", "0.2", str(answer)], check=True, stdout=subprocess.DEVNULL)
    return request.read_bytes(), answer


def summarize(samples, floor):
    rows = []
    for name, runs in samples.items():
        cost, rate, p50, p99 = (statistics.median(column) for column in zip(*runs))
        ratios = [mine[0] / other[0] for mine, other in zip(runs, samples[floor])]
        rows.append({"name": name, "cpu_us": cost, "rate": rate, "p50_us": p50, "p99_us": p99,
                     "cpu_ratio": statistics.median(ratios)})
    return rows


def durable_rate(tools, arguments, patience, target, in_flight):
    """Figures of the median run by rate, and its probes."""
    address, method, request = target
    runs = [patience.measure(lambda: run_load(tools, address, method, request, min(in_flight, CONNECTIONS_MAX), in_flight,
                                              arguments.seconds, BOTH_CORES)) for _ in range(arguments.rounds)]
    return sorted(runs, key=lambda run: run["rate"])[len(runs) // 2]


def bench_create(tools, arguments):
    job = custom_job(1024)
    create = field(1, PARENT.encode()) + field(2, job)
    put = field(1, b"jobs/########") + field(2, job)
    method = "/google.cloud.aiplatform.v1.JobService/CreateCustomJob"
    with tempfile.TemporaryDirectory(prefix="customjobd-bench-", dir=arguments.build_dir) as folder, \
            contextlib.ExitStack() as stack:
        patience = Patience(tools, folder)
        path = pathlib.Path(folder)
        # A job lasts longer than the measurement, so that one replica keeps all but the first waiting.
        long = ("--simulate-duration", "36000s")
        waiting = stack.enter_context(customjobd(*long, data_dir=path / "waiting", max_replicas=1, cores=BOTH_CORES))
        running = stack.enter_context(customjobd(*long, data_dir=path / "running", cores=BOTH_CORES))
        etcd = stack.enter_context(storage_peers.Etcd(path / "etcd"))
        targets = {"waiting": (waiting.address, method, create), "running": (running.address, method, create),
                   "etcd": (etcd.address, "/etcdserverpb.KV/Put", put)}
        rows = [dict({name: durable_rate(tools, arguments, patience, target, in_flight)
                      for name, target in targets.items()}, in_flight=in_flight) for in_flight in LEVELS]
        best_us = patience.best_us
    return {"what": "create", "job_bytes": len(job), "probe_us": best_us, "rows": rows}


def print_get(result):
    print(f"GetCustomJob, answers of {result['answer_bytes']} bytes, one core for the server, one for the load")
    print(f"{'':16}{'CPU µs/request':>16}{'× C-core echo':>15}{'requests/s':>12}{'p50 µs':>9}{'p99 µs':>9}")
    for row in result["peers"]:
        print(f"{row['name']:16}{row['cpu_us']:16.2f}{row['cpu_ratio']:15.2f}{row['rate']:12,.0f}{row['p50_us']:9.0f}"
              f"{row['p99_us']:9.0f}")


def print_create(result):
    print(f"durable creates of {result['job_bytes']} bytes beside etcd's put, all through gRPC, same disk, same two cores;"
          f" best probe {result['probe_us']:.0f} µs")
    print("waiting: only the create is durable. running: its start and its state too, four records a job.")
    print("* the probe beside it was slow: somebody else used the disk")
    print(f"{'in flight':>9}" + "".join(f"{name + '/s':>13}{'p50 µs':>8}{'p99 µs':>8}{'× etcd':>8}"
                                        for name in ("waiting", "running")) + f"{'etcd/s':>10}{'p50 µs':>8}{'p99 µs':>8}")
    for row in result["rows"]:
        etcd = row["etcd"]
        line = f"{row['in_flight']:9}"
        for ours in (row["waiting"], row["running"]):
            line += f"{ours['rate']:12,.0f}{'*' if ours['noisy'] else ' '}{ours['p50_us']:8.0f}{ours['p99_us']:8.0f}" \
                    f"{ours['rate'] / etcd['rate']:8.1f}"
        print(line + f"{etcd['rate']:9,.0f}{'*' if etcd['noisy'] else ' '}{etcd['p50_us']:8.0f}{etcd['p99_us']:8.0f}")
