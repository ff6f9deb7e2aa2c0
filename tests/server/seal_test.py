#!/usr/bin/env python3
"""Encryption at rest, of the programs themselves: jobs that name a key, lost keys, rotation, a key service."""

import base64
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import server_fixture  # noqa: E402

WAIT_SECONDS = 60
REFUSED, UNAVAILABLE = 1, 5
SECRET = "MARKER-OF-A-SECRET"
SANITIZERS = {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}

PLUGIN = """\
#!/usr/bin/env python3
# A key service as a program: its keys are bytes, and wrapping is an exclusive or with a check behind it.
import base64, hashlib, pathlib, sys

here = pathlib.Path(__file__).parent
with (here / "asked").open("a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\\n")
keys = dict(line.split() for line in (here / "service").read_text().splitlines())
primary = max(keys, default="")
NAME = "projects/p/locations/l/keyRings/r/cryptoKeys/k"

def mix(data, version):
    return bytes(a ^ b for a, b in zip(data, hashlib.sha256(keys[version].encode()).digest()))

if sys.argv[1] == "list":
    print(NAME, primary)
elif (here / "down").exists():
    sys.exit("the key service is down")
elif sys.argv[1] == "wrap":
    data = base64.b64decode(sys.stdin.readline())
    print(primary, base64.b64encode(mix(data, primary) + hashlib.sha256(data).digest()[:4]).decode())
elif sys.argv[3] not in keys:
    print("no such version", file=sys.stderr)
    sys.exit(3)
else:
    wrapped = base64.b64decode(sys.stdin.readline())
    data = mix(wrapped[:32], sys.argv[3])
    if hashlib.sha256(data).digest()[:4] != wrapped[32:]:
        sys.exit(4)
    print(base64.b64encode(data).decode())
"""


def key_name(key):
    return f"projects/p/locations/l/keyRings/r/cryptoKeys/{key}"


def key_line(key, version, byte, primary=False):
    return f"{key_name(key)} {version} {base64.b64encode(bytes([byte]) * 32).decode()}{' primary' if primary else ''}\n"


class SealTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-seal-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.server = None

    def write_keys(self, *lines):
        path = self.dir / "keys"
        path.write_text("".join(lines))
        path.chmod(0o600)
        return path

    def serve(self, *flags, keys=None):
        """Stops the server there is, if any, and starts one with these keys and flags."""
        if self.server is not None:
            self.server.stop()
        if keys is not None:
            flags = (*flags, "--key-file", self.write_keys(*keys))
        self.server = server_fixture.Server(*flags, data_dir=self.dir / "data", log=self.dir / "log")
        self.addCleanup(self.server.kill)
        self.server.start()

    def cli(self, *words, code=0, stdin=""):
        run = subprocess.run([server_fixture.bin_dir() / "customjob", *map(str, words)], input=stdin, text=True,
                             capture_output=True, timeout=WAIT_SECONDS, check=False,
                             env={"PATH": "/usr/bin:/bin", "CUSTOMJOB_ENDPOINT": self.server.address, **SANITIZERS})
        self.assertEqual(code, run.returncode, f"{words}\n{run.stdout}\n{run.stderr}\n{self.server.log_tail()}")
        return run.stdout if code == 0 else run.stderr

    def create(self, script, key="k", code=0):
        """A job that names the key and has the secret in every one of its texts."""
        job = {"displayName": f"name {SECRET}", "labels": {"about": "a"},
               "jobSpec": {"workerPoolSpecs": [{"replicaCount": 1, "containerSpec": {
                   "imageUri": "host", "command": ["sh", "-c", script],
                   "env": [{"name": "SECRET", "value": SECRET}]}}]}}
        if key:
            job["encryptionSpec"] = {"kmsKeyName": key_name(key)}
        return self.cli("create", "--quiet", "-", stdin=json.dumps(job), code=code).strip()

    def state(self, name):
        return {job["name"]: job["state"] for job in json.loads(self.cli("list", "--format=json"))}.get(name)

    def get(self, name):
        return json.loads(self.cli("get", name, "--format=json"))

    def await_true(self, what, message):
        deadline = time.monotonic() + WAIT_SECONDS
        while not what():
            self.assertLess(time.monotonic(), deadline, f"{message}\n{self.server.log_tail()}")
            time.sleep(0.02)

    def files_with(self, text):
        """The files of the data directory, but for what a replica itself has written, that have the text in them."""
        found = []
        for path in (self.dir / "data").rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # sealed meanwhile
                if path.is_file() and "home" not in path.parts and text.encode() in path.read_bytes():
                    found.append(str(path.relative_to(self.dir)))
        return found

    def await_sealed(self):
        attempts = self.dir / "data" / "attempts"
        plain = ("service.log", "*/stdout.log", "*/stderr.log", "*/argv", "*/env")
        self.await_true(lambda: all((mark.parent / "service.log.sealed").exists() and
                                    not any(any(mark.parent.glob(name)) for name in plain)
                                    for mark in attempts.glob("*/seal.key")), "the job's files are not sealed")

    def test_nothing_that_a_job_says_is_on_the_disk_once_it_has_ended(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create('echo "out $SECRET"; echo "err $SECRET" >&2; exit 3')
        self.await_true(lambda: self.state(name) == "JOB_STATE_FAILED", "the job does not end")
        self.await_sealed()
        for _ in range(2):
            self.assertEqual([], self.files_with(SECRET))
            job = self.get(name)
            self.assertEqual(f"name {SECRET}", job["displayName"])
            self.assertIn(SECRET, job["error"]["message"])
            self.assertIn(f"out {SECRET}\n", self.cli("logs", name, "--no-prefix"))
            self.assertIn(f"err {SECRET}\n", self.cli("logs", name, "--no-prefix", "--replica=workerpool0-0"))
            self.serve(keys=[key_line("k", "1", 1)])

    def test_a_job_without_a_key_is_as_it_was(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create('echo "out $SECRET"', key=None)
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.assertIn(f"out {SECRET}\n", self.cli("logs", name, "--no-prefix"))
        self.assertEqual([], list((self.dir / "data" / "attempts").glob("*/*.sealed")))

    def test_an_unknown_key_is_refused_by_name(self):
        self.serve(keys=[key_line("k", "1", 1)])
        told = self.create("true", key="unknown", code=REFUSED)
        self.assertIn("encryption_spec.kms_key_name", told)
        self.assertIn(f'it has "{key_name("k")}"', told)
        self.serve()
        self.assertIn("start it with --key-file or --kms-plugin", self.create("true", code=REFUSED))

    def test_a_lost_key_loses_its_jobs_alone_until_it_is_given_back(self):
        both = [key_line("k", "1", 1), key_line("other", "1", 2)]
        self.serve(keys=both)
        lost, kept = self.create("echo lost"), self.create("echo kept", key="other")
        for name in (lost, kept):
            self.await_true(lambda name=name: self.state(name) == "JOB_STATE_SUCCEEDED", "a job does not end")
        self.await_sealed()
        for keys in ([both[1]], [both[1], key_line("k", "1", 9)], None):
            self.serve(keys=keys)
            self.assertEqual("JOB_STATE_SUCCEEDED", self.state(lost), "it is listed")
            for words in (("get", lost), ("logs", lost), ("cancel", lost)):
                told = self.cli(*words, code=REFUSED)
                self.assertIn(f'is sealed with the key "{key_name("k")}", which this server does not have', told)
            if keys:
                self.assertIn("kept", self.cli("logs", kept))
        self.serve(keys=both)
        self.assertEqual(f"name {SECRET}", self.get(lost)["displayName"])
        self.assertIn("lost", self.cli("logs", lost))

    def test_a_locked_job_that_has_ended_can_be_deleted(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create("true")
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.serve()
        self.cli("delete", name)
        self.await_true(lambda: not any((self.dir / "data" / "attempts").iterdir()), "its files stay")
        self.assertIsNone(self.state(name))

    def test_a_job_that_runs_while_its_key_is_away_runs_on(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create(f"while [ ! -e {self.dir}/go ]; do sleep 0.05; done; echo through; exit 5")
        self.await_true(lambda: self.state(name) == "JOB_STATE_RUNNING", "the job does not start")
        self.server.kill()
        self.serve()
        self.assertEqual("JOB_STATE_RUNNING", self.state(name))
        (self.dir / "go").touch()
        self.serve(keys=[key_line("k", "1", 1)])
        self.await_true(lambda: self.state(name) == "JOB_STATE_FAILED", "its end is not learnt")
        self.assertIn("status of 5", self.get(name)["error"]["message"])
        self.await_sealed()
        self.assertIn("through", self.cli("logs", name))
        self.assertEqual([], self.files_with(SECRET))

    def test_what_a_kill_left_plain_is_sealed_at_the_next_start(self):
        for _ in range(4):
            self.serve(keys=[key_line("k", "1", 1)])
            name = self.create('echo "out $SECRET"')
            self.await_true(lambda name=name: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
            self.server.kill()
            self.serve(keys=[key_line("k", "1", 1)])
            self.await_sealed()
            self.await_true(lambda: self.files_with(SECRET) == [], "something stays plain")
            self.assertIn(f"out {SECRET}", self.cli("logs", name))

    def test_a_changed_byte_of_a_sealed_log_is_told_and_not_served(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create("echo one; echo two")
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.await_sealed()
        path = next((self.dir / "data" / "attempts").glob("*/*/stdout.log.sealed"))
        good = path.read_bytes()
        for at in (4096, len(good) - 1):
            path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
            run = subprocess.run([server_fixture.bin_dir() / "customjob", "logs", name], text=True, capture_output=True,
                                 timeout=WAIT_SECONDS, check=False, env={"CUSTOMJOB_ENDPOINT": self.server.address})
            self.assertNotEqual(0, run.returncode)
            self.assertIn("changed by somebody", run.stderr)
            self.assertNotIn("two", run.stdout)

    def test_a_rotated_key_needs_its_old_version_no_more_once_it_was_seen(self):
        old, new = key_line("k", "1", 1), key_line("k", "2", 2)
        self.serve(keys=[old])
        name = self.create('echo "out $SECRET"')
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.await_sealed()
        self.serve(keys=[old, key_line("k", "2", 2, primary=True)])
        data = self.dir / "data"
        self.await_true(lambda: list(data.glob("*.snapshot")), "no snapshot is taken")
        self.await_true(lambda: all(key_name("k").encode() + b"2" in path.read_bytes()[:4096]
                                    for path in data.rglob("*.sealed")), "the files are not wrapped again")
        self.serve(keys=[new])
        self.assertEqual(f"name {SECRET}", self.get(name)["displayName"])
        self.assertIn(f"out {SECRET}", self.cli("logs", name))

    def test_a_store_sealed_as_a_whole_tells_nothing_and_wants_its_key(self):
        keys = [key_line("whole", "1", 1), key_line("k", "1", 2)]
        self.serve("--store-key", key_name("whole"), keys=keys)
        name = self.create("true", key=None)
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.serve("--store-key", key_name("whole"), keys=keys)
        self.assertEqual(f"name {SECRET}", self.get(name)["displayName"])
        self.server.stop()
        told = [path for path in (self.dir / "data").glob("*.*") if b"customJobs" in path.read_bytes()]
        self.assertEqual([], told)
        for flags in ((), ("--key-file", self.write_keys(*keys)),
                      ("--key-file", self.write_keys(*keys), "--store-key", key_name("unknown")),
                      ("--store-key", key_name("whole"))):
            run = subprocess.run([server_fixture.bin_dir() / "customjobd", "serve", "--executor=simulate", "--data-dir",
                                  self.dir / "data", "--listen=127.0.0.1:0", *flags], text=True, capture_output=True,
                                 timeout=WAIT_SECONDS, check=False)
            self.assertEqual(2, run.returncode, run.stderr)
            self.assertIn("--store-key", run.stderr)

    def test_the_log_is_checked_without_keys_and_opened_with_them(self):
        self.serve(keys=[key_line("k", "1", 1)])
        name = self.create("true")
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.server.stop()

        def wal(*words):
            run = subprocess.run([server_fixture.bin_dir() / "customjobd", "wal", *words, self.dir / "data"], text=True,
                                 capture_output=True, timeout=WAIT_SECONDS, check=True)
            return run.stdout

        keys = ("--key-file", str(self.dir / "keys"))
        self.assertRegex(wal("check"), "^sound: ")
        self.assertRegex(wal("check", *keys), r"sealed: [1-9]\d* rows opened, 0 whose keys are not here\n$")
        self.assertIn(f"seal key {key_name('k')} version 1", wal("dump"))
        self.assertIn("bytes  sealed\n", wal("dump"))
        self.assertNotIn("bytes  sealed\n", wal("dump", *keys))
        for line in wal("dump", "--json", *keys).splitlines():
            json.loads(line)
        self.write_keys(key_line("other", "1", 1))
        self.assertRegex(wal("check", *keys), r"sealed: 0 rows opened, [1-9]\d* whose keys are not here\n$")

    def test_keys_of_a_key_service(self):
        plugin, service = self.dir / "plugin", self.dir / "service"
        plugin.write_text(PLUGIN)
        plugin.chmod(0o700)
        service.write_text("1 first\n")
        down = self.dir / "down"
        down.touch()
        self.serve("--kms-plugin", plugin)
        told = self.create("true", code=UNAVAILABLE)
        self.assertIn("has not been heard of yet", told)
        down.unlink()
        self.serve("--kms-plugin", plugin)
        self.await_true(lambda: "wrap" in (self.dir / "asked").read_text().splitlines()[-1], "it is not asked")
        name = self.await_created('echo "out $SECRET"')
        self.await_true(lambda: self.state(name) == "JOB_STATE_SUCCEEDED", "the job does not end")
        self.await_sealed()
        self.assertEqual([], self.files_with(SECRET))
        service.write_text("1 first\n2 second\n")
        self.serve("--kms-plugin", plugin)
        self.assertIn(f"out {SECRET}", self.cli("logs", name))
        down.touch()
        self.serve("--kms-plugin", plugin)
        self.assertIn("which this server does not have", self.cli("get", name, code=REFUSED))
        self.assertEqual("JOB_STATE_SUCCEEDED", self.state(name))
        down.unlink()
        self.serve("--kms-plugin", plugin)
        self.assertEqual(f"name {SECRET}", self.get(name)["displayName"])

    def await_created(self, script):
        """Create, tried again while the key service has not answered."""
        names = []

        def is_created():
            try:
                names.append(self.create(script))
            except AssertionError:
                return False
            return True

        self.await_true(is_created, "the key service is never heard of")
        return names[0]


if __name__ == "__main__":
    unittest.main()
