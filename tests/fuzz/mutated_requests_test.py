#!/usr/bin/env python3
"""Mutated requests get the status that a reference decoder and validator predict: never a crash, never a hang.

Requests as clients make them are damaged at random (wire_mutations.py) and sent as raw bytes. What should come of each
is predicted (prediction.py, reference.py) by the official decoder and by rules written from the API's comments. At the
end the server must serve as before, must not have grown beyond what it was given to keep, and must stop with 0.
"""

import argparse
import collections
import dataclasses
import os
import pathlib
import random
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "lib")]

import client_install  # noqa: E402
import server_fixture  # noqa: E402

IN_FLIGHT = 48
ANSWER_SECONDS = 30
GROWTH_KEPT = 6  # bytes of memory for each byte of a job that was taken
GROWTH_FREE = 32 << 20
MISMATCHES_TOLD = 20
RUNNING, CANCELLED, ENDED = 3, 7, (4, 5, 7)
RUNNING_MADE = 16


def reexec_with_clients(build_dir):
    """The official packages are in the build folder's Python: go on there."""
    python = client_install.python_of(client_install.Installer(build_dir))
    if pathlib.Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), *sys.argv])


def memory_of(pid):
    """What it holds; 0 under a sanitizer, which keeps what was freed and finds leaks itself."""
    if re.search(r"lib[at]san", pathlib.Path(f"/proc/{pid}/maps").read_text()):
        return 0
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE).group(1)) << 10


@dataclasses.dataclass
class Answer:
    status: str
    response: bytes
    text: str
    trailers: dict


