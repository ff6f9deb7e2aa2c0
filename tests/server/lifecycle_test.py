#!/usr/bin/env python3
"""What is started again, how often and with what, with real processes: docs/execution.md §7."""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import server_fixture  # noqa: E402

WAIT_SECONDS = 120


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-lifecycle-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.server = server_fixture.Server("--stop-grace", "1s", data_dir=self.dir / "data", log=self.dir / "log")
        self.addCleanup(self.server.kill)
        self.server.start()

    def client(self, *arguments, check=True):
        command = [server_fixture.bin_dir() / "customjob", "--endpoint", self.server.address, "--project", "p"]
        return subprocess.run([*map(str, command), *map(str, arguments)], capture_output=True, text=True, check=check,
                              timeout=WAIT_SECONDS)

    def create(self, *scripts, **scheduling):
        """A pool of one replica for each script, which notes its key in the ledger first."""
        pools = [{"replicaCount": "1", "containerSpec": {"imageUri": "i", "command": [
            "sh", "-c", f'cd "{self.dir}"; echo "$CUSTOMJOBD_EXECUTION" >> ledger; {script}']}} for script in scripts]
        file = self.dir / "job.json"
        file.write_text(json.dumps({"displayName": "d", "jobSpec": {"workerPoolSpecs": pools,
                                                                    "scheduling": scheduling}}))
        return self.client("create", "--quiet", file).stdout.strip()

    def end(self, name):
        self.client("wait", name, check=False)
        return json.loads(self.client("get", name, "--format=json").stdout)

    def wait_for(self, what):
        deadline = time.monotonic() + WAIT_SECONDS
        while not what():
            self.assertLess(time.monotonic(), deadline, f"never came\n{self.server.log_tail()}")
            time.sleep(0.01)

    def ledger(self):
        """The attempts that ran, in order, without the job's number: 1-workerpool0-0-0."""
        file = self.dir / "ledger"
        return [line.partition("-")[2] for line in file.read_text().split()] if file.exists() else []

    def primary(self):
        return [key for key in self.ledger() if "workerpool0" in key]

    def environment(self, name, attempt):
        job = name.rpartition("/")[2]
        text = (self.dir / "data" / "attempts" / job / f"{job}-{attempt}" / "env").read_text()
        return dict(entry.split("=", 1) for entry in text.split("\0") if entry)

    def logs(self, name):
        return self.client("logs", name).stdout


class LifecycleTest(Case):
    def test_a_job_that_crashes_twice_succeeds_the_third_time(self):
        name = self.create('echo "try $(grep -c . ledger)"; [ "$(grep -c . ledger)" = 3 ] || kill -SEGV $$$$')
        job = self.end(name)
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        self.assertNotIn("error", job)
        attempts = [f"{attempt}-workerpool0-0-0" for attempt in (1, 2, 3)]
        self.assertEqual(attempts, self.ledger())
        for text in ("try 1", "try 2", "try 3", "attempt 2 of at most 4", "attempt 3 of at most 4",
                     "139 (signal 11, SIGSEGV)"):
            self.assertIn(text, self.logs(name))
        first, *others = [self.environment(name, attempt) for attempt in attempts]
        for other in others:
            differing = {key for key in first.keys() | other.keys() if first.get(key) != other.get(key)}
            self.assertLessEqual(differing, {"CUSTOMJOBD_EXECUTION", "HOME", "PWD"})

    def test_a_worker_is_restarted_where_it_was_while_the_primary_runs_on(self):
        name = self.create("until [ -e back ]; do sleep 0.02; done",
                           '[ "$(grep -c workerpool1 ledger)" = 2 ] || kill -KILL $$$$; touch back; sleep 60')
        job = self.end(name)
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        self.assertEqual(["1-workerpool0-0-0", "1-workerpool1-0-0", "1-workerpool1-0-1"], sorted(self.ledger()))
        self.assertIn("Restarting workerpool1-0 in 0 s: restart 1 of at most 5.", self.logs(name))
        before, after = (self.environment(name, f"1-workerpool1-0-{restart}") for restart in (0, 1))
        self.assertEqual(before["CLUSTER_SPEC"], after["CLUSTER_SPEC"])
        self.assertEqual(before["TF_CONFIG"], after["TF_CONFIG"])

    def test_with_disable_retries_the_first_failure_is_the_jobs(self):
        job = self.end(self.create("sleep 60", "kill -KILL $$$$", disableRetries=True))
        self.assertEqual("JOB_STATE_FAILED", job["state"])
        self.assertEqual(3, job["error"]["code"])
        self.assertIn("workerpool1-0 exited with a non-zero status of 137 (signal 9, SIGKILL)", job["error"]["message"])
        self.assertEqual(2, len(self.ledger()))

    def test_with_restart_job_on_worker_restart_all_begin_anew(self):
        together = 'until grep -q workerpool0 ledger; do sleep 0.02; done; '
        job = self.end(self.create('[ "$(grep -c workerpool0 ledger)" = 2 ] || sleep 60; '
                                   'until [ "$(grep -c workerpool1 ledger)" = 2 ]; do sleep 0.02; done',
                                   together + '[ "$(grep -c workerpool1 ledger)" = 2 ] || kill -KILL $$$$; sleep 60',
                                   restartJobOnWorkerRestart=True))
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        self.assertEqual([f"{attempt}-workerpool{pool}-0-0" for attempt in (1, 2) for pool in (0, 1)],
                         sorted(self.ledger()))

    def test_a_job_whose_supervisor_is_killed_is_tried_again(self):
        name = self.create('[ "$(grep -c . ledger)" = 2 ] || { kill -KILL $PPID; sleep 60; }')
        job = self.end(name)
        self.assertEqual("JOB_STATE_SUCCEEDED", job["state"])
        self.assertEqual(["1-workerpool0-0-0", "2-workerpool0-0-0"], self.ledger())
        self.assertIn("has ended, exit status unknown. Its supervisor was killed.", self.logs(name))

    def test_a_program_that_is_not_there_is_not_tried_again(self):
        file = self.dir / "job.json"
        file.write_text(json.dumps({"displayName": "d", "jobSpec": {"workerPoolSpecs": [
            {"replicaCount": "1", "containerSpec": {"imageUri": "i", "command": ["/no/such/program"]}}]}}))
        name = self.client("create", "--quiet", file).stdout.strip()
        job = self.end(name)
        self.assertEqual("JOB_STATE_FAILED", job["state"])
        self.assertIn("StartError", job["error"]["message"])
        self.assertNotIn("This was attempt", job["error"]["message"])

    def test_killed_servers_neither_lose_a_retry_nor_make_one_up(self):
        name = self.create("exit 139", "sleep 600")
        for attempts in (1, 2, 3):
            self.wait_for(lambda count=attempts: len(self.primary()) >= count)
            self.server.kill()
            self.server.start()
        job = self.end(name)
        self.assertEqual("JOB_STATE_FAILED", job["state"])
        self.assertIn("This was attempt 4 of the job and restart 0 of the replica.", job["error"]["message"])
        self.assertEqual([f"{attempt}-workerpool0-0-0" for attempt in (1, 2, 3, 4)], self.primary())
        self.assertEqual(len(set(self.ledger())), len(self.ledger()), "a worker may be stopped before it began")


if __name__ == "__main__":
    unittest.main()
