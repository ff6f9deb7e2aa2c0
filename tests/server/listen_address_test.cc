#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <vector>

#include "server/listen_address.h"

namespace {

struct Parsed {
    explicit Parsed(const char *text) { result = listen_address_parse(text, &address, &err); }
    struct listen_address address = {};
    struct err err = ERR_INIT;
    int result;
};

TEST(ListenAddress, ReadsEveryFormItTakes)
{
    struct {
        const char *text, *target;
        bool is_loopback;
    } cases[] = {
        {"127.0.0.1:8080", "127.0.0.1:8080", true},
        {"127.9.9.9:0", "127.9.9.9:0", true},
        {"localhost:80", "127.0.0.1:80", true},
        {"0.0.0.0:80", "0.0.0.0:80", false},
        {"10.1.2.3:65535", "10.1.2.3:65535", false},
        {"[::1]:8080", "[::1]:8080", true},
        {"[0:0::1]:1", "[::1]:1", true},
        {"[::]:1", "[::]:1", false},
        {"[::ffff:127.0.0.1]:1", "[::ffff:127.0.0.1]:1", true},
        {"[::ffff:10.0.0.1]:1", "[::ffff:10.0.0.1]:1", false},
        {"unix:/run/x", "unix:/run/x", true},
        {"unix:x", "unix:x", true},
        {"unix:///run/x", "unix:/run/x", true},
    };
    for (const auto &c : cases) {
        Parsed parsed(c.text);
        ASSERT_EQ(0, parsed.result) << c.text << ": " << parsed.err.text;
        EXPECT_STREQ(c.target, parsed.address.target);
        EXPECT_EQ(c.is_loopback, parsed.address.is_loopback) << c.text;
    }
    EXPECT_STREQ("/run/x", Parsed("unix:///run/x").address.path);
    EXPECT_EQ(nullptr, Parsed("127.0.0.1:1").address.path);
}

TEST(ListenAddress, RefusesWhatIsNoneAndSaysHowToWriteOne)
{
    for (const char *text :
         {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", "::1:8080",
          "[::1]", "[::1]8080", "http://127.0.0.1:80", "unix:", "unix://x", "127.0.0.1: 80"}) {
        Parsed parsed(text);
        EXPECT_EQ(-1, parsed.result) << text;
        EXPECT_EQ(ERR_INVALID, parsed.err.code);
        EXPECT_NE(std::string::npos, std::string(parsed.err.text).find("write it as")) << parsed.err.text;
    }
    EXPECT_NE(std::string::npos, std::string(Parsed("*:80").err.text).find("0.0.0.0:80"));
    EXPECT_NE(std::string::npos, std::string(Parsed("[::g]:80").err.text).find("'::g' is no IPv6 address"));
    EXPECT_NE(std::string::npos, std::string(Parsed("no.such.host.invalid:80").err.text).find("is not known"));
    Parsed longest(("unix:/" + std::string(106, 'x')).c_str());
    EXPECT_EQ(0, longest.result) << longest.err.text;
    Parsed longer(("unix:/" + std::string(107, 'x')).c_str());
    EXPECT_STREQ("the path has 108 bytes, a unix socket's has 107 at most", longer.err.text);
}

TEST(ListenAddress, TellsThePortTaken)
{
    struct {
        const char *given, *taken;
    } cases[] = {{"127.0.0.1:0", "127.0.0.1:4711"}, {"[::1]:0", "[::1]:4711"}, {"unix:/run/x", "unix:/run/x"}};
    for (const auto &c : cases) {
        Parsed parsed(c.given);
        char text[LISTEN_TARGET_BYTES];
        listen_address_format(&parsed.address, 4711, text);
        EXPECT_STREQ(c.taken, text);
    }
}

std::string check(std::vector<const char *> texts, struct listen_rules rules = {})
{
    struct listen_address addresses[LISTEN_ADDRESSES_MAX];
    struct err err = ERR_INIT;
    return listen_address_parse_all("--listen", texts.data(), texts.size(), &rules, addresses, &err) ? err.text : "";
}

TEST(ListenAddress, WhatOthersCanReachNeedsAGuardOrAWord)
{
    EXPECT_EQ("", check({"127.0.0.1:80", "[::1]:80", "unix:/x"}));
    std::string plain = check({"127.0.0.1:80", "0.0.0.0:80"});
    EXPECT_EQ(0u, plain.find("--listen 0.0.0.0:80: other hosts can reach it"));
    EXPECT_NE(std::string::npos, plain.find("--tls-cert, --tls-key and --client-ca"));
    EXPECT_NE(std::string::npos, plain.find("--insecure-bind"));
    EXPECT_NE(std::string::npos, check({"[::]:80"}, {false, true, false}).find("give --client-ca,"))
        << "TLS alone lets all in";
    EXPECT_EQ("", check({"[::]:80"}, {false, true, true}));
    EXPECT_EQ("", check({"0.0.0.0:80"}, {true, false, false}));
}

TEST(ListenAddress, EachIsTakenOnce)
{
    EXPECT_EQ("--listen localhost:80: given twice", check({"127.0.0.1:80", "localhost:80"}));
    EXPECT_EQ("--listen unix:///x: given twice", check({"unix:/x", "unix:///x"}));
    EXPECT_EQ("", check({"127.0.0.1:0", "127.0.0.1:0"})) << "two free ports are two";
    EXPECT_EQ("--listen: 17 addresses, the limit is 16", check(std::vector<const char *>(17, "127.0.0.1:0")));
}

class ListenClaim : public ::testing::Test {
  protected:
    ListenClaim()
    {
        char name[] = "/tmp/listen-test-XXXXXX";
        dir = mkdtemp(name);
        text = "unix:" + dir + "/sock";
    }
    ~ListenClaim() override
    {
        unlink((dir + "/sock").c_str());
        unlink((dir + "/sock.lock").c_str());
        rmdir(dir.c_str());
    }
    int claim(struct listen_claim *ret_claim)
    {
        Parsed parsed(text.c_str());
        EXPECT_EQ(0, parsed.result);
        int result = listen_address_claim(&parsed.address, ret_claim, &parsed.err);
        error = parsed.err.text;
        code = parsed.err.code;
        return result;
    }
    /* A socket bound there, listening or already left. */
    int bind_socket(bool listening)
    {
        struct sockaddr_un name = {};
        name.sun_family = AF_UNIX;
        snprintf(name.sun_path, sizeof name.sun_path, "%s/sock", dir.c_str());
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(0, bind(fd, reinterpret_cast<struct sockaddr *>(&name), sizeof name));
        if (listening) {
            EXPECT_EQ(0, listen(fd, 1));
            return fd;
        }
        close(fd);
        return -1;
    }
    bool exists() const
    {
        struct stat status;
        return lstat((dir + "/sock").c_str(), &status) == 0;
    }
    std::string dir, text, error;
    enum err_code code = ERR_NONE;
};

TEST_F(ListenClaim, KeepsASecondServerAwayAndLetsTheNextOneIn)
{
    struct listen_claim first = {}, second = {};
    ASSERT_EQ(0, claim(&first)) << error;
    ASSERT_EQ(-1, claim(&second));
    EXPECT_EQ(ERR_IN_USE, code);
    EXPECT_NE(std::string::npos, error.find("sock.lock is locked by another process (pid " + std::to_string(getpid())))
        << error;
    bind_socket(false);
    listen_claim_release(&first);
    EXPECT_FALSE(exists()) << "the socket goes with its claim";
    ASSERT_EQ(0, claim(&second)) << error;
    listen_claim_release(&second);
    listen_claim_release(&second);
}

TEST_F(ListenClaim, ReplacesAStaleSocketButNeverALiveOne)
{
    struct listen_claim taken = {};
    bind_socket(false);
    ASSERT_EQ(0, claim(&taken)) << error;
    EXPECT_FALSE(exists());
    listen_claim_release(&taken);

    int live = bind_socket(true);
    ASSERT_EQ(-1, claim(&taken));
    EXPECT_EQ(ERR_IN_USE, code);
    EXPECT_EQ("another process serves on " + dir + "/sock", error) << "one that knows of no lock";
    EXPECT_TRUE(exists());
    close(live);
    ASSERT_EQ(0, claim(&taken)) << "the lock was let go, and the socket is stale now: " << error;
    listen_claim_release(&taken);
}

TEST_F(ListenClaim, LeavesAFileOfOthersAlone)
{
    struct listen_claim taken = {};
    std::ofstream(dir + "/sock") << "precious";
    ASSERT_EQ(-1, claim(&taken));
    EXPECT_EQ(dir + "/sock is there and is no socket", error);
    EXPECT_TRUE(exists());
}

TEST_F(ListenClaim, OfAPortClaimsNothing)
{
    struct listen_claim taken = {};
    text = "127.0.0.1:0";
    ASSERT_EQ(0, claim(&taken));
    EXPECT_EQ(nullptr, taken.path);
    listen_claim_release(&taken);
}

} // namespace
