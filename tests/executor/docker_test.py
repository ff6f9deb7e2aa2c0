#!/usr/bin/env python3
"""Runs the tests of executor_test that need a Docker engine (suites Docker…) beside an engine of their own."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import docker_engine  # noqa: E402

SKIPPED = 77


def main():
    build = pathlib.Path(os.environ.get("CUSTOMJOBD_BUILD_DIR", "build"))
    try:
        engine = docker_engine.Engine().start()
    except docker_engine.Unavailable as reason:
        print(f"skipped: {reason}")
        return SKIPPED
    registry = docker_engine.Registry()
    try:
        engine.import_image()
        engine.import_image("customjobd-test:user", ["USER worker", "WORKDIR /home/worker/dir"])
        engine.import_image("customjobd-test:nobody", ["USER not-there"])
        engine.import_image("customjobd-test:entry", [
            'ENTRYPOINT ["/bin/sh", "-c", "echo entry $0 $*"]', 'CMD ["one", "two"]', "ENV GREETING=hello"])
        environment = {**os.environ, "CUSTOMJOBD_TEST_DOCKER": engine.socket,
                       "CUSTOMJOBD_TEST_REGISTRY": registry.address,
                       "CUSTOMJOBD_TEST_GUARDED_REGISTRY": registry.guarded}
        command = [build / "tests" / "executor_test", "--gtest_filter=Docker*", *sys.argv[1:]]
        code = subprocess.run([str(word) for word in command], env=environment, check=False).returncode
        left = engine.containers() + engine.networks()
        if left:
            print(f"left behind: {' '.join(left)}")
        return code or (1 if left else 0)
    finally:
        registry.close()
        engine.close()


if __name__ == "__main__":
    sys.exit(main())
