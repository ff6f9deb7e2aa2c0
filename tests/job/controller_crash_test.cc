#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "house.h"

namespace {

/* One life of a server in which everything happens once, and what it has promised so far. Every step may be the one at
 * which it dies: then play returns, and what was answered by then has to hold for ever. */
class Story {
  public:
    explicit Story(House &house_at) : house(house_at) {}

    /* False: the server died on the way. */
    bool play()
    {
        std::shared_ptr<Call> a = create(simple_job(2), "");
        if (!house.settle()) {
            return false;
        }
        std::shared_ptr<Call> b = create(simple_job(3), "");
        std::shared_ptr<Call> c = create(simple_job(1), "key");
        std::shared_ptr<Call> d = create(simple_job(1), "");
        if (!house.settle()) {
            return false;
        }
        fake_executor_exit(house.world, House::key(name_of(a)).c_str(), 0, "");
        if (!house.settle()) {
            return false;
        }
        expected[name_of(a)] = JOB_STATE_SUCCEEDED;
        house.advance_s(1);
        std::shared_ptr<Call> cancel_b = house.cancel(name_of(b));
        std::shared_ptr<Call> cancel_d = house.cancel(name_of(d));
        cancels = {{name_of(b), cancel_b}, {name_of(d), cancel_d}};
        if (!house.turn() || !house.settle()) {
            return false;
        }
        std::shared_ptr<Call> remove_a = house.remove(name_of(a));
        removals = {{name_of(a), remove_a}};
        std::shared_ptr<Call> c_again = house.create(simple_job(1), "key");
        if (!house.settle()) {
            return false;
        }
        EXPECT_EQ(c->id, c_again->id);
        fake_executor_exit(house.world, House::key(name_of(c)).c_str(), 9, "");
        if (!house.settle()) {
            return false;
        }
        expected[name_of(c)] = JOB_STATE_FAILED;
        removals.emplace_back(name_of(c), house.remove(name_of(c)));
        removals.emplace_back(name_of(b), house.remove(name_of(b)));
        if (!house.settle()) {
            return false;
        }
        return true;
    }

    void go_on() { house.restart(); }

    /* After the restart: everything answered is so; whatever still runs is ended by its name, and then nothing is left. */
    void check()
    {
        ASSERT_TRUE(house.settle()) << house.failure;
        check_answers();
        cancel_all();
        ASSERT_TRUE(house.settle()) << house.failure;
        check_promises();
        EXPECT_EQ(0u, fake_executor_running(house.world)) << "something runs that no job owns";
        EXPECT_LE(fake_executor_launches_max(house.world), 1u);
        EXPECT_EQ(0u, fake_executor_addresses_held(house.world));
        EXPECT_EQ(0u, house.count(STORE_TABLE_EXECUTION));
    }

  private:
    std::shared_ptr<Call> create(const std::string &wire, const std::string &request_id)
    {
        creates.push_back(house.create(wire, request_id));
        return creates.back();
    }

    static std::string name_of(const std::shared_ptr<Call> &call)
    {
        return std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
    }

    static bool was_granted(const std::shared_ptr<Call> &call) { return call->answered && call->code == ERR_NONE; }

    bool was_removed(const std::string &name) const
    {
        for (const auto &removal : removals) {
            if (removal.first == name && was_granted(removal.second)) {
                return true;
            }
        }
        return false;
    }

    bool may_be_removed(const std::string &name) const
    {
        for (const auto &removal : removals) {
            if (removal.first == name) {
                return true;
            }
        }
        return false;
    }

    void check_answers()
    {
        for (const auto &call : creates) {
            if (!was_granted(call)) {
                continue;
            }
            Job job = house.job(name_of(call));
            if (was_removed(name_of(call))) {
                EXPECT_FALSE(job.found) << name_of(call);
            } else if (!may_be_removed(name_of(call))) {
                EXPECT_TRUE(job.found) << name_of(call);
            }
        }
    }

    static bool visit(void *context, const struct store_version *version)
    {
        struct store_keys keys;
        store_version_keys(version, &keys);
        ((std::vector<std::string> *)context)->push_back(as_string(keys.name));
        return true;
    }

    void cancel_all()
    {
        std::vector<std::string> names;
        store_walk(house.store, STORE_TABLE_JOB, visit, &names);
        for (const std::string &name : names) {
            house.cancel(name);
        }
    }

    void check_promises()
    {
        for (const auto &each : expected) {
            Job job = house.job(each.first);
            if (job.found) {
                EXPECT_EQ(each.second, job.state) << each.first;
            }
        }
        for (const auto &cancel : cancels) {
            if (!was_granted(cancel.second)) {
                continue;
            }
            Job job = house.job(cancel.first);
            if (job.found) {
                EXPECT_EQ(JOB_STATE_CANCELLED, job.state);
            }
            EXPECT_TRUE(house.operation(cancel.second->operation_name).done) << cancel.second->operation_name;
        }
        for (const auto &removal : removals) {
            if (was_granted(removal.second)) {
                std::string operation = std::string(house_parent) + "/operations/" + std::to_string(removal.second->id);
                EXPECT_TRUE(house.operation(operation).done) << operation;
                EXPECT_FALSE(fake_executor_has_files(house.world, std::stoull(House::id(removal.first))));
            }
        }
    }

    House &house;
    std::vector<std::shared_ptr<Call>> creates;
    std::vector<std::pair<std::string, std::shared_ptr<Call>>> cancels;
    std::vector<std::pair<std::string, std::shared_ptr<Call>>> removals;
    std::map<std::string, enum job_state> expected;
};

TEST(ControllerCrash, AtEveryActTheRestartDoesWhatWasDecided)
{
    EXPECT_GT(die_at_every_act<Story>(), 30u);
}

TEST(ControllerCrash, AtEveryChangeOfTheDiskAnsweredIsDurable)
{
    EXPECT_GT(die_at_every_change<Story>(FAULT_STOP), 10u);
    EXPECT_GT(die_at_every_change<Story>(FAULT_TEAR), 10u);
}

/* Dies once more while the restart itself is under way. */
TEST(ControllerCrash, TwiceInARowIsAsGoodAsOnce)
{
    for (size_t n = 0; n < 60; n += 3) {
        for (size_t again = 0; again < 6; again++) {
            SCOPED_TRACE("command " + std::to_string(n) + ", then " + std::to_string(again));
            House house(4);
            Story story(house);
            fake_executor_die_after(house.world, n);
            story.play();
            house.crash();
            ASSERT_TRUE(house.start(again)) << house.failure;
            if (!fake_executor_is_dead(house.world)) {
                house.settle();
            }
            house.restart();
            story.check();
            ASSERT_FALSE(testing::Test::HasFailure());
        }
    }
}

} /* namespace */
