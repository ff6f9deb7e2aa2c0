#include "attempt.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace supervisor_test {

std::string ProgramPath()
{
    /* Absolute, since a test may start it from another directory. */
    return std::filesystem::absolute(CUSTOMJOBD_BIN_DIR "/customjob-supervisor").string();
}

Fd &Fd::operator=(Fd &&other) noexcept
{
    if (this != &other) {
        Close();
        fd_ = other.Release();
    }
    return *this;
}

int Fd::Release()
{
    int fd = fd_;
    fd_ = -1;
    return fd;
}

void Fd::Close()
{
    if (fd_ >= 0) {
        close(fd_);
    }
    fd_ = -1;
}

std::string ReadAll(int fd)
{
    std::string text;
    char bytes[4096];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        text.append(bytes, got > 0 ? size_t(got) : 0);
    }
    return text;
}

std::string ReadFile(const std::string &path)
{
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return fd.get() < 0 ? "" : ReadAll(fd.get());
}

void AwaitDeath(pid_t pid)
{
    Fd fd(int(syscall(SYS_pidfd_open, pid, 0)));
    pollfd one = {fd.get(), POLLIN, 0};
    while (fd.get() >= 0 && poll(&one, 1, -1) < 0 && errno == EINTR) {
    }
}

bool IsAlive(pid_t pid)
{
    std::string state = ProcStatus(pid, "State");
    return !state.empty() && state[0] != 'Z' && state[0] != 'X';
}

std::string ProcStatus(pid_t pid, const std::string &name)
{
    for (const std::string &line : Split(ReadFile("/proc/" + std::to_string(pid) + "/status"), '\n')) {
        if (line.rfind(name + ":", 0) == 0) {
            size_t at = line.find_first_not_of(" \t", name.size() + 1);
            return at == line.npos ? "" : line.substr(at);
        }
    }
    return "";
}

