/* Scenario files: what is taken of them, and what is said of those that make no sense. */
#include <gtest/gtest.h>

#include <signal.h>

#include <fstream>

#include "job/simulation_file.h"
#include "tests/lib/temp_dir.h"

namespace {

struct File {
    explicit File(const std::string &text)
    {
        path = dir.path() + "/scenario.yaml";
        std::ofstream(path) << text;
        result = simulation_file_open(path.c_str(), &file, &err);
    }
    ~File() { simulation_file_close(file); }
    const struct simulate_rule &rule(size_t index) { return simulation_file_scenario(file)->rules[index]; }

    TempDir dir;
    std::string path;
    struct err err = ERR_INIT;
    struct simulation_file *file = nullptr;
    int result;
};

const char whole[] = R"(
seed: 42
replicas:
  - match: {display_name: "train-*", replica: workerpool1-*, labels: {team: vision}, job_attempt: 2, restart: 1, probability: 0.5}
    start_delay: 90s
    duration: {min: 1h, max: 3h}
    signal: SIGSEGV
    stop_time: 10s
    log:
      - {at: 0s, text: "hello"}
      - {every: 10m, text: "epoch {n}", stream: stderr}
  - {end: preempted, duration: 5d}
faults:
  - {method: "*/CreateCustomJob", code: UNAVAILABLE, message: try again, count: 2, probability: 0.25, answer_lost: true}
  - {latency: 200ms}
)";

TEST(SimulationFile, EveryKeyIsTaken)
{
    File file(whole);
    ASSERT_EQ(file.result, 0) << file.err.text;
    const struct simulate_scenario *scenario = simulation_file_scenario(file.file);
    EXPECT_EQ(scenario->seed, 42u);
    ASSERT_EQ(scenario->rule_count, 2u);
    const struct simulate_rule &rule = file.rule(0);
    EXPECT_STREQ(rule.display_name, "train-*");
    EXPECT_STREQ(rule.replica, "workerpool1-*");
    ASSERT_EQ(rule.label_count, 1u);
    EXPECT_STREQ(rule.labels[0].name, "team");
    EXPECT_STREQ(rule.labels[0].value, "vision");
    EXPECT_EQ(rule.job_attempt, 2u);
    EXPECT_EQ(rule.restart, 1);
    EXPECT_EQ(rule.probability, 0.5);
    EXPECT_EQ(rule.start_delay.least_ns, 90 * CLOCK_NS_PER_S);
    EXPECT_EQ(rule.duration.least_ns, 3600 * CLOCK_NS_PER_S);
    EXPECT_EQ(rule.duration.most_ns, 3 * 3600 * CLOCK_NS_PER_S);
    EXPECT_EQ(rule.term_signal, SIGSEGV);
    EXPECT_EQ(rule.exit_code, -1);
    EXPECT_EQ(rule.stop_ns, 10 * CLOCK_NS_PER_S);
    ASSERT_EQ(rule.line_count, 2u);
    EXPECT_EQ(rule.lines[0].at_ns, 0);
    EXPECT_EQ(rule.lines[1].at_ns, 600 * CLOCK_NS_PER_S) << "every: from the first time on";
    EXPECT_EQ(rule.lines[1].stream, LOG_STREAM_STDERR);
    EXPECT_EQ(file.rule(1).end, SIMULATE_END_PREEMPTED);
    EXPECT_EQ(file.rule(1).restart, -1);
    EXPECT_EQ(file.rule(1).probability, 1);

    size_t count = 0;
    const struct call_fault *faults = simulation_file_faults(file.file, &count);
    ASSERT_EQ(count, 2u);
    EXPECT_STREQ(faults[0].method, "*/CreateCustomJob");
    EXPECT_EQ(faults[0].code, 14);
    EXPECT_STREQ(faults[0].message, "try again");
    EXPECT_EQ(faults[0].count, 2u);
    EXPECT_EQ(faults[0].probability, 0.25);
    EXPECT_TRUE(faults[0].answer_lost);
    EXPECT_STREQ(faults[1].method, "*");
    EXPECT_EQ(faults[1].code, 0);
    EXPECT_EQ(faults[1].latency_ns, 200 * CLOCK_NS_PER_MS);
}

