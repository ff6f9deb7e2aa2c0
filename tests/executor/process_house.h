/* process_house: a process executor in a folder of its own, with the real supervisor, and all that it told. */
#ifndef TESTS_EXECUTOR_PROCESS_HOUSE_H_
#define TESTS_EXECUTOR_PROCESS_HOUSE_H_

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "executor/executor.h"
#include "executor/executor_process.h"
#include "supervisor/supervisor_wire.h"
#include "tests/lib/temp_dir.h"

struct Event {
    execution_event_kind kind;
    execution_key key;
    int64_t time_unix_ns;
    int64_t pid;
    int exit_code;
    int term_signal;
    std::string message;
    std::string stderr_tail;
    bool is_host_fault;
    bool oom_killed;
    uint64_t peak_memory_bytes;
};

struct Line {
    log_stream stream;
    std::string replica;
    int64_t time_unix_ns;
    std::string text;
    bool partial;
    uint64_t dropped_bytes;
};

/* Takes events of any executor. */
class Told {
  public:
    execution_sink Sink();
    /* The first event of this key and kind; fails the test when none comes in time. */
    Event Wait(const execution_key &key, execution_event_kind kind);
    /* The first that ends it: EXITED, LOST, START_FAILED or NOT_LAUNCHED. */
    Event WaitEnd(const execution_key &key);
    size_t WaitCount(execution_event_kind kind, size_t count);
    size_t Count(execution_event_kind kind);
    size_t Count(const execution_key &key, execution_event_kind kind);
    std::vector<Event> All();
    void Forget();

  private:
    Event WaitFor(const std::function<bool(const Event &)> &wanted, const std::string &what);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Event> events_;
};

struct Program {
    std::vector<std::string> argv;
    std::vector<std::pair<std::string, std::string>> env;
    std::string python_module;
    std::vector<std::string> package_uris;
    int64_t start_time_unix_ns = 0;
    task_limits limits = {};
    std::string display_name;
    std::vector<std::pair<std::string, std::string>> labels;
};

Program Shell(const std::string &script);
/* The id of the run's own job of that number. The search for what a replica has left goes over the whole host, by the
 * attempt's key: a key that another run of these tests has as well would let one end the other's processes. */
uint64_t JobId(uint64_t number);
execution_key Key(uint64_t number, uint32_t pool = 0, uint32_t replica = 0, uint32_t restart = 0);
std::string KeyText(const execution_key &key);
/* Starts; the error's text when it is refused, "" else. */
std::string StartOn(executor *executor, const execution_key &key, const Program &program, err_code *ret_code = nullptr);
std::vector<Line> ReadLog(executor *executor, log_cursor *cursor);
std::vector<Line> ReadLogs(executor *executor, uint64_t number, const std::string &replica = "");
std::string Texts(const std::vector<Line> &lines);

/* True as soon as it is; false after half a minute. */
bool Eventually(const std::function<bool()> &condition);
/* A process that ended does not count, reaped or not. */
bool IsAlive(int64_t pid);
std::string Slurp(const std::string &path);

class ProcessHouse {
  public:
    /* depth: folders of a hundred characters above the attempts. */
    explicit ProcessHouse(int depth = 0);
    /* Kills what still runs. */
    ~ProcessHouse();

    /* The server starts, and is gone again; what it started lives on. */
    void Open();
    void Crash();
    executor *get() const { return executor_; }

    std::string Start(const execution_key &key, const Program &program);
    void Adopt(const execution_key &key);
    void Stop(const execution_key &key, int64_t grace_ms);

    std::string Path(const std::string &name) const { return dir_.path() + "/" + name; }
    std::string JobPath(uint64_t number) const;
    std::string AttemptPath(const execution_key &key) const;
    supervisor_history History(const execution_key &key) const;
    /* Of the living; waits until it is written down. */
    int64_t SupervisorPid(const execution_key &key) const;

    executor_process_options options;
    Told told;

  private:
    TempDir dir_;
    std::string attempts_;
    std::string supervisor_;
    executor *executor_ = nullptr;
};

#endif /* TESTS_EXECUTOR_PROCESS_HOUSE_H_ */
