/* What jobs ask of a host, what they get of it, and that nobody gets what another one holds. */
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "house.h"
#include "job/capacity.h"
#include "job/job_decode.h"
#include "spec_case.h"

namespace {

/* A host by numbers: processors and GiB for replicas, and GPUs by model; "MIG " before it makes it a partition. */
class Host {
  public:
    Host(enum capacity_mode mode, uint32_t cpus, uint64_t gib, const std::vector<std::string> &models)
    {
        struct err err = ERR_INIT;
        std::vector<struct host_device> devices;
        for (size_t i = 0; i < models.size(); i++) {
            struct host_device device = {};
            device.is_partition = models[i].rfind("MIG ", 0) == 0;
            snprintf(device.id, sizeof device.id, "GPU-%zu", i);
            snprintf(device.model, sizeof device.model, "%s", models[i].c_str() + (device.is_partition ? 4 : 0));
            devices.push_back(device);
        }
        struct host_inventory host = {cpus, gib << 30, devices.data(), devices.size()};
        EXPECT_EQ(0, machine_types_open(nullptr, &types, &err)) << err.text;
        EXPECT_EQ(0, capacity_rules_create(mode, &host, types, &rules, &err)) << err.text;
    }
    ~Host()
    {
        capacity_rules_destroy(rules);
        machine_types_close(types);
    }
    Host(const Host &) = delete;

    struct machine_types *types = nullptr;
    struct capacity_rules *rules = nullptr;
};

std::string machine(const std::string &type, const std::string &accelerator = "", int count = 0,
                    const std::string &more = "")
{
    return R"({"machineType":")" + type + "\"" +
           (count > 0 ? R"(,"acceleratorType":")" + accelerator + R"(","acceleratorCount":)" + std::to_string(count)
                      : "") +
           more + "}";
}

/* One replica in the first pool, so many in the second. */
std::string gang(const std::string &first, int replicas = 0, const std::string &second = "")
{
    const std::string container = R"("containerSpec":{"imageUri":"i","command":["true"]})";
    std::string pools = R"({"replicaCount":"1",)" + container + R"(,"machineSpec":)" + first + "}";
    if (replicas > 0) {
        pools += R"(,{"replicaCount":")" + std::to_string(replicas) + "\"," + container + R"(,"machineSpec":)" +
                 second + "}";
    }
    return job_wire(R"({"displayName":"d","jobSpec":{"workerPoolSpecs":[)" + pools + "]}}");
}

struct Ask {
    Ask(const Host &host, const std::string &wire)
    {
        upb_Arena *arena = upb_Arena_New();
        const API(CustomJob) *job = nullptr;
        struct job_shape shape = {};
        struct err err = ERR_INIT;
        EXPECT_EQ(0, job_decode(as_span(wire), arena, &job, &err)) << err.text;
        EXPECT_EQ(0, job_shape_of(job, &shape, &err)) << err.text;
        ask.pools = pools;
        capacity_rules_ask(host.rules, job, &shape, &ask, note, this);
        upb_Arena_Free(arena);
    }
    static void note(void *context, size_t pool, const char *field, const char *sentence)
    {
        static_cast<Ask *>(context)->notes.push_back(std::to_string(pool) + " " + field + ": " + sentence);
    }
    bool fits(const Host &host)
    {
        struct resources total = capacity_rules_total(host.rules);
        return resources_place(&total, &ask, &need);
    }
    struct pool_ask pools[RESOURCE_POOLS_MAX] = {};
    struct job_ask ask = {};
    struct resources need = {};
    std::vector<std::string> notes;
};

/* ---- strict ---- */

