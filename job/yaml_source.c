#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/yaml_keys.h"

static int read_bytes(const char *what, const char *path, size_t bytes_max, char **ret_bytes, size_t *ret_size,
                      struct err *err)
{
    FILE *file = fopen(path, "re");
    char *bytes = malloc(bytes_max + 1);
    size_t size = 0;
    int result = 0;

    if (!file) {
        result = err_set(err, ERR_INVALID, "cannot open the %s %s: %s", what, path, strerror(errno));
    } else if (!bytes) {
        result = err_set(err, ERR_EXHAUSTED, "no memory to read %s", path);
    } else {
        size = fread(bytes, 1, bytes_max + 1, file);
        if (ferror(file)) {
            result = err_set_errno(err, errno, "cannot read the %s %s", what, path);
        } else if (size > bytes_max) {
            result = err_set(err, ERR_INVALID, "%s has more than %zu bytes, the limit", path, bytes_max);
        }
    }
    if (file) {
        fclose(file);
    }
    if (result) {
        free(bytes);
        return result;
    }
    *ret_bytes = bytes;
    *ret_size = size;
    return 0;
}

static int load(const char *bytes, size_t size, struct yaml_source *ret_source, struct err *err)
{
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser)) {
        return err_set(err, ERR_EXHAUSTED, "no memory to read %s", ret_source->path);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    ret_source->has_document = yaml_parser_load(&parser, &ret_source->document) != 0;
    if (!ret_source->has_document) {
        err_set(err, ERR_INVALID, "%s:%zu: this is neither YAML nor JSON: %s", ret_source->path,
                parser.problem_mark.line + 1, parser.problem ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return ret_source->has_document ? 0 : -1;
}

int yaml_source_open(const char *what, const char *path, size_t bytes_max, struct yaml_source *ret_source,
                     struct err *err)
{
    struct yaml_source source = {.path = path};
    char *bytes;
    size_t size;
    int result;

    if (read_bytes(what, path, bytes_max, &bytes, &size, err)) {
        return -1;
    }
    result = load(bytes, size, &source, err);
    free(bytes);
    if (result == 0) {
        *ret_source = source;
    }
    return result;
}

void yaml_source_close(struct yaml_source *source)
{
    if (source->has_document) {
        yaml_document_delete(&source->document);
        source->has_document = false;
    }
}
