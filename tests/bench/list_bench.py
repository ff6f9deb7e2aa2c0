"""Lists of a store by filters chosen to hurt, in process, beside the same page by a scan; what the indexes cost."""

import pathlib
import re
import subprocess
import tempfile

ROUNDS = 200
SECONDS_PER_MILLION_MAX = 300
INDEX_PARTS = ("ids", "order", "keys", "texts", "states_times")


def figures(line):
    words = dict(re.findall(r"(\w+)=(\S+)", line.split(" text=")[0]))
    row = {key: value if key == "what" else float(value) for key, value in words.items()}
    if " text=" in line:
        row["text"] = line.split(" text=")[1]
    return row


def bench_list(tools, arguments):
    timeout = 600 + SECONDS_PER_MILLION_MAX * arguments.rows // 1000000
    with tempfile.TemporaryDirectory(prefix="customjobd-bench-", dir=arguments.build_dir) as name:
        command = [str(tools.folder / "list_store"), str(pathlib.Path(name) / "store"), str(arguments.rows), str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"list_store failed: {done.stdout}{done.stderr}")
    rows = [figures(line) for line in done.stdout.splitlines()]
    facts = {row.pop("what"): row for row in rows[:3]}
    memory = facts["memory"]
    memory["index"] = sum(memory[part] for part in INDEX_PARTS)
    return {"what": "list", "rows": arguments.rows, **facts, "filters": rows[3:]}


def print_list(result):
    index, memory = result["index"], result["memory"]
    print(f"list: {result['rows']:,} jobs of {memory['value']:.0f} bytes, pages of 100 with their bytes, in process")
    print(f"  {'filter':13}{'p50 µs':>10}{'p99 µs':>10}{'CPU p50':>10}  {'found':>5}  ")
    for row in result["filters"]:
        print(f"  {row['what']:13}{row['p50_us']:>10.1f}{row['p99_us']:>10.1f}{row['cpu_p50_us']:>10.1f}"
              f"  {row['rows']:>5.0f}  {row['text']}")
    print("  bytes per job: " + ", ".join(f"{part} {memory[part]:.1f}" for part in INDEX_PARTS)
          + f": {memory['index']:.1f}; header of the row {memory['header']:.1f}; all, by the allocator, {memory['heap']:.1f}")
    print(f"  writer's CPU per row {index['cpu_ns_per_row']:.0f} ns, a step p99 {index['step_cpu_p99_us']:.0f} µs, "
          f"longest {index['step_cpu_max_us']:.0f} µs; a sparse block made anew p50 {index['tidy_cpu_p50_us']:.0f} µs, "
          f"longest {index['tidy_cpu_max_us']:.0f} µs")
