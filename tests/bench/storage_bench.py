"""The store by itself, beside databases on the same disk: durable creates, device bytes, recovery, memory, snapshots."""

import contextlib
import pathlib
import shutil
import statistics
import tempfile
import time

import storage_peers
from bench_lib import TRIES, Device, Patience, figures_of

LEVELS = (1, 16, 64, 256)
SECTIONS = ("create", "sealed", "bytes", "memory", "cycles", "recovery", "snapshot")
SEALS = (("none", "not sealed"), ("store", "sealed with the store's key"), ("job", "sealed with a key of each job's"))
SEALED_IN_FLIGHT = 64
# Rows that live while others come and go.
CYCLED_ROWS = 100000
JOB_BYTES = 1024
# Rows replaced in turn while snapshots are taken: enough for several in the time of one run.
LIVE_ROWS = 200000
SECONDS_PER_MILLION_MAX = 120
BACKGROUND_SECONDS = 0.5
# More than that of what the device has written was not ours: the figure is doubtful.
BACKGROUND_SHARE_MAX = 0.05


def bench_storage(tools, arguments):
    with tempfile.TemporaryDirectory(prefix="customjobd-bench-", dir=arguments.build_dir) as name:
        folder = pathlib.Path(name)
        folder.chmod(0o711)  # PostgreSQL runs as somebody else, and has to reach what is its own in it
        bench = StorageBench(tools, arguments, folder)
        result = {"what": "storage", "job_bytes": JOB_BYTES, "rows": arguments.rows}
        for section in SECTIONS:
            if not arguments.only or section in arguments.only:
                result[section] = getattr(bench, section)()
        result["probe_us"] = bench.patience.best_us
        return result