TEST(CapacityStrict, AsksWhatTheMachineTypeSays)
{
    Host host(CAPACITY_STRICT, 32, 128, {"Tesla T4", "Tesla T4", "NVIDIA A100-SXM4-40GB"});
    Ask ask(host, gang(machine("n1-standard-4", "NVIDIA_TESLA_T4", 1), 1, machine("n1-highmem-2")));
    EXPECT_EQ(std::vector<std::string>{}, ask.notes);
    EXPECT_EQ(4000u, ask.pools[0].cpus_milli);
    EXPECT_EQ(15ull << 30, ask.pools[0].memory_bytes);
    EXPECT_EQ(1u, ask.pools[0].devices);
    EXPECT_EQ(13ull << 30, ask.pools[1].memory_bytes);
    EXPECT_EQ(0u, ask.pools[1].devices);
    ASSERT_TRUE(ask.fits(host));
    EXPECT_EQ(6000u, ask.need.cpus_milli);
    EXPECT_EQ(1u, ask.need.devices[0]);
    EXPECT_EQ(0u, ask.need.devices[1]);
    Ask bundled(host, gang(machine("a2-highgpu-1g")));
    EXPECT_EQ(std::vector<std::string>{}, bundled.notes);
    ASSERT_TRUE(bundled.fits(host));
    EXPECT_EQ(1u, bundled.need.devices[1]);
}

TEST(CapacityStrict, NamesWhatCanNeverFit)
{
    Host host(CAPACITY_STRICT, 7, 30, {"Tesla T4", "Tesla T4"});
    const std::pair<std::string, std::string> cases[] = {
        {gang(machine("n1-standard-5")), "0 machine_type: The machine type \"n1-standard-5\" is not known here; "
                                         "--machine-types names a file that can tell of it."},
        {gang(machine("n1-standard-8")),
         "0 : The job asks for 8 processors in all and could never start: this host has 7 for replicas."},
        {gang(machine("n1-highmem-4"), 1, machine("n1-highmem-2")),
         "0 : The job asks for 39936 MiB of memory in all and could never start: this host has 30720 MiB for replicas."},
        {gang(machine("e2-highcpu-1", "NVIDIA_L4", 1)),
         "0 accelerator_type: The pool asks for 1 NVIDIA_L4 in all and could never start: this host has 0."},
        {gang(machine("", ""), 3, machine("", "NVIDIA_TESLA_T4", 1)),
         "1 accelerator_count: The pool asks for 3 NVIDIA_TESLA_T4 in all and could never start: this host has 2."},
        {gang(machine("cloud-tpu", "TPU_V3", 8)),
         "0 accelerator_type: There are no TPUs here, so that TPU_V3 can never be had."},
        {gang(machine("", "NVIDIA_TESLA_T4", 1, R"(,"gpuPartitionSize":"1g.5gb")")),
         "0 accelerator_type: The pool asks for 1 NVIDIA_TESLA_T4 partitions in all and could never start: this host "
         "has 0."}};
    for (const auto &[wire, sentence] : cases) {
        Ask ask(host, wire);
        EXPECT_NE(ask.notes.end(), std::find(ask.notes.begin(), ask.notes.end(), sentence))
            << sentence << "\n"
            << (ask.notes.empty() ? "nothing was said" : ask.notes[0]);
    }
}

/* Both pools could have a T4 each; together they are one too many. */
TEST(CapacityStrict, PoolsThatFitAloneMustFitTogether)
{
    Host host(CAPACITY_STRICT, 8, 32, {"Tesla T4", "Tesla T4"});
    std::string wire = gang(machine("n1-highmem-2", "NVIDIA_TESLA_T4", 1), 2, machine("", "NVIDIA_TESLA_T4", 1));
    Ask ask(host, wire);
    EXPECT_FALSE(ask.fits(host));
    ASSERT_EQ(1u, ask.notes.size());
    EXPECT_EQ("0 : The pools together ask for more accelerators than this host has, and the job could never start.",
              ask.notes[0]);
    struct job_spec_rules rules = host_rules();
    rules.capacity = host.rules;
    SpecCase found = prepare(wire, API_V1, rules);
    ASSERT_EQ(1u, found.faults.size());
    EXPECT_EQ(
        "job_spec.worker_pool_specs: The pools together ask for more accelerators than this host has, and the job "
        "could never start.",
        found.faults[0]);
}

