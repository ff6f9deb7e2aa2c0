/* Launching: what a replica finds, how it ends, and what is told when it cannot begin. */
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/limits.h"
#include "process_house.h"

namespace {

std::set<std::string> EnvOf(const std::vector<Line> &lines)
{
    std::set<std::string> entries;
    for (const Line &line : lines)
        entries.insert(line.text);
    return entries;
}

TEST(ProcessLaunch, TellsStartAndExitCode)
{
    ProcessHouse house;
    house.Open();
    EXPECT_EQ(house.Start(Key(1), Shell("echo out; echo err >&2; exit 3")), "");
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, 3);
    EXPECT_EQ(end.term_signal, 0);
    EXPECT_EQ(end.stderr_tail, "err\n");
    std::vector<Event> all = house.told.All();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].kind, EXECUTION_EVENT_STARTED);
    EXPECT_GT(all[0].pid, 1);
    EXPECT_LE(all[0].time_unix_ns, end.time_unix_ns);
}

TEST(ProcessLaunch, TellsTheSignalThatEndedIt)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("kill -SEGV $$"));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.exit_code, -1);
    EXPECT_EQ(end.term_signal, SIGSEGV);
}

TEST(ProcessLaunch, ManyReplicasOfOneJobAllEndWithTheirOwnCode)
{
    ProcessHouse house;
    house.Open();
    for (uint32_t i = 0; i < 40; i++)
        EXPECT_EQ(house.Start(Key(7, 1, i), Shell("exit " + std::to_string(i))), "");
    for (uint32_t i = 0; i < 40; i++)
        EXPECT_EQ(house.told.WaitEnd(Key(7, 1, i)).exit_code, static_cast<int>(i));
    EXPECT_EQ(house.told.Count(EXECUTION_EVENT_STARTED), 40u);
}

TEST(ProcessLaunch, ProgramThatDoesNotExistFailsTheStartWithItsName)
{
    ProcessHouse house;
    house.Open();
    Program program;
    program.argv = {"no-such-program-here"};
    EXPECT_EQ(house.Start(Key(1), program), "");
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(end.message, "The program could not be run: execve no-such-program-here: No such file or directory.");
    EXPECT_FALSE(end.is_host_fault);
    EXPECT_EQ(house.told.Count(EXECUTION_EVENT_STARTED), 0u);
}

TEST(ProcessLaunch, AttemptDirectoryThatCannotBeMadeFailsTheStart)
{
    ProcessHouse house;
    house.Open();
    std::ofstream(house.JobPath(5)) << "in the way";
    house.Start(Key(5), Shell("true"));
    Event end = house.told.WaitEnd(Key(5));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_NE(end.message.find("Not a directory"), std::string::npos) << end.message;
    EXPECT_TRUE(end.is_host_fault);
    std::filesystem::remove(house.JobPath(5));
}

TEST(ProcessLaunch, SupervisorThatSaysNothingFailsTheStart)
{
    const std::string path = "/bin/true";
    ProcessHouse house;
    house.options.supervisor_path = path.c_str();
    house.Open();
    house.Start(Key(1), Shell("true"));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(end.message, "The replica was not launched: its supervisor ended before that.");
    EXPECT_TRUE(end.is_host_fault);
}

TEST(ProcessLaunch, WhatTheSupervisorRefusesIsTold)
{
    ProcessHouse house;
    house.options.log_stream_bytes_max = UINT64_MAX; /* more than its conf takes */
    house.Open();
    house.Start(Key(1), Shell("true"));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_EQ(end.message, "The replica was not launched: conf: log_bytes_max has no right value.");
}

TEST(ProcessLaunch, TaskThatCanNeverRunIsRefusedAtOnce)
{
    ProcessHouse house;
    house.Open();
    err_code code = ERR_NONE;
    EXPECT_NE(StartOn(house.get(), Key(1), Program(), &code), "");
    EXPECT_EQ(code, ERR_INVALID);
    Program huge;
    huge.argv = {"/bin/true", std::string(LIMIT_EXEC_STRING_BYTES + 1, 'x')};
    EXPECT_NE(StartOn(house.get(), Key(1), huge, &code), "");
    EXPECT_EQ(code, ERR_INVALID);
    Program bucket;
    bucket.python_module = "trainer.task";
    bucket.package_uris = {"gs://bucket/trainer.tar.gz"};
    EXPECT_NE(StartOn(house.get(), Key(1), bucket, &code), "");
    EXPECT_EQ(code, ERR_INVALID);
    EXPECT_FALSE(house.get()->ops->has_files(house.get(), JobId(1)));
}

