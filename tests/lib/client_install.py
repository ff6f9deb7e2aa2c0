"""Test clients are installed into the build folder, pinned, once per content of their pin files."""

import fcntl
import hashlib
import pathlib
import shutil
import subprocess
import sys

CLIENTS = pathlib.Path(__file__).resolve().parents[1] / "clients"
INSTALL_SECONDS = 900


def run(command, seconds, **options):
    subprocess.run([str(word) for word in command], check=True, timeout=seconds, stdin=subprocess.DEVNULL, **options)


class Installer:
    """Folders under BUILD/clients; a lock file keeps tests that run side by side from installing twice."""

    def __init__(self, build_dir):
        self.root = pathlib.Path(build_dir).resolve() / "clients"

    def folder(self, name, pins, install):
        """The folder, installed: install(folder) runs when the pins are not those of the last time."""
        folder = self.root / name
        digest = hashlib.sha256(b"\0".join(pin if isinstance(pin, bytes) else pin.read_bytes() for pin in pins))
        stamp = folder / "installed"
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.root / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not stamp.exists() or stamp.read_text() != digest.hexdigest():
                print(f"-- installing the {name} client", flush=True)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                install(folder)
                stamp.write_text(digest.hexdigest())
        return folder


def python_of(installer):
    """A Python that has the official packages."""
    requirements = CLIENTS / "python" / "requirements.txt"

    def install(folder):
        run([sys.executable, "-m", "venv", folder], INSTALL_SECONDS)
        run([folder / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements],
            INSTALL_SECONDS)

    return installer.folder("python", [requirements], install) / "bin" / "python"
