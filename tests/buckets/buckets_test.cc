#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "buckets/bucket_tree.h"
#include "buckets/object.h"
#include "buckets/object_list.h"
#include "buckets/object_writer.h"
#include "buckets/upload.h"
#include "tests/lib/temp_dir.h"

namespace {

struct span SpanOf(const std::string &text)
{
    return span_make(text.data(), text.size());
}

struct object_name NameOf(const std::string &text)
{
    struct object_name name;
    struct err err = ERR_INIT;

    EXPECT_EQ(0, object_name_read(SpanOf(text), &name, &err)) << err.text;
    return name;
}

const struct object_conditions kNone = OBJECT_UNCONDITIONAL;

/* A tree with one bucket, "b". */
class Buckets : public ::testing::Test {
  protected:
    void SetUp() override
    {
        ASSERT_EQ(0, bucket_name_read(span_of("b"), &bucket_, &err_));
        ASSERT_EQ(0, bucket_tree_open(dir_.path().c_str(), &tree_, &err_)) << err_.text;
        ASSERT_EQ(0, bucket_make(tree_, &bucket_, &made_, &err_)) << err_.text;
    }
    void TearDown() override { bucket_tree_close(tree_); }

    std::string Path(const std::string &name) const { return dir_.path() + "/b/" + name; }

    /* As a job does it. */
    void WriteFile(const std::string &name, const std::string &text)
    {
        std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
        std::ofstream(Path(name)) << text;
    }

    std::string ReadFile(const std::string &name) const
    {
        std::ifstream file(Path(name));
        return std::string(std::istreambuf_iterator<char>(file), {});
    }

    int Put(const std::string &name, const std::string &bytes, const struct object_conditions *conditions = &kNone,
            const char *fields = "{}", const uint32_t *crc32c = nullptr)
    {
        struct object_name read = NameOf(name);
        struct object_writer *writer = nullptr;
        json_t *json = json_loads(fields, 0, nullptr);
        struct object_plan plan = {&bucket_, &read, conditions, json, crc32c, nullptr};

        object_info_deinit(&info_);
        EXPECT_EQ(0, object_writer_open(tree_, &writer, &err_)) << err_.text;
        EXPECT_EQ(0, object_writer_write(writer, bytes.data(), bytes.size(), &err_)) << err_.text;
        int result = object_writer_commit(writer, &plan, &info_, &err_);
        object_writer_close(writer);
        json_decref(json);
        return result;
    }

    int Look(const std::string &name, const struct object_conditions *conditions = &kNone)
    {
        struct object_name read = NameOf(name);

        object_info_deinit(&info_);
        return object_open(tree_, &bucket_, &read, conditions, nullptr, &info_, &err_);
    }

    int Delete(const std::string &name)
    {
        struct object_name read = NameOf(name);

        return object_delete(tree_, &bucket_, &read, &kNone, &err_);
    }

    struct Listed {
        std::vector<std::string> items, prefixes;
        bool operator==(const Listed &other) const { return items == other.items && prefixes == other.prefixes; }
    };

    /* All pages. */
    Listed List(const std::string &prefix, bool by_directory, uint32_t page, const std::string &start = "",
                const std::string &end = "")
    {
        std::string after;
        Listed listed;

        for (;;) {
            struct object_query query = {SpanOf(prefix), by_directory, SpanOf(start), SpanOf(end), SpanOf(after), page};
            struct object_page got;

            EXPECT_EQ(0, object_list(tree_, &bucket_, &query, &got, &err_)) << err_.text;
            EXPECT_LE(got.item_count + got.prefix_count, page);
            for (uint32_t i = 0; i < got.item_count; i++) {
                listed.items.push_back(got.items[i].name.text);
            }
            for (uint32_t i = 0; i < got.prefix_count; i++) {
                listed.prefixes.push_back(got.prefixes[i].text);
            }
            bool more = got.more;
            after = got.last.text;
            object_page_deinit(&got);
            if (!more) {
                return listed;
            }
        }
    }

    ~Buckets() override { object_info_deinit(&info_); }

