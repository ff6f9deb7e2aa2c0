/* What the replica's process finds when it starts: nothing of the server's, all that it was promised. */
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "attempt.h"

using namespace supervisor_test;

namespace {

using Kinds = std::vector<supervisor_event_kind>;

constexpr unsigned kNobody = 65534;
const std::string kAsNobody = "uid=65534\ngid=65534\n";

/* Of /proc/self/status as the process printed it. */
std::map<std::string, std::string> StatusOf(const std::string &output)
{
    std::map<std::string, std::string> fields;
    for (const std::string &line : Split(output, '\n')) {
        size_t colon = line.find(':'), value = line.find_first_not_of(" \t", colon + 1);
        if (colon != line.npos) {
            fields[line.substr(0, colon)] = value == line.npos ? "" : line.substr(value);
        }
    }
    return fields;
}

/* From now on these system calls answer so, in this process and all that come of it. */
void FilterCalls(const std::vector<std::pair<unsigned, unsigned>> &number_errnos)
{
    std::vector<sock_filter> program = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
    for (const auto &[number, error] : number_errnos) {
        program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
        program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
    }
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    sock_fprog all = {static_cast<unsigned short>(program.size()), program.data()};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0) {
        _exit(97);
    }
}

/* ---- descriptors ------------------------------------------------------------------------------------------------ */

