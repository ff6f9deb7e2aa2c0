"""Fetches the data set of this example, once, with pip: pinned by version and hash in requirements.txt."""

import hashlib
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

REQUIREMENTS = pathlib.Path(__file__).resolve().parent / "requirements.txt"
MEMBER = "palmerpenguins/data/penguins.csv"
PIP_SECONDS = 120


class FetchError(Exception):
    """Why there is no data, as a sentence."""


def pip_command(folder):
    """This Python's pip, or one in an environment of its own where Debian has left it out."""
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return [sys.executable, "-m", "pip"]
    environment = folder / "pip"
    made = subprocess.run([sys.executable, "-m", "venv", environment], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise FetchError(f"there is no pip, and no environment for it could be made (apt-get install python3-venv): "
                         f"{(made.stdout + made.stderr).strip()}")
    return [environment / "bin" / "python", "-m", "pip"]


def download(folder):
    """The package as pip brings it, unpacked by nobody; pip checks the hash."""
    command = [*pip_command(folder), "download", "--quiet", "--disable-pip-version-check", "--no-deps",
               "--require-hashes", "--dest", folder, "--requirement", REQUIREMENTS]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise FetchError(f"pip did not fetch the data set within {PIP_SECONDS} s") from None
    if done.returncode != 0:
        raise FetchError(f"pip could not fetch the data set:\n{done.stderr.strip()}")
    return next(folder.glob("*.whl"))


def fetch(folder, say):
    """penguins.csv below this folder; fetched when the pin is not the one of the last time."""
    pin = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]
    path = pathlib.Path(folder) / pin / "penguins.csv"
    if path.exists():
        return path
    say("Fetching the data set: penguins.csv of the package palmerpenguins (CC0), 17 KB")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        scratch = pathlib.Path(scratch)
        with zipfile.ZipFile(download(scratch)) as package, open(scratch / "csv", "wb") as out:
            with package.open(MEMBER) as member:
                shutil.copyfileobj(member, out)
        (scratch / "csv").rename(path)
    return path
