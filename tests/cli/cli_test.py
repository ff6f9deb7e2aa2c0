#!/usr/bin/env python3
"""The program customjob against a real server: every command, its output in every format, its exit codes."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import server_fixture  # pylint: disable=wrong-import-position

CALL_SECONDS = 60
# All that the program may have of this environment.
SANITIZERS = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
REFUSED, USAGE, FAILED, CANCELLED, UNREACHABLE = 1, 2, 3, 4, 5

JOB_YAML = """\
displayName: from-yaml
labels: {team: vision, version: 010}
jobSpec:
  workerPoolSpecs:
  - machineSpec: {machineType: n1-standard-4}
    replicaCount: 1
    containerSpec:
      imageUri: local
      command: [sh, -c, 'echo "$GREETING $0 $1"', 010, true]
      env: [{name: GREETING, value: 42}]
"""
SPEC_YAML = """\
workerPoolSpecs:
  machineSpec: {machineType: n1-standard-4}
  replicaCount: 1
  containerSpec: {imageUri: local, command: [echo, from-spec]}
"""


class CliTest(unittest.TestCase):
    address = None

    def run_cli(self, *words, stdin="", code=0):
        """Runs customjob; returns its standard output and its notes."""
        run = subprocess.run([server_fixture.bin_dir() / "customjob", *map(str, words)], input=stdin, text=True,
                             capture_output=True, timeout=CALL_SECONDS, check=False,
                             env={"PATH": "/usr/bin:/bin", "CUSTOMJOB_ENDPOINT": self.address, **SANITIZERS})
        self.assertEqual(code, run.returncode, f"{words}\n{run.stdout}\n{run.stderr}")
        return run.stdout, run.stderr

    def create(self, *words, **options):
        return self.run_cli("create", "--quiet", *words, **options)[0].strip()

    def shell(self, script):
        return self.create("-n", "shell", "--", "sh", "-c", script)

    def file(self, name, contents):
        path = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory())) / name
        path.write_text(contents, encoding="utf-8")
        return path

    def job(self, name):
        return json.loads(self.run_cli("get", name, "--format=json")[0])

    def ended(self, name, code=0):
        self.run_cli("wait", name, "--quiet", code=code)
        return self.job(name)

    # ---- create ----

    def test_creates_from_yaml_and_keeps_texts_as_written(self):
        name = self.create(self.file("job.yaml", JOB_YAML))
        job = self.ended(name)
        self.assertEqual("from-yaml", job["displayName"])
        self.assertEqual({"team": "vision", "version": "010"}, job["labels"])
        self.assertEqual("42 010 true\n", self.run_cli("logs", name, "--replica=workerpool0-0", "--no-prefix")[0])

    def test_creates_from_json_on_standard_input(self):
        document = {"display_name": "from-json", "jobSpec": {"workerPoolSpecs": [{
            "machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": "1",
            "containerSpec": {"imageUri": "local", "command": ["true"]}}]}}
        name = self.create("-", stdin=json.dumps(document))
        self.assertEqual("JOB_STATE_SUCCEEDED", self.ended(name)["state"])

    def test_creates_from_gclouds_config_and_flags(self):
        config = self.file("train.yaml", SPEC_YAML)
        job = self.ended(self.create(f"--config={config}", "--display-name=config", "--labels=a=b,c=d"))
        self.assertEqual(("config", {"a": "b", "c": "d"}), (job["displayName"], job["labels"]))
        self.assertEqual("train", self.ended(self.create(config))["displayName"])
        job = self.ended(self.create("-n", "pool", "--command=echo", "--args=x,y",
                                     "--worker-pool-spec=machine-type=n1-standard-4,container-image-uri=local"))
        self.assertEqual({"imageUri": "local", "command": ["echo"], "args": ["x", "y"]},
                         job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"])

    def test_what_get_prints_can_be_created_again(self):
        name = self.create(self.file("job.yaml", JOB_YAML))
        for form in ("yaml", "json"):
            again = self.create("-", stdin=self.run_cli("get", name, f"--format={form}")[0])
            self.assertNotEqual(name, again)
            self.assertEqual(self.job(name)["jobSpec"], self.job(again)["jobSpec"])
            self.ended(again)

    def test_a_dry_run_sends_nothing(self):
        before = self.run_cli("list", "--quiet")[0]
        job = json.loads(self.run_cli("create", "--dry-run", "--format=json", "-n", "dry", "--", "echo", "x")[0])
        self.assertEqual(["echo", "x"], job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["command"])
        self.assertEqual(before, self.run_cli("list", "--quiet")[0])

    def test_the_same_request_id_makes_one_job(self):
        words = ("--request-id=00000000-0000-4000-8000-000000000001", "-n", "once", "--", "true")
        self.assertEqual(self.create(*words), self.create(*words))

    def test_create_waits_and_follows(self):
        out, notes = self.run_cli("create", "--follow", "--no-prefix", "-n", "f", "--", "sh", "-c", "echo one; echo two")
        # By time: a line of the service may come between them.
        self.assertEqual(["one", "two"], [line for line in out.splitlines() if line in ("one", "two")])
        self.assertIn("SUCCEEDED", notes)
        self.run_cli("create", "--follow", "-n", "f", "--", "sh", "-c", "exit 7", code=FAILED)
        job = json.loads(self.run_cli("create", "--wait", "--format=json", "-n", "w", "--", "true")[0])
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])

    # ---- looking ----

    def test_lists_in_every_format(self):
        names = [self.ended(self.create("-n", f"listed-{i}", "--", "true"))["name"] for i in range(3)]
        only = ("list", "--filter=display_name:\"listed-*\"", "--page-size=1")
        table = self.run_cli(*only)[0].splitlines()
        self.assertEqual("ID DISPLAY NAME STATE".split(), table[0].split()[:4])
        self.assertEqual([name.split("/")[-1] for name in reversed(names)], [row.split()[0] for row in table[1:]])
        self.assertEqual(list(reversed(names)), self.run_cli(*only, "--quiet")[0].split())
        self.assertEqual(list(reversed(names)), [job["name"] for job in json.loads(self.run_cli(*only, "--format=json")[0])])
        self.assertEqual(3, self.run_cli(*only, "--format=yaml")[0].count("- name: projects/"))
        self.assertEqual(names[:0:-1], self.run_cli(*only, "--limit=2", "--quiet")[0].split())
        self.assertEqual([], json.loads(self.run_cli("list", "--project=nobody", "--format=json")[0]))
        self.assertNotIn("\033", "".join(table))

    def test_shows_a_job_by_number_name_and_last(self):
        name = self.create("-n", "shown", "--", "true")
        self.ended(name)
        for word in (name, name.split("/")[-1], "@last"):
            out = self.run_cli("get", word)[0]
            self.assertIn(name, out)
            self.assertIn("SUCCEEDED", out)
        self.assertEqual(self.run_cli("get", name)[0], self.run_cli("describe", name)[0])

    def test_shows_what_the_service_says_of_each_attempt(self):
        name = self.shell("exit 3")
        self.run_cli("wait", name, code=FAILED)
        job, _, events = self.run_cli("describe", name)[0].partition("Events:\n")
        self.assertIn("FAILED", job)
        said = self.run_cli("logs", name, "--replica=service", "--no-prefix")[0].splitlines()
        self.assertEqual(said[-20:], [line.split("  ", 2)[2] for line in events.splitlines()])
        self.assertIn("workerpool0-0 exited with a non-zero status of 3", events)
        self.assertNotIn("Events", self.run_cli("describe", name, "--format=yaml")[0])

    # ---- waiting, logs, ends ----

    def test_wait_tells_the_end_by_its_exit_code(self):
        self.run_cli("wait", self.shell("exit 0"))
        _, notes = self.run_cli("wait", self.shell("exit 3"), code=FAILED)
        self.assertIn("non-zero status of 3", notes)
        name = self.shell("exec sleep 600")
        self.run_cli("wait", name, "--timeout=100ms", code=UNREACHABLE)
        self.run_cli("cancel", name)
        self.run_cli("wait", name, code=CANCELLED)

    def test_follows_the_log_of_a_running_job(self):
        name = self.shell("echo first; exec sleep 600")
        follow = subprocess.Popen([server_fixture.bin_dir() / "customjob", "logs", "-f", name, "--replica=workerpool0-0"],
                                  stdout=subprocess.PIPE, text=True, env={"CUSTOMJOB_ENDPOINT": self.address, **SANITIZERS})
        guard = threading.Timer(CALL_SECONDS, follow.kill)
        guard.start()
        try:
            # The first line comes while the job runs; the end of the job is the end of the log.
            self.assertEqual("workerpool0-0 | first\n", follow.stdout.readline())
            self.run_cli("cancel", name)
            self.assertEqual("", follow.stdout.read())
            self.assertEqual(0, follow.wait())
        finally:
            guard.cancel()
            follow.kill()
            follow.wait()
            follow.stdout.close()

    def test_prints_parts_of_a_log(self):
        name = self.shell("for i in 1 2 3; do echo line $i; done; echo wrong >&2")
        self.ended(name)
        only = ("logs", name, "--replica=workerpool0-0")
        self.assertEqual(4, len(self.run_cli(*only)[0].splitlines()))
        self.assertEqual("", self.run_cli(*only, "--since=2200-01-01T00:00:00Z")[0])
        self.assertEqual(4, len(self.run_cli(*only, "--since=1h")[0].splitlines()))
        rows = [json.loads(row) for row in self.run_cli(*only, "--format=json")[0].splitlines()]
        self.assertEqual({("stdout", "line 1"), ("stdout", "line 2"), ("stdout", "line 3"), ("stderr", "wrong")},
                         {(row["stream"], row["line"]) for row in rows})
        tail = self.run_cli(*only, "--tail=1", "--timestamps", "--no-prefix")[0]
        self.assertRegex(tail, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \S")

    def test_deletes_and_keeps_the_operation(self):
        name = self.create("-n", "deleted", "--", "true")
        self.ended(name)
        operation = self.run_cli("delete", name, "--async")[0].strip()
        self.assertRegex(operation, r"^projects/[^/]+/locations/[^/]+/operations/")
        self.run_cli("operations", "wait", operation, "--quiet")
        self.assertTrue(json.loads(self.run_cli("operations", "get", operation, "--format=json")[0])["done"])
        self.assertIn(operation, self.run_cli("operations", "list", "--quiet")[0].split())
        self.assertIn("DeleteOperationMetadata", self.run_cli("operations", "list")[0])
        self.run_cli("operations", "cancel", operation)
        self.run_cli("operations", "delete", operation)
        self.run_cli("operations", "get", operation, code=REFUSED)
        self.assertIn("NOT_FOUND", self.run_cli("get", name, code=REFUSED)[1])

    def test_deletes_several_and_goes_on_after_a_failure(self):
        names = [self.create("-n", "several", "--", "true") for _ in range(2)]
        for name in names:
            self.ended(name)
        _, notes = self.run_cli("delete", names[0], "999", names[1], code=REFUSED)
        self.assertIn("999", notes)
        for name in names:
            self.run_cli("get", name, code=REFUSED)

    # ---- errors ----

    def test_tells_violations_line_by_line(self):
        _, notes = self.run_cli("create", "-", stdin="{}", code=REFUSED)
        self.assertIn("INVALID_ARGUMENT", notes.splitlines()[0])
        self.assertRegex(notes, r"(?m)^  display_name: ")
        self.assertRegex(notes, r"(?m)^  job_spec")

    def test_tells_what_is_wrong_in_a_file_before_sending_it(self):
        path = self.file("job.yaml", JOB_YAML.replace("replicaCount", "replicaCuont"))
        _, notes = self.run_cli("create", path, code=USAGE)
        self.assertIn(f"{path}:6: job_spec.worker_pool_specs[0]: ", notes)
        self.assertIn('did you mean "replicaCount"?', notes)

    def test_refuses_to_delete_a_running_job(self):
        name = self.shell("exec sleep 600")
        self.assertIn("FAILED_PRECONDITION", self.run_cli("delete", name, code=REFUSED)[1])
        self.run_cli("cancel", name)
        self.run_cli("wait", name, code=CANCELLED)

    def test_hints_at_the_server_when_nobody_answers(self):
        _, notes = self.run_cli("list", "--endpoint=unix:/nonexistent/socket", code=UNREACHABLE)
        self.assertIn("customjobd serve", notes)

    def test_speaks_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            authority, certificate, key = server_fixture.make_certificates(folder)
            with server_fixture.running("--tls-cert", certificate, "--tls-key", key) as server:
                endpoint = f"--endpoint={server.address}"
                self.run_cli("list", endpoint, f"--tls-ca={authority}")
                notes = self.run_cli("list", endpoint, "--tls", code=UNREACHABLE)[1]
                self.assertIn("hint: no authority trusted here", notes)
                self.assertEqual(2, len(notes.splitlines()), notes)
                self.run_cli("list", endpoint, code=UNREACHABLE)

    def test_follows_a_log_across_a_crash_of_the_server(self):
        server = server_fixture.Server()
        follow = None
        try:
            address = server.start().address
            words = ["create", "-f", "--no-prefix", "-n", "crash", "--timeout=60s", "--", "sh", "-c",
                     "for i in $(seq 1 40); do echo line $i; sleep 0.05; done; exit 3"]
            follow = subprocess.Popen([server_fixture.bin_dir() / "customjob", *words],
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      env={"CUSTOMJOB_ENDPOINT": address, **SANITIZERS})
            lines = []
            while lines[-1:] != ["line 5\n"]:
                lines.append(follow.stdout.readline())
                self.assertNotEqual("", lines[-1], follow.poll())
            server.kill()
            server.start(listen=address)
            out, notes = follow.communicate(timeout=CALL_SECONDS)
            lines = [line for line in [*lines, *out.splitlines(True)] if line.startswith("line ")]
            self.assertEqual([f"line {i}\n" for i in range(1, 41)], lines)
            self.assertEqual(FAILED, follow.returncode, notes)
            self.assertEqual(0, server.stop())
        finally:
            if follow:
                follow.kill()
                follow.communicate()
            server.kill()
            server.remove()

    def test_tells_wrong_usage(self):
        for words in (("lst",), ("list", "--limt=1"), ("get",), ("list", "--endpoint=nowhere"), ("list", "--format=xml"),
                      ("completion", "tcsh"), ("logs", "1", "--since=yesterday"), ()):
            self.run_cli(*words, code=USAGE)

    # ---- the rest ----

    def test_explains_itself(self):
        self.assertIn("Exit codes", self.run_cli("--help")[0])
        self.assertRegex(self.run_cli("--version")[0], r"^customjob \d+\.\d+\.\d+\n$")
        self.assertEqual(self.run_cli("operations", "wait", "--help")[0], self.run_cli("help", "operations", "wait")[0])

    def complete(self, *words):
        """What bash offers for the last word."""
        program = str(server_fixture.bin_dir())
        script = (f"export PATH={program}:$PATH; . <({program}/customjob completion bash)\n"
                  f"COMP_WORDS=({' '.join(repr(word) for word in words)}) COMP_CWORD={len(words) - 1}\n"
                  "compopt() { :; }; _customjob; printf '%s\\n' \"${COMPREPLY[@]}\"")
        run = subprocess.run(["bash", "-c", script], text=True, capture_output=True, timeout=CALL_SECONDS, check=True,
                             env={"PATH": "/usr/bin:/bin", "CUSTOMJOB_ENDPOINT": self.address, **SANITIZERS})
        self.assertEqual("", run.stderr)
        return run.stdout.split()

    def test_completes_words_in_bash(self):
        name = self.create("-n", "completed", "--", "true")
        self.assertEqual(["create", "cancel", "completion"], self.complete("customjob", "c"))
        self.assertEqual(["list"], self.complete("customjob", "operations", "l"))
        self.assertEqual(["--filter=", "--format="], self.complete("customjob", "list", "--f"))
        self.assertEqual(["json"], self.complete("customjob", "list", "--format", "=", "j"))
        self.assertIn(name.split("/")[-1], self.complete("customjob", "get", ""))
        self.assertEqual(["@last"], self.complete("customjob", "logs", "@"))

    def test_completion_scripts_are_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.run_cli("completion", shell)[0]
            check = ["bash", "-n"] if shell == "bash" else [shell, "-n"]
            try:
                run = subprocess.run(check, input=script, text=True, capture_output=True, check=False)
            except FileNotFoundError:
                continue
            self.assertEqual((0, ""), (run.returncode, run.stderr), shell)


def main():
    with server_fixture.running() as server:
        CliTest.address = server.address
        result = unittest.TextTestRunner(verbosity=2).run(unittest.defaultTestLoader.loadTestsFromTestCase(CliTest))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
