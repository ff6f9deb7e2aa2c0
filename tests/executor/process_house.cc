#include "process_house.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <tuple>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <tuple>

namespace fs = std::filesystem;

namespace {

constexpr auto patience = std::chrono::seconds(30);

bool IsEnd(execution_event_kind kind)
{
    return kind == EXECUTION_EVENT_EXITED || kind == EXECUTION_EVENT_LOST || kind == EXECUTION_EVENT_START_FAILED ||
           kind == EXECUTION_EVENT_NOT_LAUNCHED;
}

bool IsSame(const execution_key &left, const execution_key &right)
{
    return execution_key_compare(&left, &right) == 0;
}

std::vector<const char *> Pointers(const std::vector<std::string> &texts)
{
    std::vector<const char *> pointers;
    for (const std::string &text : texts)
        pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
    return pointers;
}

bool KeepLine(void *context, const log_line *line)
{
    static_cast<std::vector<Line> *>(context)->push_back(Line{line->stream, line->replica, line->time_unix_ns,
                                                              std::string(line->text.data, line->text.size),
                                                              line->partial, line->dropped_bytes});
    return true;
}

/* A line's place among all of the job's. */
using Place = std::tuple<int64_t, uint64_t, uint64_t>;

struct PlacedLines {
    std::vector<Line> lines;
    Place last = {INT64_MIN, 0, 0};
};

bool KeepPlaced(void *context, const log_line *line)
{
    auto *placed = static_cast<PlacedLines *>(context);
    Place place = {line->order_unix_ns, line->place[0], line->place[1]};
    EXPECT_LT(placed->last, place) << "a cursor that was just opened gives lines in the order of their places";
    placed->last = place;
    return KeepLine(&placed->lines, line);
}

} // namespace

execution_sink Told::Sink()
{
    execution_sink sink;
    sink.context = this;
    sink.event = [](void *context, const execution_event *event) {
        auto *told = static_cast<Told *>(context);
        std::lock_guard<std::mutex> lock(told->mutex_);
        told->events_.push_back(
            Event{event->kind, event->key, event->time_unix_ns, event->pid, event->exit_code, event->term_signal,
                  event->message,
                  std::string(event->stderr_tail.data ? event->stderr_tail.data : "", event->stderr_tail.size),
                  event->is_host_fault, event->oom_killed, event->peak_memory_bytes});
        told->changed_.notify_all();
    };
    return sink;
}

Event Told::WaitFor(const std::function<bool(const Event &)> &wanted, const std::string &what)
{
    std::unique_lock<std::mutex> lock(mutex_);
    Event found{};
    bool came = changed_.wait_for(lock, patience, [&] {
        for (const Event &event : events_) {
            if (wanted(event)) {
                found = event;
                return true;
            }
        }
        return false;
    });
    EXPECT_TRUE(came) << "never told: " << what;
    return found;
}

Event Told::Wait(const execution_key &key, execution_event_kind kind)
{
    return WaitFor([&](const Event &event) { return event.kind == kind && IsSame(event.key, key); },
                   KeyText(key) + " kind " + std::to_string(kind));
}

Event Told::WaitEnd(const execution_key &key)
{
    return WaitFor([&](const Event &event) { return IsEnd(event.kind) && IsSame(event.key, key); },
                   KeyText(key) + " ended");
}

size_t Told::WaitCount(execution_event_kind kind, size_t count)
{
    std::unique_lock<std::mutex> lock(mutex_);
    size_t seen = 0;
    changed_.wait_for(lock, patience, [&] {
        seen = 0;
        for (const Event &event : events_)
            seen += event.kind == kind;
        return seen >= count;
    });
    return seen;
}

size_t Told::Count(execution_event_kind kind)
{
    std::lock_guard<std::mutex> lock(mutex_);
    size_t count = 0;
    for (const Event &event : events_)
        count += event.kind == kind;
    return count;
}

size_t Told::Count(const execution_key &key, execution_event_kind kind)
{
    std::lock_guard<std::mutex> lock(mutex_);
    size_t count = 0;
    for (const Event &event : events_)
        count += event.kind == kind && IsSame(event.key, key);
    return count;
}

std::vector<Event> Told::All()
{
    std::lock_guard<std::mutex> lock(mutex_);
    return events_;
}

void Told::Forget()
{
    std::lock_guard<std::mutex> lock(mutex_);
    events_.clear();
}

Program Shell(const std::string &script)
{
    Program program;
    program.argv = {"/bin/sh", "-c", script};
    return program;
}

uint64_t JobId(uint64_t number)
{
    return static_cast<uint64_t>(getpid()) * 100000 + number;
}

execution_key Key(uint64_t number, uint32_t pool, uint32_t replica, uint32_t restart)
{
    execution_key key{};
    key.job_id = JobId(number);
    key.job_attempt = 1;
    key.pool_index = pool;
    key.replica_index = replica;
    key.restart = restart;
    return key;
}

std::string KeyText(const execution_key &key)
{
    char text[EXECUTION_KEY_BYTES];
    execution_key_format(&key, text);
    return text;
}

