/* The Engine API against a real engine, which tests/executor/docker_test.py brings up; skipped without one. */
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "executor/docker_api.h"
#include "executor/docker_call.h"

namespace {

constexpr char image[] = "customjobd-test:1";
constexpr char label_name[] = "customjobd.test";

class DockerApi : public testing::Test {
  protected:
    void SetUp() override
    {
        const char *path = getenv("CUSTOMJOBD_TEST_DOCKER");
        if (!path)
            GTEST_SKIP() << "no Docker engine: tests/executor/docker_test.py runs these tests beside one";
        ASSERT_EQ(docker_api_create(path, nullptr, nullptr, &api, &error), 0) << error.text;
        name = "api-test-" + std::to_string(getpid());
    }
    void TearDown() override
    {
        if (!api)
            return;
        err ignored = ERR_INIT;
        EXPECT_EQ(docker_container_remove(api, name.c_str(), &ignored), 0) << ignored.text;
        EXPECT_EQ(docker_network_remove(api, name.c_str(), &ignored), 0) << ignored.text;
        docker_api_destroy(api);
    }
    int Create(std::vector<const char *> entrypoint, const char *from = image)
    {
        entrypoint.push_back(nullptr);
        if (docker_network_ensure(api, name.c_str(), &label, 1, network_id, &error) != 0)
            return -1;
        docker_container_spec spec{};
        spec.name = name.c_str();
        spec.image = from;
        spec.entrypoint = entrypoint.data();
        spec.user = "0:0";
        spec.hostname = "some-host";
        spec.network = network_id;
        spec.binds = binds.data();
        spec.bind_count = binds.size();
        spec.labels = &label;
        spec.label_count = 1;
        spec.shm_bytes = 1 << 20;
        return docker_container_create(api, &spec, &error);
    }
    docker_container Inspect()
    {
        docker_container container{};
        EXPECT_EQ(docker_container_inspect(api, name.c_str(), label_name, &container, &error), 0) << error.text;
        return container;
    }
    int WaitExit()
    {
        for (int i = 0; i < 3000; i++) {
            docker_container container = Inspect();
            int code = container.exit_code;
            bool is_running = container.is_running;
            docker_container_deinit(&container);
            if (!is_running)
                return code;
            usleep(10000);
        }
        return -1;
    }