TEST(SupervisorReplica, FindsThreeDescriptorsAndNoOther)
{
    Attempt attempt;
    attempt.SetArgv({"/bin/ls", "/proc/self/fd"});
    StartOptions options;
    options.before_exec = [] {
        for (int fd : {100, 101, 255, 500}) {
            dup2(0, fd);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("0\n1\n2\n3\n", attempt.Output()) << "3 is the folder that ls reads";
}

/* Also when the server had closed some of its standard descriptors. */
TEST(SupervisorReplica, ReadsNothingAndWritesToItsLogs)
{
    for (int closed = 0; closed < 8; closed++) {
        Attempt attempt;
        attempt.SetShell("readlink /proc/self/fd/0; wc -c; echo error >&2");
        StartOptions options;
        options.before_exec = [closed] {
            for (int fd = 0; fd <= 2; fd++) {
                if (closed & 1 << fd) {
                    close(fd);
                }
            }
        };
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ("/dev/null\n0\n", attempt.Output()) << closed;
        EXPECT_EQ("error\n", attempt.Output(SUPERVISOR_FILE_STDERR)) << closed;
    }
}

/* ---- signals ---------------------------------------------------------------------------------------------------- */

/* Goal: what a server ignores and blocks is neither ignored nor blocked in a job, and does not keep the exit code from
 * its supervisor. Method: a server that ignores and blocks everything there is. */
TEST(SupervisorReplica, FindsEverySignalAtItsDefault)
{
    Attempt attempt;
    attempt.SetArgv({"/bin/cat", "/proc/self/status"});
    StartOptions options;
    options.before_exec = [] {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, nullptr);
        const unsigned long ignore[4] = {1, 0, 0, 0}; /* asked of the kernel: libc keeps 32 and 33 to itself */
        for (int number = 1; number < 65; number++) {
            syscall(SYS_rt_sigaction, number, ignore, nullptr, 8);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    std::map<std::string, std::string> status = StatusOf(attempt.Output());
    for (const char *set : {"SigBlk", "SigIgn", "SigPnd", "ShdPnd"}) {
        EXPECT_EQ("0000000000000000", status[set]) << set;
    }
    EXPECT_EQ(0, attempt.Exit().exit_code);
}

TEST(SupervisorReplica, KeepsItsExitCodeUnderAServerThatIgnoresItsChildren)
{
    Attempt attempt;
    attempt.SetShell("exit 7");
    StartOptions options;
    options.before_exec = [] { signal(SIGCHLD, SIG_IGN); };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(7, attempt.Exit().exit_code);
}

TEST(SupervisorReplica, EndsPipelinesUnderAServerThatIgnoresBrokenPipes)
{
    Attempt attempt;
    attempt.SetShell("yes | head -n 1; echo done");
    StartOptions options;
    options.before_exec = [] { signal(SIGPIPE, SIG_IGN); };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("y\ndone\n", attempt.Output());
    EXPECT_EQ("", attempt.Output(SUPERVISOR_FILE_STDERR)) << "no complaint of yes";
}

/* ---- session, masks, privileges --------------------------------------------------------------------------------- */

TEST(SupervisorReplica, LeadsASessionWithoutATerminal)
{
    Attempt attempt;
    attempt.SetArgv({"/bin/cat", "/proc/self/stat"});
    Fd terminal(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ASSERT_GE(terminal.get(), 0);
    ASSERT_EQ(0, grantpt(terminal.get()));
    ASSERT_EQ(0, unlockpt(terminal.get()));
    std::string name = ptsname(terminal.get());
    StartOptions options;
    options.before_exec = [&name] {
        setsid();
        int fd = open(name.c_str(), O_RDWR);
        if (ioctl(fd, TIOCSCTTY, 0) != 0) {
            _exit(98);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    pid_t supervisor = attempt.pid();
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    std::vector<std::string> fields = Split(attempt.Output(), ' ');
    ASSERT_GT(fields.size(), 7u);
    EXPECT_EQ(std::to_string(supervisor), fields[3]) << "its parent";
    EXPECT_EQ(fields[0], fields[4]) << "leads a group";
    EXPECT_EQ(fields[0], fields[5]) << "leads a session";
    EXPECT_EQ("0", fields[6]) << "no terminal";
}

TEST(SupervisorReplica, HasAPlainUmaskAndNoWayToMorePrivileges)
{
    Attempt attempt;
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("umask; cat /proc/self/status"));
    EXPECT_EQ("0022\n", attempt.Output().substr(0, 5));
    EXPECT_EQ("1", StatusOf(attempt.Output())["NoNewPrivs"]);
    Attempt other;
    other.SetConf("no_new_privileges=no\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, other.Run("cat /proc/self/status"));
    EXPECT_EQ(ProcStatus(getpid(), "NoNewPrivs"), StatusOf(other.Output())["NoNewPrivs"]);
}

TEST(SupervisorReplica, RunsAsTheUserOfConf)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can change users";
    }
    for (bool groups : {false, true}) {
        Attempt attempt;
        ASSERT_EQ(0, chmod(attempt.dir().c_str(), 0711));
        attempt.SetConf(kAsNobody + (groups ? "groups=12,34\n" : ""));
        StartOptions options;
        options.before_exec = [] {
            gid_t of_the_server[] = {0, 4, 27};
            setgroups(3, of_the_server);
        };
        attempt.SetShell("echo out > /dev/stdout; echo err > /dev/stderr; cat /proc/self/status; cat lock");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        std::map<std::string, std::string> status = StatusOf(attempt.Output());
        EXPECT_EQ("65534\t65534\t65534\t65534", status["Uid"]);
        EXPECT_EQ("65534\t65534\t65534\t65534", status["Gid"]);
        EXPECT_EQ(groups ? "12 34 " : "", status["Groups"]) << "none of the server's";
        for (const char *set : {"CapPrm", "CapEff", "CapAmb"}) {
            EXPECT_EQ("0000000000000000", status[set]) << set;
        }
        EXPECT_EQ("out\n", attempt.Output().substr(0, 4)) << "the pipe can be opened anew by its user";
        EXPECT_EQ("err\n", attempt.Output(SUPERVISOR_FILE_STDERR).substr(0, 4));
    }
}

/* Killed with its supervisor, though a change of user clears what was asked for before it. */
TEST(SupervisorReplica, DiesWithItsSupervisorAsAnotherUserToo)
{
    for (bool nobody : {false, true}) {
        if (nobody && geteuid() != 0) {
            continue;
        }
        Attempt attempt;
        ASSERT_EQ(0, chmod(attempt.dir().c_str(), 0711));
        attempt.MakeFifo("up");
        attempt.SetConf(nobody ? kAsNobody : "");
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("echo $$ > up; exec sleep 1000"));
        pid_t main = atoi(attempt.ReadFifo("up").c_str());
        EXPECT_TRUE(IsAlive(main));
        attempt.KillSupervisor();
        AwaitDeath(main);
        EXPECT_FALSE(IsAlive(main));
    }
}

/* The root directory of a container is this host's own, here. */
TEST(SupervisorReplica, FindsTheUserThatAnImageNames)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can change users";
    }
    struct {
        std::string user, uid, gid, home;
    } const cases[] = {{"nobody", "65534", "65534", "/nonexistent"},
                       {"65534", "65534", "65534", "/nonexistent"},
                       {"daemon:tty", "1", "5", "/usr/sbin"},
                       {"1:7", "1", "7", "/usr/sbin"},
                       {"54321", "54321", "0", "/"},
                       {"54321:54321", "54321", "54321", "/"},
                       {"root", "0", "0", "/root"}};
    for (const auto &wanted : cases) {
        Attempt attempt;
        ASSERT_EQ(0, chmod(attempt.dir().c_str(), 0711));
        attempt.SetConf("user=" + wanted.user);
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("cat /proc/self/status; echo \"Home:\t$HOME\""));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        std::map<std::string, std::string> status = StatusOf(attempt.Output());
        EXPECT_EQ(wanted.uid, status["Uid"].substr(0, status["Uid"].find('\t'))) << wanted.user;
        EXPECT_EQ(wanted.gid, status["Gid"].substr(0, status["Gid"].find('\t'))) << wanted.user;
        EXPECT_EQ(wanted.home, status["Home"]) << wanted.user;
    }
}

