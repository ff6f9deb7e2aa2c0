#include "buckets/object_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "buckets/directory_entries.h"
#include "buckets/object.h"
#include "buckets/tree_path.h"

struct walk {
    struct bucket_tree *tree;
    const struct bucket_name *bucket;
    int bucket_fd;
    const struct object_query *query;
    uint32_t count_max;
    struct object_page page;
    bool is_over; /* the page is full, or query->end was passed */
};

static int compare_bytes(struct span left, struct span right)
{
    size_t common = left.size < right.size ? left.size : right.size;
    int order = common > 0 ? memcmp(left.data, right.data, common) : 0;

    return order != 0 ? order : left.size < right.size ? -1 : left.size > right.size;
}

/* ---- what of the tree the page lies in ---- */

static bool is_wanted(const struct walk *walk, struct span name)
{
    const struct object_query *query = walk->query;

    return span_starts_with(name, query->prefix) && compare_bytes(name, query->start) >= 0 &&
           (query->after.size == 0 || compare_bytes(name, query->after) > 0);
}

/* Whether a name that begins with path, which ends in a slash, may be wanted. */
static bool may_hold(const struct walk *walk, struct span path)
{
    const struct object_query *query = walk->query;
    bool fits = span_starts_with(path, query->prefix) || span_starts_with(query->prefix, path);

    /* All names in there are above path; below a bound that path itself is no part of there is none that reaches it. */
    return fits && (compare_bytes(path, query->start) >= 0 || span_starts_with(query->start, path)) &&
           (compare_bytes(path, query->after) >= 0 || span_starts_with(query->after, path));
}

static bool is_past_end(const struct walk *walk, struct span name)
{
    return walk->query->end.size > 0 && compare_bytes(name, walk->query->end) >= 0;
}

/* ---- the page ---- */

/* True when there is room for one more; else the page has ended. */
static bool has_room(struct walk *walk)
{
    if (walk->page.item_count + walk->page.prefix_count < walk->count_max) {
        return true;
    }
    walk->page.more = true;
    walk->is_over = true;
    return false;
}

static int add_item(struct walk *walk, struct span name, struct err *err)
{
    const struct object_conditions none = OBJECT_UNCONDITIONAL;
    struct err passed = ERR_INIT;
    struct object_name read;
    struct object_info info;

    if (object_name_read(name, &read, &passed) != 0 || !has_room(walk)) {
        return 0;
    }
    if (object_open(walk->tree, walk->bucket, &read, &none, NULL, &info, &passed) != 0) {
        /* Gone meanwhile, no plain file, or a link that leads out. */
        return passed.code == ERR_NOT_FOUND || passed.code == ERR_DENIED ? 0 : (*err = passed, -1);
    }
    walk->page.items[walk->page.item_count++] = info;
    walk->page.last = read;
    return 0;
}

static void add_prefix(struct walk *walk, struct span name)
{
    struct err passed = ERR_INIT;
    struct object_name read;

    if (object_name_read(name, &read, &passed) == 0 && has_room(walk)) {
        walk->page.prefixes[walk->page.prefix_count++] = read;
        walk->page.last = read;
    }
}

/* ---- the walk ---- */

static int walk_directory(struct walk *walk, const char *path, struct err *err);

static int visit_directory(struct walk *walk, struct span path, struct err *err)
{
    const struct object_query *query = walk->query;
    bool is_told = query->by_directory && path.size > query->prefix.size && span_starts_with(path, query->prefix);
    char text[OBJECT_NAME_BYTES_MAX + 1];

    if (!may_hold(walk, path) || path.size > OBJECT_NAME_BYTES_MAX) {
        return 0;
    }
    if (is_told) {
        /* All of it was told by its prefix already when a page ended with that, or within it. */
        if (!span_starts_with(query->after, path)) {
            add_prefix(walk, path);
        }
        return 0;
    }
    memcpy(text, path.data, path.size);
    text[path.size] = '\0';
    return walk_directory(walk, text, err);
}

