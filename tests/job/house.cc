#include "house.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "job/job_keys.h"

const char house_parent[] = "projects/p/locations/us-central1";

namespace {

void fatal(void *, const struct err *err)
{
    ADD_FAILURE() << "fatal: " << err->text;
}

void done(struct command *command, const struct command_result *result)
{
    Call *call = (Call *)command;
    EXPECT_FALSE(call->answered);
    call->answered = true;
    if (result->err) {
        call->code = result->err->code;
        call->error = result->err->text;
    }
    if (result->version) {
        call->value = as_string(store_version_value(result->version));
        call->id = store_version_id(result->version);
    }
    call->operation_name = as_string(result->operation_name);
}

} /* namespace */

House::House(uint32_t most) : replicas_max(most)
{
    fake_clock_init(&clock);
    world = fake_executor_create(&clock.clock);
    fs = fault_fs_create(fs_system());
    EXPECT_TRUE(start()) << failure;
}

House::~House()
{
    crash();
    fake_executor_destroy(world);
    fault_fs_destroy(fs);
}

bool House::start(size_t die_after)
{
    struct store_options store_options = {};
    struct store_recovery recovery;
    struct err err = ERR_INIT;

    fault_fs_arm(fs, FAULT_NONE, 0);
    store_options.dir = dir.path().c_str();
    store_options.fs = fault_fs_fs(fs);
    store_options.clock = &clock.clock;
    store_options.extract = job_keys_extract;
    store_options.segment_bytes = 1 << 20;
    if (tune_store) {
        tune_store(store_options);
    }
    if (store_open(&store_options, &store, &recovery, &err)) {
        failure = err.text;
        store = nullptr;
        return false;
    }
    struct controller_options options = {};
    options.store = store;
    options.clock = &clock.clock;
    options.replicas_max = replicas_max;
    options.stop_grace_ms = 1000;
    options.fatal = fatal;
    if (tune) {
        tune(options);
    }
    if (controller_create(&options, &controller, &err)) {
        failure = err.text;
        controller = nullptr;
        return false;
    }
    fake_executor_connect(world, controller_sink(controller));
    if (die_after != SIZE_MAX) {
        fake_executor_die_after(world, die_after);
    }
    if (controller_attach(controller, fake_executor_executor(world), &err)) {
        failure = err.text;
        return false;
    }
    return true;
}

void House::crash()
{
    fault_fs_arm(fs, FAULT_STOP, 0);
    fake_executor_connect(world, {});
    controller_destroy(controller);
    store_close(store);
    controller = nullptr;
    store = nullptr;
}

void House::forget_world()
{
    fake_executor_destroy(world);
    world = fake_executor_create(&clock.clock);
}

void House::stop()
{
    controller_stop(controller);
}

std::shared_ptr<Call> House::submit(std::shared_ptr<Call> call)
{
    struct err err = ERR_INIT;

    calls.push_back(call);
    call->command.done = done;
    if (controller_submit(controller, &call->command, &err)) {
        call->answered = true;
        call->code = err.code;
        call->error = err.text;
    }
    return call;
}

static std::shared_ptr<Call> make_call(enum command_kind kind, enum api_version version, const std::string &name)
{
    std::shared_ptr<Call> call = std::make_shared<Call>();

    call->command = {};
    call->command.kind = kind;
    call->command.version = version;
    call->texts[0] = name;
    call->command.name = as_span(call->texts[0]);
    return call;
}

std::shared_ptr<Call> House::create(const std::string &wire, const std::string &request_id, enum api_version version)
{
    std::shared_ptr<Call> call = make_call(COMMAND_CREATE_JOB, version, "");

    call->texts[1] = wire;
    call->texts[2] = request_id;
    call->command.parent = span_of(house_parent);
    call->command.custom_job_wire = as_span(call->texts[1]);
    call->command.request_id = as_span(call->texts[2]);
    return submit(call);
}

