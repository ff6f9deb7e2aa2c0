/* Files of jobs that name a key: what the executor seals when an attempt and a job have ended. */
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "process_house.h"
#include "seal/key_file.h"
#include "seal/keyring.h"
#include "tests/lib/key_file_fixture.h"
#include "tests/lib/temp_dir.h"

namespace {

namespace fs = std::filesystem;

/* An executor that has the one key of that name. */
struct SealingHouse {
    explicit SealingHouse(const std::string &key) : name(key_file_fixture::Name(key))
    {
        struct key_source *source = nullptr;
        struct err err = ERR_INIT;
        std::string path = key_file_fixture::Write(dir.path() + "/keys", key_file_fixture::Line(key, "1", 1));
        EXPECT_EQ(0, key_file_open(path.c_str(), &source, &err)) << err.text;
        EXPECT_EQ(0, keyring_create(source, &ring.ring, &err));
        house.options.keys = ring.ring;
        house.Open();
    }
    void Begin() { house.get()->ops->seal_begin(house.get(), JobId(1), name.c_str()); }
    void End() { house.get()->ops->seal_end(house.get(), JobId(1)); }
    void RunOne()
    {
        EXPECT_EQ("", house.Start(Key(1), Shell("echo the words")));
        house.told.WaitEnd(Key(1));
    }
    bool IsSealed(const std::string &file) { return !fs::exists(file) && fs::exists(file + ".sealed"); }
    bool AreAllSealed()
    {
        std::string attempt = house.AttemptPath(Key(1));
        return IsSealed(attempt + "/stdout.log") && IsSealed(attempt + "/stderr.log") && IsSealed(attempt + "/argv") &&
               IsSealed(attempt + "/env");
    }
    std::string Mark() { return house.JobPath(1) + "/seal.key"; }

    TempDir dir;
    std::string name;
    struct Ring {
        ~Ring() { keyring_destroy(ring); }
        struct keyring *ring = nullptr;
    } ring; /* outlives the house */
    ProcessHouse house;
};

TEST(ProcessSeal, FilesOfAnAttemptThatEndedAreSealedAndReadOn)
{
    SealingHouse sealing("k");
    sealing.Begin();
    sealing.RunOne();
    sealing.End();
    EXPECT_TRUE(Eventually([&] { return sealing.AreAllSealed(); }));
    EXPECT_EQ("the words\n", Texts(ReadLogs(sealing.house.get(), 1)));
    EXPECT_EQ(sealing.name + "\n", Slurp(sealing.Mark()));
}

/* The longest name there may be has 512 characters. */
TEST(ProcessSeal, AKeyWithTheLongestNameSealsToo)
{
    std::string key(512 - key_file_fixture::Name("").size(), 'k');
    SealingHouse sealing(key);
    ASSERT_EQ(512u, sealing.name.size());
    sealing.Begin();
    sealing.RunOne();
    sealing.End();
    EXPECT_TRUE(Eventually([&] { return sealing.AreAllSealed(); }));
}

/* Goal: a job that could not be marked when it began is no job that stays plain. */
TEST(ProcessSeal, AJobThatCouldNotBeMarkedIsMarkedWhenItEnds)
{
    SealingHouse sealing("k");
    fs::create_directories(sealing.Mark() + "/in the way");
    sealing.Begin();
    sealing.RunOne();
    fs::remove_all(sealing.Mark());
    sealing.End();
    EXPECT_TRUE(Eventually([&] { return sealing.AreAllSealed(); }));
    EXPECT_EQ(sealing.name + "\n", Slurp(sealing.Mark()));
}

TEST(ProcessSeal, AMarkThatIsRightIsNotWrittenAgain)
{
    SealingHouse sealing("k");
    struct stat before, after;
    sealing.Begin();
    sealing.RunOne();
    ASSERT_TRUE(Eventually([&] { return sealing.AreAllSealed(); }));
    ASSERT_EQ(0, stat(sealing.Mark().c_str(), &before));
    sealing.Begin();
    sealing.End();
    std::string more = sealing.house.AttemptPath(Key(1)) + "/env";
    std::ofstream(more) << "left by a crash";
    sealing.End();
    ASSERT_TRUE(Eventually([&] { return sealing.IsSealed(more); }));
    ASSERT_EQ(0, stat(sealing.Mark().c_str(), &after));
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

} // namespace
