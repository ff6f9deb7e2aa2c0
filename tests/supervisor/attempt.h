/* attempt: an attempt directory of its own and the real supervisor beside its replica, as an executor would have them.
 *
 * Waits are for things, never for time: for the end of a process, for a line in a fifo, for an event on the socket.
 */
#ifndef TESTS_SUPERVISOR_ATTEMPT_H_
#define TESTS_SUPERVISOR_ATTEMPT_H_

#include <gtest/gtest.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "supervisor/supervisor_wire.h"
#include "supervisor/supervisor_wire_log.h"

namespace supervisor_test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

std::string ProgramPath();

/* Descriptor that is closed with the object. */
class Fd {
  public:
    explicit Fd(int fd = -1) : fd_(fd) {}
    Fd(Fd &&other) noexcept : fd_(other.Release()) {}
    Fd &operator=(Fd &&other) noexcept;
    ~Fd() { Close(); }
    int get() const { return fd_; }
    int Release();
    void Close();

  private:
    int fd_;
};

std::string ReadAll(int fd);
/* What the file holds; "" when it cannot be read. */
std::string ReadFile(const std::string &path);
/* Blocks until the process is dead, be it whose child it may; at once when there is none. */
void AwaitDeath(pid_t pid);
/* Not counting zombies. */
bool IsAlive(pid_t pid);
/* The value after "NAME:" in /proc/PID/status; "" when the process is gone. */
std::string ProcStatus(pid_t pid, const std::string &name);
std::vector<std::string> Split(const std::string &text, char separator);

/* One connection to a supervisor's socket. */
class Peer {
  public:
    explicit Peer(const std::string &dir);
    bool connected() const { return connected_; }
    bool SendBytes(const std::string &bytes);
    bool Send(const supervisor_request &request);
    bool Subscribe(uint64_t after_seq = 0);
    bool Stop(uint32_t grace_ms);
    bool Status();
    /* The next event; none when the supervisor has closed the connection. */
    std::optional<supervisor_event> Receive();
    /* Receives up to the first event of this kind; none when it did not come. */
    std::optional<supervisor_event> Await(supervisor_event_kind kind);
    int fd() const { return fd_.get(); }

  private:
    Fd fd_;
    bool connected_ = false;
};

/* Of the lock file: held by some open file description. */
bool IsLocked(const std::string &dir);

struct LogLine {
    int64_t time_unix_ns;
    char tag;
    std::string text;
    uint64_t dropped_bytes;
};

struct StartOptions {
    std::string program = ProgramPath();
    int ready_fd = 3;                  /* -1: none is given */
    std::function<void()> before_exec; /* in the process that becomes the supervisor */
};

class Attempt {
  public:
    /* below: folders to put between the temporary one and the attempt's own. */
    explicit Attempt(const std::string &below = "");
    ~Attempt(); /* kills what is left */
    Attempt(const Attempt &) = delete;
    Attempt &operator=(const Attempt &) = delete;

    const std::string &dir() const { return dir_; }
    std::string Path(const std::string &name) const { return dir_ + "/" + name; }
    void Write(const std::string &name, const std::string &bytes);
    std::string Read(const std::string &name) const { return ReadFile(Path(name)); }
    bool Has(const std::string &name) const;
    /* The control group of its processes; "" when there is none. */
    std::string Group() const;
    /* Those with a line "WORD PATH" in the file. */
    std::vector<std::string> GroupsOf(const std::string &word) const;

    void SetArgv(const std::vector<std::string> &argv);
    void SetEnv(const std::vector<std::string> &env);
    void SetConf(const std::string &text) { Write(SUPERVISOR_FILE_CONF, text); }
    void SetShell(const std::string &script) { SetArgv({"/bin/sh", "-c", script}); }

    /* Starts a supervisor; returns without waiting for anything. */
    void Spawn(const StartOptions &options = {});
    /* What came through READYFD until its end. */
    std::string AwaitReady();
    std::string Start(const StartOptions &options = {});
    std::string Start(const std::string &script);
    /* The supervisor's exit code; 1000 + signal when one ended it. */
    int Wait();
    /* Start and Wait; for attempts of which only the end matters. */
    int Run(const std::string &script);
    pid_t pid() const { return pid_; }
    /* Kills the supervisor and reaps it. */
    void KillSupervisor();

    /* A fifo of this name: the replica writes a line into it, or reads one from it. */
    void MakeFifo(const std::string &name);
    std::string ReadFifo(const std::string &name);
    void WriteFifo(const std::string &name, const std::string &text = "go\n");

    /* All frames of the event file; fails the test when its bytes are not as supervisor_wire.h says. */
    std::vector<supervisor_event> Events() const;
    std::vector<supervisor_event_kind> Kinds() const;
    supervisor_history History() const;
    /* All zeros when there was none. */
    supervisor_exit Exit() const;
    /* The main process's, once it runs. */
    pid_t MainPid() const { return History().run.of.run.pid; }

    std::vector<LogLine> Log(const std::string &name = SUPERVISOR_FILE_STDOUT) const;
    /* The lines' texts, each with its newline, pieces put together again. */
    std::string Output(const std::string &name = SUPERVISOR_FILE_STDOUT) const;

  private:
    std::string root_, dir_;
    pid_t pid_ = -1;
    Fd ready_;
};

} /* namespace supervisor_test */

#endif /* TESTS_SUPERVISOR_ATTEMPT_H_ */
