/* What an HTTP server does with connections, whatever is served on them. */
#include "server/http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "server/http_exchange.h"

namespace {

constexpr int wait_ms = 20000;
const char get[] = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";

class Client {
  public:
    explicit Client(int port, int receive_bytes = 0)
    {
        struct sockaddr_in name = {};
        file = socket(AF_INET, SOCK_STREAM, 0);
        if (receive_bytes > 0) {
            setsockopt(file, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
        }
        name.sin_family = AF_INET;
        name.sin_port = htons(static_cast<uint16_t>(port));
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(0, connect(file, reinterpret_cast<struct sockaddr *>(&name), sizeof name));
    }
    Client(const Client &) = delete;
    ~Client() { close(); }

    void close()
    {
        if (file >= 0) {
            ::close(file);
        }
        file = -1;
    }
    void say(const std::string &text)
    {
        EXPECT_EQ(ssize_t(text.size()), send(file, text.data(), text.size(), MSG_NOSIGNAL));
    }
    /* Until this many bytes, or the end. */
    std::string hear(size_t size = SIZE_MAX)
    {
        std::string heard;
        char bytes[4096];
        while (heard.size() < size) {
            struct pollfd wait = {file, POLLIN, 0};
            if (poll(&wait, 1, wait_ms) != 1) {
                ADD_FAILURE() << "nothing comes, and no end";
                break;
            }
            ssize_t got = recv(file, bytes, std::min(sizeof bytes, size - heard.size()), 0);
            if (got <= 0) {
                break;
            }
            heard.append(bytes, size_t(got));
        }
        return heard;
    }
    /* One answer whose body is "ok". */
    std::string hear_ok()
    {
        std::string heard;
        while (heard.find("\r\n\r\nok") == std::string::npos) {
            std::string more = hear(1);
            if (more.empty()) {
                break;
            }
            heard += more;
        }
        return heard.substr(0, heard.find('\r'));
    }

  private:
    int file;
};

class HttpServer : public ::testing::Test {
  protected:
    void start(struct http_server_options options)
    {
        struct listen_address address;
        struct err err = ERR_INIT;
        options.serve = serve;
        options.context = this;
        ASSERT_EQ(0, http_server_create(&options, &server, &err)) << err.text;
        ASSERT_EQ(0, listen_address_parse("127.0.0.1:0", &address, &err)) << err.text;
        ASSERT_EQ(0, http_server_listen(server, &address, nullptr, &port, &err)) << err.text;
        ASSERT_EQ(0, http_server_start(server, &err)) << err.text;
    }
    ~HttpServer() override
    {
        if (server) {
            http_server_stop(server, 0);
            answer_held();
            http_server_destroy(server);
        }
    }

    static void serve(void *context, struct http_exchange *exchange)
    {
        HttpServer *self = static_cast<HttpServer *>(context);
        std::lock_guard<std::mutex> hold(self->lock);
        self->served++;
        http_exchange_own(exchange, self, release);
        if (self->holds) {
            self->held = exchange;
            http_exchange_on_gone(exchange, gone);
        } else {
            http_exchange_answer(exchange, 200, "text/plain", span_make(self->body.data(), self->body.size()));
        }
        self->changed.notify_all();
    }
    static void release(void *state)
    {
        HttpServer *self = static_cast<HttpServer *>(state);
        std::lock_guard<std::mutex> hold(self->lock);
        self->released++;
        self->changed.notify_all();
    }
    static void gone(void *state)
    {
        HttpServer *self = static_cast<HttpServer *>(state);
        std::lock_guard<std::mutex> hold(self->lock);
        self->lost++;
        self->changed.notify_all();
    }
    static void answer(void *state)
    {
        HttpServer *self = static_cast<HttpServer *>(state);
        http_exchange_answer(self->held, 200, "text/plain", span_of("ok"));
    }
    /* As another thread does it. */
    void answer_held()
    {
        bool has;
        {
            std::lock_guard<std::mutex> hold(lock);
            has = holds && held;
            holds = false;
        }
        if (has) {
            http_exchange_post(held, answer);
        }
    }
    void wait_for(const int &counter, int count)
    {
        std::unique_lock<std::mutex> hold(lock);
        EXPECT_TRUE(changed.wait_for(hold, std::chrono::milliseconds(wait_ms), [&] { return counter >= count; }));
    }

