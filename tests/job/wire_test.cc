#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "job/wire.h"
#include "job_wire.h"

namespace {

/* The result of the first wire_next, and what it left. */
struct First {
    enum wire_result result;
    struct wire_field field = {};
    size_t left;

    explicit First(const std::string &bytes)
    {
        struct wire_reader reader = {as_span(bytes)};
        result = wire_next(&reader, &field);
        left = reader.rest.size;
        content = as_string(field.bytes);
    }
    std::string content;
};

TEST(Wire, PassesOverAGroupAsOneField)
{
    /* Group 10 with number 1 = 5, group 11 with bytes 2 = "]", then a number. */
    First first("\x53\x08\x05\x5b\x12\x01]\x5c\x54\x08\x07");
    ASSERT_EQ(WIRE_FIELD, first.result);
    EXPECT_EQ((uint32_t)WIRE_GROUP, first.field.type);
    EXPECT_EQ(10u, first.field.number);
    EXPECT_EQ("\x08\x05\x5b\x12\x01]\x5c", first.content);
    EXPECT_EQ(2u, first.left);
}

TEST(Wire, RefusesGroupsThatDoNotEndAsTheyBegan)
{
    for (const char *bad :
         {"\x53", "\x54", "\x53\x5c", "\x53\x5b\x54\x5c", "\x53\x5b\x5c", "\x53\x08\x54", "\x53\x12\x7f\x54"}) {
        EXPECT_EQ(WIRE_BAD, First(bad).result) << bad;
    }
}

TEST(Wire, RefusesGroupsNestedTooDeep)
{
    auto nested = [](size_t depth) { return std::string(depth, '\x53') + std::string(depth, '\x54'); };
    EXPECT_EQ(WIRE_FIELD, First(nested(LIMIT_REQUEST_DEPTH)).result);
    EXPECT_EQ(WIRE_BAD, First(nested(LIMIT_REQUEST_DEPTH + 1)).result);
}

TEST(Wire, TakesALongTagOfFiveBytesAtMost)
{
    EXPECT_EQ(WIRE_FIELD, First(std::string("\x88\x80\x80\x80\x00\x07", 6)).result);
    EXPECT_EQ(WIRE_BAD, First(std::string("\x88\x80\x80\x80\x80\x00\x07", 7)).result);
    EXPECT_EQ(WIRE_BAD, First(std::string("\x00\x00", 2)).result); /* number 0 */
    EXPECT_EQ(WIRE_BAD, First("\x88\x80\x80\x80\x10\x07").result); /* beyond 32 bits */
}

} /* namespace */
