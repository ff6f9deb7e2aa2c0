#include "server/page_token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "keys.h"

namespace {

const uint64_t key[2] = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

const struct page_query query = {span_of("/google.cloud.aiplatform.v1.JobService/ListCustomJobs"),
                                 span_of("projects/p/locations/l"), span_of("labels.a=b")};

std::string encode(const struct page_query &from, uint64_t position)
{
    std::string token(PAGE_TOKEN_CHARS, ' ');
    page_token_encode(key, &from, position, &token[0]);
    return token;
}

/* "" when it is taken. */
std::string refusal(const struct page_query &for_query, const std::string &token, uint64_t *position,
                    const uint64_t *with_key = key)
{
    struct err err = ERR_INIT;
    if (page_token_decode(with_key, &for_query, as_span(token), position, &err) == 0) {
        return "";
    }
    EXPECT_EQ(ERR_INVALID, err.code);
    return err.text;
}

TEST(PageToken, GivesThePositionBack)
{
    for (uint64_t position : {UINT64_C(1), UINT64_C(1716017400250000000), UINT64_MAX}) {
        uint64_t found = 0;
        EXPECT_EQ("", refusal(query, encode(query, position), &found));
        EXPECT_EQ(position, found);
    }
}

TEST(PageToken, OfTheFirstPageIsEmpty)
{
    uint64_t found = 77;
    EXPECT_EQ("", refusal(query, "", &found));
    EXPECT_EQ(0u, found);
}

TEST(PageToken, IsSafeInAUrl)
{
    for (uint64_t position = 1; position < 1000; position++) {
        for (char c : encode(query, position * UINT64_C(0x9e3779b97f4a7c15))) {
            EXPECT_TRUE(isalnum((unsigned char)c) || c == '-' || c == '_') << c;
        }
    }
}

TEST(PageToken, IsRefusedWhereverItIsChanged)
{
    const std::string token = encode(query, UINT64_C(1716017400250000000));
    for (size_t at = 0; at < token.size(); at++) {
        for (int c = 0; c < 256; c++) {
            std::string changed = token;
            changed[at] = (char)c;
            uint64_t found = 77;
            if (changed != token) {
                EXPECT_NE("", refusal(query, changed, &found)) << at << " " << c;
                EXPECT_EQ(77u, found);
            }
        }
    }
}

TEST(PageToken, IsRefusedWhenCutOrGrown)
{
    const std::string token = encode(query, 5);
    uint64_t found = 77;
    for (size_t size = 1; size < token.size(); size++) {
        EXPECT_NE("", refusal(query, token.substr(0, size), &found)) << size;
    }
    EXPECT_NE("", refusal(query, token + "A", &found));
    EXPECT_NE("", refusal(query, token + "=", &found));
    EXPECT_NE("", refusal(query, std::string(1000000, 'A'), &found));
}

TEST(PageToken, IsBoundToMethodParentAndFilter)
{
    const std::string token = encode(query, 5);
    std::vector<struct page_query> others(5, query);
    others[0].method = span_of("/google.cloud.aiplatform.v1beta1.JobService/ListCustomJobs");
    others[1].parent = span_of("projects/p/locations/k");
    others[2].filter = span_of("labels.a=c");
    others[3].filter = span_of("");
    /* The same bytes in a row, cut elsewhere. */
    others[4].parent = span_of("projects/p/locations/ll");
    others[4].filter = span_of("abels.a=b");
    for (const struct page_query &other : others) {
        uint64_t found = 77;
        EXPECT_NE(std::string::npos, refusal(other, token, &found).find("another request"));
        EXPECT_EQ(77u, found);
    }
}

TEST(PageToken, OfAnotherKeyIsNone)
{
    const uint64_t other[2] = {key[0], key[1] ^ 1};
    uint64_t found = 77;
    EXPECT_NE(std::string::npos, refusal(query, encode(query, 5), &found, other).find("no token that this server"));
}

} // namespace