    struct http_server *server = nullptr;
    int port = 0;
    std::string body = "ok";
    bool holds = false;
    std::mutex lock;
    std::condition_variable changed;
    int served = 0, released = 0, lost = 0;
    struct http_exchange *held = nullptr;
};

TEST_F(HttpServer, ClosesAConnectionWhoseRequestDoesNotEnd)
{
    struct http_server_options options = {};
    options.request_ms = 50;
    start(options);
    Client silent(port), slow(port), half(port), idle(port);
    slow.say("GET /x HTTP/1.1\r\nHost:");
    half.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    idle.say(get);
    EXPECT_EQ("HTTP/1.1 200 OK", idle.hear_ok());
    EXPECT_EQ("", silent.hear());
    EXPECT_EQ("", slow.hear());
    EXPECT_EQ("", half.hear());
    EXPECT_EQ("", idle.hear()) << "one that is kept for a next request, too";
}

TEST_F(HttpServer, ClosesAConnectionThatTakesNothingOfItsAnswer)
{
    struct http_server_options options = {};
    options.answer_ms = 50;
    body = std::string(64 << 20, 'x');
    start(options);
    Client client(port, 4096);
    client.say(get);
    wait_for(released, 1);
}

TEST_F(HttpServer, AcceptsNoMoreThanItsBoundUntilAConnectionEnds)
{
    struct http_server_options options = {};
    options.connections_max = 2;
    start(options);
    Client first(port), second(port);
    first.say(get);
    first.hear_ok();
    second.say(get);
    second.hear_ok();
    Client third(port);
    third.say(get);
    for (int i = 0; i < 2; i++) { /* what was there before the first of these would be served by the second */
        first.say(get);
        first.hear_ok();
    }
    {
        std::lock_guard<std::mutex> hold(lock);
        EXPECT_EQ(4, served);
    }
    second.close();
    EXPECT_EQ("HTTP/1.1 200 OK", third.hear_ok());
}

TEST_F(HttpServer, AnswersFromAnotherThread)
{
    holds = true;
    start({});
    Client client(port);
    client.say(get);
    wait_for(served, 1);
    answer_held();
    EXPECT_EQ("HTTP/1.1 200 OK", client.hear_ok());
    wait_for(released, 1);
}

TEST_F(HttpServer, TellsWhoWaitsThatTheClientIsGone)
{
    holds = true;
    start({});
    const std::string h2 = std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string("\0\0\0\4\0\0\0\0\0", 9) +
                           std::string("\0\0\x0b\1\5\0\0\0\1", 9) +
                           "\x82\x86\x84\x41\x06"
                           "host:1";
    Client client(port);
    client.say(h2);
    wait_for(served, 1);
    EXPECT_FALSE(http_exchange_is_gone(held));
    client.close();
    wait_for(lost, 1);
    EXPECT_TRUE(http_exchange_is_gone(held));
    answer_held();
    wait_for(released, 1);
}

TEST_F(HttpServer, DrainsWhatIsUnderWayAndRefusesNewConnections)
{
    holds = true;
    start({});
    Client client(port);
    client.say(get);
    wait_for(served, 1);
    http_server_drain(server);
    EXPECT_TRUE(http_server_is_draining(server));
    std::thread stopping([this] { http_server_stop(server, wait_ms); });
    answer_held();
    EXPECT_EQ("HTTP/1.1 200 OK", client.hear_ok());
    stopping.join();
    EXPECT_EQ("", client.hear());
}

TEST_F(HttpServer, IsHurriedOutOfItsGrace)
{
    holds = true;
    start({});
    Client client(port);
    client.say(get);
    wait_for(served, 1);
    std::thread stopping([this] { http_server_stop(server, 3600 * 1000); });
    http_server_hurry(server);
    stopping.join();
    answer_held();
    wait_for(released, 1);
}

} /* namespace */
