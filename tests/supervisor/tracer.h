/* tracer: stops a supervisor at its system calls, to see their order and to end it between any two of them. */
#ifndef TESTS_SUPERVISOR_TRACER_H_
#define TESTS_SUPERVISOR_TRACER_H_

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace supervisor_test {

struct Call {
    long number;
    uint64_t args[6];
    std::string file; /* what descriptor args[0] is, for calls that take one; else meaningless */
    bool makes_process;
};

class Tracer {
  public:
    /* Where processes may not be traced, tests that need it are skipped. */
    static bool IsAllowed();
    /* For StartOptions::before_exec. */
    static void TraceMe();

    /* pid has been spawned with TraceMe. */
    explicit Tracer(pid_t pid);
    /* Runs to the entry of the next call; false when the process has ended, still to be waited for. */
    bool Next(Call *ret_call);
    void Detach();

  private:
    pid_t pid_;
    int signal_ = 0;
};

} /* namespace supervisor_test */

#endif /* TESTS_SUPERVISOR_TRACER_H_ */