class Campaign:
    """One server, one stream of requests, one count."""

    def __init__(self, server, seed):
        import grpc
        from prediction import World
        from request_generator import Generator

        self.grpc = grpc
        self.server = server
        self.world = World()
        self.generator = Generator(random.Random(seed), self.world)
        self.channel = self.connect()
        self.pending = collections.deque()
        self.answers = collections.Counter()
        self.mismatches = []
        self.taken_bytes = 0

    # ---- calls ----

    def connect(self):
        # Bytes go as they are: a message too large is the server's to refuse.
        return self.grpc.insecure_channel(self.server.address, options=[
            ("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0),
            ("grpc.use_local_subchannel_pool", 1)])

    def start(self, request, channel=None):
        """A call under way."""
        channel = channel or self.channel
        options = {"timeout": ANSWER_SECONDS, "metadata": request.metadata}
        if request.compressed:
            options["compression"] = self.grpc.Compression.Gzip
        if request.method == "Tail":
            return channel.unary_stream(request.path)(request.data, **options)
        return channel.unary_unary(request.path).future(request.data, **options)

    def finish(self, call, stream=False):
        try:
            response = b"".join(call) if stream else call.result()
            return Answer("OK", response, "", dict(call.trailing_metadata()))
        except self.grpc.RpcError as error:
            return Answer(error.code().name, b"", error.details(), dict(error.trailing_metadata() or ()))

    def ask(self, method, **fields):
        import reference
        from request_generator import Request

        data = reference.MESSAGES[method](**fields).SerializeToString()
        answer = self.finish(self.start(Request(self.generator.path_of(method, "v1"), method, data)))
        if answer.status != "OK":
            raise AssertionError(f"{method} answered {answer.status}: {answer.text}")
        return answer.response

    # ---- the world ----

    def job(self, name):
        from google.cloud.aiplatform_v1beta1.types import custom_job

        return custom_job.CustomJob.pb().FromString(self.ask("GetCustomJob", name=name))

    def until(self, name, states):
        """Waits for one of these states; returns the job."""
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            job = self.job(name)
            if job.state in states:
                return job
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is still in state {job.state}")
            time.sleep(0.002)

    def create(self, labels):
        from google.cloud.aiplatform_v1beta1.types import custom_job

        pool = {"replica_count": 1, "container_spec": {"image_uri": "i", "command": ["true"]}}
        job = {"display_name": "made for the test", "labels": labels, "job_spec": {"worker_pool_specs": [pool]}}
        data = self.ask("CreateCustomJob", parent="projects/fuzz/locations/us-central1", custom_job=job)
        return custom_job.CustomJob.pb().FromString(data).name

    def furnish(self):
        """Jobs that run, jobs that have ended, operations."""
        running = [self.create({"simulate-duration": "36000s"}) for _ in range(RUNNING_MADE)]
        done = [self.create({}) for _ in range(12)]
        for name in running:
            self.until(name, (RUNNING,))
            self.world.jobs[name] = "RUNNING"
        for name in done:
            self.until(name, ENDED)
            self.world.jobs[name] = "DONE"
        for name in done[:6]:
            self.take_deletion(name, self.ask("DeleteCustomJob", name=name))
        self.keep = running[0]
        self.kept = self.job(self.keep).SerializeToString(deterministic=True)

    def take_deletion(self, name, response):
        from google.longrunning import operations_pb2

        del self.world.jobs[name]
        self.take_operation(operations_pb2.Operation.FromString(response).name)

    def take_operation(self, name):
        """Operations are asked about when they are done."""
        from google.longrunning import operations_pb2

        deadline = time.monotonic() + ANSWER_SECONDS
        while not operations_pb2.Operation.FromString(self.ask("GetOperation", name=name)).done:
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} is not done")
        self.world.operations.add(name)

    # ---- requests ----

    def drain(self, down_to=0):
        while len(self.pending) > down_to:
            request, expected, call = self.pending.popleft()
            self.judge(request, expected, self.finish(call))

    def send(self, request):
        """Most are under way together; what changes a job or an operation is alone with it."""
        from prediction import predict, target_of

        target = target_of(request)
        if request.alone:
            with self.connect() as channel:
                self.judge(request, request.expected, self.finish(self.start(request, channel)))
            return
        if target is None:
            self.pending.append((request, predict(request, self.world), self.start(request)))
            self.drain(IN_FLIGHT)
            return
        self.drain()
        if self.world.jobs.get(target) == "ENDING":
            self.until(target, ENDED)
            self.world.jobs[target] = "DONE"
        if request.method == "Tail" and self.follows_for_ever(request):
            return
        if target == self.keep and self.world.jobs.get(target) and request.method != "Tail":
            return
        expected = predict(request, self.world)
        self.judge(request, expected, self.finish(self.start(request), request.method == "Tail"))

    def follows_for_ever(self, request):
        import reference

        message = reference.decode("Tail", request.data)
        return message.follow and self.world.jobs.get(message.name) == "RUNNING"

    def judge(self, request, expected, answer):
        self.answers[request.method or "(no method)", answer.status] += 1
        if answer.status not in expected:
            self.mismatch(request, f"expected {' or '.join(sorted(expected))}, got {answer.status}: {answer.text}")
            return
        fault = self.note(request, answer) if answer.status == "OK" else self.fault_of_details(answer)
        if fault:
            self.mismatch(request, fault)

    def mismatch(self, request, what):
        self.mismatches.append(f"{request.path} {str(request.metadata)[:100] if request.metadata else ''}\n"
                               f"  {what[:600]}\n  {len(request.data)} bytes: {request.data[:1500].hex()}")

    def fault_of_details(self, answer):
        """The status in the details says the same."""
        from google.rpc import status_pb2

        if "grpc-status-details-bin" in answer.trailers:
            status = status_pb2.Status.FromString(answer.trailers["grpc-status-details-bin"])
            if self.grpc.StatusCode[answer.status].value[0] != status.code or status.message != answer.text:
                return f"{answer.status} {answer.text!r} has other details: {status}"
        elif answer.status in ("INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"):
            return f"{answer.status} {answer.text!r} has no details"
        return None

    def note(self, request, answer):
        """What an answer changed; or what is wrong with it."""
        import reference
        from prediction import operation_name

        message = reference.decode(request.method, request.data)
        if request.method == "CreateCustomJob":
            return self.note_job(request, message, answer.response)
        if request.method == "CancelCustomJob" and self.world.jobs[message.name] == "RUNNING":
            self.until(message.name, (CANCELLED,))
            self.world.jobs[message.name] = "DONE"
            self.take_operation(answer.trailers["x-operation-name"])
        elif request.method == "DeleteCustomJob":
            self.take_deletion(message.name, answer.response)
        elif request.method == "DeleteOperation":
            self.world.operations.discard(operation_name(message.name))
        elif request.method in ("ListCustomJobs", "ListOperations"):
            self.note_page(request, message, answer.response)
        return None

    def note_job(self, request, message, response):
        import reference
        from google.cloud.aiplatform_v1beta1.types import custom_job
        from prediction import stored_form

        job = custom_job.CustomJob.pb().FromString(response)
        if not re.fullmatch(re.escape(message.parent) + r"/customJobs/[1-9][0-9]{18}", job.name):
            return f"made {job.name!r} under {message.parent!r}"
        self.world.jobs[job.name] = "ENDING"
        self.taken_bytes += len(request.data)
        if reference.replicas_of(job.job_spec.worker_pool_specs) > reference.REPLICAS_MAX - RUNNING_MADE:
            self.ask("CancelCustomJob", name=job.name)  # it waits for those that never end, and all others for it
        if stored_form(job, "v1beta1") != stored_form(message.custom_job, request.version):
            return f"made something else: {stored_form(job, 'v1beta1')}"
        return None

    def note_page(self, request, message, response):
        from google.cloud.aiplatform_v1beta1.types import job_service
        from google.longrunning import operations_pb2

        of_jobs = request.method == "ListCustomJobs"
        page = job_service.ListCustomJobsResponse.pb() if of_jobs else operations_pb2.ListOperationsResponse
        token = page.FromString(response).next_page_token
        parent = message.parent if of_jobs else message.name.removesuffix("/operations")
        if token and len(self.world.tokens) < 200:
            self.world.tokens.add((token, request.path, parent, message.filter))

    def run(self, count):
        self.furnish()
        before = memory_of(self.server.process.pid)
        for number in range(count):
            self.send(self.generator.request())
            if number == count // 5:
                self.drain()
                before, self.taken_bytes = memory_of(self.server.process.pid), 0
        self.drain()
        self.check_health(before)

    def check_health(self, before):
        self.ask("Check")
        if self.job(self.keep).SerializeToString(deterministic=True) != self.kept:
            self.mismatches.append(f"{self.keep} is no longer what it was")
        grown = memory_of(self.server.process.pid) - before
        bound = GROWTH_FREE + GROWTH_KEPT * self.taken_bytes
        print(f"memory: {before >> 20} MiB, then {grown / (1 << 20):+.1f} MiB for {self.taken_bytes >> 10} KiB of jobs")
        if grown > bound:
            self.mismatches.append(f"the server has grown by {grown} bytes, the bound is {bound}")

    def report(self):
        by_status = collections.Counter()
        for (_method, status), count in self.answers.items():
            by_status[status] += count
        print(f"{sum(by_status.values())} answers: " + ", ".join(f"{name} {n}" for name, n in by_status.most_common()))
        for method in sorted({method for method, _status in self.answers}):
            print(f"  {method:16}", ", ".join(f"{status} {n}" for (name, status), n in sorted(self.answers.items())
                                              if name == method))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    reexec_with_clients(arguments.build_dir)
    import reference

    print(f"seed {arguments.seed}, {arguments.count} requests", flush=True)
    began = time.monotonic()
    server = server_fixture.Server("--simulate-duration", "0s", "--max-replicas", reference.REPLICAS_MAX,
                                   executor="simulate")
    try:
        campaign = Campaign(server.start(), arguments.seed)
        campaign.run(arguments.count)
        campaign.channel.close()
        code = server.stop()
    except BaseException:
        print(f"again with --seed {arguments.seed}\n{server.log_tail()}", file=sys.stderr)
        raise
    finally:
        server.kill()
    campaign.report()
    print(f"in {time.monotonic() - began:.1f} s")
    for line in campaign.mismatches[:MISMATCHES_TOLD]:
        print(f"MISMATCH {line}")
    if campaign.mismatches or code != 0:
        print(f"{len(campaign.mismatches)} mismatches, exit code {code}; again with --seed {arguments.seed}\n"
              f"{server.log_tail()}")
        return 1
    server.remove()
    print("every status as predicted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
