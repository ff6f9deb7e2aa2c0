/* config_value: texts of options as values.
 *
 * Used by   config.c.
 * Thread    any; pure.
 * Errors    ERR_INVALID with the value in the sentence and how to write one; whoever calls puts the option's name before.
 */
#ifndef SERVER_CONFIG_VALUE_H_
#define SERVER_CONFIG_VALUE_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "server/config.h"

C_DECLS_BEGIN

MUST_USE int config_parse_switch(const char *text, bool *ret_value, struct err *err);
MUST_USE int config_parse_count(const char *text, uint64_t *ret_value, struct err *err);
MUST_USE int config_parse_duration(const char *text, uint64_t *ret_ms, struct err *err);
MUST_USE int config_parse_size(const char *text, uint64_t *ret_bytes, struct err *err);
MUST_USE int config_parse_ports(const char *text, struct config_ports *ret_ports, struct err *err);
/* "PROJECT=NUMBER"; *ret_name_bytes: how much of the text is the project. */
MUST_USE int config_parse_number(const char *text, size_t *ret_name_bytes, uint64_t *ret_number, struct err *err);

/* How many letters must change to make one of the other, counted up to limit + 1; a swap of neighbours is one. */
unsigned config_distance(const char *left, const char *right, unsigned limit);

C_DECLS_END

#endif /* SERVER_CONFIG_VALUE_H_ */
