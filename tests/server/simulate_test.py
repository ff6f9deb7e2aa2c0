#!/usr/bin/env python3
"""A server that simulates, from outside: its clock, its scenario, and the example of docs/simulate.md."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "lib"))
from server_fixture import Server, bin_dir, running  # noqa: E402

VIRTUAL = ("--clock", "virtual")
START = "2030-01-01T00:00:00Z"


def run(server, *words, code=0):
    done = subprocess.run([bin_dir() / "customjob", "--endpoint", server.address, *words], capture_output=True, text=True,
                          timeout=60, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def create(server, *flags):
    return run(server, "create", "--quiet", *flags, "--", "program").strip()


def job(server, name):
    return json.loads(run(server, "get", name, "--format", "json"))


def clock(server):
    return json.loads(run(server, "simulation", "clock", "--format", "json"))


def scenario_of(document):
    """The YAML of §4 of the page."""
    return re.search(r"```yaml\n(.*?)```", document, re.S).group(1)


def the_page_s_example_runs(document):
    program = re.search(r"```python\n(.*?)```", document, re.S).group(1)
    path = f"{bin_dir()}:{os.environ['PATH']}"
    with running(*VIRTUAL, executor="simulate") as server:
        done = subprocess.run([sys.executable, "-c", program, server.address], capture_output=True, text=True, timeout=60,
                              check=False, env={**os.environ, "PATH": path})
        assert done.returncode == 0, done.stderr
        assert "scheduling.timeout of 604800s" in done.stdout, done.stdout


def the_page_s_scenario_is_what_happens(document):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scenario.yaml"
        path.write_text(scenario_of(document))
        with running(*VIRTUAL, "--simulate-scenario", path, executor="simulate") as server:
            name = create(server, "--display-name=train-1", "--replicas=2")
            assert job(server, name)["state"] == "JOB_STATE_PENDING"
            run(server, "simulation", "advance", "3m")
            assert job(server, name)["state"] == "JOB_STATE_RUNNING", job(server, name)
            run(server, "simulation", "advance", "2h")  # the worker is preempted on the way, and all begins anew
            run(server, "simulation", "advance", "12h")
            done = job(server, name)
            assert done["state"] == "JOB_STATE_SUCCEEDED", done
            log = run(server, "logs", name)
            assert "epoch 12 done" in log and "attempt 2" in log and "preempted" in log, log
            times = [line.split()[0] for line in run(server, "logs", name, "--timestamps", "--replica=workerpool0-0")
                     .splitlines() if "epoch 1 done" in line]
            assert times and all(time.startswith("2030-01-01T") for time in times), times


def run_twice_it_is_the_same(document):
    def history():
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "scenario.json"
            path.write_text(json.dumps({"seed": 7, "replicas": [
                {"match": {"probability": 0.3}, "duration": {"min": "1s", "max": "1h"}, "signal": "SIGKILL"},
                {"duration": {"min": "1m", "max": "2h"}, "start_delay": {"min": "0s", "max": "10m"}}]}))
            with running(*VIRTUAL, "--simulate-scenario", path, executor="simulate") as server:
                for _ in range(10):
                    create(server)
                    run(server, "simulation", "advance", "10m")
                run(server, "simulation", "advance", "7d")
                return run(server, "list", "--format", "json")
    del document
    one = history()
    assert one == history()
    assert "JOB_STATE_SUCCEEDED" in one and "RUNNING" not in one, one


def time_goes_on_from_where_it_was(document):
    del document
    server = Server(*VIRTUAL, executor="simulate")
    try:
        server.start()
        assert clock(server) == {"time": START, "isVirtual": True}
        name = create(server, "--labels=simulate-duration=5h")
        run(server, "simulation", "advance", "3h")
        server.kill()
        server.start()
        assert clock(server)["time"] == "2030-01-01T03:00:00Z"
        assert job(server, name)["state"] == "JOB_STATE_RUNNING"
        run(server, "simulation", "advance", "5h")
        done = job(server, name)
        assert (done["startTime"], done["endTime"]) == (START, "2030-01-01T05:00:00Z"), done
        log = run(server, "logs", name, "--replica=workerpool0-0", "--timestamps")
        assert "2030-01-01T00:00:00.000Z" in log and "2030-01-01T05:00:00.000Z" in log, log
        assert server.stop() == 0
        (server.data_dir / "virtual-clock").write_text("noon\n")
        try:
            server.start()
            raise AssertionError("it started with a clock that tells no time")
        except RuntimeError as error:
            assert "ended with 3" in str(error) and "virtual-clock holds no time" in str(error), error
    finally:
        server.kill()
        server.remove()


def a_server_in_an_advance_stops_when_it_is_told(document):
    del document
    scenario = {"replicas": [{"duration": "365d", "log": [{"every": "1s", "text": "still there"}]}]}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scenario.json"
        path.write_text(json.dumps(scenario))
        with running(*VIRTUAL, "--simulate-scenario", path, executor="simulate") as server:
            create(server)
            advance = subprocess.Popen([bin_dir() / "customjob", "simulation", "advance", "6d", "--endpoint",
                                        server.address], stderr=subprocess.PIPE, text=True)
            server.process.send_signal(signal.SIGTERM)
            told = advance.communicate(timeout=60)[1]
            assert advance.returncode in (0, 5), (advance.returncode, told)


def a_clock_that_is_the_system_s_is_not_advanced(document):
    del document
    with running(executor="simulate") as server:
        assert "isVirtual" not in clock(server)
        assert "--clock=virtual" in run(server, "simulation", "advance", "1s", code=1)
        assert "longer than" in run(server, "simulation", "advance", "366000d", code=2)
    with running() as server:
        assert "--executor=simulate" in run(server, "simulation", "clock", code=1)
    with running(*VIRTUAL, executor="simulate") as server:
        assert "2199" in run(server, "simulation", "advance", "100000d", code=1)


def faults_meet_the_calls_they_are_meant_for(document):
    del document
    with running(*VIRTUAL, executor="simulate") as server:
        name = create(server)
        run(server, "simulation", "fault", "GetCustomJob", "--code=UNAVAILABLE", "--count=2", "--message=not now")
        for _ in range(2):
            assert "not now" in run(server, "get", name, code=5)
        assert job(server, name)["name"] == name

        # The answer is lost: the job is there, and only who asks with the same key gets it.
        for key, jobs in ((["--request-id=once"], 2), ([], 4)):
            run(server, "simulation", "fault", "CreateCustomJob", "--code=UNAVAILABLE", "--count=1", "--answer-lost")
            run(server, "create", *key, "--", "program", code=5)
            create(server, *key)
            assert len(json.loads(run(server, "list", "--format", "json"))) == jobs
        hits = [fault["hits"] for fault in json.loads(run(server, "simulation", "faults", "--format", "json"))["faults"]]
        assert hits == ["2", "1", "1"], hits

        run(server, "simulation", "heal")
        run(server, "simulation", "fault", "*", "--latency=10m")
        run(server, "get", name, "--timeout=500ms", code=5)
        run(server, "simulation", "heal")
        assert job(server, name)["name"] == name
        run(server, "simulation", "fault", "Tail", "--code=INTERNAL", "--count=1")
        run(server, "logs", name, code=1)
        assert "Job is running" in run(server, "logs", name)
        assert "status such as" in run(server, "simulation", "fault", "*", "--code=BROKEN", code=2)
        assert "above 0" in run(server, "simulation", "fault", "*", "--code=ABORTED", "--probability=2", code=2)


def faults_of_a_scenario_count_from_the_start(document):
    del document
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scenario.yaml"
        path.write_text("faults: [{method: CreateCustomJob, code: RESOURCE_EXHAUSTED, message: full, count: 1}]")
        with running("--simulate-scenario", path, executor="simulate") as server:
            assert "full" in run(server, "create", "--", "program", code=1)
            create(server)


def options_that_make_no_sense_are_refused(document):
    del document
    for flags, executor, told in ((VIRTUAL, "process", "--clock virtual needs --executor simulate"),
                                  (("--simulate-scenario", "x"), "process", "--simulate-scenario x needs"),
                                  (("--simulate-scenario", "/nowhere"), "simulate", "the scenario file /nowhere"),
                                  ((*VIRTUAL, "--clock-start", "noon"), "simulate", "--clock-start noon: a time such")):
        server = Server(*flags, executor=executor)
        try:
            server.start()
            raise AssertionError(f"{flags} were taken")
        except RuntimeError as error:
            assert "ended with 2" in str(error) and told in str(error), error
        finally:
            server.kill()
            server.remove()


def main():
    document = (ROOT / "docs" / "simulate.md").read_text()
    for test in (the_page_s_example_runs, the_page_s_scenario_is_what_happens, run_twice_it_is_the_same,
                 time_goes_on_from_where_it_was, a_server_in_an_advance_stops_when_it_is_told,
                 a_clock_that_is_the_system_s_is_not_advanced, faults_meet_the_calls_they_are_meant_for,
                 faults_of_a_scenario_count_from_the_start, options_that_make_no_sense_are_refused):
        test(document)
        print(f"ok {test.__name__}", flush=True)


if __name__ == "__main__":
    main()
