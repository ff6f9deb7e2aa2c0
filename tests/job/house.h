/* house: a store, a controller and the world around them, for tests that make every turn themselves. */
#ifndef TESTS_JOB_HOUSE_H_
#define TESTS_JOB_HOUSE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "job/controller.h"
#include "job/job_image.h"
#include "job/job_state.h"
#include "job_wire.h"
#include "tests/lib/fake_clock.h"
#include "tests/lib/fake_executor.h"
#include "tests/lib/fault_fs.h"
#include "tests/lib/temp_dir.h"

/* One call and what came of it. */
struct Call {
    struct command command; /* first */
    std::string texts[4];
    bool answered = false;
    enum err_code code = ERR_NONE;
    std::string error;
    std::string value; /* of the version answered with */
    uint64_t id = 0;
    std::string operation_name;
};

/* What a reader finds in the store. */
struct Job {
    bool found = false;
    std::string name;
    enum job_state state = JOB_STATE_UNSPECIFIED;
    int64_t create_time = 0, start_time = 0, end_time = 0, update_time = 0;
    int error_code = 0;
    std::string error;
};

struct Operation {
    bool found = false;
    bool done = false;
    std::string json;
};

extern const char house_parent[];

class House;
/* A job that has succeeded. */
std::string finished_job(House &house);
/* Of a deletion. */
std::string operation_name(const std::shared_ptr<Call> &call);

inline bool contains(const std::string &text, const std::string &part)
{
    return text.find(part) != std::string::npos;
}

class House {
  public:
    explicit House(uint32_t replicas_max = 8);
    ~House();
    House(const House &) = delete;

    /* ---- life: the constructor starts it ---- */
    /* die_after: so many commands to the executor later. */
    bool start(size_t die_after = SIZE_MAX);
    /* Everything in memory is gone at this point; what the disk has stays. */
    void crash();
    void restart()
    {
        crash();
        start();
    }
    void stop();
    /* Called by start before store and controller are made. */
    std::function<void(struct store_options &)> tune_store;
    std::function<void(struct controller_options &)> tune;
    /* Another host: nothing of what this world has seen is known in the next one. */
    void forget_world();

    /* ---- calls; each needs a turn to be answered ---- */
    std::shared_ptr<Call> create(const std::string &wire, const std::string &request_id = "",
                                 enum api_version version = API_V1);
    std::shared_ptr<Call> cancel(const std::string &name, enum api_version version = API_V1);
    std::shared_ptr<Call> remove(const std::string &name, enum api_version version = API_V1);
    std::shared_ptr<Call> wait(const std::string &operation, int64_t timeout_ns);
    std::shared_ptr<Call> forget(const std::string &operation);

    /* One turn. False: the controller has failed. */
    bool turn();
    /* Turns, and the world in between, until nothing comes any more. */
    bool settle();
    void advance_s(int64_t seconds) { fake_clock_advance(&clock, seconds * CLOCK_NS_PER_S); }
    void advance_ns(int64_t ns) { fake_clock_advance(&clock, ns); }

    /* A job that has been created, and its state after everything settled. */
    std::string make(const std::string &wire);
    Job job(const std::string &name);
    enum job_state state(const std::string &name) { return job(name).state; }
    Operation operation(const std::string &name);
    /* "<id>-1-workerpool0-0-0" */
    static std::string key(const std::string &name, unsigned pool = 0, unsigned replica = 0, unsigned restart = 0,
                           unsigned attempt = 1);
    /* What stands in the job's service log. */
    std::vector<std::string> service_lines(const std::string &name) const;
    static std::string id(const std::string &name);
    uint64_t count(enum store_table table) { return store_count(store, table); }

    struct fake_clock clock;
    struct fake_executor *world;
    struct fault_fs *fs;
    struct store *store = nullptr;
    struct controller *controller = nullptr;
    uint32_t replicas_max;
    std::string failure; /* what controller_attach or controller_turn said */
    int64_t wait_ns = 0;

  private:
    std::shared_ptr<Call> submit(std::shared_ptr<Call> call);
    TempDir dir;
    std::vector<std::shared_ptr<Call>> calls; /* a test may drop a call whose answer it does not look at */
};

/* Plays a story in a new house for each step at which the server may die: arm makes it die at the n-th, until n is behind
 * the end. A story is made of a house; play tells whether it came to its end, and after a death go_on makes a server of
 * what is left. Then check says what has to hold. Returns how many steps there were. */
template <typename Story>
size_t die_at_every_step(const char *step, const std::function<void(House &house, size_t n)> &arm)
{
    bool is_over = false;
    size_t n = 0;

    for (; !is_over && !testing::Test::HasFailure(); n++) {
        SCOPED_TRACE(std::string(step) + " " + std::to_string(n));
        House house(4);
        Story story(house);
        arm(house, n);
        is_over = story.play();
        if (!is_over) {
            story.go_on();
        }
        story.check();
    }
    return n;
}

/* Before the n-th command to the executor: the record is durable and the act has not happened. */
template <typename Story> size_t die_at_every_act()
{
    return die_at_every_step<Story>("command", [](House &house, size_t n) { fake_executor_die_after(house.world, n); });
}

/* Before the n-th change of the disk (FAULT_STOP), or in the middle of it (FAULT_TEAR). */
template <typename Story> size_t die_at_every_change(enum fault_mode mode)
{
    return die_at_every_step<Story>(mode == FAULT_TEAR ? "torn change" : "change", [mode](House &house, size_t n) {
        fault_fs_set_torn_bytes(house.fs, 100 + 911 * n % 4000);
        fault_fs_arm(house.fs, mode, n);
    });
}

#endif /* TESTS_JOB_HOUSE_H_ */
