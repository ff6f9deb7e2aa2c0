"""The policies of scheduling on a simulated host of eight GPUs: what of it is used, and who waits how long."""

import json
import statistics
import subprocess

SEEDS = 20
POLICIES = ("fifo", "greedy", "easy", "gangs")
FORECASTS = {"perfect": "0", "of like jobs": "0.7", "none": "inf"}
FIGURES = ("utilisation", "wait_s", "wait_large_s", "wait_light_s", "wait_max_s")


def run(tools, policy, noise, jobs):
    command = [str(tools.folder / "schedule_sim"), policy, noise, str(jobs), "1", str(SEEDS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"schedule_sim {policy} failed: {done.stderr}")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {figure: statistics.mean(row[figure] for row in rows) for figure in FIGURES}


def bench_schedule(tools, arguments):
    jobs = 200 if arguments.quick else 1000
    rows = [{"forecast": forecast, "policy": policy, **run(tools, policy, noise, jobs)}
            for forecast, noise in FORECASTS.items() for policy in POLICIES]
    return {"what": "schedule", "jobs": jobs, "seeds": SEEDS, "rows": rows}


def print_schedule(result):
    print(f"schedule: {result['jobs']} gangs of 1, 2, 4 and 8 GPUs on 8, at nine tenths of what they can do; means of "
          f"{result['seeds']} seeds")
    print(f"  {'forecast':14}{'policy':8}{'used':>7}{'wait s':>9}{'of 8 GPUs':>11}{'light users':>13}{'longest':>9}")
    for row in result["rows"]:
        print(f"  {row['forecast']:14}{row['policy']:8}{row['utilisation']:>7.3f}{row['wait_s']:>9.0f}"
              f"{row['wait_large_s']:>11.0f}{row['wait_light_s']:>13.0f}{row['wait_max_s']:>9.0f}")
