#include "front.h"
#include "grpc/health/v1/health.upb.h"

using namespace server_test;

namespace {

const char check_method[] = "/grpc.health.v1.Health/Check";
const char watch_method[] = "/grpc.health.v1.Health/Watch";

class Health : public Front {
  protected:
    struct span health_request(const std::string &service)
    {
        auto *request = grpc_health_v1_HealthCheckRequest_new(arena);
        size_t size;
        grpc_health_v1_HealthCheckRequest_set_service(request,
                                                      upb_StringView_FromDataAndSize(service.data(), service.size()));
        char *bytes = grpc_health_v1_HealthCheckRequest_serialize(request, arena, &size);
        return span_make(bytes, size);
    }
    int health_of(struct span message)
    {
        auto *response = grpc_health_v1_HealthCheckResponse_parse(message.data, message.size, arena);
        return response ? grpc_health_v1_HealthCheckResponse_status(response) : -1;
    }
    /* -2: at the end. */
    int next_health(Conversation &call)
    {
        std::optional<std::string> message = call.hear();
        return message ? health_of(span_make(message->data(), message->size())) : -2;
    }
    int check(const std::string &service, int *ret_code)
    {
        struct grpc_reply reply;
        grpc_client_call(client, check_method, health_request(service), nullptr, 0, conversation_timeout_ms, &reply);
        int status = reply.code == 0 ? health_of(reply.message) : -1;
        *ret_code = reply.code;
        grpc_reply_deinit(&reply);
        return status;
    }
};

TEST_F(Health, IsThatOfTheServerAndOfEachService)
{
    int code;
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check("", &code));
    health_set(health, true);
    for (const char *service : {"", "google.cloud.aiplatform.v1.JobService", "grpc.health.v1.Health"}) {
        EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check(service, &code)) << service;
    }
    check("no.Such", &code);
    EXPECT_EQ(5, code) << "NOT_FOUND";
    check("\xff", &code);
    EXPECT_EQ(3, code) << "no UTF-8";
}

TEST_F(Health, ListHasEveryService)
{
    struct grpc_reply reply;
    size_t at = kUpb_Map_Begin, count = 0;
    health_set(health, true);
    grpc_client_call(client, "/grpc.health.v1.Health/List", span_make(nullptr, 0), nullptr, 0, conversation_timeout_ms,
                     &reply);
    ASSERT_EQ(0, reply.code) << reply.text;
    auto *list = grpc_health_v1_HealthListResponse_parse(reply.message.data, reply.message.size, arena);
    ASSERT_NE(nullptr, list);
    while (const auto *entry = grpc_health_v1_HealthListResponse_statuses_next(list, &at)) {
        EXPECT_EQ(
            grpc_health_v1_HealthCheckResponse_SERVING,
            grpc_health_v1_HealthCheckResponse_status(grpc_health_v1_HealthListResponse_StatusesEntry_value(entry)));
        count++;
    }
    EXPECT_LT(6u, count);
    grpc_reply_deinit(&reply);
}

TEST_F(Health, AWatcherIsToldOfEachChangeAndOfTheEnd)
{
    Conversation known = ask(watch_method, health_request(""));
    Conversation unknown = ask(watch_method, health_request("no.Such"));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(known));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVICE_UNKNOWN, next_health(unknown));
    health_set(health, true);
    health_set(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(known));
    stop();
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(known)) << "no change, no message between";
    EXPECT_EQ(-2, next_health(known));
    EXPECT_EQ(14, known.finish().code) << "UNAVAILABLE: watch elsewhere";
    EXPECT_EQ(-2, next_health(unknown));
    EXPECT_EQ(14, unknown.finish().code);
}

/* A disk that is nearly full ends no service: what is there can be read and deleted. */
TEST_F(Health, TellsApartWhetherNewJobsAreTaken)
{
    int code;
    health_set_taking_jobs(health, false);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check(HEALTH_NEW_JOBS, &code));
    health_set_taking_jobs(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, check(HEALTH_NEW_JOBS, &code)) << "nor is the server";
    health_set(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check(HEALTH_NEW_JOBS, &code));
    Conversation jobs = ask(watch_method, health_request(HEALTH_NEW_JOBS));
    Conversation server = ask(watch_method, health_request(""));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(server));
    health_set_taking_jobs(health, false);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, check("google.cloud.aiplatform.v1.JobService", &code));
    health_set_taking_jobs(health, true);
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_SERVING, next_health(jobs));
    stop();
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(jobs));
    EXPECT_EQ(grpc_health_v1_HealthCheckResponse_NOT_SERVING, next_health(server)) << "no message between";
    EXPECT_EQ(-2, next_health(jobs));
    EXPECT_EQ(-2, next_health(server));
    jobs.finish();
    server.finish();
}

TEST_F(Health, AWatcherThatGoesMakesRoom)
{
    for (int i = 0; i < 50; i++) {
        Conversation call = ask(watch_method, health_request(""));
        EXPECT_LE(0, next_health(call));
        call.cancel();
        EXPECT_EQ(1, call.finish().code);
        health_set(health, i % 2 == 0);
    }
}

} /* namespace */
