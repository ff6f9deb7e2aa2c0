/* customjob-supervisor: stands beside one replica, outlives the server, and writes down what happened.
 *
 * usage: customjob-supervisor DIR [READYFD]
 * DIR is an attempt directory (supervisor_wire.h). READYFD is told when the launch is on disk, or why there is none.
 * SIGTERM and SIGINT mean a stop with the grace of conf, so that it can be the first process of a container or of a
 * cluster's job step.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "supervisor/clock.h"
#include "supervisor/setup.h"
#include "supervisor/supervisor_wire.h"

#define RETRY_MS_FIRST 2
#define RETRY_MS_MAX 500
/* The end of a job that cannot be written down is tried so long. */
#define WRITE_RETRY_MS 1000
#define WRITE_TRIES_MAX 600

enum watched { WATCH_SIGNAL, WATCH_GRACE, WATCH_REPORT, WATCH_OUT, WATCH_ERR, WATCH_LISTEN, WATCH_PEERS };

static struct supervisor supervisor; /* large: the buffers of the logs */

static void ask_stop(uint32_t grace_ms)
{
    if (!supervisor.stopped)
        supervisor.grace_ms = grace_ms;
    supervisor_handle(&supervisor, HAPPENED_STOP);
}

static void take_report(void)
{
    bool runs = child_runs(supervisor.child.report_fd, &supervisor.failure);
    close(supervisor.child.report_fd);
    supervisor.child.report_fd = -1;
    supervisor_handle(&supervisor, runs ? HAPPENED_EXEC : HAPPENED_EXEC_FAILED);
}

static void take_signals(void)
{
    struct signalfd_siginfo info;
    while (read(supervisor.signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGCHLD)
            ask_stop(supervisor.conf.grace_ms);
    }
}

