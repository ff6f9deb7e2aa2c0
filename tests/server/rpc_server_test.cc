/* The gRPC half of the front door, with handlers of the test's own over a real store. */
#include "server/rpc_server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "google/rpc/error_details.upb.h"
#include "google/rpc/status.upb.h"
#include "tests/lib/grpc_client.h"
#include "tests/lib/temp_dir.h"

namespace {

constexpr int64_t kTimeoutMs = 20000;
constexpr uint64_t kId = 1234567890123456789;
const char kName[] = "projects/p/locations/l/customJobs/1234567890123456789";

/* Work that handlers leave to another thread, as they do to the controller. */
class Elsewhere {
  public:
    Elsewhere() : thread_([this] { run(); }) {}
    ~Elsewhere()
    {
        push(nullptr);
        thread_.join();
    }
    void push(std::function<void()> work)
    {
        std::lock_guard<std::mutex> hold(lock_);
        work_.push_back(std::move(work));
        changed_.notify_all();
    }
    /* Nothing is done until it is let go. */
    void hold(bool holds)
    {
        std::lock_guard<std::mutex> hold(lock_);
        holds_ = holds;
        changed_.notify_all();
    }

  private:
    void run()
    {
        for (;;) {
            std::unique_lock<std::mutex> hold(lock_);
            changed_.wait(hold, [this] { return !work_.empty() && !holds_; });
            auto work = std::move(work_.front());
            work_.pop_front();
            hold.unlock();
            if (!work) {
                return;
            }
            work();
        }
    }
    std::mutex lock_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> work_;
    bool holds_ = false;
    std::thread thread_;
};

Elsewhere *elsewhere;

/* Counts what handlers were told, for tests that wait for it. */
class Notices {
  public:
    void add(const std::string &what)
    {
        std::lock_guard<std::mutex> hold(lock_);
        notices_.push_back(what);
        changed_.notify_all();
    }
    bool wait_for(const std::string &what)
    {
        std::unique_lock<std::mutex> hold(lock_);
        return changed_.wait_for(hold, std::chrono::milliseconds(kTimeoutMs),
                                 [&] { return std::find(notices_.begin(), notices_.end(), what) != notices_.end(); });
    }

