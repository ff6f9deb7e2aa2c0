/* output: messages on standard output in the format that was asked for.
 *
 * Used by   command_*.c.
 * Shape     JSON as the API writes it, two spaces a level; a list is one array, or one YAML sequence, written page by
 *           page.
 * Thread    main.      Blocks    on the output.
 * Errors    ERR_IO, ERR_EXHAUSTED, ERR_INTERNAL.
 */
#ifndef CLI_OUTPUT_H_
#define CLI_OUTPUT_H_

#include "base/text.h"
#include "cli/session.h"

C_DECLS_BEGIN

/* One message as JSON or YAML; with FORMAT_TABLE as YAML. */
MUST_USE int output_message(struct session *session, const upb_Message *message, const upb_MessageDef *type,
                            struct err *err);

/* A list: begin, items, end. What is added goes to a text that the caller prints. */
void output_list_begin(const struct session *session, struct text *text);
/* index: how many were before. */
MUST_USE int output_list_item(const struct session *session, struct text *text, size_t index,
                              const upb_Message *message, const upb_MessageDef *type, upb_Arena *arena,
                              struct err *err);
void output_list_end(const struct session *session, struct text *text, size_t count);

/* Loads the types that an Operation carries as Any, so that they can be written. */
void output_load_types(struct session *session);

C_DECLS_END

#endif /* CLI_OUTPUT_H_ */
