/* Keys, ports, arguments of Python packages: what needs no process, and the one package that does. */
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "executor/leftovers.h"
#include "executor/port_pool.h"
#include "executor/process_identity.h"
#include "executor/python_env.h"
#include "executor/task_copy.h"
#include "process_house.h"

namespace {

TEST(ExecutionKey, ReadsBackWhatItWrites)
{
    execution_key key = Key(UINT64_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX), back{};
    key.job_attempt = UINT32_MAX;
    char text[EXECUTION_KEY_BYTES];
    err err = ERR_INIT;
    execution_key_format(&key, text);
    ASSERT_EQ(execution_key_parse(span_of(text), &back, &err), 0) << err.text;
    EXPECT_EQ(execution_key_compare(&key, &back), 0);
}

TEST(ExecutionKey, RefusesWhatItWouldNotWrite)
{
    execution_key key{};
    err err = ERR_INIT;
    for (const char *text : {"", "1", "1-1-workerpool0-0", "1-1-workerpool0-0-0-0", "01-1-workerpool0-0-0",
                             "1-1-workerpool-0-0", "1-1-worker0-0-0", "18446744073709551616-1-workerpool0-0-0",
                             "1-4294967296-workerpool0-0-0", "1-1-workerpool0-0-0 ", "service.log"}) {
        EXPECT_NE(execution_key_parse(span_of(text), &key, &err), 0) << text;
    }
}

TEST(PortPool, GivesNoPortThatSomebodyListensOn)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
    ASSERT_EQ(listen(fd, 1), 0);
    ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size), 0);
    port_pool *pool = nullptr;
    err err = ERR_INIT;
    uint16_t taken = ntohs(address.sin_port), port = 0;
    ASSERT_EQ(port_pool_create(taken, taken, &pool, &err), 0) << err.text;
    execution_key key = Key(1);
    EXPECT_NE(port_pool_assign(pool, &key, &port, &err), 0);
    EXPECT_EQ(err.code, ERR_EXHAUSTED);
    port_pool_destroy(pool);
    close(fd);
}

TEST(PortPool, RefusesForGoodAJobThatHasAllOfThem)
{
    port_pool *pool = nullptr;
    err err = ERR_INIT;
    uint16_t port = 0;
    execution_key first = Key(1, 0, 0), second = Key(1, 0, 1), other = Key(2);
    ASSERT_EQ(port_pool_create(29998, 29998, &pool, &err), 0) << err.text;
    ASSERT_EQ(port_pool_assign(pool, &first, &port, &err), 0) << err.text;
    EXPECT_NE(port_pool_assign(pool, &second, &port, &err), 0);
    EXPECT_EQ(err.code, ERR_INVALID);
    EXPECT_NE(port_pool_assign(pool, &other, &port, &err), 0);
    EXPECT_EQ(err.code, ERR_EXHAUSTED);
    port_pool_destroy(pool);
}

TEST(ProcessIdentity, NoOtherBootIsSeenForWantOfADescriptor)
{
    std::string boot_id = Slurp("/proc/sys/kernel/random/boot_id").substr(0, 36);
    struct rlimit before, none;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 0;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
    bool is_same = process_is_of_this_boot(boot_id.c_str());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(is_same);
    EXPECT_TRUE(process_is_of_this_boot(boot_id.c_str()));
    EXPECT_FALSE(process_is_of_this_boot("00000000-0000-0000-0000-000000000000"));
}

/* A process that a replica of this attempt has left. */
class Leftover {
  public:
    Leftover() : key_(Key(99))
    {
        char text[EXECUTION_KEY_BYTES];
        execution_key_format(&key_, text);
        std::string entry = std::string("CUSTOMJOBD_EXECUTION=") + text;
        char sleep[] = "sleep", seconds[] = "60";
        char *argv[] = {sleep, seconds, nullptr}, *env[] = {entry.data(), nullptr};
        EXPECT_EQ(posix_spawn(&pid_, "/bin/sleep", nullptr, nullptr, argv, env), 0);
    }
    pid_t pid() const { return pid_; }
    bool is_proved_gone() const
    {
        supervisor_history history{};
        return leftovers_end(-1, &key_, &history);
    }
    /* It is looked for until it is found, and killed. */
    void end() const
    {
        while (waitpid(pid_, nullptr, WNOHANG) == 0) {
            is_proved_gone();
        }
    }

  private:
    execution_key key_;
    pid_t pid_ = -1;
};

TEST(Leftovers, WhatCannotBeLookedAtForWantOfADescriptorIsNotGone)
{
    Leftover leftover;
    int spare = dup(0);
    ASSERT_GE(spare, 0);
    close(spare);
    struct rlimit before, one;
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    one = before;
    one.rlim_cur = static_cast<rlim_t>(spare) + 1; /* for the list of processes, and for none of them */
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &one), 0);
    bool is_gone = leftover.is_proved_gone();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_FALSE(is_gone);
    EXPECT_TRUE(IsAlive(leftover.pid()));
    leftover.end();
}

