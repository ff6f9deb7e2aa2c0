"""Learns to tell species and sex of a penguin from four measurements, on all replicas of a job at once.

Each replica keeps its share of the training data, computes the gradient of its own share in every step, and takes the
step with the sum of all gradients (allreduce.py). So all of them have the same model after each step, and it is the one
that a single process with all the data would have. The chief measures it on penguins that nobody trained with.
"""

import argparse
import csv
import hashlib
import json
import math
import pathlib
import random
import struct
import sys
import time

from allreduce import Cluster, Group
from model import Adam, Model

MEASURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
SEED = 2007
HELD_OUT = 4  # one penguin in so many
HIDDEN_UNITS = 12
LEARNING_RATE = 0.005


def read_penguins(path):
    """[([measurement, …], "Adelie female"), …], without the few of whom something was not noted down."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if all(row[name] not in ("", "NA") for name in (*MEASURES, "sex"))]
    return [([float(row[name]) for name in MEASURES], f"{row['species']} {row['sex']}") for row in rows]


def split(penguins, cluster):
    """Shuffled alike by every replica; then each takes its own share of the training data."""
    penguins = list(penguins)
    random.Random(SEED).shuffle(penguins)
    held_out = penguins[::HELD_OUT]
    training = [penguin for i, penguin in enumerate(penguins) if i % HELD_OUT]
    return training[cluster.rank :: cluster.size], held_out


def spread(group, share):
    """Mean and standard deviation of each measurement over all replicas, though none sees the others' data."""
    columns = list(zip(*(measures for measures, _ in share)))
    sums = [sum(column) for column in columns] + [sum(value * value for value in column) for column in columns]
    *sums, count = group.sum([*sums, len(share)])
    means = [total / count for total in sums[: len(MEASURES)]]
    squares = [total / count for total in sums[len(MEASURES) :]]
    return means, [math.sqrt(square - mean * mean) for square, mean in zip(squares, means)]


def scale(penguins, kinds, means, deviations):
    return [
        ([(value - mean) / deviation for value, mean, deviation in zip(measures, means, deviations)],
         kinds.index(name))
        for measures, name in penguins
    ]


def count_right(model, examples):
    return sum(model.predict(features) == label for features, label in examples)


def train(group, model, share, held_out, steps):
    """All steps; the chief tells how it goes, the others tell of their own share."""
    optimiser = Adam(len(model.parameters), LEARNING_RATE)
    is_chief = group.cluster.rank == 0
    for step in range(1, steps + 1):
        own = model.gradient(share)
        *gradient, loss, count = group.sum([*own, len(share)])
        optimiser.step(model.parameters, [slope / count for slope in gradient])
        if is_chief and (step % (steps // 6 or 1) == 0 or step == steps // 30):
            right = count_right(model, held_out)
            print(f"step {step:3d}: loss {loss / count:.4f} over {count:.0f} penguins, "
                  f"{100 * right / len(held_out):.1f} % of the held-out ones right")
        elif not is_chief and step % (steps // 2 or 1) == 0:
            print(f"step {step:3d}: loss {own[-1] / len(share):.4f} over my {len(share)} penguins")


def checksum(model):
    return hashlib.sha256(struct.pack(f"!{len(model.parameters)}d", *model.parameters)).hexdigest()[:16]


def save(directory, model, kinds, means, deviations, accuracy):
    path = pathlib.Path(directory) / "model.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({
        "kinds": kinds, "measures": MEASURES, "means": means, "deviations": deviations,
        "hidden_units": model.hidden, "parameters": model.parameters, "held_out_accuracy": accuracy,
    }, indent=1) + "\n", encoding="utf-8")
    return path


def report(arguments, model, held_out, kinds, means, deviations):
    right = count_right(model, held_out)
    accuracy = right / len(held_out)
    for label, name in enumerate(kinds):
        own = [example for example in held_out if example[1] == label]
        print(f"{name:<16} {count_right(model, own):2d} of {len(own):2d} right")
    if arguments.model_dir:
        print(f"saved {save(arguments.model_dir, model, kinds, means, deviations, accuracy)}")
    print(f"held-out accuracy {100 * accuracy:.1f} % ({right} of {len(held_out)} penguins)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=pathlib.Path(__file__).with_name("penguins.csv"))
    parser.add_argument("--model-dir", help="where the chief leaves model.json; default: nowhere")
    parser.add_argument("--steps", type=int, default=300)
    arguments = parser.parse_args()

    cluster = Cluster.of_environment()
    penguins = read_penguins(arguments.data)
    kinds = sorted({name for _, name in penguins})
    share, held_out = split(penguins, cluster)
    print(f"rank {cluster.rank} of {cluster.size}, chief at {cluster.chief[0]}:{cluster.chief[1]}, "
          f"{len(share)} of {len(penguins)} penguins to train with")
    group = Group(cluster)
    means, deviations = spread(group, share)
    share = scale(share, kinds, means, deviations)
    held_out = scale(held_out, kinds, means, deviations)
    model = Model(len(MEASURES), HIDDEN_UNITS, len(kinds), SEED)
    started = time.monotonic()
    train(group, model, share, held_out, arguments.steps)
    seconds = time.monotonic() - started
    print(f"{arguments.steps} steps in {seconds:.1f} s, {group.bytes_sent / 1024:.0f} KiB of gradients sent, "
          f"weights {checksum(model)}")
    if cluster.rank == 0:
        report(arguments, model, held_out, kinds, means, deviations)
    sys.stdout.flush()
    group.close()


if __name__ == "__main__":
    try:
        main()
    except (OSError, KeyError, ValueError) as error:
        sys.exit(f"train.py: {type(error).__name__}: {error}")
