/* yaml_schema: what a YAML scalar without quotes is, by the core schema of YAML 1.2.
 *
 * Used by   yaml_read.c; doc_write.c to know what it must put in quotes.
 * Shape     yes, no, on and off are texts here, unlike in YAML 1.1.      Thread    any; pure.
 * Source    YAML 1.2.2 §10.3.2.
 */
#ifndef CLI_YAML_SCHEMA_H_
#define CLI_YAML_SCHEMA_H_

#include "cli/doc.h"

C_DECLS_BEGIN

/* One of DOC_NULL, DOC_BOOL (*ret_truth is set), DOC_NUMBER and DOC_STRING. */
enum doc_kind yaml_schema_kind(struct span plain, bool *ret_truth);
/* May be written without quotes and is read as the same text, by YAML 1.1 readers too. */
bool yaml_schema_is_safe(struct span text);

C_DECLS_END

#endif /* CLI_YAML_SCHEMA_H_ */
