/* JSON of any bytes. What the checker takes and refuses, jansson does too, but for numbers that no C number holds and
 * nesting; and a CustomJob that was read is, once it was written, read again as much. */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/json_check.h"
#include "server/json_message.h"
#include "upb/arena.h"

static void check(bool holds)
{
    if (!holds) {
        abort();
    }
}

static const struct json_types *types(void)
{
    static struct json_types *made;
    struct err err = ERR_INIT;

    if (!made) {
        check(json_types_create(&made, &err) == 0);
    }
    return made;
}

static void compare_with_jansson(struct span text, upb_Arena *arena)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
    struct err err = ERR_INIT;
    bool is_taken = json_check(text, NULL, "", arena, &err) == 0;
    json_error_t fault;
    json_t *read = json_loadb(text.data, text.size, flags, &fault);
    bool is_object = json_is_object(read);

    check(is_taken || (err.code == ERR_INVALID && err.text[0] != '\0'));
    if (is_taken && !read) {
        check(json_error_code(&fault) == json_error_numeric_overflow ||
              json_error_code(&fault) == json_error_null_byte_in_key);
    }
    /* jansson passes over NUL characters between values. */
    if (is_object && !is_taken && !memchr(text.data, '\0', text.size)) {
        check(strstr(err.text, "nested deeper") != NULL);
    }
    json_decref(read);
}

static void read_twice(struct span text, upb_Arena *arena)
{
    const struct upb_MessageDef *type = json_types_message(types(), "google.cloud.aiplatform.v1beta1.CustomJob");
    struct text written = {.data = NULL}, again = {.data = NULL};
    struct err err = ERR_INIT;
    struct span wire, wire_again;

    if (json_message_read(types(), type, text, "custom_job", arena, &wire, &err)) {
        check(err.code == ERR_INVALID && err.text[0] != '\0');
        return;
    }
    if (json_message_write(types(), type, wire, false, &written, &err) == 0) {
        check(json_message_read(types(), type, text_span(&written), "", arena, &wire_again, &err) == 0);
        check(json_message_write(types(), type, wire_again, false, &again, &err) == 0);
        check(written.size == again.size); /* a map has no order */
        json_add_pretty(&again, text_span(&written));
    }
    text_deinit(&written);
    text_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct span text = span_make(bytes, size);
    upb_Arena *arena = upb_Arena_New();

    compare_with_jansson(text, arena);
    read_twice(text, arena);
    upb_Arena_Free(arena);
    return 0;
}