TEST(CapacityStrict, CreateRefusesByField)
{
    Host host(CAPACITY_STRICT, 8, 32, {});
    struct job_spec_rules rules = host_rules();
    rules.capacity = host.rules;
    SpecCase found = prepare(gang(machine("n9-standard-4")), API_V1, rules);
    ASSERT_EQ(1u, found.faults.size());
    EXPECT_TRUE(contains(found.faults[0], "job_spec.worker_pool_specs[0].machine_spec.machine_type: The machine type"))
        << found.faults[0];
    EXPECT_EQ(std::vector<std::string>{}, prepare(gang(machine("n1-standard-4")), API_V1, rules).faults);
}

/* ---- scale ---- */

TEST(CapacityScale, CapsAGangToAllOfTheHost)
{
    Host host(CAPACITY_SCALE, 2, 8, {});
    Ask ask(host, gang(machine("n1-standard-4"), 3, machine("n1-standard-4")));
    ASSERT_TRUE(ask.fits(host));
    EXPECT_EQ(500u, ask.pools[0].cpus_milli);
    EXPECT_EQ(500u, ask.pools[1].cpus_milli);
    EXPECT_EQ(2ull << 30, ask.pools[1].memory_bytes);
    ASSERT_EQ(2u, ask.notes.size());
    EXPECT_EQ("0 : The job asks for 16 processors in all, capped to the 2 that this host has for replicas.",
              ask.notes[0]);
    Ask unknown(host, gang(machine("n9-standard-4")));
    EXPECT_TRUE(unknown.fits(host));
    EXPECT_EQ(0u, unknown.pools[0].cpus_milli);
    EXPECT_EQ(1u, unknown.notes.size());
}

TEST(CapacityScale, TakesAnyDeviceWhereThereIsNoneOfThatType)
{
    Host host(CAPACITY_SCALE, 64, 512, {"NVIDIA GeForce RTX 3090", "NVIDIA GeForce RTX 3090", "Tesla T4"});
    Ask other(host, gang(machine("", "NVIDIA_L4", 8)));
    ASSERT_TRUE(other.fits(host));
    EXPECT_EQ(3u, other.pools[0].devices);
    Ask own(host, gang(machine("", "NVIDIA_TESLA_T4", 2)));
    ASSERT_TRUE(own.fits(host));
    EXPECT_EQ(1u, own.pools[0].devices);
    EXPECT_EQ("0 accelerator_count: 2 of NVIDIA_TESLA_T4 are asked for each replica; this host has 3 devices, and each "
              "replica gets 1.",
              own.notes[0]);
    Ask two(host, gang(machine("", "NVIDIA_L4", 8), 2, machine("", "NVIDIA_L4", 8)));
    ASSERT_TRUE(two.fits(host));
    EXPECT_EQ(1u, two.pools[0].devices);
    EXPECT_EQ(1u, two.pools[1].devices);
    Host bare(CAPACITY_SCALE, 64, 512, {});
    Ask none(bare, gang(machine("a2-highgpu-1g")));
    EXPECT_TRUE(none.fits(bare));
    EXPECT_EQ(0u, none.pools[0].devices);
    Host mixed(CAPACITY_SCALE, 64, 512, {"MIG NVIDIA A100-SXM4-40GB", "NVIDIA A100-SXM4-40GB"});
    Ask part(mixed, gang(machine("", "NVIDIA_TESLA_A100", 1, R"(,"gpuPartitionSize":"1g.5gb")")));
    ASSERT_TRUE(part.fits(mixed));
    EXPECT_EQ(1u, part.need.devices[0]);
}

/* ---- taking and giving back ---- */

struct Gang {
    Gang() : ask{1, pools} {}
    struct pool_ask pools[2] = {};
    struct job_ask ask;
    struct execution execution = {};
    void make_replicas()
    {
        execution.replica_count = 0;
        for (uint32_t i = 0; i < ask.pool_count; i++) {
            execution.replica_count += pools[i].replicas;
        }
        execution.replicas = static_cast<struct replica *>(calloc(execution.replica_count, sizeof(struct replica)));
        uint32_t at = 0;
        for (uint32_t i = 0; i < ask.pool_count; i++) {
            for (uint32_t r = 0; r < pools[i].replicas; r++) {
                execution.replicas[at++].pool_index = i;
            }
        }
    }
};