  private:
    std::mutex lock_;
    std::condition_variable changed_;
    std::vector<std::string> notices_;
};

Notices *notices;

void Echo(struct call *call)
{
    call_reply(call, call_request(call));
}

void EchoElsewhere(struct call *call)
{
    elsewhere->push([call] { call_reply(call, call_request(call)); });
}

/* Answers when elsewhere is let go. */
void Hold(struct call *call)
{
    EchoElsewhere(call);
    notices->add("held");
}

void GetVersion(struct call *call)
{
    call_reply_version(call, store_get(call_services(call)->store, STORE_TABLE_JOB, kId));
}

void ListVersions(struct call *call)
{
    struct store_query query = {};
    struct store_page page;
    struct err err = ERR_INIT;
    query.table = STORE_TABLE_JOB;
    query.count_max = 10;
    ASSERT_EQ(store_list(call_services(call)->store, &query, &page, &err), 0) << err.text;
    call_reply_page(call, 1, &page, span_of("token"));
}

void Fail(struct call *call)
{
    struct err err = ERR_INIT;
    err_set(&err, ERR_NOT_FOUND, "The CustomJob \"%s\" was not found.", kName);
    call_add_trailer(call, "x-operation-name", span_of("projects/p/locations/l/operations/7"));
    call_reply_error(call, &err, span_of(kName));
}

void Violate(struct call *call)
{
    struct violations violations = {};
    std::string text(call_request(call).data, call_request(call).size);
    violations.arena = call_arena(call);
    violations.count = 2;
    violations.items[0] = {"custom_job.display_name", "Required field is not set."};
    violations.items[1] = {"parent", text.c_str()};
    call_reply_violations(call, &violations);
}

void Inspect(struct call *call)
{
    struct span header = call_metadata(call, "x-test");
    std::string text(header.data ? header.data : "", header.size);
    text += call_deadline_mono_ns(call) == INT64_MAX ? "|no deadline" : "|deadline";
    text += "|" + std::string(call_method(call).data, call_method(call).size);
    call_reply(call, span_make(text.data(), text.size()));
}

/* Sends as many messages as the request has bytes, from elsewhere. */
void Stream(struct call *call)
{
    elsewhere->push([call, count = call_request(call).size] {
        for (size_t i = 0; i < count; i++) {
            std::string text = "message " + std::to_string(i);
            while (!call_is_cancelled(call) && call_stream_pending(call) > LIMIT_STREAM_UNSENT_BYTES / 2) {
                std::this_thread::yield();
            }
            if (!call_stream_send(call, span_make(text.data(), text.size()))) {
                break;
            }
        }
        call_stream_end(call, nullptr);
    });
}

void Gone(struct call *call, void *)
{
    notices->add("gone");
    elsewhere->push([call] {
        EXPECT_TRUE(call_is_cancelled(call));
        EXPECT_FALSE(call_stream_send(call, span_of("late")));
        call_stream_end(call, nullptr);
        notices->add("ended");
    });
}

void StreamForEver(struct call *call)
{
    call_on_gone(call, Gone, nullptr);
    (void)call_stream_send(call, span_of("first"));
}

/* Never reads: the sender meets the bound. */
void StreamUnread(struct call *call)
{
    elsewhere->push([call] {
        std::string text(1 << 20, 'x');
        size_t sent = 0;
        while (call_stream_send(call, span_make(text.data(), text.size())) && sent < 100) {
            sent++;
        }
        notices->add(sent < 100 ? "bounded" : "unbounded");
        struct err err = ERR_INIT;
        err_set(&err, ERR_EXHAUSTED, "too slow");
        call_stream_end(call, &err);
    });
}

void Converse(struct call *call)
{
    std::string text(call_request(call).data, call_request(call).size);
    if (text == "stop") {
        struct err err = ERR_INIT;
        err_set(&err, ERR_PRECONDITION, "stopped");
        call_stream_end(call, &err);
        return;
    }
    for (const char *tail : {" a", " b"}) {
        std::string answer = text + tail;
        EXPECT_TRUE(call_stream_send(call, span_make(answer.data(), answer.size())));
    }
}

const struct rpc_method kMethods[] = {
    {"/t.T/Echo", RPC_UNARY, API_V1, Echo},
    {"/t.T/EchoElsewhere", RPC_UNARY, API_V1, EchoElsewhere},
    {"/t.T/Hold", RPC_UNARY, API_V1, Hold},
    {"/t.T/Get", RPC_UNARY, API_V1, GetVersion},
    {"/t.T/List", RPC_UNARY, API_V1, ListVersions},
    {"/t.T/Fail", RPC_UNARY, API_V1, Fail},
    {"/t.T/Violate", RPC_UNARY, API_V1, Violate},
    {"/t.T/Inspect", RPC_UNARY, API_V1BETA1, Inspect},
    {"/t.T/Stream", RPC_SERVER_STREAM, API_V1, Stream},
    {"/t.T/StreamForEver", RPC_SERVER_STREAM, API_V1, StreamForEver},
    {"/t.T/StreamUnread", RPC_SERVER_STREAM, API_V1, StreamUnread},
    {"/t.T/Converse", RPC_BIDI, API_V1, Converse},
};

void Unserved(struct span path, char *text, size_t size)
{
    snprintf(text, size, "no method %.*s", SPAN_FORMAT(path));
}

int Extract(enum store_table, struct span value, struct store_keys *keys, struct err *)
{
    keys->name = value;
    keys->parent = span_make(value.data, strlen("projects/p/locations/l"));
    return 0;
}

class RpcServer : public testing::Test {
  protected:
    RpcServer()
    {
        struct store_options store_options = {};
        store_options.dir = dir_.path().c_str();
        store_options.fs = fs_system();
        store_options.clock = clock_system();
        store_options.extract = Extract;
        EXPECT_EQ(store_open(&store_options, &store_, &recovery_, &err_), 0) << err_.text;
        store_bind_owner(store_);
        EXPECT_EQ(store_put(store_, STORE_TABLE_JOB, kId, span_of(kName), &err_), 0) << err_.text;
        EXPECT_EQ(store_commit(store_, &err_), 0) << err_.text;
        services_.store = store_;
        services_.clock = clock_system();
        elsewhere = &elsewhere_;
        notices = &notices_;
        start(0);
    }
    ~RpcServer() override
    {
        grpc_client_destroy(client_);
        stop();
        store_close(store_);
    }

