#include "server/call_faults.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define PATH_BYTES 256
#define CODE_MAX 16
#define OWN_SERVICE "customjobd.v1.Simulation/"

struct rule {
    struct call_fault fault; /* its texts are the next two */
    char method[CALL_FAULT_TEXT_BYTES];
    char message[CALL_FAULT_TEXT_BYTES];
    uint64_t drawn; /* state of the generator */
};

struct call_faults {
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock; /* guards all that follows */
    pthread_cond_t changed;
    bool is_stopping;
    struct call_wait *waits; /* the one that is due first, first */
    struct rule *rules;
    size_t count; /* also read by __atomic: a server without faults takes no lock */
};

/* ---- rules ---- */

/* splitmix64, 0 to below 1. */
static double draw(uint64_t *state)
{
    uint64_t number = *state += UINT64_C(0x9e3779b97f4a7c15);

    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((number ^ number >> 31) >> 11) * 0x1p-53;
}

static int copy_text(const char *from, const char *field, size_t index, char text[CALL_FAULT_TEXT_BYTES],
                     struct err *err)
{
    int size = snprintf(text, CALL_FAULT_TEXT_BYTES, "%s", from ? from : "");

    if (size >= CALL_FAULT_TEXT_BYTES) {
        return err_set(err, ERR_INVALID, "faults[%zu].%s has %d bytes, the limit is %d", index, field, size,
                       CALL_FAULT_TEXT_BYTES - 1);
    }
    return 0;
}

static int copy_rule(const struct call_fault *from, size_t index, uint64_t seed, struct rule *rule, struct err *err)
{
    if (from->code < 0 || from->code > CODE_MAX) {
        return err_set(err, ERR_INVALID, "faults[%zu].code is %d; status codes go from 0 to %d", index, from->code,
                       CODE_MAX);
    }
    if (from->latency_ns < 0 || from->latency_ns > CALL_FAULT_LATENCY_NS_MAX) {
        return err_set(err, ERR_INVALID, "faults[%zu].latency is not from 0 to 10 minutes", index);
    }
    if (!(from->probability > 0 && from->probability <= 1)) {
        return err_set(err, ERR_INVALID, "faults[%zu].probability is not above 0 and at most 1", index);
    }
    if (from->code == 0 && (from->answer_lost || from->latency_ns == 0)) {
        return err_set(err, ERR_INVALID, "faults[%zu] has neither a code nor, alone, a latency: it would do nothing",
                       index);
    }
    *rule = (struct rule){.fault = *from, .drawn = seed * UINT64_C(0xff51afd7ed558ccd) + index};
    rule->fault.method = rule->method;
    rule->fault.message = rule->message;
    return copy_text(from->method, "method", index, rule->method, err) ||
                   copy_text(from->message, "message", index, rule->message, err)
               ? -1
               : 0;
}

int call_faults_set(struct call_faults *faults, const struct call_fault *rules, size_t count, uint64_t seed,
                    struct err *err)
{
    struct rule *made, *before;

    if (count > CALL_FAULTS_MAX) {
        return err_set(err, ERR_INVALID, "there are %zu faults, the limit is %d", count, CALL_FAULTS_MAX);
    }
    made = calloc(count + 1, sizeof *made);
    if (!made) {
        return err_set(err, ERR_EXHAUSTED, "no memory for %zu faults", count);
    }
    for (size_t i = 0; i < count; i++) {
        if (copy_rule(&rules[i], i, seed, &made[i], err)) {
            free(made);
            return -1;
        }
    }
    pthread_mutex_lock(&faults->lock);
    before = faults->rules;
    faults->rules = made;
    __atomic_store_n(&faults->count, count, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&faults->lock);
    free(before);
    return 0;
}

/* Under the lock. */
static bool meets(struct rule *rule, const char *path)
{
    const char *slash = strchr(path, '/');

    if (rule->method[0] && fnmatch(rule->method, path, 0) != 0 &&
        (!slash || fnmatch(rule->method, slash + 1, 0) != 0)) {
        return false;
    }
    if (rule->fault.count > 0 && rule->fault.hits >= rule->fault.count) {
        return false;
    }
    return rule->fault.probability >= 1 || draw(&rule->drawn) < rule->fault.probability;
}

static void fill_fate(struct rule *rule, struct call_fate *fate)
{
    fate->code = rule->fault.code;
    fate->latency_ns = rule->fault.latency_ns;
    fate->answer_lost = rule->fault.answer_lost;
    memcpy(fate->message, rule->message, sizeof fate->message);
    if (!rule->message[0]) {
        (void)snprintf(fate->message, sizeof fate->message, "a fault that customjobd.v1.Simulation was told to make");
    }
}

