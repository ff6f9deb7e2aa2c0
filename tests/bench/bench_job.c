#include "bench_job.h"

#include <string.h>

#define PARENT "projects/bench/locations/us-central1"
#define ID_DIGITS 19
#define NUMBER_DIGITS 8
#define TEAMS 50
#define SECONDS_BYTES 5
/* Tag and length of a field of 128 bytes and more. */
#define LONG_TAG_BYTES 3
/* JobState: 5 % run, the rest has succeeded. */
#define STATE_RUNNING 3
#define STATE_SUCCEEDED 4

/* Fields of google.cloud.aiplatform.v1.CustomJob. */
enum {
    FIELD_NAME = 1,
    FIELD_DISPLAY_NAME = 2,
    FIELD_JOB_SPEC = 4,
    FIELD_STATE = 5,
    FIELD_CREATE_TIME = 6,
    FIELD_LABELS = 11
};
enum { SPEC_SERVICE_ACCOUNT = 4 }; /* any text field of the spec: it only has to fill */

static char *put_tag(char *at, unsigned number, size_t size)
{
    *at++ = (char)(number << 3 | 2);
    if (size > 127) {
        *at++ = (char)((size & 127) | 128);
        size >>= 7;
    }
    *at++ = (char)size;
    return at;
}

static char *put_text(char *at, unsigned number, const char *text)
{
    size_t size = strlen(text);

    at = put_tag(at, number, size);
    memcpy(at, text, size);
    return at + size;
}

static char *put_label(char *at, const char *key, const char *value)
{
    at = put_tag(at, FIELD_LABELS, 4 + strlen(key) + strlen(value));
    return put_text(put_text(at, 1, key), 2, value);
}

/* Everything behind the spec, so that the spec can fill what is left; offsets from its own start. */
static size_t make_tail(struct bench_job *job, char *tail)
{
    char *at = tail;

    *at++ = FIELD_STATE << 3;
    job->state_at = (size_t)(at - tail);
    *at++ = STATE_SUCCEEDED;
    /* A Timestamp whose seconds, below 2^35, take five bytes. */
    at = put_tag(at, FIELD_CREATE_TIME, 6);
    *at++ = 1 << 3;
    job->time_at = (size_t)(at - tail);
    memset(at, 0, SECONDS_BYTES);
    at += SECONDS_BYTES;
    at = put_label(at, "kind", "training");
    at = put_label(at, "run", "run-00000000");
    job->run_at = (size_t)(at - tail) - NUMBER_DIGITS;
    at = put_label(at, "stage", "production");
    at = put_label(at, "team", "team-00");
    job->team_at = (size_t)(at - tail) - 2;
    return (size_t)(at - tail);
}

void bench_job_init(struct bench_job *job)
{
    char tail[256];
    size_t tail_bytes = make_tail(job, tail);
    char *at = job->bytes;
    size_t spec_bytes;
    size_t tail_at;

    at = put_text(at, FIELD_NAME, PARENT "/customJobs/0000000000000000000");
    job->name_at = (size_t)(at - job->bytes) - ID_DIGITS;
    at = put_text(at, FIELD_DISPLAY_NAME, "training run 00000000");
    job->title_at = (size_t)(at - job->bytes) - NUMBER_DIGITS;
    tail_at = BENCH_JOB_BYTES - tail_bytes;
    spec_bytes = tail_at - (size_t)(at - job->bytes) - LONG_TAG_BYTES;
    at = put_tag(at, FIELD_JOB_SPEC, spec_bytes);
    at = put_tag(at, SPEC_SERVICE_ACCOUNT, spec_bytes - LONG_TAG_BYTES);
    memset(at, 'x', spec_bytes - LONG_TAG_BYTES);
    memcpy(job->bytes + tail_at, tail, tail_bytes);
    job->state_at += tail_at;
    job->time_at += tail_at;
    job->run_at += tail_at;
    job->team_at += tail_at;
}

static void put_digits(char *at, size_t digits, uint64_t number)
{
    while (digits > 0) {
        at[--digits] = (char)('0' + number % 10);
        number /= 10;
    }
}

static void put_seconds(char *at, uint64_t seconds)
{
    for (int i = 0; i < SECONDS_BYTES; i++) {
        at[i] = (char)((seconds & 127) | (i < SECONDS_BYTES - 1 ? 128 : 0));
        seconds >>= 7;
    }
}

void bench_job_set(struct bench_job *job, uint64_t id, uint64_t number)
{
    put_digits(job->bytes + job->name_at, ID_DIGITS, id);
    put_digits(job->bytes + job->title_at, NUMBER_DIGITS, number);
    put_digits(job->bytes + job->run_at, NUMBER_DIGITS, number);
    put_digits(job->bytes + job->team_at, 2, number * 7919 % TEAMS);
    job->bytes[job->state_at] = number % 20 == 0 ? STATE_RUNNING : STATE_SUCCEEDED;
    put_seconds(job->bytes + job->time_at, id / 1000000000);
}
