/* How a replica ends, and that nothing of it is left: exit, signal, stop, grace, kill, orphans. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "attempt.h"

using namespace supervisor_test;

namespace {

using Kinds = std::vector<supervisor_event_kind>;

const Kinds kLaunchRunExit = {SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN, SUPERVISOR_EVENT_EXIT};
const Kinds kLaunchRunStopExit = {SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN, SUPERVISOR_EVENT_STOP,
                                  SUPERVISOR_EVENT_EXIT};
const Kinds kLaunchRunStopKillExit = {SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN, SUPERVISOR_EVENT_STOP,
                                      SUPERVISOR_EVENT_KILL, SUPERVISOR_EVENT_EXIT};
constexpr uint32_t kAnHourMs = 3600 * 1000;

/* Starts 15 daemons that nobody would find by parent, group or session; prints their pids. Descriptor 3 keeps the
 * fifo "up" open. */
const char kDaemons[] = "exec 3<>up; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do"
                        " (setsid sh -c 'echo $$ > up; exec sleep 1000' 3>&- &) ; done;"
                        "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do read pid <&3; echo $pid; done;";

std::vector<pid_t> Pids(const std::string &output)
{
    std::vector<pid_t> pids;
    for (const std::string &line : Split(output, '\n')) {
        pids.push_back(atoi(line.c_str()));
    }
    return pids;
}

/* ---- by itself -------------------------------------------------------------------------------------------------- */

TEST(SupervisorEnd, KeepsExitCodesAndSignalsApart)
{
    for (int code : {0, 1, 2, 77, 126, 127, 128, 137, 143, 255}) {
        Attempt attempt;
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit " + std::to_string(code)));
        EXPECT_EQ(kLaunchRunExit, attempt.Kinds());
        EXPECT_EQ(code, attempt.Exit().exit_code);
        EXPECT_EQ(0u, attempt.Exit().term_signal);
    }
    for (int number : {SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM, SIGUSR1, 40}) {
        Attempt attempt;
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("ulimit -c 0; kill -" + std::to_string(number) + " $$"));
        EXPECT_EQ(kLaunchRunExit, attempt.Kinds());
        EXPECT_EQ(-1, attempt.Exit().exit_code);
        EXPECT_EQ(unsigned(number), attempt.Exit().term_signal);
        EXPECT_FALSE(attempt.Exit().stopped);
    }
}

TEST(SupervisorEnd, TellsWhatWasUsed)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; exit 0"));
    supervisor_exit end = attempt.Exit();
    EXPECT_GT(end.utime_us + end.stime_us, 0u);
    EXPECT_GT(end.maxrss_kb, 100u);
    EXPECT_EQ(0u, end.orphans_killed);
    EXPECT_FALSE(end.oom_killed);
}

/* Goal: main gone, all gone, with a control group and without. */
TEST(SupervisorEnd, KillsWhateverOutlivesTheMainProcess)
{
    for (const char *conf : {"cgroup=yes\n", "cgroup=no\n"}) {
        Attempt attempt;
        attempt.SetConf(conf);
        attempt.MakeFifo("up");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run(std::string(kDaemons) + "exit 5"));
        EXPECT_EQ(kLaunchRunExit, attempt.Kinds());
        EXPECT_EQ(5, attempt.Exit().exit_code);
        EXPECT_EQ(15u, attempt.Exit().orphans_killed) << conf;
        std::vector<pid_t> daemons = Pids(attempt.Output());
        ASSERT_EQ(15u, daemons.size());
        for (pid_t pid : daemons) {
            EXPECT_FALSE(IsAlive(pid)) << conf << pid;
        }
        std::string group = attempt.Group();
        EXPECT_FALSE(!group.empty() && std::filesystem::exists(group));
    }
}

/* A tree of one child each, in sessions of their own: each level shows only when the one above is gone. */
TEST(SupervisorEnd, FollowsAChainOfSessionsToItsEnd)
{
    Attempt attempt;
    attempt.SetConf("cgroup=no\n");
    attempt.MakeFifo("up");
    EXPECT_EQ(SUPERVISOR_EXIT_OK,
              attempt.Run("echo 'n=$1; if [ $n -eq 0 ]; then echo $$ > up; exec sleep 1000; fi;"
                          "setsid sh chain $((n-1)) & wait' > chain; exec 3<>up; (setsid sh chain 12 &);"
                          "read pid <&3; echo $pid"));
    std::vector<pid_t> pids = Pids(attempt.Output());
    ASSERT_EQ(1u, pids.size());
    EXPECT_FALSE(IsAlive(pids[0]));
    EXPECT_EQ(13u, attempt.Exit().orphans_killed);
}

/* Daemons that end while the main process runs are reaped, not kept as zombies. */
TEST(SupervisorEnd, ReapsDaemonsWhileTheMainProcessRuns)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("(setsid sh -c 'echo $$ > daemon; read x < go' &); read x < up; exit 0"));
    attempt.WriteFifo("go");
    pid_t daemon = atoi(attempt.Read("daemon").c_str());
    ASSERT_GT(daemon, 0);
    AwaitDeath(daemon);
    /* One answer later a turn has passed since the death was told by its signal. */
    Peer peer(attempt.dir());
    for (int i = 0; i < 2; i++) {
        ASSERT_TRUE(peer.Status());
        ASSERT_TRUE(peer.Receive());
    }
    EXPECT_EQ("", ProcStatus(daemon, "State"));
    attempt.WriteFifo("up");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(0u, attempt.Exit().orphans_killed);
}

