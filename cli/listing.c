#include "cli/listing.h"

#include "cli/output.h"

/* What the server gives when it is not told; fewer are asked for when fewer are wanted. */
#define PAGE_SIZE_DEFAULT 100

static bool is_table(const struct listing *listing)
{
    return listing->session->format == FORMAT_TABLE && !listing->session->quiet;
}

/* JSON or YAML. */
static bool is_document(const struct listing *listing)
{
    return listing->session->format != FORMAT_TABLE && !listing->session->quiet;
}

int listing_add(struct listing *listing, const upb_Message *item, const upb_MessageDef *type, struct span name,
                listing_row_fn row, struct err *err)
{
    if (listing->count >= listing->limit) {
        return 0;
    }
    if (listing->session->quiet) {
        text_add(&listing->out, name);
        text_add_char(&listing->out, '\n');
    } else if (is_table(listing)) {
        row(&listing->table, item);
    } else if (output_list_item(listing->session, &listing->out, listing->count, item, type, listing->arena, err)) {
        return -1;
    }
    listing->count++;
    return 0;
}

/* The token outlives the page it came with. */
static int take_token(struct listing *listing, struct span token, struct err *err)
{
    struct text next = {.data = NULL};

    text_add(&next, token);
    text_deinit(&listing->token);
    listing->token = next;
    listing->page.page_token = text_span(&listing->token);
    return text_check(&listing->token, err);
}

static int run_page(struct listing *listing, listing_page_fn page, struct err *err)
{
    struct span token = span_make(NULL, 0);

    if (page(listing, &token, err)) {
        return -1;
    }
    if (is_table(listing)) {
        table_flush(&listing->table, &listing->out);
    }
    return take_token(listing, token, err) ? -1 : session_print(listing->session, &listing->out, err);
}

static int run_pages(struct listing *listing, listing_page_fn page, struct err *err)
{
    do {
        int failed;

        listing->arena = upb_Arena_New();
        failed = listing->arena ? run_page(listing, page, err) : err_set(err, ERR_EXHAUSTED, "out of memory");
        if (listing->arena) {
            upb_Arena_Free(listing->arena);
        }
        if (failed) {
            return -1;
        }
    } while (listing->token.size > 0 && listing->count < listing->limit);
    return 0;
}

int listing_run(struct session *session, const char *const *titles, listing_page_fn page, struct err *err)
{
    struct listing listing = {.session = session, .limit = (size_t)args_number(session->args, OPTION_LIMIT, INT32_MAX)};
    int failed;

    listing.page.page_size = (int32_t)args_number(session->args, OPTION_PAGE_SIZE, 0);
    if (listing.page.page_size == 0 && listing.limit < PAGE_SIZE_DEFAULT) {
        listing.page.page_size = (int32_t)listing.limit;
    }
    listing.page.filter = span_of(args_text(session->args, OPTION_FILTER, ""));
    if (session_parent(session, &listing.page.parent, err)) {
        return -1;
    }
    output_load_types(session);
    table_init(&listing.table, titles, session->colour);
    if (is_document(&listing)) {
        output_list_begin(session, &listing.out);
    }
    failed = listing.limit > 0 ? run_pages(&listing, page, err) : 0;
    if (!failed && is_document(&listing)) {
        output_list_end(session, &listing.out, listing.count);
    }
    if (!failed) {
        failed = session_print(session, &listing.out, err);
    }
    table_deinit(&listing.table);
    text_deinit(&listing.token);
    text_deinit(&listing.out);
    return failed;
}
