/* Stopping: with grace, without, before there is anything to stop, and down to the last process of a tree. */
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "process_house.h"

namespace {

/* Eight daemons that leave session, parent and signals behind, then something to wait on. */
std::string Daemons(const std::string &pids)
{
    return "for i in 1 2 3 4 5 6 7 8; do "
           "setsid sh -c '(trap \"\" TERM HUP INT; sh -c \"echo \\$PPID\" >> " +
           pids +
           "; while :; do sleep 1000; done) & exit 0' </dev/null >/dev/null 2>&1; done; "
           "while [ $(wc -l < " +
           pids + ") -lt 8 ]; do :; done; ";
}

std::vector<int64_t> PidsIn(const std::string &path)
{
    std::stringstream text(Slurp(path));
    std::vector<int64_t> pids;
    for (int64_t pid; text >> pid;)
        pids.push_back(pid);
    return pids;
}

TEST(ProcessStop, TerminatesAProgramThatObeys)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    ASSERT_TRUE(Eventually([&] { return Texts(ReadLogs(house.get(), 1)) == "ready\n"; }));
    house.Stop(Key(1), 60000);
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, 5);
}

TEST(ProcessStop, KillsTheWholeTreeAfterTheGrace)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell(Daemons(house.Path("pids")) + "trap '' TERM; echo ready; while :; do sleep 0.01; done"));
    ASSERT_TRUE(Eventually([&] { return Texts(ReadLogs(house.get(), 1)) == "ready\n"; }));
    std::vector<int64_t> pids = PidsIn(house.Path("pids"));
    ASSERT_EQ(pids.size(), 8u);
    for (int64_t pid : pids)
        EXPECT_TRUE(IsAlive(pid));
    house.Stop(Key(1), 50);
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.term_signal, SIGKILL);
    for (int64_t pid : pids)
        EXPECT_FALSE(IsAlive(pid)) << "a daemon lives on after the end was told";
}

TEST(ProcessStop, DaemonsDoNotOutliveAMainProcessThatExits)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell(Daemons(house.Path("pids")) + "exit 0"));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    for (int64_t pid : PidsIn(house.Path("pids")))
        EXPECT_FALSE(IsAlive(pid));
}

TEST(ProcessStop, IsIdempotent)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("exec sleep 1000"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    for (int i = 0; i < 20; i++)
        house.Stop(Key(1), 60000 - i * 1000);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
    house.Stop(Key(1), 0);
    house.Stop(Key(99), 0); /* never heard of */
    house.Start(Key(2), Shell("true"));
    house.told.WaitEnd(Key(2)); /* the thread went on */
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_EXITED), 1u);
}

/* Wherever the stop finds the start, it ends, once, and nothing runs afterwards. */
TEST(ProcessStop, RightAfterStartEndsEveryReplicaOnce)
{
    ProcessHouse house;
    house.Open();
    for (uint32_t i = 0; i < 60; i++) {
        house.Start(Key(1, 0, i), Shell("echo $$ >> " + house.Path("pids") + "; exec sleep 1000"));
        if (i % 3 == 0)
            house.Stop(Key(1, 0, i), 0);
    }
    for (uint32_t i = 0; i < 60; i++)
        house.Stop(Key(1, 0, i), 0);
    for (uint32_t i = 0; i < 60; i++) {
        Event end = house.told.WaitEnd(Key(1, 0, i));
        EXPECT_TRUE(end.kind == EXECUTION_EVENT_EXITED || end.kind == EXECUTION_EVENT_START_FAILED) << end.kind;
    }
    size_t ends = house.told.Count(EXECUTION_EVENT_EXITED) + house.told.Count(EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(ends, 60u);
    EXPECT_EQ(house.told.Count(EXECUTION_EVENT_EXITED), house.told.Count(EXECUTION_EVENT_STARTED));
    for (int64_t pid : PidsIn(house.Path("pids")))
        EXPECT_FALSE(IsAlive(pid));
}

TEST(ProcessStop, IsNotCrowdedOutByLinesOfTheLog)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("exec sleep 1000"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    const execution_key none = Key(3);
    err err = ERR_INIT;
    int refused = 0;
    for (int i = 0; i < 2500000; i++) {
        house.get()->ops->service_log(house.get(), JobId(2), "x");
        /* A stop cannot say that it found no place; this can. */
        if (i % 10000 == 0 && house.get()->ops->adopt(house.get(), &none, &err) != 0)
            refused++;
    }
    EXPECT_EQ(refused, 0) << err.text;
    house.Stop(Key(1), 0);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
}

TEST(ProcessStop, ReachesASupervisorWhoseSocketIsGone)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("exec sleep 1000"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Crash();
    house.told.Forget();
    ASSERT_EQ(unlink((house.AttemptPath(Key(1)) + "/sock").c_str()), 0);
    house.Open();
    house.Adopt(Key(1));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Stop(Key(1), 0);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
}

} // namespace