static int visit_entries(struct walk *walk, const char *path, const struct directory_entries *entries, struct err *err)
{
    char name[OBJECT_NAME_BYTES_MAX + 256 + 2];
    size_t base = strlen(path);

    memcpy(name, path, base);
    for (size_t i = 0; i < entries->count && !walk->is_over; i++) {
        size_t length = strlen(entries->names[i]);
        struct span whole = span_make(name, base + length);
        int result = 0;

        memcpy(name + base, entries->names[i], length);
        if (is_past_end(walk, whole)) {
            walk->is_over = true;
        } else if (entries->names[i][length - 1] == '/') {
            result = visit_directory(walk, whole, err);
        } else if (is_wanted(walk, whole)) {
            result = add_item(walk, whole, err);
        }
        if (result != 0) {
            return -1;
        }
    }
    return 0;
}

/* path: "" or one that ends in a slash. */
static int walk_directory(struct walk *walk, const char *path, struct err *err)
{
    struct directory_entries entries;
    int fd = tree_open_beneath(walk->bucket_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    int result = 0;

    if (fd < 0) {
        /* Gone meanwhile, or never there: a prefix asks for what it likes. */
        return errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP || errno == EXDEV ||
                       errno == ENAMETOOLONG
                   ? 0
                   : tree_fail(err, errno, walk->bucket->text, path);
    }
    if (directory_entries_read(fd, &entries, err) != 0) {
        return -1;
    }
    if (entries.is_empty && path[0] != '\0' && is_wanted(walk, span_of(path))) {
        result = add_item(walk, span_of(path), err);
    } else {
        result = visit_entries(walk, path, &entries, err);
    }
    directory_entries_deinit(&entries);
    return result;
}

/* The directory that holds all names with the prefix: nothing above it need be read. */
static int walk_from_prefix(struct walk *walk, struct err *err)
{
    char path[OBJECT_NAME_BYTES_MAX + 1];
    struct span prefix = walk->query->prefix;
    const char *slash = prefix.size > 0 ? memrchr(prefix.data, '/', prefix.size) : NULL;
    size_t length = slash ? (size_t)(slash - prefix.data) + 1 : 0;

    if (prefix.size > OBJECT_NAME_BYTES_MAX || (prefix.size > 0 && memchr(prefix.data, '\0', prefix.size))) {
        return 0; /* no object has such a name */
    }
    if (length > 0) {
        struct err passed = ERR_INIT;
        struct object_name read;

        if (object_name_read(span_make(prefix.data, length), &read, &passed) != 0) {
            return 0;
        }
    }
    memcpy(path, prefix.data ? prefix.data : "", length);
    path[length] = '\0';
    return walk_directory(walk, path, err);
}

int object_list(struct bucket_tree *tree, const struct bucket_name *bucket, const struct object_query *query,
                struct object_page *ret_page, struct err *err)
{
    struct walk walk = {.tree = tree, .bucket = bucket, .query = query};
    int result;

    walk.count_max =
        query->count_max > 0 && query->count_max < LIMIT_OBJECT_PAGE ? query->count_max : LIMIT_OBJECT_PAGE;
    if (tree_open_bucket(tree, bucket, &walk.bucket_fd, err) != 0) {
        return -1;
    }
    walk.page.items = calloc(walk.count_max, sizeof *walk.page.items);
    walk.page.prefixes = query->by_directory ? calloc(walk.count_max, sizeof *walk.page.prefixes) : NULL;
    if (!walk.page.items || (query->by_directory && !walk.page.prefixes)) {
        result = err_set(err, ERR_EXHAUSTED, "no memory for a page of %u objects", walk.count_max);
    } else {
        result = walk_from_prefix(&walk, err);
    }
    close(walk.bucket_fd);
    if (result != 0) {
        object_page_deinit(&walk.page);
        return -1;
    }
    *ret_page = walk.page;
    return 0;
}

void object_page_deinit(struct object_page *page)
{
    for (uint32_t i = 0; page->items && i < page->item_count; i++) {
        object_info_deinit(&page->items[i]);
    }
    free(page->items);
    free(page->prefixes);
    memset(page, 0, sizeof *page);
}
