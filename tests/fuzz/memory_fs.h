/* memory_fs: a few files in memory behind struct fs, to be read; for fuzzers, which open a store's files by the million.
 *
 * Used by   the programs of tests/fuzz.
 */
#ifndef TESTS_FUZZ_MEMORY_FS_H_
#define TESTS_FUZZ_MEMORY_FS_H_

#include <stddef.h>

#include "base/fs.h"

#define MEMORY_FILES 8

struct memory_file {
    char name[64]; /* with its directory */
    char *bytes;
    size_t size;
};

struct memory_fs {
    struct fs fs;
    struct memory_file files[MEMORY_FILES];
    size_t count;
};

void memory_fs_init(struct memory_fs *memory);
/* A file of zeros. */
struct memory_file *memory_fs_add(struct memory_fs *memory, const char *name, size_t size);
void memory_fs_deinit(struct memory_fs *memory);

#endif /* TESTS_FUZZ_MEMORY_FS_H_ */