TEST(ProcessLaunch, EnvironmentIsTheJobsAndAPlainOneAndWhatIsPassedOn)
{
    const char *pass[] = {"CJ_TEST_PASSED", "CJ_TEST_ABSENT", nullptr};
    ProcessHouse house;
    setenv("CJ_TEST_PASSED", "from the server", 1);
    setenv("CJ_TEST_SECRET", "not for jobs", 1);
    unsetenv("CJ_TEST_ABSENT");
    house.options.pass_env = pass;
    house.Open();
    Program program;
    program.argv = {"env"};
    program.env = {{"A", "1"}, {"EMPTY", ""}};
    house.Start(Key(1), program);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    std::string home = house.AttemptPath(Key(1)) + "/home";
    EXPECT_EQ(EnvOf(ReadLogs(house.get(), 1, "workerpool0-0")),
              (std::set<std::string>{"A=1", "EMPTY=", "HOME=" + home, "PWD=" + home, "CJ_TEST_PASSED=from the server",
                                     "CUSTOMJOBD_EXECUTION=" + KeyText(Key(1)),
                                     "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}));
}

TEST(ProcessLaunch, JobsOwnVariablesWin)
{
    ProcessHouse house;
    house.Open();
    Program program;
    program.argv = {"/usr/bin/env"};
    program.env = {{"PATH", "/nowhere"}, {"HOME", "/"}, {"CUSTOMJOBD_EXECUTION", "another"}};
    house.Start(Key(1), program);
    house.told.WaitEnd(Key(1));
    std::set<std::string> env = EnvOf(ReadLogs(house.get(), 1, "workerpool0-0"));
    EXPECT_TRUE(env.count("PATH=/nowhere"));
    EXPECT_TRUE(env.count("HOME=/"));
    EXPECT_TRUE(env.count("CUSTOMJOBD_EXECUTION=" + KeyText(Key(1))));
    EXPECT_EQ(env.size(), 4u);
}

TEST(ProcessLaunch, ProgramFindsItsHomeAndCleanSignalsAndNoOpenDescriptors)
{
    ProcessHouse house;
    int leak = fcntl(0, F_DUPFD, 50); /* without close-on-exec, as a careless library would */
    auto before = signal(SIGPIPE, SIG_IGN);
    house.Open();
    house.Start(Key(1), Shell("pwd; grep -E '^Sig(Ign|Blk)' /proc/self/status; cd /proc/self/fd; echo *; umask"));
    house.told.WaitEnd(Key(1));
    signal(SIGPIPE, before);
    close(leak);
    std::string text = Texts(ReadLogs(house.get(), 1, "workerpool0-0"));
    EXPECT_EQ(text, house.AttemptPath(Key(1)) + "/home\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" +
                        "0 1 2 3\n0022\n"); /* 3: the directory that is being listed */
}

TEST(ProcessLaunch, SecondStartOfAKeyStartsNothing)
{
    ProcessHouse house;
    house.Open();
    Program program = Shell("echo ran >> " + house.Path("ran") + "; read x < " + house.Path("gate"));
    ASSERT_EQ(mkfifo(house.Path("gate").c_str(), 0600), 0);
    house.Start(Key(1), program);
    house.Start(Key(1), program);
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Start(Key(1), program);
    std::ofstream(house.Path("gate")) << "go\n";
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    /* Another server, which does not know that it ended: it hears of it, and nothing runs again. */
    house.Crash();
    house.told.Forget();
    house.Open();
    house.Start(Key(1), program);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    EXPECT_EQ(house.told.Count(Key(1), EXECUTION_EVENT_STARTED), 1u);
    EXPECT_EQ(Slurp(house.Path("ran")), "ran\n");
}

TEST(ProcessLaunch, PathsLongerThanASocketsAddressWork)
{
    ProcessHouse house(3);
    house.Open();
    ASSERT_GT(house.AttemptPath(Key(1)).size(), 300u);
    house.Start(Key(1), Shell("exec sleep 1000"));
    house.told.Wait(Key(1), EXECUTION_EVENT_STARTED);
    house.Stop(Key(1), 10000);
    EXPECT_EQ(house.told.WaitEnd(Key(1)).term_signal, SIGTERM);
}

TEST(ProcessLaunch, StderrTailIsTheLastWholeLines)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; exit 1"));
    std::string tail = house.told.WaitEnd(Key(1)).stderr_tail;
    EXPECT_LE(tail.size(), static_cast<size_t>(LIMIT_ERROR_TAIL_BYTES));
    EXPECT_GT(tail.size(), static_cast<size_t>(LIMIT_ERROR_TAIL_BYTES) - 20);
    EXPECT_EQ(tail.substr(0, 5), "line ");
    EXPECT_EQ(tail.substr(tail.size() - 20), "line 1998\nline 1999\n");
}

TEST(ProcessLaunch, StderrTailOfOneLongLineIsItsEnd)
{
    ProcessHouse house;
    house.Open();
    house.Start(Key(1), Shell("head -c 50000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1"));
    std::string tail = house.told.WaitEnd(Key(1)).stderr_tail;
    EXPECT_EQ(tail, std::string(LIMIT_ERROR_TAIL_BYTES - 4, 'x') + "end\n");
}

TEST(ProcessLaunch, HasTheLimitOfOpenFilesItIsToldAndNotTheServers)
{
    ProcessHouse house;
    house.options.open_files = 77;
    house.Open();
    house.Start(Key(1), Shell("ulimit -Sn; ulimit -Hn"));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    struct rlimit own;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &own), 0);
    EXPECT_EQ(Texts(ReadLogs(house.get(), 1, "workerpool0-0")), "77\n" + std::to_string(own.rlim_max) + "\n");
}

