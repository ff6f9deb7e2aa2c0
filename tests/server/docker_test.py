#!/usr/bin/env python3
"""A server with --executor docker, beside an engine of its own: whole jobs, and deaths of the server and of dockerd.

--rounds N kills the server so many times during each kind of job (default 1)."""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import docker_engine  # noqa: E402
import server_fixture  # noqa: E402

SKIPPED = 77
WAIT_SECONDS = 120
rounds = 1


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = docker_engine.Engine().start()
        cls.addClassCleanup(cls.engine.close)
        cls.engine.import_image()
        cls.engine.import_image("customjobd-test:entry", ['ENTRYPOINT ["/bin/sh", "-c", "echo entry $0"]'])

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-docker-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.bucket = self.dir / "buckets/b"
        self.bucket.mkdir(parents=True)
        self.server = server_fixture.Server(
            "--stop-grace", "2s", "--docker-socket", self.engine.socket, "--buckets-dir", self.dir / "buckets",
            data_dir=self.dir / "data", log=self.dir / "log", executor="docker")
        self.addCleanup(self.server.kill)
        self.server.start()

    def client(self, *arguments, check=True):
        command = [server_fixture.bin_dir() / "customjob", "--endpoint", self.server.address, "--project", "p"]
        return subprocess.run([*map(str, command), *map(str, arguments)], capture_output=True, text=True, check=check,
                              timeout=WAIT_SECONDS)

    def create(self, *pools, **scheduling):
        """A pool for each container_spec, or for each script."""
        specs = [{"replicaCount": "1", "containerSpec": pool if isinstance(pool, dict) else {
            "imageUri": docker_engine.IMAGE, "command": ["sh", "-c", pool]}} for pool in pools]
        file = self.dir / "job.json"
        file.write_text(json.dumps({"displayName": "d", "jobSpec": {"workerPoolSpecs": specs,
                                                                    "scheduling": scheduling}}))
        return self.client("create", "--quiet", file).stdout.strip()

    def get(self, name):
        return json.loads(self.client("get", name, "--format=json").stdout)

    def end(self, name):
        self.client("wait", name, check=False)
        return self.get(name)

    def wait_for(self, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not what():
            self.assertLess(time.monotonic(), deadline, f"never came\n{self.server.log_tail()}")
            time.sleep(0.02)

    def nothing_is_left(self):
        self.wait_for(lambda: not self.engine.containers() and not self.engine.networks())

    def crash_server(self):
        self.server.kill()
        self.server.start()

    def ran(self):
        file = self.bucket / "ran"
        return file.read_text().split() if file.exists() else []


class Jobs(Case):
    def test_replicas_reach_each_other_by_the_names_of_the_cluster(self):
        peer = ('until h=$(echo "$CLUSTER_SPEC" | bash -c \'read x; [[ $x =~ (cmle-training-workerpool1[-0-9a-f]*):2222 ]]'
                ' && echo ${BASH_REMATCH[1]}\') && getent hosts $h; do sleep 0.1; done')
        job = self.end(self.create(peer, "hostname=$HOSTNAME; echo $hostname; sleep 1000"))
        self.assertEqual(job["state"], "JOB_STATE_SUCCEEDED", job)
        self.nothing_is_left()

    def test_an_image_is_run_by_its_entrypoint(self):
        name = self.create({"imageUri": "customjobd-test:entry", "args": ["mine"]})
        self.assertEqual(self.end(name)["state"], "JOB_STATE_SUCCEEDED")
        self.assertIn("entry mine", self.client("logs", name).stdout)
        self.nothing_is_left()

    def test_a_failure_is_told_with_its_code_and_last_words(self):
        job = self.end(self.create("echo last words >&2; exit 3"))
        self.assertEqual(job["state"], "JOB_STATE_FAILED")
        self.assertIn("non-zero status of 3", job["error"]["message"])
        self.assertIn("last words", job["error"]["message"])
        self.nothing_is_left()

    def test_an_image_that_cannot_be_pulled_fails_the_job_in_the_engines_words(self):
        job = self.end(self.create({"imageUri": "127.0.0.1:1/nobody:1", "command": ["true"]}))
        self.assertEqual(job["state"], "JOB_STATE_FAILED")
        self.assertIn("127.0.0.1:1/nobody:1 could not be pulled", job["error"]["message"])
        self.assertIn("refused", job["error"]["message"])
        self.nothing_is_left()

    def test_cancel_ends_all_replicas(self):
        name = self.create("sleep 1000", "trap '' TERM; while :; do sleep 0.1; done")
        self.wait_for(lambda: self.get(name)["state"] == "JOB_STATE_RUNNING")
        self.client("cancel", name)
        self.assertEqual(self.end(name)["state"], "JOB_STATE_CANCELLED")
        self.nothing_is_left()
        self.client("delete", name)


class Deaths(Case):
    def test_a_server_killed_at_any_moment_runs_each_replica_once(self):
        seed = int(os.environ.get("SEED", time.time_ns() % 1_000_000_000))
        print(f"SEED={seed}", file=sys.stderr)
        dice = random.Random(seed)
        for number in range(3 * rounds):
            name = self.create(f"echo {number}-0 >> /gcs/b/ran; sleep 0.3; exit 0", f"echo {number}-1 >> /gcs/b/ran")
            time.sleep(dice.uniform(0, 1.2))
            self.crash_server()
            job = self.end(name)
            self.assertEqual(job["state"], "JOB_STATE_SUCCEEDED", job)
            self.nothing_is_left()
        ran = sorted(self.ran())
        self.assertEqual(len(ran), len(set(ran)), f"ran twice: {ran}")
        self.assertLessEqual({f"{number}-0" for number in range(3 * rounds)}, set(ran))

    def test_a_server_killed_while_it_cancels_still_cancels(self):
        for _ in range(rounds):
            name = self.create("sleep 1000")
            self.wait_for(lambda name=name: self.get(name)["state"] == "JOB_STATE_RUNNING")
            self.client("cancel", name)
            self.crash_server()
            self.assertEqual(self.end(name)["state"], "JOB_STATE_CANCELLED")
            self.nothing_is_left()

    def test_a_server_killed_while_it_deletes_leaves_nothing(self):
        for _ in range(rounds):
            name = self.create("echo x")
            self.end(name)
            self.client("delete", name)
            self.crash_server()
            self.nothing_is_left()
            self.wait_for(lambda: not list((self.dir / "data/attempts").iterdir()))

    def test_a_job_ends_right_while_dockerd_is_dead(self):
        for number in range(rounds):
            gate = self.bucket / f"gate{number}"
            name = self.create(f"until [ -e /gcs/b/gate{number} ]; do sleep 0.05; done; echo said; exit 4")
            self.wait_for(lambda name=name: self.get(name)["state"] == "JOB_STATE_RUNNING")
            self.engine.kill()
            gate.touch()
            job = self.end(name)
            self.assertEqual(job["state"], "JOB_STATE_FAILED")
            self.assertIn("non-zero status of 4", job["error"]["message"])
            self.assertIn("said", self.client("logs", name).stdout)
            self.engine.start()
            self.nothing_is_left()

    def test_a_job_created_while_dockerd_is_dead_waits_for_it(self):
        self.engine.kill()
        name = self.create("echo there")
        self.engine.start()
        self.assertEqual(self.end(name)["state"], "JOB_STATE_SUCCEEDED")
        self.nothing_is_left()


def main():
    global rounds
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    arguments, rest = parser.parse_known_args()
    rounds = arguments.rounds
    try:
        docker_engine.Engine().start().close()
    except docker_engine.Unavailable as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    return 0 if unittest.main(argv=[sys.argv[0], *rest], exit=False).result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
