"""python -m trainer.task --epochs N: what a python_package_spec runs."""

import argparse
import os
import pathlib


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    arguments = parser.parse_args()
    for epoch in range(1, arguments.epochs + 1):
        print(f"epoch {epoch} of {arguments.epochs}", flush=True)
    if "AIP_MODEL_DIR" in os.environ:
        directory = pathlib.Path(os.environ["AIP_MODEL_DIR"])
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "model.txt").write_text(f"{arguments.epochs} epochs\n", encoding="utf-8")
        print(f"saved {directory / 'model.txt'}", flush=True)


if __name__ == "__main__":
    main()