    TempDir dir_;
    struct bucket_tree *tree_ = nullptr;
    struct bucket_name bucket_;
    struct bucket_info made_;
    struct object_info info_ = {};
    struct err err_ = ERR_INIT;
};

TEST_F(Buckets, NamesThatNoPathCanHaveAreRefusedByName)
{
    for (std::string name : {"", "/a", "a//b", "a/../b", "..", "./a", "a/.", "a\nb"}) {
        struct object_name read;
        struct err err = ERR_INIT;

        EXPECT_EQ(-1, object_name_read(SpanOf(name), &read, &err)) << name;
        EXPECT_EQ(ERR_INVALID, err.code) << name;
    }
    struct object_name read;
    EXPECT_EQ(0, object_name_read(SpanOf(std::string(200, 'x') + "/" + std::string(255, 'y')), &read, &err_));
    EXPECT_EQ(-1, object_name_read(SpanOf(std::string(256, 'x')), &read, &err_));
    EXPECT_EQ(-1, object_name_read(SpanOf("\xc3"), &read, &err_));
    EXPECT_EQ(-1, object_name_read(SpanOf("\xed\xa0\x80"), &read, &err_));
    for (std::string name : {"", ".customjobd", "a/b", "-a", std::string(223, 'a').c_str()}) {
        struct bucket_name bucket;
        EXPECT_EQ(-1, bucket_name_read(SpanOf(name), &bucket, &err_)) << name;
    }
}

TEST_F(Buckets, WhatIsPutIsAFileAndKeepsItsFieldsAndSums)
{
    ASSERT_EQ(0, Put("a/b.txt", "hello", &kNone, R"({"contentType":"text/plain","metadata":{"k":"v"}})")) << err_.text;
    EXPECT_EQ("hello", ReadFile("a/b.txt"));
    ASSERT_EQ(0, Look("a/b.txt")) << err_.text;
    EXPECT_EQ(5u, info_.size_bytes);
    EXPECT_TRUE(info_.has_checksums);
    EXPECT_EQ(0x9a71bb4cu, info_.crc32c);
    EXPECT_STREQ("text/plain", json_string_value(json_object_get(info_.fields, "contentType")));
    EXPECT_EQ(std::filesystem::perms::none,
              std::filesystem::status(Path("a/b.txt")).permissions() & std::filesystem::perms::owner_exec);
}

TEST_F(Buckets, AFileThatAJobHasChangedHasAnotherGenerationAndNoSums)
{
    ASSERT_EQ(0, Put("x", "hello"));
    int64_t before = info_.generation;
    struct timespec times[2] = {{0, UTIME_OMIT}, {4102444800, 0}}; /* as if written to in 2100 */
    ASSERT_EQ(0, utimensat(AT_FDCWD, Path("x").c_str(), times, 0));
    ASSERT_EQ(0, Look("x"));
    EXPECT_FALSE(info_.has_checksums);
    EXPECT_GT(info_.generation, before);
    int64_t of_job = info_.generation;
    ASSERT_EQ(0, Put("x", "again"));
    EXPECT_EQ(of_job + 1, info_.generation) << "above the last one, whatever the clock says";
}

TEST_F(Buckets, ConditionsAreOfTheObjectThatStandsThere)
{
    struct object_conditions absent = OBJECT_UNCONDITIONAL;
    struct object_conditions wrong = OBJECT_UNCONDITIONAL;
    absent.generation_match = 0;
    wrong.generation_match = 7;

    ASSERT_EQ(0, Put("x", "1", &absent)) << err_.text;
    EXPECT_EQ(-1, Put("x", "2", &absent));
    EXPECT_EQ(ERR_PRECONDITION, err_.code);
    EXPECT_EQ(-1, Put("x", "2", &wrong));
    EXPECT_EQ(ERR_PRECONDITION, err_.code);
    EXPECT_EQ(-1, Look("x", &wrong));
    EXPECT_EQ("1", ReadFile("x"));
}

TEST_F(Buckets, OfManyWhoAskThatThereBeNoneOneMakesIt)
{
    std::vector<std::thread> threads;
    std::atomic<int> made{0};

    for (int i = 0; i < 8; i++) {
        threads.emplace_back([&, i] {
            struct object_conditions absent = OBJECT_UNCONDITIONAL;
            absent.generation_match = 0;
            struct object_name name = NameOf("deep/er/one");
            struct object_writer *writer = nullptr;
            struct object_info info;
            struct err err = ERR_INIT;
            json_t *fields = json_object();
            struct object_plan plan = {&bucket_, &name, &absent, fields, nullptr, nullptr};
            std::string bytes = std::to_string(i);

            ASSERT_EQ(0, object_writer_open(tree_, &writer, &err)) << err.text;
            ASSERT_EQ(0, object_writer_write(writer, bytes.data(), bytes.size(), &err));
            if (object_writer_commit(writer, &plan, &info, &err) == 0) {
                made++;
                object_info_deinit(&info);
            } else {
                EXPECT_EQ(ERR_PRECONDITION, err.code) << err.text;
            }
            object_writer_close(writer);
            json_decref(fields);
        });
    }
    for (auto &thread : threads) {
        thread.join();
    }
    EXPECT_EQ(1, made.load());
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() + "/" BUCKET_TREE_UNFINISHED));
}

