#!/usr/bin/env python3
"""Every crash campaign in one run: what the simulated disk, the real file systems and the fuzzers have found.

`./dev test crash` builds what this needs and runs it; --all makes the long campaigns of it. A campaign's control breaks
a promise of the disk on purpose, and must fail. What the machine does not have (root, loop devices, a tool) is skipped
by name.
"""

import argparse
import importlib
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
BUILD = pathlib.Path(os.environ.get("CUSTOMJOBD_BUILD_DIR", HERE.parent.parent / "build"))
BROKEN = ("refused", "lost", "broken", "silent", "untold", "crashes")
LONG = {"CRASH_STATES": "1000000", "CRASH_LARGE_STATES": "10000", "CRASH_DAMAGES": "1000000", "CRASH_FLIPS": "8"}
OUTSIDE = ("by_strace", "by_shutdown", "by_replay", "by_fuzzing")


def simulated(options):
    """tests/crash/*_test.cc: each campaign has written a line of JSON."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        environment = {**os.environ, "CRASH_REPORT": report.name, "SEED": str(options.seed)}
        if options.all:
            environment.update({name: os.environ.get(name, value) for name, value in LONG.items()})
        run = subprocess.run([BUILD / "tests/crash_test"], env=environment, capture_output=True, text=True, check=False)
        results = [json.loads(line) for line in pathlib.Path(report.name).read_text().splitlines()]
    for result in results:
        result["control"] = result["campaign"].startswith("control: ")
        found = sum(result.get(name, 0) for name in BROKEN)
        result["passed"] = (found > 0) == result["control"]
    if run.returncode != 0:
        print(run.stdout[-8000:] + run.stderr[-2000:], file=sys.stderr)
        results.append({"campaign": "crash_test", "passed": False, "first_failure": f"exit code {run.returncode}"})
    return results


# ---- telling --------------------------------------------------------------------------------------------------------

COLUMNS = (("tried", ("tried", "damages", "faults", "runs")), ("distinct", ("distinct",)),
           ("sound", ("recovered", "found")), ("refused falsely", ("refused", "untold")),
           ("lost", ("lost", "silent", "broken", "crashes")))
NOTES = ("harmless", "stopped", "acknowledged", "unmountable", "corpus", "seconds")


def row_of(result):
    """(name, numbers, verdict)."""
    if "skipped" in result:
        return result["campaign"], [""] * len(COLUMNS), "skipped: " + result["skipped"]
    cells = []
    for _, names in COLUMNS:
        there = [result[name] for name in names if name in result]
        cells.append(f"{sum(there):,}" if there else "")
    if result.get("control"):
        verdict = "fails, as it must" if result["passed"] else "DOES NOT FAIL"
    else:
        verdict = "sound" if result["passed"] else "BROKEN"
    notes = [f"{result[name]:,} {name}" for name in NOTES if name in result]
    return result["campaign"], cells, ", ".join([verdict, *notes])


def print_table(results):
    rows = [row_of(result) for result in results]
    width = max(len(name) for name, _, _ in rows)
    widths = [max(len(title), *(len(cells[i]) for _, cells, _ in rows)) for i, (title, _) in enumerate(COLUMNS)]
    print(" " * width, *(title.rjust(w) for (title, _), w in zip(COLUMNS, widths)), sep="  ")
    for name, cells, verdict in rows:
        print(name.ljust(width), *(cell.rjust(w) for cell, w in zip(cells, widths)), verdict, sep="  ")
    for result in results:
        if not result["passed"]:
            print(f"{result['campaign']}: {result.get('first_failure') or 'see above'}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="the long campaigns: a million states, ten minutes a fuzzer")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(31))
    parser.add_argument("--outside", action="store_true", help="only what is no test of crash_test: ctest has run those")
    parser.add_argument("--only", nargs="+", choices=("simulated", *OUTSIDE), help="only these parts")
    options = parser.parse_args()
    parts = options.only or (OUTSIDE if options.outside else ("simulated", *OUTSIDE))
    results = []
    for part in parts:
        start = time.monotonic()
        results += simulated(options) if part == "simulated" else importlib.import_module(f"rig.{part}").run(options)
        print(f"{part}: {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    passed = all(result["passed"] for result in results)
    if options.format == "json":
        print(json.dumps({"seed": options.seed, "all": options.all, "passed": passed, "campaigns": results}, indent=1))
    else:
        print(f"seed {options.seed}")
        print_table(results)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
