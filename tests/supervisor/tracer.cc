#include "tracer.h"

#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace supervisor_test {

bool Tracer::IsAllowed()
{
    pid_t pid = fork();
    if (pid == 0) {
        _exit(ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
    }
    int status = 1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

void Tracer::TraceMe()
{
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    raise(SIGSTOP);
}

Tracer::Tracer(pid_t pid) : pid_(pid)
{
    int status;
    waitpid(pid_, &status, 0);
    ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL);
}

/* Threads are made by the same calls; only a runtime's helper would be one. */
static bool MakesProcess(pid_t pid, const __ptrace_syscall_info &info)
{
    long number = long(info.entry.nr);
    uint64_t flags = 0;
    if (number == SYS_clone) {
        flags = info.entry.args[0];
    } else if (number == SYS_clone3) {
        flags = uint64_t(ptrace(PTRACE_PEEKDATA, pid, info.entry.args[0], nullptr));
    } else {
#ifdef SYS_fork
        return number == SYS_fork || number == SYS_vfork;
#else
        return false;
#endif
    }
    return (flags & CLONE_THREAD) == 0;
}

bool Tracer::Next(Call *ret_call)
{
    for (;;) {
        ptrace(PTRACE_SYSCALL, pid_, nullptr, signal_);
        signal_ = 0;
        siginfo_t peek = {};
        if (waitid(P_PID, id_t(pid_), &peek, WEXITED | WSTOPPED | WNOWAIT) != 0 || peek.si_code == CLD_EXITED ||
            peek.si_code == CLD_KILLED || peek.si_code == CLD_DUMPED) {
            return false;
        }
        int status;
        waitpid(pid_, &status, 0);
        if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
            signal_ = status >> 16 ? 0 : WSTOPSIG(status);
            continue;
        }
        __ptrace_syscall_info info = {};
        ptrace(static_cast<__ptrace_request>(PTRACE_GET_SYSCALL_INFO), pid_, sizeof info, &info);
        if (info.op != PTRACE_SYSCALL_INFO_ENTRY) {
            continue;
        }
        ret_call->number = long(info.entry.nr);
        for (int i = 0; i < 6; i++) {
            ret_call->args[i] = info.entry.args[i];
        }
        std::error_code none;
        std::string link = "/proc/" + std::to_string(pid_) + "/fd/" + std::to_string(int(info.entry.args[0]));
        ret_call->file = std::filesystem::read_symlink(link, none).string();
        ret_call->makes_process = MakesProcess(pid_, info);
        return true;
    }
}

void Tracer::Detach()
{
    ptrace(PTRACE_DETACH, pid_, nullptr, signal_);
}

} // namespace supervisor_test