/* ---- stopped ---------------------------------------------------------------------------------------------------- */

TEST(SupervisorEnd, StopsByTermToTheMainProcessAlone)
{
    for (const char *conf : {"cgroup=yes\n", "cgroup=no\n"}) {
        Attempt attempt;
        attempt.SetConf(conf);
        attempt.MakeFifo("up");
        EXPECT_EQ(SUPERVISOR_READY,
                  attempt.Start("exec 3<>up; trap 'exit 9' TERM;"
                                "sh -c 'trap \"echo > got_term\" TERM; sleep 1000 & echo up > up; wait; wait' &"
                                "read x <&3; echo up > told; wait"));
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Subscribe());
        ASSERT_TRUE(peer.Await(SUPERVISOR_EVENT_RUN));
        while (!attempt.Has("told")) {
            sched_yield();
        }
        ASSERT_TRUE(peer.Stop(kAnHourMs));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ(kLaunchRunStopExit, attempt.Kinds()) << "the grace was not used up";
        EXPECT_EQ(9, attempt.Exit().exit_code);
        EXPECT_TRUE(attempt.Exit().stopped);
        EXPECT_EQ(2u, attempt.Exit().orphans_killed);
        EXPECT_FALSE(attempt.Has("got_term"));
    }
}

TEST(SupervisorEnd, KillsTheWholeTreeWhenTheGraceIsOver)
{
    for (const char *conf : {"cgroup=yes\n", "cgroup=no\n"}) {
        Attempt attempt;
        attempt.SetConf(conf);
        attempt.MakeFifo("up");
        attempt.MakeFifo("ready");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("trap '' TERM;" + std::string(kDaemons) +
                                                  "echo ready > ready; while :; do sleep 1000; done"));
        EXPECT_EQ("ready", attempt.ReadFifo("ready"));
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Stop(20));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ(kLaunchRunStopKillExit, attempt.Kinds());
        EXPECT_EQ(20u, attempt.Events()[2].of.stop_grace_ms);
        EXPECT_EQ(-1, attempt.Exit().exit_code);
        EXPECT_EQ(unsigned(SIGKILL), attempt.Exit().term_signal);
        EXPECT_TRUE(attempt.Exit().stopped);
        std::vector<pid_t> daemons = Pids(attempt.Output());
        ASSERT_EQ(15u, daemons.size());
        for (pid_t pid : daemons) {
            EXPECT_FALSE(IsAlive(pid)) << conf;
        }
    }
}

/* Goal: the first stop counts; a later one with no grace at all shortens nothing. */
TEST(SupervisorEnd, IsStoppedOnce)
{
    Attempt attempt;
    for (const char *fifo : {"up", "term", "go"}) {
        attempt.MakeFifo(fifo);
    }
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("trap 'echo term > term; read x < go; exit 4' TERM;"
                                              "sleep 1000 & echo up > up; wait"));
    EXPECT_EQ("up", attempt.ReadFifo("up"));
    Peer peer(attempt.dir()), other(attempt.dir());
    ASSERT_TRUE(peer.Stop(kAnHourMs));
    EXPECT_EQ("term", attempt.ReadFifo("term"));
    for (Peer *one : {&other, &peer}) {
        ASSERT_TRUE(one->Stop(0));
        ASSERT_TRUE(one->Status());
        std::optional<supervisor_event> latest = one->Receive();
        ASSERT_TRUE(latest) << "answered after the stop was taken";
        EXPECT_EQ(SUPERVISOR_EVENT_STOP, latest->kind);
    }
    kill(attempt.pid(), SIGTERM);
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(kLaunchRunStopExit, attempt.Kinds());
    EXPECT_EQ(kAnHourMs, attempt.Events()[2].of.stop_grace_ms);
    EXPECT_EQ(4, attempt.Exit().exit_code);
}

/* Goal: a stop that comes before the program runs ends it all the same, and the file tells it in order. Method: 60,000
 * folders to look the program up in, while the stop is sent. */
TEST(SupervisorEnd, IsStoppedBeforeItsProgramRuns)
{
    std::string path = "PATH=";
    for (int i = 0; i < 60000; i++) {
        path += "x:";
    }
    Attempt attempt;
    attempt.SetArgv({"sleep", "1000"});
    attempt.SetEnv({path + "/usr/bin:/bin"});
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{}));
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Stop(kAnHourMs));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(kLaunchRunStopExit, attempt.Kinds());
    EXPECT_EQ(unsigned(SIGTERM), attempt.Exit().term_signal);
    EXPECT_TRUE(attempt.Exit().stopped);
}