    void start(uint32_t calls_max)
    {
        struct rpc_server_options options = {};
        options.services = &services_;
        options.methods = kMethods;
        options.method_count = sizeof kMethods / sizeof kMethods[0];
        options.unserved = Unserved;
        options.call_threads = 2;
        options.calls_in_flight_max = calls_max;
        ASSERT_EQ(rpc_server_create(&options, &server_, &err_), 0) << err_.text;
        ASSERT_EQ(listen(server_, "127.0.0.1:0"), 0) << err_.text;
        ASSERT_EQ(rpc_server_start(server_, &err_), 0) << err_.text;
        grpc_client_destroy(client_);
        client_ = grpc_client_create(("127.0.0.1:" + std::to_string(port_)).c_str());
    }
    int listen(struct rpc_server *server, const std::string &address)
    {
        grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
        int result = rpc_server_listen(server, address.c_str(), credentials, &port_, &err_);
        grpc_server_credentials_release(credentials);
        return result;
    }
    void stop()
    {
        if (server_) {
            rpc_server_stop(server_, 0);
            rpc_server_destroy(server_);
            server_ = nullptr;
        }
    }

    struct Reply {
        int code;
        std::string text, message, details, operation_name;
    };
    Reply call(const std::string &method, const std::string &request, int64_t timeout_ms = kTimeoutMs,
               std::vector<struct grpc_header> headers = {})
    {
        struct grpc_reply raw;
        grpc_client_call(client_, ("/t.T/" + method).c_str(), span_make(request.data(), request.size()), headers.data(),
                         headers.size(), timeout_ms, &raw);
        return take(&raw);
    }
    static Reply take(struct grpc_reply *raw)
    {
        Reply reply = {raw->code, raw->text, std::string(raw->message.data ? raw->message.data : "", raw->message.size),
                       std::string(raw->details.data ? raw->details.data : "", raw->details.size),
                       raw->operation_name ? raw->operation_name : ""};
        grpc_reply_deinit(raw);
        return reply;
    }
    static std::string read(struct grpc_stream *stream)
    {
        struct span message;
        if (!grpc_stream_read(stream, &message)) {
            return "(end)";
        }
        std::string text(message.data, message.size);
        free(const_cast<char *>(message.data));
        return text;
    }
    static Reply finish(struct grpc_stream *stream)
    {
        struct grpc_reply raw;
        grpc_stream_finish(stream, &raw);
        return take(&raw);
    }
    struct grpc_stream *open(const std::string &method, const std::string &request)
    {
        struct grpc_stream *stream = grpc_stream_open(client_, ("/t.T/" + method).c_str(), kTimeoutMs);
        grpc_stream_write(stream, span_make(request.data(), request.size()));
        return stream;
    }

    TempDir dir_;
    struct err err_ = ERR_INIT;
    struct store *store_ = nullptr;
    struct store_recovery recovery_ = {};
    struct services services_ = {};
    struct rpc_server *server_ = nullptr;
    struct grpc_client *client_ = nullptr;
    int port_ = 0;
    Notices notices_;
    Elsewhere elsewhere_; /* last: ends before the server does, with all it was left */
};

TEST_F(RpcServer, AnswersAtOnce)
{
    Reply reply = call("Echo", "hello");
    EXPECT_EQ(reply.code, GRPC_STATUS_OK) << reply.text;
    EXPECT_EQ(reply.message, "hello");
    EXPECT_EQ(call("Echo", "").code, GRPC_STATUS_OK);
}

TEST_F(RpcServer, TakesARequestThatComesInPieces)
{
    std::string large(3 << 20, 'x');
    EXPECT_EQ(call("Echo", large).message, large);
}

TEST_F(RpcServer, AnswersFromAnotherThread)
{
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(call("EchoElsewhere", std::to_string(i)).message, std::to_string(i));
    }
}

