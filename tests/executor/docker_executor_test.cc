/* Replicas in containers of a real engine, which tests/executor/docker_test.py brings up; skipped without one. */
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "executor/docker_api.h"
#include "executor/executor_docker.h"
#include "process_house.h"

namespace fs = std::filesystem;

namespace {

struct Container {
    std::string image = "customjobd-test:1";
    std::vector<std::string> argv;
    bool args_only = false;
    std::vector<std::pair<std::string, std::string>> env;
    std::string python_module;
    task_limits limits = {};
};

Container Script(const std::string &script)
{
    Container container;
    container.argv = {"/bin/sh", "-c", script};
    return container;
}

class DockerExecutor : public testing::Test {
  protected:
    void SetUp() override
    {
        socket_ = getenv("CUSTOMJOBD_TEST_DOCKER");
        if (!socket_)
            GTEST_SKIP() << "no Docker engine: tests/executor/docker_test.py runs these tests beside one";
        std::string form = "/tmp/docker_executor_test.XXXXXX";
        dir_ = mkdtemp(form.data());
        fs::create_directories(dir_ + "/buckets/b");
        supervisor_ = std::string(CUSTOMJOBD_BIN_DIR) + "/customjob-supervisor";
        attempts_ = dir_ + "/attempts";
        buckets_ = dir_ + "/buckets";
        ASSERT_EQ(docker_api_create(socket_, nullptr, nullptr, &api_, &error_), 0);
        Open();
    }
    void TearDown() override
    {
        if (!socket_)
            return;
        Crash();
        engine_.clear();
        Open(); /* its first look removes what the test did not wait for */
        EXPECT_TRUE(Eventually([&] { return !HasContainers() && !HasNetwork(); }));
        Crash();
        docker_api_destroy(api_);
        std::error_code ignored;
        fs::remove_all(dir_, ignored);
    }
    void Open()
    {
        executor_docker_options options{};
        options.socket_path = engine_.empty() ? socket_ : engine_.c_str();
        options.attempts_dir = attempts_.c_str();
        options.supervisor_path = supervisor_.c_str();
        options.buckets_dir = buckets_.c_str();
        options.clock = clock_system();
        auths_ = dir_ + "/config.json";
        options.auths = auths_.c_str();
        ASSERT_EQ(executor_docker_create(&options, told_.Sink(), &executor_, &error_), 0) << error_.text;
    }
    void Crash()
    {
        if (executor_)
            executor_->ops->destroy(executor_);
        executor_ = nullptr;
    }
    void Start(const execution_key &key, const Container &container)
    {
        std::vector<const char *> argv;
        std::vector<env_entry> env;
        for (const std::string &word : container.argv)
            argv.push_back(word.c_str());
        argv.push_back(nullptr);
        for (const auto &entry : container.env)
            env.push_back(env_entry{entry.first.c_str(), entry.second.c_str()});
        task task{};
        const char *no_uris[] = {nullptr};
        task.key = key;
        task.argv = argv.data();
        task.args_only = container.args_only;
        task.env = env.data();
        task.env_count = env.size();
        task.image_uri = container.image.c_str();
        task.python_module = container.python_module.empty() ? nullptr : container.python_module.c_str();
        task.package_uris = no_uris;
        task.limits = container.limits;
        ASSERT_EQ(executor_->ops->start(executor_, &task, &error_), 0) << error_.text;
    }
    void Adopt(const execution_key &key) { ASSERT_EQ(executor_->ops->adopt(executor_, &key, &error_), 0); }
    void Stop(const execution_key &key, int64_t grace_ms = 10000) { executor_->ops->stop(executor_, &key, grace_ms); }
    /* Runs it to its end; what it wrote. */
    std::string Output(const Container &container, uint64_t number = 1)
    {
        Start(Key(number), container);
        Event end = told_.WaitEnd(Key(number));
        EXPECT_EQ(end.exit_code, 0) << end.message << end.stderr_tail;
        EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
        return Texts(ReadLogs(executor_, number, "workerpool0-0"));
    }
    bool Exists(const execution_key &key, bool *ret_is_running = nullptr)
    {
        docker_container container{};
        err error = ERR_INIT;
        if (docker_container_inspect(api_, KeyText(key).c_str(), "x", &container, &error) != 0) {
            EXPECT_EQ(error.code, ERR_NOT_FOUND) << error.text;
            return false;
        }
        if (ret_is_running)
            *ret_is_running = container.is_running;
        docker_container_deinit(&container);
        return true;
    }
    static void Count(void *context, const char *, bool) { ++*static_cast<size_t *>(context); }
    bool HasNetwork()
    {
        size_t count = 0;
        docker_label label{"customjobd.attempts", attempts_.c_str()};
        EXPECT_EQ(docker_networks_list(api_, &label, Count, &count, &error_), 0) << error_.text;
        return count > 0;
    }
    bool HasContainers()
    {
        size_t count = 0;
        docker_label label{"customjobd.attempts", attempts_.c_str()};
        EXPECT_EQ(docker_containers_list(api_, &label, Count, &count, &error_), 0) << error_.text;
        return count > 0;
    }
    bool NothingIsLeft(const execution_key &key)
    {
        return Eventually([&] { return !Exists(key) && !HasNetwork(); });
    }
    /* A fifo in the buckets directory, which replicas see as /gcs/b/gate. */
    std::string Gate() const { return "read x < /gcs/b/gate; "; }
    void MakeGate() const { EXPECT_EQ(mkfifo((dir_ + "/buckets/b/gate").c_str(), 0666), 0); }
    void OpenGate() const { std::ofstream(dir_ + "/buckets/b/gate") << "go\n"; }
    std::string Bucket(const std::string &name) const { return Slurp(dir_ + "/buckets/b/" + name); }

