/* controller_state: the controller from within; what one turn decides, and what is done about it once that is durable.
 *
 * Used by   the files of the controller, and by nobody else: controller.c (life, thread), controller_turn.c (the turn),
 *           turn.c (acts, replies), decide_*.c, job_life.c, job_retry.c, admit.c, stage.c, reconcile.c.
 * Shape     a turn decides about messages one by one, changing jobs in memory and gathering acts and replies; then
 *           touched jobs are staged, committed with one sync, and only then replies are sent and acts are done.
 * Thread    the controller's.
 * Errors    what must not fail while deciding (memory, the store, our own logic) goes to controller_fail: the turn ends
 *           before its commit, nothing of it is told or done, and the process has to stop.
 */
#ifndef JOB_CONTROLLER_STATE_H_
#define JOB_CONTROLLER_STATE_H_

#include <pthread.h>
#include <stdbool.h>

#include "base/thread_check.h"
#include "job/capacity.h"
#include "job/controller.h"
#include "job/job_table.h"
#include "job/replica_state.h"
#include "job/request_ids.h"
#include "job/retention.h"
#include "job/run_history.h"
#include "job/waits.h"

/* Messages of each kind that one turn takes; the rest waits for the next. */
#define TURN_MESSAGES_MAX 4096
/* Bytes of CustomJobs from which on it takes no more of them: a turn is one commit, and who comes next waits for it. */
#define TURN_IMAGE_BYTES_MAX (16 * 1024 * 1024)

enum act_kind {
    ACT_START,
    ACT_ADOPT,
    ACT_STOP,
    ACT_RELEASE_ADDRESSES,
    ACT_REMOVE,
    ACT_SERVICE_LOG,
    ACT_SEAL_BEGIN,
    ACT_SEAL_END
};

struct act {
    enum act_kind kind;
    struct execution_key key; /* REMOVE, RELEASE_ADDRESSES, SERVICE_LOG, SEAL: job_id alone counts */
    const struct task *task;  /* START: in the job's plan */
    char *line;               /* SERVICE_LOG; SEAL_BEGIN: the key's name; malloc'd */
};

struct reply {
    struct command *command;
    enum store_table table; /* of the version to answer with; 0: none */
    uint64_t id;
    char *operation_name; /* malloc'd, or NULL */
    struct err *err;      /* malloc'd, or NULL */
};

struct id_list {
    uint64_t *ids;
    size_t count;
    size_t capacity;
};

struct turn {
    int64_t now_unix_ns; /* whole microseconds, the precision of the API's times */
    int64_t now_mono_ns;
    int64_t now_call_ns; /* by the clock of callers */
    struct act *acts;
    size_t act_count;
    size_t act_capacity;
    struct reply *replies;
    size_t reply_count;
    size_t reply_capacity;
    struct job *touched; /* in the order of touching: new rows are staged, and stored, in the order of their ids */
    struct job **touched_end;
    uint64_t image_bytes;                /* of the jobs whose images are to be written */
    struct id_list forgotten_operations; /* deleted in this turn, still visible in the store */
    struct id_list done_operations;      /* done in this turn, not yet visible as such */
};

struct event_mail {
    struct mail mail; /* first */
    struct execution_event event;
    bool is_refusal; /* no event of the executor's: it refused the act that the event would have come of */
    char texts[];
};

struct controller {
    struct controller_options options;
    struct executor *executor;
    struct thread_check owner;

    struct mailbox *commands;
    struct mailbox *events;
    struct mail *commands_left; /* drained, not decided about yet */
    struct mail *events_left;
    int wake_fd;
    bool stopping;   /* by __atomic */
    bool event_lost; /* by __atomic; no memory to take in an executor's event */

    struct job_table *jobs;
    struct job *queue_first;
    struct job *queue_last;
    size_t queue_count;
    struct job *holder_first; /* of the jobs that hold resources, the newest first */
    struct capacity *capacity;
    struct run_history *run_history;
    bool schedule_stale;             /* something has changed since the policy said that none may start */
    bool schedule_was_asked;         /* jobs of several kinds wait, so that time alone may change what it says */
    int64_t schedule_due_mono_ns;    /* when it is asked again anyway; 0: it need not be */
    int64_t admission_retry_mono_ns; /* 0: for addresses or room on the disk nobody waits */
    struct timers limits;            /* wall clock */
    struct timers backoffs;          /* monotonic */
    struct request_ids *request_ids;
    struct waits *waits;
    bool ends_waits;    /* by __atomic: nobody may wait any more */
    bool has_abandoned; /* by __atomic: somebody who may be among them is gone */

