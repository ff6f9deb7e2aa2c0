/* From the start of a supervisor to the start of its process: recorded once, synced first, refused the second time. */
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "attempt.h"
#include "tracer.h"

using namespace supervisor_test;

namespace {

using Kinds = std::vector<supervisor_event_kind>;

uint64_t StartTicks(pid_t pid)
{
    std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
    std::vector<std::string> fields = Split(stat.substr(stat.rfind(')') + 2), ' ');
    return strtoull(fields.at(19).c_str(), nullptr, 10);
}

/* The program with these arguments, without a ready descriptor that is open. */
int RunProgram(const std::vector<std::string> &arguments)
{
    std::string program = ProgramPath();
    pid_t pid = fork();
    if (pid == 0) {
        std::vector<char *> argv = {program.data()};
        for (const std::string &argument : arguments) {
            argv.push_back(const_cast<char *>(argument.c_str()));
        }
        argv.push_back(nullptr);
        dup2(open("/dev/null", O_WRONLY), 2);
        execv(argv[0], argv.data());
        _exit(99);
    }
    int status = 0;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST(SupervisorLaunch, IsOnRecordBeforeTheProcessStarts)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("cp events seen; echo $$ > up; read x < go"));
    pid_t main = atoi(attempt.ReadFifo("up").c_str());
    std::string seen = attempt.Read("seen");
    supervisor_history history;
    supervisor_history_read(seen.data(), seen.size(), &history);
    EXPECT_TRUE(history.has_launch) << "what the process itself found";
    const supervisor_launch &launch = history.launch.of.launch;
    EXPECT_EQ(ReadFile("/proc/sys/kernel/random/boot_id"), std::string(launch.boot_id) + "\n");
    EXPECT_EQ(attempt.pid(), launch.pid);
    EXPECT_EQ(StartTicks(attempt.pid()), launch.start_time_ticks);
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe());
    std::optional<supervisor_event> run = peer.Await(SUPERVISOR_EVENT_RUN);
    ASSERT_TRUE(run);
    EXPECT_EQ(main, run->of.run.pid);
    EXPECT_EQ(StartTicks(main), run->of.run.start_time_ticks);
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ((Kinds{SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN, SUPERVISOR_EVENT_EXIT}), attempt.Kinds());
}

/* Goal: lock, then room for all events to come, then record, then both syncs, then "ok", then the process; and the end is synced too. Method: the order
 * of its system calls. */
TEST(SupervisorLaunch, IsSyncedBeforeReadyIsToldAndTheProcessMade)
{
    if (!Tracer::IsAllowed()) {
        GTEST_SKIP() << "no process may be traced here";
    }
    Attempt attempt;
    StartOptions options;
    options.before_exec = [] {
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* that makes a process, and traces */
        Tracer::TraceMe();
    };
    attempt.Spawn(options);
    Tracer tracer(attempt.pid());
    std::vector<std::string> order;
    std::string dir = std::filesystem::canonical(attempt.dir());
    for (Call call; tracer.Next(&call);) {
        bool writes = call.number == SYS_write || call.number == SYS_pwrite64;
        if (call.number == SYS_fcntl && call.args[1] == F_OFD_SETLK && call.file == dir + "/lock") {
            order.push_back("lock");
        } else if (call.number == SYS_fallocate && call.file == dir + "/events") {
            order.push_back("reserve");
        } else if (writes && call.file == dir + "/events") {
            order.push_back("write");
        } else if ((call.number == SYS_fdatasync || call.number == SYS_fsync) && call.file == dir + "/events") {
            order.push_back("sync");
        } else if (call.number == SYS_fsync && call.file == dir) {
            order.push_back("sync directory");
        } else if (call.number == SYS_write && call.file.rfind("pipe:", 0) == 0) {
            order.push_back("ready");
        } else if (call.makes_process) {
            order.push_back("process");
        }
    }
    EXPECT_EQ(SUPERVISOR_READY, attempt.AwaitReady());
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ((std::vector<std::string>{"lock", "reserve", "write", "sync", "sync directory", "ready", "process",
                                        "write", "write", "sync"}),
              order);
}

/* Goal: wherever a supervisor is killed, no second one starts the process twice, and one that left no launch behind
 * takes nothing away. Method: killed at each of its system calls, from its lock to a while after the process was
 * made; then a second supervisor. */
