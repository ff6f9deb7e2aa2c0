#include "seal/key_plugin.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seal/child.h"

enum plugin_exit { PLUGIN_DONE = 0, PLUGIN_NO_KEY = 3, PLUGIN_NOT_WRAPPED = 4 };

/* base64 of so many bytes, with its NUL. */
#define BASE64_BYTES(bytes) (((bytes) + 2) / 3 * 4 + 1)
#define ANSWER_BYTES_MAX (KEY_VERSION_BYTES + BASE64_BYTES(WRAPPED_BYTES_MAX) + 16)

struct key_plugin {
    struct key_source source; /* first */
    char *program;
    char *list_text; /* what the names point into */
    struct key_info *infos;
    size_t count;
};

static struct key_plugin *self_of(struct key_source *source)
{
    return (struct key_plugin *)source;
}

static void destroy(struct key_source *source)
{
    struct key_plugin *self = self_of(source);

    free(self->infos);
    free(self->list_text);
    free(self->program);
    free(self);
}

/* ---- asking ---- */

static enum err_code code_of(int exit_code)
{
    switch (exit_code) {
    case PLUGIN_NO_KEY:
        return ERR_NOT_FOUND;
    case PLUGIN_NOT_WRAPPED:
        return ERR_DENIED;
    default:
        return ERR_UNAVAILABLE;
    }
}

/* The output of `PROGRAM verb [name [version]]`, to be wiped and freed. */
static int ask(const struct key_plugin *self, const char *verb, const char *name, const char *version,
               struct span input, size_t bytes_max, char **ret_output, struct err *err)
{
    char *const words[] = {self->program, (char *)(uintptr_t)verb, (char *)(uintptr_t)name, (char *)(uintptr_t)version,
                           NULL};
    struct child_result result;

    if (child_run(words, input, bytes_max, KEY_PLUGIN_MS_MAX, &result, err) != 0) {
        return err_wrap(err, "%s %s %s", self->program, verb, name ? name : "");
    }
    if (result.exit_code != PLUGIN_DONE) {
        seal_wipe(result.output, result.output_bytes);
        free(result.output);
        return err_set(err, code_of(result.exit_code), "%s %s %s failed with %d%s%s", self->program, verb,
                       name ? name : "", result.exit_code, result.reason[0] ? ": " : "", result.reason);
    }
    *ret_output = result.output;
    return 0;
}

static int bad_answer(const struct key_plugin *self, const char *verb, const char *wanted, struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "%s %s did not print %s", self->program, verb, wanted);
}

/* Bytes that the base64 text stands for; 0: it is none. */
static size_t decode(const char *text, size_t text_bytes, uint8_t *bytes, size_t bytes_max)
{
    uint8_t decoded[BASE64_BYTES(WRAPPED_BYTES_MAX)];
    size_t padding = text_bytes > 1 ? (size_t)(text[text_bytes - 1] == '=') + (text[text_bytes - 2] == '=') : 0;
    size_t size;
    int got;

    if (text_bytes == 0 || text_bytes % 4 != 0 || text_bytes >= sizeof decoded) {
        return 0;
    }
    got = EVP_DecodeBlock(decoded, (const uint8_t *)text, (int)text_bytes);
    size = got < 0 || (size_t)got < padding ? 0 : (size_t)got - padding;
    if (size > bytes_max) {
        size = 0;
    }
    memcpy(bytes, decoded, size);
    seal_wipe(decoded, sizeof decoded);
    return size;
}

/* One line of base64. Returns its size. */
static size_t encode(const uint8_t *bytes, size_t size, char *line)
{
    int length = EVP_EncodeBlock((uint8_t *)line, bytes, (int)size);

    line[length] = '\n';
    return (size_t)length + 1;
}

static int wrap(struct key_source *source, const char *name, const uint8_t *data_key, struct wrapped_key *ret_wrapped,
                struct err *err)
{
    const struct key_plugin *self = self_of(source);
    struct wrapped_key wrapped = {.size = 0};
    char line[BASE64_BYTES(SEAL_KEY_BYTES) + 1];
    char *answer = NULL;
    size_t version_bytes;
    int result = ask(self, "wrap", name, NULL, span_make(line, encode(data_key, SEAL_KEY_BYTES, line)),
                     ANSWER_BYTES_MAX, &answer, err);

