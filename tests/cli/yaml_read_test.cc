#include <gtest/gtest.h>

#include <random>
#include <string>

#include "cli/yaml_schema.h"
#include "helpers.h"

namespace {

std::string read(const std::string &yaml)
{
    return read_as("f.yaml", yaml);
}

enum doc_kind kind_of(const char *plain)
{
    bool truth;
    return yaml_schema_kind(span_of(plain), &truth);
}

TEST(YamlSchema, IsTheCoreSchemaOfYaml12)
{
    for (const char *null : {"", "~", "null", "Null", "NULL"}) {
        EXPECT_EQ(DOC_NULL, kind_of(null)) << null;
    }
    for (const char *boolean : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
        EXPECT_EQ(DOC_BOOL, kind_of(boolean)) << boolean;
    }
    for (const char *number :
         {"0", "-19", "+7", "0o7", "0x3A", "010", "0.", "-0.0", ".5", "+12e03", "-2E+05", ".inf", "-.Inf", ".NAN"}) {
        EXPECT_EQ(DOC_NUMBER, kind_of(number)) << number;
    }
    /* Of YAML 1.1: booleans, numbers in base 60, with underscores or binary, and times. */
    for (const char *text : {"yes", "no", "on", "off", "y", "1:30", "1_000", "0b1", "2024-05-06", "nULL", "tRUE", "1e",
                             "-", ".", "0x", "0o8", "1.2.3", "+-1", "0xg"}) {
        EXPECT_EQ(DOC_STRING, kind_of(text)) << text;
    }
}

TEST(YamlRead, ReadsBlocksFlowsAndTexts)
{
    EXPECT_EQ(
        R"({"a":{"b":["x",1,true,null],"c":"two\nlines\n"},"d":"1","e":"folded text\n","f":[{"g":"h"}]})",
        read("a:\n  b: [x, 1, true, ~]\n  c: |\n    two\n    lines\nd: '1'\ne: >\n  folded\n  text\nf:\n- g: \"h\"\n"));
}

TEST(YamlRead, TakesTagsOfTheCoreSchema)
{
    EXPECT_EQ(R"({"a":"1","b":2,"c":"! "})", read("a: !!str 1\nb: !!int '2'\nc: ! '! '\n"));
    EXPECT_EQ("f.yaml: line 1: a tag that means nothing here", read("a: !!python/object 1\n"));
}

TEST(YamlRead, FollowsAliasesAndMergeKeys)
{
    EXPECT_EQ(R"([{"a":1,"b":{"c":2}},{"a":3,"b":{"c":2}},{"c":2}])",
              read("- &x\n  a: 1\n  b: &y {c: 2}\n- <<: *x\n  a: 3\n- *y\n"));
    EXPECT_EQ(R"({"p":{"a":1},"q":{"b":2},"r":{"a":1,"b":2}})",
              read("p: &p {a: 1}\nq: &q {b: 2}\nr:\n  <<: [*p, *q]\n"));
    EXPECT_EQ("f.yaml: line 2: there is no anchor &z above", read("a: 1\nb: *z\n"));
    EXPECT_EQ("f.yaml: line 2: << wants a mapping, or a list of them", read("<<: 1\n"));
}

TEST(YamlRead, LetsNoNodeHoldItself)
{
    EXPECT_EQ("f.yaml: line 1: there is no anchor &a above", read("&a [*a]\n"));
}

TEST(YamlRead, TellsKeysThatStandTwice)
{
    EXPECT_EQ("f.yaml: line 3: \"a\" stands here twice", read("a: 1\nb: 2\na: 3\n"));
}

TEST(YamlRead, TakesOneDocumentAlone)
{
    EXPECT_EQ("f.yaml: line 2: a second document begins; one file is one job", read("a: 1\n--- \nb: 2\n"));
    EXPECT_EQ(R"({"a":1})", read("---\na: 1\n...\n"));
    EXPECT_NE(std::string::npos, read("").find("the file is empty"));
    EXPECT_NE(std::string::npos, read("# nothing\n").find("the file is empty"));
}

TEST(YamlRead, RefusesWhatIsNoYaml)
{
    EXPECT_EQ(0u, read("a: [1\nb: 2\n").find("f.yaml: line "));
    EXPECT_EQ(0u, read("a:\n\tb: 1\n").find("f.yaml: line 2: "));
    EXPECT_EQ("f.yaml: byte 3 is no UTF-8", read("a: \xFF\n"));
    EXPECT_EQ("f.yaml: line 1: a key that is no text", read("[a]: 1\n"));
}

TEST(YamlRead, BoundsTheNesting)
{
    EXPECT_EQ("f.yaml: line 1: nested too deep", read(std::string(40, '[') + std::string(40, ']')));
}

TEST(YamlRead, TellsJsonByItsNameOrItsFirstCharacter)
{
    EXPECT_EQ(R"({"a":1})", read_as("-", " {\"a\": 1}"));
    EXPECT_EQ(R"({"a":1})", read_as("-", "a: 1"));
    EXPECT_EQ(R"({"a":1})", read_as("f.yaml", "{a: 1}"));
    EXPECT_EQ("standard input: line 1: here JSON wants a key in quotes", read_as("-", "{a: 1}"));
    EXPECT_EQ("f.json: line 1: here JSON wants a value: \"text\", number, true, false, null, {…} or […]",
              read_as("f.json", "a: 1"));
}

/* What is written as YAML is read as the same again, whatever text stands in it. */
TEST(YamlWrite, IsReadAsWhatItWas)
{
    const unsigned seed = 20240508;
    std::mt19937 random(seed);
    const std::string alphabet = "abyntrue0123456789.-+:,# '\"\\{}[]&*!|>%@`~=/<\n\t\x01\xC3\xA4";
    for (int round = 0; round < 20000; round++) {
        std::string word;
        for (unsigned size = random() % 8; size > 0; size--) {
            char c = alphabet[random() % alphabet.size()];
            word += (unsigned char)c >= 0x80 ? "\xC3\xA4" : std::string(1, c);
        }
        struct text json = {}, yaml = {};
        doc_write_quoted(&json, span_make(word.data(), word.size()));
        std::string quoted = take(&json),
                    document = "{\"k\":[" + quoted + ",{" + quoted + ":" + quoted + ",\"empty list\":[]}],\"z\":{}}";
        Arena arena;
        struct err err = ERR_INIT;
        struct doc *doc = nullptr;
        ASSERT_EQ(0, doc_read_bytes("f.json", span_make(document.data(), document.size()), arena, &doc, &err))
            << document << " " << err.text;
        doc_write_yaml(&yaml, doc, 0);
        std::string written = take(&yaml);
        ASSERT_EQ(document, read(written)) << "seed " << seed << " round " << round << "\n" << written;
    }
}

TEST(YamlWrite, IsPleasantToRead)
{
    Arena arena;
    struct err err = ERR_INIT;
    struct doc *doc = nullptr;
    struct text text = {};
    std::string json =
        R"({"name":"projects/p/locations/l/customJobs/1","pools":[{"count":"3","args":["--lr","0.1","x y"]},{}],"on":true})";
    ASSERT_EQ(0, doc_read_bytes("f.json", span_make(json.data(), json.size()), arena, &doc, &err));
    doc_write_yaml(&text, doc, 0);
    EXPECT_EQ("name: projects/p/locations/l/customJobs/1\n"
              "pools:\n"
              "- count: \"3\"\n"
              "  args:\n"
              "  - \"--lr\"\n"
              "  - \"0.1\"\n"
              "  - x y\n"
              "- {}\n"
              "\"on\": true\n",
              take(&text));
}

} // namespace
