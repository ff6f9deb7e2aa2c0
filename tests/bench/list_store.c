/* list_store: lists of a store by filters chosen to hurt, in one process, and what its indexes cost.
 *
 * usage: list_store DIR ROWS ROUNDS
 * Shape     ROWS jobs of list_rows. Each question is asked ROUNDS times, if that ends, for a page of 100 whose bytes are copied, as an
 *           answer copies them; from the newest on, from anywhere, or from far back. Beside them the first question by
 *           a scan, which looks at row after row.
 * Prints    lines of "key=value": index, fill, memory, and one for each question, whose text stands last.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "job/job_keys.h"
#include "list_rows.h"
#include "measure.h"
#include "storage/reclaim.h"
#include "storage/store.h"
#include "storage/table.h"
#include "storage/version.h"

#define PAGE_ROWS 100
#define BATCH_ROWS 4096
#define INDEXED_ROWS 200000
/* A question is asked for so long at most, but five times at least. */
#define QUESTION_NS_MAX INT64_C(3000000000)
#define ROUNDS_MIN 5
#define TERMS_MAX 3
#define PIECES_MAX 3
/* Above it no snapshot is due. */
#define NEVER_BYTES (UINT64_C(1) << 60)

struct bench {
    struct store *store;
    uint64_t rows;
    uint64_t rounds;
    char value[LIST_VALUE_BYTES];
};

static void check(int result, const struct err *err)
{
    if (result != 0) {
        measure_fail("%s", err->text);
    }
}

/* ---- rows ---- */

static void fill(struct bench *bench)
{
    struct err err = ERR_INIT;
    int64_t start = now_ns();
    int64_t wait_ns;

    for (uint64_t number = 0; number < bench->rows; number++) {
        struct span value = list_value(number, list_state(number), bench->value);

        check(store_put(bench->store, STORE_TABLE_JOB, list_id(number), value, &err), &err);
        if (number % BATCH_ROWS == BATCH_ROWS - 1 || number + 1 == bench->rows) {
            check(store_commit(bench->store, &err), &err);
            check(store_tend(bench->store, &wait_ns, &err), &err);
        }
    }
    printf("what=fill rows=%" PRIu64 " seconds=%.1f\n", bench->rows, (double)(now_ns() - start) / 1e9);
}

static struct store_version *make_version(struct bench *bench, uint64_t number)
{
    struct span value = list_value(number, list_state(number), bench->value);
    struct store_version *version;
    struct err err = ERR_INIT;

    check(version_create(job_keys_extract, STORE_TABLE_JOB, list_id(number), value, &version, &err), &err);
    return version;
}

/* Deletes so many rows that each block is worth making anew, and makes them anew. */
static void measure_tidying(struct table *table, struct reclaim *reclaim, uint64_t count)
{
    struct samples steps = {NULL, 0, 0};
    struct err err = ERR_INIT;
    int64_t change;
    bool more = true;

    for (uint64_t i = 0; i < count; i++) {
        if (i % 8 < 5) {
            check(table_publish(table, list_id(i), NULL, reclaim, &change, &err), &err);
        }
    }
    while (more) {
        int64_t start = thread_cpu_ns();

        more = table_tidy(table, reclaim);
        samples_add(&steps, thread_cpu_ns() - start);
    }
    samples_print(&steps, "tidy_cpu");
    samples_deinit(&steps);
}