TEST(Leftovers, WhatIsInTheMiddleOfAnExecIsNotGone)
{
    for (int i = 0; i < 100; i++) {
        Leftover leftover;
        ASSERT_FALSE(leftover.is_proved_gone()) << "in round " << i;
        leftover.end();
    }
}

TEST(PythonEnv, FindsPackagesBelowTheBucketsAndNowhereElse)
{
    const char *args[] = {"--epochs", "3; rm -rf /", nullptr};
    const char *uris[] = {"gs://bucket/a.tar.gz", "/abs/b.whl", "file:///abs/c.whl", nullptr};
    task task{};
    task.argv = args;
    task.python_module = "trainer.task";
    task.package_uris = uris;
    const char **argv = nullptr;
    err err = ERR_INIT;
    ASSERT_EQ(python_env_argv(&task, "/buckets", &argv, &err), 0) << err.text;
    std::vector<std::string> words;
    for (const char **word = argv + 4; *word; word++)
        words.push_back(*word);
    free(argv);
    EXPECT_EQ(words, (std::vector<std::string>{"trainer.task", "3", "/buckets/bucket/a.tar.gz", "/abs/b.whl",
                                               "/abs/c.whl", "--epochs", "3; rm -rf /"}));
    for (const char *uri : {"gs://b/../../etc/x", "gs://", "http://host/x", "relative.whl", "gs://b/.."}) {
        const char *one[] = {uri, nullptr};
        task.package_uris = one;
        EXPECT_NE(python_env_argv(&task, "/buckets", &argv, &err), 0) << uri;
        EXPECT_EQ(err.code, ERR_INVALID);
    }
}

TEST(TaskCopy, OutlivesTheTask)
{
    struct task *copy = nullptr;
    err err = ERR_INIT;
    {
        std::string program = "/bin/echo", value = "value";
        const char *argv[] = {program.c_str(), nullptr};
        env_entry env[] = {{"NAME", value.c_str()}, {"NULL", nullptr}};
        task task{};
        task.argv = argv;
        task.env = env;
        task.env_count = 2;
        std::string source = "/srv/vol", target = "/mnt/nfs/data";
        task_mount mounts[] = {{source.c_str(), target.c_str()}};
        task.mounts = mounts;
        task.mount_count = 1;
        ASSERT_EQ(task_copy_create(&task, &copy, &err), 0) << err.text;
    }
    EXPECT_STREQ(copy->argv[0], "/bin/echo");
    EXPECT_EQ(copy->argv[1], nullptr);
    EXPECT_STREQ(copy->env[0].value, "value");
    EXPECT_STREQ(copy->env[1].value, "");
    ASSERT_EQ(copy->mount_count, 1u);
    EXPECT_STREQ(copy->mounts[0].source, "/srv/vol");
    EXPECT_STREQ(copy->mounts[0].target, "/mnt/nfs/data");
    free(copy);
}

/* A wheel is a zip with three files of metadata: no network and no build. */
TEST(PythonPackage, RunsItsModuleInAnEnvironmentOfItsOwn)
{
    if (std::system("python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null") != 0)
        GTEST_SKIP() << "needs python3-venv";
    ProcessHouse house;
    std::ofstream(house.Path("wheel.py")) << R"(
import sys, zipfile
info = "trainer-0.1.dist-info"
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("trainer/__init__.py", "")
    wheel.writestr("trainer/task.py", "import os, sys\nprint('args', sys.argv[1:], 'prefix', sys.prefix)\nsys.exit(6)\n")
    wheel.writestr(info + "/METADATA", "Metadata-Version: 2.1\nName: trainer\nVersion: 0.1\n")
    wheel.writestr(info + "/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(info + "/RECORD", "trainer/__init__.py,,\ntrainer/task.py,,\n" + info + "/METADATA,,\n" + info +
                   "/WHEEL,,\n" + info + "/RECORD,,\n")
)";
    std::string wheel = house.Path("trainer-0.1-py3-none-any.whl");
    ASSERT_EQ(std::system(("python3 " + house.Path("wheel.py") + " " + wheel).c_str()), 0);
    house.Open();
    Program program;
    program.python_module = "trainer.task";
    program.package_uris = {wheel};
    program.argv = {"--epochs", "3"};
    EXPECT_EQ(house.Start(Key(1), program), "");
    Event end = house.told.WaitEnd(Key(1));
    EXPECT_EQ(end.exit_code, 6) << end.stderr_tail;
    EXPECT_EQ(Texts(ReadLogs(house.get(), 1, "workerpool0-0")),
              "args ['--epochs', '3'] prefix " + house.AttemptPath(Key(1)) + "/home/.venv\n");
}

} // namespace