TEST(SupervisorLaunch, HappensOnceWhereverASupervisorIsKilled)
{
    if (!Tracer::IsAllowed()) {
        GTEST_SKIP() << "no process may be traced here";
    }
    ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
    bool reached_end = false;
    int launched = 0, not_launched = 0;
    for (int kill_at = 0; !reached_end; kill_at++) {
        Attempt attempt;
        attempt.SetShell("echo x >> ran");
        StartOptions options;
        options.before_exec = Tracer::TraceMe;
        attempt.Spawn(options);
        Tracer tracer(attempt.pid());
        bool locking = false;
        int since_lock = 0, since_process = 0;
        for (Call call; tracer.Next(&call);) {
            locking = locking || (call.number == SYS_fcntl && call.args[1] == F_OFD_SETLK);
            since_process += since_process > 0 || call.makes_process;
            if (locking && since_lock++ == kill_at) {
                break;
            }
        }
        reached_end = since_process > 12;
        attempt.KillSupervisor();
        while (waitpid(-1, nullptr, 0) > 0) {
        } /* what it left */
        (void)attempt.AwaitReady();
        supervisor_history first = attempt.History();
        ASSERT_FALSE(first.unreadable) << "call " << kill_at;
        std::string ready = attempt.Start(StartOptions{});
        int code = attempt.Wait();
        ASSERT_EQ(first.has_launch ? SUPERVISOR_EXIT_LAUNCHED : SUPERVISOR_EXIT_OK, code) << kill_at << ready;
        std::string ran = attempt.Read("ran");
        ASSERT_TRUE(ran == "x\n" || (ran.empty() && first.has_launch)) << "call " << kill_at << ": " << ran;
        (first.has_launch ? launched : not_launched)++;
    }
    EXPECT_GT(launched, 5);
    EXPECT_GT(not_launched, 5);
    ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 0));
}

TEST(SupervisorLaunch, NeedsNoReadyDescriptor)
{
    Attempt attempt;
    StartOptions options;
    options.ready_fd = -1;
    EXPECT_EQ("", attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_TRUE(attempt.History().has_exit);
}

/* Who waits for the end of what READYFD says does not wait for the end of the job. */
TEST(SupervisorLaunch, ClosesTheReadyDescriptorWhateverItsNumber)
{
    for (int ready_fd : {3, 4, 5, 63, 200}) {
        Attempt attempt;
        attempt.MakeFifo("go");
        attempt.SetShell("read x < go");
        StartOptions options;
        options.ready_fd = ready_fd;
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options)) << "and its end";
        for (int fd = 0; fd <= 2; fd++) {
            std::string link = "/proc/" + std::to_string(attempt.pid()) + "/fd/" + std::to_string(fd);
            EXPECT_EQ("/dev/null", std::filesystem::read_symlink(link).string());
        }
        attempt.WriteFifo("go");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    }
}

TEST(SupervisorLaunch, RefusesWrongUsage)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_USAGE, RunProgram({}));
    EXPECT_EQ(SUPERVISOR_EXIT_USAGE, RunProgram({attempt.dir(), "3", "4"}));
    for (const char *number : {"", "x", "2", "-1", "3x", "70000", "99999999999999999999"}) {
        EXPECT_EQ(SUPERVISOR_EXIT_USAGE, RunProgram({attempt.dir(), number})) << number;
    }
    EXPECT_EQ(SUPERVISOR_EXIT_FAILED, RunProgram({attempt.dir(), "60"})) << "which is not open";
    EXPECT_EQ(SUPERVISOR_EXIT_FAILED, RunProgram({attempt.Path("absent")}));
    EXPECT_EQ(SUPERVISOR_EXIT_FAILED, RunProgram({attempt.Path("lock")})) << "no directory";
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_EVENTS));
}

/* ---- never twice ------------------------------------------------------------------------------------------------ */

TEST(SupervisorLaunch, IsRefusedAfterTheEnd)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("echo once"));
    std::string events = attempt.Read(SUPERVISOR_FILE_EVENTS), log = attempt.Read(SUPERVISOR_FILE_STDOUT);
    EXPECT_EQ("this attempt was launched before\n", attempt.Start("echo twice"));
    EXPECT_EQ(SUPERVISOR_EXIT_LAUNCHED, attempt.Wait());
    EXPECT_EQ(events, attempt.Read(SUPERVISOR_FILE_EVENTS));
    EXPECT_EQ(log, attempt.Read(SUPERVISOR_FILE_STDOUT)) << "nor are its logs touched";
}

TEST(SupervisorLaunch, IsRefusedWhileAnotherSupervisorLives)
{
    Attempt attempt;
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("read x < go; exit 6"));
    EXPECT_TRUE(IsLocked(attempt.dir()));
    EXPECT_EQ(SUPERVISOR_EXIT_BUSY, RunProgram({attempt.dir()}));
    Peer peer(attempt.dir());
    EXPECT_TRUE(peer.connected()) << "its socket is not taken away";
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_FALSE(IsLocked(attempt.dir()));
    EXPECT_EQ(6, attempt.Exit().exit_code);
}