TEST(SupervisorReplica, NamesAUserThatTheImageDoesNotHave)
{
    const std::pair<std::string, std::string> cases[] = {
        {"no-such", "the image has no user no-such in its /etc/passwd"},
        {"root:no-such", "the image has no group no-such in its /etc/group"},
        {"4294967295", "the image has no user 4294967295 in its /etc/passwd"}};
    for (const auto &[user, complaint] : cases) {
        Attempt attempt;
        attempt.SetConf("user=" + user);
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start("true"));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ(complaint, attempt.History().exec_failed.of.exec_failed.what);
    }
}

/* Everything but groups and control groups works for a server that is not root. */
TEST(SupervisorReplica, RunsUnderASupervisorThatIsNotRoot)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "the other tests show it";
    }
    Attempt attempt("below");
    std::string program = attempt.Path("program");
    std::filesystem::copy_file(ProgramPath(), program);
    std::filesystem::path root = std::filesystem::path(attempt.dir()).parent_path();
    ASSERT_EQ(0, chmod(root.c_str(), 0755));
    for (const auto &entry : std::filesystem::directory_iterator(attempt.dir())) {
        ASSERT_EQ(0, chown(entry.path().c_str(), kNobody, kNobody));
    }
    ASSERT_EQ(0, chown(attempt.dir().c_str(), kNobody, kNobody));
    attempt.SetShell("(setsid sleep 1000 &); cat /proc/self/status; exit 9");
    StartOptions options;
    options.program = program;
    options.before_exec = [] {
        if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
            setresuid(kNobody, kNobody, kNobody) != 0) {
            _exit(98);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ(9, attempt.Exit().exit_code);
    EXPECT_EQ("65534\t65534\t65534\t65534", StatusOf(attempt.Output())["Uid"]);
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_CGROUP)) << "none was made, and none is named";
}

/* A server that may bind low ports by an ambient capability does not hand that to its jobs. */
TEST(SupervisorReplica, InheritsNoAmbientCapability)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can give capabilities";
    }
    Attempt attempt("below");
    std::string program = attempt.Path("program");
    std::filesystem::copy_file(ProgramPath(), program);
    ASSERT_EQ(0, chmod(std::filesystem::path(attempt.dir()).parent_path().c_str(), 0755));
    for (const auto &entry : std::filesystem::directory_iterator(attempt.dir())) {
        ASSERT_EQ(0, chown(entry.path().c_str(), kNobody, kNobody));
    }
    ASSERT_EQ(0, chown(attempt.dir().c_str(), kNobody, kNobody));
    attempt.SetArgv({"/bin/cat", "/proc/self/status"});
    StartOptions options;
    options.program = program;
    options.before_exec = [] {
        constexpr unsigned kBindLowPorts = 1u << CAP_NET_BIND_SERVICE;
        __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2] = {{kBindLowPorts, kBindLowPorts, kBindLowPorts}, {0, 0, 0}};
        if (prctl(PR_SET_KEEPCAPS, 1) != 0 || setresuid(kNobody, kNobody, kNobody) != 0 ||
            syscall(SYS_capset, &head, data) != 0 ||
            prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_BIND_SERVICE, 0, 0) != 0) {
            _exit(98);
        }
    };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    std::map<std::string, std::string> status = StatusOf(attempt.Output());
    EXPECT_EQ("0000000000000000", status["CapAmb"]);
    EXPECT_EQ("0000000000000000", status["CapEff"]);
}

