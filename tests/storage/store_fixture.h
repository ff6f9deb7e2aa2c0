/* store_fixture: a store in a directory of its own, with rows whose keys can be read off their bytes. */
#ifndef TESTS_STORAGE_STORE_FIXTURE_H_
#define TESTS_STORAGE_STORE_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fs.h"
#include "storage/store.h"
#include "storage/wal_tool.h"
#include "tests/lib/temp_dir.h"
#include "tests/lib/test_value.h"

namespace storage_test {

using test_value::Extract;

inline std::string JobName(uint64_t id, const std::string &parent = "projects/p/locations/l")
{
    return parent + "/customJobs/" + std::to_string(id);
}

inline std::string Value(uint64_t id, unsigned state, const std::string &rest = "",
                         const std::string &parent = "projects/p/locations/l", const std::string &labels = "team=a")
{
    return JobName(id, parent) + "|" + std::to_string(state) + "|" + labels + "|" + rest;
}

inline struct span SpanOf(const std::string &text)
{
    return span_make(text.data(), text.size());
}

inline std::string Text(struct span span)
{
    return std::string(span.data ? span.data : "", span.size);
}

using Rows = std::map<std::pair<int, uint64_t>, std::string>;

/* A store of small segments. Options may be changed before Open. */
class StoreUnderTest {
  public:
    explicit StoreUnderTest(const std::string &dir) : dir_(dir)
    {
        options.dir = dir_.c_str();
        options.fs = fs_system();
        options.clock = clock_system();
        options.extract = Extract;
        options.segment_bytes = 64 * 1024;
    }
    ~StoreUnderTest() { Close(); }
    StoreUnderTest(const StoreUnderTest &) = delete;
    StoreUnderTest &operator=(const StoreUnderTest &) = delete;

    ::testing::AssertionResult Open()
    {
        err = ERR_INIT_VALUE;
        recovery = {};
        if (store_open(&options, &store, &recovery, &err) != 0) {
            store = nullptr;
            return ::testing::AssertionFailure() << err.text;
        }
        store_bind_owner(store);
        return ::testing::AssertionSuccess();
    }
    void Close()
    {
        store_close(store);
        store = nullptr;
    }
    ::testing::AssertionResult Reopen()
    {
        Close();
        return Open();
    }
    ::testing::AssertionResult Done(int result)
    {
        return result == 0 ? ::testing::AssertionSuccess() : ::testing::AssertionFailure() << err.text;
    }
    ::testing::AssertionResult Put(enum store_table table, uint64_t id, const std::string &value)
    {
        return Done(store_put(store, table, id, SpanOf(value), &err));
    }
    ::testing::AssertionResult Delete(enum store_table table, uint64_t id)
    {
        return Done(store_delete(store, table, id, &err));
    }
    ::testing::AssertionResult Commit() { return Done(store_commit(store, &err)); }
    /* One row, one commit. */
    ::testing::AssertionResult Write(uint64_t id, const std::string &value)
    {
        auto put = Put(STORE_TABLE_JOB, id, value);
        return put ? Commit() : put;
    }
    /* The value, or "(none)". */
    std::string Get(uint64_t id, enum store_table table = STORE_TABLE_JOB)
    {
        struct store_version *version = store_get(store, table, id);
        std::string text = version ? Text(store_version_value(version)) : "(none)";
        store_version_unref(version);
        return text;
    }
    Rows All()
    {
        Rows rows;
        for (int table = 1; table < STORE_TABLE_COUNT; table++) {
            std::pair<Rows *, int> context(&rows, table);
            store_walk(
                store, (enum store_table)table,
                [](void *where, const struct store_version *version) {
                    auto *pair = static_cast<std::pair<Rows *, int> *>(where);
                    (*pair->first)[{pair->second, store_version_id(version)}] = Text(store_version_value(version));
                    return true;
                },
                &context);
        }
        return rows;
    }

    struct store_options options = {};
    struct store *store = nullptr;
    struct store_recovery recovery = {};
    struct err err = ERR_INIT;

  private:
    static constexpr struct err ERR_INIT_VALUE = ERR_INIT;
    std::string dir_;
};

inline std::string ReadFile(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
}

inline void WriteFile(const std::string &path, const std::string &bytes)
{
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), std::streamsize(bytes.size()));
}

/* Names in the directory that end with this, sorted. */
inline std::vector<std::string> Files(const std::string &dir, const std::string &ending)
{
    std::vector<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator(dir)) {
        std::string name = entry.path().filename();
        if (name.size() >= ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0) {
            names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/* A store may have it open, and makes and removes files meanwhile: what goes away before it is copied is not there. */
inline void CopyDir(const std::string &from, const std::string &to)
{
    std::filesystem::remove_all(to);
    std::filesystem::create_directories(to);
    for (const auto &entry : std::filesystem::directory_iterator(from)) {
        std::error_code error;
        std::filesystem::copy(entry.path(), to + "/" + entry.path().filename().string(),
                              std::filesystem::copy_options::recursive, error);
        if (error && error != std::errc::no_such_file_or_directory)
            throw std::filesystem::filesystem_error("cannot copy", entry.path(), error);
    }
}

struct ToolRun {
    int code;
    std::string out;
    std::string error;
};

/* What a tool prints, and how it ends. */
template <typename Tool> ToolRun Collect(Tool tool)
{
    char *texts[2] = {nullptr, nullptr};
    size_t sizes[2];
    FILE *out = open_memstream(&texts[0], &sizes[0]);
    FILE *error = open_memstream(&texts[1], &sizes[1]);
    int code = tool(out, error);
    fclose(out);
    fclose(error);
    ToolRun run = {code, std::string(texts[0], sizes[0]), std::string(texts[1], sizes[1])};
    free(texts[0]);
    free(texts[1]);
    return run;
}

inline ToolRun RunTool(const std::string &verb, const std::string &dir, bool json = false)
{
    return Collect(
        [&](FILE *out, FILE *error) { return wal_tool_run(fs_system(), verb.c_str(), dir.c_str(), json, out, error); });
}

/* The seed of a random test: told, and given again by SEED. */
inline uint64_t Seed()
{
    const char *given = getenv("SEED");
    uint64_t seed = given ? strtoull(given, nullptr, 10) : std::random_device{}();
    printf("SEED=%llu\n", static_cast<unsigned long long>(seed));
    return seed;
}

} /* namespace storage_test */

#endif /* TESTS_STORAGE_STORE_FIXTURE_H_ */
