#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/blob.h"
#include "base/clock.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mailbox.h"
#include "base/thread_check.h"
#include "base/virtual_clock.h"

namespace {

TEST(VirtualClock, BothTimesStandStillAndGoOnTogetherInWholeMicroseconds)
{
    struct virtual_clock clock;
    virtual_clock_init(&clock, 1714979289123456789);
    EXPECT_EQ(clock_wall_unix_ns(&clock.clock), 1714979289123456000);
    int64_t mono = clock_mono_ns(&clock.clock);
    EXPECT_GT(mono, 0);
    virtual_clock_move(&clock, 5 * CLOCK_NS_PER_S + 1);
    EXPECT_EQ(clock_wall_unix_ns(&clock.clock), 1714979294123457000);
    EXPECT_EQ(clock_mono_ns(&clock.clock) - mono, 5 * CLOCK_NS_PER_S + 1000);
    EXPECT_EQ(clock_wall_unix_ns(&clock.calendar), 1714979294123457000);
    int64_t real = clock_mono_ns(clock_system());
    EXPECT_GE(clock_mono_ns(&clock.calendar), real) << "the calendar's monotonic time is the system's";
}

TEST(Err, WrapPutsTheOuterSentenceBeforeTheInnerAndKeepsTheCode)
{
    struct err err = ERR_INIT;
    EXPECT_EQ(-1, err_set(&err, ERR_CORRUPT, "bad magic %#x", 0x12));
    EXPECT_EQ(-1, err_wrap(&err, "read %s", "0001.wal"));
    EXPECT_EQ(ERR_CORRUPT, err.code);
    EXPECT_STREQ("read 0001.wal: bad magic 0x12", err.text);
}

TEST(Err, TooLongASentenceIsCutAndTerminated)
{
    struct err err = ERR_INIT;
    std::string text(3 * ERR_TEXT_BYTES, 'x');
    err_set(&err, ERR_IO, "%s", text.c_str());
    EXPECT_EQ(size_t(ERR_TEXT_BYTES - 1), strlen(err.text));
    err_wrap(&err, "outer");
    EXPECT_EQ(size_t(ERR_TEXT_BYTES - 1), strlen(err.text));
    EXPECT_EQ(0u, std::string(err.text).find("outer: xxx"));
    err_set_errno(&err, ENOSPC, "%s", text.c_str());
    EXPECT_EQ(size_t(ERR_TEXT_BYTES - 1), strlen(err.text));
}

TEST(Err, EveryCodeHasAName)
{
    for (int code = ERR_NONE; code <= ERR_INTERNAL; code++) {
        EXPECT_NE(nullptr, err_code_name((enum err_code)code));
        EXPECT_STRNE("unknown", err_code_name((enum err_code)code));
    }
    EXPECT_STREQ("unknown", err_code_name((enum err_code)999));
}

TEST(Blob, LivesUntilTheLastReference)
{
    struct blob *blob = blob_copy(span_of("hello"));
    ASSERT_NE(nullptr, blob);
    struct blob *second = blob_ref(blob);
    blob_unref(blob);
    EXPECT_TRUE(span_equal_text(blob_span(second), "hello"));
    blob_unref(second);
    blob_unref(nullptr);
}

/* RFC 3720 B.4. */
TEST(Crc32c, AgreesWithThePublishedVectors)
{
    std::vector<unsigned char> bytes(32, 0);
    EXPECT_EQ(0x8a9136aau, crc32c(bytes.data(), bytes.size()));
    bytes.assign(32, 0xff);
    EXPECT_EQ(0x62a8ab43u, crc32c(bytes.data(), bytes.size()));
    for (unsigned i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)i;
    }
    EXPECT_EQ(0x46dd794eu, crc32c(bytes.data(), bytes.size()));
    EXPECT_EQ(0u, crc32c(nullptr, 0));
}

