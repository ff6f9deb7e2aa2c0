"""GetCustomJob over REST, beside the same call over gRPC and beside nginx with the same bytes."""

import contextlib
import http.client
import json
import pathlib
import re
import socket
import subprocess
import tempfile

from bench_lib import cpu_seconds, run_load
from grpc_bench import LOAD_CORE, SERVER_CORE, customjobd, one_job, summarize

CONNECTIONS = 32
MANY_JOBS = 1000  # more than the server keeps texts of

NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    open_file_cache max=10;
    open_file_cache_valid 1h;
    default_type application/json;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{ listen unix:{folder}/unused; listen 127.0.0.1:{port}; root {folder}/root; }}
}}
"""


class Nginx:
    """One worker that serves one file, on the server's core."""

    def __init__(self, folder, body):
        self.folder = folder
        (folder / "root").mkdir()
        (folder / "root" / "job").write_bytes(body)
        folder.chmod(0o755)
        self.port = free_port()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=self.port))
        self.process = subprocess.Popen(["taskset", "-c", SERVER_CORE, "nginx", "-c", str(folder / "nginx.conf")])
        self.url = f"http://127.0.0.1:{self.port}/job"

    def __enter__(self):
        while not self.workers():
            if self.process.poll() is not None:
                raise RuntimeError("nginx has ended")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def workers(self):
        path = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(word) for word in path.read_text().split()]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_http(urls, seconds, version):
    """Requests of one load process; {"total", "rate", "mean_us"}. urls: one, or a file of them."""
    how = ["--h1", "-c", str(CONNECTIONS), "-m", "1"] if version == 1 else ["-c", "1", "-m", str(CONNECTIONS)]
    command = ["taskset", "-c", LOAD_CORE, "h2load", *how, "-t", "1", "-D", str(max(1, round(seconds)))]
    command += ["-i", str(urls)] if isinstance(urls, pathlib.Path) else [urls]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    total, good = map(int, re.search(r"requests: (\d+) total.* (\d+) succeeded", said).groups())
    if good == 0 or not re.search(r"status codes: %d 2xx" % good, said):
        raise RuntimeError(f"not every answer is good:\n{said}")
    rate = float(re.search(r"finished in [\d.]+s, ([\d.]+) req/s", said).group(1))
    mean = re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)", said)
    return {"total": good, "rate": rate, "mean_us": float(mean.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[mean.group(2)]}


def get_json(address, path):
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path)
    return connection.getresponse().read()


def many_jobs(address, body, file):
    """Makes jobs like that one; the file has the URL of each."""
    job = json.loads(body)
    wanted = json.dumps({"displayName": job["displayName"], "jobSpec": job["jobSpec"], "labels": job["labels"]})
    connection = http.client.HTTPConnection(address, timeout=60)
    parent = job["name"].rpartition("/")[0]
    with open(file, "w", encoding="utf-8") as urls:
        for _ in range(MANY_JOBS):
            connection.request("POST", f"/v1/{parent}", wanted)
            urls.write(f"http://{address}/v1/{json.loads(connection.getresponse().read())['name']}\n")
    return file


def bench_rest(tools, arguments):
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="customjobd-bench-")))
        server = stack.enter_context(customjobd("--simulate-duration", "0s", "--call-threads", "1", "--http-listen",
                                                "127.0.0.1:0"))
        request, answer = one_job(tools, server, folder)
        name = re.search(rb"projects/[^\x00-\x20\"]*/customJobs/\d+", request).group().decode()
        url = f"http://{server.http_address}/v1/{name}"
        body = get_json(server.http_address, f"/v1/{name}")
        many = many_jobs(server.http_address, body, folder / "urls")
        nginx = stack.enter_context(Nginx(folder, body))
        method = "/google.cloud.aiplatform.v1.JobService/GetCustomJob"
        peers = {
            "nginx, a file": (nginx.workers()[0], lambda: run_http(nginx.url, arguments.seconds, 1)),
            "REST Get": (server.process.pid, lambda: run_http(url, arguments.seconds, 1)),
            "REST Get, HTTP/2": (server.process.pid, lambda: run_http(url, arguments.seconds, 2)),
            # In turn, each once: no text of them is there when it is asked for.
            "HTTP/2, 1,000 jobs": (server.process.pid, lambda: run_http(many, arguments.seconds, 2)),
            "gRPC Get": (server.process.pid, lambda: run_load(tools, server.address, method, request, 4, 32,
                                                              arguments.seconds, LOAD_CORE)),
        }
        samples = {name: [] for name in peers}
        for _ in range(arguments.rounds):
            for name, (pid, measure) in peers.items():
                before = cpu_seconds(pid)
                figures = measure()
                cost = (cpu_seconds(pid) - before) * 1e6 / figures["total"]
                typical = figures.get("mean_us") or figures["p50_us"]
                samples[name].append((cost, figures["rate"], typical, typical))
    return {"what": "rest", "answer_bytes": answer.stat().st_size if answer.exists() else 0, "json_bytes": len(body),
            "peers": summarize(samples, "nginx, a file")}


def print_rest(result):
    print(f"GetCustomJob, JSON of {result['json_bytes']} bytes, one core for the server, one for the load;"
          f" {CONNECTIONS} connections, or one of {CONNECTIONS} streams")
    print(f"{'':22}{'CPU µs/request':>16}{'× nginx':>9}{'requests/s':>12}{'mean µs':>9}")
    for row in result["peers"]:
        print(f"{row['name']:22}{row['cpu_us']:16.2f}{row['cpu_ratio']:9.2f}{row['rate']:12,.0f}{row['p50_us']:9.0f}")
