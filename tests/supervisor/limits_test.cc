/* What a replica may use, held by control groups of whichever version the host has. */
#include <gtest/gtest.h>

#include <filesystem>

#include "attempt.h"

using namespace supervisor_test;

namespace {

/* The group that limits it; the test is skipped where there is none. */
std::string GroupFor(const Attempt &attempt, const std::string &controller)
{
    std::vector<std::string> groups = attempt.GroupsOf(controller);
    return groups.empty() ? "" : groups[0];
}

constexpr char kTakes256MiB[] = "import sys; x = bytearray(256 << 20); sys.exit(0)";

TEST(SupervisorLimits, EndAProgramThatTakesMoreMemoryThanItMayAndSayWhy)
{
    Attempt attempt;
    attempt.SetConf("memory_bytes_max=67108864\n");
    attempt.SetArgv({"/usr/bin/python3", "-c", kTakes256MiB});
    attempt.Spawn();
    EXPECT_EQ(SUPERVISOR_READY, attempt.AwaitReady());
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    if (GroupFor(attempt, "memory").empty()) {
        GTEST_SKIP() << "no control group for memory can be made here";
    }
    EXPECT_TRUE(attempt.Exit().oom_killed);
    EXPECT_EQ(unsigned(SIGKILL), attempt.Exit().term_signal);
    EXPECT_GT(attempt.Exit().maxrss_kb, 1024u);
    EXPECT_LT(attempt.Exit().maxrss_kb, 80u * 1024);
}

TEST(SupervisorLimits, LetAProgramBeThatTakesLess)
{
    Attempt attempt;
    attempt.SetConf("memory_bytes_max=1073741824\n");
    attempt.SetArgv({"/usr/bin/python3", "-c", kTakes256MiB});
    attempt.Spawn();
    EXPECT_EQ(SUPERVISOR_READY, attempt.AwaitReady());
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_FALSE(attempt.Exit().oom_killed);
    EXPECT_EQ(0, attempt.Exit().exit_code);
}

TEST(SupervisorLimits, RefuseMoreProcessesThanThereMayBe)
{
    Attempt attempt;
    attempt.SetConf("pids_max=8\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 1000 & done; exit 0"));
    if (GroupFor(attempt, "pids").empty()) {
        GTEST_SKIP() << "no control group for processes can be made here";
    }
    EXPECT_NE(0, attempt.Exit().exit_code) << "the shell ends when it cannot fork";
}

TEST(SupervisorLimits, GiveAProgramItsShareOfProcessors)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    attempt.SetConf("cpus_milli_max=1500\n");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("echo here > up; read x < go"));
    attempt.ReadFifo("up");
    std::string group = GroupFor(attempt, "cpu");
    std::string quota = ReadFile(group + "/cpu.cfs_quota_us"), unified = ReadFile(group + "/cpu.max");
    std::string members = ReadFile(group + "/cgroup.procs");
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    if (group.empty()) {
        GTEST_SKIP() << "no control group for processors can be made here";
    }
    EXPECT_TRUE(quota == "150000\n" || unified == "150000 100000\n") << quota << unified;
    EXPECT_EQ(std::to_string(attempt.MainPid()) + "\n", members) << "the process, and not its supervisor";
}

TEST(SupervisorLimits, LeaveNoGroupBehind)
{
    Attempt attempt;
    attempt.SetConf("memory_bytes_max=1073741824\ncpus_milli_max=1000\npids_max=100\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("setsid sleep 1000 & exit 3"));
    EXPECT_EQ(3, attempt.Exit().exit_code);
    for (const char *word : {"leaf", "memory", "cpu", "pids"}) {
        for (const std::string &group : attempt.GroupsOf(word)) {
            EXPECT_FALSE(std::filesystem::exists(group)) << group;
        }
    }
}

TEST(SupervisorLimits, AreNoneWhereConfWantsNoControlGroup)
{
    Attempt attempt;
    attempt.SetConf("cgroup=no\nmemory_bytes_max=1048576\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit 4"));
    EXPECT_EQ(4, attempt.Exit().exit_code);
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_CGROUP));
}

TEST(SupervisorLimits, AreRefusedWhenTheyAreNoNumbers)
{
    for (const char *conf : {"memory_bytes_max=0", "memory_bytes_max=1G", "cpus_milli_max=-1", "pids_max=many"}) {
        Attempt attempt;
        attempt.SetConf(conf);
        attempt.Spawn();
        std::string told = attempt.AwaitReady();
        EXPECT_NE(std::string::npos, told.find("has no right value")) << conf << ": " << told;
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
    }
}

} // namespace