TEST_F(Buckets, BytesThatAreNotThoseThatWerePromisedMakeNoObject)
{
    uint32_t wrong = 1;

    EXPECT_EQ(-1, Put("x", "hello", &kNone, "{}", &wrong));
    EXPECT_EQ(ERR_INVALID, err_.code);
    EXPECT_EQ(-1, Look("x"));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
    EXPECT_TRUE(std::filesystem::is_empty(dir_.path() + "/" BUCKET_TREE_UNFINISHED));
}

TEST_F(Buckets, NoLinkLeadsOutOfTheBucket)
{
    std::filesystem::create_directory_symlink("/etc", Path("way"));
    std::filesystem::create_symlink("/etc/passwd", Path("file"));
    std::filesystem::create_symlink("../b2/x", Path("sideways"));
    WriteFile("target", "t");
    std::filesystem::create_symlink("target", Path("inside"));

    for (std::string name : {"way/passwd", "file", "sideways"}) {
        EXPECT_EQ(-1, Look(name)) << name;
        EXPECT_EQ(ERR_DENIED, err_.code) << name;
    }
    EXPECT_EQ(-1, Put("way/new", "x"));
    EXPECT_EQ(ERR_DENIED, err_.code);
    ASSERT_EQ(0, Look("inside")) << err_.text;
    EXPECT_EQ((Listed{{"inside", "target"}, {}}), List("", false, 100));
    EXPECT_EQ(-1, Put("file", "x"));
    EXPECT_EQ(ERR_DENIED, err_.code);
}

TEST_F(Buckets, DeleteTakesTheDirectoriesThatItEmpties)
{
    ASSERT_EQ(0, Put("a/b/c/d", "x"));
    ASSERT_EQ(0, Put("a/e", "x"));
    ASSERT_EQ(0, Delete("a/b/c/d")) << err_.text;
    EXPECT_FALSE(std::filesystem::exists(Path("a/b")));
    EXPECT_TRUE(std::filesystem::exists(Path("a/e")));
    ASSERT_EQ(0, Delete("a/e"));
    EXPECT_TRUE(std::filesystem::exists(Path(""))) << "the bucket stays";
    EXPECT_EQ(-1, Delete("a/e"));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
}

TEST_F(Buckets, AnObjectAndADirectoryOfOneNameAreRefused)
{
    ASSERT_EQ(0, Put("a/b", "x"));
    EXPECT_EQ(-1, Put("a", "x"));
    EXPECT_EQ(ERR_EXISTS, err_.code) << err_.text;
    EXPECT_EQ(-1, Put("a/b/c", "x"));
    EXPECT_EQ(ERR_EXISTS, err_.code) << err_.text;
    EXPECT_EQ((Listed{{"a/b"}, {}}), List("", false, 10));
}

TEST_F(Buckets, APipeOrASocketIsNoObjectAndHoldsNobodyUp)
{
    ASSERT_EQ(0, mkfifo(Path("pipe").c_str(), 0600));
    EXPECT_EQ(-1, Look("pipe"));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
    EXPECT_EQ((Listed{{}, {}}), List("", false, 10));
}

/* ---- lists against a model: the sorted names ---- */

std::string RandomName(std::mt19937 &random)
{
    static const char *const parts[] = {"a", "a-", "a0", "b", "ab", "B", "~", "a.b", "\xc3\xa4"};
    std::string name;
    unsigned depth = 1 + random() % 4;

    for (unsigned i = 0; i < depth; i++) {
        name += (i > 0 ? "/" : "") + std::string(parts[random() % 9]);
    }
    return name;
}

