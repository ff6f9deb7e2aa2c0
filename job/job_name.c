#include "job/job_name.h"

#include <stddef.h>

uint64_t job_name_last_id(struct span name)
{
    uint64_t id = 0;
    size_t start = name.size;

    while (start > 0 && name.data[start - 1] != '/') {
        start--;
    }
    if (start == name.size || name.data[start] == '0') {
        return 0;
    }
    for (size_t i = start; i < name.size; i++) {
        unsigned digit = (unsigned)(name.data[i] - '0');

        if (digit > 9 || __builtin_mul_overflow(id, UINT64_C(10), &id) || __builtin_add_overflow(id, digit, &id)) {
            return 0;
        }
    }
    return id;
}

int job_name_parse(struct span name, struct job_name *ret_name, struct err *err)
{
    static const char *const collections[] = {"projects/", "/locations/", "/customJobs/"};
    struct span values[3];
    struct span rest = name;

    for (size_t i = 0; i < 3; i++) {
        size_t size = 0;

        if (!span_starts_with(rest, span_of(collections[i]))) {
            return err_set(err, ERR_INVALID, "\"%.*s\" is no name of a CustomJob", SPAN_FORMAT(name));
        }
        rest = span_skip(rest, strlen(collections[i]));
        while (size < rest.size && rest.data[size] != '/') {
            size++;
        }
        values[i] = span_make(rest.data, size);
        rest = span_skip(rest, size);
    }
    *ret_name = (struct job_name){.project = values[0],
                                  .location = values[1],
                                  .parent = span_make(name.data, (size_t)(values[1].data + values[1].size - name.data)),
                                  .id_text = values[2],
                                  .id = rest.size == 0 ? job_name_last_id(name) : 0};
    if (ret_name->id == 0 || values[0].size == 0 || values[1].size == 0) {
        return err_set(err, ERR_INVALID, "\"%.*s\" is no name of a CustomJob", SPAN_FORMAT(name));
    }
    return 0;
}