    bool is_restored;         /* and not settled */
    uint32_t adoptions_open;  /* executions the executor was asked after and has not told of yet */
    uint32_t adoptions_asked; /* 0: all is told of them */
    int64_t attach_mono_ns;

    bool is_low_on_space; /* as told last */
    bool snapshot_failure_told;
    struct retention *retention;
    uint32_t expired_removals; /* jobs gone for their age whose files are being removed */
    uint64_t expired_jobs;     /* these three: for the log */
    uint64_t expired_operations;
    int64_t expired_log_mono_ns;

    int64_t store_wait_ns; /* as it said in the last turn */

    struct turn turn;
    struct err failure; /* code not ERR_NONE: final */
    pthread_t thread;
    bool has_thread;
    bool has_stopped;
};

/* ---- turn.c: gathering, then sending and doing ---- */
void controller_fail(struct controller *controller, const struct err *err);
static inline bool controller_has_failed(const struct controller *controller)
{
    return controller->failure.code != ERR_NONE;
}
/* What else there is to be decided is left for the next turn. */
static inline bool turn_is_full(const struct controller *controller)
{
    return controller->turn.image_bytes >= TURN_IMAGE_BYTES_MAX;
}
void turn_add_id(struct controller *controller, struct id_list *list, uint64_t id);
void turn_act(struct controller *controller, struct act act);
/* Has the files of a job that names a key sealed, from now on or all of them; of other jobs nothing. */
void turn_seal(struct controller *controller, const struct job *job, bool has_ended);
/* One line into the job's service log. */
void turn_tell(struct controller *controller, const struct job *job, const char *format, ...) PRINTF_LIKE(3, 4);
void turn_reply_version(struct controller *controller, struct command *command, enum store_table table, uint64_t id);
void turn_reply_done(struct controller *controller, struct command *command, const char *operation_name);
void turn_reply_error(struct controller *controller, struct command *command, const struct err *err);
/* Sends and does everything gathered. Refused starts come back as events. */
void turn_carry_out(struct controller *controller);
/* Forgets everything gathered, without a word to anyone. */
void turn_drop(struct controller *controller);
void turn_deinit(struct turn *turn);

/* ---- controller_turn.c ---- */
/* Ends the present turn: admits, stages, commits, replies, acts. */
MUST_USE int turn_finish(struct controller *controller, struct err *err);
void turn_begin(struct controller *controller);
/* Copies an event into the controller's mailbox. Any thread. */
void controller_take_event(struct controller *controller, const struct execution_event *event, bool is_refusal);

/* ---- job_life.c: what can happen to a job ---- */
void job_touch(struct controller *controller, struct job *job);
/* Touches it, and has its image written. */
void job_change_image(struct controller *controller, struct job *job);
/* Takes the state table's step; a step it does not have is a mistake of ours. */
void job_step(struct controller *controller, struct job *job, enum job_event event);
/* Decides how the job ends, unless that is decided already. Takes over the message. */
void job_decide_end(struct controller *controller, struct job *job, enum job_state state, struct job_error error);
/* If its end or another attempt is decided: stops what still runs; once nothing does, ends the job or begins the attempt. */
void job_proceed(struct controller *controller, struct job *job);
/* Cancels for a client or a limit; takes over the message. */
void job_cancel(struct controller *controller, struct job *job, struct job_error error);
/* Sets or clears the timer of the limit that counts now. */
void job_set_timer(struct controller *controller, struct job *job);
/* An end's or start's time as a witness tells it: whole microseconds, not before Create, not in the future. */
int64_t job_witness_time(const struct controller *controller, const struct job *job, int64_t unix_ns);

/* ---- job_retry.c: replicas and jobs that are started again ---- */
/* Takes the phase table's step; false when the phase does not take the event. */
bool replica_step(struct replica *replica, enum replica_event event);
/* Plans another attempt of a replica that has ended. event: its end. */
void job_restart_replica(struct controller *controller, struct job *job, struct replica *replica,
                         const struct execution_event *event);
/* Decides that another attempt of the whole job follows: job_proceed stops what runs of this one. */
void job_decide_retry(struct controller *controller, struct job *job, const struct execution_event *event);
/* All of this attempt has ended: plans the next. */
void job_begin_attempt(struct controller *controller, struct job *job);
/* Where a store was restored: whatever follows may have run where the backup was taken, so the job ends here. */
void job_end_elsewhere(struct controller *controller, struct job *job, const struct replica *replica);
/* Starts planned replicas that are due, and sets the timer of the others. Once a turn, when all else is decided, so that
 * they share one plan. */