static void take_grace(void)
{
    uint64_t expirations;
    if (read(supervisor.grace_timer_fd, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
        supervisor_handle(&supervisor, HAPPENED_GRACE_OVER);
}

static void take_deaths(void)
{
    if (tree_reap(&supervisor.tree, supervisor.child.pid, &supervisor.main_status)) {
        if (supervisor.child.report_fd >= 0)
            take_report(); /* its writing end is closed for sure */
        supervisor_handle(&supervisor, HAPPENED_MAIN_EXITED);
    }
    bool clearing = supervisor.state == STATE_CLEARING || supervisor.state == STATE_FAILING;
    if (clearing && tree_is_empty(&supervisor.tree))
        supervisor_handle(&supervisor, HAPPENED_TREE_EMPTY);
    else if (clearing || supervisor.state == STATE_KILLING)
        tree_kill(&supervisor.tree);
}

static int min_timeout(int left_ms, int right_ms)
{
    if (left_ms < 0 || right_ms < 0)
        return left_ms < 0 ? right_ms : left_ms;
    return left_ms < right_ms ? left_ms : right_ms;
}

/* Returns how long to wait at most. */
static int watch(struct pollfd *polls, int timeout_ms)
{
    polls[WATCH_SIGNAL].fd = supervisor.signal_fd;
    polls[WATCH_GRACE].fd = supervisor.grace_timer_fd;
    polls[WATCH_REPORT].fd = supervisor.child.report_fd;
    polls[WATCH_OUT].fd = logs_watch(&supervisor.logs.streams[0], &timeout_ms);
    polls[WATCH_ERR].fd = logs_watch(&supervisor.logs.streams[1], &timeout_ms);
    polls[WATCH_LISTEN].fd = supervisor.link.listen_fd;
    for (int i = 0; i < LINK_PEERS_MAX; i++)
        polls[WATCH_PEERS + i].fd = supervisor.link.peers[i].fd;
    for (int i = 0; i < WATCH_PEERS + LINK_PEERS_MAX; i++)
        polls[i].events = POLLIN;
    return timeout_ms;
}

static void take_requests(const struct pollfd *polls)
{
    for (int i = 0; i < LINK_PEERS_MAX; i++) {
        uint32_t grace_ms;
        if (polls[WATCH_PEERS + i].revents && link_read(&supervisor.link.peers[i], &supervisor.events, &grace_ms))
            ask_stop(grace_ms);
    }
    if (polls[WATCH_LISTEN].revents)
        link_accept(&supervisor.link);
}

/* One turn: wait, then take what there is. Deaths are looked for in every turn. */
static void turn(int timeout_ms)
{
    struct pollfd polls[WATCH_PEERS + LINK_PEERS_MAX];
    memset(polls, 0, sizeof polls);
    int wait_ms = watch(polls, timeout_ms);
    int ready = poll(polls, WATCH_PEERS + LINK_PEERS_MAX, wait_ms);
    if (ready < 0)
        return; /* EINTR or no memory for a moment: the next turn tries again */
    if (polls[WATCH_REPORT].revents)
        take_report();
    if (polls[WATCH_SIGNAL].revents)
        take_signals();
    if (polls[WATCH_GRACE].revents)
        take_grace();
    for (int i = 0; i < 2; i++) {
        if (polls[WATCH_OUT + i].revents)
            logs_read(&supervisor.logs.streams[i]);
    }
    take_requests(polls);
    take_deaths();
    (void)events_flush(&supervisor.events);
    if (supervisor.state != STATE_ENDED)
        link_tell(&supervisor.link, &supervisor.events); /* the end is told when it is synced */
}

static void run(void)
{
    int retry_ms = RETRY_MS_FIRST;
    while (supervisor.state != STATE_ENDED) {
        bool ending = supervisor.state == STATE_KILLING || supervisor.state == STATE_CLEARING ||
                      supervisor.state == STATE_FAILING;
        turn(min_timeout(logs_show_partial(&supervisor.logs), ending ? retry_ms : -1));
        if (ending && retry_ms < RETRY_MS_MAX)
            retry_ms *= 2;
    }
}

/* The end goes to disk before anybody is told, the server's next start included. */
static int finish(void)
{
    struct failure ignored;
    for (int tries = 0; !events_flush(&supervisor.events); tries++) {
        if (tries == WRITE_TRIES_MAX)
            return SUPERVISOR_EXIT_IO;
        (void)poll(NULL, 0, WRITE_RETRY_MS);
    }
    if (events_sync(&supervisor.events, -1, &ignored) != 0) {
        /* The file still reads right unless the host goes down, and nothing better can be done here. */
    }
    link_tell(&supervisor.link, &supervisor.events);
    return SUPERVISOR_EXIT_OK;
}

static void report_failure(int ready_fd, const struct failure *failure)
{
    char text[256];
    bool has_errno = failure->error_number != 0;
    int size = snprintf(text, sizeof text, "%s%s%s\n", failure->what, has_errno ? ": " : "",
                        has_errno ? strerrordesc_np(failure->error_number) : "");
    if (ready_fd >= 0 && size > 0 && write(ready_fd, text, (size_t)size) < 0) {
        /* The exit code remains. */
    }
}

int main(int argc, char **argv)
{
    int ready_fd = -1;
    struct failure failure = {0};
    if (argc < 2 || argc > 3) {
        (void)fprintf(stderr, "usage: customjob-supervisor DIR [READYFD]\n");
        return SUPERVISOR_EXIT_USAGE;
    }
    if (argc == 3) {
        char *end;
        long number = strtol(argv[2], &end, 10);
        if (*argv[2] == '\0' || *end != '\0' || number < 3 || number > 65535) {
            (void)fprintf(stderr, "customjob-supervisor: READYFD is a descriptor from 3 on, not \"%s\"\n", argv[2]);
            return SUPERVISOR_EXIT_USAGE;
        }
        ready_fd = (int)number;
    }
    int code = setup_process(&ready_fd, &failure);
    if (code == SUPERVISOR_EXIT_OK)
        code = setup_replica(&supervisor, argv[1], ready_fd, &failure);
    if (code != SUPERVISOR_EXIT_OK) {
        report_failure(ready_fd, &failure);
        return code;
    }
    run();
    return finish();
}
