#!/usr/bin/env python3
"""REST as a client sees it: paths, JSON, errors, connections, and what is refused before a handler is asked."""

import gzip
import http.client
import json
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import server_fixture  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
WAIT_SECONDS = 60
PARENT = "projects/p/locations/us-central1"
JOB = {"displayName": "j", "jobSpec": {"workerPoolSpecs": [
    {"replicaCount": "1", "containerSpec": {"imageUri": "debian:12", "command": ["true"]}}]}}
LONG = {**JOB, "labels": {"simulate-duration": "365d"}}


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.bytes = response.status, response.headers, response.read()

    @property
    def json(self):
        return json.loads(self.bytes)

    @property
    def error(self):
        return self.json["error"]


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT_SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT_SECONDS)
        self.sock.connect(self.path)


class Case(unittest.TestCase):
    """A server of its own for each class."""

    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-rest-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        cls.server = cls.serve(*cls.flags)

    @classmethod
    def serve(cls, *flags, http_listen="127.0.0.1:0"):
        server = server_fixture.Server("--http-listen", http_listen, *flags, executor="simulate",
                                       data_dir=tempfile.mkdtemp(dir=cls.dir), log=cls.dir / "log")
        cls.addClassCleanup(server.kill)
        return server.start()

    def connection(self, server=None):
        connection = http.client.HTTPConnection((server or self.server).http_address, timeout=WAIT_SECONDS)
        self.addCleanup(connection.close)
        return connection

    def ask(self, verb, path, body=None, headers=None, connection=None):
        connection = connection or self.connection()
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(verb, path, data, {"Content-Type": "application/json", **(headers or {})})
        return Answer(connection.getresponse())

    def get(self, path, **options):
        answer = self.ask("GET", path, **options)
        self.assertEqual(200, answer.status, answer.bytes)
        return answer.json

    def create(self, job=None, version="v1", **options):
        answer = self.ask("POST", f"/{version}/{PARENT}/customJobs", job or JOB, **options)
        self.assertEqual(200, answer.status, answer.bytes)
        return answer.json["name"]

    def wait_for_state(self, name, state):
        deadline = time.monotonic() + WAIT_SECONDS
        while self.get(f"/v1/{name}").get("state") != state:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)

    def raw(self, *pieces):
        """What comes back for these bytes until the server closes."""
        host, port = self.server.http_address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as client:
            for piece in pieces:
                client.sendall(piece)
            said = b""
            while part := client.recv(65536):
                said += part
            return said

    def refused(self, status, code, text, answer):
        self.assertEqual((status, code), (answer.status, answer.error["status"]), answer.bytes)
        self.assertEqual(status, answer.error["code"])
        self.assertIn(text, answer.error["message"])
        self.assertEqual("application/json; charset=UTF-8", answer.headers["Content-Type"])