TEST(SupervisorEnd, KillsWithoutGraceWhatIsHalted)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("kill -STOP $$"));
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe());
    ASSERT_TRUE(peer.Await(SUPERVISOR_EVENT_RUN));
    while (ProcStatus(attempt.MainPid(), "State").rfind("T", 0) != 0) {
        sched_yield();
    }
    ASSERT_TRUE(peer.Stop(0));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(unsigned(SIGKILL), attempt.Exit().term_signal);
    EXPECT_EQ(kLaunchRunStopKillExit, attempt.Kinds());
}

/* A tree that grows while it is killed. */
TEST(SupervisorEnd, KeepsUpWithATreeThatGrows)
{
    for (const char *conf : {"cgroup=yes\n", "cgroup=no\n"}) {
        Attempt attempt;
        attempt.SetConf(conf);
        attempt.MakeFifo("up");
        EXPECT_EQ(SUPERVISOR_READY,
                  attempt.Start("echo 'trap \"\" TERM; (setsid sh grow &); (setsid sh grow &); exec sleep 1000' > grow;"
                                "ulimit -u 200; (setsid sh grow &); echo up > up; exec sleep 1000"));
        EXPECT_EQ("up", attempt.ReadFifo("up"));
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Stop(0));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait()) << conf;
        EXPECT_TRUE(attempt.Exit().stopped);
    }
}

/* So that it can be the first process of a container, or the step of a cluster's job. */
TEST(SupervisorEnd, TakesItsOwnTermForAStopWithTheGraceOfConf)
{
    for (int number : {SIGTERM, SIGINT}) {
        Attempt attempt;
        attempt.SetConf("grace_ms=123456\n");
        attempt.MakeFifo("up");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("trap 'exit 3' TERM; sleep 1000 & echo up > up; wait"));
        EXPECT_EQ("up", attempt.ReadFifo("up"));
        kill(attempt.pid(), number);
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ(kLaunchRunStopExit, attempt.Kinds());
        EXPECT_EQ(123456u, attempt.Events()[2].of.stop_grace_ms);
        EXPECT_EQ(3, attempt.Exit().exit_code);
    }
}

TEST(SupervisorEnd, DoesNotComeOfHangups)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("echo up > up; read x < go; exit 2"));
    EXPECT_EQ("up", attempt.ReadFifo("up"));
    kill(attempt.pid(), SIGHUP);
    kill(attempt.pid(), SIGPIPE);
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(kLaunchRunExit, attempt.Kinds());
}

/* ---- the supervisor killed -------------------------------------------------------------------------------------- */

/* The main process dies with it, and for the rest there is the path of the control group. */
TEST(SupervisorEnd, OfTheSupervisorIsTheEndOfTheMainProcess)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("ready");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(std::string(kDaemons) + "echo $$ > ready; exec sleep 1000"));
    pid_t main = atoi(attempt.ReadFifo("ready").c_str());
    std::string group = attempt.Group();
    attempt.KillSupervisor();
    AwaitDeath(main);
    EXPECT_FALSE(IsAlive(main));
    EXPECT_EQ((Kinds{SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN}), attempt.Kinds()) << "no end is made up";
    if (group.empty()) {
        GTEST_SKIP() << "no control group can be made here";
    }
    std::vector<std::string> left = Split(ReadFile(group + "/cgroup.procs"), '\n');
    EXPECT_EQ(15u, left.size());
    std::ofstream(group + "/cgroup.kill") << "1";
    for (const std::string &pid : left) {
        AwaitDeath(atoi(pid.c_str()));
    }
}

/* ---- a full disk ------------------------------------------------------------------------------------------------ */

/* Goal: a disk that fills up after the launch neither holds the job up nor takes its end away. Method: a file system
 * of its own, of 1 MiB. */
TEST(SupervisorEnd, IsWrittenDownOnAFullDisk)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        GTEST_SKIP() << "no file system can be mounted here";
    }
    Attempt outer;
    ASSERT_EQ(0, mount("none", outer.dir().c_str(), "tmpfs", 0, "size=1m"));
    setenv("TEST_TMPDIR", outer.dir().c_str(), 1);
    {
        Attempt attempt;
        attempt.MakeFifo("up");
        attempt.MakeFifo("go");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("trap 'exit 7' TERM; cat /dev/zero > full; head -c 2000000 /dev/zero;"
                                                  "sleep 1000 & echo up > up; wait"));
        EXPECT_EQ("up", attempt.ReadFifo("up"));
        Peer peer(attempt.dir());
        ASSERT_TRUE(peer.Stop(kAnHourMs));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ(kLaunchRunStopExit, attempt.Kinds());
        EXPECT_EQ(7, attempt.Exit().exit_code);
    }
    {
        Attempt attempt; /* and one that is full before: nothing is launched that could not be recorded */
        std::ofstream(attempt.Path("full")) << std::string(2000000, 'x');
        attempt.SetShell("echo > ran");
        std::string ready = attempt.Start(StartOptions{});
        EXPECT_NE(std::string::npos, ready.find("No space left on device")) << ready;
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
        EXPECT_FALSE(attempt.History().has_launch);
    }
    unsetenv("TEST_TMPDIR");
    EXPECT_EQ(0, umount2(outer.dir().c_str(), MNT_DETACH));
}

} // namespace
