#include "server/filter_grammar.h"
#include "server/list_filter.h"
#include "server/list_filter_restriction.h"
#include "upb/arena.h"

_Static_assert(FILTER_MATCH == STORE_FILTER_MATCH && FILTER_NO_MATCH == STORE_FILTER_NO_MATCH, "jumps are copied");

struct compiling {
    enum list_filter_of of;
    struct span text;
    struct upb_Arena *arena;
    struct store_filter *filter;
};

static int compile(void *context, uint16_t index, const struct filter_comparison *comparison, struct err *err)
{
    struct compiling *compiling = context;

    return filter_restriction_compile(compiling->of, compiling->text, comparison, compiling->arena,
                                      &compiling->filter->tests[index], err);
}

int list_filter_compile(enum list_filter_of of, struct span text, struct upb_Arena *arena,
                        const struct store_filter **ret_filter, struct err *err)
{
    struct compiling compiling = {of, text, arena, upb_Arena_Malloc(arena, sizeof *compiling.filter)};
    struct filter_jumps jumps;

    if (!compiling.filter) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a filter");
    }
    if (filter_grammar_parse(text, LIST_FILTER_PATH_MAX, compile, &compiling, &jumps, err)) {
        return -1;
    }
    compiling.filter->count = jumps.count;
    for (uint16_t i = 0; i < jumps.count; i++) {
        compiling.filter->tests[i].next[0] = jumps.next[i][0];
        compiling.filter->tests[i].next[1] = jumps.next[i][1];
    }
    *ret_filter = jumps.count > 0 ? compiling.filter : NULL;
    return 0;
}