class Methods(Case):
    flags = ("--simulate-duration", "0s")

    def test_a_job_lives_and_ends(self):
        created = self.ask("POST", f"/v1/{PARENT}/customJobs", LONG).json
        name = created["name"]
        self.assertRegex(name, rf"^{PARENT}/customJobs/\d{{19}}$")
        self.assertEqual("JOB_STATE_PENDING", created["state"])
        self.assertEqual("1", created["jobSpec"]["workerPoolSpecs"][0]["replicaCount"], "int64 is a string")
        self.wait_for_state(name, "JOB_STATE_RUNNING")
        early = self.ask("DELETE", f"/v1/{name}")
        self.refused(400, "FAILED_PRECONDITION", "cannot be deleted", early)
        cancelled = self.ask("POST", f"/v1/{name}:cancel", {})
        self.assertEqual((200, {}), (cancelled.status, cancelled.json))
        operation = cancelled.headers["x-operation-name"]
        self.assertTrue(self.ask("POST", f"/v1/{operation}:wait", {"timeout": "60s"}).json["done"])
        self.assertEqual({"code": 1}, {"code": self.get(f"/v1/{name}")["error"]["code"]})
        deleted = self.ask("DELETE", f"/v1/{name}").json
        self.assertEqual("type.googleapis.com/google.cloud.aiplatform.v1.DeleteOperationMetadata",
                         deleted["metadata"]["@type"])
        done = self.ask("POST", f"/v1/{deleted['name']}:wait", {}).json
        self.assertEqual("type.googleapis.com/google.protobuf.Empty", done["response"]["@type"])
        missing = self.ask("GET", f"/v1/{name}")
        self.refused(404, "NOT_FOUND", f'The CustomJob "{name}" was not found.', missing)
        details = {detail["@type"].rpartition(".")[2]: detail for detail in missing.error["details"]}
        self.assertEqual(name, details["ResourceInfo"]["resourceName"])
        self.assertEqual("customjobd", details["ErrorInfo"]["domain"])

    def test_operations_are_read_and_forgotten_under_every_name(self):
        name = self.create()
        self.wait_for_state(name, "JOB_STATE_SUCCEEDED")
        operation = self.ask("DELETE", f"/v1/{name}").json["name"]
        self.ask("POST", f"/v1/{operation}:wait", {})
        number = operation.rpartition("/")[2]
        for version in ("v1", "v1beta1", "ui"):
            self.assertEqual(operation, self.get(f"/{version}/{operation}")["name"])
            self.assertEqual(operation, self.get(f"/{version}/{name}/operations/{number}")["name"])
            listed = self.get(f"/{version}/{PARENT}/operations?pageSize=1000")["operations"]
            self.assertIn(operation, [each["name"] for each in listed])
        self.assertEqual({}, self.ask("POST", f"/ui/{operation}:cancel", {}).json)
        self.assertEqual({}, self.ask("DELETE", f"/ui/{operation}").json)
        self.assertEqual(404, self.ask("GET", f"/v1/{operation}").status)

    def test_versions_have_their_own_types(self):
        job = json.loads(json.dumps(JOB))
        job["jobSpec"]["workerPoolSpecs"][0]["machineSpec"] = {"machineType": "n1-standard-4", "minGpuDriverVersion": "5"}
        name = self.create(job, version="v1beta1")
        self.wait_for_state(name, "JOB_STATE_SUCCEEDED")
        pool = self.get(f"/v1beta1/{name}")["jobSpec"]["workerPoolSpecs"][0]
        self.assertEqual("5", pool["machineSpec"]["minGpuDriverVersion"])
        self.assertNotIn("minGpuDriverVersion", self.get(f"/v1/{name}")["jobSpec"]["workerPoolSpecs"][0]["machineSpec"])
        self.refused(400, "INVALID_ARGUMENT", "Unknown name \"minGpuDriverVersion\" at "
                     "'custom_job.job_spec.worker_pool_specs[0].machine_spec'",
                     self.ask("POST", f"/v1/{PARENT}/customJobs", job))
        deleted = self.ask("DELETE", f"/v1beta1/{name}").json
        self.assertIn(".v1beta1.DeleteOperationMetadata", deleted["metadata"]["@type"])

    def test_lists_take_their_parameters_in_both_spellings(self):
        names = [self.create({**JOB, "displayName": f"list {number}", "labels": {"list": "yes"}}) for number in range(5)]
        jobs = f"/v1/{PARENT}/customJobs?filter=labels.list%3Dyes"
        pages, token = [], ""
        while True:
            page = self.get(f"{jobs}&pageSize=2&pageToken={urllib.parse.quote_plus(token)}")
            pages.append([job["name"] for job in page["customJobs"]])
            token = page.get("nextPageToken", "")
            if not token:
                break
        self.assertEqual([2, 2, 1], list(map(len, pages)))
        self.assertEqual(names[::-1], sum(pages, []))
        for mask in ("readMask=name,displayName", "read_mask=name,display_name", "readMask=name%2CdisplayName"):
            listed = self.get(f"{jobs}&page_size=1&{mask}")["customJobs"]
            self.assertEqual([{"name": names[-1], "displayName": "list 4"}], listed)
        found = self.get(f"/v1/{PARENT}/customJobs?filter=display_name%3D%22list+3%22")
        self.assertEqual([names[3]], [job["name"] for job in found["customJobs"]], "a plus is a space")
        self.assertEqual({}, self.get("/v1/projects/p/locations/nowhere/customJobs"))

    def test_locations(self):
        self.assertEqual({"name": PARENT, "locationId": "us-central1"}, self.get(f"/v1/{PARENT}"))
        self.assertEqual([PARENT], [each["name"] for each in self.get("/v1/projects/p/locations")["locations"]])

    def test_a_retry_with_the_same_id_makes_no_second_job(self):
        first = self.create(headers={"X-Goog-Request-Id": "once"})
        self.assertEqual(first, self.create(headers={"x-goog-request-id": "once"}))
        answer = self.ask("POST", f"/v1/{PARENT}/customJobs?requestId=once", JOB)
        self.assertEqual(first, answer.json["name"])
        self.assertNotEqual(first, self.create(headers={"x-goog-request-id": "twice"}))

    def test_all_that_is_wrong_with_a_job_is_told(self):
        answer = self.ask("POST", f"/v1/{PARENT}/customJobs", {"jobSpec": {"workerPoolSpecs": []}})
        self.refused(400, "INVALID_ARGUMENT", "List of found errors:\t1.Field: ", answer)
        fields = [violation["field"] for detail in answer.error["details"]
                  for violation in detail.get("fieldViolations", [])]
        self.assertEqual(["display_name", "job_spec.worker_pool_specs"], fields)
        self.refused(400, "INVALID_ARGUMENT", "custom_job", self.ask("POST", f"/v1/{PARENT}/customJobs"))
        self.refused(400, "INVALID_ARGUMENT", "no%2Fslash", self.ask("GET", "/v1/projects/p/locations/l/customJobs/no%2Fslash"))

    def test_the_paths_of_jobs_are_those_of_the_contract(self):
        """Every http rule of job_service.proto leads to the method that it stands in."""
        contract = (ROOT / "proto/google/cloud/aiplatform/v1/job_service.proto").read_text()
        rules = re.findall(r'rpc (\w+)\(.*?(get|post|delete): "/v1/\{(\w+)=([^}]+)\}([^"]*)"(?:\s+body: "([^"]+)")?',
                           contract, re.S)
        self.assertEqual(5, len(rules))
        routes = re.findall(r'^ROUTE\("(\w+)", "([^"]*)", "([^"]*)", "([^"]*)", JOB_SERVICE, "(\w+)", "(\w+)", "([^"]*)"\)',
                            (ROOT / "server/rest_route.def").read_text(), re.M)
        ours = {(method, verb.lower(), field, name, (f"/{tail}" if tail else "") + (f":{custom}" if custom else ""), body)
                for verb, name, tail, custom, method, field, body in routes}
        self.assertEqual(set(rules), ours)


