/* tree_sweep: removes what was begun and never finished, and gives names to what is begun.
 *
 * Used by   object_writer.c, upload.c.
 * Shape     unfinished files of more than a day, uploads of more than LIMIT_UPLOAD_AGE_S; looked for once in an hour, when something is
 *           begun. Another server on the same directory may be at the younger ones.
 * Thread    any.      Blocks    on the disk.
 */
#ifndef BUCKETS_TREE_SWEEP_H_
#define BUCKETS_TREE_SWEEP_H_

#include "buckets/tree_path.h"

C_DECLS_BEGIN

#define TREE_RANDOM_NAME_BYTES 33

/* 128 random bits, hexadecimal: nobody else has it, and nobody can guess it. */
void tree_random_name(char name[TREE_RANDOM_NAME_BYTES]);
void tree_sweep(struct bucket_tree *tree);

C_DECLS_END

#endif /* BUCKETS_TREE_SWEEP_H_ */