    docker_api *api = nullptr;
    err error = ERR_INIT;
    std::string name;
    char network_id[DOCKER_ID_BYTES] = "";
    std::vector<docker_bind> binds;
    docker_label label{label_name, "mine"};
};

TEST_F(DockerApi, SpeaksTheLowerOfTheTwoVersions)
{
    int minor = 0;
    ASSERT_EQ(docker_api_ping(api, &minor, &error), 0) << error.text;
    EXPECT_GE(minor, DOCKER_API_MINOR_MIN);
    EXPECT_LE(minor, DOCKER_API_MINOR_MAX);
}

TEST_F(DockerApi, ReadsWhatAnImageSaysOfItsProgram)
{
    docker_image found{};
    ASSERT_EQ(docker_image_inspect(api, "customjobd-test:entry", &found, &error), 0) << error.text;
    EXPECT_STREQ(found.entrypoint[0], "/bin/sh");
    EXPECT_STREQ(found.cmd[1], "two");
    EXPECT_EQ(found.cmd[2], nullptr);
    EXPECT_STREQ(found.env[1], "GREETING=hello");
    EXPECT_STREQ(found.user, "");
    docker_image_deinit(&found);
    ASSERT_EQ(docker_image_inspect(api, "customjobd-test:user", &found, &error), 0) << error.text;
    EXPECT_EQ(found.entrypoint[0], nullptr);
    EXPECT_STREQ(found.user, "worker");
    EXPECT_STREQ(found.workdir, "/home/worker/dir");
    docker_image_deinit(&found);
}

TEST_F(DockerApi, TellsAnImageThatIsNotThere)
{
    docker_image found{};
    EXPECT_EQ(docker_image_inspect(api, "customjobd-test:none", &found, &error), -1);
    EXPECT_EQ(error.code, ERR_NOT_FOUND);
    EXPECT_NE(std::string(error.text).find("customjobd-test:none"), std::string::npos) << error.text;
    EXPECT_EQ(found.env, nullptr);
}

TEST_F(DockerApi, RefusesANameThatWouldBeAnotherPath)
{
    docker_image found{};
    for (const char *bad : {"", "../containers/x", "a?b", "a b", "/a", "a//b", "a/./b", "a%2fb", "a\nb"}) {
        EXPECT_EQ(docker_image_inspect(api, bad, &found, &error), -1) << bad;
        EXPECT_EQ(error.code, ERR_INVALID) << bad;
        EXPECT_EQ(docker_image_pull(api, bad, nullptr, nullptr, nullptr, &error), -1) << bad;
        EXPECT_EQ(error.code, ERR_INVALID) << bad;
    }
}

TEST_F(DockerApi, PullsAnImageAndTellsItsProgress)
{
    const char *registry = getenv("CUSTOMJOBD_TEST_REGISTRY");
    ASSERT_TRUE(registry);
    std::string from = std::string(registry) + "/shell";
    std::vector<std::string> told;
    auto keep = [](void *context, const char *status) {
        static_cast<std::vector<std::string> *>(context)->push_back(status);
    };
    ASSERT_EQ(docker_image_pull(api, from.c_str(), nullptr, keep, &told, &error), 0) << error.text;
    EXPECT_FALSE(told.empty());
    docker_image found{};
    ASSERT_EQ(docker_image_inspect(api, from.c_str(), &found, &error), 0) << error.text;
    EXPECT_STREQ(found.env[0], "PATH=/bin");
    docker_image_deinit(&found);
}

TEST_F(DockerApi, TellsWhyAPullFailed)
{
    std::string from = std::string(getenv("CUSTOMJOBD_TEST_REGISTRY")) + "/nothing:1";
    EXPECT_EQ(docker_image_pull(api, from.c_str(), nullptr, nullptr, nullptr, &error), -1);
    EXPECT_NE(std::string(error.text).find("manifest"), std::string::npos) << error.text;
    EXPECT_EQ(docker_image_pull(api, "127.0.0.1:1/nobody", nullptr, nullptr, nullptr, &error), -1);
    EXPECT_NE(std::string(error.text).find("refused"), std::string::npos) << error.text;
}

TEST_F(DockerApi, RunsAContainerOnANetworkOfItsOwn)
{
    std::string dir = testing::TempDir() + name + ":with,signs";
    std::filesystem::create_directories(dir);
    binds.push_back({dir.c_str(), "/out", false});
    ASSERT_EQ(Create({"/bin/sh", "-c", "getent hosts some-host > /out/hosts; id -u > /out/uid; exit 7"}), 0)
        << error.text;
    docker_container container = Inspect();
    EXPECT_FALSE(container.is_running);
    EXPECT_STREQ(container.label, "mine");
    docker_container_deinit(&container);
    ASSERT_EQ(docker_container_start(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(WaitExit(), 7);
    EXPECT_GT(std::filesystem::file_size(dir + "/hosts"), 0u);
    EXPECT_EQ(std::filesystem::file_size(dir + "/uid"), 2u);
    std::filesystem::remove_all(dir);
}

TEST_F(DockerApi, TellsAContainerThatIsThereAlready)
{
    ASSERT_EQ(Create({"/bin/true"}), 0) << error.text;
    EXPECT_EQ(Create({"/bin/true"}), -1);
    EXPECT_EQ(error.code, ERR_EXISTS) << error.text;
}

TEST_F(DockerApi, RemovesWhatRunsAndWhatIsNotThere)
{
    ASSERT_EQ(Create({"/bin/sleep", "1000"}), 0) << error.text;
    ASSERT_EQ(docker_container_start(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_container_start(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_network_remove(api, name.c_str(), &error), -1);
    EXPECT_EQ(error.code, ERR_DENIED) << error.text;
    EXPECT_EQ(docker_container_remove(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_container_remove(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_network_remove(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_network_remove(api, name.c_str(), &error), 0) << error.text;
}

/* What a killed server asked for may be made after its successor looked. */
TEST_F(DockerApi, TellsTwoNetworksOfOneNameApart)
{
    ASSERT_EQ(docker_network_ensure(api, name.c_str(), &label, 1, network_id, &error), 0) << error.text;
    std::string first = network_id;
    struct docker_call again = {};
    again.method = "POST";
    again.path = "/networks/create";
    again.wants_body = true;
    again.body = json_pack("{s:s, s:s}", "Name", name.c_str(), "Driver", "bridge");
    if (docker_call(api, again, nullptr, &error) != 0)
        GTEST_SKIP() << "this engine keeps names apart: " << error.text;
    ASSERT_EQ(Create({"/bin/true"}), 0) << error.text;
    EXPECT_EQ(first, network_id) << "the one that was made first";
    EXPECT_EQ(docker_container_remove(api, name.c_str(), &error), 0) << error.text;
    EXPECT_EQ(docker_network_remove(api, name.c_str(), &error), 0) << error.text;
    size_t found = 0;
    ASSERT_EQ(
        docker_networks_list(
            api, &label, [](void *count, const char *, bool) { ++*static_cast<size_t *>(count); }, &found, &error),
        0);
    EXPECT_EQ(found, 0u);
}

TEST_F(DockerApi, TellsAProgramThatCannotBeStarted)
{
    ASSERT_EQ(Create({"/no/such/program"}), 0) << error.text;
    EXPECT_EQ(docker_container_start(api, name.c_str(), &error), -1);
    EXPECT_NE(std::string(error.text).find("no such file"), std::string::npos) << error.text;
    docker_container container = Inspect();
    EXPECT_FALSE(container.is_running);
    EXPECT_STRNE(container.start_error, "");
    docker_container_deinit(&container);
}

TEST_F(DockerApi, TellsAnImageThatIsNotThereToCreateFrom)
{
    EXPECT_EQ(Create({"/bin/true"}, "customjobd-test:none"), -1);
    EXPECT_EQ(error.code, ERR_NOT_FOUND) << error.text;
}

TEST_F(DockerApi, ListsByLabelOnly)
{
    struct Found {
        std::vector<std::string> names;
        bool is_running = false;
    } found;
    auto keep = [](void *context, const char *name, bool is_running) {
        static_cast<Found *>(context)->names.push_back(name);
        static_cast<Found *>(context)->is_running |= is_running;
    };
    docker_label other{label_name, "theirs"};
    ASSERT_EQ(Create({"/bin/sleep", "1000"}), 0) << error.text;
    ASSERT_EQ(docker_containers_list(api, &label, keep, &found, &error), 0) << error.text;
    EXPECT_EQ(found.names, std::vector<std::string>{name});
    EXPECT_FALSE(found.is_running);
    ASSERT_EQ(docker_container_start(api, name.c_str(), &error), 0) << error.text;
    ASSERT_EQ(docker_containers_list(api, &label, keep, &found, &error), 0) << error.text;
    EXPECT_TRUE(found.is_running);
    ASSERT_EQ(docker_networks_list(api, &label, keep, &found, &error), 0) << error.text;
    EXPECT_EQ(found.names, (std::vector<std::string>{name, name, name}));
    ASSERT_EQ(docker_containers_list(api, &other, keep, &found, &error), 0) << error.text;
    ASSERT_EQ(docker_networks_list(api, &other, keep, &found, &error), 0) << error.text;
    EXPECT_EQ(found.names.size(), 3u);
}

/* ---- no engine ---- */

/* Answers every connection with one text, and says nothing when that is empty. */
class Pretender {
  public:
    explicit Pretender(const std::string &answer) : answer_(answer)
    {
        /* Not in TMPDIR: a socket's path has 107 bytes at most. */
        path = "/tmp/pretender-" + std::to_string(getpid());
        unlink(path.c_str());
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
        EXPECT_EQ(listen(fd_, 8), 0);
        thread_ = std::thread([this] { Serve(); });
    }
    ~Pretender()
    {
        shutdown(fd_, SHUT_RDWR);
        thread_.join();
        close(fd_);
        unlink(path.c_str());
    }
    std::string path;

  private:
    void Serve()
    {
        int peer;
        while ((peer = accept(fd_, nullptr, nullptr)) >= 0) {
            char request[4096];
            ssize_t got = recv(peer, request, sizeof request, 0);
            if (got > 0 && !answer_.empty())
                (void)!send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
            else if (got > 0)
                (void)!recv(peer, request, sizeof request, 0); /* until it is given up */
            close(peer);
        }
    }
    std::string answer_;
    int fd_;
    std::thread thread_;
};

err PingOf(const std::string &path, bool (*cancelled)(void *) = nullptr)
{
    docker_api *api = nullptr;
    err error = ERR_INIT;
    EXPECT_EQ(docker_api_create(path.c_str(), cancelled, nullptr, &api, &error), 0);
    EXPECT_EQ(docker_api_ping(api, nullptr, &error), -1);
    docker_api_destroy(api);
    return error;
}

std::string Answer(const std::string &headers, const std::string &body = "OK")
{
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
           "\r\n" + body;
}

TEST(EngineApi, TellsThatNobodyAnswers)
{
    err error = PingOf("/no/such/socket");
    EXPECT_EQ(error.code, ERR_UNAVAILABLE);
    EXPECT_NE(std::string(error.text).find("/no/such/socket"), std::string::npos) << error.text;
}

TEST(EngineApi, RefusesPodmanByName)
{
    Pretender pretender(Answer("Api-Version: 1.41\r\nLibpod-Api-Version: 4.3.1\r\n"));
    err error = PingOf(pretender.path);
    EXPECT_EQ(error.code, ERR_UNSUPPORTED);
    EXPECT_NE(std::string(error.text).find("Podman"), std::string::npos) << error.text;
}

TEST(EngineApi, RefusesAnEngineThatIsTooOld)
{
    Pretender pretender(Answer("Api-Version: 1.40\r\n"));
    err error = PingOf(pretender.path);
    EXPECT_EQ(error.code, ERR_UNSUPPORTED);
    EXPECT_NE(std::string(error.text).find("1.40"), std::string::npos) << error.text;
}

TEST(EngineApi, RefusesWhatIsNoEngine)
{
    Pretender pretender(Answer(""));
    EXPECT_EQ(PingOf(pretender.path).code, ERR_UNSUPPORTED);
}

TEST(EngineApi, DoesNotReadAnAnswerWithoutEnd)
{
    Pretender pretender(Answer("Api-Version: 1.41\r\n", std::string(5 * 1024 * 1024, 'x')));
    EXPECT_EQ(PingOf(pretender.path).code, ERR_EXHAUSTED);
}

TEST(EngineApi, GivesUpWhenCancelled)
{
    Pretender pretender("");
    EXPECT_EQ(PingOf(pretender.path, [](void *) { return true; }).code, ERR_PRECONDITION);
}

} // namespace
