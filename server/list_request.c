#include "server/list_request.h"

#include "server/request_fault.h"
#include "server/services.h"

static int check_filter(struct call *call, const struct list_request *request, struct violations *violations,
                        struct store_query *query, struct err *err)
{
    if (list_filter_compile(request->filter_of, request->query.filter, call_arena(call), &query->filter, err)) {
        return request_fault_note(violations, "filter", err);
    }
    return 0;
}

static uint32_t page_size(int32_t asked)
{
    if (asked == 0) {
        return LIMIT_PAGE_SIZE_DEFAULT;
    }
    return asked < LIMIT_PAGE_SIZE_MAX ? (uint32_t)asked : LIMIT_PAGE_SIZE_MAX;
}

int list_request_check(struct call *call, const struct list_request *request, struct violations *violations,
                       struct store_query *ret_query, struct err *err)
{
    struct store_query query = {
        .table = request->table, .parent = request->query.parent, .bytes_max = LIMIT_PAGE_BYTES};

    if (request->page_size < 0) {
        violations_add(violations, "page_size", "%d is below 0; 0 means %d, and at most %d are given at once.",
                       request->page_size, LIMIT_PAGE_SIZE_DEFAULT, LIMIT_PAGE_SIZE_MAX);
    } else {
        query.count_max = page_size(request->page_size);
    }
    if (page_token_decode(call_services(call)->page_token_key, &request->query, request->page_token, &query.before_id,
                          err) &&
        request_fault_note(violations, "page_token", err)) {
        return -1;
    }
    if (check_filter(call, request, violations, &query, err)) {
        return -1;
    }
    *ret_query = query;
    return 0;
}

int list_request_next_token(struct call *call, const struct list_request *request, const struct store_page *page,
                            struct span *ret_token, struct err *err)
{
    char *token;

    if (!page->more) {
        *ret_token = span_make(NULL, 0);
        return 0;
    }
    token = call_allocate(call, PAGE_TOKEN_CHARS);
    if (!token) {
        return err_set(err, ERR_EXHAUSTED, "no memory for a page token");
    }
    page_token_encode(call_services(call)->page_token_key, &request->query, page->next_before_id, token);
    *ret_token = span_make(token, PAGE_TOKEN_CHARS);
    return 0;
}