    const char *socket_ = nullptr;
    std::string engine_; /* another socket, of no engine */
    std::string dir_, supervisor_, attempts_, buckets_;
    std::string auths_;
    docker_api *api_ = nullptr;
    executor *executor_ = nullptr;
    err error_ = ERR_INIT;
    Told told_;
};

/* ---- what runs ---- */

TEST_F(DockerExecutor, RunsACommandAndTellsItsEnd)
{
    Start(Key(1), Script("echo out; echo last words >&2; exit 7"));
    EXPECT_GT(told_.Wait(Key(1), EXECUTION_EVENT_STARTED).pid, 0);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED) << end.message;
    EXPECT_EQ(end.exit_code, 7);
    EXPECT_EQ(end.stderr_tail, "last words\n");
    EXPECT_EQ(Texts(ReadLogs(executor_, 1, "workerpool0-0")), "out\nlast words\n");
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, TellsTheSignalThatEndedIt)
{
    Start(Key(1), Script("kill -SEGV $$"));
    EXPECT_EQ(told_.WaitEnd(Key(1)).term_signal, SIGSEGV);
}

TEST_F(DockerExecutor, TellsAProgramThatTheImageDoesNotHave)
{
    Container container;
    container.argv = {"no-such-program"};
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_FALSE(end.is_host_fault);
    EXPECT_NE(end.message.find("no-such-program"), std::string::npos) << end.message;
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, TakesTheImagesEntrypointAndCmdWhereTheJobSaysNothing)
{
    Container container;
    container.image = "customjobd-test:entry";
    container.args_only = true;
    EXPECT_EQ(Output(container), "entry one two\n");
}

TEST_F(DockerExecutor, PutsArgsInThePlaceOfCmd)
{
    Container container;
    container.image = "customjobd-test:entry";
    container.args_only = true;
    container.argv = {"three"};
    EXPECT_EQ(Output(container), "entry three\n");
}

TEST_F(DockerExecutor, PutsACommandInThePlaceOfBoth)
{
    Container container;
    container.image = "customjobd-test:entry";
    container.argv = {"echo", "mine"};
    EXPECT_EQ(Output(container), "mine\n");
}

TEST_F(DockerExecutor, RefusesAnImageWithNothingToRun)
{
    Container container;
    container.args_only = true;
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_FALSE(end.is_host_fault);
    EXPECT_NE(end.message.find("container_spec.command"), std::string::npos) << end.message;
}

