#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "house.h"
#include "job/retention.h"

namespace {

const int64_t day_s = 24 * 3600;

struct KeepingHouse : House {
    explicit KeepingHouse(int64_t age_s, uint64_t count = 0) : House(8)
    {
        tune = [this, age_s, count](struct controller_options &options) {
            options.retention_ms = age_s * 1000;
            options.retention_count = count;
            options.context = this;
            options.log = [](void *context, const char *line) {
                static_cast<KeepingHouse *>(context)->lines.push_back(line);
            };
        };
        restart();
    }
    std::string end(const std::string &name)
    {
        fake_executor_exit(world, key(name).c_str(), 0, "");
        EXPECT_TRUE(settle()) << failure;
        return name;
    }
    bool has_files(const std::string &name) { return fake_executor_has_files(world, std::stoull(id(name))); }
    std::vector<std::string> lines;
};

TEST(ControllerRetention, TheOperatorIsToldWhenAllThatLivedIsKnownAgain)
{
    KeepingHouse house(day_s);
    house.make(simple_job(3));
    house.lines.clear();
    house.restart();
    ASSERT_TRUE(house.turn());
    for (const std::string &line : house.lines) {
        EXPECT_EQ(line.find("are known"), std::string::npos) << "nothing has been told yet: " << line;
    }
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(house.lines.back().rfind("all 3 executions are known after ", 0), 0u) << house.lines.back();
    house.lines.clear();
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.lines.empty()) << "once";
}

TEST(ControllerRetention, TheOperatorIsToldWhyFilesDoNotGo)
{
    KeepingHouse house(day_s);
    std::string name = house.end(house.make(simple_job()));
    struct execution_sink sink = controller_sink(house.controller);
    struct execution_event event = {};
    event.kind = EXECUTION_EVENT_REMOVE_DELAYED;
    event.key.job_id = std::stoull(House::id(name));
    event.message = "home is mounted upon";
    auto call = house.remove(name);
    ASSERT_TRUE(house.turn());
    sink.event(sink.context, &event);
    ASSERT_TRUE(house.turn());
    ASSERT_FALSE(house.lines.empty());
    EXPECT_NE(house.lines.back().find(House::id(name)), std::string::npos);
    EXPECT_NE(house.lines.back().find("home is mounted upon"), std::string::npos);
    EXPECT_TRUE(house.has_files(name));
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.has_files(name));
}

TEST(ControllerRetention, AnEndedJobGoesWithItsFilesWhenItIsOldEnough)
{
    KeepingHouse house(day_s);
    std::string old = house.end(house.make(simple_job()));
    house.advance_s(3600);
    std::string young = house.end(house.make(simple_job()));
    std::string living = house.make(simple_job());
    house.advance_s(day_s - 3601);
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.job(old).found);
    EXPECT_LE(house.wait_ns, 2 * CLOCK_NS_PER_S) << "it wants a turn when the time has come";
    house.advance_s(2);
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.job(old).found);
    EXPECT_FALSE(house.has_files(old));
    EXPECT_TRUE(house.job(young).found);
    EXPECT_TRUE(house.has_files(young));
    house.advance_s(3 * day_s);
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.job(young).found);
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(living)) << "however old";
    EXPECT_EQ(1u, house.count(STORE_TABLE_EXECUTION));
    EXPECT_EQ(0u, house.count(STORE_TABLE_OPERATION)) << "nobody asked, so there is no operation";
    ASSERT_FALSE(house.lines.empty());
    EXPECT_EQ("retention: 1 ended jobs and 0 done operations were removed", house.lines.back());
}

TEST(ControllerRetention, HoldsOverARestartWithAnotherAge)
{
    KeepingHouse house(day_s);
    std::string old = house.end(house.make(simple_job()));
    house.advance_s(day_s / 2);
    std::string young = house.end(house.make(simple_job()));
    house.advance_s(day_s / 2 + 1);
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.job(old).found);
    EXPECT_TRUE(house.job(young).found);
    house.tune = nullptr;
    house.advance_s(day_s);
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.job(young).found) << "off by default";
}

TEST(ControllerRetention, KeepsTheNumberThatEndedLast)
{
    KeepingHouse house(0, 3);
    std::vector<std::string> names;
    for (int i = 0; i < 6; i++) {
        names.push_back(house.make(simple_job()));
    }
    for (int i : {5, 0, 3, 1, 2, 4}) {
        house.advance_s(1);
        house.end(names[size_t(i)]);
    }
    for (int i = 0; i < 6; i++) {
        EXPECT_EQ(i == 1 || i == 2 || i == 4, house.job(names[size_t(i)]).found) << i;
    }
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(3u, house.count(STORE_TABLE_JOB));
}

/* A job deleted by a client does not count, and is not waited for. */
TEST(ControllerRetention, CountsWithoutWhatClientsDelete)
{
    KeepingHouse house(0, 2);
    std::string first = house.end(house.make(simple_job()));
    house.advance_s(1);
    std::string second = house.end(house.make(simple_job()));
    house.remove(first);
    ASSERT_TRUE(house.settle());
    house.advance_s(1);
    std::string third = house.end(house.make(simple_job()));
    EXPECT_TRUE(house.job(second).found);
    EXPECT_TRUE(house.job(third).found);
    house.advance_s(1);
    std::string fourth = house.end(house.make(simple_job()));
    EXPECT_FALSE(house.job(second).found);
    EXPECT_TRUE(house.job(third).found);
    EXPECT_TRUE(house.job(fourth).found);
}