TEST_F(RpcServer, AnswersManyClientsAtOnce)
{
    std::vector<std::thread> threads;
    for (int n = 0; n < 8; n++) {
        threads.emplace_back([this, n] {
            for (int i = 0; i < 50; i++) {
                std::string text = std::to_string(n) + "/" + std::to_string(i);
                EXPECT_EQ(call(i % 2 ? "Echo" : "EchoElsewhere", text).message, text);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

TEST_F(RpcServer, SendsTheBytesOfTheStore)
{
    EXPECT_EQ(call("Get", "").message, kName);
    std::string item = std::string("\x0a") + char(strlen(kName)) + kName;
    EXPECT_EQ(call("List", "").message, item + "\x12\x05token");
}

TEST_F(RpcServer, TellsAnErrorWithDetailsAndTrailers)
{
    Reply reply = call("Fail", "");
    EXPECT_EQ(reply.code, GRPC_STATUS_NOT_FOUND);
    EXPECT_EQ(reply.text, std::string("The CustomJob \"") + kName + "\" was not found.");
    EXPECT_EQ(reply.operation_name, "projects/p/locations/l/operations/7");
    EXPECT_NE(reply.details.find("type.googleapis.com/google.rpc.ErrorInfo"), std::string::npos);
    EXPECT_NE(reply.details.find("aiplatform.googleapis.com/CustomJob"), std::string::npos) << reply.details;
}

TEST_F(RpcServer, TellsAllViolationsInSentenceAndDetails)
{
    Reply reply = call("Violate", "must be projects/P/locations/L");
    EXPECT_EQ(reply.code, GRPC_STATUS_INVALID_ARGUMENT);
    EXPECT_EQ(reply.text,
              "List of found errors:\t1.Field: custom_job.display_name; Message: Required field is not set.\t"
              "2.Field: parent; Message: must be projects/P/locations/L\t");
    upb_Arena *arena = upb_Arena_New();
    google_rpc_Status *status = google_rpc_Status_parse(reply.details.data(), reply.details.size(), arena);
    ASSERT_NE(status, nullptr);
    EXPECT_EQ(google_rpc_Status_code(status), 3);
    size_t count;
    google_rpc_Status_details(status, &count);
    EXPECT_EQ(count, 2u);
    EXPECT_NE(reply.details.rfind("must be projects/P/locations/L"),
              reply.details.find("must be projects/P/locations/L"))
        << "in the sentence, and in the BadRequest";
    upb_Arena_Free(arena);
}

TEST_F(RpcServer, CutsWhatNoClientWouldTakeAsTrailers)
{
    Reply reply = call("Violate", std::string(100000, '\n'));
    EXPECT_EQ(reply.code, GRPC_STATUS_INVALID_ARGUMENT) << reply.text;
    EXPECT_NE(reply.text.find("and 1 more."), std::string::npos) << reply.text;
    EXPECT_FALSE(reply.details.empty());
}

TEST_F(RpcServer, GivesHandlersHeadersDeadlineAndMethod)
{
    EXPECT_EQ(call("Inspect", "", kTimeoutMs, {{"x-test", "value"}}).message, "value|deadline|/t.T/Inspect");
}

TEST_F(RpcServer, RefusesAMethodThatIsNotThereByName)
{
    Reply reply = call("Nothing", "");
    EXPECT_EQ(reply.code, GRPC_STATUS_UNIMPLEMENTED);
    EXPECT_NE(reply.text.find("/t.T/Nothing"), std::string::npos) << reply.text;
}

TEST_F(RpcServer, RefusesARequestAboveTheLimit)
{
    Reply reply = call("Echo", std::string(LIMIT_REQUEST_BYTES + 1, 'x'));
    EXPECT_EQ(reply.code, GRPC_STATUS_RESOURCE_EXHAUSTED) << reply.text;
    EXPECT_EQ(call("Echo", "still here").message, "still here");
}

TEST_F(RpcServer, RefusesCallsAboveTheLimitAndTakesThemAgainLater)
{
    stop();
    start(1);
    elsewhere_.hold(true);
    std::thread first([this] { EXPECT_EQ(call("Hold", "first").message, "first"); });
    EXPECT_TRUE(notices_.wait_for("held"));
    Reply reply = call("Echo", "second");
    EXPECT_EQ(reply.code, GRPC_STATUS_RESOURCE_EXHAUSTED) << reply.text;
    EXPECT_EQ(reply.text, "1 calls are under way, and the server takes no more at a time: try again later");
    elsewhere_.hold(false);
    first.join();
    do { /* until its end has been seen */
        reply = call("Echo", "third");
    } while (reply.code == GRPC_STATUS_RESOURCE_EXHAUSTED);
    EXPECT_EQ(reply.message, "third");
}

TEST_F(RpcServer, LivesOnWhenAClientDoesNotWaitForItsAnswer)
{
    elsewhere_.hold(true);
    EXPECT_EQ(call("EchoElsewhere", "late", 50).code, GRPC_STATUS_DEADLINE_EXCEEDED);
    elsewhere_.hold(false);
    EXPECT_EQ(call("EchoElsewhere", "next").message, "next");
}

TEST_F(RpcServer, StreamsInOrderFromAnotherThread)
{
    constexpr size_t kCount = 2000;
    struct grpc_stream *stream = open("Stream", std::string(kCount, 'x'));
    grpc_stream_close_writes(stream);
    for (size_t i = 0; i < kCount; i++) {
        ASSERT_EQ(read(stream), "message " + std::to_string(i));
    }
    EXPECT_EQ(read(stream), "(end)");
    EXPECT_EQ(finish(stream).code, GRPC_STATUS_OK);
}

TEST_F(RpcServer, TellsAStreamThatItsClientIsGone)
{
    struct grpc_stream *stream = open("StreamForEver", "");
    EXPECT_EQ(read(stream), "first");
    grpc_stream_cancel(stream);
    EXPECT_EQ(finish(stream).code, GRPC_STATUS_CANCELLED);
    EXPECT_TRUE(notices_.wait_for("gone"));
    EXPECT_TRUE(notices_.wait_for("ended"));
}

TEST_F(RpcServer, BoundsWhatWaitsForASlowReader)
{
    struct grpc_stream *stream = open("StreamUnread", "");
    EXPECT_TRUE(notices_.wait_for("bounded"));
    grpc_stream_cancel(stream);
    finish(stream);
}

TEST_F(RpcServer, ConversesMessageByMessage)
{
    struct grpc_stream *stream = open("Converse", "one");
    EXPECT_EQ(read(stream), "one a");
    EXPECT_EQ(read(stream), "one b");
    grpc_stream_write(stream, span_of("two"));
    EXPECT_EQ(read(stream), "two a");
    EXPECT_EQ(read(stream), "two b");
    grpc_stream_close_writes(stream);
    EXPECT_EQ(read(stream), "(end)");
    EXPECT_EQ(finish(stream).code, GRPC_STATUS_OK);
}

TEST_F(RpcServer, EndsAConversationWithAnError)
{
    struct grpc_stream *stream = open("Converse", "stop");
    EXPECT_EQ(read(stream), "(end)");
    Reply reply = finish(stream);
    EXPECT_EQ(reply.code, GRPC_STATUS_FAILED_PRECONDITION);
    EXPECT_EQ(reply.text, "stopped");
}

TEST_F(RpcServer, StopsWhileCallsWaitElsewhere)
{
    elsewhere_.hold(true);
    std::thread waiting([this] { EXPECT_EQ(call("Hold", "x").code, GRPC_STATUS_UNAVAILABLE); });
    EXPECT_TRUE(notices_.wait_for("held"));
    struct grpc_stream *stream = open("StreamForEver", "");
    EXPECT_EQ(read(stream), "first");
    rpc_server_stop(server_, 10);
    waiting.join();
    EXPECT_EQ(finish(stream).code, GRPC_STATUS_UNAVAILABLE);
    elsewhere_.hold(false); /* as a controller answers what it has when it is stopped */
    rpc_server_destroy(server_);
    server_ = nullptr;
}

/* A client that goes by its statuses tries UNAVAILABLE again, elsewhere or later; CANCELLED tells it nothing. */
TEST_F(RpcServer, RefusesUnavailableWhatComesWhileItStops)
{
    elsewhere_.hold(true);
    std::thread before([this] { EXPECT_EQ(call("Hold", "x").message, "x"); });
    EXPECT_TRUE(notices_.wait_for("held"));
    std::thread stopping([this] { rpc_server_stop(server_, kTimeoutMs); });
    Reply reply;
    do { /* until the stop has begun */
        reply = call("Echo", "x");
    } while (reply.code == GRPC_STATUS_OK);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(reply.code, GRPC_STATUS_UNAVAILABLE) << reply.text;
        EXPECT_EQ(reply.text, "the server is stopping");
        reply = call("Echo", "x");
    }
    elsewhere_.hold(false);
    before.join();
    stopping.join();
}

TEST_F(RpcServer, SaysThatAnAddressIsTaken)
{
    struct rpc_server_options options = {};
    struct rpc_server *second;
    options.services = &services_;
    ASSERT_EQ(rpc_server_create(&options, &second, &err_), 0) << err_.text;
    std::string address = "127.0.0.1:" + std::to_string(port_);
    EXPECT_EQ(listen(second, address), -1);
    EXPECT_EQ(err_.code, ERR_IN_USE);
    EXPECT_EQ(std::string(err_.text), "cannot listen on " + address + ": another program has this address");
    EXPECT_EQ(listen(second, "127.0.0.1"), -1);
    EXPECT_EQ(err_.code, ERR_INVALID);
    rpc_server_destroy(second);
}

} // namespace
