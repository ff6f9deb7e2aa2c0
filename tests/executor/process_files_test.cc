/* What a job leaves on the disk: its logs, and their removal. */
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "executor/service_log.h"
#include "executor/tree_remove.h"
#include "process_house.h"
#include "supervisor/supervisor_wire_log.h"

namespace {

namespace fs = std::filesystem;

std::string Entry(int64_t time_unix_ns, char tag, const std::string &text)
{
    char head[SUPERVISOR_LOG_HEAD_BYTES];
    supervisor_log_head(head, time_unix_ns, tag);
    return std::string(head, sizeof head) + text + "\n";
}

void Append(const std::string &path, const std::string &bytes)
{
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::app | std::ios::binary) << bytes;
}

/* The log directory of job 1 by hand: no supervisor writes there. */
struct Logs {
    Logs()
    {
        house.Open();
        err err = ERR_INIT;
        EXPECT_EQ(house.get()->ops->log_open(house.get(), JobId(1), "", &cursor, &err), 0) << err.text;
    }
    ~Logs()
    {
        house.get()->ops->log_close(cursor);
        fs::remove_all(house.JobPath(1));
    }
    std::string Stdout(const execution_key &key) { return house.AttemptPath(key) + "/stdout.log"; }
    std::string Stderr(const execution_key &key) { return house.AttemptPath(key) + "/stderr.log"; }
    std::string Read() { return Texts(ReadLog(house.get(), cursor)); }

    ProcessHouse house;
    log_cursor *cursor = nullptr;
};

TEST(ProcessLogs, AreMergedByTimeOverReplicasStreamsAttemptsAndService)
{
    Logs logs;
    Append(logs.Stdout(Key(1)), Entry(10, 'F', "a10") + Entry(40, 'F', "a40"));
    Append(logs.Stderr(Key(1)), Entry(20, 'F', "e20"));
    Append(logs.Stdout(Key(1, 1, 3)), Entry(15, 'F', "b15") + Entry(50, 'F', "b50"));
    Append(logs.Stdout(Key(1, 0, 0, 1)), Entry(45, 'F', "restarted45"));
    Append(logs.house.JobPath(1) + "/service.log", Entry(5, 'F', "s5") + Entry(60, 'F', "s60"));
    std::vector<Line> lines = ReadLog(logs.house.get(), logs.cursor);
    EXPECT_EQ(Texts(lines), "s5\na10\nb15\ne20\na40\nrestarted45\nb50\ns60\n");
    EXPECT_EQ(lines[0].stream, LOG_STREAM_SERVICE);
    EXPECT_EQ(lines[0].replica, "");
    EXPECT_EQ(lines[2].replica, "workerpool1-3");
    EXPECT_EQ(lines[3].stream, LOG_STREAM_STDERR);
    EXPECT_EQ(lines[3].time_unix_ns, 20);
    EXPECT_EQ(Texts(ReadLogs(logs.house.get(), 1, "workerpool1-3")), "b15\nb50\n");
    EXPECT_EQ(logs.Read(), "");
}

TEST(ProcessLogs, FollowFilesThatGrowAndAttemptsThatAppear)
{
    Logs logs;
    EXPECT_EQ(logs.Read(), "");
    std::string second = Entry(2, 'F', "second");
    Append(logs.Stdout(Key(1)), Entry(1, 'F', "first") + second.substr(0, 20));
    EXPECT_EQ(logs.Read(), "first\n") << "an entry without its end is not read yet";
    Append(logs.Stdout(Key(1)), second.substr(20));
    Append(logs.Stderr(Key(1, 0, 0, 1)), Entry(3, 'F', "of a restart"));
    EXPECT_EQ(logs.Read(), "second\nof a restart\n");
    EXPECT_EQ(logs.Read(), "");
}

