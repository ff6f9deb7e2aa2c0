"""A Docker engine for a test: started by hand in a folder of its own, with an image made of this host's own shell.

It needs root and dockerd; the package docker.io is installed when it is missing and apt can. Engine() raises Unavailable
with the reason where no engine can run, for the test to be skipped by name.
"""

import base64
import gzip
import hashlib
import http.client
import http.server
import io
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
import urllib.parse

IMAGE = "customjobd-test:1"
PROGRAMS = ["sh", "bash", "cat", "echo", "env", "false", "getent", "head", "id", "ls", "mktemp", "sleep", "stat", "true"]
READY_SECONDS = 60


class Unavailable(Exception):
    """No engine can run here; the text tells why."""


def install():
    if os.geteuid() != 0:
        raise Unavailable("only root can start a Docker engine")
    if shutil.which("dockerd"):
        return
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io"]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                            timeout=600, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})
    if result.returncode != 0 or not shutil.which("dockerd"):
        raise Unavailable(f"docker.io cannot be installed: {result.stdout.strip().splitlines()[-1:]}")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=60)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """One dockerd with its containerd, its data and its sockets in a folder of its own."""

    def __init__(self):
        install()
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="cjdocker-", dir="/tmp"))
        self.socket = str(self.dir / "docker.sock")
        self.log_path = self.dir / "dockerd.log"
        self.process = self.containerd = None

    def start(self):
        if self.containerd is None:
            self._start_containerd()
        self.process = self._spawn("dockerd", "--data-root", self.dir / "data", "--exec-root", self.dir / "exec", "-H",
                                   f"unix://{self.socket}", "-p", self.dir / "dockerd.pid", "--containerd",
                                   self.dir / "containerd.sock", "--live-restore", "--userland-proxy=false")
        self._wait_for(self._answers, self.process)
        return self

    def _start_containerd(self):
        """Of its own: one that dockerd had started would not outlive it."""
        config = self.dir / "containerd.toml"
        config.write_text(f'version = 2\nroot = "{self.dir}/containerd"\nstate = "{self.dir}/run"\n'
                          f'[grpc]\n address = "{self.dir}/containerd.sock"\n')
        self.containerd = self._spawn("containerd", "-c", config)
        self._wait_for((self.dir / "containerd.sock").exists, self.containerd)

    def _spawn(self, *command):
        with open(self.log_path, "ab") as log:
            return subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    start_new_session=True)

    def _wait_for(self, is_up, process):
        deadline = time.monotonic() + READY_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                reason = self.log_path.read_text(errors="replace").strip().splitlines()[-1:]
                self.close()
                raise Unavailable(f"{process.args[0]} does not come up: {reason}")
            time.sleep(0.05)

    def _answers(self):
        try:
            return self.call("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def call(self, method, path, body=None):
        """One request; (status, decoded JSON or bytes)."""
        connection = _UnixConnection(self.socket)
        try:
            is_json = isinstance(body, (dict, list))
            connection.request(method, path, json.dumps(body) if is_json else body,
                               {"Content-Type": "application/json" if is_json else "application/x-tar"})
            answer = connection.getresponse()
            text = answer.read()
            try:
                return answer.status, json.loads(text)
            except ValueError:
                return answer.status, text
        finally:
            connection.close()

    def containers(self):
        return sorted(item["Names"][0][1:] for item in self.call("GET", "/containers/json?all=1")[1])

    def networks(self):
        """Those that the engine does not have by itself."""
        names = (item["Name"] for item in self.call("GET", "/networks")[1])
        return sorted(name for name in names if name not in ("bridge", "host", "none"))

    def import_image(self, name=IMAGE, changes=()):
        """The image under that name; changes are lines of a Dockerfile."""
        repository, tag = name.rsplit(":", 1)
        query = urllib.parse.urlencode([("fromSrc", "-"), ("repo", repository), ("tag", tag)] +
                                       [("changes", line) for line in ("ENV PATH=/usr/bin:/bin", *changes)])
        status, text = self.call("POST", f"/images/create?{query}", root_tar())
        if status != 200 or b"error" in (text if isinstance(text, bytes) else json.dumps(text).encode()):
            raise RuntimeError(f"the image cannot be imported: {text}")

    def kill(self):
        """dockerd alone, as a crash would: its containers and its containerd live on."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def close(self):
        """Ends all of it. Containers go first, since they would outlive dockerd."""
        if self.process and self.process.poll() is None:
            for name in self.containers() if self._answers() else []:
                self.call("DELETE", f"/containers/{name}?force=1&v=1")
            for name in self.networks() if self._answers() else []:
                self.call("DELETE", f"/networks/{name}")
            self._end(self.process)
        if self.containerd:
            self._end(self.containerd)
        self._unmount()
        shutil.rmtree(self.dir, ignore_errors=True)

    @staticmethod
    def _end(process):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _unmount(self):
        for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
            where = line.split()[1]
            if where.startswith(str(self.dir)):
                subprocess.run(["umount", "-l", where], check=False, stderr=subprocess.DEVNULL)


def _files():
    """The shell and a few programs of this host, with the libraries they load."""
    found = {}
    for name in PROGRAMS:
        path = shutil.which(name)
        if not path:
            continue
        found[f"bin/{name}"] = os.path.realpath(path)
        for word in subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout.split():
            if word.startswith("/"):
                found[word[1:]] = os.path.realpath(word)
    return found


def root_tar():
    """A root file system with two users."""
    texts = {"etc/passwd": "root:x:0:0::/root:/bin/sh\nworker:x:1234:2345::/home/worker:/bin/sh\n",
             "etc/group": "root:x:0:\nworker:x:2345:\nextra:x:3456:worker\n",
             "etc/nsswitch.conf": "hosts: files dns\n"}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ["bin", "etc", "home", "root", "tmp", "usr"]:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(entry)
        home = tarfile.TarInfo("home/worker")
        home.type, home.mode, home.uid, home.gid = tarfile.DIRTYPE, 0o755, 1234, 2345
        tar.addfile(home)
        for name, path in sorted(_files().items()):
            tar.add(path, name, filter=_plain)
        for name, text in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def _plain(entry):
    entry.uid = entry.gid = 0
    entry.mode = 0o755
    return entry


class Registry:
    """A registry on loopback with one image, to be pulled as `name`; what else is asked for is not there.

    Of another registry, on the port in `guarded`, the same image is given to USER with PASSWORD alone.
    """

    USER, PASSWORD = "somebody", "se:cret/+"

    def __init__(self):
        layer = root_tar()
        packed = gzip.compress(layer, 1, mtime=0)
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"]},
                             "rootfs": {"type": "layers", "diff_ids": [self._digest(layer)]}}).encode()
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
            "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": len(config),
                       "digest": self._digest(config)},
            "layers": [{"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": len(packed),
                        "digest": self._digest(packed)}]}).encode()
        answers = {"/v2/": b"{}", "/v2/shell/manifests/latest": manifest,
                   f"/v2/shell/manifests/{self._digest(manifest)}": manifest,
                   f"/v2/shell/blobs/{self._digest(config)}": config,
                   f"/v2/shell/blobs/{self._digest(packed)}": packed}
        unknown = b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}'

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.server.wants and self.headers.get("Authorization") != self.server.wants:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="test"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                text = answers.get(self.path, unknown)
                kind = json.loads(manifest)["mediaType"] if text is manifest else "application/json"
                self.send_response(404 if text is unknown else 200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(text)))
                if text is manifest:
                    self.send_header("Docker-Content-Digest", Registry._digest(manifest))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(text)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        secret = base64.b64encode(f"{self.USER}:{self.PASSWORD}".encode()).decode()
        self.servers = []
        for wants in (None, f"Basic {secret}"):
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.wants = wants
            threading.Thread(target=server.serve_forever, daemon=True).start()
            self.servers.append(server)
        self.address, self.guarded = (f"127.0.0.1:{server.server_port}" for server in self.servers)
        self.name = f"{self.address}/shell"

    @staticmethod
    def _digest(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
