/* err: an error as a value: a code for programs and a sentence for people.
 *
 * Used by   everything. A function that can fail returns int, 0 or -1, is MUST_USE, takes
 *           `struct err *err` last, and leaves its ret_ outputs untouched on failure.
 * Owns      its text, in place: no allocation on a failing path. Longer sentences are cut, never overrun.
 * Thread    a value of the caller; not shared.
 * Errors    err itself must not be NULL.
 * Source    raft's errmsg and crun's wrapped "outer: inner".
 */
#ifndef BASE_ERR_H_
#define BASE_ERR_H_

#include <stdarg.h>

#ifdef __cplusplus
#define C_DECLS_BEGIN extern "C" {
#define C_DECLS_END }
#else
#define C_DECLS_BEGIN
#define C_DECLS_END
#endif

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))

C_DECLS_BEGIN

#define ERR_TEXT_BYTES 1024

/* What went wrong, for programs. A gRPC status is made of it in one place, server/status.c. */
enum err_code {
    ERR_NONE = 0,
    ERR_INVALID,      /* the asker's mistake: INVALID_ARGUMENT */
    ERR_NOT_FOUND,    /* NOT_FOUND */
    ERR_EXISTS,       /* ALREADY_EXISTS */
    ERR_PRECONDITION, /* FAILED_PRECONDITION: not in this state */
    ERR_EXHAUSTED,    /* RESOURCE_EXHAUSTED: a bound of ours was reached */
    ERR_UNAVAILABLE,  /* UNAVAILABLE: try again later */
    ERR_DEADLINE,     /* DEADLINE_EXCEEDED */
    ERR_UNSUPPORTED,  /* UNIMPLEMENTED, by name */
    ERR_DENIED,       /* PERMISSION_DENIED */
    ERR_IN_USE,       /* a lock or address is held by somebody else */
    ERR_CORRUPT,      /* bytes on disk cannot be trusted */
    ERR_IO,           /* a system call failed; errno's text is in the sentence */
    ERR_INTERNAL      /* a mistake of ours */
};

struct err {
    enum err_code code;
    char text[ERR_TEXT_BYTES];
};

#define ERR_INIT  \
    {             \
        ERR_NONE, \
        {         \
            0     \
        }         \
    }

/* Sets code and sentence. Always returns -1, so that `return err_set(…)` reads well. */
int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);
int err_set_v(struct err *err, enum err_code code, const char *format, va_list arguments) PRINTF_LIKE(3, 0);

/* Like err_set with code ERR_IO and ": <text of errno_value>" at the end. */
int err_set_errno(struct err *err, int errno_value, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "<outer>: " before the sentence; keeps the code. Always returns -1. */
int err_wrap(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* The code's name in lower case, such as "not found"; static storage. */
const char *err_code_name(enum err_code code);

C_DECLS_END

#endif /* BASE_ERR_H_ */
