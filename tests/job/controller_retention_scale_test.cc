/* Retention over far more jobs than may stay, through the whole of the controller: store, log, attempt files and memory
 * are as large in the end as they were near the beginning. */
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "job/controller.h"
#include "job/job_keys.h"
#include "job_wire.h"
#include "tests/lib/temp_dir.h"

namespace {

const uint64_t kept = 500;
const size_t batch = 200;

/* An executor whose replicas end with 0 as soon as they have started, and that keeps one file for each job. */
class Mill {
  public:
    explicit Mill(const std::string &dir_to_use) : dir(dir_to_use)
    {
        std::filesystem::create_directory(dir);
        ops.name = "mill";
        ops.assign_address = [](struct executor *, const struct execution_key *, char *host, size_t size,
                                uint16_t *ret_port, struct err *) {
            snprintf(host, size, "127.0.0.1");
            *ret_port = 1;
            return 0;
        };
        ops.claim_address = [](struct executor *, const struct execution_key *, const char *, uint16_t) {};
        ops.release_addresses = [](struct executor *, uint64_t) {};
        ops.start = [](struct executor *executor, const struct task *task, struct err *) {
            mill(executor)->tell(EXECUTION_EVENT_STARTED, task->key);
            mill(executor)->tell(EXECUTION_EVENT_EXITED, task->key);
            return 0;
        };
        ops.stop = [](struct executor *, const struct execution_key *, int64_t) {};
        ops.remove = [](struct executor *executor, uint64_t job_id, struct err *) {
            EXPECT_EQ(0, unlink(mill(executor)->path(job_id).c_str()));
            mill(executor)->tell(EXECUTION_EVENT_REMOVED, {job_id, 0, 0, 0, 0});
            return 0;
        };
        ops.has_files = [](struct executor *executor, uint64_t job_id) {
            return access(mill(executor)->path(job_id).c_str(), F_OK) == 0;
        };
        ops.service_log = [](struct executor *executor, uint64_t job_id, const char *line) {
            int file = open(mill(executor)->path(job_id).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            EXPECT_EQ(ssize_t(strlen(line)), write(file, line, strlen(line)));
            close(file);
        };
        ops.seal_end = [](struct executor *, uint64_t) {};
        self = {{&ops}, this};
    }
    struct executor *executor() { return &self.base; }
    void connect(struct execution_sink sink_to_use) { sink = sink_to_use; }
    /* False: nothing has happened. */
    bool settle()
    {
        std::vector<struct execution_event> now;
        now.swap(events);
        for (const struct execution_event &event : now) {
            sink.event(sink.context, &event);
        }
        return !now.empty();
    }
    uint64_t files() const
    {
        return uint64_t(std::distance(std::filesystem::directory_iterator(dir), std::filesystem::directory_iterator()));
    }

  private:
    struct Self {
        struct executor base; /* first */
        Mill *mill;
    };
    static Mill *mill(struct executor *executor) { return reinterpret_cast<Self *>(executor)->mill; }
    std::string path(uint64_t job_id) const { return dir + "/" + std::to_string(job_id); }
    void tell(enum execution_event_kind kind, const struct execution_key &key)
    {
        struct execution_event event = {};
        event.kind = kind;
        event.key = key;
        event.time_unix_ns = clock_wall_unix_ns(clock_system());
        event.message = "";
        events.push_back(event);
    }
    std::string dir;
    struct execution_sink sink = {};
    std::vector<struct execution_event> events;
    struct executor_ops ops = {};
    Self self;
};

/* What a server needs at one moment. */
struct Size {
    uint64_t rows = 0, files = 0, disk_bytes = 0, memory_bytes = 0;
    void grow_to(const Size &other)
    {
        rows = std::max(rows, other.rows);
        files = std::max(files, other.files);
        disk_bytes = std::max(disk_bytes, other.disk_bytes);
        memory_bytes = std::max(memory_bytes, other.memory_bytes);
    }
};

class Busy {
  public:
    Busy() : mill(temp.path() + "/attempts"), wire(simple_job(1, "", R"(,"labels":{"a":"b"})")) { start(); }
    ~Busy() { stop(); }

