/* What a replica writes: kept line by line, bounded in size, and never a reason for it to wait. */
#include <signal.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attempt.h"

using namespace supervisor_test;

namespace {

uint64_t Dropped(const std::vector<LogLine> &lines)
{
    uint64_t bytes = 0;
    for (const LogLine &line : lines) {
        bytes += line.dropped_bytes;
    }
    return bytes;
}

/* Bytes of output that the entries stand for. */
uint64_t Kept(const std::vector<LogLine> &lines)
{
    uint64_t bytes = 0;
    for (const LogLine &line : lines) {
        if (line.tag != SUPERVISOR_LOG_DROPPED) {
            bytes += line.text.size() + (line.tag == SUPERVISOR_LOG_FULL ? 1 : 0);
        }
    }
    return bytes;
}

TEST(SupervisorLogs, KeepBothStreamsApartAndInOrder)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK,
              attempt.Run("i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"));
    for (bool error : {false, true}) {
        std::vector<LogLine> lines = attempt.Log(error ? SUPERVISOR_FILE_STDERR : SUPERVISOR_FILE_STDOUT);
        ASSERT_EQ(500u, lines.size());
        for (size_t i = 0; i < lines.size(); i++) {
            EXPECT_EQ((error ? "err " : "out ") + std::to_string(i), lines[i].text);
            EXPECT_EQ(SUPERVISOR_LOG_FULL, lines[i].tag);
            EXPECT_GE(lines[i].time_unix_ns, attempt.Events()[0].time_unix_ns);
            EXPECT_LE(lines[i].time_unix_ns, attempt.Events().back().time_unix_ns);
        }
    }
}

TEST(SupervisorLogs, KeepEveryByteButTheEndOfLines)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("printf 'a\\0b\\377\\376\\r\\n\\n\\n  F ! x\\nlast'"));
    EXPECT_EQ(std::string("a\0b\xff\xfe\r\n\n\n  F ! x\nlast\n", 22), attempt.Output());
    EXPECT_EQ(5u, attempt.Log().size());
}

TEST(SupervisorLogs, OfASilentProcessAreEmpty)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit 0"));
    EXPECT_TRUE(attempt.Has(SUPERVISOR_FILE_STDOUT) && attempt.Has(SUPERVISOR_FILE_STDERR));
    EXPECT_EQ("", attempt.Read(SUPERVISOR_FILE_STDOUT) + attempt.Read(SUPERVISOR_FILE_STDERR));
}

/* Around the size of an entry, and far above it. */
TEST(SupervisorLogs, CutLongLinesIntoPieces)
{
    for (size_t size : {size_t(16383), size_t(16384), size_t(16385), size_t(32768), size_t(32769), size_t(300000)}) {
        Attempt attempt;
        EXPECT_EQ(SUPERVISOR_EXIT_OK,
                  attempt.Run("head -c " + std::to_string(size) + " /dev/zero | tr '\\0' x; echo; echo next"));
        EXPECT_EQ(std::string(size, 'x') + "\nnext\n", attempt.Output()) << size;
        std::vector<LogLine> lines = attempt.Log();
        EXPECT_EQ("next", lines.back().text);
        for (const LogLine &line : lines) {
            EXPECT_LE(line.text.size(), size_t(SUPERVISOR_LOG_TEXT_BYTES));
        }
    }
}

/* A prompt, a progress bar: it is seen while the process waits. */
TEST(SupervisorLogs, ShowALineBeforeItsEnd)
{
    Attempt attempt;
    attempt.MakeFifo("go");
    attempt.Write(SUPERVISOR_FILE_STDOUT, "");
    Fd changes(inotify_init1(IN_CLOEXEC));
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("printf prompt; read x < go; echo answer"));
    ASSERT_GE(inotify_add_watch(changes.get(), attempt.Path(SUPERVISOR_FILE_STDOUT).c_str(), IN_MODIFY), 0);
    while (attempt.Read(SUPERVISOR_FILE_STDOUT).empty()) {
        char event[4096];
        ASSERT_GT(read(changes.get(), event, sizeof event), 0);
    }
    EXPECT_EQ("prompt", attempt.Log().at(0).text);
    EXPECT_EQ(SUPERVISOR_LOG_PARTIAL, attempt.Log().at(0).tag);
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("promptanswer\n", attempt.Output());
}

/* ---- bounded ---------------------------------------------------------------------------------------------------- */

/* Goal: a flood is cut to its cap, every byte of it is kept or counted, beginning and end are kept, and the process
 * is not held up. */
TEST(SupervisorLogs, BoundAFloodAndTellWhatWasDropped)
{
    constexpr uint64_t kLines = 500000, kCap = 1 << 20;
    Attempt attempt;
    attempt.SetConf("log_bytes_max=" + std::to_string(kCap) + "\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK,
              attempt.Run("seq -f '%099.0f' " + std::to_string(kLines) + "; echo done >&2; exit 3"));
    EXPECT_EQ(3, attempt.Exit().exit_code);
    EXPECT_EQ("done\n", attempt.Output(SUPERVISOR_FILE_STDERR));
    EXPECT_LE(attempt.Read(SUPERVISOR_FILE_STDOUT).size(), kCap);
    EXPECT_GT(attempt.Read(SUPERVISOR_FILE_STDOUT).size(), kCap * 9 / 10);
    std::vector<LogLine> lines = attempt.Log();
    EXPECT_EQ(kLines * 100, Kept(lines) + Dropped(lines));
    EXPECT_GT(Dropped(lines), kLines * 90);
    EXPECT_EQ(std::string(98, '0') + "1", lines.front().text);
    EXPECT_EQ(kLines, strtoull(lines.back().text.c_str(), nullptr, 10));
    uint64_t before = 0;
    for (const LogLine &line : lines) { /* each line once and in order */
        uint64_t number = line.tag == SUPERVISOR_LOG_FULL ? strtoull(line.text.c_str(), nullptr, 10) : before + 1;
        ASSERT_GT(number, before);
        before = line.tag == SUPERVISOR_LOG_FULL ? number : before;
    }
}