/* What publishing costs the writer, by rows that are made beforehand, in a table without a log. */
static void measure_index(struct bench *bench)
{
    static struct store_version *versions[INDEXED_ROWS];
    const uint64_t count = bench->rows < INDEXED_ROWS ? bench->rows : INDEXED_ROWS;
    struct samples steps = {NULL, 0, 0};
    struct table *table = table_create(true);
    struct reclaim *reclaim;
    struct err err = ERR_INIT;
    int64_t change;
    int64_t start;

    if (!table) {
        measure_fail("no memory for a table");
    }
    check(reclaim_create(&reclaim, &err), &err);
    for (uint64_t i = 0; i < count; i++) {
        versions[i] = make_version(bench, i);
    }
    start = thread_cpu_ns();
    for (uint64_t i = 0; i < count; i++) {
        int64_t step = thread_cpu_ns();

        check(table_publish(table, list_id(i), versions[i], reclaim, &change, &err), &err);
        samples_add(&steps, thread_cpu_ns() - step);
    }
    printf("what=index rows=%" PRIu64 " cpu_ns_per_row=%.0f ", count,
           (double)(thread_cpu_ns() - start) / (double)count);
    samples_print(&steps, "step_cpu");
    measure_tidying(table, reclaim, count);
    printf("\n");
    samples_deinit(&steps);
    reclaim_destroy(reclaim);
    table_destroy(table);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static void show_memory(const struct bench *bench, size_t heap_before)
{
    struct store_memory memory;
    double rows;

    store_memory(bench->store, STORE_TABLE_JOB, &memory);
    rows = (double)memory.rows;
    printf("what=memory rows=%" PRIu64 " value=%.1f header=%.1f ids=%.1f order=%.1f keys=%.1f texts=%.1f "
           "states_times=%.1f heap=%.1f\n",
           memory.rows, (double)memory.values / rows, (double)memory.headers / rows, (double)memory.ids / rows,
           (double)memory.order / rows, (double)memory.keys / rows, (double)memory.texts / rows,
           (double)memory.states_times / rows, (double)(heap_bytes() - heap_before) / rows);
}

/* ---- questions ---- */

enum from { FROM_NEWEST, FROM_ANYWHERE, FROM_FAR_BACK };

struct term {
    enum store_test_kind kind;
    bool negated;
    uint32_t states;
    const char *key;
    const char *pattern; /* '*' is the wildcard */
    uint64_t first_number;
    uint64_t last_number;
};

/* All of its terms must hold. */
struct question {
    const char *name;
    const char *text;
    enum from from;
    uint16_t count;
    struct term terms[TERMS_MAX];
};

struct compiled {
    struct store_filter filter;
    struct span pieces[TERMS_MAX][PIECES_MAX];
};

static struct store_pattern cut(const char *pattern, struct span *pieces)
{
    struct store_pattern result = {pieces, 0};

    for (;;) {
        const char *star = strchrnul(pattern, '*');

        pieces[result.count++] = span_make(pattern, (size_t)(star - pattern));
        if (*star == '\0') {
            return result;
        }
        pattern = star + 1;
    }
}

static void compile(const struct question *question, struct compiled *compiled)
{
    compiled->filter.count = question->count;
    for (uint16_t i = 0; i < question->count; i++) {
        const struct term *term = &question->terms[i];
        struct store_test *test = &compiled->filter.tests[i];
        uint16_t on = i + 1 < question->count ? (uint16_t)(i + 1) : STORE_FILTER_MATCH;

        memset(test, 0, sizeof *test);
        test->kind = term->kind;
        test->next[0] = term->negated ? on : STORE_FILTER_NO_MATCH;
        test->next[1] = term->negated ? STORE_FILTER_NO_MATCH : on;
        test->states = term->states;
        test->key = span_of(term->key);
        test->first_unix_ns = (int64_t)list_id(term->first_number);
        test->last_unix_ns = (int64_t)list_id(term->last_number);
        test->pattern = cut(term->pattern ? term->pattern : "", compiled->pieces[i]);
    }
}

static uint64_t start_of(const struct bench *bench, enum from from, uint64_t round)
{
    switch (from) {
    case FROM_NEWEST:
        return 0;
    case FROM_ANYWHERE:
        return list_id(1 + list_scatter(round) % bench->rows);
    case FROM_FAR_BACK:
        return list_id(bench->rows / 4 + 1);
    }
    return 0;
}

/* One page, and its bytes as an answer has them. Returns how many rows; *ret_before is where the next begins, 0: there
 * is none. */
static uint32_t take_page(const struct bench *bench, const struct store_query *query, uint64_t *ret_before)
{
    static char answer[PAGE_ROWS * LIST_VALUE_BYTES];
    struct store_page page;
    struct err err = ERR_INIT;
    size_t size = 0;
    uint32_t count;

    check(store_list(bench->store, query, &page, &err), &err);
    for (uint32_t i = 0; i < page.count; i++) {
        struct span value = store_version_value(page.versions[i]);

        memcpy(answer + size, value.data, value.size);
        size += value.size;
    }
    count = page.count;
    *ret_before = page.more ? page.next_before_id : 0;
    store_page_release(&page);
    return count;
}

/* A scan looks at more rows than one page may. */
static uint32_t take_rows(const struct bench *bench, struct store_query *query, bool scan)
{
    uint32_t count = 0;

    do {
        query->count_max = PAGE_ROWS - count;
        count += take_page(bench, query, &query->before_id);
    } while (scan && query->before_id > 0 && count < PAGE_ROWS);
    return count;
}

static bool scan_match(void *context, const struct store_version *version)
{
    return store_filter_matches(context, version);
}

static void ask(const struct bench *bench, const struct question *question, bool scan)
{
    static struct compiled compiled;
    struct store_query query = {.table = STORE_TABLE_JOB, .parent = span_of(LIST_PARENT)};
    struct samples took = {NULL, 0, 0};
    struct samples cpu = {NULL, 0, 0};
    int64_t end = now_ns() + QUESTION_NS_MAX;
    uint32_t count = 0;

    compile(question, &compiled);
    query.filter = scan ? NULL : &compiled.filter;
    query.match = scan ? scan_match : NULL;
    query.match_context = &compiled.filter;
    for (uint64_t round = 0; round < bench->rounds && (round < ROUNDS_MIN || now_ns() < end); round++) {
        int64_t cpu_start = thread_cpu_ns();
        int64_t start = now_ns();

        query.before_id = start_of(bench, question->from, round);
        count = take_rows(bench, &query, scan);
        samples_add(&took, now_ns() - start);
        samples_add(&cpu, thread_cpu_ns() - cpu_start);
    }
    printf("what=%s rows=%u ", scan ? "scan" : question->name, count);
    samples_print(&took, "");
    samples_print(&cpu, "cpu");
    printf("text=%s\n", question->text);
    fflush(stdout);
    samples_deinit(&took);
    samples_deinit(&cpu);
}

#define RUNNING_OF_TEAM                                                   \
    2,                                                                    \
    {                                                                     \
        {.kind = STORE_TEST_STATE, .states = 1u << LIST_RUNNING},         \
        {                                                                 \
            .kind = STORE_TEST_LABEL, .key = "team", .pattern = "team-07" \
        }                                                                 \
    }
#define NAME(pattern_text)                                             \
    1,                                                                 \
    {                                                                  \
        {                                                              \
            .kind = STORE_TEST_DISPLAY_NAME, .pattern = (pattern_text) \
        }                                                              \
    }

static void ask_all(const struct bench *bench)
{
    char run[LIST_RUN_BYTES];
    const struct question questions[] = {
        {"running_team", "state=\"JOB_STATE_RUNNING\" AND labels.team=\"team-07\"", FROM_NEWEST, RUNNING_OF_TEAM},
        {"anywhere", "the same, from anywhere", FROM_ANYWHERE, RUNNING_OF_TEAM},
        {"deep", "the same, far back", FROM_FAR_BACK, RUNNING_OF_TEAM},
        {"rare", "labels.run=\"(of one)\"", FROM_NEWEST, 1, {{.kind = STORE_TEST_LABEL, .key = "run", .pattern = run}}},
        {"disjoint",
         "labels.parity=\"odd\" AND labels.parity=\"even\"",
         FROM_NEWEST,
         2,
         {{.kind = STORE_TEST_LABEL, .key = "parity", .pattern = "odd"},
          {.kind = STORE_TEST_LABEL, .key = "parity", .pattern = "even"}}},
        {"not",
         "NOT state=\"JOB_STATE_SUCCEEDED\" AND NOT labels.parity=\"odd\" AND NOT labels.parity=\"even\"",
         FROM_NEWEST,
         3,
         {{.kind = STORE_TEST_STATE, .states = 1u << LIST_SUCCEEDED, .negated = true},
          {.kind = STORE_TEST_LABEL, .key = "parity", .pattern = "odd", .negated = true},
          {.kind = STORE_TEST_LABEL, .key = "parity", .pattern = "even", .negated = true}}},
        {"old",
         "create_time<(the first 1,000) AND state=\"JOB_STATE_RUNNING\"",
         FROM_NEWEST,
         2,
         {{.kind = STORE_TEST_CREATE_TIME, .first_number = 0, .last_number = 999},
          {.kind = STORE_TEST_STATE, .states = 1u << LIST_RUNNING}}},
        {"name_part", "display_name=\"*-0007771*\"", FROM_NEWEST, NAME("*-0007771*")},
        {"name_end", "display_name=\"*77777\"", FROM_NEWEST, NAME("*77777")},
        {"letter", "display_name=\"*q*\"", FROM_NEWEST, NAME("*q*")},
        {"letters", "display_name=\"*-9*\"", FROM_NEWEST, NAME("*-9*")},
        {"label_start",
         "labels.run=\"abcd*\"",
         FROM_NEWEST,
         1,
         {{.kind = STORE_TEST_LABEL, .key = "run", .pattern = "abcd*"}}},
        {"not_name",
         "NOT display_name=\"train*\"",
         FROM_NEWEST,
         1,
         {{.kind = STORE_TEST_DISPLAY_NAME, .pattern = "train*", .negated = true}}},
        {"not_label",
         "NOT labels.owner=\"user*\", as far as a page looks",
         FROM_NEWEST,
         1,
         {{.kind = STORE_TEST_LABEL, .key = "owner", .pattern = "user*", .negated = true}}},
    };

    list_run(bench->rows / 2, run);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        ask(bench, &questions[i], false);
    }
    ask(bench, &questions[0], true);
}

int main(int argc, char **argv)
{
    struct bench bench = {.store = NULL};
    struct store_options options = {
        .fs = fs_system(), .clock = clock_system(), .extract = job_keys_extract, .snapshot_log_bytes_min = NEVER_BYTES};
    struct store_recovery recovery;
    struct err err = ERR_INIT;
    size_t heap_before;

    if (argc != 4) {
        measure_fail("usage: list_store DIR ROWS ROUNDS");
    }
    options.dir = argv[1];
    bench.rows = strtoull(argv[2], NULL, 10);
    bench.rounds = strtoull(argv[3], NULL, 10);
    if (bench.rows == 0 || bench.rounds == 0) {
        measure_fail("ROWS and ROUNDS are numbers above 0");
    }
    measure_index(&bench);
    check(store_open(&options, &bench.store, &recovery, &err), &err);
    store_bind_owner(bench.store);
    heap_before = heap_bytes();
    fill(&bench);
    show_memory(&bench, heap_before);
    ask_all(&bench);
    store_close(bench.store);
    return 0;
}
