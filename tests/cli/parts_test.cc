#include <gtest/gtest.h>

#include <climits>
#include <string>

#include "base/clock.h"
#include "cli/duration.h"
#include "cli/state.h"
#include "cli/suggest.h"
#include "cli/table.h"
#include "cli/utf8.h"
#include "helpers.h"

namespace {

int64_t parsed(const char *text)
{
    struct err err = ERR_INIT;
    int64_t ns = -1;
    return duration_parse(span_of(text), &ns, &err) ? -1 : ns;
}

int64_t parsed_time(const char *text)
{
    struct err err = ERR_INIT;
    int64_t ns = -1;
    return time_parse(span_of(text), &ns, &err) ? -1 : ns;
}

std::string written(int64_t ns)
{
    struct text text = {};
    duration_add(&text, ns);
    return take(&text);
}

TEST(Duration, ReadsWhatPeopleWrite)
{
    EXPECT_EQ(90 * CLOCK_NS_PER_S, parsed("90"));
    EXPECT_EQ(90 * CLOCK_NS_PER_S, parsed("90s"));
    EXPECT_EQ(90 * CLOCK_NS_PER_S, parsed("1m30s"));
    EXPECT_EQ(90 * CLOCK_NS_PER_S, parsed("1.5m"));
    EXPECT_EQ(250 * CLOCK_NS_PER_MS, parsed("250ms"));
    EXPECT_EQ(250 * CLOCK_NS_PER_MS, parsed("0.25"));
    EXPECT_EQ(2 * 86400 * CLOCK_NS_PER_S + 3600 * CLOCK_NS_PER_S, parsed("2d1h"));
    EXPECT_EQ(0, parsed("0"));
}

TEST(Duration, RefusesWhatIsNone)
{
    for (const char *wrong :
         {"", "s", "1x", "-1s", "1h30", "1.s", ".5s", "1 s", "99999999999s", "999999999d", "1e3", "5m "}) {
        EXPECT_EQ(-1, parsed(wrong)) << wrong;
    }
}

TEST(Duration, IsWrittenInTheTwoLargestUnits)
{
    EXPECT_EQ("0.0s", written(-5));
    EXPECT_EQ("2.5s", written(2500 * CLOCK_NS_PER_MS));
    EXPECT_EQ("41s", written(41 * CLOCK_NS_PER_S));
    EXPECT_EQ("5m2s", written(302 * CLOCK_NS_PER_S));
    EXPECT_EQ("1h", written(3601 * CLOCK_NS_PER_S));
    EXPECT_EQ("2d4h", written((2 * 24 + 4) * 3600 * CLOCK_NS_PER_S));
}

TEST(Time, ReadsRfc3339)
{
    EXPECT_EQ(INT64_C(1714979289000000000), parsed_time("2024-05-06T07:08:09Z"));
    EXPECT_EQ(INT64_C(1714979289250000000), parsed_time("2024-05-06T07:08:09.25Z"));
    EXPECT_EQ(INT64_C(1714979289000000001), parsed_time("2024-05-06t07:08:09.000000001z"));
    EXPECT_EQ(INT64_C(1714972089000000000), parsed_time("2024-05-06 07:08:09+02:00"));
    EXPECT_EQ(INT64_C(1709164800000000000), parsed_time("2024-02-29T00:00:00Z"));
    for (const char *wrong :
         {"", "2024-05-06", "2024-05-06T07:08:09", "2024-02-30T00:00:00Z", "2023-02-29T00:00:00Z",
          "2024-13-01T00:00:00Z", "2024-05-06T24:00:00Z", "2024-05-06T07:08:09.Z", "2024-05-06T07:08:09+2:00",
          "2024-05-06T07:08:09Zx", "1969-05-06T07:08:09Z", "2024-05-06T07:08:09.1234567890Z"}) {
        EXPECT_EQ(-1, parsed_time(wrong)) << wrong;
    }
}

TEST(Time, IsWrittenInUtc)
{
    struct text text = {};
    time_add(&text, INT64_C(1714979289250000000), 0);
    text_add_char(&text, ' ');
    time_add(&text, INT64_C(1714979289250000000), 1);
    EXPECT_EQ("2024-05-06T07:08:09Z 2024-05-06T07:08:09.250Z", take(&text));
}

const char *suggested(const char *wrong, std::initializer_list<const char *> names)
{
    struct suggestion suggestion = suggestion_start(span_of(wrong));
    for (const char *name : names) {
        suggestion_offer(&suggestion, name);
    }
    return suggestion.best ? suggestion.best : "";
}

TEST(Suggest, FindsTheNearestName)
{
    EXPECT_STREQ("list", suggested("lsit", {"wait", "list", "logs"}));
    EXPECT_STREQ("replicaCount", suggested("replica-count", {"replicaCount", "machineSpec"}));
    EXPECT_STREQ("NVIDIA_TESLA_T4", suggested("nvidia-tesla-t4", {"NVIDIA_TESLA_P4", "NVIDIA_TESLA_T4"}));
    EXPECT_STREQ("", suggested("frobnicate", {"wait", "list", "logs"}));
    EXPECT_STREQ("", suggested("x", {"y", "z"}));
    EXPECT_STREQ("", suggested("", {"y"}));
    EXPECT_STREQ("", suggested(std::string(1000, 'x').c_str(), {"xxx"}));
}

TEST(Utf8, TellsWhereItEnds)
{
    auto valid = [](const std::string &text) { return utf8_valid_bytes(span_make(text.data(), text.size())); };
    EXPECT_EQ(6u, valid("a\xC3\xA4\xE2\x82\xAC"));
    EXPECT_EQ(4u, valid("\xF4\x8F\xBF\xBF"));
    /* Overlong, surrogate, above the last code point, cut, a lone continuation. */
    for (const char *wrong : {"\xC0\xAF", "\xE0\x80\xAF", "\xF0\x80\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                              "\xE2\x82", "\x80", "\xFE"}) {
        EXPECT_EQ(0u, valid(wrong));
    }
    EXPECT_EQ(3u, valid(std::string("a\0b", 3)));
}

TEST(Utf8, WritesWhatItReads)
{
    for (uint32_t code_point : {0x24u, 0xA2u, 0x7FFu, 0x800u, 0x20ACu, 0xFFFDu, 0x10000u, 0x10FFFFu}) {
        struct text text = {};
        uint32_t read = 0;
        utf8_add(&text, code_point);
        EXPECT_EQ(text.size, utf8_next(text_span(&text), &read));
        EXPECT_EQ(code_point, read);
        text_deinit(&text);
    }
}

TEST(Utf8, CountsColumns)
{
    EXPECT_EQ(3u, utf8_columns(span_of("a\xC3\xA4z")));
    EXPECT_EQ(4u, utf8_columns(span_of("\xE6\x97\xA5\xE6\x9C\xAC")));
    EXPECT_EQ(1u, utf8_columns(span_of("e\xCC\x81")));
}

TEST(Utf8, MakesWhatOthersWroteHarmless)
{
    struct text text = {};
    utf8_add_printable(&text, span_of("a\033[2Jb\n\x7F\xC2\x9B"
                                      "c\xFF\xC3\xA4"));
    EXPECT_EQ("a\\x1b[2Jb\\x0a\\x7f\\x9bc\xEF\xBF\xBD\xC3\xA4", take(&text));
}

TEST(Table, AlignsColumnsAndKeepsThemFromPageToPage)
{
    static const char *const titles[] = {"ID", "NAME", "STATE", nullptr};
    struct table table;
    struct text text = {};
    table_init(&table, titles, false);
    for (const char *cell : {"1", "a", "RUNNING", "12345", "\xC3\xA4\xC3\xB6", "FAILED"}) {
        table_add(&table, span_of(cell));
    }
    table_flush(&table, &text);
    for (const char *cell : {"2", "", "x\ny"}) {
        table_add(&table, span_of(cell));
    }
    table_flush(&table, &text);
    table_deinit(&table);
    EXPECT_EQ("ID     NAME  STATE\n"
              "1      a     RUNNING\n"
              "12345  \xC3\xA4\xC3\xB6    FAILED\n"
              "2      -     x\\x0ay\n",
              take(&text));
}

TEST(Table, PrintsItsTitlesWithoutARow)
{
    static const char *const titles[] = {"ID", "NAME", nullptr};
    struct table table;
    struct text text = {};
    table_init(&table, titles, true);
    table_flush(&table, &text);
    table_deinit(&table);
    EXPECT_EQ("ID  NAME\n", take(&text));
}

TEST(Table, ColoursStatesAlone)
{
    static const char *const titles[] = {"STATE", "NAME", nullptr};
    struct table table;
    struct text text = {};
    table_init(&table, titles, true);
    table_add(&table, span_of("FAILED"));
    table_add(&table, span_of("x"));
    table_flush(&table, &text);
    table_deinit(&table);
    EXPECT_EQ("STATE   NAME\n\033[31mFAILED\033[0m  x\n", take(&text));
}

TEST(State, MakesExitCodes)
{
    EXPECT_EQ(EXIT_CODE_OK, state_exit_code(4));
    EXPECT_EQ(EXIT_CODE_JOB_FAILED, state_exit_code(5));
    EXPECT_EQ(EXIT_CODE_JOB_CANCELLED, state_exit_code(7));
    for (int32_t state : {0, 1, 2, 3, 6, 8, 10, 17, -1}) {
        EXPECT_FALSE(state_is_final(state)) << state;
    }
    char buffer[24];
    EXPECT_STREQ("RUNNING", state_name(3, buffer));
    EXPECT_STREQ("STATE_-2147483648", state_name(INT32_MIN, buffer));
}

} // namespace