/* Neither the process nor what came of it holds the lock: it tells of the supervisor alone. */
TEST(SupervisorLaunch, IsRefusedAfterItsSupervisorWasKilled)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("(setsid sh -c 'echo $$ > up; exec sleep 1000' &); exec sleep 1000"));
    pid_t daemon = atoi(attempt.ReadFifo("up").c_str());
    attempt.KillSupervisor();
    EXPECT_TRUE(IsAlive(daemon));
    EXPECT_FALSE(IsLocked(attempt.dir()));
    EXPECT_TRUE(attempt.History().has_launch);
    EXPECT_FALSE(attempt.History().has_exit) << "no end is made up";
    EXPECT_EQ("this attempt was launched before\n", attempt.Start("echo twice"));
    EXPECT_EQ(SUPERVISOR_EXIT_LAUNCHED, attempt.Wait());
    kill(daemon, SIGKILL);
}

TEST(SupervisorLaunch, IsRefusedWhenItCannotBeToldWhetherThereWasOne)
{
    for (const std::string &bytes :
         {std::string("garbage"), std::string("CJEVENT2"), std::string("CJEVENT1") + std::string(600, 'x')}) {
        Attempt attempt;
        attempt.Write(SUPERVISOR_FILE_EVENTS, bytes);
        EXPECT_EQ("this attempt was launched before\n", attempt.Start("echo twice > ran"));
        EXPECT_EQ(SUPERVISOR_EXIT_LAUNCHED, attempt.Wait());
        EXPECT_EQ(bytes, attempt.Read(SUPERVISOR_FILE_EVENTS)) << "kept for whoever looks into it";
        EXPECT_FALSE(attempt.Has("ran"));
    }
}

TEST(SupervisorLaunch, IsToldBeforeWhateverElseIsWrong)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit 0"));
    attempt.SetConf("nonsense");
    EXPECT_EQ("this attempt was launched before\n", attempt.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_LAUNCHED, attempt.Wait());
}

/* A first write that did not become whole was no launch: its supervisor never came to make a process. */
TEST(SupervisorLaunch, FollowsATornRecordOfOne)
{
    Attempt before;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, before.Run("exit 0"));
    std::string whole = before.Read(SUPERVISOR_FILE_EVENTS);
    for (size_t size : {size_t(0), size_t(5), size_t(8), size_t(12), size_t(16), size_t(30), size_t(70)}) {
        Attempt attempt;
        attempt.Write(SUPERVISOR_FILE_EVENTS, whole.substr(0, size));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit 4")) << size;
        EXPECT_EQ(4, attempt.Exit().exit_code) << size;
        EXPECT_EQ(3u, attempt.Events().size()) << size;
    }
}

/* ---- declared void ---------------------------------------------------------------------------------------------- */

TEST(SupervisorLaunch, IsRefusedWithoutALockFile)
{
    Attempt attempt;
    ASSERT_EQ(0, unlink(attempt.Path(SUPERVISOR_FILE_LOCK).c_str()));
    EXPECT_EQ("open lock: No such file or directory\n", attempt.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_VOID, attempt.Wait());
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_EVENTS));
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_LOCK)) << "it makes none";
}

TEST(SupervisorLaunch, IsRefusedWhenTheLockFileGoesBeforeTheLockIsTaken)
{
    if (!Tracer::IsAllowed()) {
        GTEST_SKIP() << "no process may be traced here";
    }
    Attempt attempt;
    StartOptions options;
    options.before_exec = Tracer::TraceMe;
    attempt.Spawn(options);
    Tracer tracer(attempt.pid());
    Call call;
    do {
        ASSERT_TRUE(tracer.Next(&call));
    } while (call.number != SYS_fcntl || call.args[1] != F_OFD_SETLK);
    ASSERT_EQ(0, unlink(attempt.Path(SUPERVISOR_FILE_LOCK).c_str()));
    tracer.Detach();
    EXPECT_EQ("the attempt was declared void\n", attempt.AwaitReady());
    EXPECT_EQ(SUPERVISOR_EXIT_VOID, attempt.Wait());
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_EVENTS));
}

/* ---- what is wrong is named ------------------------------------------------------------------------------------- */

