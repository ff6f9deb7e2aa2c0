#!/usr/bin/env python3
"""The server's JSON is the official JSON, field by field, both ways.

CustomJobs are generated with every field that may be set. Each is written by the official protobuf library in one of the
spellings that it knows, created over REST, read back over gRPC as bytes, and must be what was generated. Then it is read
over REST, and must be what the official library writes of these bytes, and, read by that library, the same message.
"""

import argparse
import http.client
import json
import os
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

import client_install  # noqa: E402
import server_fixture  # noqa: E402

PARENT = "projects/p/locations/us-central1"
OUTPUTS = ("name", "state", "create_time", "start_time", "end_time", "update_time", "error", "web_access_uris",
           "satisfies_pzs", "satisfies_pzi")
REFUSED = ("encryption_spec", "nfs_mounts", "lustre_mounts", "enable_web_access")
CHARACTERS = "aZ0 \"\\/{}[]:,\n\t\r\x01\x1f\x7f\x80é\u2028\u2029ß漢\ufeff\uffff\U0001f600\U0010ffff<>&'%+$"
LABEL_CHARACTERS = "az09_-éß漢"
COUNT_TOLD = 3


def reexec_with_clients(build_dir):
    """The official packages are in the build folder's Python: go on there."""
    python = client_install.python_of(client_install.Installer(build_dir))
    if pathlib.Path(sys.prefix).resolve() != python.parent.parent.resolve():
        os.execv(python, [str(python), *sys.argv])


class Generator:
    """Messages by their descriptors, and by hand where not every value is valid."""

    def __init__(self, dice):
        self.dice = dice
        self.seen = set()

    def text(self, least=0, most=12, characters=CHARACTERS):
        return "".join(self.dice.choice(characters) for _ in range(self.dice.randint(least, most)))

    def fill(self, message, depth=0):
        for field in message.DESCRIPTOR.fields:
            special = getattr(self, f"fill_{message.DESCRIPTOR.name}_{field.name}", None)
            oneof = field.containing_oneof
            if field.name in REFUSED or (depth == 0 and field.name in OUTPUTS):
                continue
            if special:
                special(message)
            elif oneof is None and self.dice.random() < 0.6:
                self.fill_field(message, field, depth)
            if field.is_repeated or not field.has_presence or message.HasField(field.name):
                self.seen.add(field.full_name)
        return message

    def fill_field(self, message, field, depth):
        if field.message_type:
            if field.is_repeated:
                for _ in range(self.dice.randint(0, 2)):
                    self.fill(getattr(message, field.name).add(), depth + 1)
            else:
                getattr(message, field.name).SetInParent()
                self.fill(getattr(message, field.name), depth + 1)
        elif field.is_repeated:
            getattr(message, field.name).extend(self.value(field) for _ in range(self.dice.randint(0, 3)))
        else:
            setattr(message, field.name, self.value(field))

    def value(self, field):
        if field.enum_type:
            return self.dice.choice([value.number for value in field.enum_type.values])
        if field.cpp_type == field.CPPTYPE_STRING:
            return self.text()
        if field.cpp_type == field.CPPTYPE_BOOL:
            return self.dice.random() < 0.5
        return self.dice.choice((0, 1, -1, 2 ** 31 - 1, -(2 ** 31)))

    # ---- values that have to be valid ----

    def fill_CustomJob_display_name(self, job):
        job.display_name = self.text(1, 100)

    def fill_CustomJob_job_spec(self, job):
        self.fill(job.job_spec, 1)

    def fill_CustomJob_labels(self, job):
        for _ in range(self.dice.randint(0, 4)):
            job.labels[self.dice.choice("abéß漢") + self.text(0, 20, LABEL_CHARACTERS)] = self.text(0, 20, LABEL_CHARACTERS)

    def fill_CustomJobSpec_worker_pool_specs(self, spec):
        for index in range(self.dice.randint(1, 4)):
            self.pool = index
            self.fill(spec.worker_pool_specs.add(), 2)

    def fill_CustomJobSpec_base_output_directory(self, spec):
        if self.dice.random() < 0.5:
            spec.base_output_directory.output_uri_prefix = "gs://bucket/dir-2024-07-02-06:08:46/"

    def fill_CustomJobSpec_service_account(self, spec):
        spec.service_account = "robot@project.example"

    def fill_DnsPeeringConfig_domain(self, config):
        config.domain, config.target_project, config.target_network = self.text(1), self.text(1), self.text(1)

    def fill_DnsPeeringConfig_target_project(self, config):
        pass

    fill_DnsPeeringConfig_target_network = fill_DnsPeeringConfig_target_project

    def fill_ReservationAffinity_reservation_affinity_type(self, affinity):
        affinity.reservation_affinity_type = self.dice.randint(1, 3)

    def fill_DiskSpec_boot_disk_size_gb(self, disk):
        disk.boot_disk_size_gb = self.dice.choice((0, 1, 100, 2 ** 31 - 1))

    def fill_WorkerPoolSpec_replica_count(self, pool):
        pool.replica_count = 1 if self.pool == 0 else self.dice.randint(1, 5)

    def fill_WorkerPoolSpec_container_spec(self, pool):
        if self.dice.random() < 0.6:
            pool.container_spec.SetInParent()
            self.fill(pool.container_spec, 3)
        else:
            pool.python_package_spec.SetInParent()
            self.fill(pool.python_package_spec, 3)

    def fill_ContainerSpec_image_uri(self, spec):
        spec.image_uri = "debian:12"

    def fill_ContainerSpec_command(self, spec):
        spec.command.extend(["sh", "-c", self.text()])

    def fill_ContainerSpec_env(self, spec):
        for number in range(self.dice.randint(0, 3)):
            spec.env.add(name=f"NAME_{number}", value=self.text(1))

    fill_PythonPackageSpec_env = fill_ContainerSpec_env

    def fill_PythonPackageSpec_executor_image_uri(self, spec):
        spec.executor_image_uri = "e"

    def fill_PythonPackageSpec_python_module(self, spec):
        spec.python_module = "trainer.task"

    def fill_PythonPackageSpec_package_uris(self, spec):
        spec.package_uris.append("gs://bucket/package-1.0.tar.gz")

    def fill_MachineSpec_machine_type(self, spec):
        spec.machine_type = "n1-standard-4"

    def fill_MachineSpec_accelerator_type(self, spec):
        if self.dice.random() < 0.5:
            spec.accelerator_type, spec.accelerator_count = self.dice.randint(1, 18), self.dice.randint(1, 8)

    def fill_MachineSpec_accelerator_count(self, spec):
        pass

    def fill_Scheduling_timeout(self, scheduling):
        if self.dice.random() < 0.7:
            scheduling.timeout.seconds = self.dice.randint(1, 7 * 24 * 3600 - 1)
            scheduling.timeout.nanos = self.dice.choice((0, 1, 1000, 500000000, 999999999))

    def fill_Scheduling_max_wait_duration(self, scheduling):
        if self.dice.random() < 0.5:
            scheduling.max_wait_duration.seconds = self.dice.randint(0, 24 * 3600)

    def fill_Scheduling_strategy(self, scheduling):
        scheduling.strategy = self.dice.choice((0, 1, 2, 3, 4))