TEST_F(DockerExecutor, LetsTheJobsVariablesWinOverTheImages)
{
    Container container = Script("echo $GREETING $MINE $PATH $CUSTOMJOBD_EXECUTION $HOME $HOSTNAME");
    container.image = "customjobd-test:entry";
    container.env = {{"MINE", "1"}, {"GREETING", "bye"}};
    char host[64] = "";
    uint16_t port = 0;
    execution_key key = Key(1);
    ASSERT_EQ(executor_->ops->assign_address(executor_, &key, host, sizeof host, &port, &error_), 0);
    EXPECT_EQ(Output(container), "bye 1 /usr/bin:/bin " + KeyText(Key(1)) + " /root " + host + "\n");
}

TEST_F(DockerExecutor, RunsAsTheImagesUserWithItsGroupsHomeAndDirectory)
{
    Container container =
        Script("echo $(id -u) $(id -G) $HOME $(stat -c %u .); cd -P .; echo $PWD; echo x > /dev/stdout");
    container.image = "customjobd-test:user";
    EXPECT_EQ(Output(container), "1234 2345 3456 /home/worker 0\n/home/worker/dir\nx\n");
}

TEST_F(DockerExecutor, TellsAUserThatTheImageDoesNotHave)
{
    Container container = Script("true");
    container.image = "customjobd-test:nobody";
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_FALSE(end.is_host_fault);
    EXPECT_NE(end.message.find("not-there"), std::string::npos) << end.message;
}

TEST_F(DockerExecutor, KeepsItsFilesFromTheImagesUser)
{
    Container container =
        Script("cat /customjobd/attempt/events 2>&1; echo x 2>/dev/null > /customjobd/attempt/events || echo no");
    container.image = "customjobd-test:user";
    std::string output = Output(container);
    EXPECT_NE(output.find("Permission denied"), std::string::npos) << output;
    EXPECT_NE(output.find("no\n"), std::string::npos) << output;
}

TEST_F(DockerExecutor, GivesBucketsAndSharedMemory)
{
    std::ofstream(dir_ + "/buckets/b/in") << "data\n";
    EXPECT_EQ(Output(Script("cat $CUSTOMJOBD_BUCKETS/b/in; echo result > /gcs/b/out; "
                            "[ $(($(stat -f -c '%b*%S' /dev/shm))) -gt 1000000000 ] && echo large")),
              "data\nlarge\n");
    EXPECT_EQ(Bucket("out"), "result\n");
}

TEST_F(DockerExecutor, LetsReplicasOfAJobFindEachOtherByName)
{
    MakeGate();
    char host[64] = "";
    uint16_t port = 0;
    execution_key other = Key(1, 1, 0);
    ASSERT_EQ(executor_->ops->assign_address(executor_, &other, host, sizeof host, &port, &error_), 0);
    EXPECT_EQ(port, 2222);
    Start(other, Script(Gate()));
    told_.Wait(other, EXECUTION_EVENT_STARTED);
    std::string output = Output(Script(std::string("getent hosts ") + host));
    EXPECT_NE(output.find(host), std::string::npos) << output;
    OpenGate();
    EXPECT_EQ(told_.WaitEnd(other).exit_code, 0);
    EXPECT_TRUE(NothingIsLeft(other));
}

TEST_F(DockerExecutor, PullsAnImageThatIsMissing)
{
    Container container = Script("echo pulled");
    container.image = std::string(getenv("CUSTOMJOBD_TEST_REGISTRY")) + "/shell";
    EXPECT_EQ(Output(container), "pulled\n");
}

