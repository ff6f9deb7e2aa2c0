/* The server dies and another one takes over; or the supervisor dies, or the host. */
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "process_house.h"

namespace {

/* Holds the program until the test opens the gate. */
struct Gate {
    explicit Gate(const std::string &path) : path(path) { EXPECT_EQ(mkfifo(path.c_str(), 0600), 0); }
    std::string Wait() const { return "read x < " + path + "; "; }
    void Open() const { std::ofstream(path) << "go\n"; }
    std::string path;
};

TEST(ProcessAdopt, TakesOverALivingReplica)
{
    ProcessHouse house;
    Gate gate(house.Path("gate"));
    house.Open();
    house.Start(Key(1), Shell("echo ran >> " + house.Path("ran") + "; " + gate.Wait() + "exit 7"));
    int64_t pid = house.told.Wait(Key(1), EXECUTION_EVENT_STARTED).pid;
    house.Crash();
    EXPECT_TRUE(IsAlive(pid));
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    EXPECT_EQ(house.told.Wait(Key(1), EXECUTION_EVENT_STARTED).pid, pid);
    gate.Open();
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, 7);
    EXPECT_EQ(Slurp(house.Path("ran")), "ran\n");
}

TEST(ProcessAdopt, StopsWhatItTookOver)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("exec sleep 1000"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Crash();
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    house.Stop(Key(1), 10000); /* before anything was told */
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_STARTED), 1u);
}

TEST(ProcessAdopt, LearnsTheEndOfOneThatEndedMeanwhile)
{
    ProcessHouse house;
    Gate gate(house.Path("gate"));
    house.Open();
    house.Start(Key(1), Shell(gate.Wait() + "echo last words >&2; exit 9"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Crash();
    gate.Open();
    ASSERT_TRUE(Eventually([&] { return house.History(Key(1)).has_exit; }));
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, 9);
    EXPECT_EQ(end.stderr_tail, "last words\n");
    EXPECT_EQ(end.time_unix_ns, house.History(Key(1)).exit.time_unix_ns);
    EXPECT_EQ(house.told.All()[0].kind, EXECUTION_EVENT_STARTED);
}

TEST(ProcessAdopt, KeepsTheErrorOfAProgramThatCouldNotBeRun)
{
    ProcessHouse house;
    house.Open();
    Program program;
    program.argv = {"/etc/passwd"};
    house.Start(Key(1), program);
    std::string message = house.told.Wait(Key(1), EXECUTION_EVENT_START_FAILED).message;
    house.Crash();
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    EXPECT_EQ(house.told.Wait(Key(1), EXECUTION_EVENT_START_FAILED).message, message);
    EXPECT_EQ(message, "The program could not be run: execve /etc/passwd: Permission denied.");
}

TEST(ProcessAdopt, WhatWasNeverLaunchedIsSafeToStart)
{
    ProcessHouse house;
    house.Open();
    house.Adopt(Key(1));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_NOT_LAUNCHED);
    /* Likewise when the crash came after the files and before the supervisor; a supervisor still on its way then
     * finds the attempt void. */
    std::string dir = house.AttemptPath(Key(2));
    std::filesystem::create_directories(dir + "/home");
    for (const char *name : {"argv", "env", "conf", "lock"})
        std::ofstream(dir + "/" + name) << (std::string(name) == "argv" ? std::string("/bin/true\0", 10) : "");
    house.Adopt(Key(2));
    EXPECT_EQ(house.told.WaitEnd(Key(2)).kind, EXECUTION_EVENT_NOT_LAUNCHED);
    EXPECT_FALSE(std::filesystem::exists(dir + "/lock"));
    house.told.Forget();
    house.Start(Key(2), Shell("exit 4"));
    EXPECT_EQ(house.told.WaitEnd(Key(2)).exit_code, 4);
}

TEST(ProcessAdopt, KilledSupervisorIsALossAndNothingIsLeftRunning)
{
    ProcessHouse house;
    house.Open();
    std::string pids = house.Path("pids");
    house.Start(Key(1), Shell("echo $$ >> " + pids +
                              "; for i in 1 2 3; do setsid sh -c '(echo $$ >/dev/null; sh -c \"echo "
                              "\\$PPID\" >> " +
                              pids +
                              "; while :; do sleep 1000; done) & exit 0'; done; "
                              "while [ $(wc -l < " +
                              pids + ") -lt 4 ]; do :; done; echo ready; sleep 1000"));
    ASSERT_TRUE(Eventually([&] { return Texts(ReadLogs(house.get(), 1)) == "ready\n"; }));
    ASSERT_EQ(kill(static_cast<pid_t>(house.SupervisorPid(Key(1))), SIGKILL), 0);
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_LOST);
    EXPECT_EQ(end.message, "Its supervisor was killed.");
    std::ifstream file(pids);
    int count = 0;
    for (int64_t pid; file >> pid; count++)
        EXPECT_FALSE(IsAlive(pid));
    EXPECT_EQ(count, 4);
}