class StorageBench:
    def __init__(self, tools, arguments, folder):
        self.tools = tools
        self.arguments = arguments
        self.folder = folder
        self.patience = Patience(tools, folder)

    def store(self, verb, *words):
        """One run of our own program in the folder "store", which is kept."""
        return figures_of([self.tools.store(), verb, self.folder / "store", *words],
                          600 + SECONDS_PER_MILLION_MAX * (self.arguments.rows + self.arguments.cycles) // 1000000)

    def fresh_store(self, verb, *words):
        shutil.rmtree(self.folder / "store", ignore_errors=True)
        try:
            return self.store(verb, *words)
        finally:
            shutil.rmtree(self.folder / "store", ignore_errors=True)

    def median_of_quiet(self, run):
        """The median by rate of the rounds, each between quiet probes when they can be had."""
        runs = [self.patience.measure(run) for _ in range(self.arguments.rounds)]
        quiet = [each for each in runs if not each["noisy"]] or runs
        return sorted(quiet, key=lambda each: each["rate"])[len(quiet) // 2]

    # ---- sections ----

    def create(self):
        seconds = self.arguments.seconds
        rows = [{"name": "customjobd, in process", "levels": [
            self.median_of_quiet(lambda n=n: self.fresh_store("create", n, seconds, 0)) for n in LEVELS]}]
        for peer_class in storage_peers.DURABLE:
            missing = peer_class.missing()
            if missing:
                rows.append({"name": peer_class.name, "skipped": missing})
                continue
            try:
                with self.peer(peer_class) as peer:
                    rows.append({"name": peer.name, "levels": [
                        self.median_of_quiet(lambda n=n: peer.create(self.tools, n, seconds)) for n in LEVELS]})
            except (RuntimeError, OSError) as error:
                rows.append({"name": peer_class.name, "skipped": str(error)})
        return rows

    def sealed(self):
        """In turns, so that what the disk does meanwhile meets all alike."""
        runs = {kind: [] for kind, _ in SEALS}
        for _ in range(self.arguments.rounds):
            for kind, _ in SEALS:
                runs[kind].append(self.fresh_store("sealed", SEALED_IN_FLIGHT, self.arguments.seconds, kind))
        return [{"name": name, **{key: statistics.median(run[key] for run in runs[kind])
                                  for key in ("rate", "p50_us", "cpu_us_per_row")}} for kind, name in SEALS]

    @contextlib.contextmanager
    def peer(self, peer_class):
        folder = self.folder / "peer"
        try:
            with peer_class(folder) as peer:
                yield peer
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def bytes(self):
        """Device bytes per byte of a job, without what others write; and what the process itself has asked for."""
        seconds = self.arguments.seconds
        kinds = (("64 in flight, recycled segments", ("recycled", 64, seconds), 1.15),
                 ("1 in flight, recycled segments", ("recycled", 1, seconds), 4.6),
                 ("64 in flight, with snapshots", ("create", 64, 3 * seconds, LIVE_ROWS), 2.2),
                 ("64 in flight, a new disk: zeros first", ("create", 64, seconds, 0), None))
        rows = []
        for name, command, target in kinds:
            runs = [self.run_and_background(command) for _ in range(self.arguments.rounds)]
            row = {"name": name, "target": target, "rate": statistics.median(run["rate"] for run in runs),
                   "own_per_byte": statistics.median(run["own_bytes"] / run["payload_bytes"] for run in runs)}
            rows.append(row)
            if "device_bytes" not in runs[0]:
                row["skipped"] = f"no block device is to be seen below {self.folder}"
                continue
            best = min(runs, key=lambda run: run["background_share"])
            row["bytes_per_byte"] = best["device_bytes"] / best["payload_bytes"]
            row["flushes_per_job"] = best["flushes"] / best["rows"]
            row["noisy"] = best["background_share"] > BACKGROUND_SHARE_MAX
        return rows

    def background(self):
        """What others write to the device, in bytes a second."""
        device = Device(self.folder)
        time.sleep(BACKGROUND_SECONDS)
        return device.since().get("device_bytes", 0) / BACKGROUND_SECONDS

    def run_and_background(self, command):
        """The first run beside which others wrote little, else the one beside which they wrote least."""
        best = None
        for _ in range(TRIES):
            before = self.background()
            figures = self.fresh_store(*command)
            if "device_bytes" not in figures:
                return figures
            others = max(before, self.background()) * figures["seconds"]
            figures["background_share"] = others / figures["device_bytes"]
            figures["device_bytes"] = max(0, figures["device_bytes"] - others)
            if best is None or figures["background_share"] < best["background_share"]:
                best = figures
            if best["background_share"] <= BACKGROUND_SHARE_MAX:
                break
        return best

    def memory(self):
        return self.fresh_store("memory", self.arguments.rows)

    def cycles(self):
        return self.fresh_store("cycles", CYCLED_ROWS, self.arguments.cycles)

    def recovery(self):
        rows = []
        for kind in ("log", "snapshot"):
            shutil.rmtree(self.folder / "store", ignore_errors=True)
            self.store("fill", self.arguments.rows, kind)
            rows.append({"name": f"customjobd, {kind}", **self.recover_rounds(self.recover_ours)})
        shutil.rmtree(self.folder / "store")
        if self.arguments.rows > 1000000:
            return rows
        for peer_class in (storage_peers.Etcd, storage_peers.Redis):
            missing = peer_class.missing()
            if missing:
                rows.append({"name": peer_class.name, "skipped": missing})
                continue
            with self.peer(peer_class) as peer:
                peer.fill(self.tools, self.arguments.rows)
                rows.append({"name": peer.name, **self.recover_rounds(lambda peer=peer: self.restart(peer))})
        rows.append(self.recover_rocks())
        return rows

    def recover_rounds(self, recover):
        runs = [recover() for _ in range(self.arguments.rounds)]
        return {"seconds": statistics.median(run["seconds"] for run in runs),
                "seconds_best": min(run["seconds"] for run in runs),
                "resident_bytes": runs[-1]["resident_bytes"]}

    def recover_ours(self):
        storage_peers.forget_cache(self.folder / "store")
        figures = self.store("recover")
        if figures["rows"] != self.arguments.rows:
            raise RuntimeError(f"{figures['rows']:.0f} of {self.arguments.rows} rows were recovered")
        return figures

    @staticmethod
    def restart(peer):
        peer.kill()
        storage_peers.forget_cache(peer.folder)
        begin = time.monotonic()
        peer.start()
        return {"seconds": time.monotonic() - begin, "resident_bytes": peer.resident_bytes()}

    def recover_rocks(self):
        name = storage_peers.Rocks.name
        missing = storage_peers.Rocks.missing()
        if missing:
            return {"name": name, "skipped": missing}
        program, folder = self.tools.c("peer_rocksdb"), self.folder / "rocks"

        def recover():
            # An opening leaves tables behind, and no log: each round begins with a copy.
            shutil.rmtree(self.folder / "copy", ignore_errors=True)
            shutil.copytree(folder, self.folder / "copy")
            storage_peers.forget_cache(self.folder / "copy")
            return figures_of([program, "recover", self.folder / "copy"], 600)

        figures_of([program, "fill", folder, self.arguments.rows], 600)
        try:
            return {"name": f"{name}, all in its log", **self.recover_rounds(recover)}
        finally:
            shutil.rmtree(folder)
            shutil.rmtree(self.folder / "copy", ignore_errors=True)

    def snapshot(self):
        """The worst step, and the medians of the rest."""
        runs = []
        for _ in range(self.arguments.rounds):
            shutil.rmtree(self.folder / "store", ignore_errors=True)
            self.store("fill", min(self.arguments.rows, 1000000), "log")
            runs.append(self.store("snapshot", 16, self.arguments.seconds))
        shutil.rmtree(self.folder / "store")
        result = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        result["p99_ratio"] = statistics.median(run["p99_us"] / run["without_p99_us"] for run in runs)
        result["steps_over_1ms"] = sum(run["steps_over_1ms"] for run in runs)
        result["step_cpu_max_us"] = max(run["step_cpu_max_us"] for run in runs)
        return result


# ---- for people ----


def print_storage(result):
    print(f"the store in process, jobs of {result['job_bytes']} bytes with 4 labels; best probe (write + fdatasync of 1 KiB)"
          f" {result['probe_us']:.0f} µs; * the probes beside it were slow: somebody else used the disk")
    printers = {"create": print_create, "sealed": print_sealed, "bytes": print_bytes, "memory": print_memory, "cycles": print_cycles, "recovery": print_recovery,
                "snapshot": print_snapshot}
    for section, show in printers.items():
        if section in result:
            print()
            show(result[section], result)


def print_create(rows, result):
    print("durable creates: jobs/s, p50 and p99 in µs, by how many are in flight; × what we do at that level")
    print(f"{'':26}" + "".join(f"{level:>11}{'p50':>7}{'p99':>8}{'×':>6}" for level in LEVELS))
    ours = rows[0]["levels"]
    for row in rows:
        if "skipped" in row:
            print(f"{row['name']:26}  skipped: {row['skipped']}")
            continue
        line = f"{row['name']:26}"
        for mine, level in zip(ours, row["levels"]):
            line += f"{level['rate']:10,.0f}{'*' if level['noisy'] else ' '}{level['p50_us']:7.0f}{level['p99_us']:8.0f}" \
                    f"{mine['rate'] / level['rate']:6.1f}"
        print(line)
    one = ours[0]
    probe = statistics.mean((one["probe_before_us"], one["probe_after_us"]))
    print(f"p50 with one in flight is {one['p50_us'] / probe:.2f} × the probe beside it (target 1.5);"
          f" targets 40,000 / 100,000 / 200,000 at 16 / 64 / 256")


def print_sealed(rows, _result):
    print(f"the price of a seal: durable creates, {SEALED_IN_FLIGHT} in flight, on a new disk")
    print(f"{'':40}{'jobs/s':>10}{'ratio':>8}{'p50 µs':>8}{'CPU µs/job':>12}{'ratio':>8}")
    for row in rows:
        print(f"{row['name']:40}{row['rate']:10,.0f}{row['rate'] / rows[0]['rate']:8.2f}{row['p50_us']:8.0f}"
              f"{row['cpu_us_per_row']:12.2f}{row['cpu_us_per_row'] / rows[0]['cpu_us_per_row']:8.2f}")


def print_bytes(rows, _result):
    print("bytes written per byte of a job: by the device, journal and all, less what others write; * that was much;"
          " and as asked for by the process")
    print(f"{'':40}{'device':>8}{'target':>8}{'process':>9}{'flushes/job':>13}{'jobs/s':>10}")
    for row in rows:
        target = f"{row['target']:.2f}" if row["target"] else "-"
        device, flushes = "-", "-"
        if "skipped" not in row:
            device = f"{row['bytes_per_byte']:.2f}{'*' if row['noisy'] else ' '}"
            flushes = f"{row['flushes_per_job']:.3f}"
        print(f"{row['name']:40}{device:>8}{target:>8}{row['own_per_byte']:9.2f}{flushes:>13}{row['rate']:10,.0f}"
              + (f"  {row['skipped']}" if "skipped" in row else ""))


def print_memory(memory, _result):
    print(f"memory per job beyond its {memory['row_bytes']:.0f} bytes, of {memory['rows']:,.0f} jobs with 4 labels, one"
          f" unique: {memory['allocated_per_row']:.0f} B allocated, {memory['resident_per_row']:.0f} B resident")
    indexes = sum(memory[key] for key in ("ids", "order", "keys", "texts", "states_times"))
    print(f"  headers of the versions {memory['headers']:.0f} B; indexes {indexes:.0f} B: ids {memory['ids']:.0f},"
          f" order {memory['order']:.0f}, names and labels {memory['keys']:.0f}, wildcards {memory['texts']:.0f},"
          f" states and times {memory['states_times']:.0f}; the rest is the allocator's rounding, and concurrency's")


def print_cycles(figures, _result):
    print(f"{figures['cycles']:,.0f} jobs deleted and made, {figures['live']:,.0f} at a time: after a tenth of them"
          f" {figures['resident_before'] / 1e6:,.1f} MB resident and {figures['allocated_before'] / 1e6:,.1f} MB allocated,"
          f" at the end {figures['resident_after'] / 1e6:,.1f} and {figures['allocated_after'] / 1e6:,.1f};"
          f" {figures['cycles'] / figures['seconds']:,.0f} a second")


def print_recovery(rows, result):
    print(f"{'recovery of ' + format(result['rows'], ',') + ' jobs, cold':32}{'median s':>10}{'best s':>8}"
          f"{'memory MB':>11}")
    for row in rows:
        if "skipped" in row:
            print(f"{row['name']:32}  skipped: {row['skipped']}")
            continue
        print(f"{row['name']:32}{row['seconds']:10.2f}{row['seconds_best']:8.2f}{row['resident_bytes'] / 1e6:11,.0f}")


def print_snapshot(row, _result):
    gigabytes = row["snapshot_bytes"] / 1e9
    print(f"snapshot of {gigabytes:.2f} GB in {row['snapshot_seconds']:.2f} s, {row['snapshot_seconds'] / gigabytes:.2f} s a GB"
          f" (target 3), 16 creates in flight beside it")
    print(f"  p99 of a create {row['p99_us']:.0f} µs, without {row['without_p99_us']:.0f} µs: × {row['p99_ratio']:.2f}"
          f" (target 2); {row['rate']:,.0f} jobs/s, without {row['without_rate']:,.0f}")
    print(f"  the owner's longest step {row['step_cpu_max_us']:.0f} µs of its own CPU time, {row['steps_over_1ms']:.0f} above"
          f" 1 ms (target 0)")
