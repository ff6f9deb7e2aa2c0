#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "cli/log_cursor.h"
#include "cli/log_print.h"
#include "helpers.h"

namespace {

constexpr int64_t kTime = INT64_C(1714979289250000000);
enum { STDOUT = 1, STDERR = 2, SERVICE = 3 };

struct Printer {
    struct log_printer printer = {};
    struct text text = {};

    explicit Printer(bool prefix = true) { printer.prefix = prefix; }
    void add(const char *replica, int32_t stream, const std::string &line, bool partial = false, int64_t dropped = 0)
    {
        struct log_line entry = {span_of(replica), stream, kTime, span_make(line.data(), line.size()),
                                 partial,          dropped};
        log_printer_add(&printer, &text, &entry);
    }
    std::string finish()
    {
        log_printer_finish(&printer, &text);
        return take(&text);
    }
};

TEST(LogPrint, NamesTheReplicaOfEachLine)
{
    Printer printer;
    printer.add("workerpool0-0", STDOUT, "one");
    printer.add("service", SERVICE, "two");
    EXPECT_EQ("workerpool0-0 | one\nservice | two\n", printer.finish());
}

TEST(LogPrint, PrintsTheBytesAsTheyAre)
{
    Printer printer(false);
    printer.add("w", STDOUT, std::string("\033[31m\xFF\0x", 8));
    EXPECT_EQ(std::string("\033[31m\xFF\0x\n", 9), printer.finish());
}

TEST(LogPrint, PrintsTimesWhenAsked)
{
    Printer printer;
    printer.printer.timestamps = true;
    printer.add("w", STDOUT, "x");
    EXPECT_EQ("2024-05-06T07:08:09.250Z w | x\n", printer.finish());
}

TEST(LogPrint, PutsPiecesOfALineTogether)
{
    Printer printer;
    printer.add("w", STDOUT, "one ", true);
    printer.add("w", STDOUT, "two ", true);
    printer.add("w", STDOUT, "three");
    printer.add("w", STDOUT, "four", true);
    EXPECT_EQ("w | one two three\nw | four\n", printer.finish());
}

TEST(LogPrint, BreaksAPieceOffWhenAnotherSpeaks)
{
    Printer printer;
    printer.add("v", STDOUT, "one", true);
    printer.add("w", STDOUT, "two", true);
    printer.add("w", STDERR, "three");
    printer.add("v", STDOUT, "four");
    EXPECT_EQ("v | one\nw | two\nw | three\nv | four\n", printer.finish());
}

TEST(LogPrint, TellsWhatWasLost)
{
    Printer printer;
    printer.add("w", STDOUT, "one", true);
    printer.add("w", STDOUT, "two", false, 7);
    printer.add("w", STDERR, "", false, 9);
    EXPECT_EQ(
        "w | one\nw | [7 bytes of stdout were dropped here]\nw | two\nw | [9 bytes of stderr were dropped here]\n",
        printer.finish());
}

TEST(LogPrint, WritesOneObjectALineForPrograms)
{
    Printer printer;
    printer.printer.format = FORMAT_JSON;
    printer.add("w", STDERR, "a\"\xFF\xC3\xA4", true, 7);
    EXPECT_EQ("{\"time\": \"2024-05-06T07:08:09.250Z\", \"replica\": \"w\", \"stream\": \"stderr\", \"line\": "
              "\"a\\\"\xEF\xBF\xBD\xC3\xA4\", \"partial\": true, \"droppedBytes\": \"7\"}\n",
              printer.finish());
    Printer yaml;
    yaml.printer.format = FORMAT_YAML;
    yaml.add("w", STDOUT, "x: y");
    std::string written = yaml.finish();
    EXPECT_EQ("[{\"time\":\"2024-05-06T07:08:09.250Z\",\"replica\":\"w\",\"stream\":\"stdout\",\"line\":\"x: y\"}]",
              read_as("f.yaml", written));
}

struct Entry {
    std::string replica;
    int32_t stream;
    int64_t time;
    int serial;
};

/* A log of three replicas is read through a stream that breaks at random; entries often share a time, and after a break
 * the stream begins at the time asked for, as the server's does. Every entry comes out once and in order. */
TEST(LogCursor, LosesNoLineAndPrintsNoneTwice)
{
    const unsigned seed = 20240509;
    std::mt19937 random(seed);
    for (int round = 0; round < 300; round++) {
        std::vector<Entry> log;
        int64_t time = 1;
        for (int i = 0; i < 200; i++) {
            time += random() % 3 == 0;
            log.push_back({"workerpool0-" + std::to_string(random() % 3), (int32_t)(random() % 2 + 1), time, i});
        }
        struct log_cursor cursor = {};
        struct err err = ERR_INIT;
        std::vector<int> seen;
        for (int streams = 0; seen.size() < log.size() && streams < 1000; streams++) {
            int64_t since = 0;
            log_cursor_since(&cursor, &since);
            log_cursor_restart(&cursor);
            size_t left = random() % 120;
            for (size_t i = 0; i < log.size() && left > 0; i++) {
                bool is_new = false;
                if (log[i].time < since) {
                    continue;
                }
                ASSERT_EQ(0, log_cursor_pass(&cursor, span_of(log[i].replica.c_str()), log[i].stream, log[i].time,
                                             &is_new, &err));
                if (is_new) {
                    seen.push_back(log[i].serial);
                }
                left--;
            }
        }
        std::vector<int> expected;
        for (const Entry &entry : log) {
            expected.push_back(entry.serial);
        }
        ASSERT_EQ(expected, seen) << "seed " << seed << " round " << round;
        log_cursor_deinit(&cursor);
    }
}

TEST(LogCursor, BeginsAtTheBeginning)
{
    struct log_cursor cursor = {};
    int64_t since = 7;
    EXPECT_FALSE(log_cursor_since(&cursor, &since));
    EXPECT_EQ(7, since);
    log_cursor_deinit(&cursor);
}

} // namespace
