#include "store_fixture.h"

#include <cstring>

#include "storage/id_slots.h"
#include "storage/reclaim.h"
#include "storage/table.h"
#include "storage/version.h"
#include "storage/wal_record.h"

using namespace storage_test;

namespace {

struct store_version *MakeVersion(uint64_t id, const std::string &rest)
{
    struct store_version *version = nullptr;
    struct err err = ERR_INIT;
    EXPECT_EQ(0, version_create(Extract, STORE_TABLE_JOB, id, SpanOf(Value(id, 1, rest)), &version, &err)) << err.text;
    return version;
}

struct TableUnderTest {
    struct reclaim *reclaim = nullptr;
    struct table *table = table_create(true);
    int64_t bytes = 0;

    TableUnderTest()
    {
        struct err err = ERR_INIT;
        EXPECT_EQ(0, reclaim_create(&reclaim, &err));
    }
    ~TableUnderTest()
    {
        reclaim_destroy(reclaim);
        table_destroy(table);
    }
    void Put(uint64_t id, const std::string &rest)
    {
        struct err err = ERR_INIT;
        int64_t change = 0;
        ASSERT_EQ(0, table_publish(table, id, MakeVersion(id, rest), reclaim, &change, &err));
        bytes += change;
    }
    void Remove(uint64_t id)
    {
        struct err err = ERR_INIT;
        int64_t change = 0;
        ASSERT_EQ(0, table_publish(table, id, nullptr, reclaim, &change, &err));
        bytes += change;
    }
};

using Values = std::vector<std::pair<uint64_t, std::string>>;

bool Collect(void *context, struct store_version *version)
{
    static_cast<Values *>(context)->emplace_back(store_version_id(version), Text(store_version_value(version)));
    return true;
}

/* Upwards and downwards. */
void ExpectInOrder(const TableUnderTest &test, const std::map<uint64_t, std::string> &model, const char *parent)
{
    Values expected(model.begin(), model.end());
    Values up;
    uint64_t after = 0;
    while (table_scan_up(test.table, &after, 100, Collect, &up)) {
    }
    ASSERT_EQ(expected, up);
    Values down;
    uint64_t before = UINT64_MAX;
    struct filter_plan *plan = table_plan(test.table, span_of(parent), nullptr);
    while (table_list_down(test.table, plan, &before, Collect, &down)) {
    }
    free(plan);
    std::reverse(down.begin(), down.end());
    ASSERT_EQ(expected, down);
}

/* Ids in any order, dense and far apart, also again after they were removed: always what a sorted map would hold. */
TEST(Table, BehavesAsASortedMapUnderRandomUse)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    for (uint64_t spread : {uint64_t(700), uint64_t(20000), UINT64_MAX}) {
        TableUnderTest test;
        std::map<uint64_t, std::string> model;
        uint64_t removals = 1;
        for (int step = 0; step < 30000; step++) {
            if (step % 5000 == 0) {
                removals = random() % 10; /* tenths: phases in which it grows and phases in which it shrinks */
            }
            uint64_t id = 1 + random() % (spread - 1);
            if (random() % 10 < removals) {
                auto any = model.lower_bound(id);
                id = any == model.end() ? id : any->first;
                test.Remove(id);
                model.erase(id);
            } else {
                test.Put(id, std::to_string(step));
                model[id] = Value(id, 1, std::to_string(step));
            }
            ASSERT_FALSE(HasFatalFailure());
        }
        ASSERT_NO_FATAL_FAILURE(ExpectInOrder(test, model, ""));
        int64_t bytes = 0;
        for (auto &[id, value] : model) {
            struct store_version *version = table_find(test.table, id);
            ASSERT_NE(nullptr, version);
            ASSERT_EQ(value, Text(store_version_value(version)));
            bytes += int64_t(value.size());
        }
        EXPECT_EQ(bytes, test.bytes);
        EXPECT_EQ(model.size(), table_count(test.table));
        for (int i = 0; i < 1000; i++) {
            uint64_t id = 1 + random() % (spread - 1);
            ASSERT_EQ(model.count(id) != 0, table_find(test.table, id) != nullptr);
        }
    }
}

/* Sparse blocks are made anew in steps; between the steps their rows change, go, come back, or come in between. */
TEST(Table, MissesNothingThatHappensWhileABlockIsMadeAnew)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    TableUnderTest test;
    std::map<uint64_t, std::string> model;
    auto put = [&](uint64_t id, const std::string &rest) {
        test.Put(id, rest);
        model[id] = Value(id, 1, rest);
    };
    const uint64_t last = 40000;
    for (uint64_t id = 2; id <= last; id += 2) {
        put(id, "first");
    }
    for (uint64_t id = 2; id <= last; id += 2) {
        if (random() % 8 < 6) {
            test.Remove(id);
            model.erase(id);
        }
    }
    int worked = 0;
    for (int steps = 0; steps < 300; steps++) {
        worked += table_tidy(test.table, test.reclaim);
        for (int i = 0; i < 8; i++) {
            uint64_t id = 1 + random() % last;
            if (random() % 3 == 0) {
                test.Remove(id);
                model.erase(id);
            } else if (id % 2 == 0 || random() % 8 == 0) {
                put(id, "step " + std::to_string(steps));
            }
        }
        ASSERT_FALSE(HasFatalFailure());
    }
    EXPECT_GT(worked, 1);
    ExpectInOrder(test, model, "projects/p/locations/l");
}