std::vector<std::string> Split(const std::string &text, char separator)
{
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

bool IsLocked(const std::string &dir)
{
    Fd fd(open((dir + "/" SUPERVISOR_FILE_LOCK).c_str(), O_RDWR | O_CLOEXEC));
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    EXPECT_EQ(0, fcntl(fd.get(), F_OFD_GETLK, &lock));
    return lock.l_type != F_UNLCK;
}

/* ---- Peer ------------------------------------------------------------------------------------------------------- */

Peer::Peer(const std::string &dir) : fd_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))
{
    Fd at(open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", at.get(), SUPERVISOR_FILE_SOCK);
    timeval limit = {60, 0}; /* a hang is a failure here, not at the end of ctest's patience */
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = connect(fd_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
}

bool Peer::SendBytes(const std::string &bytes)
{
    return send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == ssize_t(bytes.size());
}

bool Peer::Send(const supervisor_request &request)
{
    char bytes[SUPERVISOR_MESSAGE_BYTES];
    size_t size = supervisor_request_encode(&request, bytes, sizeof bytes);
    return size > 0 && SendBytes(std::string(bytes, size));
}

bool Peer::Subscribe(uint64_t after_seq)
{
    supervisor_request request = {};
    request.kind = SUPERVISOR_REQUEST_SUBSCRIBE;
    request.after_seq = after_seq;
    return Send(request);
}

bool Peer::Stop(uint32_t grace_ms)
{
    supervisor_request request = {};
    request.kind = SUPERVISOR_REQUEST_STOP;
    request.stop_grace_ms = grace_ms;
    return Send(request);
}

bool Peer::Status()
{
    supervisor_request request = {};
    request.kind = SUPERVISOR_REQUEST_STATUS;
    return Send(request);
}

std::optional<supervisor_event> Peer::Receive()
{
    char bytes[SUPERVISOR_MESSAGE_BYTES];
    ssize_t got = recv(fd_.get(), bytes, sizeof bytes, 0);
    supervisor_event event = {};
    if (got <= 0 || !supervisor_event_decode(bytes, size_t(got), &event)) {
        EXPECT_TRUE(got == 0 || (got < 0 && errno == ECONNRESET)) << strerror(errno);
        return std::nullopt;
    }
    return event;
}

std::optional<supervisor_event> Peer::Await(supervisor_event_kind kind)
{
    for (;;) {
        std::optional<supervisor_event> event = Receive();
        if (!event || event->kind == kind) {
            return event;
        }
    }
}

/* ---- Attempt ---------------------------------------------------------------------------------------------------- */

Attempt::Attempt(const std::string &below)
{
    const char *base = getenv("TEST_TMPDIR");
    base = base ? base : getenv("TMPDIR");
    std::string pattern = std::string(base ? base : "/tmp") + "/attempt_XXXXXX";
    EXPECT_NE(nullptr, mkdtemp(pattern.data()));
    root_ = pattern;
    dir_ = below.empty() ? root_ : root_ + "/" + below;
    std::filesystem::create_directories(dir_);
    Write(SUPERVISOR_FILE_LOCK, "");
    SetConf("");
    SetEnv({"PATH=/usr/local/bin:/usr/bin:/bin"});
    SetArgv({"/bin/true"});
}

std::string Attempt::Group() const
{
    for (const std::string &line : Split(Read(SUPERVISOR_FILE_CGROUP), '\n')) {
        if (line.rfind("/", 0) == 0) {
            return line;
        }
    }
    return "";
}

std::vector<std::string> Attempt::GroupsOf(const std::string &word) const
{
    std::vector<std::string> groups;
    for (const std::string &line : Split(Read(SUPERVISOR_FILE_CGROUP), '\n')) {
        if (line.rfind(word + " ", 0) == 0) {
            groups.push_back(line.substr(word.size() + 1));
        }
    }
    return groups;
}

Attempt::~Attempt()
{
    if (pid_ > 0) {
        KillSupervisor();
    }
    std::string group = Group();
    if (!group.empty() && std::filesystem::exists(group)) {
        std::ofstream(group + "/cgroup.kill") << "1";
        for (const std::string &pid : Split(ReadFile(group + "/cgroup.procs"), '\n')) {
            AwaitDeath(atoi(pid.c_str()));
        }
        rmdir(group.c_str());
    }
    for (const std::string &leaf : GroupsOf("leaf")) {
        rmdir(leaf.c_str());
    }
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
}

void Attempt::Write(const std::string &name, const std::string &bytes)
{
    std::ofstream file(Path(name), std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), std::streamsize(bytes.size()));
    file.close();
    EXPECT_TRUE(file.good()) << name;
}

bool Attempt::Has(const std::string &name) const
{
    return access(Path(name).c_str(), F_OK) == 0;
}

static std::string Joined(const std::vector<std::string> &strings)
{
    std::string bytes;
    for (const std::string &one : strings) {
        bytes += one;
        bytes += '\0';
    }
    return bytes;
}

void Attempt::SetArgv(const std::vector<std::string> &argv)
{
    Write(SUPERVISOR_FILE_ARGV, Joined(argv));
}

void Attempt::SetEnv(const std::vector<std::string> &env)
{
    Write(SUPERVISOR_FILE_ENV, Joined(env));
}

void Attempt::Spawn(const StartOptions &options)
{
    int ends[2] = {-1, -1};
    ASSERT_EQ(-1, pid_) << "one supervisor at a time";
    ASSERT_EQ(0, pipe2(ends, O_CLOEXEC));
    const std::string &program = options.program, number = std::to_string(options.ready_fd);
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
        if (options.before_exec) {
            options.before_exec();
        }
        if (options.ready_fd < 0) {
            execl(program.c_str(), program.c_str(), dir_.c_str(), nullptr);
        } else if (options.ready_fd == ends[1] ? fcntl(ends[1], F_SETFD, 0) == 0
                                               : dup2(ends[1], options.ready_fd) >= 0) {
            execl(program.c_str(), program.c_str(), dir_.c_str(), number.c_str(), nullptr);
        }
        _exit(99);
    }
    close(ends[1]);
    ready_ = Fd(ends[0]);
}

std::string Attempt::AwaitReady()
{
    std::string text = ReadAll(ready_.get());
    ready_.Close();
    return text;
}

std::string Attempt::Start(const StartOptions &options)
{
    Spawn(options);
    return AwaitReady();
}