void job_start_planned(struct controller *controller, struct job *job);
void decide_backoffs(struct controller *controller);

/* ---- admit.c ---- */
void admit_enqueue(struct controller *controller, struct job *job);
void admit_dequeue(struct controller *controller, struct job *job);
/* Starts whole jobs from the queue, as the policy says, while they fit. */
void admit_run(struct controller *controller);
/* The job's resources are counted, or no more. */
void admit_hold(struct controller *controller, struct job *job);
void admit_release(struct controller *controller, struct job *job);
/* What the message says of shape, limits and ask. Makes the tasks come later. */
MUST_USE int admit_read(struct controller *controller, struct job *job, const API(CustomJob) * msg,
                        capacity_note_fn note, void *context, struct err *err);
/* Why it waits, into its service log. */
void admit_tell_wait(struct controller *controller, const struct job *job);
/* Makes the tasks from the job's image. */
MUST_USE int admit_plan(struct controller *controller, struct job *job, struct err *err);

/* ---- stage.c: what goes into the turn's batch ---- */
/* The job's image as of now, from the spec bytes of the store or of the job just made. */
MUST_USE int stage_build_image(struct controller *controller, const struct job *job, struct blob **ret_image,
                               struct err *err);
/* Of the image that there is, which the next one hardly differs from. */
size_t stage_image_bytes(const struct controller *controller, const struct job *job);
/* Stages the job's image, record and cancel operation as they are now. */
void stage_job(struct controller *controller, struct job *job);
/* Stages the record alone. */
void stage_record(struct controller *controller, struct job *job);
void stage_operation(struct controller *controller, const struct operation *operation, bool done,
                     const struct err *error);
void stage_delete(struct controller *controller, enum store_table table, uint64_t id);

/* ---- decide_*.c ---- */
void decide_create(struct controller *controller, struct command *command);
void decide_cancel(struct controller *controller, struct command *command);
void decide_delete(struct controller *controller, struct command *command);
void decide_delete_operation(struct controller *controller, struct command *command);
void decide_wait(struct controller *controller, struct command *command);
/* Answers everyone who waits for an operation that is done in this turn. After everything else is decided. */
void decide_waits(struct controller *controller);
/* Sends those away whose caller is gone, or all when the server stops. Nothing is decided by that, so it is told at once. */
void dismiss_waits(struct controller *controller);
/* Deletes an ended job, which is in the table: its row now, then its files, then its record. operation: what was made for
 * it and is done when all is gone; NULL: nobody has asked. */
void delete_begin(struct controller *controller, struct job *job, struct operation *operation,
                  enum api_version version);
void decide_event(struct controller *controller, const struct event_mail *mail);
/* The files of a deleted job are gone; refusal: why they will stay, or NULL. */
void decide_removed(struct controller *controller, struct job *job, const char *refusal);
/* The executor tries on; an operator may have to help. */
void decide_remove_delayed(struct controller *controller, const struct job *job, const char *reason);
void decide_timers(struct controller *controller);

/* ---- space.c: a disk that is nearly full ---- */
/* ERR_EXHAUSTED while there is no room for new jobs. */
MUST_USE int space_check(struct controller *controller, struct err *err);
/* False while there is no room to start a job that waits; its service log tells why. */
bool space_admits(struct controller *controller, struct job *job);
/* Tells what has changed since the last turn. */
void space_tell(struct controller *controller);

/* ---- decide_expired.c: ended jobs and done operations that are too old, or too many ---- */
MUST_USE int expired_create(struct controller *controller, struct err *err);
/* At start, of each ended job and each operation. */
MUST_USE int expired_load(struct controller *controller, enum store_table table, const struct store_version *version,
                          struct err *err);
/* What has ended in this turn, which is durable. */
void expired_note_turn(struct controller *controller);
void decide_expired(struct controller *controller);
/* When the next one is due; INT64_MAX: none as things are. */
int64_t expired_next_ns(const struct controller *controller);

/* ---- reconcile.c ---- */
/* Makes the jobs of the store live again, in memory. */
MUST_USE int reconcile_load(struct controller *controller, struct err *err);
/* Claims addresses and takes over executions, within a turn. */
MUST_USE int reconcile_attach(struct controller *controller, struct err *err);
/* Tells the operator once the executor has told of all that it was asked after. */
void reconcile_note_turn(struct controller *controller);

#endif /* JOB_CONTROLLER_STATE_H_ */