/* ---- arguments, environment, folders ---------------------------------------------------------------------------- */

TEST(SupervisorReplica, GetsArgumentsAndEnvironmentByteByByte)
{
    Attempt attempt;
    std::vector<std::string> argv = {"/bin/sh",
                                     "-c",
                                     "cat /proc/$$/cmdline /proc/$$/environ",
                                     "",
                                     "a b\t\"'$x`",
                                     "line\nline",
                                     "\xff\xfe\x01",
                                     "=",
                                     std::string(100000, 'x')};
    std::vector<std::string> env = {"PATH=/usr/bin:/bin", "EMPTY=", "=odd", "NO_EQUALS", "TWO=a\nb", "TWO=twice",
                                    "BYTES=\xff\x80\x01"};
    attempt.SetArgv(argv);
    attempt.SetEnv(env);
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    std::string expected = attempt.Read(SUPERVISOR_FILE_ARGV) + attempt.Read(SUPERVISOR_FILE_ENV) + "\n";
    EXPECT_EQ(expected, attempt.Output());
}

TEST(SupervisorReplica, HasNothingOfTheServersEnvironment)
{
    Attempt attempt;
    attempt.SetArgv({"/usr/bin/env"});
    attempt.SetEnv({});
    StartOptions options;
    options.before_exec = [] { setenv("SECRET_OF_THE_SERVER", "1", 1); };
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("", attempt.Output());
}

TEST(SupervisorReplica, StandsInItsAttemptDirectoryOrWhereConfSays)
{
    Attempt attempt;
    attempt.SetEnv({"PATH=/usr/bin:/bin", "HOME=/somewhere"});
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("pwd -P; echo $HOME"));
    EXPECT_EQ(std::filesystem::canonical(attempt.dir()).string() + "\n/somewhere\n", attempt.Output());
    Attempt other;
    other.SetConf("workdir=/usr/lib\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, other.Run("pwd -P"));
    EXPECT_EQ("/usr/lib\n", other.Output());
}

TEST(SupervisorReplica, SeesTheBucketsUnderGcsAndNobodyElseDoes)
{
    std::error_code none;
    bool was_there = std::filesystem::exists("/gcs", none);
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can mount";
    }
    Attempt attempt;
    ASSERT_EQ(0, mkdir(attempt.Path("buckets").c_str(), 0755));
    ASSERT_EQ(0, mkdir(attempt.Path("buckets/data").c_str(), 0755));
    attempt.SetConf("buckets_dir=" + attempt.Path("buckets") + "\n");
    int code = attempt.Run("echo model > /gcs/data/model; ls /gcs");
    if (attempt.History().has_exec_failed) {
        GTEST_SKIP() << attempt.History().exec_failed.of.exec_failed.what;
    }
    EXPECT_EQ(SUPERVISOR_EXIT_OK, code);
    EXPECT_EQ("data\n", attempt.Output());
    EXPECT_EQ("model\n", attempt.Read("buckets/data/model"));
    EXPECT_FALSE(std::filesystem::exists("/gcs/data/model", none));
    if (!was_there) {
        rmdir("/gcs");
    }
}

/* ---- exec ------------------------------------------------------------------------------------------------------- */

void WriteScript(Attempt &attempt, const std::string &name, const std::string &text, mode_t mode)
{
    attempt.Write(name, text);
    ASSERT_EQ(0, chmod(attempt.Path(name).c_str(), mode));
}

