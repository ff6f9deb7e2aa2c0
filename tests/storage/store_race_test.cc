#include "store_fixture.h"

#include <atomic>
#include <thread>

using namespace storage_test;

namespace {

/* Readers on threads of their own while the owner writes, deletes, snapshots: what they see is always whole. */
class Readers {
  public:
    Readers(struct store *store, int count) : store_(store)
    {
        for (int i = 0; i < count; i++) {
            threads_.emplace_back([this, i] { Run(uint64_t(i)); });
        }
    }
    void Stop()
    {
        stop_ = true;
        for (std::thread &thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }
    ~Readers() { Stop(); }
    uint64_t rounds() const { return rounds_; }

  private:
    void CheckVersion(struct store_version *version)
    {
        std::string value = Text(store_version_value(version));
        struct store_keys keys;
        store_version_keys(version, &keys);
        ASSERT_EQ(JobName(store_version_id(version)), Text(keys.name));
        /* The rest of the value is its state, written out. */
        ASSERT_EQ(std::to_string(keys.state), value.substr(value.rfind('|') + 1));
    }
    void CheckPage(struct store_query query)
    {
        struct store_page page;
        struct err err = ERR_INIT;
        ASSERT_EQ(0, store_list(store_, &query, &page, &err)) << err.text;
        uint64_t before = UINT64_MAX;
        for (uint32_t i = 0; i < page.count; i++) {
            ASSERT_LT(store_version_id(page.versions[i]), before);
            before = store_version_id(page.versions[i]);
            CheckVersion(page.versions[i]);
        }
        store_page_release(&page);
    }
    void Run(uint64_t number)
    {
        std::mt19937_64 random(number);
        struct store_version *kept = nullptr;
        store_reader_register(store_);
        while (!stop_ && !testing::Test::HasFatalFailure()) {
            uint64_t id = 1 + random() % 3000;
            struct store_version *version = store_get(store_, STORE_TABLE_JOB, id);
            if (version) {
                CheckVersion(version);
                if (random() % 16 == 0) {
                    store_version_unref(kept);
                    kept = store_version_ref(version);
                }
                store_version_unref(version);
            }
            std::string name = JobName(id);
            version = store_get_by_name(store_, STORE_TABLE_JOB, SpanOf(name));
            store_version_unref(version);
            if (random() % 32 == 0) {
                struct store_query query = {};
                query.table = STORE_TABLE_JOB;
                query.before_id = random() % 3000;
                query.count_max = uint32_t(random() % 200);
                query.match = [](void *, const struct store_version *row) { return store_version_state(row) % 2 == 0; };
                CheckPage(query);
            }
            rounds_++;
        }
        store_reader_unregister(store_);
        if (kept) {
            CheckVersion(kept); /* versions outlive the registration */
        }
        store_version_unref(kept);
    }

    struct store *store_;
    std::atomic<bool> stop_{false};
    std::atomic<uint64_t> rounds_{0};
    std::vector<std::thread> threads_;
};

TEST(StoreRace, ReadersSeeWholeRowsInOrderWhileTheOwnerWritesAndSnapshots)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 256 * 1024;
    test.options.snapshot_log_bytes_min = 512 * 1024;
    ASSERT_TRUE(test.Open());
    Rows model;
    {
        Readers readers(test.store, 3);
        for (unsigned round = 0; round < 600 || readers.rounds() < 2000; round++) {
            for (int i = 0; i < 30; i++) {
                uint64_t id = 1 + random() % 3000;
                if (random() % 3 == 0) {
                    ASSERT_TRUE(test.Delete(STORE_TABLE_JOB, id));
                    model.erase({STORE_TABLE_JOB, id});
                } else {
                    unsigned state = unsigned(random() % 100000);
                    model[{STORE_TABLE_JOB, id}] = Value(id, state, std::to_string(state));
                    ASSERT_TRUE(test.Put(STORE_TABLE_JOB, id, Value(id, state, std::to_string(state))));
                }
            }
            ASSERT_TRUE(test.Commit());
            int64_t wait_ns;
            ASSERT_TRUE(test.Done(store_tend(test.store, &wait_ns, &test.err)));
            if (round % 200 == 199) {
                ASSERT_TRUE(test.Done(store_snapshot(test.store, &test.err)));
            }
        }
    }
    EXPECT_EQ(model, test.All());
}

/* A batch is visible when its commit has returned, to a thread that is told so. */
TEST(StoreRace, WhatWasCommittedIsSeenByWhomeverIsTold)
{
    TempDir dir;
    StoreUnderTest test(dir.path());
    test.options.segment_bytes = 1024 * 1024;
    ASSERT_TRUE(test.Open());
    std::atomic<uint64_t> committed{0};
    std::atomic<bool> missed{false};
    std::thread reader([&] {
        store_reader_register(test.store);
        uint64_t told;
        do {
            told = committed.load(std::memory_order_acquire);
            struct store_version *version = told > 0 ? store_get(test.store, STORE_TABLE_JOB, told) : nullptr;
            missed = missed || (told > 0 && !version);
            store_version_unref(version);
        } while (told < 2000);
        store_reader_unregister(test.store);
    });
    for (uint64_t id = 1; id <= 2000; id++) {
        EXPECT_TRUE(test.Write(id, Value(id, 1)));
        committed.store(id, std::memory_order_release);
    }
    reader.join();
    EXPECT_FALSE(missed);
}

} // namespace