class Walk:
    def __init__(self, server, version):
        import grpc
        from google.cloud.aiplatform_v1.types import custom_job as v1
        from google.cloud.aiplatform_v1beta1.types import custom_job as v1beta1

        self.version = version
        self.type = {"v1": v1, "v1beta1": v1beta1}[version].CustomJob.pb()
        self.http = http.client.HTTPConnection(server.http_address, timeout=60)
        self.get = grpc.insecure_channel(server.address).unary_unary(
            f"/google.cloud.aiplatform.{version}.JobService/GetCustomJob")

    def ask(self, verb, path, body=None):
        self.http.request(verb, f"/{self.version}/{path}", body, {"Content-Type": "application/json"})
        answer = self.http.getresponse()
        text = answer.read()
        assert answer.status == 200, (answer.status, text, body)
        return text

    def stored(self, name):
        size = len(name.encode())
        return self.type.FromString(self.get(b"\x0a" + bytes([size]) + name.encode(), timeout=60))

    def spell(self, dice, job):
        """The job as the official library writes it, in one of its ways; int64 also as numbers."""
        from google.protobuf import json_format

        spelled = json_format.MessageToDict(job, preserving_proto_field_name=dice.random() < 0.5,
                                            use_integers_for_enums=dice.random() < 0.5,
                                            always_print_fields_with_no_presence=dice.random() < 0.3)
        for pool in (spelled.get("jobSpec") or spelled["job_spec"]).get(
                "workerPoolSpecs" if "jobSpec" in spelled else "worker_pool_specs", []):
            for key in ("replicaCount", "replica_count"):
                if key in pool and dice.random() < 0.5:
                    pool[key] = int(pool[key])
        for output in ("name", "state", "satisfiesPzs", "satisfiesPzi", "satisfies_pzs", "satisfies_pzi",
                       "webAccessUris", "web_access_uris"):
            spelled.pop(output, None)
        return json.dumps(spelled, ensure_ascii=dice.random() < 0.5, indent=dice.choice((None, 2)))

    def inputs_of(self, job):
        copy = self.type()
        copy.CopyFrom(job)
        for field in OUTPUTS:
            copy.ClearField(field)
        return copy

    def compare(self, dice, job):
        from google.protobuf import json_format

        name = json.loads(self.ask("POST", f"{PARENT}/customJobs", self.spell(dice, job).encode()))["name"]
        before = self.stored(name)
        assert self.inputs_of(before) == job, f"what was stored is another job:\n{self.inputs_of(before)}\n---\n{job}"
        while True:
            text = self.ask("GET", name).decode()
            numbers = self.ask("GET", f"{name}?$alt=json;enum-encoding=int").decode()
            after = self.stored(name)
            if after == before:
                break
            before = after
        assert json.loads(text) == json_format.MessageToDict(after), (text, json_format.MessageToJson(after))
        assert json.loads(numbers) == json_format.MessageToDict(after, use_integers_for_enums=True), numbers
        assert json_format.Parse(text, self.type()) == after, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-dir", type=pathlib.Path, default=server_fixture.ROOT / "build")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    reexec_with_clients(arguments.build_dir.resolve())
    print(f"seed {arguments.seed}", flush=True)
    dice = random.Random(arguments.seed)
    failed = 0
    seen = set()
    with server_fixture.running("--http-listen", "127.0.0.1:0", "--max-replicas", "1000", executor="simulate") as server:
        walks = [Walk(server, "v1"), Walk(server, "v1beta1")]
        for number in range(arguments.count):
            walk = walks[number % 2]
            generator = Generator(dice)
            job = generator.fill(walk.type())
            seen |= generator.seen
            try:
                walk.compare(dice, job)
            except AssertionError as error:
                failed += 1
                if failed <= COUNT_TOLD:
                    print(f"job {number}, {walk.version}: {error}", flush=True)
    print(f"{len(seen)} fields were set at least once")
    print(f"{arguments.count - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