bool call_faults_take(struct call_faults *faults, struct span path, struct call_fate *ret_fate)
{
    char text[PATH_BYTES];
    bool is_met = false;

    if (__atomic_load_n(&faults->count, __ATOMIC_RELAXED) == 0 || path.size < 2 || path.size > sizeof text) {
        return false;
    }
    memcpy(text, path.data + 1, path.size - 1); /* without its slash */
    text[path.size - 1] = '\0';
    if (strncmp(text, OWN_SERVICE, sizeof OWN_SERVICE - 1) == 0) {
        return false;
    }
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && !is_met; i++) {
        is_met = meets(&faults->rules[i], text);
        if (is_met) {
            faults->rules[i].fault.hits++;
            fill_fate(&faults->rules[i], ret_fate);
        }
    }
    pthread_mutex_unlock(&faults->lock);
    return is_met;
}

void call_faults_visit(struct call_faults *faults, call_fault_fn visit, void *context)
{
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->count && visit(context, &faults->rules[i].fault); i++) {
    }
    pthread_mutex_unlock(&faults->lock);
}

/* ---- calls that wait ---- */

/* Under the lock: takes those out that are due, all of them when it is stopping. */
static struct call_wait *take_due(struct call_faults *faults)
{
    int64_t now = clock_mono_ns(clock_system());
    struct call_wait *first = faults->waits, **end = &faults->waits;

    while (*end && (faults->is_stopping || (*end)->due_mono_ns <= now)) {
        end = &(*end)->next;
    }
    if (end == &faults->waits) {
        return NULL;
    }
    faults->waits = *end;
    *end = NULL;
    return first;
}

static void await_next(struct call_faults *faults)
{
    struct timespec until;

    if (!faults->waits) {
        (void)pthread_cond_wait(&faults->changed, &faults->lock);
        return;
    }
    until.tv_sec = (time_t)(faults->waits->due_mono_ns / CLOCK_NS_PER_S);
    until.tv_nsec = (long)(faults->waits->due_mono_ns % CLOCK_NS_PER_S);
    (void)pthread_cond_timedwait(&faults->changed, &faults->lock, &until);
}

static void *run(void *context)
{
    struct call_faults *faults = context;

    pthread_setname_np(pthread_self(), "call-faults");
    pthread_mutex_lock(&faults->lock);
    while (!faults->is_stopping || faults->waits) {
        struct call_wait *due = take_due(faults), *next;

        if (!due) {
            await_next(faults);
            continue;
        }
        pthread_mutex_unlock(&faults->lock);
        for (; due; due = next) {
            next = due->next;
            due->over(due);
        }
        pthread_mutex_lock(&faults->lock);
    }
    pthread_mutex_unlock(&faults->lock);
    return NULL;
}

void call_faults_wait(struct call_faults *faults, struct call_wait *wait, int64_t wait_ns)
{
    struct call_wait **place = &faults->waits;
    bool is_over;

    wait->due_mono_ns = clock_mono_ns(clock_system()) + wait_ns;
    pthread_mutex_lock(&faults->lock);
    is_over = faults->is_stopping;
    if (!is_over) {
        while (*place && (*place)->due_mono_ns <= wait->due_mono_ns) {
            place = &(*place)->next;
        }
        wait->next = *place;
        *place = wait;
        pthread_cond_signal(&faults->changed);
    }
    pthread_mutex_unlock(&faults->lock);
    if (is_over) {
        wait->over(wait);
    }
}

/* ---- life ---- */

int call_faults_create(struct call_faults **ret_faults, struct err *err)
{
    struct call_faults *faults = calloc(1, sizeof *faults);
    pthread_condattr_t attributes;
    int failure;

    if (!faults) {
        return err_set(err, ERR_EXHAUSTED, "no memory for faults");
    }
    pthread_mutex_init(&faults->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&faults->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    failure = pthread_create(&faults->thread, NULL, run, faults);
    if (failure != 0) {
        call_faults_destroy(faults);
        return err_set_errno(err, failure, "no thread for calls that are late");
    }
    faults->has_thread = true;
    *ret_faults = faults;
    return 0;
}

void call_faults_stop(struct call_faults *faults)
{
    pthread_mutex_lock(&faults->lock);
    faults->is_stopping = true;
    pthread_cond_signal(&faults->changed);
    pthread_mutex_unlock(&faults->lock);
    if (faults->has_thread) {
        pthread_join(faults->thread, NULL);
        faults->has_thread = false;
    }
}

void call_faults_destroy(struct call_faults *faults)
{
    if (faults) {
        call_faults_stop(faults);
        free(faults->rules);
        pthread_cond_destroy(&faults->changed);
        pthread_mutex_destroy(&faults->lock);
        free(faults);
    }
}