std::string Attempt::Start(const std::string &script)
{
    SetShell(script);
    return Start(StartOptions{});
}

int Attempt::Wait()
{
    int status = 0;
    pid_t pid;
    do {
        pid = waitpid(pid_, &status, 0);
    } while (pid < 0 && errno == EINTR);
    EXPECT_EQ(pid_, pid);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int Attempt::Run(const std::string &script)
{
    EXPECT_EQ(SUPERVISOR_READY, Start(script));
    return Wait();
}

void Attempt::KillSupervisor()
{
    kill(pid_, SIGKILL);
    Wait();
}

void Attempt::MakeFifo(const std::string &name)
{
    ASSERT_EQ(0, mkfifo(Path(name).c_str(), 0666));
    ASSERT_EQ(0, chmod(Path(name).c_str(), 0666));
}

std::string Attempt::ReadFifo(const std::string &name)
{
    std::string text = Read(name);
    return text.empty() ? text : text.substr(0, text.size() - 1);
}

void Attempt::WriteFifo(const std::string &name, const std::string &text)
{
    Fd fd(open(Path(name).c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_EQ(ssize_t(text.size()), write(fd.get(), text.data(), text.size()));
}

static uint32_t LittleEndian(const std::string &bytes, size_t at)
{
    uint32_t value = 0;
    for (size_t i = 0; i < 4; i++) {
        value |= uint32_t(uint8_t(bytes[at + i])) << (8 * i);
    }
    return value;
}

std::vector<supervisor_event> Attempt::Events() const
{
    std::string bytes = Read(SUPERVISOR_FILE_EVENTS);
    std::vector<supervisor_event> events;
    EXPECT_EQ(SUPERVISOR_MAGIC, bytes.substr(0, SUPERVISOR_MAGIC_BYTES));
    size_t at = SUPERVISOR_MAGIC_BYTES;
    while (bytes.size() - at >= SUPERVISOR_FRAME_HEAD_BYTES) {
        uint32_t length = LittleEndian(bytes, at);
        std::string covered = bytes.substr(at, 4) + bytes.substr(at + SUPERVISOR_FRAME_HEAD_BYTES, length);
        supervisor_event event = {};
        EXPECT_EQ(LittleEndian(bytes, at + 4), supervisor_crc32c(0, covered.data(), covered.size()));
        EXPECT_TRUE(supervisor_event_decode(covered.data() + 4, length, &event));
        events.push_back(event);
        EXPECT_EQ(events.size(), event.seq);
        at += SUPERVISOR_FRAME_HEAD_BYTES + length;
    }
    EXPECT_EQ(bytes.size(), at) << "no piece is left";
    return events;
}

std::vector<supervisor_event_kind> Attempt::Kinds() const
{
    std::vector<supervisor_event_kind> kinds;
    for (const supervisor_event &event : Events()) {
        kinds.push_back(event.kind);
    }
    return kinds;
}

supervisor_history Attempt::History() const
{
    std::string bytes = Read(SUPERVISOR_FILE_EVENTS);
    supervisor_history history;
    supervisor_history_read(bytes.data(), bytes.size(), &history);
    return history;
}

supervisor_exit Attempt::Exit() const
{
    supervisor_history history = History();
    EXPECT_TRUE(history.has_exit);
    return history.exit.of.exit;
}

std::vector<LogLine> Attempt::Log(const std::string &name) const
{
    std::vector<LogLine> lines;
    for (const std::string &line : Split(Read(name), '\n')) {
        supervisor_log_entry entry = {};
        EXPECT_TRUE(supervisor_log_parse(line.data(), line.size(), &entry)) << line;
        lines.push_back(
            {entry.time_unix_ns, entry.tag, std::string(entry.text, entry.text_bytes), entry.dropped_bytes});
    }
    return lines;
}

std::string Attempt::Output(const std::string &name) const
{
    std::string text;
    for (const LogLine &line : Log(name)) {
        text += line.text;
        if (line.tag != SUPERVISOR_LOG_PARTIAL) {
            text += '\n';
        }
    }
    return text;
}

} // namespace supervisor_test
