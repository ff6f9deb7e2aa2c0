#!/usr/bin/env python3
"""kill -9 of the server at random moments, under load and with jobs running; then the count is taken.

Every acknowledged Create is there; every replica of every job ran exactly once; every exit code is right.
Each replica appends one line to a file of its own, so a second launch would show as a second line. A Create that
got no answer may be there or not, but never half: if it is there it ran once, if not it never ran.
"""

import argparse
import collections
import concurrent.futures
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import client_install  # noqa: E402
import server_fixture  # noqa: E402

PARENT = "projects/crash/locations/us-central1"
CLIENTS = 8
SETTLE_SECONDS = 240
ENDED = ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED")
EXIT_CODES = (0, 0, 0, 3, 77)

Asked = collections.namedtuple("Asked", "token exit_code replicas")


def reexec_with_clients(build_dir):
    """The official packages are in the build folder's Python: go on there."""
    python = client_install.python_of(client_install.Installer(build_dir))
    if pathlib.Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), *sys.argv])


def job_of(asked, ledger, seconds):
    """A job whose replicas each leave one line, run a moment and exit as asked (the primary alone decides)."""
    def pool(count, exit_code):
        script = f'echo ran >> "{ledger}/{asked.token}-$RANK"; sleep {seconds}; exit {exit_code}'
        container = {"image_uri": "debian:12", "command": ["sh", "-c", script]}
        return {"replica_count": count, "container_spec": container}

    pools = [pool(1, asked.exit_code)]
    if asked.replicas > 1:
        pools.append(pool(asked.replicas - 1, 0))
    return {"display_name": asked.token, "job_spec": {"worker_pool_specs": pools}}


class Campaign:
    def __init__(self, seed, ledger):
        self.random = random.Random(seed)
        self.ledger = ledger
        self.lock = threading.Lock()
        self.asked = {}  # token → Asked: everything ever sent
        self.acknowledged = {}  # token → job name
        self.gone = set()  # tokens whose Create got no answer

    def client(self, address, seed, stop):
        """Creates jobs until the server dies."""
        import grpc
        from google.api_core import exceptions
        from google.cloud.aiplatform_v1 import JobServiceClient
        from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport

        dice = random.Random(seed)
        with grpc.insecure_channel(address) as channel:
            client = JobServiceClient(transport=JobServiceGrpcTransport(channel=channel))
            number = 0
            while not stop.is_set():
                asked = Asked(f"t{seed:x}-{number}", dice.choice(EXIT_CODES), dice.choice((1, 1, 1, 3)))
                number += 1
                with self.lock:
                    self.asked[asked.token] = asked
                job = job_of(asked, self.ledger, round(dice.uniform(0, 0.6), 3))
                try:
                    name = client.create_custom_job(parent=PARENT, custom_job=job, timeout=20).name
                except (exceptions.GoogleAPICallError, exceptions.RetryError):
                    with self.lock:
                        self.gone.add(asked.token)
                    if stop.is_set() or not channel_alive(channel):
                        return
                    continue
                with self.lock:
                    self.acknowledged[asked.token] = name
                stop.wait(dice.uniform(0, 0.15))

    def round(self, server):
        """One life of the server, ended by kill -9."""
        server.start()
        stop = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            seeds = [self.random.getrandbits(40) for _ in range(CLIENTS)]
            clients = [pool.submit(self.client, server.address, seed, stop) for seed in seeds]
            time.sleep(self.random.uniform(0.02, 0.9))
            server.kill()
            stop.set()
            for client in clients:
                client.result(60)


def channel_alive(channel):
    import grpc

    try:
        grpc.channel_ready_future(channel).result(timeout=0.2)
        return True
    except grpc.FutureTimeoutError:
        return False


def all_jobs(address):
    import grpc
    from google.cloud.aiplatform_v1 import JobServiceClient
    from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport

    with grpc.insecure_channel(address) as channel:
        client = JobServiceClient(transport=JobServiceGrpcTransport(channel=channel))
        return list(client.list_custom_jobs(request={"parent": PARENT, "page_size": 1000}))


def settle(server):
    """Waits until every job has ended; returns them all."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        jobs = all_jobs(server.address)
        open_jobs = [job for job in jobs if job.state.name not in ENDED]
        if not open_jobs:
            return jobs
        if time.monotonic() > deadline:
            raise AssertionError(f"{len(open_jobs)} jobs never ended, such as {open_jobs[0]}")
        time.sleep(0.2)


def faults(campaign, jobs):
    """Every way in which the promise was broken, a line each."""
    by_token = {}
    for job in jobs:
        if job.display_name in by_token:
            yield f"{job.display_name} stands twice: {job.name} and {by_token[job.display_name].name}"
        by_token[job.display_name] = job
    for token, name in campaign.acknowledged.items():
        if token not in by_token or by_token[token].name != name:
            yield f"{name} ({token}) was acknowledged and is lost"
    for token in by_token.keys() - campaign.asked.keys():
        yield f"{token} was never asked for"
    for token, asked in campaign.asked.items():
        yield from faults_of(asked, by_token.get(token), campaign.ledger)


def faults_of(asked, job, ledger):
    lines = [count_lines(ledger / f"{asked.token}-{rank}") for rank in range(asked.replicas)]
    if job is None:
        if any(lines):
            yield f"{asked.token} is not there, yet it ran {lines}"
        return
    if lines[0] != 1 or any(line > 1 for line in lines):
        yield f"{job.name}: its replicas ran {lines} times"
    if asked.exit_code == 0:
        if job.state.name != "JOB_STATE_SUCCEEDED":
            yield f"{job.name} should have SUCCEEDED: {job.state.name}, {job.error}"
        return
    told = re.search(r"non-zero status of (\d+)", job.error.message)
    if job.state.name != "JOB_STATE_FAILED" or not told or int(told.group(1)) != asked.exit_code:
        yield f"{job.name} should have FAILED with {asked.exit_code}: {job.state.name}, {job.error}"


def count_lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    reexec_with_clients(arguments.build_dir)
    print(f"seed {arguments.seed}, {arguments.rounds} rounds, {CLIENTS} clients", flush=True)
    ledger = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-ledger-"))
    server = server_fixture.Server("--stop-grace", "2s", "--max-replicas", "4000")
    campaign = Campaign(arguments.seed, ledger)
    try:
        for number in range(arguments.rounds):
            campaign.round(server)
            if (number + 1) % 10 == 0:
                print(f"round {number + 1}: {len(campaign.acknowledged)} acknowledged", flush=True)
        jobs = settle(server.start())
        broken = list(faults(campaign, jobs))
        code = server.stop()
    except BaseException:
        print(server.log_tail(), file=sys.stderr)
        raise
    finally:
        server.kill()
    for line in broken[:50]:
        print(f"BROKEN {line}")
    if broken or code != 0:
        print(f"{len(broken)} promises broken; exit code {code}; data kept in {server.data_dir}, ledger in {ledger}")
        print(f"again with --seed {arguments.seed}")
        return 1
    server.remove()
    shutil.rmtree(ledger)
    replicas = sum(asked.replicas for token, asked in campaign.asked.items() if token in campaign.acknowledged)
    print(f"{arguments.rounds} kills: {len(campaign.acknowledged)} acknowledged jobs with {replicas} replicas, "
          f"{len(jobs)} found, 0 lost, 0 doubled, every exit code right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