TEST_F(Buckets, ListsAreThoseOfTheSortedNames)
{
    const char *given = getenv("SEED");
    unsigned seed = given ? (unsigned)atoi(given) : std::random_device()();
    std::mt19937 random(seed);
    std::set<std::string> names;

    RecordProperty("seed", std::to_string(seed));
    for (int i = 0; i < 120; i++) {
        std::string name = RandomName(random);
        struct stat status;

        /* Neither below a file nor in the place of a directory. */
        bool fits = stat(Path(name).c_str(), &status) != 0 && errno == ENOENT;
        if (fits) {
            WriteFile(name, "x");
            names.insert(name);
        }
    }
    for (int i = 0; i < 300; i++) {
        std::string prefix = random() % 3 ? RandomName(random).substr(0, random() % 6) : "";
        std::string start = random() % 3 ? "" : RandomName(random);
        std::string end = random() % 3 ? "" : RandomName(random);
        bool by_directory = random() % 2 && start.empty() && end.empty();
        uint32_t page = 1 + random() % 7;
        Listed expected;
        std::set<std::string> prefixes;

        while (!prefix.empty() && ((unsigned char)prefix.back() & 0x80)) {
            prefix.pop_back(); /* not within a character */
        }
        for (const std::string &name : names) {
            if (name.compare(0, prefix.size(), prefix) != 0 || name < start || (!end.empty() && name >= end)) {
                continue;
            }
            size_t slash = by_directory ? name.find('/', prefix.size()) : std::string::npos;
            if (slash == std::string::npos) {
                expected.items.push_back(name);
            } else {
                prefixes.insert(name.substr(0, slash + 1));
            }
        }
        expected.prefixes.assign(prefixes.begin(), prefixes.end());
        EXPECT_EQ(expected, List(prefix, by_directory, page, start, end))
            << "seed " << seed << ", prefix '" << prefix << "', start '" << start << "', end '" << end << "', page "
            << page << (by_directory ? ", by directory" : "");
    }
}

TEST_F(Buckets, AnEmptyDirectoryIsAPlaceholder)
{
    std::filesystem::create_directories(Path("a/empty"));
    EXPECT_EQ((Listed{{"a/empty/"}, {}}), List("", false, 10));
    EXPECT_EQ((Listed{{}, {"a/empty/"}}), List("a/", true, 10));
    ASSERT_EQ(0, Put("p/q/", "")) << err_.text;
    EXPECT_TRUE(std::filesystem::is_directory(Path("p/q")));
    EXPECT_EQ(-1, Put("p/q/", "bytes"));
    EXPECT_EQ(ERR_INVALID, err_.code);
    ASSERT_EQ(0, Delete("p/q/")) << err_.text;
    EXPECT_FALSE(std::filesystem::exists(Path("p")));
}

/* ---- uploads ---- */

class Uploads : public Buckets {
  protected:
    std::string Begin(const std::string &name)
    {
        struct object_name read = NameOf(name);
        json_t *fields = json_pack("{s:s}", "contentType", "text/plain");
        struct object_plan plan = {&bucket_, &read, &kNone, fields, nullptr, nullptr};
        char id[TREE_RANDOM_NAME_BYTES] = "";

        EXPECT_EQ(0, upload_begin(tree_, &plan, id, &err_)) << err_.text;
        json_decref(fields);
        return id;
    }

    struct upload *Open(const std::string &id)
    {
        struct upload *upload = nullptr;

        EXPECT_EQ(0, upload_open(tree_, SpanOf(id), &upload, &err_)) << err_.text;
        return upload;
    }
};

TEST_F(Uploads, GoOnAfterARestartAndTellTheirResultAgain)
{
    std::string id = Begin("big/one");
    struct upload *upload = Open(id);

    ASSERT_EQ(0, upload_write(upload, "hel", 3, &err_));
    ASSERT_EQ(0, upload_sync(upload, &err_));
    upload_close(upload);
    EXPECT_EQ(-1, Look("big/one")) << "it is no object yet";

    bucket_tree_close(tree_);
    ASSERT_EQ(0, bucket_tree_open(dir_.path().c_str(), &tree_, &err_));
    upload = Open(id);
    EXPECT_EQ(3u, upload_size(upload));
    ASSERT_EQ(0, upload_write(upload, "lo", 2, &err_));
    ASSERT_EQ(0, upload_commit(upload, &info_, &err_)) << err_.text;
    upload_close(upload);
    EXPECT_EQ("hello", ReadFile("big/one"));

    upload = Open(id);
    EXPECT_TRUE(upload_is_complete(upload));
    object_info_deinit(&info_);
    ASSERT_EQ(0, upload_result(upload, &info_, &err_)) << err_.text;
    EXPECT_EQ(5u, info_.size_bytes);
    EXPECT_STREQ("text/plain", json_string_value(json_object_get(info_.fields, "contentType")));
    upload_close(upload);
}