TEST(SupervisorLaunch, NamesWhatIsWrongWithConf)
{
    struct {
        std::string conf, complaint;
    } const cases[] = {
        {"uid", "conf: \"uid\" is not key=value"},
        {"speed=1", "conf: no such key: speed"},
        {"uid=1\ngid=1\nuid=2", "conf: uid stands twice"},
        {"uid=1", "conf: uid and gid stand together, groups only with them"},
        {"gid=1", "conf: uid and gid stand together, groups only with them"},
        {"groups=1", "conf: uid and gid stand together, groups only with them"},
        {"user=", "conf: user has no right value"},
        {"user=root\nuid=0\ngid=0", "conf: user stands in place of uid and gid"},
        {"user=root\ngroups=1", "conf: uid and gid stand together, groups only with them"},
        {"uid=root\ngid=0", "conf: uid has no right value"},
        {"uid=-1\ngid=0", "conf: uid has no right value"},
        {"uid=4294967295\ngid=0", "conf: uid has no right value"},
        {"uid=0\ngid=", "conf: gid has no right value"},
        {"uid=1\ngid=1\ngroups=1,,2", "conf: groups has no right value"},
        {"uid=1\ngid=1\ngroups=1,", "conf: groups has no right value"},
        {"uid=1\ngid=1\ngroups=x", "conf: groups has no right value"},
        {"grace_ms=-5", "conf: grace_ms has no right value"},
        {"grace_ms=4294967296", "conf: grace_ms has no right value"},
        {"grace_ms= 5", "conf: grace_ms has no right value"},
        {"bind=relative:/mnt/nfs/x", "conf: bind has no right value"},
        {"bind=/a:/etc", "conf: bind has no right value"},
        {"bind=/a:/mnt/nfs/../x", "conf: bind has no right value"},
        {"log_bytes_max=1MB", "conf: log_bytes_max has no right value"},
        {"log_bytes_max=99999999999999999999999", "conf: log_bytes_max has no right value"},
        {"workdir=relative", "conf: workdir has no right value"},
        {"workdir=/" + std::string(5000, 'x'), "conf: workdir has no right value"},
        {"cgroup=maybe", "conf: cgroup has no right value"},
        {"no_new_privileges=1", "conf: no_new_privileges has no right value"},
        {"buckets_dir=", "conf: buckets_dir has no right value"},
        {std::string("cgroup=no\n\0uid=0", 16), "conf holds a NUL"},
        {std::string(70000, '#'), "conf is longer than 65536 bytes"},
    };
    for (const auto &one : cases) {
        Attempt attempt;
        attempt.SetConf(one.conf);
        EXPECT_EQ(one.complaint + "\n", attempt.Start("echo > ran")) << one.conf;
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
        EXPECT_FALSE(attempt.History().has_launch);
        EXPECT_FALSE(attempt.Has("ran"));
    }
}

TEST(SupervisorLaunch, TakesEmptyLinesAndCommentsInConf)
{
    Attempt attempt;
    attempt.SetConf("# of a server\n\ngrace_ms=1\n#uid=x\ncgroup=no");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("exit 3"));
    EXPECT_EQ(3, attempt.Exit().exit_code);
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_CGROUP));
}

TEST(SupervisorLaunch, NamesTheFileThatIsMissingOrHasNoForm)
{
    struct {
        const char *file, *bytes, *complaint;
        size_t size;
    } const cases[] = {
        {SUPERVISOR_FILE_CONF, nullptr, "open conf: No such file or directory", 0},
        {SUPERVISOR_FILE_ARGV, nullptr, "open argv: No such file or directory", 0},
        {SUPERVISOR_FILE_ENV, nullptr, "open env: No such file or directory", 0},
        {SUPERVISOR_FILE_ARGV, "", "argv is empty", 0},
        {SUPERVISOR_FILE_ARGV, "/bin/true", "argv does not end with a NUL", 9},
        {SUPERVISOR_FILE_ENV, "A=b\0C=d", "env does not end with a NUL", 7},
    };
    for (const auto &one : cases) {
        Attempt attempt;
        ASSERT_EQ(0, unlink(attempt.Path(one.file).c_str()));
        if (one.bytes) {
            attempt.Write(one.file, std::string(one.bytes, one.size));
        }
        EXPECT_EQ(std::string(one.complaint) + "\n", attempt.Start(StartOptions{}));
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
        EXPECT_FALSE(attempt.History().has_launch);
    }
}

/* A link that a job might have left leads nowhere. */
TEST(SupervisorLaunch, FollowsNoLinks)
{
    for (const char *file :
         {SUPERVISOR_FILE_EVENTS, SUPERVISOR_FILE_LOCK, SUPERVISOR_FILE_CONF, SUPERVISOR_FILE_ARGV}) {
        Attempt attempt;
        std::string path = attempt.Path(file), other = attempt.Path("other");
        (void)rename(path.c_str(), other.c_str());
        ASSERT_EQ(0, symlink(other.c_str(), path.c_str()));
        EXPECT_EQ("open " + std::string(file) + ": Too many levels of symbolic links\n", attempt.Start(StartOptions{}));
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
    }
}