TEST(SupervisorReplica, IsLookedUpInThePathOfItsOwnEnvironment)
{
    Attempt attempt;
    ASSERT_EQ(0, mkdir(attempt.Path("first").c_str(), 0755));
    ASSERT_EQ(0, mkdir(attempt.Path("second").c_str(), 0755));
    ASSERT_EQ(0, mkdir(attempt.Path("third").c_str(), 0755));
    WriteScript(attempt, "first/other", "#!/bin/sh\necho wrong\n", 0755);
    WriteScript(attempt, "second/program", "#!/bin/sh\necho second $*\n", 0755);
    WriteScript(attempt, "third/program", "#!/bin/sh\necho third\n", 0755);
    attempt.SetArgv({"program", "argument"});
    attempt.SetEnv({"PATH=/no/such/folder:" + attempt.Path("lock") + ":first:second:third"});
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_EQ("second argument\n", attempt.Output());

    Attempt here;
    WriteScript(here, "program", "#!/bin/sh\necho here\n", 0755);
    here.SetArgv({"program"});
    here.SetEnv({"PATH=/no/such/folder:"});
    EXPECT_EQ(SUPERVISOR_READY, here.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, here.Wait());
    EXPECT_EQ("here\n", here.Output()) << "an empty part is the working directory";

    Attempt plain;
    plain.SetArgv({"echo", "plain"});
    plain.SetEnv({});
    EXPECT_EQ(SUPERVISOR_READY, plain.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, plain.Wait());
    EXPECT_EQ("plain\n", plain.Output()) << "without a PATH there is a plain one";
}

/* The step, what it was done to and errno; and that attempt is over. */
TEST(SupervisorReplica, TellsWhyItsProgramCannotBeRun)
{
    struct {
        std::vector<std::string> argv;
        std::string conf;
        int error_number;
        std::string what;
    } const cases[] = {
        {{"/no/such/program"}, "", ENOENT, "execve /no/such/program"},
        {{"no-such-program"}, "", ENOENT, "execve no-such-program"},
        {{""}, "", ENOENT, "execve "},
        {{"./lock"}, "", EACCES, "execve ./lock"},
        {{"/usr"}, "", EACCES, "execve /usr"},
        {{"./noise"}, "", ENOEXEC, "execve ./noise"},
        {{"./orphan"}, "", ENOENT, "execve ./orphan"},
        {{"denied"}, "", EACCES, "execve denied"},
        {{"/bin/true"}, "workdir=/no/such/folder\n", ENOENT, "enter /no/such/folder"},
        {{"/bin/true", std::string(200000, 'x')}, "", E2BIG, "execve /bin/true"},
        {{"/" + std::string(300, 'x')}, "", ENAMETOOLONG, ("execve /" + std::string(300, 'x')).substr(0, 127)},
    };
    for (const auto &one : cases) {
        Attempt attempt;
        WriteScript(attempt, "noise", "no program", 0755);
        WriteScript(attempt, "orphan", "#!/no/such/shell\n", 0755);
        WriteScript(attempt, "denied", "#!/bin/sh\n", 0644);
        attempt.SetEnv({"PATH=/bin:" + attempt.dir() + ":/usr/bin"});
        attempt.SetArgv(one.argv);
        attempt.SetConf(one.conf);
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{})) << "the launch came first";
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ((Kinds{SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_EXEC_FAILED}), attempt.Kinds());
        EXPECT_EQ(one.what, attempt.History().exec_failed.of.exec_failed.what);
        EXPECT_EQ(one.error_number, attempt.History().exec_failed.of.exec_failed.error_number) << one.what;
        EXPECT_EQ("this attempt was launched before\n", attempt.Start(StartOptions{}));
        EXPECT_EQ(SUPERVISOR_EXIT_LAUNCHED, attempt.Wait());
    }
}

TEST(SupervisorReplica, TellsThatItsUserCouldNotBeTaken)
{
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root can change users";
    }
    Attempt attempt;
    attempt.SetConf(kAsNobody);
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start(StartOptions{}));
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_STREQ("enter the attempt directory", attempt.History().exec_failed.of.exec_failed.what)
        << "which is root's alone here";
    EXPECT_EQ(EACCES, attempt.History().exec_failed.of.exec_failed.error_number);
}

/* ---- mounts ---- */

TEST(SupervisorReplica, SeesWhatStandsForNfsAndLustreAtPlacesOfItsOwn)
{
    Attempt attempt;
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root may mount";
    }
    std::filesystem::create_directory(attempt.Path("data"));
    std::ofstream(attempt.Path("data/file")) << "shared\n";
    attempt.SetConf("bind=" + attempt.Path("data") + ":/mnt/nfs/set\nbind=" + attempt.Path("data") +
                    ":/mnt/lustre/other\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("cat /mnt/nfs/set/file /mnt/lustre/other/file; ls /mnt/nfs; "
                                              "echo new > /mnt/nfs/set/new"));
    EXPECT_EQ(0, attempt.Exit().exit_code);
    EXPECT_EQ("shared\nshared\nset\n", attempt.Output());
    EXPECT_EQ("new\n", attempt.Read("data/new"));
    EXPECT_FALSE(std::filesystem::exists("/mnt/nfs/set")) << "nobody else sees it";
}