TEST(ProcessLaunch, RunsAsTheJobsUser)
{
    const struct passwd *nobody = getpwnam("nobody");
    if (geteuid() != 0 || !nobody)
        GTEST_SKIP() << "needs root and a user nobody";
    ProcessHouse house;
    house.options.job_user = "nobody";
    house.Open();
    house.Start(Key(1),
                Shell("id -u; echo x > file && cat file; touch ../other 2>/dev/null || echo fenced; echo $USER; "
                      "rm -f ../events ../lock 2>/dev/null || echo kept; cat ../env 2>/dev/null || echo hidden"));
    EXPECT_EQ(house.told.WaitEnd(Key(1)).exit_code, 0);
    EXPECT_EQ(Texts(ReadLogs(house.get(), 1, "workerpool0-0")),
              std::to_string(nobody->pw_uid) + "\nx\nfenced\nnobody\nkept\nhidden\n");
}

TEST(ProcessLaunch, JobsUserThatCannotReachItsFilesIsRefused)
{
    if (geteuid() != 0)
        GTEST_SKIP() << "needs root";
    ProcessHouse house;
    house.options.job_user = "nobody";
    ASSERT_EQ(chmod(house.Path("").c_str(), 0700), 0);
    executor *none = nullptr;
    err err = ERR_INIT;
    EXPECT_NE(executor_process_create(&house.options, house.told.Sink(), &none, &err), 0);
    EXPECT_EQ(err.code, ERR_INVALID);
    EXPECT_NE(std::string(err.text).find("chmod o+x"), std::string::npos) << err.text;
    ASSERT_EQ(chmod(house.Path("").c_str(), 0755), 0);
    house.options.job_user = "no-such-user-here";
    EXPECT_NE(executor_process_create(&house.options, house.told.Sink(), &none, &err), 0);
    EXPECT_STREQ(err.text, "there is no user \"no-such-user-here\" to run replicas as");
    house.options.job_user = nullptr;
}

TEST(ProcessLaunch, BucketsAreWhereTheirVariableSays)
{
    std::string buckets;
    ProcessHouse house;
    buckets = house.Path("buckets");
    std::filesystem::create_directories(buckets + "/b");
    std::ofstream(buckets + "/b/object") << "content\n";
    house.options.buckets_dir = buckets.c_str();
    house.Open();
    house.Start(Key(1),
                Shell("cat $CUSTOMJOBD_BUCKETS/b/object; case $CUSTOMJOBD_BUCKETS in /gcs) ;; *) cat gcs/b/object "
                      ">/dev/null ;; esac"));
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.exit_code, 0) << end.message << end.stderr_tail;
    EXPECT_EQ(Texts(ReadLogs(house.get(), 1, "workerpool0-0")), "content\n");
}

} // namespace
