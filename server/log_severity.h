/* log_severity: how grave an entry is, as the Logging API names and numbers it.
 *
 * Used by   log_filter.c, log_record.c.
 * Thread    any; pure.
 * Source    google/logging/type/log_severity.proto
 */
#ifndef SERVER_LOG_SEVERITY_H_
#define SERVER_LOG_SEVERITY_H_

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

/* *= proto: google.logging.type.LogSeverity */
#define LOG_SEVERITY_INFO 200
#define LOG_SEVERITY_WARNING 400
#define LOG_SEVERITY_ERROR 500

/* "ERROR", "error", "500". False: it is no severity. */
MUST_USE bool log_severity_parse(struct span text, int32_t *ret_severity);

C_DECLS_END

#endif /* SERVER_LOG_SEVERITY_H_ */
