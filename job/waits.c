#include "job/waits.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/limits.h"
#include "job/controller.h"
#include "job/timers.h"

#define BUCKETS 1024

struct wait {
    struct timer timer; /* first */
    struct wait *next;
    struct command *command;
    uint64_t operation_id;
};

struct waits {
    struct timers timers;
    struct wait *buckets[BUCKETS];
    uint32_t count;
};

int waits_create(struct waits **ret_waits, struct err *err)
{
    struct waits *waits = calloc(1, sizeof *waits);

    if (!waits) {
        return err_set(err, ERR_EXHAUSTED, "no memory for waits");
    }
    *ret_waits = waits;
    return 0;
}

void waits_destroy(struct waits *waits)
{
    if (waits) {
        (void)waits_dismiss(waits, true);
        timers_deinit(&waits->timers);
        free(waits);
    }
}

/* Ids are times in ns: the low bits alone may be alike. */
static struct wait **bucket_of(struct waits *waits, uint64_t operation_id)
{
    return &waits->buckets[(operation_id * UINT64_C(0x9e3779b97f4a7c15)) >> 54];
}
_Static_assert(BUCKETS == 1 << (64 - 54), "the shift in bucket_of");

int waits_add(struct waits *waits, struct command *command, uint64_t operation_id, int64_t deadline_mono_ns,
              struct err *err)
{
    struct wait **bucket = bucket_of(waits, operation_id);
    struct wait *wait;

    if (waits->count >= LIMIT_OPERATION_WAITS) {
        return err_set(err, ERR_EXHAUSTED, "%d calls wait for operations already; poll GetOperation instead",
                       LIMIT_OPERATION_WAITS);
    }
    wait = calloc(1, sizeof *wait);
    if (!wait) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a wait");
    }
    if (timers_set(&waits->timers, &wait->timer, deadline_mono_ns, err)) {
        free(wait);
        return -1;
    }
    wait->command = command;
    wait->operation_id = operation_id;
    wait->next = *bucket;
    *bucket = wait;
    waits->count++;
    return 0;
}

static struct command *take(struct waits *waits, struct wait **link)
{
    struct wait *wait = *link;
    struct command *command = wait->command;

    *link = wait->next;
    timers_clear(&waits->timers, &wait->timer);
    waits->count--;
    free(wait);
    return command;
}

struct command *waits_take(struct waits *waits, uint64_t operation_id)
{
    for (struct wait **link = bucket_of(waits, operation_id); *link; link = &(*link)->next) {
        if ((*link)->operation_id == operation_id) {
            return take(waits, link);
        }
    }
    return NULL;
}

static struct command *take_wait(struct waits *waits, struct wait *wait)
{
    struct wait **link = bucket_of(waits, wait->operation_id);

    while (*link != wait) {
        link = &(*link)->next;
    }
    return take(waits, link);
}

struct command *waits_take_due(struct waits *waits, int64_t now_mono_ns, uint64_t *ret_operation_id)
{
    struct wait *wait = (struct wait *)timers_take_due(&waits->timers, now_mono_ns);

    if (!wait) {
        return NULL;
    }
    *ret_operation_id = wait->operation_id;
    return take_wait(waits, wait);
}

struct mail *waits_dismiss(struct waits *waits, bool everyone)
{
    struct mail *dismissed = NULL;

    for (size_t i = 0; i < BUCKETS && waits->count > 0; i++) {
        struct wait **link = &waits->buckets[i];

        while (*link) {
            if (everyone || command_is_abandoned((*link)->command)) {
                struct mail *mail = &take(waits, link)->mail;

                mail->next = dismissed;
                dismissed = mail;
            } else {
                link = &(*link)->next;
            }
        }
    }
    return dismissed;
}

int64_t waits_next_ns(const struct waits *waits)
{
    return timers_next_ns(&waits->timers);
}
