"""The readers of bytes that somebody else may have made, under libFuzzer with sanitizers: tests/fuzz/*_fuzz.c."""

import os
import pathlib
import re
import shutil
import subprocess

from rig import hammer

CORPUS = hammer.ROOT / "tests/fuzz/corpus"


def missing():
    return None if shutil.which("clang") else "clang is not installed"


def build():
    return subprocess.run([hammer.ROOT / "dev", "build", "--preset", "fuzz", "fuzzers"], capture_output=True, text=True,
                          check=False)


def fuzz(program, seconds, seed):
    """Runs on a copy of the corpus, which it may add to."""
    name = program.name.removesuffix("_fuzz")
    seeds = CORPUS / name
    with hammer.Scratch(memory=True) as scratch:
        found = scratch / "found"
        found.mkdir()
        run = subprocess.run([program, f"-max_total_time={seconds}", f"-seed={seed % 2**31}", "-max_len=16384", "-timeout=20",
                              "-rss_limit_mb=2048", "-print_final_stats=1", f"-artifact_prefix={scratch}/", found, seeds],
                             capture_output=True, text=True, errors="replace", check=False, cwd=scratch)
        units = re.search(r"stat::number_of_executed_units:\s*(\d+)", run.stderr)
        result = {"campaign": f"fuzzing: {name.replace('_', ' ')}", "control": False,
                  "runs": int(units.group(1)) if units else 0, "crashes": int(run.returncode != 0),
                  "corpus": sum(1 for _ in seeds.iterdir()), "seconds": seconds, "seed": seed,
                  "passed": run.returncode == 0, "first_failure": ""}
        if run.returncode != 0:
            kept = pathlib.Path(os.environ.get("CUSTOMJOBD_BUILD_DIR", hammer.ROOT / "build")) / "fuzz-findings"
            kept.mkdir(parents=True, exist_ok=True)
            for file in scratch.glob("*-*"):
                shutil.copy(file, kept / f"{name}-{file.name}")
            result["first_failure"] = f"input kept in {kept}; {run.stderr[-1500:]}"
    return result


def run(options):
    reason = missing()
    if reason:
        return [hammer.skipped("fuzzing", reason)]
    made = build()
    if made.returncode != 0:
        return [{"campaign": "fuzzing", "passed": False, "first_failure": made.stdout[-2000:] + made.stderr[-2000:]}]
    seconds = int(os.environ.get("FUZZ_SECONDS", 600 if options.all else 5))
    return [fuzz(program, seconds, options.seed)
            for program in sorted((hammer.ROOT / "build/fuzz/fuzz").glob("*_fuzz"))]
