#!/usr/bin/env python3
"""What `customjobd serve` and `customjobd wal` do as programs: exit codes, the ready line, sockets, signals."""

import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import server_fixture  # noqa: E402

PROGRAM = str(server_fixture.bin_dir() / "customjobd")
WAIT_SECONDS = 60


def run(*arguments, env=None):
    """A run that is expected to end by itself."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=WAIT_SECONDS,
                          check=False, env={**os.environ, **(env or {})})


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"


def handshake(address, cert=None, key=None):
    """Speaks TLS and HTTP/2 with the server; returns its certificate, or None when it wants nothing of us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if cert:
        context.load_cert_chain(cert, key)
    with socket.create_connection(address.rsplit(":", 1), timeout=WAIT_SECONDS) as plain:
        try:
            with context.wrap_socket(plain) as client:
                client.sendall(PREFACE)
                return client.getpeercert(binary_form=True) if client.recv(9) else None
        except (ssl.SSLError, ConnectionError):
            return None


class ServeTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="customjobd-serve-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.data = self.dir / "data"

    def serve(self, *flags, data=None, listen="127.0.0.1:0"):
        server = server_fixture.Server(*flags, data_dir=data or self.data, executor="simulate", log=self.dir / "log")
        self.addCleanup(server.kill)
        return server.start(listen)

    def refused(self, code, *flags, env=None, executor="simulate"):
        """Runs a server that is not to start; returns what it says."""
        result = run("serve", "--data-dir", self.data, "--executor", executor, *flags, env=env)
        self.assertEqual(code, result.returncode, result.stderr)
        self.assertEqual("", result.stdout, "no ready line")
        return result.stderr

    # ---- usage ----

    def test_tells_how_it_is_used(self):
        for arguments in ([], ["serv"], ["wal"], ["wal", "dump"], ["wal", "mend", self.dir], ["wal", "dump", "--xml", "x"]):
            result = run(*arguments)
            self.assertEqual(2, result.returncode, arguments)
            self.assertIn("usage: customjobd", result.stderr)
        self.assertEqual(0, run("--help").returncode)
        self.assertIn("--data-dir DIR", run("serve", "--help").stdout)
        for verb in ("wal", "snapshot", "backup", "restore"):
            self.assertIn(f"customjobd {verb}", run(verb, "--help").stdout)
        self.assertRegex(run("--version").stdout, r"^customjobd \d+\.\d+\.\d+\n$")

    def test_names_what_is_wrong_with_the_configuration(self):
        self.assertIn("did you mean --listen?", self.refused(2, "--lisen", "x"))
        self.assertIn("'few'", self.refused(2, "--max-replicas", "few"))
        self.assertIn("CUSTOMJOBD_STOP_GRACE: 'x'", self.refused(2, env={"CUSTOMJOBD_STOP_GRACE": "x"}))
        file = self.dir / "customjobd.yaml"
        file.write_text("listen: 127.0.0.1:0\nstop-grase: 1s\n")
        self.assertIn(f"{file}:2: unknown key stop-grase; did you mean stop-grace?", self.refused(2, "--config", file))
        self.assertIn("no such", self.refused(2, "--buckets-dir", self.dir / "none").lower())
        self.assertFalse(self.data.exists(), "nothing is made before the configuration is right")

    def test_no_file_takes_the_place_of_a_closed_standard_stream(self):
        command = f'exec "{server_fixture.bin_dir()}/customjobd" serve --executor=simulate --listen=127.0.0.1:0 "$@" <&- 2>&-'
        server = subprocess.Popen(["sh", "-c", command, "sh", f"--data-dir={self.data}"], stdout=subprocess.PIPE)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        self.assertTrue(server.stdout.readline().startswith(b"ready "))
        for number in (0, 2):
            self.assertEqual("/dev/null", os.readlink(f"/proc/{server.pid}/fd/{number}"))

    def test_names_its_threads(self):
        server = self.serve("--http-listen", "127.0.0.1:0")
        wanted = {"calls", "http", "controller", "executor", "log-tailer", "signals"}
        deadline = time.monotonic() + WAIT_SECONDS  # a thread takes its name when it first runs
        while wanted - self.thread_names(server) and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertEqual(set(), wanted - self.thread_names(server))

    @staticmethod
    def thread_names(server):
        return {path.read_text().strip() for path in pathlib.Path(f"/proc/{server.process.pid}/task").glob("*/comm")}

    def test_other_hosts_are_let_in_only_on_purpose(self):
        said = self.refused(2, "--listen", "0.0.0.0:0")
        self.assertIn("--insecure-bind", said)
        self.assertIn("--client-ca", said)

    def test_certificates_that_do_not_fit_are_named(self):
        _, cert, key = server_fixture.make_certificates(self.dir)
        other = self.dir / "other"
        other.mkdir()
        _, _, other_key = server_fixture.make_certificates(other)
        self.assertIn(str(other_key), self.refused(2, "--tls-cert", cert, "--tls-key", other_key))
        self.assertIn("none.pem", self.refused(2, "--tls-cert", self.dir / "none.pem", "--tls-key", key))

    def test_takes_a_renewed_certificate_without_a_restart(self):
        _, cert, key = server_fixture.make_certificates(self.dir)
        other = self.dir / "other"
        other.mkdir()
        _, new_cert, new_key = server_fixture.make_certificates(other)
        old, new = (ssl.PEM_cert_to_DER_cert(path.read_text()) for path in (cert, new_cert))
        server = self.serve("--tls-cert", cert, "--tls-key", key)
        self.assertEqual(old, handshake(server.address))
        shutil.copy(new_cert, cert)
        self.assertEqual(old, handshake(server.address), "a renewal that is half made changes nothing")
        shutil.copy(new_key, key)
        self.assertEqual(new, handshake(server.address))
        self.assertEqual(0, server.stop())
        self.assertIn("is not the one of the certificate", (self.dir / "log").read_text())

    def test_a_client_authority_lets_in_only_whom_it_signed(self):
        ca, cert, key = server_fixture.make_certificates(self.dir)
        other = self.dir / "other"
        other.mkdir()
        _, strange_cert, strange_key = server_fixture.make_certificates(other)
        server = self.serve("--tls-cert", cert, "--tls-key", key, "--client-ca", ca)
        self.assertIsNotNone(handshake(server.address, cert, key))
        self.assertIsNone(handshake(server.address))
        self.assertIsNone(handshake(server.address, strange_cert, strange_key))
        self.assertEqual(0, server.stop())

    @unittest.skipUnless(os.geteuid() == 0, "only root is asked whether jobs may be root")
    def test_root_says_who_runs_jobs(self):
        said = self.refused(2, executor="process")
        self.assertIn("--job-user", said)
        self.assertIn("--allow-root-jobs", said)

    # ---- addresses ----

    def test_the_ready_line_has_every_address_in_order(self):
        path = self.dir / "sock"
        server = self.serve("--listen", f"unix:{path}", "--listen", "127.0.0.1:0")
        self.assertRegex(server.address, r"^127\.0\.0\.1:\d+$")
        self.assertNotIn(":0", server.address[-2:])
        with socket.create_connection(server.address.rsplit(":", 1), timeout=WAIT_SECONDS):
            pass
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        self.assertEqual(0, server.stop())
        self.assertFalse(path.exists(), "the socket goes with its server")

    def test_a_port_belongs_to_one_server(self):
        server = self.serve()
        said = run("serve", "--data-dir", self.dir / "second", "--executor", "simulate", "--listen", server.address)
        self.assertEqual(4, said.returncode, said.stderr)
        self.assertIn(server.address, said.stderr)

    def test_a_unix_socket_belongs_to_one_server(self):
        address = f"unix:{self.dir / 'sock'}"
        server = self.serve(listen=address)
        said = run("serve", "--data-dir", self.dir / "second", "--executor", "simulate", "--listen", address)
        self.assertEqual(4, said.returncode, said.stderr)
        self.assertIn(str(server.process.pid), said.stderr)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.dir / "sock"))  # still the first one's
        server.kill()
        self.assertTrue((self.dir / "sock").exists(), "a killed server leaves its socket")
        self.assertEqual(0, self.serve(listen=address).stop())

    # ---- the data directory ----

    def test_a_data_directory_belongs_to_one_server(self):
        server = self.serve()
        self.assertIn(f"pid {server.process.pid}", self.refused(3, "--listen", "127.0.0.1:0"))
        server.kill()
        self.assertEqual(0, self.serve().stop(), "the lock dies with its holder")

    def test_a_disk_that_fails_ends_the_server_and_acknowledges_nothing(self):
        # Beyond this size writes fail, as on a full disk; without it the signal of that would end the server.
        process = subprocess.Popen([PROGRAM, "serve", "--data-dir", self.data, "--executor", "simulate", "--listen",
                                    "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
        self.addCleanup(process.kill)
        address = process.stdout.readline().split("=")[1].strip()
        client = [str(server_fixture.bin_dir() / "customjob"), "--endpoint", address, "--project", "p"]
        job = self.dir / "job.json"
        job.write_text('{"displayName": "lost", "jobSpec": {"workerPoolSpecs": [{"replicaCount": "1", '
                       '"containerSpec": {"imageUri": "i", "command": ["true"]}}]}}')
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))
        self.assertNotEqual(0, subprocess.run([*client, "--timeout", "20s", "create", job], capture_output=True,
                                              check=False, timeout=WAIT_SECONDS).returncode)
        said = process.communicate(timeout=WAIT_SECONDS)[1]
        self.assertEqual(5, process.returncode, said)
        self.assertRegex(said, r"ERROR .*stopping at once")
        server = self.serve()
        client[2] = server.address
        self.assertNotIn("lost", subprocess.run([*client, "list"], capture_output=True, text=True, check=True).stdout)
        self.assertEqual(0, server.stop())

    def test_a_damaged_log_is_not_served(self):
        self.assertEqual(0, self.serve().stop())
        segment = next(self.data.glob("*.wal"))
        with open(segment, "r+b") as file:
            file.write(b"\xff" * 64)
        said = self.refused(3, "--listen", "127.0.0.1:0")
        self.assertIn(segment.name, said)
        self.assertEqual(3, run("wal", "check", self.data).returncode)

    def test_the_log_can_be_looked_at(self):
        self.assertEqual(0, self.serve().stop())
        check = run("wal", "check", self.data)
        self.assertEqual(0, check.returncode, check.stderr)
        self.assertIn("sound", check.stdout)
        self.assertIn('"clean":true', run("wal", "stat", "--json", self.data).stdout)

    # ---- jobs ----

    def test_a_job_sees_what_the_flags_say(self):
        server = server_fixture.Server("--project-number", "p=4711", "--pass-env", "SERVE_TEST", data_dir=self.data,
                                       log=self.dir / "log")
        self.addCleanup(server.kill)
        os.environ.update(SERVE_TEST="passed", SERVE_TEST_SECRET="kept")
        server.start()
        script = 'echo "$CLOUD_ML_PROJECT_ID $SERVE_TEST ${SERVE_TEST_SECRET-none}"'
        job = self.dir / "job.json"
        job.write_text(json.dumps({"displayName": "flags", "jobSpec": {"workerPoolSpecs": [
            {"replicaCount": "1", "containerSpec": {"imageUri": "i", "command": ["sh", "-c", script]}}]}}))
        client = [str(server_fixture.bin_dir() / "customjob"), "--endpoint", server.address, "--project", "p"]
        name = subprocess.run([*client, "create", job, "--quiet"], capture_output=True, text=True, check=True).stdout
        logs = subprocess.run([*client, "logs", "-f", name.strip()], capture_output=True, text=True, check=True,
                              timeout=WAIT_SECONDS)
        self.assertIn("4711 passed none", logs.stdout)
        self.assertEqual(0, server.stop())

    # ---- signals ----

    def test_stops_in_order_at_each_of_its_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            server = self.serve()
            server.process.send_signal(number)
            self.assertEqual(0, server.process.wait(WAIT_SECONDS))
            self.assertIn("an orderly end", run("wal", "check", self.data).stdout)

    def test_stops_while_clients_are_connected(self):
        server = self.serve()
        clients = [socket.create_connection(server.address.rsplit(":", 1)) for _ in range(20)]
        self.assertEqual(0, server.stop())
        for client in clients:
            client.close()

    def test_says_one_line_per_event_without_colour_in_a_file(self):
        self.assertEqual(0, self.serve().stop())
        lines = (self.dir / "log").read_text().splitlines()
        self.assertLess(2, len(lines))
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO |WARN |ERROR) \S")

    def test_a_standard_output_that_is_gone_is_no_quiet_success(self):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen([PROGRAM, "serve", "--data-dir", self.data, "--executor", "simulate", "--listen",
                                    "127.0.0.1:0"], stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        said = process.communicate(timeout=WAIT_SECONDS)[1]
        self.assertEqual(5, process.returncode, said)
        self.assertIn(b"ready line", said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
