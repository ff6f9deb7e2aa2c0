/* JSON in and out, without a server around it; what clients see of it is in rest_test.py. */
#include "server/json_message.h"

#include <gtest/gtest.h>

#include <string>

#include "server/http_framing.h"
#include "server/json_check.h"
#include "upb/arena.h"

namespace {

class JsonMessage : public ::testing::Test {
  protected:
    JsonMessage() { EXPECT_EQ(0, json_types_create(&types, &err)) << err.text; }
    ~JsonMessage() override
    {
        upb_Arena_Free(arena);
        json_types_destroy(types);
    }
    std::string error_of(const std::string &text)
    {
        struct err said = ERR_INIT;
        return json_check(span_make(text.data(), text.size()), nullptr, "", arena, &said) ? said.text : "";
    }

    struct err err = ERR_INIT;
    struct json_types *types = nullptr;
    upb_Arena *arena = upb_Arena_New();
};

std::string quoted(const std::string &value)
{
    struct text text = {};
    json_add_string(&text, span_make(value.data(), value.size()));
    std::string copy(text_c(&text), text.size);
    text_deinit(&text);
    return copy;
}

std::string pretty(const std::string &json)
{
    struct text text = {};
    json_add_pretty(&text, span_make(json.data(), json.size()));
    std::string copy(text_c(&text), text.size);
    text_deinit(&text);
    return copy;
}

TEST_F(JsonMessage, StringsAreEscapedAndAlwaysUtf8)
{
    EXPECT_EQ(R"("")", quoted(""));
    EXPECT_EQ(R"("a\"\\\n\t\u0000\u001f/é")", quoted(std::string("a\"\\\n\t\0\x1f/é", 10)));
    EXPECT_EQ("\"a?b?\"", quoted("a\xff"
                                 "b\xc3"));
}

TEST_F(JsonMessage, PrettyKeepsStringsAndEmptyThings)
{
    EXPECT_EQ("{\n  \"a{\\\"\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}\n", pretty(R"({"a{\"":[1,{}],"b":[]})"));
    EXPECT_EQ("{}\n", pretty("{}"));
}

TEST_F(JsonMessage, AnyObjectIsCheckedForKeysThatStandTwice)
{
    EXPECT_EQ("", error_of(R"({"a": {"a": [{"a": 1}, {"a": 2}]}, "b": -0.5e+10})"));
    EXPECT_NE("", error_of(R"({"a": {"b": 1, "c": 2, "b": 3}})"));
    EXPECT_NE("", error_of(R"({"\u00e9": 1, "é": 2})")) << "escaped or not";
    EXPECT_EQ("", error_of(R"({"a": 1, "A": 2, "": 3})"));
}

TEST_F(JsonMessage, ManyKeysTakeNoLongTime)
{
    std::string text = "{";
    for (int i = 0; i < 200000; i++) {
        text += "\"" + std::to_string(i) + "\":0,";
    }
    EXPECT_EQ("", error_of(text + "\"x\":0}"));
    EXPECT_NE(std::string::npos, error_of(text + "\"199999\":0}").find("the name \"199999\" stands twice"));
}

TEST_F(JsonMessage, TheLastCharacterOfAllMayBeEscaped)
{
    const upb_MessageDef *type = json_types_message(types, "google.cloud.aiplatform.v1.CustomJob");
    auto name_of = [&](const std::string &json) {
        std::string text = R"({"displayName": ")" + json + "\"}";
        struct span wire = {};
        struct err said = ERR_INIT;
        return json_message_read(types, type, span_make(text.data(), text.size()), "", arena, &wire, &said)
                   ? std::string(said.text)
                   : std::string(wire.data + 2, wire.size - 2);
    };
    EXPECT_EQ("a\U0010ffff\U0010ffffz", name_of(R"(a\udbff\udfff\uDBFF\uDFFFz)"));
    EXPECT_EQ("\U0010ffff", name_of("\U0010ffff"));
    EXPECT_EQ(R"(\udbff\udfff)", name_of(R"(\\udbff\\udfff)")) << "two backslashes are one, and no escape";
    EXPECT_NE(std::string::npos, name_of(R"(\\udbff\udfff)").find("surrogate pair"));
}

TEST_F(JsonMessage, EveryCutOfATextIsRefused)
{
    const std::string text = R"({"a": [1.5e3, true, false, null, "\ud83d\ude00é"], "b": {"c": {}}})";
    EXPECT_EQ("", error_of(text));
    for (size_t size = 0; size < text.size(); size++) {
        EXPECT_NE("", error_of(text.substr(0, size))) << size;
    }
}

TEST(HttpFraming, KnowsWhenARequestSaysTwiceWhereItEnds)
{
    auto ambiguous = [](const std::string &headers) {
        std::string head = "POST / HTTP/1.1\r\n" + headers + "\r\ncontent-length: 5\r\ncontent-length: 5\r\n";
        return http_framing_is_ambiguous(span_make(head.data(), head.size()));
    };
    EXPECT_FALSE(ambiguous(""));
    EXPECT_FALSE(ambiguous("Content-Length: 5\r\nX-Content-Length: 5\r\nContent-Length-X: 5\r\n"));
    EXPECT_FALSE(ambiguous("Transfer-Encoding: chunked\r\n"));
    EXPECT_TRUE(ambiguous("Content-Length: 5\r\nhost: x\r\ncontent-length: 5\r\n"));
    EXPECT_TRUE(ambiguous("Content-Length: 5\ntransfer-encoding: chunked\n")) << "line ends as libh2o takes them";
    EXPECT_TRUE(ambiguous("TRANSFER-ENCODING:chunked\r\ntransfer-encoding: identity\r\n"));
}

} /* namespace */
