#include "house.h"

#include <grpc/grpc_security.h>
#include <gtest/gtest.h>

#include <thread>

#include "executor/executor_simulate.h"
#include "job/job_keys.h"
#include "server/methods.h"

namespace server_test {

const char kParent[] = "projects/p/locations/us-central1";
const char kJobService[] = "/google.cloud.aiplatform.v1.JobService/";
const char kOperations[] = "/google.longrunning.Operations/";

static std::string varint(uint64_t value)
{
    std::string bytes;
    for (; value > 0x7f; value >>= 7) {
        bytes += char(value | 0x80);
    }
    return bytes + char(value);
}

std::string field(uint32_t number, const std::string &bytes)
{
    return varint(uint64_t(number) << 3 | 2) + varint(bytes.size()) + bytes;
}

std::string varint_field(uint32_t number, uint64_t value)
{
    return varint(uint64_t(number) << 3) + varint(value);
}

std::string job(const std::string &display_name, const std::string &duration,
                const std::vector<std::pair<std::string, std::string>> &labels)
{
    std::string container = field(1, "debian:12") + field(2, "true");
    std::string pool = varint_field(2, 1) + field(6, container);
    std::string wire = field(2, display_name) + field(4, field(1, pool));
    for (const auto &[key, value] : labels) {
        wire += field(11, field(1, key) + field(2, value));
    }
    return duration.empty() ? wire : wire + field(11, field(1, "simulate-duration") + field(2, duration));
}

/* The first field of this number; type 0 or 2 alone. */
static bool find(const std::string &message, uint32_t wanted, std::string *bytes, uint64_t *number)
{
    size_t at = 0;
    auto read = [&] {
        uint64_t value = 0;
        for (int shift = 0; at < message.size(); shift += 7) {
            unsigned char byte = static_cast<unsigned char>(message[at++]);
            value |= uint64_t(byte & 0x7f) << shift;
            if (byte < 0x80) {
                break;
            }
        }
        return value;
    };
    while (at < message.size()) {
        uint64_t tag = read();
        uint64_t value = read();
        std::string here = (tag & 7) == 2 ? message.substr(at, value) : "";
        at += here.size();
        if (tag >> 3 == wanted) {
            *bytes = here;
            *number = value;
            return true;
        }
    }
    return false;
}

std::string text_of(const std::string &message, uint32_t number)
{
    std::string bytes;
    uint64_t ignored;
    return find(message, number, &bytes, &ignored) ? bytes : "";
}

uint64_t number_of(const std::string &message, uint32_t number)
{
    std::string ignored;
    uint64_t value;
    return find(message, number, &ignored, &value) ? value : 0;
}

static void fatal(void *, const struct err *err)
{
    ADD_FAILURE() << err->text;
}

House::House(int64_t duration_ms, uint32_t replicas_max, uint32_t calls_max)
{
    struct err err = ERR_INIT;
    struct store_recovery recovery;
    struct store_options store_options = {};
    store_options.dir = dir_.path().c_str();
    store_options.fs = fs_system();
    store_options.clock = clock_system();
    store_options.extract = job_keys_extract;
    EXPECT_EQ(store_open(&store_options, &services.store, &recovery, &err), 0) << err.text;
    struct controller_options controller_options = {};
    controller_options.store = services.store;
    controller_options.clock = clock_system();
    controller_options.replicas_max = replicas_max;
    controller_options.stop_grace_ms = 3600 * 1000;
    controller_options.fatal = fatal;
    EXPECT_EQ(controller_create(&controller_options, &controller_, &err), 0) << err.text;
    struct executor_simulate_options simulate_options = {};
    simulate_options.duration_ms = duration_ms;
    simulate_options.clock = clock_system();
    EXPECT_EQ(executor_simulate_create(&simulate_options, controller_sink(controller_), &executor_, &err), 0)
        << err.text;
    EXPECT_EQ(controller_start(controller_, executor_, &err), 0) << err.text;
    services.controller = controller_;
    services.executor = executor_;
    services.clock = clock_system();
    services.rules.replicas_max = replicas_max;
    services.rules.needs_command = executor_->ops->needs_command;
    services.rules.python_packages = true;
    services.page_token_key[0] = 1;
    struct rpc_server_options options = {};
    options.services = &services;
    options.methods = methods_served(&options.method_count);
    options.unserved = methods_refuse;
    options.call_threads = 2;
    options.calls_in_flight_max = calls_max;
    EXPECT_EQ(rpc_server_create(&options, &server_, &err), 0) << err.text;
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int port = 0;
    EXPECT_EQ(rpc_server_listen(server_, "127.0.0.1:0", credentials, &port, &err), 0) << err.text;
    grpc_server_credentials_release(credentials);
    EXPECT_EQ(rpc_server_start(server_, &err), 0) << err.text;
    client = grpc_client_create(("127.0.0.1:" + std::to_string(port)).c_str());
}

House::~House()
{
    grpc_client_destroy(client);
    rpc_server_stop(server_, 0);
    controller_stop(controller_);
    rpc_server_destroy(server_);
    executor_->ops->destroy(executor_);
    controller_destroy(controller_);
    store_close(services.store);
}

static std::string take(const struct span &span)
{
    return std::string(span.data ? span.data : "", span.size);
}

Reply House::call(const std::string &method, const std::string &request, std::vector<struct grpc_header> headers,
                  int64_t timeout_ms)
{
    struct grpc_reply raw;
    grpc_client_call(client, method.c_str(), span_make(request.data(), request.size()), headers.data(), headers.size(),
                     timeout_ms, &raw);
    Reply reply = {raw.code, raw.text, take(raw.message), take(raw.details),
                   raw.operation_name ? raw.operation_name : ""};
    grpc_reply_deinit(&raw);
    return reply;
}

std::string House::create(const std::string &job_wire)
{
    Reply reply = call(kJobService + std::string("CreateCustomJob"), field(1, kParent) + field(2, job_wire));
    EXPECT_EQ(reply.code, 0) << reply.text;
    return text_of(reply.message, 1);
}

std::string House::wait_for_state(const std::string &name, uint64_t state)
{
    auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < deadline) {
        Reply reply = call(kJobService + std::string("GetCustomJob"), field(1, name));
        if (reply.code != 0) {
            return "";
        }
        if (number_of(reply.message, 5) == state) {
            return reply.message;
        }
        std::this_thread::yield();
    }
    return "";
}

} // namespace server_test
