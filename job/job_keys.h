/* job_keys: finds the keys of stored values by walking their wire bytes, without decoding a message.
 *
 * Used by   server/main.c, which gives it to the store; job/ and server/ tests.
 * Thread    any; pure.      Errors    ERR_CORRUPT with the offset.
 */
#ifndef JOB_JOB_KEYS_H_
#define JOB_JOB_KEYS_H_

#include "storage/store.h"

C_DECLS_BEGIN

MUST_USE int job_keys_extract(enum store_table table, struct span value, struct store_keys *ret_keys, struct err *err);

C_DECLS_END

#endif /* JOB_JOB_KEYS_H_ */