TEST(ProcessLogs, TellPiecesDropsAndForeignLines)
{
    Logs logs;
    char dropped[SUPERVISOR_LOG_HEAD_BYTES + 40];
    size_t size = supervisor_log_dropped_line(dropped, 3, 4711);
    Append(logs.Stdout(Key(1)), Entry(1, 'P', "half ") + Entry(2, 'F', "whole") + std::string(dropped, size) +
                                    "somebody else's line\n" + Entry(4, 'F', std::string("\0\xff", 2)));
    std::vector<Line> lines = ReadLog(logs.house.get(), logs.cursor);
    ASSERT_EQ(lines.size(), 5u);
    EXPECT_TRUE(lines[0].partial);
    EXPECT_FALSE(lines[1].partial);
    EXPECT_EQ(lines[2].dropped_bytes, 4711u);
    EXPECT_EQ(lines[3].text, "somebody else's line");
    EXPECT_EQ(lines[3].time_unix_ns, 3);
    EXPECT_EQ(lines[4].text, std::string("\0\xff", 2));
}

/* Longest entries, many of them, and one line that is none at all. */
TEST(ProcessLogs, TakeEntriesOfAnySize)
{
    Logs logs;
    std::string expected;
    for (int i = 0; i < 20; i++) {
        std::string text(i % 2 ? SUPERVISOR_LOG_TEXT_BYTES : static_cast<size_t>(i), static_cast<char>('a' + i));
        Append(logs.Stdout(Key(1)), Entry(i, 'F', text));
        expected += text + "\n";
    }
    std::string foreign(200000, 'x');
    Append(logs.Stdout(Key(1)), foreign + "\n");
    EXPECT_EQ(logs.Read(), expected + foreign + "\n");
}

TEST(ProcessLogs, ALineThatWasTakenIsNotReadAgainAfterAStop)
{
    Logs logs;
    Append(logs.Stdout(Key(1)), Entry(1, 'F', "one") + Entry(2, 'F', "two") + Entry(3, 'F', "three"));
    std::string seen;
    err err = ERR_INIT;
    auto take_one = [](void *context, const log_line *line) {
        static_cast<std::string *>(context)->append(line->text.data, line->text.size);
        return false;
    };
    executor *executor = logs.house.get();
    ASSERT_EQ(executor->ops->log_read(logs.cursor, take_one, &seen, &err), 0);
    EXPECT_EQ(seen, "one");
    EXPECT_EQ(logs.Read(), "two\nthree\n");
}

TEST(ProcessLogs, FileThatWasCutOffGoesOnFromItsEnd)
{
    Logs logs;
    Append(logs.Stdout(Key(1)), Entry(1, 'F', "kept") + Entry(2, 'F', "cut off"));
    EXPECT_EQ(logs.Read(), "kept\ncut off\n");
    fs::resize_file(logs.Stdout(Key(1)), Entry(1, 'F', "kept").size());
    EXPECT_EQ(logs.Read(), "");
    Append(logs.Stdout(Key(1)), Entry(3, 'F', "new"));
    EXPECT_EQ(logs.Read(), "new\n");
}

TEST(ProcessLogs, NameThatIsNoReplicasIsRefused)
{
    ProcessHouse house;
    house.Open();
    log_cursor *cursor = nullptr;
    err err = ERR_INIT;
    for (const char *name : {"workerpool0", "../x", "workerpool0-0-0", "workerpool00-0", "chief"}) {
        EXPECT_NE(house.get()->ops->log_open(house.get(), 1, name, &cursor, &err), 0) << name;
        EXPECT_EQ(err.code, ERR_INVALID);
    }
}