TEST(SupervisorLaunch, DoesNotHappenWhenToldToEndBefore)
{
    for (int number : {SIGTERM, SIGINT}) {
        Attempt attempt;
        attempt.SetShell("echo > ran");
        StartOptions options;
        options.before_exec = [number] {
            sigset_t signals;
            sigemptyset(&signals);
            sigaddset(&signals, number);
            sigprocmask(SIG_BLOCK, &signals, nullptr);
            raise(number);
        };
        EXPECT_EQ("told to end before the launch\n", attempt.Start(options));
        EXPECT_EQ(SUPERVISOR_EXIT_FAILED, attempt.Wait());
        EXPECT_FALSE(attempt.History().has_launch);
        EXPECT_FALSE(attempt.Has("ran"));
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{})) << "and may happen later";
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    }
}

/* ---- a life of its own ------------------------------------------------------------------------------------------ */

TEST(SupervisorLaunch, OutlivesWhoeverStartedIt)
{
    ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    attempt.SetShell("echo up > up; read x < go; exit 8");
    pid_t starter = fork();
    if (starter == 0) {
        attempt.Spawn();
        for (;;) {
            pause();
        }
    }
    EXPECT_EQ("up", attempt.ReadFifo("up"));
    kill(starter, SIGKILL);
    ASSERT_EQ(starter, waitpid(starter, nullptr, 0));
    EXPECT_TRUE(IsLocked(attempt.dir()));
    Peer peer(attempt.dir());
    ASSERT_TRUE(peer.Subscribe());
    ASSERT_TRUE(peer.Await(SUPERVISOR_EVENT_RUN));
    attempt.WriteFifo("go");
    std::optional<supervisor_event> end = peer.Await(SUPERVISOR_EVENT_EXIT);
    ASSERT_TRUE(end);
    EXPECT_EQ(8, end->of.exit.exit_code);
    int status = -1;
    EXPECT_EQ(attempt.History().launch.of.launch.pid, waitpid(-1, &status, 0));
    EXPECT_EQ(0, status);
    ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 0));
}

/* Goal: nothing of the server stays behind in a supervisor: descriptors, session, working directory. */
TEST(SupervisorLaunch, LeavesTheServerBehind)
{
    Attempt attempt;
    attempt.MakeFifo("go");
    attempt.SetShell("read x < go");
    attempt.Write("leaked", "");
    StartOptions options;
    options.before_exec = [&attempt] {
        int fd = open(attempt.Path("leaked").c_str(), O_RDONLY);
        for (int other : {100, 101, 255, 500}) {
            dup2(fd, other);
        }
        setpgid(0, 0); /* as shells do: a group's leader may not make a session */
        if (chdir("/usr") != 0) {
            _exit(98);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    std::string proc = "/proc/" + std::to_string(attempt.pid());
    for (const auto &entry : std::filesystem::directory_iterator(proc + "/fd")) {
        std::error_code none;
        std::string file = std::filesystem::read_symlink(entry.path(), none).string();
        EXPECT_EQ(std::string::npos, file.find("leaked")) << entry.path();
    }
    EXPECT_EQ(attempt.pid(), getsid(attempt.pid()));
    EXPECT_EQ(std::filesystem::canonical(attempt.dir()), std::filesystem::read_symlink(proc + "/cwd"));
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
}

/* A socket's address takes 108 bytes; a path may be longer. */
TEST(SupervisorLaunch, IsPossibleHoweverLongThePathIs)
{
    Attempt attempt(std::string(200, 'a') + "/" + std::string(200, 'b') + "/" + std::string(250, 'c'));
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("read x < go"));
    Peer peer(attempt.dir());
    EXPECT_TRUE(peer.connected());
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
}

/* Its files are for the server's user alone, whatever umask the server has. */
TEST(SupervisorLaunch, MakesFilesForItsUserAlone)
{
    Attempt attempt;
    StartOptions options;
    options.before_exec = [] { umask(0); };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    for (const char *file :
         {SUPERVISOR_FILE_EVENTS, SUPERVISOR_FILE_SOCK, SUPERVISOR_FILE_STDOUT, SUPERVISOR_FILE_STDERR}) {
        struct stat status = {};
        ASSERT_EQ(0, stat(attempt.Path(file).c_str(), &status)) << file;
        EXPECT_EQ(0u, status.st_mode & 077) << file;
    }
}

} // namespace
