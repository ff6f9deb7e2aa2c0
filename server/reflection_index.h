/* reflection_index: which file of the served contracts declares a name, and what that file needs.
 *
 * Used by   reflection_service.c; main_serve.c makes it once.
 * Shape     files as protoc wrote their descriptors, options and all; names of every kind: services, methods, messages,
 *           fields, oneofs, enums, extensions, and enum values both where protobuf puts them (beside their enum) and
 *           where people look for them (within it).
 * Owns      its tables; descriptors are static. What it returns lives as long as it does.
 * Thread    read-only once made: any.      Blocks    never.
 * Errors    ERR_INTERNAL: a descriptor that does not load. ERR_EXHAUSTED: memory.
 */
#ifndef SERVER_REFLECTION_INDEX_H_
#define SERVER_REFLECTION_INDEX_H_

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

C_DECLS_BEGIN

struct reflection_index;

struct reflection_file {
    struct span name;
    struct span descriptor;                      /* google.protobuf.FileDescriptorProto, wire bytes */
    const struct reflection_file *const *needed; /* itself, then all it imports, each once */
    size_t needed_count;
};

MUST_USE int reflection_index_create(struct reflection_index **ret_index, struct err *err);
/* NULL is allowed. */
void reflection_index_destroy(struct reflection_index *index);

const struct reflection_file *reflection_index_files(const struct reflection_index *index, size_t *ret_count);

/* Each NULL when there is no such thing. A symbol's name may begin with the dot of a fully qualified one. */
const struct reflection_file *reflection_find_file(const struct reflection_index *index, struct span name);
const struct reflection_file *reflection_find_symbol(const struct reflection_index *index, struct span name);
const struct reflection_file *reflection_find_extension(const struct reflection_index *index, struct span type,
                                                        int32_t number);

/* The numbers of a message's extensions in numbers, at most so many. False: no such message. */
bool reflection_extension_numbers(const struct reflection_index *index, struct span type, int32_t *numbers,
                                  size_t numbers_max, size_t *ret_count);

C_DECLS_END

#endif /* SERVER_REFLECTION_INDEX_H_ */
