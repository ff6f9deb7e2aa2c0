/* job_spec: what a CustomJob must be before it is taken: checked in full, cleaned, and put into stored form.
 *
 * Used by   server/custom_job_service.c on call threads.
 * Shape     in: the wire bytes of a CustomJob as a client sent them. out: the wire bytes to store, without output-only
 *           and unknown fields; the controller puts the outputs before them (job_image.h).
 * Thread    any; pure.      Blocks    never.
 * Errors    what is wrong is added to violations, all of it, with real field paths, and ret_prepared is untouched;
 *           -1 only when the bytes are no CustomJob at all (ERR_INVALID, the field and place named where known), or
 *           when memory is gone (ERR_EXHAUSTED), or when nobody has answered for the job's key yet (ERR_UNAVAILABLE).
 * Source    the API's field comments; the service's documentation; docs/ARCHITECTURE.md
 */
#ifndef JOB_JOB_SPEC_H_
#define JOB_JOB_SPEC_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "job/api.h"
#include "job/violations.h"

C_DECLS_BEGIN

struct capacity_rules;
struct keyring;
struct mount_map;

/* What this server can run, asked once at start. */
struct job_spec_rules {
    uint32_t replicas_max; /* --max-replicas: a job that asks for more can never fit, and is refused */
    /* What machine types ask of this host; NULL: nothing. Under strict what can never fit is refused. */
    const struct capacity_rules *capacity;
    const char *needs_command;      /* executor_ops.needs_command; NULL: none needed */
    bool python_packages;           /* the executor can prepare python_package_spec */
    struct keyring *keys;           /* what encryption_spec may name; NULL: nothing */
    const struct mount_map *mounts; /* what nfs_mounts and lustre_mounts may name; NULL: nothing */
};

struct job_spec_prepared {
    struct span wire;                  /* normalised CustomJob, in the arena */
    const API(CustomJob) * custom_job; /* the same as a message, likewise */
    uint32_t replica_count;            /* over all pools */
};

MUST_USE int job_spec_prepare(const struct job_spec_rules *rules, enum api_version version, struct span custom_job_wire,
                              struct upb_Arena *arena, struct violations *violations,
                              struct job_spec_prepared *ret_prepared, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_SPEC_H_ */
