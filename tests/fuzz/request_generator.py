"""Requests as clients make them, and then damaged."""

import dataclasses
import pathlib
import re

import reference as rules
import wire_mutations

PARENT = "projects/fuzz/locations/us-central1"
JOBS = "google.cloud.aiplatform.{}.JobService"
OTHER_METHODS = pathlib.Path(__file__).resolve().parents[2] / "proto" / "job_service_methods.def"
MESSAGE_MAX = 4 << 20


@dataclasses.dataclass
class Request:
    path: str
    method: str
    data: bytes
    metadata: tuple = ()
    version: str = "v1"
    compressed: bool = False
    alone: bool = False  # on a connection of its own, which may be lost over it
    expected: set = None  # where the bytes of the message do not decide


class Generator:
    def __init__(self, dice, world):
        self.dice = dice
        self.world = world
        self.number = 0
        self.names_of_others = re.findall(r"^METHOD\((\w+)\)", OTHER_METHODS.read_text(), re.MULTILINE)

    # ---- names ----

    def job_name(self):
        running = [name for name, state in self.world.jobs.items() if state == "RUNNING"]
        if running and self.dice.random() < 0.15:
            return self.dice.choice(running)
        if self.world.jobs and self.dice.random() < 0.85:
            return self.dice.choice(list(self.world.jobs))
        return self.dice.choice((f"{PARENT}/customJobs/{self.dice.getrandbits(62)}", f"{PARENT}/customJobs/-", PARENT,
                                 f"{PARENT}/customJobs/a b", f"{PARENT}/trainingPipelines/1", "", "x" * 5000,
                                 "projects//locations/l/customJobs/1", f"{PARENT}/customJobs/1/",
                                 "projects/é/locations/l"))

    def parent(self):
        return self.dice.choice((*[PARENT] * 12, "projects/other-1/locations/europe-west4",
                                 "projects/example.com:p/locations/global", "projects/p", "", "projects/-/locations/-",
                                 f"{PARENT}/", "projects/p/locations/" + "l" * 200))

    def operation(self):
        names = [*self.world.operations] * 3 + [f"{PARENT}/operations/12345", f"{PARENT}/customJobs/1/operations/2",
                                                f"{PARENT}/operations/", "operations/1", ""]
        return self.dice.choice(names)

    # ---- messages ----

    def one_of(self, table):
        return self.dice.choice(list(table))

    def env(self):
        names, values = ("A", "B_1", "_c", "A", "RANK"), ("1", "$(A)x", "é")
        return [{"name": self.dice.choice(names), "value": self.dice.choice(values)}
                for _ in range(self.dice.randint(0, 3))]

    def program(self):
        if self.dice.random() < 0.3:
            return {"python_package_spec": {
                "executor_image_uri": "e", "python_module": "trainer.task",
                "args": ["--lr=0.1"] * self.dice.randint(0, 2),
                "package_uris": [self.dice.choice(("gs://b/p.tar.gz", "/p.whl", "file:///p"))], "env": self.env()}}
        return {"container_spec": {"image_uri": "debian:12", "command": ["sh", "-c", "true"][:self.dice.randint(1, 3)],
                                   "args": ["$(RANK)", ""][:self.dice.randint(0, 2)], "env": self.env()}}

    def pool(self, first):
        if not first and self.dice.random() < 0.2:
            return {}
        pool = {"replica_count": 1 if first else self.dice.randint(0, 3), **self.program()}
        if self.dice.random() < 0.4:
            pool["machine_spec"] = {"machine_type": "n1-standard-4"}
            if self.dice.random() < 0.5:
                pool["machine_spec"].update(accelerator_type=self.dice.randint(1, 18), accelerator_count=1)
            if self.dice.random() < 0.3:
                pool["machine_spec"].update(min_gpu_driver_version="5", multihost_gpu_node_count=2)
        if self.dice.random() < 0.3:
            pool["disk_spec"] = {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": 100}
        return pool

    def job(self):
        spec = {"worker_pool_specs": [self.pool(True)] + [self.pool(False) for _ in range(self.dice.randint(0, 3))]}
        if self.dice.random() < 0.3:
            spec["scheduling"] = {"timeout": {"seconds": 3600}, "strategy": self.dice.choice((0, 1, 2, 3, 4, 6)),
                                  "max_wait_duration": {"seconds": 60}, "disable_retries": True}
        if self.dice.random() < 0.5:
            spec["base_output_directory"] = {"output_uri_prefix": "gs://b/aiplatform-custom-job-2024-07-02-06:08:46"}
        if self.dice.random() < 0.2:
            spec.update(service_account="s@p", network="n", tensorboard="t", experiment="e", models=["m"],
                        reserved_ip_ranges=["r"], persistent_resource_id="p")
        self.number += 1
        job = {"display_name": f"job {self.number}", "job_spec": spec}
        if self.dice.random() < 0.5:
            job["labels"] = {"team": "blue", "größe": "7"}
        if self.dice.random() < 0.2:
            job.update(name="projects/p/locations/l/customJobs/1", state=4, error={"code": 3, "message": "m"},
                       web_access_uris={"workerpool0-0": "u"}, satisfies_pzs=True)
        return job

    def fields(self, method):
        dice = self.dice
        page = {"page_size": dice.choice((0, 0, 1, 100, 5000, -1))}
        makers = {
            "CreateCustomJob": lambda: {"parent": self.parent(), "custom_job": self.job()},
            "GetCustomJob": lambda: {"name": self.job_name()},
            "DeleteCustomJob": lambda: {"name": self.job_name()},
            "CancelCustomJob": lambda: {"name": self.job_name()},
            "ListCustomJobs": lambda: {"parent": self.parent(), "filter": self.one_of(rules.FILTERS), **page,
                                       "read_mask": {"paths": [self.one_of(rules.MASK_PATHS)] * dice.randint(0, 2)}},
            "GetOperation": lambda: {"name": self.operation()},
            "CancelOperation": lambda: {"name": self.operation()},
            "DeleteOperation": lambda: {"name": self.operation()},
            "WaitOperation": lambda: {"name": self.operation(),
                                      "timeout": {"seconds": dice.choice((0, 1, 5, -1)),
                                                  "nanos": dice.choice((0, -1))}},
            "ListOperations": lambda: {"name": dice.choice((self.parent(), PARENT + "/operations")), **page,
                                       "filter": self.one_of(rules.OPERATION_FILTERS),
                                       "return_partial_success": dice.random() < 0.1},
            "GetLocation": lambda: {"name": self.parent()},
            "ListLocations": lambda: {"name": dice.choice(("projects/p", "projects/p", "p", PARENT)), **page},
            "Check": lambda: {"service": dice.choice((*rules.SERVICES, "nobody"))},
            "Tail": lambda: {"name": self.job_name(), "follow": dice.random() < 0.3,
                             "tail_lines": dice.choice((0, 5, -1)),
                             "replica": dice.choice(("", "", "service", "workerpool0-0", "workerpool9-9", "?"))},
        }
        return makers[method]()

    def next_page(self, method):
        """Now and then a list goes on where a page that was given ended."""
        tokens = [each for each in self.world.tokens if each[1].endswith("/" + method)]
        if not tokens:
            return None
        token, path, parent, text = self.dice.choice(sorted(tokens))
        parent_field = "parent" if method == "ListCustomJobs" else "name"
        return path, {parent_field: parent, "filter": text, "page_token": token, "page_size": 1}

    # ---- requests ----

    WEIGHTS = {"CreateCustomJob": 40, "GetCustomJob": 10, "ListCustomJobs": 12, "DeleteCustomJob": 4,
               "CancelCustomJob": 4, "GetOperation": 5, "ListOperations": 5, "WaitOperation": 4, "CancelOperation": 3,
               "DeleteOperation": 2, "GetLocation": 3, "ListLocations": 3, "Check": 2, "Tail": 3}

    def path_of(self, method, version):
        if method.endswith(("CustomJob", "CustomJobs")):
            return f"/{JOBS.format(version)}/{method}"
        if method.endswith(("Operation", "Operations")):
            return f"/google.longrunning.Operations/{method}"
        if method == "Check":
            return "/grpc.health.v1.Health/Check"
        if method == "Tail":
            return "/customjobd.v1.Logs/Tail"
        return f"/google.cloud.location.Locations/{method}"

    def metadata(self):
        self.number += 1
        return self.dice.choice(((), (), (), (("authorization", "Bearer x"),),
                                 (("x-goog-request-params", "name=a%2Fb"),),
                                 (("x-goog-request-id", f"id-{self.number}"),), (("x-goog-request-id", "i" * 300),),
                                 (("x-rubbish-bin", self.dice.randbytes(40)),), (("x-goog-api-client", "y" * 4000),)))

    def with_odd_label(self, data):
        """A label with a field that labels do not have, at the very end, in a request that is plain, odd or broken."""
        dice, request = self.dice, wire_mutations.split(data)
        job = next((content for number, _type, content in request if number == 2), b"")
        odd = wire_mutations.field(dice.choice((3, 900)), 2, b"z" * dice.randint(0, 30))
        label = wire_mutations.field(1, 2, b"k") + odd
        job = wire_mutations.split(job) + [(11, 2, label)]
        cut = dice.choice((0, 0, dice.randint(0, len(job))))
        parts = [(2, 2, wire_mutations.join(job[:cut])), (2, 2, wire_mutations.join(job[cut:]))]
        before = dice.choice(([], [], [(1, 2, "projects/é".encode())], [(77, 3, wire_mutations.varint(77 << 3 | 4))]))
        after = dice.choice((b"", b"", b"\xff", b"\x12\x05a"))
        return wire_mutations.join(before + [each for each in request if each[0] != 2] + parts) + after

    def damaged(self):
        method = self.dice.choices(list(self.WEIGHTS), list(self.WEIGHTS.values()))[0]
        version = self.dice.choice(("v1", "v1beta1"))
        path, fields = self.path_of(method, version), None
        if method.startswith("List") and self.dice.random() < 0.2:
            path, fields = self.next_page(method) or (path, None)
        data = rules.MESSAGES[method](**(fields or self.fields(method))).SerializeToString()
        odd = method == "CreateCustomJob" and self.dice.random() < 0.05
        data = self.with_odd_label(data) if odd else data
        request = Request(path, method, data if odd else wire_mutations.mutate(self.dice, data), self.metadata(),
                          "v1beta1" if "v1beta1" in path else "v1")
        if self.dice.random() < 0.01:
            request.data, request.expected = wire_mutations.too_deep(self.dice, data), rules.INVALID
        return request

    def stray(self):
        """What the transport decides."""
        dice, data = self.dice, self.dice.randbytes(self.dice.randint(0, 50))
        path = dice.choice((f"/{JOBS.format('v1')}/{dice.choice(self.names_of_others)}", "/no.such.Service/Get",
                            f"/{JOBS.format('v1')}/Nothing", f"/{JOBS.format('v2')}/GetCustomJob",
                            "/google.iam.v1.IAMPolicy/GetIamPolicy", "/google.longrunning.Operations/getoperation",
                            f"/{JOBS.format('v1')}/GetCustomJob/", "/", "/x", f"/{JOBS.format('v1')}/" + "m" * 900))
        return Request(path, "", data, expected=rules.UNIMPLEMENTED)

    def burdened(self):
        """Too much of it, or squeezed."""
        get = Request(self.path_of("GetCustomJob", "v1"), "GetCustomJob", wire_mutations.field(1, 2, b"projects/p"))
        kind = self.dice.choice(("message", "metadata", "gzip"))
        if kind == "message":
            get.data, get.expected = wire_mutations.field(999, 2, b"x" * MESSAGE_MAX), {"RESOURCE_EXHAUSTED"}
        elif kind == "metadata":
            get.metadata, get.expected, get.alone = (("x-much", "m" * 40000),), {"RESOURCE_EXHAUSTED"}, True
        else:
            get.data += wire_mutations.field(999, 2, b"x" * 4000)
            get.compressed, get.expected = True, rules.UNIMPLEMENTED
        return get

    def request(self):
        kind = self.dice.random()
        if kind < 0.004:
            return self.burdened()
        return self.stray() if kind < 0.03 else self.damaged()