/* One line without an end, and a cap below the least there is. */
TEST(SupervisorLogs, BoundAFloodThatHasNoLines)
{
    constexpr uint64_t kBytes = 50000000;
    Attempt attempt;
    attempt.SetConf("log_bytes_max=1\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("head -c " + std::to_string(kBytes) + " /dev/zero; exit 0"));
    EXPECT_EQ(0, attempt.Exit().exit_code);
    EXPECT_LE(attempt.Read(SUPERVISOR_FILE_STDOUT).size(), 16384u);
    std::vector<LogLine> lines = attempt.Log();
    uint64_t total = Kept(lines) + Dropped(lines);
    EXPECT_TRUE(total == kBytes || total == kBytes + 1) << total << ": the end of the last line may be counted";
}

/* ---- nothing holds the process up ------------------------------------------------------------------------------- */

/* 3 MiB in 50,000 lines of 63 characters. */
constexpr char kBurst[] =
    "i=0; while [ $i -lt 50 ]; do head -c 64000 /dev/zero | tr '\\0' x | fold -w 63; i=$((i+1)); done";

/* Goal: what a program writes faster than it may is missing, is counted, and does not hold it up. */
TEST(SupervisorLogs, DropWhatComesFasterThanTheRateAndCountIt)
{
    Attempt attempt, whole;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, whole.Run(kBurst));
    attempt.SetConf("log_bytes_per_s_max=65536\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run(kBurst));
    std::vector<LogLine> lines = attempt.Log();
    EXPECT_EQ(0, attempt.Exit().exit_code);
    EXPECT_GT(Dropped(lines), 0u);
    EXPECT_GT(Kept(lines), 10000u) << "a second's worth may come at once";
    EXPECT_EQ(Kept(whole.Log()), Kept(lines) + Dropped(lines));
}

TEST(SupervisorLogs, HaveAProgramWaitForTheRateWhereThatWasChosen)
{
    Attempt attempt, whole;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, whole.Run(kBurst));
    attempt.SetConf("log_bytes_per_s_max=4194304\nlog_overflow=wait\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run(kBurst));
    EXPECT_EQ(0u, Dropped(attempt.Log()));
    EXPECT_EQ(whole.Output(), attempt.Output());
}

/* A rate that a program exceeds from its first line on. */
TEST(SupervisorLogs, EndInOrderHoweverSlowTheRateIs)
{
    for (const char *overflow : {"drop", "wait"}) {
        Attempt attempt;
        attempt.SetConf(std::string("log_bytes_per_s_max=1\nlog_overflow=") + overflow + "\n");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("echo one; echo two; echo three; exit 3"));
        EXPECT_EQ(3, attempt.Exit().exit_code) << overflow;
        EXPECT_EQ(14u, Kept(attempt.Log()) + Dropped(attempt.Log())) << overflow;
    }
}

TEST(SupervisorLogs, DoNotHoldUpAProcessWhoseFilesMayGrowNoMore)
{
    Attempt attempt;
    /* Four entries fill the file to its last byte: the next write would be a signal. */
    attempt.SetShell("for i in 1 2 3 4; do head -c 16350 /dev/zero | tr '\\0' x; echo; done;"
                     "seq 100000; echo still >&2; exit 6");
    StartOptions options;
    options.before_exec = [] {
        rlimit limit = {65536, 65536};
        setrlimit(RLIMIT_FSIZE, &limit);
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(6, attempt.Exit().exit_code);
    EXPECT_EQ("still\n", attempt.Output(SUPERVISOR_FILE_STDERR));
    EXPECT_LE(attempt.Read(SUPERVISOR_FILE_STDOUT).size(), 65536u);
    EXPECT_FALSE(attempt.Log().empty()) << "and no half line stands at the end";
}

TEST(SupervisorLogs, DoNotHoldUpAProcessWhenTheyCannotBeOpened)
{
    Attempt attempt;
    ASSERT_EQ(0, mkdir(attempt.Path(SUPERVISOR_FILE_STDOUT).c_str(), 0755));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("seq 100000; echo still >&2; exit 6"));
    EXPECT_EQ(6, attempt.Exit().exit_code);
    EXPECT_EQ("still\n", attempt.Output(SUPERVISOR_FILE_STDERR));
}

TEST(SupervisorLogs, EndWithTheStreamNotWithTheProcess)
{
    Attempt attempt;
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("echo early; exec >&-; echo late >&2; read x < go; exit 2"));
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("early\n", attempt.Output());
    EXPECT_EQ("late\n", attempt.Output(SUPERVISOR_FILE_STDERR));
    EXPECT_EQ(2, attempt.Exit().exit_code);
}

/* A daemon that keeps the streams open and writes on does not keep the job open. */
TEST(SupervisorLogs, DoNotWaitForADaemonThatHoldsThem)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    EXPECT_EQ(
        SUPERVISOR_EXIT_OK,
        attempt.Run("(setsid sh -c 'echo up > up; while :; do echo daemon; done' &); read x < up; echo main >&2"));
    EXPECT_EQ(0, attempt.Exit().exit_code);
    EXPECT_EQ("main\n", attempt.Output(SUPERVISOR_FILE_STDERR));
    (void)attempt.Log(); /* every line has its form */
}

} // namespace