TEST_F(Uploads, AreOneRequestsAtATime)
{
    std::string id = Begin("x");
    struct upload *upload = Open(id);
    struct upload *other = nullptr;

    EXPECT_EQ(-1, upload_open(tree_, SpanOf(id), &other, &err_));
    EXPECT_EQ(ERR_UNAVAILABLE, err_.code);
    upload_close(upload);
    upload = Open(id);
    EXPECT_EQ(0, upload_cancel(upload, &err_));
    upload_close(upload);
    EXPECT_EQ(-1, upload_open(tree_, SpanOf(id), &other, &err_));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
    EXPECT_EQ(-1, upload_open(tree_, SpanOf("../../b/x"), &other, &err_));
    EXPECT_EQ(ERR_NOT_FOUND, err_.code);
}

TEST_F(Uploads, WhatNobodyGoesOnWithIsSweptAway)
{
    std::string id = Begin("x");
    std::string folder = dir_.path() + "/.customjobd/";
    struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};

    std::ofstream(folder + "unfinished/left") << "x";
    std::ofstream(folder + "unfinished/fresh") << "x";
    for (const std::string &file : {"uploads/" + id, "uploads/" + id + ".json", std::string("unfinished/left")}) {
        ASSERT_EQ(0, utimensat(AT_FDCWD, (folder + file).c_str(), old, 0)) << file;
    }
    bucket_tree_close(tree_);
    ASSERT_EQ(0, bucket_tree_open(dir_.path().c_str(), &tree_, &err_));
    ASSERT_EQ(0, Put("y", "y")) << "the first thing that is begun sweeps";
    EXPECT_TRUE(std::filesystem::is_empty(folder + "uploads"));
    EXPECT_FALSE(std::filesystem::exists(folder + "unfinished/left"));
    EXPECT_TRUE(std::filesystem::exists(folder + "unfinished/fresh"));
}

TEST_F(Buckets, AreListedInOrderAndRemovedWhenEmpty)
{
    for (const char *name : {"zeta", "alpha", "alpha-2"}) {
        struct bucket_name read;
        ASSERT_EQ(0, bucket_name_read(span_of(name), &read, &err_));
        ASSERT_EQ(0, bucket_make(tree_, &read, &made_, &err_)) << err_.text;
    }
    struct bucket_info *infos = nullptr;
    uint32_t count = 0;
    bool more = false;
    ASSERT_EQ(0, bucket_list(tree_, span_of("a"), span_of("alpha"), 10, &infos, &count, &more, &err_));
    ASSERT_EQ(1u, count);
    EXPECT_STREQ("alpha-2", infos[0].name.text);
    EXPECT_FALSE(more);
    free(infos);
    ASSERT_EQ(0, bucket_list(tree_, span_of(""), span_of(""), 3, &infos, &count, &more, &err_));
    EXPECT_EQ(3u, count);
    EXPECT_TRUE(more);
    free(infos);
    ASSERT_EQ(0, Put("x", "x"));
    EXPECT_EQ(-1, bucket_remove(tree_, &bucket_, &err_));
    EXPECT_EQ(ERR_PRECONDITION, err_.code);
    ASSERT_EQ(0, Delete("x"));
    EXPECT_EQ(0, bucket_remove(tree_, &bucket_, &err_)) << err_.text;
    EXPECT_EQ(-1, bucket_make(tree_, &made_.name, &made_, &err_));
    EXPECT_EQ(ERR_EXISTS, err_.code);
}

TEST_F(Buckets, FieldsAreChangedInPlaceAndBounded)
{
    ASSERT_EQ(0, Put("x", "x", &kNone, R"({"contentType":"a/b","metadata":{"keep":"1","drop":"2"}})"));
    struct object_name name = NameOf("x");
    json_t *change = json_loads(R"({"contentType":null,"metadata":{"drop":null,"add":"3"}})", 0, nullptr);
    object_info_deinit(&info_);
    ASSERT_EQ(0, object_patch(tree_, &bucket_, &name, &kNone, change, false, &info_, &err_)) << err_.text;
    json_decref(change);
    char *text = json_dumps(info_.fields, JSON_COMPACT | JSON_SORT_KEYS);
    EXPECT_STREQ(R"({"metadata":{"add":"3","keep":"1"}})", text);
    free(text);
    EXPECT_EQ(2, info_.metageneration);
    EXPECT_TRUE(info_.has_checksums);
    std::string large = R"({"contentType":")" + std::string(4000, 'x') + "\"}";
    EXPECT_EQ(-1, Put("x", "x", &kNone, large.c_str()));
    EXPECT_EQ(ERR_INVALID, err_.code);
}

} // namespace