TEST(IdSlots, MemoryFollowsTheLiveRowsOverAnyNumberOfCreatesAndDeletes)
{
    struct reclaim *reclaim = nullptr;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, reclaim_create(&reclaim, &err));
    struct id_slots_options options = {true, 1};
    struct id_slots *slots = id_slots_create(&options);
    struct store_version *version = MakeVersion(1, "");
    uint64_t most = 0;
    for (uint64_t id = 1; id <= 300000; id++) {
        struct store_version *old;
        ASSERT_EQ(0, id_slots_put(slots, id, version, reclaim, &old, &err));
        /* 100 newest and every 3000th stay. */
        if (id > 100 && (id - 100) % 3000 != 0) {
            ASSERT_EQ(version, id_slots_remove(slots, id - 100, reclaim));
        }
        while (id_slots_tidy(slots, reclaim)) {
        }
        if (id % 1000 == 0) {
            struct block_memory memory;
            id_slots_memory(slots, &memory);
            most = std::max(most, memory.slots + memory.index.postings + memory.index.grams + memory.index.columns);
        }
    }
    EXPECT_LT(most, 256u * 1024) << "for 200 live rows of 300,000";
    id_slots_destroy(slots);
    reclaim_destroy(reclaim);
    store_version_unref(version);
}

TEST(Version, RefusesKeysThatAreNotInTheValue)
{
    struct store_version *version = nullptr;
    struct err err = ERR_INIT;
    auto elsewhere = [](enum store_table, struct span, struct store_keys *keys, struct err *) {
        keys->name = span_of("somewhere else");
        return 0;
    };
    EXPECT_NE(0, version_create(elsewhere, STORE_TABLE_JOB, 1, span_of("value"), &version, &err));
    EXPECT_EQ(ERR_INTERNAL, err.code);
    auto too_long = [](enum store_table, struct span value, struct store_keys *keys, struct err *) {
        keys->parent = span_make(value.data + 1, value.size);
        return 0;
    };
    EXPECT_NE(0, version_create(too_long, STORE_TABLE_JOB, 1, span_of("value"), &version, &err));
    EXPECT_EQ(nullptr, version);
}

TEST(WalRecord, EncodesAndDecodesAnyRow)
{
    struct wal_record_decoder decoder = {};
    std::string large(100000, 'x');
    struct wal_row rows[] = {{1, 1, false, span_of("value"), WAL_ROW_PLAIN, {}},
                             {4, UINT64_MAX, false, span_make(large.data(), large.size()), WAL_ROW_PLAIN, {}},
                             {2, 1u << 31, true, span_make(nullptr, 0), WAL_ROW_PLAIN, {}},
                             {3, 7, false, span_make(nullptr, 0), WAL_ROW_PLAIN, {}}};
    for (const struct wal_row &row : rows) {
        std::string bytes(wal_record_bytes(&row) + 5, '?');
        wal_record_encode(&row, bytes.data());
        EXPECT_EQ("?????", bytes.substr(bytes.size() - 5));
        struct wal_row back;
        size_t size;
        struct err err = ERR_INIT;
        ASSERT_EQ(0, wal_record_decode(&decoder, SpanOf(bytes), &back, &size, &err)) << err.text;
        EXPECT_EQ(bytes.size() - 5, size);
        EXPECT_EQ(row.table, back.table);
        EXPECT_EQ(row.id, back.id);
        EXPECT_EQ(row.deleted, back.deleted);
        EXPECT_EQ(Text(row.value), Text(back.value));
        ASSERT_NE(0, wal_record_decode(&decoder, span_make(bytes.data(), size - 1), &back, &size, &err));
        EXPECT_EQ(ERR_CORRUPT, err.code);
        bytes[4] = 9;
        ASSERT_NE(0, wal_record_decode(&decoder, SpanOf(bytes), &back, &size, &err));
        EXPECT_EQ(ERR_UNSUPPORTED, err.code) << "a type of record that a later program may write";
    }
    wal_record_decoder_deinit(&decoder);
}

/* What is no record is refused, whatever it is, and nothing is read beyond its end. */
TEST(WalRecord, RefusesRandomBytes)
{
    uint64_t seed = Seed();
    std::mt19937_64 random(seed);
    struct wal_record_decoder decoder = {};
    for (int round = 0; round < 20000; round++) {
        size_t size = random() % 60;
        std::vector<char> bytes(size);
        for (char &byte : bytes) {
            byte = char(random());
        }
        if (size >= 8) {
            uint32_t length = uint32_t(random() % 2 ? size - 8 : random() % 100);
            memcpy(bytes.data(), &length, 4);
            memcpy(bytes.data() + 4, "\1\0\1\0", 4);
        }
        struct wal_row row = {};
        size_t used = 0;
        struct err err = ERR_INIT;
        if (wal_record_decode(&decoder, span_make(bytes.data(), size), &row, &used, &err) == 0) {
            ASSERT_LE(used, size);
            ASSERT_LE(row.value.size, size);
            ASSERT_NE(0u, row.table);
        } else {
            ASSERT_NE(ERR_NONE, err.code);
        }
    }
    wal_record_decoder_deinit(&decoder);
}

} // namespace