    seal_wipe(line, sizeof line);
    if (result != 0) {
        return -1;
    }
    version_bytes = strcspn(answer, " \n");
    if (version_bytes > 0 && version_bytes < KEY_VERSION_BYTES && answer[version_bytes] == ' ') {
        const char *text = answer + version_bytes + 1;

        memcpy(wrapped.version, answer, version_bytes);
        wrapped.size = (uint16_t)decode(text, strcspn(text, "\n"), wrapped.bytes, WRAPPED_BYTES_MAX);
    }
    free(answer);
    if (wrapped.size == 0) {
        return bad_answer(self, "wrap", "VERSION WRAPPED", err);
    }
    *ret_wrapped = wrapped;
    return 0;
}

static int unwrap(struct key_source *source, const char *name, const struct wrapped_key *wrapped, uint8_t *data_key,
                  struct err *err)
{
    const struct key_plugin *self = self_of(source);
    char line[BASE64_BYTES(WRAPPED_BYTES_MAX) + 1];
    char *answer = NULL;
    size_t size;

    if (ask(self, "unwrap", name, wrapped->version, span_make(line, encode(wrapped->bytes, wrapped->size, line)),
            ANSWER_BYTES_MAX, &answer, err) != 0) {
        return -1;
    }
    size = decode(answer, strcspn(answer, "\n"), data_key, SEAL_KEY_BYTES);
    seal_wipe(answer, strlen(answer));
    free(answer);
    return size == SEAL_KEY_BYTES ? 0 : bad_answer(self, "unwrap", "32 bytes in base64", err);
}

static const struct key_info *list(struct key_source *source, size_t *ret_count)
{
    *ret_count = self_of(source)->count;
    return self_of(source)->infos;
}

/* ---- the names ---- */

static int read_line(struct key_plugin *self, char *line, struct err *err)
{
    char *space = strchr(line, ' ');
    const char *fault;

    if (!space || space[1] == '\0' || strchr(space + 1, ' ') || strlen(space + 1) >= KEY_VERSION_BYTES) {
        return err_set(err, ERR_INVALID, "%s list: a line is NAME PRIMARY_VERSION", self->program);
    }
    *space = '\0';
    fault = key_name_fault(span_of(line));
    if (fault) {
        return err_set(err, ERR_INVALID, "%s list: the name \"%.100s\" %s", self->program, line, fault);
    }
    self->infos[self->count++] = (struct key_info){line, space + 1};
    return 0;
}

static int read_list(struct key_plugin *self, struct err *err)
{
    size_t lines = 1;

    for (const char *at = self->list_text; (at = strchr(at, '\n')); at++) {
        lines++;
    }
    self->infos = calloc(lines, sizeof *self->infos);
    if (!self->infos) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    for (char *line = self->list_text, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        if (read_line(self, line, err) != 0) {
            return -1;
        }
    }
    if (self->count == 0) {
        return err_set(err, ERR_INVALID, "%s list: there is no key", self->program);
    }
    qsort(self->infos, self->count, sizeof *self->infos, key_info_compare);
    return 0;
}

int key_plugin_open(const char *program, struct key_source **ret_source, struct err *err)
{
    struct key_plugin *self = calloc(1, sizeof *self);

    if (!self) {
        return err_set(err, ERR_EXHAUSTED, "no memory for keys");
    }
    self->source =
        (struct key_source){.is_slow = true, .list = list, .wrap = wrap, .unwrap = unwrap, .destroy = destroy};
    self->program = strdup(program);
    if (!self->program) {
        err_set(err, ERR_EXHAUSTED, "no memory for keys");
    } else if (access(program, X_OK) != 0) {
        err_set(err, ERR_INVALID, "--kms-plugin %s cannot be run", program);
    } else if (ask(self, "list", NULL, NULL, span_make(NULL, 0), KEY_PLUGIN_OUTPUT_BYTES_MAX, &self->list_text, err) ==
                   0 &&
               read_list(self, err) == 0) {
        *ret_source = &self->source;
        return 0;
    }
    destroy(&self->source);
    return -1;
}