/* Without a control group the leftovers are found by the environment they inherited, on the whole host. */
TEST(ProcessAdopt, KilledSupervisorWithoutControlGroupLeavesNothingEither)
{
    ProcessHouse house;
    house.Open();
    std::string pids = house.Path("pids");
    house.Start(Key(1), Shell("setsid sh -c '(sh -c \"echo \\$PPID\" >> " + pids +
                              "; while :; do sleep 1000; done) & exit 0'; "
                              "while [ ! -s " +
                              pids + " ]; do :; done; echo ready; sleep 1000"));
    ASSERT_TRUE(Eventually([&] { return Texts(ReadLogs(house.get(), 1)) == "ready\n"; }));
    house.Crash();
    std::filesystem::remove(house.AttemptPath(Key(1)) + "/cgroup");
    int64_t supervisor = house.SupervisorPid(Key(1));
    ASSERT_EQ(kill(static_cast<pid_t>(supervisor), SIGKILL), 0);
    ASSERT_TRUE(Eventually([&] { return !IsAlive(supervisor); }));
    int64_t daemon = std::stoll(Slurp(pids));
    EXPECT_TRUE(IsAlive(daemon));
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_LOST);
    EXPECT_TRUE(Eventually([&] { return !IsAlive(daemon); })) << "killed, but it never ended";
}

/* Groups that limit a replica go with it, also when its supervisor cannot remove them any more. */
TEST(ProcessAdopt, KilledSupervisorLeavesNoControlGroups)
{
    ProcessHouse house;
    house.Open();
    Program program = Shell("echo ready; sleep 1000");
    program.limits = {1000, 1 << 30, 100, nullptr};
    house.Start(Key(1), program);
    ASSERT_TRUE(Eventually([&] { return Texts(ReadLogs(house.get(), 1, "workerpool0-0")) == "ready\n"; }));
    std::string groups = Slurp(house.AttemptPath(Key(1)) + "/cgroup");
    int64_t supervisor = house.SupervisorPid(Key(1));
    ASSERT_EQ(kill(static_cast<pid_t>(supervisor), SIGKILL), 0);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_LOST);
    int found = 0;
    for (size_t at = 0, end; (end = groups.find('\n', at)) != std::string::npos; at = end + 1) {
        std::string path = groups.substr(groups.find('/', at), end - groups.find('/', at));
        EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(path); })) << path;
        found++;
    }
    if (found == 0)
        GTEST_SKIP() << "no control groups can be made here";
}

TEST(ProcessLimits, EndAReplicaThatTakesTooMuchMemoryAndTellWhatItHad)
{
    ProcessHouse house;
    house.Open();
    Program program;
    program.argv = {"/usr/bin/python3", "-c", "x = bytearray(256 << 20)"};
    program.limits.memory_bytes = 64 << 20;
    house.Start(Key(1), program);
    Event end = house.told.WaitEnd(Key(1));
    std::vector<Line> told = ReadLogs(house.get(), 1);
    if (!told.empty() && told[0].text.find("not held to their memory") != std::string::npos)
        GTEST_SKIP() << told[0].text;
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_TRUE(end.oom_killed);
    EXPECT_EQ(end.term_signal, SIGKILL);
    EXPECT_GT(end.peak_memory_bytes, uint64_t(1) << 20);
}

TEST(ProcessLimits, SayOnceInTheJobsLogWhatCannotBeLimited)
{
    ProcessHouse house;
    house.Open();
    Program program = Shell("exit 0");
    program.limits = {1000, 1 << 30, 0, nullptr};
    house.Start(Key(1), program);
    house.told.WaitEnd(Key(1));
    bool limited = Slurp(house.AttemptPath(Key(1)) + "/cgroup").find("memory /") != std::string::npos;
    EXPECT_EQ(limited, ReadLogs(house.get(), 1).empty());
}

