/* suggest: of a list of names, the one that was probably meant.
 *
 * Used by   args.c for commands and options, doc_typed.c for fields and enum values.
 * Shape     upper and lower case, '-' and '_' are the same; the distance is that of Damerau and Levenshtein
 *           (neighbours exchanged count once), and at most a third of the word may differ.
 * Owns      nothing: the best name is the caller's.      Thread    the caller's.
 */
#ifndef CLI_SUGGEST_H_
#define CLI_SUGGEST_H_

#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct suggestion {
    struct span wrong;
    const char *best; /* NULL: nothing is near enough */
    size_t distance;
};

struct suggestion suggestion_start(struct span wrong);
void suggestion_offer(struct suggestion *suggestion, const char *name);

C_DECLS_END

#endif /* CLI_SUGGEST_H_ */