TEST_F(DockerExecutor, ShowsARegistryTheCredentialsThatDockerHas)
{
    std::string registry = getenv("CUSTOMJOBD_TEST_GUARDED_REGISTRY");
    Container container = Script("echo in");
    container.image = registry + "/shell";
    Start(Key(1), container);
    Event refused = told_.WaitEnd(Key(1));
    EXPECT_EQ(refused.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_NE(refused.message.find("could not be pulled"), std::string::npos) << refused.message;
    /* somebody:se:cret/+ */
    std::ofstream(auths_) << R"({"auths":{")" << registry << R"(":{"auth":"c29tZWJvZHk6c2U6Y3JldC8r"}}})";
    EXPECT_EQ(Output(container, 2), "in\n");
}

TEST_F(DockerExecutor, TellsWhyAnImageCannotBePulled)
{
    Container container = Script("true");
    container.image = std::string(getenv("CUSTOMJOBD_TEST_REGISTRY")) + "/nothing:1";
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_FALSE(end.is_host_fault) << end.message;
    EXPECT_NE(end.message.find(container.image), std::string::npos) << end.message;
    EXPECT_NE(end.message.find("manifest unknown"), std::string::npos) << end.message;
    EXPECT_TRUE(NothingIsLeft(Key(1)));
    EXPECT_TRUE(Eventually([&] { return Texts(ReadLogs(executor_, 1)).find("pulling") != std::string::npos; }));
}

/* An engine without NVIDIA's runtime, as the test's is, cannot give one; what it says of it reaches the job. */
TEST_F(DockerExecutor, AsksTheEngineForTheDevicesAReplicaHolds)
{
    Container container = Script("exit 0");
    container.limits.devices = "GPU-8a56a4bc,GPU-11111111";
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_NE(end.message.find("nvidia"), std::string::npos) << end.message;
}

TEST_F(DockerExecutor, HoldsAReplicaToItsMemoryAndSaysSo)
{
    Container container = Script("exec bash -c 'x=abcdefgh; while :; do x=$x$x; done'");
    container.limits.memory_bytes = 64 << 20;
    Start(Key(1), container);
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED);
    EXPECT_EQ(end.term_signal, SIGKILL) << end.exit_code << end.stderr_tail;
    EXPECT_TRUE(end.oom_killed);
}

TEST_F(DockerExecutor, HoldsAReplicaToItsShareOfProcessorsAndToSoManyProcesses)
{
    Container container = Script("cd /sys/fs/cgroup; cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max "
                                 "cpu.max pids.max 2>/dev/null; exit 0");
    container.limits = {1500, 0, 77, nullptr};
    std::string told = Output(container);
    EXPECT_TRUE(told == "150000\n100000\n77\n" || told == "150000 100000\n77\n") << told;
}

/* ---- stops ---- */

