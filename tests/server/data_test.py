#!/usr/bin/env python3
"""What an operator does with the data of `customjobd`: backup, restore, retention and a full disk, through its
programs."""

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

PROGRAM = str(server_fixture.bin_dir() / "customjobd")
WAIT_SECONDS = 60


def run(*arguments):
    """A run of the server's program that ends by itself."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=WAIT_SECONDS,
                          check=False)


def can_mount():
    """Root in a container may not."""
    with tempfile.TemporaryDirectory() as place:
        mounted = os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", place],
                                                       capture_output=True, check=False).returncode == 0
        return mounted and subprocess.run(["umount", place], check=False).returncode == 0


class Client:
    """The command line against one server."""

    def __init__(self, server):
        self.command = [str(server_fixture.bin_dir() / "customjob"), "--endpoint", server.address, "--project", "p"]

    def run(self, *arguments, check=True):
        return subprocess.run([*self.command, *map(str, arguments)], capture_output=True, text=True, check=check,
                              timeout=WAIT_SECONDS)

    def create(self, script, *flags):
        return self.run("create", "--quiet", *flags, f"--display-name={script[:20]}", "--", "sh", "-c",
                        script).stdout.strip()

    def get(self, name):
        return json.loads(self.run("get", name, "--format=json").stdout)

    def names(self):
        return self.run("list", "--quiet").stdout.split()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-data-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def serve(self, *flags, data="data", executor="process"):
        server = server_fixture.Server(*flags, data_dir=self.dir / data, executor=executor, log=self.dir / f"{data}.log")
        self.addCleanup(server.kill)
        return server.start()

    def log(self, data="data"):
        return (self.dir / f"{data}.log").read_text()


class BackupTest(Case):
    def test_a_backup_of_a_running_server_is_restored_with_its_jobs(self):
        server = self.serve("--stop-grace", "0s")
        client = Client(server)
        ended = client.create("echo done", "--wait")
        running = client.create("sleep 600")
        client.run("wait", running, "--timeout", "1s", check=False)
        made = run("backup", "--format=json", self.dir / "data", self.dir / "backup")
        self.assertEqual(0, made.returncode, made.stderr)
        self.assertEqual("", made.stderr, "no progress where there is no terminal")
        self.assertEqual(0, json.loads(made.stdout)["snapshot_lsn"])
        late = client.create("true", "--wait")
        for verb in (("wal", "check"), ("wal", "stat")):
            self.assertEqual(0, run(*verb, self.dir / "backup").returncode)
        client.run("cancel", running)
        client.run("wait", running, check=False)
        self.assertEqual(0, server.stop())

        self.assertEqual(2, run("restore", self.dir / "backup", self.dir / "data").returncode, "it is not empty")
        restored = run("restore", self.dir / "backup", self.dir / "restored")
        self.assertEqual(0, restored.returncode, restored.stderr)
        self.assertIn("start the server", restored.stdout)
        server = self.serve(data="restored")
        client = Client(server)
        self.assertEqual({ended, running}, set(client.names()), "and not " + late)
        self.assertEqual("JOB_STATE_SUCCEEDED", client.get(ended)["state"])
        self.assertEqual(3, client.run("wait", running, check=False).returncode)
        lost = client.get(running)
        self.assertEqual(13, lost["error"]["code"])
        self.assertIn("The store was restored from a backup", lost["error"]["message"])
        self.assertIn("was restored from a backup", self.log("restored"))
        self.assertFalse((self.dir / "restored" / "RESTORED").exists())
        self.assertEqual(0, server.stop())

    def test_a_backup_and_half_a_restore_are_not_served(self):
        self.assertEqual(0, self.serve(executor="simulate").stop())
        self.assertEqual(0, run("backup", self.dir / "data", self.dir / "backup").returncode)
        refused = run("serve", "--data-dir", self.dir / "backup", "--executor", "simulate", "--listen", "127.0.0.1:0")
        self.assertEqual(3, refused.returncode)
        self.assertIn(f"customjobd restore {self.dir}/backup DIR", refused.stderr)
        self.assertEqual(0, run("restore", self.dir / "backup", self.dir / "half").returncode)
        (self.dir / "half" / "RESTORED").rename(self.dir / "half" / "RESTORING")
        refused = run("serve", "--data-dir", self.dir / "half", "--executor", "simulate", "--listen", "127.0.0.1:0")
        self.assertEqual(3, refused.returncode)
        self.assertIn("has not finished", refused.stderr)

    def test_ended_jobs_go_by_age_with_their_files(self):
        server = self.serve("--retention-count", "1")
        client = Client(server)
        first, second = client.create("true", "--wait"), client.create("true", "--wait")
        attempts = self.dir / "data" / "attempts"
        deadline = time.monotonic() + WAIT_SECONDS
        while [path.name for path in attempts.iterdir()] != [second.split("/")[-1]]:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        self.assertEqual([second], client.names())
        self.assertNotEqual(0, client.run("get", first, check=False).returncode)
        self.assertIn("retention: 1 ended jobs", self.log())
        self.assertEqual(0, server.stop())

    def test_tells_how_backup_restore_and_snapshot_are_used(self):
        for arguments in (["backup"], ["backup", "a"], ["backup", "a", "b", "c"], ["backup", "--fast", "a", "b"],
                          ["restore", "a"], ["restore", "--format=xml", "a", "b"], ["snapshot"], ["snapshot", "dump"],
                          ["snapshot", "mend", "x"]):
            result = run(*arguments)
            self.assertEqual(2, result.returncode, arguments)
            self.assertIn("usage: customjobd " + arguments[0], result.stderr)
        self.assertEqual(2, run("backup", self.dir / "absent", self.dir / "b").returncode)
        self.assertEqual(2, run("restore", self.dir / "absent", self.dir / "b").returncode)
        self.assertEqual(2, run("snapshot", "verify", self.dir / "absent").returncode)


class TokenKeyTest(Case):
    def test_a_key_of_page_tokens_that_was_cut_short_is_made_anew(self):
        key = self.dir / "data" / "page-token.key"
        self.assertEqual(0, self.serve(executor="simulate").stop())
        first = key.read_bytes()
        self.assertEqual(16, len(first))
        self.assertEqual(0, self.serve(executor="simulate").stop())
        self.assertEqual(first, key.read_bytes(), "it stays the same from start to start")
        for size in (0, 15):
            key.write_bytes(first[:size])
            self.assertEqual(0, self.serve(executor="simulate").stop())
            self.assertEqual(16, len(key.read_bytes()))
            self.assertNotEqual(first, key.read_bytes())


@unittest.skipUnless(can_mount(), "needs root and the right to mount")
class FullDiskTest(Case):
    """A server on a file system of its own, 320 MiB, that the test fills."""

    def setUp(self):
        super().setUp()
        self.disk = self.dir / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=320m", "tmpfs", self.disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", self.disk], check=True)

    def fill(self, leave):
        """Takes room until so many bytes are free."""
        filler = self.disk / "filler"
        filler.unlink(missing_ok=True)
        free = shutil.disk_usage(self.disk).free
        with open(filler, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(free - leave, 1))

    def until(self, what, question):
        deadline = time.monotonic() + WAIT_SECONDS
        while not question():
            self.assertLess(time.monotonic(), deadline, what + "\n" + self.log("disk/data"))
            time.sleep(0.05)

    def log(self, data="data"):
        return (self.dir / "server.log").read_text()

    def start(self):
        server = server_fixture.Server("--min-free", "16MiB", data_dir=self.disk / "data", executor="simulate",
                                       log=self.dir / "server.log")
        self.addCleanup(server.kill)
        return server.start()

    def test_new_jobs_alone_are_refused_and_room_is_noticed(self):
        server = self.start()
        client = Client(server)
        ended = [client.create("true", "--wait") for _ in range(3)]
        running = client.create("true", "--labels", "simulate-duration=600s")
        self.fill(200 << 20)
        self.until("two segments are made ready", lambda: len(list((self.disk / "data").glob("*.spare"))) == 2)
        self.fill(8 << 20)
        self.until("the log tells it", lambda: "until there is room new jobs are refused" in self.log())
        refused = client.run("create", "--display-name=more", "--", "true", check=False)
        self.assertEqual(1, refused.returncode)
        self.assertRegex(refused.stderr, r"has \d+ bytes free, new jobs are taken from 16777216 on.*RESOURCE_EXHAUSTED")
        self.assertEqual({*ended, running}, set(client.names()))
        self.fill(0)
        self.assertEqual(0, shutil.disk_usage(self.disk).free)
        client.run("delete", ended[0])
        client.run("cancel", running)
        self.assertEqual(4, client.run("wait", running, check=False).returncode)
        self.assertEqual({*ended[1:], running}, set(client.names()))

        server.kill()
        server = self.start()
        client = Client(server)
        self.assertEqual({*ended[1:], running}, set(client.names()), "it starts on the full disk")
        client.run("delete", ended[1])
        self.assertEqual(1, client.run("create", "--display-name=more", "--", "true", check=False).returncode)
        (self.disk / "filler").unlink()
        self.until("room is noticed", lambda: client.run("create", "--display-name=more", "--", "true",
                                                         check=False).returncode == 0)
        self.assertIn("new jobs are taken", self.log())
        self.assertEqual(0, server.stop())


if __name__ == "__main__":
    unittest.main()