TEST(Crc32c, InstructionAndTableAgreeAtEveryLengthAlignmentAndSplit)
{
    std::vector<unsigned char> bytes(96);
    for (size_t i = 0; i < bytes.size(); i++) {
        bytes[i] = (unsigned char)(i * 37 + 11);
    }
    for (size_t start = 0; start < 9; start++) {
        for (size_t size = 0; start + size <= bytes.size(); size++) {
            uint32_t whole = crc32c(bytes.data() + start, size);
            ASSERT_EQ(whole, crc32c_extend_portable(0, bytes.data() + start, size));
            uint32_t half = crc32c(bytes.data() + start, size / 2);
            ASSERT_EQ(whole, crc32c_extend(half, bytes.data() + start + size / 2, size - size / 2));
        }
    }
}

struct note {
    struct mail mail;
    int sender;
    int number;
};

bool readable(int fd, int timeout_ms)
{
    struct pollfd wait = {fd, POLLIN, 0};
    return poll(&wait, 1, timeout_ms) == 1;
}

TEST(Mailbox, RefusesAboveItsCapacityAndAfterClosing)
{
    struct err err = ERR_INIT;
    struct mailbox *mailbox = nullptr;
    ASSERT_EQ(0, mailbox_create(2, &mailbox, &err)) << err.text;
    struct note notes[4] = {};
    EXPECT_FALSE(readable(mailbox_fd(mailbox), 0));
    EXPECT_EQ(MAILBOX_PUSHED, mailbox_push(mailbox, &notes[0].mail));
    EXPECT_EQ(MAILBOX_PUSHED, mailbox_push(mailbox, &notes[1].mail));
    EXPECT_EQ(MAILBOX_FULL, mailbox_push(mailbox, &notes[2].mail));
    EXPECT_TRUE(readable(mailbox_fd(mailbox), 0));
    struct mail *first = mailbox_drain(mailbox);
    EXPECT_EQ(&notes[0].mail, first);
    EXPECT_EQ(&notes[1].mail, first->next);
    EXPECT_EQ(nullptr, first->next->next);
    EXPECT_FALSE(readable(mailbox_fd(mailbox), 0));
    EXPECT_EQ(MAILBOX_PUSHED, mailbox_push(mailbox, &notes[2].mail));
    mailbox_close(mailbox);
    EXPECT_EQ(MAILBOX_CLOSED, mailbox_push(mailbox, &notes[3].mail));
    EXPECT_EQ(&notes[2].mail, mailbox_drain(mailbox));
    EXPECT_EQ(nullptr, mailbox_drain(mailbox));
    mailbox_destroy(mailbox);
}

TEST(Mailbox, KeepsEachSendersOrderAndLosesNothingUnderLoad)
{
    constexpr int kSenders = 4, kEach = 20000;
    struct err err = ERR_INIT;
    struct mailbox *mailbox = nullptr;
    ASSERT_EQ(0, mailbox_create(64, &mailbox, &err)) << err.text;
    std::vector<std::vector<note>> notes(kSenders, std::vector<note>(kEach));
    std::vector<std::thread> senders;
    for (int sender = 0; sender < kSenders; sender++) {
        senders.emplace_back([&, sender] {
            for (int number = 0; number < kEach; number++) {
                note &mine = notes[(size_t)sender][(size_t)number];
                mine.sender = sender;
                mine.number = number;
                while (mailbox_push(mailbox, &mine.mail) != MAILBOX_PUSHED) {
                    std::this_thread::yield();
                }
            }
        });
    }
    std::vector<int> expected(kSenders, 0);
    for (int received = 0; received < kSenders * kEach;) {
        ASSERT_TRUE(readable(mailbox_fd(mailbox), 30000)) << "a wake-up was lost";
        for (struct mail *mail = mailbox_drain(mailbox); mail; mail = mail->next) {
            note *got = reinterpret_cast<note *>(mail);
            ASSERT_EQ(expected[(size_t)got->sender]++, got->number);
            received++;
        }
    }
    for (std::thread &sender : senders) {
        sender.join();
    }
    mailbox_destroy(mailbox);
}