class Json(Case):
    flags = ("--simulate-duration", "0s")

    def test_every_spelling_of_a_value_is_one_value(self):
        spec = {"worker_pool_specs": [
            {"replica_count": 1, "machine_spec": {"machineType": "n1-standard-4", "accelerator_type": 5, "accelerator_count": "1"},
             "container_spec": {"image_uri": "i", "command": ["true"], "env": None}}],
                "scheduling": {"strategy": 4, "timeout": "3600.5s", "disable_retries": True}}
        name = self.create({"display_name": "é\u0001\"\\\U0001f600", "job_spec": spec})
        job = self.get(f"/v1/{name}")
        self.assertEqual("é\u0001\"\\\U0001f600", job["displayName"])
        pool = job["jobSpec"]["workerPoolSpecs"][0]
        self.assertEqual({"machineType": "n1-standard-4", "acceleratorType": "NVIDIA_TESLA_T4", "acceleratorCount": 1},
                         pool["machineSpec"])
        self.assertEqual({"strategy": "SPOT", "timeout": "3600.500s", "disableRetries": True}, job["jobSpec"]["scheduling"])
        numbers = self.get(f"/v1/{name}?%24alt=json;enum-encoding%3Dint")
        self.assertEqual(5, numbers["jobSpec"]["workerPoolSpecs"][0]["machineSpec"]["acceleratorType"])
        self.assertEqual(4, numbers["jobSpec"]["scheduling"]["strategy"])
        listed = self.get(f"/v1/{PARENT}/customJobs?$alt=json;enum-encoding=int&pageSize=1")["customJobs"][0]
        self.assertIsInstance(listed["state"], int)

    def test_pretty_is_the_same_and_readable(self):
        name = self.create({**JOB, "displayName": "a {\"[,:]\" b"})
        self.wait_for_state(name, "JOB_STATE_SUCCEEDED")
        plain = self.ask("GET", f"/v1/{name}?alt=json")
        pretty = self.ask("GET", f"/v1/{name}?prettyPrint=true&$.xgafv=2&key=k&access_token=t")
        self.assertEqual(plain.json, pretty.json)
        self.assertEqual(json.dumps(pretty.json, indent=2) + "\n", pretty.bytes.decode())
        missing = self.ask("GET", f"/v1/{PARENT}/customJobs/1?prettyPrint=true")
        self.assertEqual(json.dumps(missing.json, indent=2) + "\n", missing.bytes.decode())

    def test_what_is_no_json_is_refused_with_its_place(self):
        head = b'{"displayName": "x", '
        for text, said in (
                (b"nil", "Line 1, column 1: an object belongs here"),
                (b"  ", "Line 1, column 3: an object belongs here"),
                (b"[]", "an object belongs here"),
                (b"{", "Line 1, column 2: a name in quotes belongs here"),
                (b"{}x", "Line 1, column 3: something follows"),
                (b"{}\0", "Line 1, column 3: something follows"),
                (b"\xef\xbb\xbf{}", "Line 1, column 1: an object belongs here"),
                (b'{"displayName": "x",}', "Line 1, column 21: a name in quotes"),
                (b'{"displayName" "x"}', "column 16: a colon belongs here"),
                (b'{\n "displayName": "x"\n "labels": {}}', "Line 3, column 2: a comma or the end of the object"),
                (b"{'displayName': 1}", "a name in quotes"),
                (b'{"displayName": "\xff"}', "Line 1, column 18: the bytes from here are not valid UTF-8"),
                (b'{"displayName": "\xed\xa0\x80"}', "not valid UTF-8"),
                (b'{"displayName": "\xc0\xaf"}', "not valid UTF-8"),
                (b'{"\xff": 1}', "not valid UTF-8"),
                (b'{"displayName": "\\ud800"}', "one half of a surrogate pair"),
                (b'{"displayName": "\\ud800\\u0041"}', "one half of a surrogate pair"),
                (b'{"displayName": "\\udc00"}', "one half of a surrogate pair"),
                (b'{"displayName": "\\x41"}', "JSON has no such escape"),
                (b'{"displayName": "\\u12g4"}', "four hexadecimal digits"),
                (b'{"displayName": "a\nb"}', "a control character in a string"),
                (b'{"displayName": "x', "Line 1, column 17: this string does not end"),
                (b'{"displayName": "x\\', "JSON has no such escape"),
                (b'{"displayName": tru}', "true, false or null"),
                (b'{"displayName": NaN}', "a value belongs here"),
                (head + b'"labels": {"a": "1", "b": "2", "\\u0061": "3"}}', 'the name "a" stands twice'),
                (head + b'"display_name": "y"}', "Line 1, column 22: the name \"display_name\" stands twice"),
                (head + b'"labels": {"a": ["b" "c"]}}', "a comma or the end of the list"),
                (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper than 32"),
                (b'{"a":' + b"[" * 100000, "nested deeper than 32")):
            with self.subTest(text=text[:60]):
                self.refused(400, "INVALID_ARGUMENT", said, self.ask("POST", f"/v1/{PARENT}/customJobs", text))
        for number in ("01", "-", "1.", ".5", "1e", "+1", "0x1", "1_0", "--1"):
            with self.subTest(number=number):
                body = f'{{"jobSpec": {{"workerPoolSpecs": [{{"replicaCount": {number}}}]}}}}'
                answer = self.ask("POST", f"/v1/{PARENT}/customJobs", body)
                self.refused(400, "INVALID_ARGUMENT", "Line 1, column 5", answer)

    def test_unknown_fields_are_named_all_at_once(self):
        job = json.loads(json.dumps({**JOB, "colour": "blue", "labels": {"anything": "goes"}}))
        job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["imageURI"] = "i"
        answer = self.ask("POST", f"/v1/{PARENT}/customJobs", job)
        self.refused(400, "INVALID_ARGUMENT", "Unknown name \"colour\" at 'custom_job': Cannot find field.", answer)
        self.assertIn("Unknown name \"imageURI\" at 'custom_job.job_spec.worker_pool_specs[0].container_spec'",
                      answer.error["message"])
        many = self.ask("POST", f"/v1/{PARENT}/customJobs", {f"f{number}": 1 for number in range(20)})
        self.refused(400, "INVALID_ARGUMENT", "and 15 more.", many)
        self.refused(400, "INVALID_ARGUMENT", 'Unknown name "grace"',
                     self.ask("POST", f"/v1/{PARENT}/customJobs/1:cancel", {"grace": 1}))

    def test_values_of_the_wrong_type_are_refused_with_their_place(self):
        for job in ({"displayName": 5}, {"labels": []}, {"jobSpec": "x"}, {"labels": {"a": 1}},
                    {"jobSpec": {"scheduling": {"timeout": "soon"}}}, {"jobSpec": {"scheduling": {"strategy": "FAST@2:3"}}},
                    {"jobSpec": {"scheduling": {"timeout": ".5s"}}}, {"jobSpec": {"scheduling": {"timeout": "1.s"}}},
                    {"jobSpec": {"scheduling": {"timeout": "s"}}}, {"jobSpec": {"scheduling": {"timeout": ""}}},
                    {"jobSpec": {"workerPoolSpecs": [{"replicaCount": ""}]}},
                    {"jobSpec": {"workerPoolSpecs": [{"replicaCount": "many"}]}},
                    {"jobSpec": {"workerPoolSpecs": [{"replicaCount": 1.5}]}},
                    {"jobSpec": {"workerPoolSpecs": [{"replicaCount": 9223372036854775808}]}},
                    {"jobSpec": {"workerPoolSpecs": [None]}}, {"createTime": "yesterday"}):
            with self.subTest(job=job):
                self.refused(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Line 1, column ",
                             self.ask("POST", f"/v1/{PARENT}/customJobs", job))

    def test_a_name_in_the_body_does_not_stand_against_the_path(self):
        name = self.create(LONG)
        other = self.create(LONG)
        self.assertEqual(200, self.ask("POST", f"/v1/{name}:cancel", {"name": other}).status)
        self.wait_for_state(other, "JOB_STATE_RUNNING")

    def test_parameters_that_are_none_are_named(self):
        jobs = f"/v1/{PARENT}/customJobs"
        for query, said in (("pagesize=1", "Unknown name \"pagesize\": Cannot bind query parameter."),
                            ("parent=x", "Unknown name \"parent\""),
                            ("pageSize=ten", "Invalid value at 'page_size' (TYPE_INT32), \"ten\""),
                            ("pageSize=2147483648", "Invalid value at 'page_size'"),
                            ("pageSize=", "Invalid value at 'page_size'"),
                            ("pageSize=1&page_size=1", "stands twice"),
                            ("alt=proto", "The parameter alt is json"),
                            ("alt=media", "The parameter alt is json"),
                            ("prettyPrint=maybe", "Invalid value at 'pretty_print'"),
                            ("fields=name", "The parameter fields is not supported"),
                            ("callback=f", "The parameter callback is not supported"),
                            ("filter=%", "two hexadecimal digits"), ("filter=%zz", "two hexadecimal digits"),
                            ("filter=%ff", "UTF-8 text"), ("filter=%00", "UTF-8 text"),
                            ("readMask=nonsense", "read_mask.paths[0]"),
                            ("&".join(f"key={number}" for number in range(70)), "more than 64 parameters")):
            with self.subTest(query=query):
                self.refused(400, "INVALID_ARGUMENT", said, self.ask("GET", f"{jobs}?{query}"))
        self.refused(400, "INVALID_ARGUMENT", "Unknown name \"force\"", self.ask("DELETE", f"{jobs}/1?force=true"))
        self.assertEqual(200, self.ask("GET", f"{jobs}?&&pageSize=1&").status)


class LogEntries(Case):
    def test_logs_are_read_as_gcloud_reads_them(self):
        deep = '{"message": "deep", "a": ' + "[" * 20 + "1.5" + "]" * 20 + "}"
        scenario = self.dir / "scenario.json"
        scenario.write_text(json.dumps({"replicas": [{"duration": "0s", "log": [{"text": "héllo"}, {"text": deep}]}]}))
        server = self.serve("--simulate-scenario", scenario)
        connection = self.connection(server)
        name = self.create(connection=connection)
        wanted = {"resourceNames": ["projects/p"], "orderBy": "timestamp asc", "pageSize": 1000,
                  "filter": f'resource.type="ml_job" AND resource.labels.job_id="{name.rpartition("/")[2]}" AND '
                            'resource.labels.task_name="workerpool0-0" AND timestamp>="1970-01-01T01:00:00.000000000Z"'}
        deadline = time.monotonic() + WAIT_SECONDS
        entries = []
        while not any("jsonPayload" in entry for entry in entries):
            self.assertLess(time.monotonic(), deadline)
            answer = self.ask("POST", "/v2/entries:list?alt=json", wanted, connection=connection)
            self.assertEqual(200, answer.status, answer.bytes)
            entries = answer.json.get("entries", [])
        texts = [entry.get("textPayload") or entry["jsonPayload"]["message"] for entry in entries]
        self.assertEqual([], [text for text in ("héllo", "deep") if text not in texts], texts)
        self.assertEqual({"ml_job"}, {entry["resource"]["type"] for entry in entries})
        self.assertEqual(len(entries), len({entry["insertId"] for entry in entries}))
        empty = self.ask("POST", "/v2/entries:list", {"filter": "x"}, connection=connection)
        self.refused(400, "INVALID_ARGUMENT", "resource_names", empty)
        self.assertEqual("POST", self.ask("GET", "/v2/entries:list", connection=connection).headers["Allow"])
        for path in ("/v1/entries:list", "/v2/entries", f"/v2/{name}"):
            self.assertEqual(404, self.ask("POST", path, {}, connection=connection).status, path)


class Paths(Case):
    def test_what_is_not_served_says_so(self):
        for verb, path, status, code, said in (
                ("GET", "/", 404, "NOT_FOUND", "The path / is not known"),
                ("GET", "/v2/projects/p", 404, "NOT_FOUND", "/v2/projects/p"),
                ("GET", "/v1", 404, "NOT_FOUND", "/v1"),
                ("GET", "/v1/", 404, "NOT_FOUND", "/v1/"),
                ("GET", f"/v1//{PARENT}", 404, "NOT_FOUND", "is not known"),
                ("GET", f"/v1/{PARENT}/customJobs/", 404, "NOT_FOUND", "is not known"),
                ("GET", f"/v1/{PARENT}/customJobs/1/", 404, "NOT_FOUND", "is not known"),
                ("GET", f"/v1/{PARENT}/customjobs", 501, "UNIMPLEMENTED", "is not supported by customjobd"),
                ("GET", f"/v1/{PARENT}/models", 501, "UNIMPLEMENTED", "/models is not supported by customjobd"),
                ("POST", f"/v1/{PARENT}/pipelineJobs/1:cancel", 501, "UNIMPLEMENTED", "pipelineJobs"),
                ("POST", f"/v1/{PARENT}/customJobs/1:pause", 404, "NOT_FOUND", "another verb"),
                ("POST", f"/v1/{PARENT}/customJobs/1%3Acancel", 405, "UNIMPLEMENTED", "GET, DELETE"),
                ("POST", f"/v1/{PARENT}/customJobs/1", 405, "UNIMPLEMENTED", "This path takes GET, DELETE, not POST."),
                ("PATCH", f"/v1/{PARENT}/customJobs/1", 405, "UNIMPLEMENTED", "GET, DELETE"),
                ("PUT", f"/v1/{PARENT}/customJobs", 405, "UNIMPLEMENTED", "POST, GET"),
                ("TRACE", f"/v1/{PARENT}/customJobs", 405, "UNIMPLEMENTED", "not TRACE"),
                ("GET", f"/v1/{PARENT}/customJobs/1:cancel", 405, "UNIMPLEMENTED", "POST")):
            with self.subTest(verb=verb, path=path):
                self.refused(status, code, said, self.ask(verb, path))

    def test_a_verb_that_a_path_does_not_take_is_told_those_it_takes(self):
        jobs = f"/v1/{PARENT}/customJobs"
        self.assertEqual("POST, GET", self.ask("PUT", jobs).headers["Allow"])
        options = self.ask("OPTIONS", jobs)
        self.assertEqual((200, "POST, GET", b""), (options.status, options.headers["Allow"], options.bytes))
        head, get = self.ask("HEAD", jobs), self.ask("GET", jobs)
        self.assertEqual((200, b"", str(len(get.bytes))), (head.status, head.bytes, head.headers["Content-Length"]))

    def test_segments_are_decoded_one_by_one(self):
        name = self.create()
        self.assertEqual(name, self.get("/v1/" + name.replace("us-central1", "us%2Dcentral1").replace("p/", "%70/"))["name"])
        for path in (f"/v1/projects/p%2Flocations%2Fus-central1/locations/x/customJobs/{name.rpartition('/')[2]}",
                     "/v1/projects/p%00/locations/l", "/v1/projects/%ff/locations/l", "/v1/projects/%/locations/l"):
            with self.subTest(path=path):
                self.refused(400, "INVALID_ARGUMENT", "The path", self.ask("GET", path))

    def test_health_is_asked_without_json(self):
        answer = self.ask("GET", "/healthz")
        self.assertEqual((200, b"ok\n"), (answer.status, answer.bytes))

    def test_a_page_in_a_browser_is_refused(self):
        for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = self.ask("POST", f"/v1/{PARENT}/customJobs", JOB, headers={**headers, "Content-Type": "text/plain"})
            self.refused(403, "PERMISSION_DENIED", "a browser", answer)
            self.assertNotIn("Access-Control-Allow-Origin", answer.headers)
        jobs, browser = "/v1/projects/browser/locations/us-central1/customJobs", {"User-Agent": "Mozilla/5.0 (X11)"}
        for host in ("evil.example", "evil.example:8081", "127.0.0.1.evil.example", "localhost.evil.example:80", ""):
            answer = self.ask("GET", jobs, headers={**browser, "Host": host})
            self.refused(403, "PERMISSION_DENIED", "a browser", answer)
        for host in ("127.0.0.1:8081", "localhost", "[::1]:80"):
            self.assertEqual({}, self.get(jobs, headers={**browser, "Host": host}), "who looks himself may")
        self.assertEqual({}, self.get(jobs, headers={"Host": "us-central1-aiplatform.googleapis.com"}))

    def test_faults_of_a_simulation_meet_rest_too(self):
        scenario = self.dir / "scenario.json"
        scenario.write_text(json.dumps({"faults": [
            {"method": "GetCustomJob", "code": "UNAVAILABLE", "message": "gone fishing", "count": 1},
            {"method": "CreateCustomJob", "code": "DEADLINE_EXCEEDED", "answer_lost": True, "latency": "10ms", "count": 1}]}))
        server = self.serve("--simulate-scenario", scenario)
        connection = self.connection(server)
        self.refused(503, "UNAVAILABLE", "gone fishing", self.ask("GET", f"/v1/{PARENT}/customJobs/1", connection=connection))
        self.assertEqual(404, self.ask("GET", f"/v1/{PARENT}/customJobs/1", connection=connection).status)
        lost = self.ask("POST", f"/v1/{PARENT}/customJobs", JOB, connection=connection)
        self.assertEqual((504, "DEADLINE_EXCEEDED"), (lost.status, lost.error["status"]))
        self.assertEqual(1, len(self.get(f"/v1/{PARENT}/customJobs", connection=connection)["customJobs"]))


class Connections(Case):
    flags = ("--simulate-duration", "0s")

    def test_a_connection_is_used_again_and_requests_may_follow_each_other(self):
        connection = self.connection()
        for _ in range(3):
            self.ask("GET", "/healthz", connection=connection)
            self.ask("POST", f"/v1/{PARENT}/customJobs", b"nonsense", connection=connection)
        said = self.raw(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 3 +
                        b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertEqual(4, said.count(b"HTTP/1.1 200 OK"))

    def test_bodies_in_chunks_are_taken(self):
        body = json.dumps(JOB).encode()
        connection = self.connection()
        connection.request("POST", f"/v1/{PARENT}/customJobs", iter([body[:10], body[10:]]), encode_chunked=True)
        self.assertEqual(200, connection.getresponse().status)

    def test_a_request_that_says_twice_where_it_ends_is_refused(self):
        head = b"POST /healthz HTTP/1.1\r\nHost: x\r\n"
        smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        for lengths in (b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(smuggled),
                        b"Content-Length: %d\r\ncontent-length: %d\r\n" % (len(smuggled), len(smuggled)),
                        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"):
            with self.subTest(lengths=lengths):
                said = self.raw(head + lengths + b"\r\n" + (b"0\r\n\r\n" if b"chunked" in lengths else b"") + smuggled)
                self.assertEqual(1, said.count(b"HTTP/1.1 "), said)
                self.assertTrue(said.startswith(b"HTTP/1.1 400 "), said)
        for lengths in (b"Content-Length: +5\r\n", b"Content-Length: 5x\r\n", b"Content-Length: -1\r\n",
                        b"Transfer-Encoding: gzip\r\n", b"Content-Length: 99999999999999999999\r\n"):
            with self.subTest(lengths=lengths):
                self.assertRegex(self.raw(head + lengths + b"\r\nhello"), rb"^HTTP/1\.1 4(00|13) ")

    def test_what_is_too_large_is_refused(self):
        head = f"POST /v1/{PARENT}/customJobs HTTP/1.1\r\nHost: x\r\n".encode()
        for framing in (b"Content-Length: 4194305\r\n\r\n",
                        b"Transfer-Encoding: chunked\r\n\r\n400001\r\n" + b" " * 4194305):
            self.assertTrue(self.raw(head + framing).startswith(b"HTTP/1.1 413 "))
        just = self.ask("POST", f"/v1/{PARENT}/customJobs", b" " * (4 * 1024 * 1024 - 100) + b"{}")
        self.refused(400, "INVALID_ARGUMENT", "List of found errors", just)
        head = self.ask("GET", "/healthz", headers={"x-large": "v" * 20000})
        self.refused(400, "INVALID_ARGUMENT", "the limit is 16384", head)
        self.assertTrue(self.raw(b"GET /healthz HTTP/1.1\r\n" + b"x-a: b\r\n" * 200 + b"\r\n").startswith(b"HTTP/1.1 400"))

    def test_answers_are_packed_for_those_who_ask(self):
        for number in range(15):
            self.wait_for_state(self.create({**JOB, "displayName": f"packed {number}"}), "JOB_STATE_SUCCEEDED")
        plain = self.ask("GET", f"/v1/{PARENT}/customJobs")
        packed = self.ask("GET", f"/v1/{PARENT}/customJobs", headers={"Accept-Encoding": "gzip"})
        self.assertEqual("gzip", packed.headers["Content-Encoding"])
        self.assertEqual(plain.json, json.loads(gzip.decompress(packed.bytes)))
        self.assertLess(len(packed.bytes), len(plain.bytes) // 2)
        small = self.ask("GET", "/healthz", headers={"Accept-Encoding": "gzip"})
        self.assertNotIn("Content-Encoding", small.headers)

    def test_http_2_on_the_same_port(self):
        name = self.create()
        for flag in ("--http2-prior-knowledge", "--http2"):
            said = subprocess.run(["curl", "-sS", flag, "-w", "\n%{http_version}", "-H", "x-goog-request-id: two",
                                   f"http://{self.server.http_address}/v1/{name}"], capture_output=True, text=True,
                                  check=True, timeout=WAIT_SECONDS).stdout.rsplit("\n", 1)
            self.assertEqual("2", said[1])
            self.assertEqual(name, json.loads(said[0])["name"])

    def test_a_connection_lost_while_an_answer_is_due_harms_nobody(self):
        name = self.create(LONG)
        self.wait_for_state(name, "JOB_STATE_RUNNING")
        operation = self.ask("POST", f"/v1/{name}:cancel", {}).headers["x-operation-name"]
        host, port = self.server.http_address.rsplit(":", 1)
        for _ in range(20):
            with socket.create_connection((host, int(port)), timeout=WAIT_SECONDS) as client:
                client.sendall(f"POST /v1/{operation}:wait HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        self.assertEqual(200, self.ask("GET", "/healthz").status)

    def test_a_unix_socket_serves_too_and_belongs_to_its_server(self):
        path = self.dir / "sock"
        server = self.serve(http_listen=f"unix:{path}")
        connection = Unix(str(path))
        self.addCleanup(connection.close)
        self.assertEqual(200, self.ask("GET", "/healthz", connection=connection).status)
        refused = subprocess.run([server_fixture.bin_dir() / "customjobd", "serve", "--data-dir", self.dir / "other",
                                  "--executor", "simulate", "--listen", "127.0.0.1:0", "--http-listen", f"unix:{path}"],
                                 capture_output=True, text=True, check=False, timeout=WAIT_SECONDS)
        self.assertEqual(4, refused.returncode, refused.stderr)
        self.assertEqual(0, server.stop())
        self.assertFalse(path.exists())

    def test_addresses_are_refused_by_name(self):
        for flags, code, said in ((("--http-listen", "0.0.0.0:0"), 2, "--http-listen 0.0.0.0:0: other hosts can reach it"),
                                  (("--http-listen", "nonsense"), 2, "--http-listen nonsense"),
                                  (("--listen", "127.0.0.1:9", "--http-listen", "127.0.0.1:9"), 2, "--listen has that"),
                                  (("--http-listen", self.server.http_address), 4, self.server.http_address)):
            result = subprocess.run([server_fixture.bin_dir() / "customjobd", "serve", "--data-dir", self.dir / "other",
                                     "--executor", "simulate", "--listen", "127.0.0.1:0", *flags],
                                    capture_output=True, text=True, check=False, timeout=WAIT_SECONDS)
            self.assertEqual(code, result.returncode, result.stderr)
            self.assertIn(said, result.stderr)


class Stop(Case):
    def test_calls_under_way_get_their_answers_and_connections_end(self):
        server = self.serve("--drain-grace", "60s", "--clock", "virtual")
        idle, waiting = self.connection(server), self.connection(server)
        self.ask("GET", "/healthz", connection=idle)
        job = self.create({**LONG, "labels": {"simulate-duration": "1d"}}, connection=waiting)
        operation = self.ask("POST", f"/v1/{job}:cancel", {}, connection=waiting).headers["x-operation-name"]
        waiting.request("POST", f"/v1/{operation}:wait", '{"timeout": "300s"}')
        for _ in range(2):  # what was there before the first of these has been begun when the second is answered
            self.ask("GET", "/healthz", connection=idle)
        self.assertEqual(0, server.stop())
        answer = Answer(waiting.getresponse())
        if answer.status == 200:
            self.assertEqual(operation, answer.json["name"])
        else:  # the controller had not seen the wait yet when all waits were ended
            self.refused(503, "UNAVAILABLE", "stopping", answer)
        with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
            self.ask("GET", "/healthz", connection=idle)

    def test_a_server_without_http_says_nothing_of_it(self):
        server = server_fixture.Server(executor="simulate", data_dir=self.dir / "plain", log=self.dir / "log")
        self.addCleanup(server.kill)
        self.assertIsNone(server.start().http_address)


class Tls(Case):
    def context(self, ca, cert=None, key=None):
        context = ssl.create_default_context(cafile=str(ca))
        context.set_alpn_protocols(["http/1.1"])
        if cert:
            context.load_cert_chain(cert, key)
        return context

    def secure(self, server, context):
        host, port = server.http_address.rsplit(":", 1)
        connection = http.client.HTTPSConnection(host, int(port), timeout=WAIT_SECONDS, context=context)
        self.addCleanup(connection.close)
        return connection

    def test_renewed_certificates_are_taken_and_protocols_agreed_on(self):
        ca, cert, key = server_fixture.make_certificates(self.dir)
        server = self.serve("--tls-cert", cert, "--tls-key", key)
        self.assertEqual(200, self.ask("GET", "/healthz", connection=self.secure(server, self.context(ca))).status)
        said = subprocess.run(["curl", "-sS", "--cacert", ca, "-w", "%{http_version}", f"https://{server.http_address}/healthz"],
                              capture_output=True, text=True, check=True, timeout=WAIT_SECONDS).stdout
        self.assertEqual("ok\n2", said)
        plain = self.connection(server)
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            self.ask("GET", "/healthz", connection=plain)
        other = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        new_ca, new_cert, new_key = server_fixture.make_certificates(other)
        shutil.copy(new_cert, cert)
        self.assertEqual(200, self.ask("GET", "/healthz", connection=self.secure(server, self.context(ca))).status)
        shutil.copy(new_key, key)
        self.assertEqual(200, self.ask("GET", "/healthz", connection=self.secure(server, self.context(new_ca))).status)

    def test_clients_show_a_certificate_where_they_have_to(self):
        here = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        there = pathlib.Path(tempfile.mkdtemp(dir=self.dir))
        ca, cert, key = server_fixture.make_certificates(here)
        _, strange_cert, strange_key = server_fixture.make_certificates(there)
        server = self.serve("--tls-cert", cert, "--tls-key", key, "--client-ca", ca)
        known = self.secure(server, self.context(ca, cert, key))
        self.assertEqual(200, self.ask("GET", "/healthz", connection=known).status)
        for context in (self.context(ca), self.context(ca, strange_cert, strange_key)):
            with self.assertRaises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                self.ask("GET", "/healthz", connection=self.secure(server, context))


if __name__ == "__main__":
    unittest.main(verbosity=2)