    void start()
    {
        struct err err = ERR_INIT;
        struct store_options store_options = {};
        std::string data = temp.path() + "/data";
        store_options.dir = data.c_str();
        store_options.fs = fs_system();
        store_options.clock = clock_system();
        store_options.extract = job_keys_extract;
        store_options.segment_bytes = 1 << 20;
        ASSERT_EQ(0, store_open(&store_options, &store, &recovery, &err)) << err.text;
        struct controller_options options = {};
        options.store = store;
        options.clock = clock_system();
        options.replicas_max = 1000;
        options.retention_count = kept;
        options.fatal = [](void *, const struct err *why) { ADD_FAILURE() << why->text; };
        ASSERT_EQ(0, controller_create(&options, &controller, &err)) << err.text;
        mill.connect(controller_sink(controller));
        ASSERT_EQ(0, controller_attach(controller, mill.executor(), &err)) << err.text;
    }
    void stop()
    {
        controller_stop(controller);
        controller_destroy(controller);
        store_close(store);
    }

    /* So many jobs at once, to their end and until retention has had its way. */
    void run_batch()
    {
        std::vector<struct command> commands(batch);
        struct err err = ERR_INIT;
        for (struct command &command : commands) {
            command.kind = COMMAND_CREATE_JOB;
            command.version = API_V1;
            command.parent = span_of("projects/p/locations/l");
            command.custom_job_wire = as_span(wire);
            command.done = [](struct command *, const struct command_result *result) {
                EXPECT_EQ(nullptr, result->err) << result->err->text;
            };
            ASSERT_EQ(0, controller_submit(controller, &command, &err)) << err.text;
        }
        settle();
    }
    void settle()
    {
        struct err err = ERR_INIT;
        int64_t wait_ns;
        do {
            ASSERT_EQ(0, controller_turn(controller, &wait_ns, &err)) << err.text;
        } while (mill.settle() || wait_ns == 0);
    }

    Size size() const
    {
        struct mallinfo2 memory = mallinfo2();
        Size now;
        for (int table = STORE_TABLE_JOB; table < STORE_TABLE_COUNT; table++) {
            now.rows += store_count(store, (enum store_table)table);
        }
        now.files = mill.files();
        for (const auto &file : std::filesystem::directory_iterator(temp.path() + "/data")) {
            std::error_code gone; /* the log's own threads remove files meanwhile */
            uint64_t bytes = std::filesystem::file_size(file, gone);
            now.disk_bytes += gone ? 0 : bytes;
        }
        now.memory_bytes = memory.uordblks + memory.hblkhd;
        return now;
    }

    struct store *store = nullptr;
    struct store_recovery recovery = {};

  private:
    TempDir temp;
    Mill mill;
    std::string wire;
    struct controller *controller = nullptr;
};

TEST(ControllerRetentionScale, ManyJobsNeedNoMoreThanAFew)
{
    const char *given = getenv("CUSTOMJOBD_TEST_JOBS");
    uint64_t count = given ? strtoull(given, nullptr, 0) : 20000;
    Busy busy;
    Size first, last;
    for (uint64_t made = 0; made < count && !testing::Test::HasFailure(); made += batch) {
        busy.run_batch();
        (made < count / 4 ? first : last).grow_to(busy.size());
    }
    printf("%" PRIu64 " jobs: at most %" PRIu64 " rows, %" PRIu64 " files, %.1f MB on disk, %.1f MB of memory\n", count,
           last.rows, last.files, double(last.disk_bytes) / 1e6, double(last.memory_bytes) / 1e6);
    EXPECT_EQ(kept, busy.size().rows) << "jobs that have ended, and no other row";
    EXPECT_EQ(kept, first.rows);
    EXPECT_EQ(kept, last.rows);
    EXPECT_EQ(kept, last.files);
    EXPECT_LE(last.disk_bytes, uint64_t(16) << 20);
    EXPECT_LE(last.memory_bytes, first.memory_bytes + first.memory_bytes / 4 + (1 << 20));

    busy.stop();
    busy.start();
    EXPECT_EQ(kept, busy.recovery.entries[STORE_TABLE_JOB]);
    EXPECT_EQ(0u, busy.recovery.entries[STORE_TABLE_EXECUTION]);
    busy.run_batch();
    EXPECT_EQ(kept, busy.size().rows) << "a start remembers what ended when";
    EXPECT_EQ(kept, busy.size().files);
}

} /* namespace */
