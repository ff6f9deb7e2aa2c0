/* config_set: puts one text into the member of the configuration that an option stands for.
 *
 * Used by   config.c alone.
 * Owns      nothing: what is kept lies in the configuration's arena.
 * Errors    ERR_INVALID with the value and its limit; the caller says where the value stood. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_CONFIG_SET_H_
#define SERVER_CONFIG_SET_H_

#include "server/config.h"

C_DECLS_BEGIN

/* Makes an empty list of a member that is one. */
MUST_USE int config_prepare(struct config *config, const struct config_option *option, struct err *err);
/* Sets the value, or adds it to the list. */
MUST_USE int config_set(struct config *config, const struct config_option *option, const char *text, struct err *err);
/* Empties a list. */
void config_clear(struct config *config, const struct config_option *option);
bool config_is_list(const struct config_option *option);

/* Says whether all of it makes sense together; ERR_INVALID. In config_check.c. */
MUST_USE int config_check(const struct config *config, struct err *err);

C_DECLS_END

#endif /* SERVER_CONFIG_SET_H_ */