TEST(ControllerRetention, DoneOperationsGoToo)
{
    KeepingHouse house(day_s);
    std::string name = house.end(house.make(simple_job()));
    std::shared_ptr<Call> removal = house.remove(name);
    ASSERT_TRUE(house.settle());
    std::string operation = operation_name(removal);
    EXPECT_TRUE(house.operation(operation).done);
    house.advance_s(day_s - 1);
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_TRUE(house.operation(operation).found);
    house.advance_s(2);
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.operation(operation).found);
    EXPECT_EQ(0u, house.count(STORE_TABLE_OPERATION));
}

TEST(ControllerRetention, TakesAFewInEachTurnAndEndsByItself)
{
    KeepingHouse house(day_s);
    std::vector<std::shared_ptr<Call>> calls;
    for (int i = 0; i < 300; i++) {
        house.cancel(house.make(simple_job(1)));
        ASSERT_TRUE(house.settle());
    }
    ASSERT_EQ(300u, house.count(STORE_TABLE_JOB));
    house.advance_s(2 * day_s);
    ASSERT_TRUE(house.turn());
    EXPECT_EQ(300u - 64, house.count(STORE_TABLE_JOB));
    EXPECT_EQ(0, house.wait_ns);
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(0u, house.count(STORE_TABLE_JOB));
    EXPECT_EQ(0u, house.count(STORE_TABLE_OPERATION));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

/* The row goes first, its files after; a crash in between leaves a record that asks for them again. */
TEST(ControllerRetention, ARemovalGoesOnAfterACrash)
{
    KeepingHouse house(day_s);
    std::string name = house.end(house.make(simple_job()));
    house.advance_s(2 * day_s);
    fake_executor_die_after(house.world, 0);
    house.turn();
    house.restart();
    ASSERT_TRUE(house.settle()) << house.failure;
    EXPECT_FALSE(house.job(name).found);
    EXPECT_FALSE(house.has_files(name));
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
}

TEST(ControllerRetention, FilesThatCannotBeRemovedAreTold)
{
    KeepingHouse house(day_s);
    std::string name = house.end(house.make(simple_job()));
    fake_executor_fail_removes(house.world, "it is on fire");
    house.advance_s(2 * day_s);
    ASSERT_TRUE(house.settle());
    EXPECT_FALSE(house.job(name).found);
    EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    bool told = false;
    for (const std::string &line : house.lines) {
        told = told || contains(line, "cannot be removed: it is on fire");
    }
    EXPECT_TRUE(told);
}

/* ---- the heap by itself ---- */

struct Rows {
    std::map<uint64_t, int64_t> there; /* id → end */
};

TEST(Retention, TakesInTheOrderOfEndsAndForgetsWhatIsGone)
{
    std::mt19937_64 random(7);
    Rows rows;
    struct retention_options options = {};
    options.age_ns = 1000;
    options.context = &rows;
    options.is_gone = [](void *context, enum store_table, uint64_t id) {
        return static_cast<Rows *>(context)->there.count(id) == 0;
    };
    struct retention *retention;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, retention_create(&options, &retention, &err));
    for (uint64_t id = 1; id <= 5000; id++) {
        int64_t end = int64_t(random() % 100000);
        rows.there[id] = end;
        ASSERT_EQ(0, retention_add(retention, STORE_TABLE_JOB, id, end, &err));
        if (id % 3 == 0) {
            rows.there.erase(id / 3);
            retention_note_deleted(retention, STORE_TABLE_JOB);
        }
    }
    int64_t last = -1;
    for (int64_t now = 0; now <= 101000; now += 500) {
        uint64_t id;
        while ((id = retention_take(retention, STORE_TABLE_JOB, now)) != 0) {
            ASSERT_EQ(1u, rows.there.count(id));
            EXPECT_GE(rows.there[id], last);
            EXPECT_LE(rows.there[id] + 1000, now);
            last = rows.there[id];
            rows.there.erase(id);
        }
        EXPECT_GT(retention_next_ns(retention, STORE_TABLE_JOB), now);
    }
    EXPECT_TRUE(rows.there.empty());
    EXPECT_EQ(0u, retention_remembered(retention, STORE_TABLE_JOB));
    retention_destroy(retention);
}

/* A million jobs that clients delete themselves, under a limit that is never reached: memory follows what is there. */
TEST(Retention, DoesNotGrowWithWhatOthersDelete)
{
    Rows rows;
    struct retention_options options = {};
    options.count_max = 1000000;
    options.context = &rows;
    options.is_gone = [](void *context, enum store_table, uint64_t id) {
        return static_cast<Rows *>(context)->there.count(id) == 0;
    };
    struct retention *retention;
    struct err err = ERR_INIT;
    ASSERT_EQ(0, retention_create(&options, &retention, &err));
    uint64_t most = 0;
    for (uint64_t id = 1; id <= 1000000; id++) {
        rows.there[id] = int64_t(id);
        ASSERT_EQ(0, retention_add(retention, STORE_TABLE_JOB, id, int64_t(id), &err));
        if (id > 100) {
            rows.there.erase(id - 100);
            retention_note_deleted(retention, STORE_TABLE_JOB);
        }
        most = std::max(most, retention_remembered(retention, STORE_TABLE_JOB));
    }
    EXPECT_LE(most, 2u * 101 + 1024 + 1);
    retention_destroy(retention);
}

} // namespace