std::vector<std::string> devices_of(const struct execution &execution)
{
    std::vector<std::string> ids;
    for (uint32_t i = 0; i < execution.replica_count; i++) {
        std::string list = execution.replicas[i].devices ? execution.replicas[i].devices : "";
        while (!list.empty()) {
            size_t comma = list.find(',');
            ids.push_back(list.substr(0, comma));
            list = comma == std::string::npos ? "" : list.substr(comma + 1);
        }
    }
    return ids;
}

bool equal(const struct resources &left, const struct resources &right)
{
    return left.replicas == right.replicas && left.cpus_milli == right.cpus_milli &&
           left.memory_bytes == right.memory_bytes &&
           std::equal(std::begin(left.devices), std::end(left.devices), std::begin(right.devices));
}

/* Random gangs come and go, and every now and then all that was counted is lost and claimed again from the records. */
TEST(Capacity, IsNeverExceededAndSurvivesCrashes)
{
    std::vector<std::string> models(6, "Tesla T4");
    models.insert(models.end(), 4, "NVIDIA L4");
    models.insert(models.end(), 3, "MIG NVIDIA L4");
    Host host(CAPACITY_STRICT, 64, 256, models);
    for (unsigned seed = 1; seed <= 20; seed++) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        struct err err = ERR_INIT;
        struct capacity *capacity = nullptr;
        ASSERT_EQ(0, capacity_create(host.rules, 20, &capacity, &err));
        std::vector<Gang *> running;
        for (int step = 0; step < 2000; step++) {
            unsigned what = random() % 100;
            if (what < 55) {
                const uint16_t sets[] = {1, 2, 4, 7};
                Gang *gang = new Gang;
                gang->ask.pool_count = 1 + random() % 2;
                for (uint32_t i = 0; i < gang->ask.pool_count; i++) {
                    gang->pools[i] = {1 + (uint32_t)random() % 4, (uint16_t)(random() % 4), sets[random() % 4],
                                      random() % 9000, (random() % 40) << 30};
                }
                struct resources free = capacity_free(capacity);
                struct resources need;
                if (resources_place(&free, &gang->ask, &need)) {
                    gang->make_replicas();
                    ASSERT_EQ(0, capacity_take(capacity, &gang->ask, &gang->execution, &err)) << err.text;
                    running.push_back(gang);
                    struct resources after = capacity_free(capacity);
                    resources_add(&after, &need);
                    ASSERT_EQ(free.cpus_milli, after.cpus_milli);
                    ASSERT_EQ(free.memory_bytes, after.memory_bytes);
                    ASSERT_EQ(free.replicas, after.replicas);
                } else {
                    delete gang;
                }
            } else if (what < 98 && !running.empty()) {
                size_t at = random() % running.size();
                capacity_release(capacity, &running[at]->execution);
                execution_deinit(&running[at]->execution);
                delete running[at];
                running.erase(running.begin() + (long)at);
            } else {
                struct resources before = capacity_free(capacity);
                capacity_destroy(capacity);
                ASSERT_EQ(0, capacity_create(host.rules, 20, &capacity, &err));
                for (Gang *gang : running) {
                    capacity_claim(capacity, &gang->execution);
                }
                ASSERT_TRUE(equal(before, capacity_free(capacity)));
            }
            std::set<std::string> held;
            uint64_t cpus = 0, memory = 0, replicas = 0;
            for (Gang *gang : running) {
                for (const std::string &id : devices_of(gang->execution)) {
                    ASSERT_TRUE(held.insert(id).second) << id << " is given twice";
                }
                for (uint32_t i = 0; i < gang->execution.replica_count; i++) {
                    cpus += gang->execution.replicas[i].cpus_milli;
                    memory += gang->execution.replicas[i].memory_bytes;
                    replicas++;
                }
            }
            ASSERT_LE(cpus, 64000u);
            ASSERT_LE(memory, 256ull << 30);
            ASSERT_LE(replicas, 20u);
        }
        for (Gang *gang : running) {
            capacity_release(capacity, &gang->execution);
            execution_deinit(&gang->execution);
            delete gang;
        }
        struct resources free = capacity_free(capacity);
        EXPECT_TRUE(equal(capacity_total(capacity), free));
        capacity_destroy(capacity);
    }
}