std::string StartOn(executor *executor, const execution_key &key, const Program &program, err_code *ret_code)
{
    std::vector<const char *> argv = Pointers(program.argv), uris = Pointers(program.package_uris);
    std::vector<env_entry> env, labels;
    for (const auto &entry : program.env)
        env.push_back(env_entry{entry.first.c_str(), entry.second.c_str()});
    for (const auto &entry : program.labels)
        labels.push_back(env_entry{entry.first.c_str(), entry.second.c_str()});
    task task{};
    task.key = key;
    task.argv = argv.data();
    task.env = env.data();
    task.env_count = env.size();
    task.python_module = program.python_module.empty() ? nullptr : program.python_module.c_str();
    task.package_uris = uris.data();
    task.start_time_unix_ns = program.start_time_unix_ns;
    task.limits = program.limits;
    task.display_name = program.display_name.c_str();
    task.labels = labels.data();
    task.label_count = labels.size();
    err err = ERR_INIT;
    int result = executor->ops->start(executor, &task, &err);
    if (ret_code)
        *ret_code = err.code;
    return result == 0 ? "" : err.text;
}

std::vector<Line> ReadLog(executor *executor, log_cursor *cursor)
{
    std::vector<Line> lines;
    err err = ERR_INIT;
    EXPECT_EQ(executor->ops->log_read(cursor, KeepLine, &lines, &err), 0) << err.text;
    return lines;
}

std::vector<Line> ReadLogs(executor *executor, uint64_t number, const std::string &replica)
{
    log_cursor *cursor = nullptr;
    err err = ERR_INIT;
    EXPECT_EQ(executor->ops->log_open(executor, JobId(number), replica.c_str(), &cursor, &err), 0) << err.text;
    PlacedLines placed;
    EXPECT_EQ(executor->ops->log_read(cursor, KeepPlaced, &placed, &err), 0) << err.text;
    executor->ops->log_close(cursor);
    return placed.lines;
}

std::string Texts(const std::vector<Line> &lines)
{
    std::string texts;
    for (const Line &line : lines)
        texts += line.text + (line.partial ? "" : "\n");
    return texts;
}

bool Eventually(const std::function<bool()> &condition)
{
    auto deadline = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline)
            return false;
        (void)poll(nullptr, 0, 2);
    }
    return true;
}

std::string Slurp(const std::string &path)
{
    std::ifstream file(path, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

bool IsAlive(int64_t pid)
{
    std::string stat = Slurp("/proc/" + std::to_string(pid) + "/stat");
    size_t at = stat.rfind(')');
    return pid > 0 && at != std::string::npos && stat[at + 2] != 'Z' && stat[at + 2] != 'X';
}

ProcessHouse::ProcessHouse(int depth) : options{}
{
    fs::permissions(dir_.path(), fs::perms(0755));
    std::string above = dir_.path();
    for (int i = 0; i < depth; i++)
        above += "/" + std::string(100, 'd');
    fs::create_directories(above);
    attempts_ = above + "/attempts";
    supervisor_ = std::string(CUSTOMJOBD_BIN_DIR) + "/customjob-supervisor";
    options.attempts_dir = attempts_.c_str();
    options.supervisor_path = supervisor_.c_str();
    options.clock = clock_system();
}

ProcessHouse::~ProcessHouse()
{
    Crash();
    if (!fs::exists(attempts_))
        return;
    /* A supervisor that is killed takes its program with it; the executor would do the rest. */
    Open();
    for (const auto &job : fs::directory_iterator(attempts_)) {
        for (const auto &attempt : fs::directory_iterator(job)) {
            std::string name = attempt.path().filename();
            execution_key key;
            err ignored = ERR_INIT;
            if (execution_key_parse(span_of(name.c_str()), &key, &ignored) != 0)
                continue;
            told.Forget();
            Adopt(key);
            Stop(key, 0);
            told.WaitEnd(key);
        }
    }
    Crash();
}

void ProcessHouse::Open()
{
    err err = ERR_INIT;
    ASSERT_EQ(executor_process_create(&options, told.Sink(), &executor_, &err), 0) << err.text;
}

void ProcessHouse::Crash()
{
    if (executor_)
        executor_->ops->destroy(executor_);
    executor_ = nullptr;
}

std::string ProcessHouse::Start(const execution_key &key, const Program &program)
{
    return StartOn(executor_, key, program);
}

void ProcessHouse::Adopt(const execution_key &key)
{
    err err = ERR_INIT;
    ASSERT_EQ(executor_->ops->adopt(executor_, &key, &err), 0) << err.text;
}

void ProcessHouse::Stop(const execution_key &key, int64_t grace_ms)
{
    executor_->ops->stop(executor_, &key, grace_ms);
}

std::string ProcessHouse::JobPath(uint64_t number) const
{
    return attempts_ + "/" + std::to_string(JobId(number));
}

std::string ProcessHouse::AttemptPath(const execution_key &key) const
{
    return attempts_ + "/" + std::to_string(key.job_id) + "/" + KeyText(key);
}

supervisor_history ProcessHouse::History(const execution_key &key) const
{
    std::string bytes = Slurp(AttemptPath(key) + "/events");
    supervisor_history history;
    supervisor_history_read(bytes.data(), bytes.size(), &history);
    return history;
}

int64_t ProcessHouse::SupervisorPid(const execution_key &key) const
{
    EXPECT_TRUE(Eventually([&] { return History(key).has_launch; }));
    return History(key).launch.of.launch.pid;
}
