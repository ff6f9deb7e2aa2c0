/* What is read off the wire by hand against what upb reads. */
#include "server/request_decode.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "base/limits.h"
#include "google/cloud/aiplatform/v1beta1/job_service.upb.h"
#include "job/api.h"
#include "keys.h"
#include "upb/arena.h"

namespace {

const unsigned seed = 20241125;

std::string text(struct span span)
{
    return std::string(span.data ? span.data : "", span.size);
}

std::string text(upb_StringView view)
{
    return text(api_span(view));
}

class RequestDecode : public testing::Test {
  protected:
    RequestDecode() : arena(upb_Arena_New()) {}
    ~RequestDecode() override { upb_Arena_Free(arena); }

    std::string name_of(const std::string &bytes)
    {
        struct span name = span_of("unset");
        ok = request_read_name(as_span(bytes), arena, &name, &err) == 0;
        return text(name);
    }

    upb_Arena *arena;
    struct err err = ERR_INIT;
    bool ok = false;
};

TEST_F(RequestDecode, ReadsTheNameAsTheLastOne)
{
    EXPECT_EQ("", name_of(""));
    EXPECT_EQ("ab", name_of("\x0a\x02"
                            "ab"));
    EXPECT_EQ("c", name_of("\x0a\x02"
                           "ab"
                           "\x0a\x01"
                           "c"));
    EXPECT_EQ("ab", name_of("\x10\x05"
                            "\x0a\x02"
                            "ab"
                            "\x1a\x01"
                            "x")); /* fields it does not know */
    EXPECT_EQ("ab", name_of("\x08\x05"
                            "\x0a\x02"
                            "ab")); /* a number where the name would be */
    EXPECT_EQ("ab", name_of("\x13\x14"
                            "\x0a\x02"
                            "ab")); /* a group */
    EXPECT_EQ("ö", name_of("\x0a\x02"
                           "ö"));
    EXPECT_TRUE(ok);
}

TEST_F(RequestDecode, RefusesMalformedBytesAndText)
{
    name_of("\x0a\x05"
            "ab");
    EXPECT_FALSE(ok);
    EXPECT_STREQ("The request's 4 bytes are not a well-formed protobuf message.", err.text);
    name_of("\x0a\x01\xff");
    EXPECT_FALSE(ok);
    EXPECT_STREQ("The request has a string field that is not valid UTF-8.", err.text);
    name_of("\x0a\x01\xff"
            "\x0a\x01"
            "a"); /* also when a later one wins */
    EXPECT_FALSE(ok);
    EXPECT_EQ(ERR_INVALID, err.code);
    EXPECT_EQ("unset", name_of("\x0a"));
}

TEST_F(RequestDecode, BoundsNesting)
{
    std::string groups;
    for (int i = 0; i < 1000; i++) {
        groups += '\x13';
    }
    for (int i = 0; i < 1000; i++) {
        groups += '\x14';
    }
    name_of(groups);
    EXPECT_FALSE(ok);
    EXPECT_EQ(ERR_INVALID, err.code);
}

TEST_F(RequestDecode, MergesAJobThatComesInPieces)
{
    struct create_request request;
    const std::string bytes = "\x0a\x01p"
                              "\x12\x03\x12\x01"
                              "a"
                              "\x12\x07\x5a\x05\x0a\x03key";
    ASSERT_EQ(0, request_read_create(as_span(bytes), arena, &request, &err)) << err.text;
    EXPECT_EQ("p", text(request.parent));
    ASSERT_TRUE(request.has_custom_job);
    const API(CustomJob) *job = API(CustomJob_parse)(request.custom_job_wire.data, request.custom_job_wire.size, arena);
    ASSERT_NE(nullptr, job);
    EXPECT_EQ("a", text(API(CustomJob_display_name)(job)));
    EXPECT_EQ(1u, API(CustomJob_labels_size)(job));
}

TEST_F(RequestDecode, TellsAnEmptyJobFromNone)
{
    struct create_request request;
    ASSERT_EQ(0, request_read_create(span_of("\x0a\x01p"), arena, &request, &err));
    EXPECT_FALSE(request.has_custom_job);
    ASSERT_EQ(0, request_read_create(span_make("\x12\x00", 2), arena, &request, &err));
    EXPECT_TRUE(request.has_custom_job);
    EXPECT_EQ(0u, request.custom_job_wire.size);
}

/* Both ways take and refuse the same bytes, and read the same. */
TEST_F(RequestDecode, AgreesWithUpbOnMutatedBytes)
{
    std::mt19937 random(seed);
    const std::string good = "\x0a\x16projects/p/locations/l"
                             "\x12\x09\x12\x01"
                             "a"
                             "\x5a\x04\x0a\x02kk"
                             "\x1a\x01z";
    size_t taken = 0, refused = 0;
    for (int round = 0; round < 100000; round++) {
        std::string bytes = good;
        for (size_t edits = 1 + random() % 3; edits > 0; edits--) {
            size_t at = random() % (bytes.size() + 1);
            switch (random() % 3) {
            case 0:
                bytes.insert(at, 1, (char)random());
                break;
            case 1:
                bytes.erase(at, 1 + random() % 3);
                break;
            default:
                bytes[at % bytes.size()] = (char)random();
                break;
            }
            if (bytes.empty()) {
                bytes = good;
            }
        }
        upb_Arena *scratch = upb_Arena_New();
        struct span name = {nullptr, 0};
        const API(GetCustomJobRequest) *get = API(GetCustomJobRequest_parse)(bytes.data(), bytes.size(), scratch);
        bool name_ok = request_read_name(as_span(bytes), scratch, &name, &err) == 0;
        ASSERT_EQ(get != nullptr, name_ok) << "seed " << seed << " round " << round;
        if (get) {
            ASSERT_EQ(text(API(GetCustomJobRequest_name)(get)), text(name));
        }
        (get ? taken : refused)++;
        upb_Arena_Free(scratch);
    }
    EXPECT_GT(taken, 10000u);
    EXPECT_GT(refused, 10000u);
}

} // namespace
