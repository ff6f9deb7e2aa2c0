#include <gtest/gtest.h>

#include <climits>
#include <random>
#include <string>

#include "supervisor/supervisor_wire_log.h"

namespace {

std::string Head(int64_t time_unix_ns, char tag)
{
    char head[SUPERVISOR_LOG_HEAD_BYTES];
    supervisor_log_head(head, time_unix_ns, tag);
    return std::string(head, sizeof head);
}

bool Parse(const std::string &line, supervisor_log_entry *entry)
{
    return supervisor_log_parse(line.data(), line.size(), entry);
}

bool Refuses(const std::string &line)
{
    supervisor_log_entry entry = {};
    entry.tag = 'z';
    return !Parse(line, &entry) && entry.tag == 'z';
}

constexpr int64_t kSecond = 1000000000;

TEST(SupervisorLogLine, TellsTheTimeAsRfc3339WithNanoseconds)
{
    EXPECT_EQ("1970-01-01T00:00:00.000000000Z F ", Head(0, 'F'));
    EXPECT_EQ("2024-01-02T03:04:05.123456789Z P ", Head(1704164645123456789, 'P'));
    EXPECT_EQ("2000-02-29T23:59:59.999999999Z F ", Head(951868799999999999, 'F'));
    EXPECT_EQ("2000-03-01T00:00:00.000000000Z F ", Head(951868800000000000, 'F'));
    EXPECT_EQ("2100-02-28T23:59:59.000000000Z F ", Head(4107542399 * kSecond, 'F'));
    EXPECT_EQ("2100-03-01T00:00:00.000000000Z F ", Head(4107542400 * kSecond, 'F')) << "no leap year";
    EXPECT_EQ("1970-01-01T00:00:00.000000000Z F ", Head(-1, 'F')) << "a clock before its time";
    EXPECT_EQ("2262-04-11T23:47:16.854775807Z F ", Head(INT64_MAX, 'F'));
}

TEST(SupervisorLogLine, GivesEveryTimeBackAsItWas)
{
    std::mt19937_64 random(20240102);
    for (int round = 0; round < 100000; round++) {
        int64_t time = int64_t(random() % uint64_t(9214646399 * kSecond)); /* to the end of 2261 */
        supervisor_log_entry entry = {};
        std::string line = Head(time, round % 2 ? 'F' : 'P') + "text";
        ASSERT_TRUE(Parse(line, &entry)) << line;
        ASSERT_EQ(time, entry.time_unix_ns) << line;
        ASSERT_EQ(round % 2 ? 'F' : 'P', entry.tag);
        ASSERT_EQ("text", std::string(entry.text, entry.text_bytes));
        ASSERT_EQ(0u, entry.dropped_bytes);
    }
}

TEST(SupervisorLogLine, KeepsWhateverBytesTheTextHas)
{
    std::string text("a\0b\xff\xfe F !", 10);
    supervisor_log_entry entry = {};
    std::string line = Head(kSecond, 'F') + text; /* the entry points into it */
    ASSERT_TRUE(Parse(line, &entry));
    EXPECT_EQ(text, std::string(entry.text, entry.text_bytes));
    line = Head(kSecond, 'F');
    ASSERT_TRUE(Parse(line, &entry));
    EXPECT_EQ(0u, entry.text_bytes);
}

TEST(SupervisorLogLine, CountsWhatWasDropped)
{
    for (uint64_t count : {uint64_t(0), uint64_t(1), uint64_t(1048576), uint64_t(9999999999999999999u)}) {
        char line[SUPERVISOR_LOG_HEAD_BYTES + 40];
        size_t size = supervisor_log_dropped_line(line, 5 * kSecond, count);
        ASSERT_LE(size, sizeof line);
        EXPECT_EQ("1970-01-01T00:00:05.000000000Z ! " + std::to_string(count) + " bytes dropped\n",
                  std::string(line, size));
        supervisor_log_entry entry = {};
        ASSERT_TRUE(supervisor_log_parse(line, size - 1, &entry));
        EXPECT_EQ(SUPERVISOR_LOG_DROPPED, entry.tag);
        EXPECT_EQ(count, entry.dropped_bytes);
    }
    char longest[SUPERVISOR_LOG_HEAD_BYTES + 40];
    EXPECT_LE(supervisor_log_dropped_line(longest, INT64_MAX, UINT64_MAX), sizeof longest);
}

TEST(SupervisorLogLine, RefusesWhatHasAnotherForm)
{
    std::string good = "2024-01-02T03:04:05.123456789Z F text";
    EXPECT_FALSE(Refuses(good));
    for (size_t size = 0; size < SUPERVISOR_LOG_HEAD_BYTES; size++) {
        EXPECT_TRUE(Refuses(good.substr(0, size))) << size;
    }
    for (size_t at = 0; at < SUPERVISOR_LOG_HEAD_BYTES; at++) {
        std::string bad = good;
        bad[at] = '~';
        EXPECT_TRUE(Refuses(bad)) << bad;
    }
    for (const char *head :
         {"2024-00-02T03:04:05.123456789Z F ", "2024-13-02T03:04:05.123456789Z F ", "2024-01-00T03:04:05.123456789Z F ",
          "2024-01-32T03:04:05.123456789Z F ", "2023-02-29T03:04:05.123456789Z F ", "2024-02-30T03:04:05.123456789Z F ",
          "2024-04-31T03:04:05.123456789Z F ", "2024-01-02T24:04:05.123456789Z F ", "2024-01-02T03:60:05.123456789Z F ",
          "2024-01-02T03:04:60.123456789Z F ", "1969-12-31T23:59:59.999999999Z F ", "2262-01-01T00:00:00.000000000Z F ",
          "2024-01-02T03:04:05.123456789Z X ", "2024-01-02T03:04:05.123456789Z f ",
          "2024-01-02 03:04:05.123456789Z F "}) {
        EXPECT_TRUE(Refuses(head)) << head;
    }
    EXPECT_FALSE(Refuses("2024-02-29T03:04:05.123456789Z F "));
}

TEST(SupervisorLogLine, RefusesDropsThatAreNotCounted)
{
    std::string head = "2024-01-02T03:04:05.123456789Z ! ";
    EXPECT_FALSE(Refuses(head + "12 bytes dropped"));
    for (const char *text :
         {"", "bytes dropped", " bytes dropped", "12", "12 bytes", "12 bytes dropped.", "-1 bytes dropped",
          "1x bytes dropped", "12  bytes dropped", "99999999999999999999 bytes dropped"}) {
        EXPECT_TRUE(Refuses(head + text)) << text;
    }
}

} // namespace