class FsTest : public testing::Test {
  protected:
    void SetUp() override
    {
        char name[] = "/tmp/customjobd-fs-XXXXXX";
        ASSERT_NE(nullptr, mkdtemp(name));
        dir_ = name;
    }
    void TearDown() override
    {
        std::string command = "rm -rf '" + dir_ + "'";
        ASSERT_EQ(0, std::system(command.c_str()));
    }
    std::string path(const char *name) const { return dir_ + "/" + name; }
    std::string dir_;
    const struct fs *fs_ = fs_system();
    struct err err_ = ERR_INIT;
};

TEST_F(FsTest, CreateRefusesAFileThatIsThereAndOpenOneThatIsNot)
{
    int file = -1;
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_CREATE, &file, &err_)) << err_.text;
    fs_->close(fs_, file);
    EXPECT_EQ(-1, fs_->open(fs_, path("a").c_str(), FS_CREATE, &file, &err_));
    EXPECT_EQ(ERR_EXISTS, err_.code);
    EXPECT_EQ(-1, fs_->open(fs_, path("b").c_str(), FS_READ, &file, &err_));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
    EXPECT_NE(nullptr, strstr(err_.text, "/b"));
}

TEST_F(FsTest, AFileMadeForDirectUseIsOpenedSo)
{
    int file = -1;
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_CREATE | FS_DIRECT | FS_DATA_SYNC, &file, &err_)) << err_.text;
    int flags = fcntl(file, F_GETFL);
    fs_->close(fs_, file);
    EXPECT_EQ(O_DSYNC, flags & O_DSYNC);
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_DIRECT, &file, &err_)) << err_.text;
    EXPECT_EQ(fcntl(file, F_GETFL) & O_DIRECT, flags & O_DIRECT);
    fs_->close(fs_, file);
}

/* Goal: where there is no O_DIRECT files are made all the same. ramfs is such a file system on every kernel. */
TEST_F(FsTest, AFileSystemWithoutDirectUseTakesFilesAsWell)
{
    int file = -1;
    char block[FS_BLOCK_BYTES] = "text";
    if (mount("ramfs", dir_.c_str(), "ramfs", 0, nullptr) != 0) {
        GTEST_SKIP() << "may not mount: " << strerror(errno);
    }
    EXPECT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_CREATE | FS_DIRECT, &file, &err_)) << err_.text;
    EXPECT_EQ(0, fs_->write_at(fs_, file, block, sizeof block, 0, &err_)) << err_.text;
    fs_->close(fs_, file);
    EXPECT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_DIRECT | FS_DATA_SYNC, &file, &err_)) << err_.text;
    fs_->close(fs_, file);
    ASSERT_EQ(0, umount2(dir_.c_str(), MNT_DETACH));
}

TEST_F(FsTest, ReadStopsShortOnlyAtTheEnd)
{
    int file = -1;
    char buffer[16];
    size_t got = 99;
    uint64_t size = 0;
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_CREATE, &file, &err_));
    ASSERT_EQ(0, fs_->write_at(fs_, file, "0123456789", 10, 5, &err_)) << err_.text;
    ASSERT_EQ(0, fs_->size(fs_, file, &size, &err_));
    EXPECT_EQ(15u, size);
    ASSERT_EQ(0, fs_->read_at(fs_, file, buffer, sizeof buffer, 5, &got, &err_));
    EXPECT_EQ(10u, got);
    EXPECT_EQ(0, memcmp(buffer, "0123456789", 10));
    ASSERT_EQ(0, fs_->sync(fs_, file, &err_)) << err_.text;
    ASSERT_EQ(0, fs_->truncate(fs_, file, 2, &err_));
    ASSERT_EQ(0, fs_->read_at(fs_, file, buffer, sizeof buffer, 2, &got, &err_));
    EXPECT_EQ(0u, got);
    fs_->close(fs_, file);
    ASSERT_EQ(0, fs_->sync_dir(fs_, dir_.c_str(), &err_)) << err_.text;
}