TEST_F(DockerExecutor, StopsWithATermThatTheProgramHears)
{
    Start(Key(1), Script("trap 'echo heard; exit 3' TERM; echo ready > /gcs/b/ready; while :; do sleep 0.05; done"));
    ASSERT_TRUE(Eventually([&] { return Bucket("ready") == "ready\n"; }));
    Stop(Key(1));
    EXPECT_EQ(told_.WaitEnd(Key(1)).exit_code, 3);
    EXPECT_EQ(Texts(ReadLogs(executor_, 1, "workerpool0-0")), "heard\n");
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, KillsWhatDoesNotHearIt)
{
    Start(Key(1), Script("trap '' TERM; sleep 1000 & echo ready > /gcs/b/ready; while :; do sleep 0.05; done"));
    ASSERT_TRUE(Eventually([&] { return Bucket("ready") == "ready\n"; }));
    Stop(Key(1), 100);
    EXPECT_EQ(told_.WaitEnd(Key(1)).term_signal, SIGKILL);
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, EndsOneThatIsStoppedBeforeItWasStarted)
{
    Start(Key(1), Script("sleep 1000"));
    Stop(Key(1));
    Event end = told_.WaitEnd(Key(1));
    EXPECT_TRUE(end.kind == EXECUTION_EVENT_START_FAILED || end.term_signal == SIGTERM) << end.message;
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

/* ---- deaths ---- */

TEST_F(DockerExecutor, TakesOverALivingReplica)
{
    MakeGate();
    Start(Key(1), Script("echo ran >> /gcs/b/ran; " + Gate() + "exit 7"));
    told_.Wait(Key(1), EXECUTION_EVENT_STARTED);
    Crash();
    told_.Forget();
    Open();
    Adopt(Key(1));
    told_.Wait(Key(1), EXECUTION_EVENT_STARTED);
    OpenGate();
    EXPECT_EQ(told_.WaitEnd(Key(1)).exit_code, 7);
    EXPECT_EQ(Bucket("ran"), "ran\n");
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, LearnsTheEndOfOneThatEndedMeanwhile)
{
    MakeGate();
    Start(Key(1), Script(Gate() + "exit 9"));
    told_.Wait(Key(1), EXECUTION_EVENT_STARTED);
    Crash();
    OpenGate();
    bool is_running = true;
    ASSERT_TRUE(Eventually([&] { return Exists(Key(1), &is_running) && !is_running; }));
    told_.Forget();
    Open();
    Adopt(Key(1));
    EXPECT_EQ(told_.WaitEnd(Key(1)).exit_code, 9);
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, NeedsNoEngineToStopWhatItTookOver)
{
    Start(Key(1), Script("exec sleep 1000"));
    told_.Wait(Key(1), EXECUTION_EVENT_STARTED);
    Crash();
    told_.Forget();
    engine_ = "/no/such/socket";
    Open();
    Adopt(Key(1));
    Stop(Key(1));
    EXPECT_EQ(told_.WaitEnd(Key(1)).term_signal, SIGTERM);
    Crash();
    engine_.clear();
    Open(); /* whose first look removes what the other could not */
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, TellsAsLostWhatWasKilledWithItsSupervisor)
{
    Start(Key(1), Script("exec sleep 1000"));
    told_.Wait(Key(1), EXECUTION_EVENT_STARTED);
    ASSERT_EQ(docker_container_remove(api_, KeyText(Key(1)).c_str(), &error_), 0);
    EXPECT_EQ(told_.WaitEnd(Key(1)).kind, EXECUTION_EVENT_LOST);
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

TEST_F(DockerExecutor, StartsAgainWhatWasNeverLaunched)
{
    Adopt(Key(1));
    EXPECT_EQ(told_.WaitEnd(Key(1)).kind, EXECUTION_EVENT_NOT_LAUNCHED);
    told_.Forget();
    EXPECT_EQ(Output(Script("echo once")), "once\n");
}

/* The server dies while it launches, at whatever step it is, and the next one takes over. */
TEST_F(DockerExecutor, RunsOnceWhereverTheServerDiesInALaunch)
{
    for (int round = 0; round < 8; round++) {
        execution_key key = Key(100 + static_cast<uint64_t>(round));
        std::string ran = "ran" + std::to_string(round);
        Container container = Script("echo ran >> /gcs/b/" + ran + "; exit 5");
        told_.Forget();
        Start(key, container);
        usleep(static_cast<useconds_t>(round) * 60000);
        Crash();
        told_.Forget();
        Open();
        Adopt(key);
        Event end = told_.WaitEnd(key);
        if (end.kind == EXECUTION_EVENT_NOT_LAUNCHED) {
            told_.Forget();
            Start(key, container);
            end = told_.WaitEnd(key);
        }
        EXPECT_EQ(end.kind, EXECUTION_EVENT_EXITED) << end.message;
        EXPECT_EQ(end.exit_code, 5);
        EXPECT_EQ(Bucket(ran), "ran\n");
        EXPECT_TRUE(NothingIsLeft(key));
    }
}

TEST_F(DockerExecutor, LeavesAContainerOfAnotherServerAlone)
{
    const char *entrypoint[] = {"/bin/true", nullptr};
    docker_label label{"customjobd.attempts", "/somewhere/else"};
    std::string name = KeyText(Key(1));
    docker_container_spec spec{};
    spec.name = name.c_str();
    spec.image = "customjobd-test:1";
    spec.entrypoint = entrypoint;
    spec.user = spec.hostname = "0";
    spec.network = "bridge";
    spec.labels = &label;
    spec.label_count = 1;
    ASSERT_EQ(docker_container_create(api_, &spec, &error_), 0) << error_.text;
    Start(Key(1), Script("true"));
    Event end = told_.WaitEnd(Key(1));
    EXPECT_EQ(end.kind, EXECUTION_EVENT_START_FAILED);
    EXPECT_NE(end.message.find("another server"), std::string::npos) << end.message;
    EXPECT_TRUE(Exists(Key(1)));
    ASSERT_EQ(docker_container_remove(api_, name.c_str(), &error_), 0);
}

TEST_F(DockerExecutor, RemovesAJobsFiles)
{
    EXPECT_EQ(Output(Script("echo x")), "x\n");
    ASSERT_EQ(executor_->ops->remove(executor_, JobId(1), &error_), 0);
    EXPECT_EQ(told_.WaitCount(EXECUTION_EVENT_REMOVED, 1), 1u);
    EXPECT_FALSE(executor_->ops->has_files(executor_, JobId(1)));
    EXPECT_TRUE(NothingIsLeft(Key(1)));
}

} // namespace