TEST(ProcessLogs, ServiceLinesAreCutAtNewlinesAndBounded)
{
    ProcessHouse house;
    house.Open();
    executor *executor = house.get();
    executor->ops->service_log(executor, JobId(1), "Job is preparing.\nTwo lines.");
    executor->ops->service_log(executor, JobId(1), (std::string(SUPERVISOR_LOG_TEXT_BYTES, 'x') + "y").c_str());
    ASSERT_TRUE(Eventually([&] { return ReadLogs(executor, 1).size() == 4; }));
    std::vector<Line> lines = ReadLogs(executor, 1);
    EXPECT_EQ(lines[0].text, "Job is preparing.");
    EXPECT_EQ(lines[1].text, "Two lines.");
    EXPECT_TRUE(lines[2].partial);
    EXPECT_EQ(lines[3].text, "y");
    for (int i = 0; i < 100; i++)
        executor->ops->service_log(executor, JobId(1), std::string(SUPERVISOR_LOG_TEXT_BYTES - 1, 'z').c_str());
    house.Adopt(Key(9)); /* commands are carried out in order */
    house.told.WaitEnd(Key(9));
    EXPECT_LE(fs::file_size(house.JobPath(1) + "/service.log"), static_cast<uintmax_t>(SERVICE_LOG_BYTES_MAX));
    EXPECT_GT(fs::file_size(house.JobPath(1) + "/service.log"), static_cast<uintmax_t>(SERVICE_LOG_BYTES_MAX) / 2);
}

void Remove(ProcessHouse *house, uint64_t number)
{
    err err = ERR_INIT;
    ASSERT_EQ(house->get()->ops->remove(house->get(), JobId(number), &err), 0) << err.text;
    execution_key key{};
    key.job_id = JobId(number);
    house->told.Wait(key, EXECUTION_EVENT_REMOVED);
}

TEST(ProcessRemove, LeavesNothingOfWhatAReplicaMadeAndFollowsNoLink)
{
    ProcessHouse house;
    house.Open();
    fs::create_directories(house.Path("outside"));
    std::ofstream(house.Path("outside/file")) << "precious";
    house.Start(Key(1),
                Shell("mkdir -p a/b/c .hidden; echo x > a/b/c/file; chmod 000 a/b; ln -s " + house.Path("outside") +
                      " link; ln -s loop loop; mkfifo pipe; chmod 500 .; touch a/after 2>/dev/null; exit 0"));
    house.Start(Key(1, 1), Shell("exit 0"));
    house.told.WaitEnd(Key(1));
    house.told.WaitEnd(Key(1, 1));
    EXPECT_TRUE(house.get()->ops->has_files(house.get(), JobId(1)));
    Remove(&house, 1);
    EXPECT_FALSE(fs::exists(house.JobPath(1)));
    EXPECT_EQ(Slurp(house.Path("outside/file")), "precious");
    EXPECT_TRUE(Eventually([&] { return !house.get()->ops->has_files(house.get(), JobId(1)); }));
}

TEST(ProcessRemove, JobWithoutFilesIsRemovedAtOnce)
{
    ProcessHouse house;
    house.Open();
    EXPECT_FALSE(house.get()->ops->has_files(house.get(), 77));
    Remove(&house, 77);
}

TEST(ProcessRemove, DepthNeedsNeitherStackNorDescriptors)
{
    ProcessHouse house;
    std::string root = house.Path("root");
    ASSERT_EQ(mkdir(root.c_str(), 0700), 0);
    int fd = open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int depth = 0; depth < 3000; depth++) {
        ASSERT_EQ(mkdirat(fd, "deeper", 0700), 0);
        int below = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = below;
    }
    close(fd);
    err err = ERR_INIT;
    auto never = [](void *) { return false; };
    struct rlimit few {
    }, before{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 256;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    EXPECT_EQ(tree_remove(AT_FDCWD, root.c_str(), never, nullptr, &err), 0) << err.text;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_FALSE(fs::exists(root));
}

TEST(ProcessRemove, IsInterruptedWhenAskedAndFinishedLater)
{
    ProcessHouse house;
    std::string root = house.Path("root");
    for (int i = 0; i < 50; i++)
        Append(root + "/" + std::to_string(i), "x");
    int left = 10;
    auto after_some = [](void *context) { return (*static_cast<int *>(context))-- == 0; };
    err err = ERR_INIT;
    EXPECT_NE(tree_remove(AT_FDCWD, root.c_str(), after_some, &left, &err), 0);
    EXPECT_EQ(err.code, ERR_UNAVAILABLE);
    EXPECT_TRUE(fs::exists(root));
    left = 1000;
    EXPECT_EQ(tree_remove(AT_FDCWD, root.c_str(), after_some, &left, &err), 0) << err.text;
    EXPECT_FALSE(fs::exists(root));
}