TEST_F(FsTest, AWriteToAReadOnlyHandleNamesTheFile)
{
    int file = -1;
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_CREATE, &file, &err_));
    fs_->close(fs_, file);
    ASSERT_EQ(0, fs_->open(fs_, path("a").c_str(), FS_READ, &file, &err_));
    EXPECT_EQ(-1, fs_->write_at(fs_, file, "x", 1, 0, &err_));
    EXPECT_EQ(ERR_IO, err_.code);
    EXPECT_NE(nullptr, strstr(err_.text, path("a").c_str())) << err_.text;
    fs_->close(fs_, file);
}

TEST_F(FsTest, ASecondLockIsRefusedAndNamesTheHolder)
{
    int first = -1, second = -1;
    ASSERT_EQ(0, fs_->lock(fs_, path("lock").c_str(), &first, &err_)) << err_.text;
    EXPECT_EQ(-1, fs_->lock(fs_, path("lock").c_str(), &second, &err_));
    EXPECT_EQ(ERR_IN_USE, err_.code);
    EXPECT_NE(nullptr, strstr(err_.text, std::to_string(getpid()).c_str())) << err_.text;
    fs_->close(fs_, first);
    ASSERT_EQ(0, fs_->lock(fs_, path("lock").c_str(), &second, &err_)) << err_.text;
    fs_->close(fs_, second);
}

/* Goal: a lock that outlives its holder by the moment in which a child it was starting has not yet exec'd. */
TEST_F(FsTest, ALockWhoseHolderHasDiedIsWaitedFor)
{
    int left = -1;
    int taken = -1;
    pid_t dead = fork();

    if (dead == 0) {
        _exit(0);
    }
    ASSERT_EQ(dead, waitpid(dead, nullptr, 0));
    ASSERT_EQ(0, fs_->lock(fs_, path("lock").c_str(), &left, &err_)) << err_.text;
    std::string text = std::to_string(dead) + "\n";
    ASSERT_EQ(0, ftruncate(left, 0));
    ASSERT_EQ(ssize_t(text.size()), pwrite(left, text.data(), text.size(), 0));
    std::atomic<bool> tries{false};
    std::thread waiting([&] {
        tries = true;
        EXPECT_EQ(0, fs_->lock(fs_, path("lock").c_str(), &taken, &err_)) << err_.text;
    });
    while (!tries) {
        std::this_thread::yield();
    }
    fs_->close(fs_, left);
    waiting.join();
    fs_->close(fs_, taken);
}

TEST_F(FsTest, ListNamesWhatIsThereAndMakeDirToleratesOnlyADirectory)
{
    std::vector<std::string> names;
    int file = -1;
    ASSERT_EQ(0, fs_->make_dir(fs_, path("d").c_str(), &err_));
    ASSERT_EQ(0, fs_->make_dir(fs_, path("d").c_str(), &err_));
    ASSERT_EQ(0, fs_->open(fs_, path("f").c_str(), FS_CREATE, &file, &err_));
    fs_->close(fs_, file);
    EXPECT_EQ(-1, fs_->make_dir(fs_, path("f").c_str(), &err_));
    ASSERT_EQ(0, fs_->rename(fs_, path("f").c_str(), path("g").c_str(), &err_));
    ASSERT_EQ(0, fs_->list(
                     fs_, dir_.c_str(),
                     [](void *context, const char *name) {
                         static_cast<std::vector<std::string> *>(context)->push_back(name);
                     },
                     &names, &err_));
    std::sort(names.begin(), names.end());
    EXPECT_EQ((std::vector<std::string>{"d", "g"}), names);
    ASSERT_EQ(0, fs_->remove(fs_, path("g").c_str(), &err_));
    EXPECT_EQ(-1, fs_->remove(fs_, path("g").c_str(), &err_));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
}

TEST(ThreadCheckDeathTest, AForeignThreadIsNamedAndStopped)
{
    testing::FLAGS_gtest_death_test_style = "threadsafe";
    struct thread_check check = {};
    THREAD_CHECK(&check); /* unbound: anybody may */
    thread_check_bind(&check, "controller");
    THREAD_CHECK(&check);
    EXPECT_DEATH(std::thread([&] { THREAD_CHECK(&check); }).join(), "the controller");
}

} // namespace
