#include "list_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ID UINT64_C(1700000000000000000)
#define ID_STEP UINT64_C(1000000)
#define NS_PER_S UINT64_C(1000000000)
#define OWNERS 5000
#define TEAMS 50
#define RARE_LETTER_ROWS 20000
/* Room for what comes behind the spec. */
#define TAIL_BYTES 150

/* Fields of google.cloud.aiplatform.v1.CustomJob. */
enum { FIELD_NAME = 1, FIELD_DISPLAY_NAME = 2, FIELD_SPEC = 4, FIELD_STATE = 5, FIELD_TIME = 6, FIELD_LABELS = 11 };

uint64_t list_scatter(uint64_t number)
{
    number = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return number ^ number >> 31;
}

uint64_t list_id(uint64_t number)
{
    return FIRST_ID + number * ID_STEP;
}

unsigned list_state(uint64_t number)
{
    uint64_t chance = list_scatter(number) % 100;

    return chance < 5 ? LIST_RUNNING : chance < 15 ? LIST_FAILED : chance < 20 ? LIST_CANCELLED : LIST_SUCCEEDED;
}

void list_run(uint64_t number, char text[LIST_RUN_BYTES])
{
    snprintf(text, LIST_RUN_BYTES, "%016" PRIx64, list_scatter(number));
}

static char *put_text(char *at, unsigned field, const char *text)
{
    size_t size = strlen(text);

    *at++ = (char)(field << 3 | 2);
    if (size > 127) {
        *at++ = (char)((size & 127) | 128);
        *at++ = (char)(size >> 7);
    } else {
        *at++ = (char)size;
    }
    memcpy(at, text, size);
    return at + size;
}

static char *put_label(char *at, const char *key, const char *value)
{
    char entry[64];
    char *end = put_text(put_text(entry, 1, key), 2, value);

    *end = '\0';
    return put_text(at, FIELD_LABELS, entry);
}

/* A Timestamp whose seconds take five bytes. */
static char *put_time(char *at, uint64_t unix_ns)
{
    uint64_t seconds = unix_ns / NS_PER_S;

    *at++ = FIELD_TIME << 3 | 2;
    *at++ = 6;
    *at++ = 1 << 3;
    for (int i = 0; i < 5; i++) {
        *at++ = (char)((seconds & 127) | (i < 4 ? 128 : 0));
        seconds >>= 7;
    }
    return at;
}

static char *put_labels(char *at, uint64_t number)
{
    char text[32];

    list_run(number, text);
    at = put_label(at, "run", text);
    snprintf(text, sizeof text, "team-%02" PRIu64, list_scatter(number) / 128 % TEAMS);
    at = put_label(at, "team", text);
    at = put_label(at, "parity", number % 2 ? "odd" : "even");
    snprintf(text, sizeof text, "user-%04" PRIu64, list_scatter(number) / 8192 % OWNERS);
    return put_label(at, "owner", text);
}

struct span list_value(uint64_t number, unsigned state, char bytes[LIST_VALUE_BYTES])
{
    char text[LIST_VALUE_BYTES];
    char *at = bytes;
    size_t spec;

    snprintf(text, sizeof text, LIST_PARENT "/customJobs/%" PRIu64, list_id(number));
    at = put_text(at, FIELD_NAME, text);
    snprintf(text, sizeof text, "train-resnet-%08" PRIu64 "%s", number,
             list_scatter(number) % RARE_LETTER_ROWS == 0 ? "q" : "");
    at = put_text(at, FIELD_DISPLAY_NAME, text);
    spec = LIST_VALUE_BYTES - TAIL_BYTES - (size_t)(at - bytes);
    memset(text, 'x', spec);
    text[spec] = '\0';
    at = put_text(at, FIELD_SPEC, text);
    *at++ = FIELD_STATE << 3;
    *at++ = (char)state;
    at = put_labels(put_time(at, list_id(number)), number);
    return span_make(bytes, (size_t)(at - bytes));
}