TEST(ProcessRemove, TellsWhyItDoesNotGoAndGoesOn)
{
    ProcessHouse house;
    house.Open();
    std::string home = house.AttemptPath(Key(1)) + "/home", kept = house.Path("kept");
    house.Start(Key(1), Shell("exit 0"));
    house.told.WaitEnd(Key(1));
    ASSERT_TRUE(fs::create_directory(kept));
    if (mount(kept.c_str(), home.c_str(), nullptr, MS_BIND, nullptr) != 0)
        GTEST_SKIP() << "only root may mount";
    err err = ERR_INIT;
    ASSERT_EQ(house.get()->ops->remove(house.get(), JobId(1), &err), 0) << err.text;
    execution_key key{};
    key.job_id = JobId(1);
    EXPECT_NE(house.told.Wait(key, EXECUTION_EVENT_REMOVE_DELAYED).message.find("home"), std::string::npos);
    EXPECT_EQ(house.told.Count(key, EXECUTION_EVENT_REMOVED), 0u);
    EXPECT_EQ(umount(home.c_str()), 0);
    house.told.Wait(key, EXECUTION_EVENT_REMOVED);
    EXPECT_EQ(house.told.Count(key, EXECUTION_EVENT_REMOVE_DELAYED), 1u);
}

TEST(ProcessRemove, WhatIsMountedInAHomeIsNotEmptied)
{
    ProcessHouse house;
    std::string root = house.Path("root"), home = root + "/home", kept = house.Path("kept");
    ASSERT_TRUE(fs::create_directories(home) && fs::create_directory(kept));
    Append(kept + "/data", "not the replica's");
    if (mount(kept.c_str(), home.c_str(), nullptr, MS_BIND, nullptr) != 0)
        GTEST_SKIP() << "only root may mount";
    err err = ERR_INIT;
    auto never = [](void *) { return false; };
    EXPECT_NE(tree_remove(AT_FDCWD, root.c_str(), never, nullptr, &err), 0);
    EXPECT_EQ(err.code, ERR_IO) << err.text;
    EXPECT_EQ(umount(home.c_str()), 0);
    EXPECT_TRUE(fs::exists(kept + "/data"));
    EXPECT_EQ(tree_remove(AT_FDCWD, root.c_str(), never, nullptr, &err), 0) << err.text;
    EXPECT_TRUE(fs::exists(kept + "/data") && !fs::exists(root));
}

TEST(ProcessAddress, IsOneForEachReplicaAndSurvivesARestart)
{
    ProcessHouse house;
    house.options.port_first = 21000;
    house.options.port_last = 21063;
    house.Open();
    err err = ERR_INIT;
    char host[32];
    uint16_t first = 0, again = 0, other = 0;
    execution_key one = Key(1), two = Key(1, 1);
    ASSERT_EQ(house.get()->ops->assign_address(house.get(), &one, host, sizeof host, &first, &err), 0) << err.text;
    EXPECT_STREQ(host, "127.0.0.1");
    ASSERT_EQ(house.get()->ops->assign_address(house.get(), &one, host, sizeof host, &again, &err), 0);
    EXPECT_EQ(first, again);
    house.Crash();
    house.Open();
    house.get()->ops->claim_address(house.get(), &one, host, first);
    for (int i = 0; i < 70; i++) {
        two.job_id = JobId(static_cast<uint64_t>(100 + i));
        if (house.get()->ops->assign_address(house.get(), &two, host, sizeof host, &other, &err) != 0)
            break;
        EXPECT_NE(other, first);
    }
    EXPECT_EQ(err.code, ERR_EXHAUSTED);
    house.get()->ops->release_addresses(house.get(), JobId(1));
    EXPECT_EQ(house.get()->ops->assign_address(house.get(), &two, host, sizeof host, &other, &err), 0);
    EXPECT_EQ(other, first);
}

} // namespace