TEST(SupervisorReplica, IsNotMadeWhenADirectoryCannotBeMounted)
{
    Attempt attempt;
    if (geteuid() != 0) {
        GTEST_SKIP() << "only root may mount";
    }
    attempt.SetConf("bind=/no/such/directory:/mnt/nfs/set\n");
    attempt.Run("exit 0");
    EXPECT_TRUE(attempt.History().has_exec_failed);
    EXPECT_STREQ("bind /no/such/directory to /mnt/nfs/set", attempt.History().exec_failed.of.exec_failed.what);
}

/* ---- control group ---------------------------------------------------------------------------------------------- */

std::string GroupOf(const std::string &proc_cgroup)
{
    for (const std::string &line : Split(proc_cgroup, '\n')) {
        if (line.rfind("0::", 0) == 0) {
            return line.substr(3);
        }
    }
    return "";
}

TEST(SupervisorReplica, HasAControlGroupOfItsOwnWhereThatCanBe)
{
    Attempt attempt;
    attempt.MakeFifo("up");
    attempt.MakeFifo("go");
    EXPECT_EQ(SUPERVISOR_READY, attempt.Start("cat /proc/self/cgroup > up; read x < go"));
    std::string group = GroupOf(attempt.ReadFifo("up") + "\n"), path = attempt.Group();
    if (path.empty()) {
        attempt.WriteFifo("go");
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        GTEST_SKIP() << "none can be made here";
    }
    EXPECT_NE(std::string::npos, group.find("/customjob-")) << group;
    EXPECT_EQ(group.substr(group.rfind('/')), path.substr(path.rfind('/')));
    EXPECT_EQ(std::to_string(attempt.MainPid()) + "\n", ReadFile(path + "/cgroup.procs"))
        << "the process, and not its supervisor";
    attempt.WriteFifo("go");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
    EXPECT_FALSE(std::filesystem::exists(path)) << "it goes with the job";
}

TEST(SupervisorReplica, HasNoControlGroupWhenConfSaysNo)
{
    Attempt attempt;
    attempt.SetConf("cgroup=no\n");
    EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Run("cat /proc/self/cgroup"));
    EXPECT_EQ(std::string::npos, attempt.Output().find("customjob-"));
    EXPECT_FALSE(attempt.Has(SUPERVISOR_FILE_CGROUP));
}

/* Goal: filters of system calls, such as Docker's, cost nothing but speed. Method: clone3 answers as Docker 20.10 lets
 * it, close_range as older filters do. */
TEST(SupervisorReplica, RunsWhereNewSystemCallsAreRefused)
{
    for (unsigned error : {unsigned(ENOSYS), unsigned(EPERM)}) {
        Attempt attempt;
        attempt.SetShell("ls /proc/self/fd; cat /proc/self/cgroup; exit 5");
        StartOptions options;
        options.before_exec = [error] {
            for (int fd : {100, 101, 500}) {
                dup2(0, fd);
            }
            FilterCalls({{SYS_clone3, error}, {SYS_close_range, error}});
        };
        EXPECT_EQ(SUPERVISOR_READY, attempt.Start(options));
        EXPECT_EQ(SUPERVISOR_EXIT_OK, attempt.Wait());
        EXPECT_EQ((Kinds{SUPERVISOR_EVENT_LAUNCH, SUPERVISOR_EVENT_RUN, SUPERVISOR_EVENT_EXIT}), attempt.Kinds());
        EXPECT_EQ(5, attempt.Exit().exit_code);
        EXPECT_EQ("0\n1\n2\n3\n", attempt.Output().substr(0, 8));
        if (attempt.Has(SUPERVISOR_FILE_CGROUP)) {
            EXPECT_NE(std::string::npos, attempt.Output().find("/customjob-")) << "it joins by itself";
        }
    }
}

} // namespace