/* ---- in the controller ---- */

struct GpuHouse : House {
    explicit GpuHouse(enum capacity_mode mode = CAPACITY_STRICT)
        : House(100), host(mode, 16, 64, {"Tesla T4", "Tesla T4", "Tesla T4"})
    {
        tune = [this](struct controller_options &options) { options.capacity = host.rules; };
        restart();
    }
    ~GpuHouse() { crash(); }
    std::string record(const std::string &name)
    {
        struct store_version *version = store_get(store, STORE_TABLE_EXECUTION, std::stoull(id(name)));
        std::string json = version ? execution_json(store_version_value(version)) : "";
        if (version) {
            store_version_unref(version);
        }
        return json;
    }
    Host host;
};

TEST(ControllerCapacity, DevicesAreRecordedAndStayTheirsThroughACrash)
{
    GpuHouse house;
    std::string pair = house.make(
        gang(machine("n1-standard-4", "NVIDIA_TESLA_T4", 1), 1, machine("n1-standard-4", "NVIDIA_TESLA_T4", 1)));
    std::string large = house.make(gang(machine("n1-standard-4", "NVIDIA_TESLA_T4", 2)));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(pair));
    EXPECT_TRUE(contains(house.record(pair), R"("devices":"GPU-0")")) << house.record(pair);
    EXPECT_TRUE(contains(house.record(pair), R"("devices":"GPU-1")")) << house.record(pair);
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(large));
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(large)) << "what runs has its devices still";
    fake_executor_exit(house.world, house.key(pair, 0).c_str(), 0, "");
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_SUCCEEDED, house.state(pair));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(large));
    EXPECT_TRUE(contains(house.record(large), R"("devices":"GPU-0,GPU-1")")) << house.record(large);
}

TEST(ControllerCapacity, AJobThatWaitsIsToldWhy)
{
    GpuHouse house;
    std::string first = house.make(gang(machine("n1-standard-8", "NVIDIA_TESLA_T4", 2)));
    std::string second = house.make(gang(machine("n1-standard-4", "NVIDIA_TESLA_T4", 2)));
    std::string third = house.make(gang(machine("n1-highmem-2")));
    std::vector<std::string> lines = house.service_lines(second);
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ("Waiting for resources: 1 replicas with 4.0 processors, 15360 MiB and 2 devices are asked for; 99, 8.0, "
              "34816 MiB and 1 are free.",
              lines.back());
    EXPECT_EQ("Waiting for jobs that came before.", house.service_lines(third).back());
    EXPECT_EQ(JOB_STATE_QUEUED, house.state(third));
}

TEST(ControllerCapacity, WhatWasTakenAndFitsNoMoreFailsByName)
{
    GpuHouse house;
    std::string running = house.make(gang(machine("n1-standard-8", "NVIDIA_TESLA_T4", 3)));
    std::string waiting = house.make(gang(machine("n1-standard-8", "NVIDIA_TESLA_T4", 3)));
    ASSERT_EQ(JOB_STATE_QUEUED, house.state(waiting));
    Host smaller(CAPACITY_STRICT, 16, 64, {"Tesla T4", "Tesla T4"});
    house.tune = [&](struct controller_options &options) { options.capacity = smaller.rules; };
    house.restart();
    ASSERT_TRUE(house.settle());
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(running));
    EXPECT_EQ(JOB_STATE_FAILED, house.state(waiting));
    EXPECT_EQ("The job asks for more than this host now has for replicas (--capacity strict).",
              house.job(waiting).error);
    house.crash();
}

TEST(ControllerCapacity, UnderScaleTheCutIsTold)
{
    GpuHouse house(CAPACITY_SCALE);
    std::string name = house.make(gang(machine("n1-standard-96")));
    EXPECT_EQ(JOB_STATE_RUNNING, house.state(name));
    std::vector<std::string> lines = house.service_lines(name);
    EXPECT_NE(lines.end(), std::find(lines.begin(), lines.end(),
                                     "The job asks for 96 processors in all, capped to the 16 that this host has for "
                                     "replicas."));
}

} /* namespace */
