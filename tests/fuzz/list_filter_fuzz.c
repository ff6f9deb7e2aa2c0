/* Filters of any text, compiled for jobs and for operations and asked about entries; a refusal says where and why. */
#include <stdlib.h>
#include <string.h>

#include "server/list_filter.h"
#include "storage/store.h"
#include "upb/arena.h"

static struct span text_of(const char *text)
{
    return span_make(text, strlen(text));
}

static void make_keys(unsigned number, struct store_keys *ret_keys)
{
    memset(ret_keys, 0, sizeof *ret_keys);
    ret_keys->name = text_of("projects/p/locations/l/customJobs/1");
    ret_keys->parent = text_of("projects/p/locations/l");
    ret_keys->display_name = text_of(number % 2 ? "train-7" : "\xc3\xa4*\"x");
    ret_keys->state = number;
    ret_keys->create_time_unix_ns = INT64_C(1716017400250000000) * (number % 3);
    ret_keys->label_count = number % 3;
    for (unsigned i = 0; i < ret_keys->label_count; i++) {
        ret_keys->labels[i].key = text_of(i ? "team" : "env");
        ret_keys->labels[i].value = text_of(i ? "vision" : "");
    }
}

/* Compiles and asks; twice, which must end the same. */
static void try_filter(enum list_filter_of of, struct span text)
{
    struct err errs[2] = {ERR_INIT, ERR_INIT};
    int results[2];
    unsigned matched[2] = {0, 0};

    for (int turn = 0; turn < 2; turn++) {
        struct upb_Arena *arena = upb_Arena_New();
        const struct store_filter *filter = NULL;

        results[turn] = list_filter_compile(of, text, arena, &filter, &errs[turn]);
        for (unsigned i = 0; results[turn] == 0 && i < 8; i++) {
            struct store_keys keys;

            make_keys(i, &keys);
            matched[turn] |= (unsigned)store_filter_matches_keys(filter, &keys) << i;
        }
        upb_Arena_Free(arena);
    }
    if (results[0] != results[1] || matched[0] != matched[1] || strcmp(errs[0].text, errs[1].text) != 0 ||
        (results[0] != 0 && (errs[0].code != ERR_INVALID || errs[0].text[0] == '\0'))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* A copy of its exact size: a read behind the end is seen. */
    char *text = malloc(size > 0 ? size : 1);

    if (!text) {
        abort();
    }
    if (size > 0) {
        memcpy(text, bytes, size);
    }
    try_filter(LIST_FILTER_JOBS, span_make(text, size));
    try_filter(LIST_FILTER_OPERATIONS, span_make(text, size));
    free(text);
    return 0;
}
