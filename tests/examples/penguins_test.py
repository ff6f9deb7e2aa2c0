#!/usr/bin/env python3
"""The training program of examples/penguins without a server: its gradient, its sum over TCP, its failures."""

import contextlib
import json
import os
import pathlib
import random
import socket
import struct
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
PENGUINS = ROOT / "examples" / "penguins"
sys.path.insert(0, str(PENGUINS))

from model import Model  # noqa: E402

PROGRAM_SECONDS = 60
MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


def check(condition, *told):
    if not condition:
        raise AssertionError(told)


def gradient_is_the_slope_of_the_loss():
    dice = random.Random(11)
    model = Model(3, 4, 2, seed=5)
    examples = [([dice.gauss(0, 1) for _ in range(3)], dice.randrange(2)) for _ in range(7)]
    gradient = model.gradient(examples)
    check(len(gradient) == len(model.parameters) + 1)
    step = 1e-6
    for i, kept in enumerate(model.parameters):
        losses = []
        for value in (kept - step, kept + step):
            model.parameters[i] = value
            losses.append(model.gradient(examples)[-1])
        model.parameters[i] = kept
        slope = (losses[1] - losses[0]) / (2 * step)
        check(abs(slope - gradient[i]) < 1e-5, i, slope, gradient[i])


def write_penguins(path):
    """Made up, but as easy to tell apart as the real ones."""
    dice = random.Random(3)
    lines = ["species,sex," + ",".join(MEASURES)]
    for number in range(120):
        species, centre = (("Adelie", 0), ("Gentoo", 4))[number % 2]
        lines.append(f"{species},female," + ",".join(f"{centre + dice.gauss(0, 1):.3f}" for _ in MEASURES))
    lines.append("Adelie,NA,1,1,1,1")
    path.write_text("\n".join(lines) + "\n")


def start(specs, folder, *arguments):
    return [
        subprocess.Popen([sys.executable, "-u", PENGUINS / "train.py", "--data", folder / "penguins.csv", *arguments],
                         env={"PATH": os.environ["PATH"], "CLUSTER_SPEC": json.dumps(spec)}, text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for spec in specs
    ]


def cluster(size, port):
    pools = {"workerpool0": [f"127.0.0.1:{port}"], "workerpool1": [f"127.0.0.1:{number}" for number in range(1, size)]}
    tasks = [("workerpool0", 0)] + [("workerpool1", index) for index in range(size - 1)]
    if size == 1:
        del pools["workerpool1"]
    return [{"cluster": pools, "task": {"type": kind, "index": index}} for kind, index in tasks]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def finish(processes):
    """Exit codes, outputs and errors; nothing is left running."""
    try:
        told = [process.communicate(timeout=PROGRAM_SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return [process.returncode for process in processes], [out for out, _ in told], [err for _, err in told]


def weights_of(output):
    return output.split(", weights ")[1].split()[0]


def three_replicas_learn_what_one_would(folder):
    write_penguins(folder / "penguins.csv")
    codes, outputs, errors = finish(start(cluster(3, free_port()), folder, "--model-dir", folder / "three"))
    check(codes == [0, 0, 0], errors)
    check(len({weights_of(output) for output in outputs}) == 1, outputs)
    codes, alone, errors = finish(start(cluster(1, free_port()), folder, "--model-dir", folder / "one"))
    check(codes == [0], errors)
    three, one = (json.loads((folder / name / "model.json").read_text()) for name in ("three", "one"))
    check(three["held_out_accuracy"] > 0.9, three["held_out_accuracy"])
    check(three["held_out_accuracy"] == one["held_out_accuracy"], outputs[0], alone[0])
    far = max(abs(left - right) for left, right in zip(three["parameters"], one["parameters"]))
    check(far < 1e-6, far)  # the same sums, in another order


def connect_when_it_listens(port, chief):
    while chief.poll() is None:
        with contextlib.suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port), timeout=PROGRAM_SECONDS)
    raise AssertionError("the chief ended before it listened")


def a_replica_that_goes_away_ends_the_others(folder):
    port = free_port()
    processes = start(cluster(3, port)[:2], folder, "--steps", "100000")
    with connect_when_it_listens(port, processes[0]) as third:
        third.sendall(struct.pack("!4sII", b"SUM1", 2, 3))
    codes, _, errors = finish(processes)
    check(codes == [1, 1], codes, errors)
    check("closed the connection" in errors[0], errors[0])


def main():
    gradient_is_the_slope_of_the_loss()
    print("ok penguins: the gradient is the slope of the loss", flush=True)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        three_replicas_learn_what_one_would(folder)
        print("ok penguins: three replicas learn what one would", flush=True)
        a_replica_that_goes_away_ends_the_others(folder)
        print("ok penguins: a replica that goes away ends the others", flush=True)


if __name__ == "__main__":
    main()