/* Another boot: what runs under the old numbers is somebody else. */
TEST(ProcessAdopt, HostThatWentDownIsALossAndNobodyIsKilled)
{
    ProcessHouse house;
    house.Open();
    std::string dir = house.AttemptPath(Key(1));
    std::filesystem::create_directories(dir);
    std::ofstream(dir + "/lock");
    supervisor_event launch{}, run{};
    launch.seq = 1;
    launch.time_unix_ns = 1;
    launch.kind = SUPERVISOR_EVENT_LAUNCH;
    launch.of.launch.pid = getpid();
    memset(launch.of.launch.boot_id, 0, sizeof launch.of.launch.boot_id);
    memset(launch.of.launch.boot_id, '0', sizeof launch.of.launch.boot_id - 1);
    run.seq = 2;
    run.time_unix_ns = 5;
    run.kind = SUPERVISOR_EVENT_RUN;
    run.of.run.pid = getpid();
    std::string bytes = SUPERVISOR_MAGIC;
    for (const supervisor_event &event : {launch, run}) {
        char frame[SUPERVISOR_FRAME_HEAD_BYTES + SUPERVISOR_MESSAGE_BYTES];
        bytes.append(frame, supervisor_frame_encode(&event, frame, sizeof frame));
    }
    std::ofstream(dir + "/events") << bytes;
    house.Adopt(Key(1));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_LOST);
    EXPECT_EQ(end.message, "The host went down while it ran.");
    EXPECT_EQ(house.told.Wait(Key(1), EXECUTION_EVENT_STARTED).time_unix_ns, 5);
}

TEST(ProcessAdopt, UnreadableHistoryCountsAsLaunched)
{
    ProcessHouse house;
    house.Open();
    std::string dir = house.AttemptPath(Key(1));
    std::filesystem::create_directories(dir);
    std::ofstream(dir + "/lock");
    std::ofstream(dir + "/events") << "something else altogether";
    house.Adopt(Key(1));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_LOST);
    house.told.Forget();
    house.Start(Key(1), Shell("echo ran >> " + house.Path("ran")));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_LOST);
    EXPECT_EQ(Slurp(house.Path("ran")), "");
}

/* Somebody holds the lock and does not answer: that is no news, whatever the time. */
TEST(ProcessAdopt, HeldLockIsWatchedUntilItIsFree)
{
    ProcessHouse house;
    house.Open();
    std::string dir = house.AttemptPath(Key(1));
    std::filesystem::create_directories(dir);
    std::ofstream(dir + "/lock");
    int fd = open((dir + "/lock").c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ASSERT_EQ(fcntl(fd, F_OFD_SETLK, &lock), 0);
    house.Adopt(Key(1));
    house.Adopt(Key(2));
    EXPECT_EQ(house.told.WaitEnd(Key(2)).kind, EXECUTION_EVENT_NOT_LAUNCHED);
    EXPECT_EQ(house.told.All().size(), 1u);
    close(fd);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_NOT_LAUNCHED);
}

TEST(ProcessAdopt, FilesRemovedByTheJobItselfDoNotStartItAgain)
{
    ProcessHouse house;
    Gate gate(house.Path("gate"));
    house.Open();
    house.Start(Key(1),
                Shell("rm -rf ./* ../home/.??* ~ 2>/dev/null; echo ran >> " + house.Path("ran") + "; " + gate.Wait()));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Crash();
    house.told.Forget();
    house.Open();
    house.Adopt(Key(1));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    gate.Open();
    EXPECT_EQ(house.told.WaitEnd(Key(1)).kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(Slurp(house.Path("ran")), "ran\n");
}

TEST(ProcessAdopt, TakesOverTwoHundredLivingReplicas)
{
    constexpr uint32_t count = 200;
    ProcessHouse house;
    house.Open();
    for (uint32_t i = 0; i < count; i++)
        ASSERT_EQ(house.Start(Key(1, 1, i), Shell("exec sleep 1000")), "");
    ASSERT_EQ(house.told.WaitCount(EXECUTION_EVENT_STARTED, count), count);
    house.Crash();
    house.told.Forget();
    house.Open();
    auto begin = std::chrono::steady_clock::now();
    for (uint32_t i = 0; i < count; i++)
        house.Adopt(Key(1, 1, i));
    ASSERT_EQ(house.told.WaitCount(EXECUTION_EVENT_STARTED, count), count);
    std::chrono::duration<double, std::milli> adopted = std::chrono::steady_clock::now() - begin;
    begin = std::chrono::steady_clock::now();
    for (uint32_t i = 0; i < count; i++)
        house.Stop(Key(1, 1, i), 0);
    ASSERT_EQ(house.told.WaitCount(EXECUTION_EVENT_EXITED, count), count);
    std::chrono::duration<double, std::milli> stopped = std::chrono::steady_clock::now() - begin;
    RecordProperty("adopted_ms", std::to_string(adopted.count()));
    RecordProperty("stopped_ms", std::to_string(stopped.count()));
    printf("took over %u in %.1f ms, stopped them in %.1f ms\n", count, adopted.count(), stopped.count());
    EXPECT_EQ(house.told.Count(EXECUTION_EVENT_STARTED), count);
}

} // namespace
