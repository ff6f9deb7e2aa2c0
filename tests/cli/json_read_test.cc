#include <gtest/gtest.h>

#include <random>
#include <string>

#include "helpers.h"

namespace {

std::string read(const std::string &json)
{
    return read_as("f.json", json);
}

TEST(JsonRead, ReadsEveryKindOfValue)
{
    EXPECT_EQ(
        R"({"a":[1,-2.5e+3,0],"b":null,"c":true,"d":false,"e":{},"f":[],"g":"x"})",
        read(" { \"a\" : [ 1 , -2.5e+3,0 ],\r\n\"b\":null,\"c\":true,\"d\":false,\"e\":{ },\"f\":[ ],\"g\":\"x\"}\n"));
}

TEST(JsonRead, DecodesEscapesAndSurrogatePairs)
{
    EXPECT_EQ("\"\xC3\xA4 \xF0\x9F\x98\x80 \\\" \\\\ / \\b\\f\\n\\r\\t\"",
              read(R"("\u00e4 \uD83D\uDE00 \" \\ \/ \b\f\n\r\t")"));
}

/* Each of these upb_JsonDecode takes. */
TEST(JsonRead, RefusesWhatUpbLetsPass)
{
    EXPECT_EQ("f.json: line 2: \"a\" stands here twice", read("{\"a\":1,\n\"a\":2}"));
    EXPECT_EQ("f.json: line 2: something stands after the end of the JSON value", read("{}\n{}"));
    EXPECT_EQ("f.json: byte 1 is no UTF-8", read("\"\xC0\x80\""));
    EXPECT_EQ("f.json: byte 1 is no UTF-8", read("\"\xED\xA0\x80\""));
}

TEST(JsonRead, RefusesWhatIsNoJson)
{
    for (const char *wrong :
         {"",    "{",        "[1,]",  "{\"a\"}",    "{\"a\":}", "{a:1}",     "01",          "1.",
          "+1",  ".5",       "1e",    "nul",        "'x'",      "\"\\x41\"", "\"\\ud800\"", "\"\\ud800\\u0041\"",
          "\"a", "\"a\nb\"", "[1 2]", "{\"a\":1,}", "// x\n1",  "\"\\"}) {
        EXPECT_EQ(0u, read(wrong).find("f.json: line ")) << wrong << " gives " << read(wrong);
    }
}

TEST(JsonRead, BoundsTheNesting)
{
    EXPECT_EQ(std::string(32, '[') + std::string(32, ']'), read(std::string(32, '[') + std::string(32, ']')));
    EXPECT_EQ("f.json: line 1: nested too deep", read(std::string(33, '[') + std::string(33, ']')));
    EXPECT_EQ("f.json: line 1: nested too deep", read(std::string(1000000, '[')));
}

/* Bytes changed at random: whatever comes of it, it is read or refused, and what is read is written and read again. */
TEST(JsonRead, SurvivesAnyBytes)
{
    const unsigned seed = 20240507;
    std::mt19937 random(seed);
    const std::string good =
        R"({"displayName":"x\u00e4","jobSpec":{"workerPoolSpecs":[{"replicaCount":"1","a":[null,true,1.5e3]}]}})";
    for (int round = 0; round < 20000; round++) {
        std::string bytes = good;
        for (unsigned changes = random() % 4 + 1; changes > 0; changes--) {
            bytes[random() % bytes.size()] = (char)random();
        }
        bytes.resize(random() % 8 == 0 ? random() % (bytes.size() + 1) : bytes.size());
        std::string once = read(bytes);
        if (once.rfind("f.json: ", 0) != 0) {
            ASSERT_EQ(once, read(once)) << "seed " << seed << " round " << round;
        }
    }
}

} // namespace