TEST(SimulationFile, JsonIsTakenToo)
{
    File file(R"({"seed": 7, "replicas": [{"match": {"display_name": "x"}, "exit_code": 3}]})");
    ASSERT_EQ(file.result, 0) << file.err.text;
    EXPECT_EQ(simulation_file_scenario(file.file)->seed, 7u);
    EXPECT_EQ(file.rule(0).exit_code, 3);
}

TEST(SimulationFile, AnEmptyOneSaysNothing)
{
    File file("");
    ASSERT_EQ(file.result, 0) << file.err.text;
    EXPECT_EQ(simulation_file_scenario(file.file)->rule_count, 0u);
}

TEST(SimulationFile, WhatMakesNoSenseIsRefusedByLineAndKey)
{
    const struct {
        const char *text, *told;
    } rows[] = {
        {"replica: []", ":1: a scenario has no key 'replica'; there are seed, replicas, faults"},
        {"seed: -1", ":1: seed: '-1' is no whole number of 0 or more"},
        {"seed: 1\nseed: 2", ":2: a scenario has the key seed twice"},
        {"replicas: {}", ":1: replicas is a list"},
        {"replicas:\n  - duration: 5 minutes", ":2: duration: \"5 minutes\" is no duration"},
        {"replicas:\n  - duration: {min: 2h, max: 1h}", ":2: duration: max is missing, or less than min"},
        {"replicas:\n  - duration: {min: 2h}", ":2: duration: max is missing, or less than min"},
        {"replicas:\n  - exit_code: 256", ":2: exit_code: \"256\" is no exit code"},
        {"replicas:\n  - signal: SIGNOPE", ":2: signal: \"SIGNOPE\" is no signal"},
        {"replicas:\n  - end: badly", ":2: end: 'badly' is none of exit, oom, preempted, start-failed"},
        {"replicas:\n  - match: {probability: 2}", ":2: probability: '2' is no number from 0 to 1"},
        {"replicas:\n  - match: {job_attempt: 0}", ":2: job_attempt counts from 1"},
        {"replicas:\n  - log:\n    - {at: 1s}", ":3: a line of a log has no text"},
        {"replicas:\n  - log:\n    - {every: 1ms, text: x}", ":3: every: a line comes once a second at most"},
        {"replicas:\n  - log:\n    - {text: x, stream: out}", ":3: stream: 'out' is neither stdout nor stderr"},
        {"faults:\n  - code: BROKEN", ":2: code: 'BROKEN' is no status code such as UNAVAILABLE"},
        {"faults:\n  - latency: 11m", ":2: latency: more than 10m, the limit"},
        {"faults:\n  - answer_lost: yes", ":2: answer_lost: 'yes' is neither true nor false"},
        {"- seed", ":1: a scenario is a mapping of keys to values"},
        {"seed: [1", ":2: this is neither YAML nor JSON"},
    };
    for (const auto &row : rows) {
        File file(row.text);
        EXPECT_EQ(file.result, -1) << row.text;
        EXPECT_EQ(file.err.code, ERR_INVALID) << row.text;
        EXPECT_NE(std::string(file.err.text).find(row.told), std::string::npos) << file.err.text << "\n" << row.told;
    }
}

TEST(SimulationFile, OneThatIsNotThereIsNamed)
{
    struct err err = ERR_INIT;
    struct simulation_file *file = nullptr;
    EXPECT_EQ(simulation_file_open("/nowhere/scenario.yaml", &file, &err), -1);
    EXPECT_STREQ(err.text, "cannot open the scenario file /nowhere/scenario.yaml: No such file or directory");
}

} // namespace