std::shared_ptr<Call> House::cancel(const std::string &name, enum api_version version)
{
    return submit(make_call(COMMAND_CANCEL_JOB, version, name));
}

std::shared_ptr<Call> House::remove(const std::string &name, enum api_version version)
{
    return submit(make_call(COMMAND_DELETE_JOB, version, name));
}

std::shared_ptr<Call> House::wait(const std::string &operation, int64_t timeout_ns)
{
    std::shared_ptr<Call> call = make_call(COMMAND_WAIT_OPERATION, API_V1, operation);

    call->command.deadline_mono_ns = timeout_ns == INT64_MAX ? INT64_MAX : clock_mono_ns(&clock.clock) + timeout_ns;
    return submit(call);
}

std::shared_ptr<Call> House::forget(const std::string &operation)
{
    return submit(make_call(COMMAND_DELETE_OPERATION, API_V1, operation));
}

bool House::turn()
{
    struct err err = ERR_INIT;

    if (controller_turn(controller, &wait_ns, &err)) {
        failure = err.text;
        return false;
    }
    return !fake_executor_is_dead(world);
}

bool House::settle()
{
    do {
        if (!turn()) {
            return false;
        }
    } while (fake_executor_settle(world) > 0 || wait_ns == 0);
    return turn();
}

std::string House::make(const std::string &wire)
{
    std::shared_ptr<Call> call = create(wire);

    EXPECT_TRUE(settle()) << failure;
    EXPECT_TRUE(call->answered);
    EXPECT_EQ(ERR_NONE, call->code) << call->error;
    return std::string(house_parent) + "/customJobs/" + std::to_string(call->id);
}

Job House::job(const std::string &name)
{
    struct store_version *version = store_get_by_name(store, STORE_TABLE_JOB, as_span(name));
    struct job_outputs outputs;
    struct span spec;
    struct err err = ERR_INIT;
    Job job;

    if (!version) {
        return job;
    }
    EXPECT_EQ(0, job_image_split(store_version_value(version), &outputs, &spec, &err)) << err.text;
    job.found = true;
    job.name = as_string(outputs.name);
    job.state = (enum job_state)outputs.state;
    job.create_time = outputs.create_time_unix_ns;
    job.start_time = outputs.start_time_unix_ns;
    job.end_time = outputs.end_time_unix_ns;
    job.update_time = outputs.update_time_unix_ns;
    job.error_code = outputs.error_code;
    job.error = as_string(outputs.error_message);
    store_version_unref(version);
    return job;
}

Operation House::operation(const std::string &name)
{
    struct store_version *version = store_get_by_name(store, STORE_TABLE_OPERATION, as_span(name));
    Operation operation;

    if (version) {
        operation.found = true;
        operation.done = store_version_state(version) != 0;
        operation.json = operation_json(store_version_value(version));
        store_version_unref(version);
    }
    return operation;
}

std::string House::id(const std::string &name)
{
    return name.substr(name.rfind('/') + 1);
}

std::string House::key(const std::string &name, unsigned pool, unsigned replica, unsigned restart, unsigned attempt)
{
    return id(name) + "-" + std::to_string(attempt) + "-workerpool" + std::to_string(pool) + "-" +
           std::to_string(replica) + "-" + std::to_string(restart);
}

std::vector<std::string> House::service_lines(const std::string &name) const
{
    std::string prefix = "log " + id(name) + ": ";
    std::vector<std::string> lines;

    while (const char *line = fake_executor_line(world, prefix.c_str(), lines.size())) {
        lines.push_back(line + prefix.size());
    }
    return lines;
}

std::string finished_job(House &house)
{
    std::string name = house.make(simple_job());
    fake_executor_exit(house.world, House::key(name).c_str(), 0, "");
    EXPECT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(name));
    return name;
}

std::string operation_name(const std::shared_ptr<Call> &call)
{
    return std::string(house_parent) + "/operations/" + std::to_string(call->id);
}
