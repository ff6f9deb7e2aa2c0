/* docker_auth: what the engine shows a registry: the credentials that `docker login` has left.
 *
 * Used by   docker_launch.c.
 * Shape     config.json of docker: of `auths` the entry of the image's registry, which is what stands before the first
 *           slash if it looks like a host, else Docker Hub. The file is read anew for each pull. Credentials that a helper
 *           program keeps (credsStore, credHelpers) are refused by name: who needs them pulls the image before.
 * Thread    any.      Blocks    on the file.
 * Errors    ERR_INVALID: the file is no such JSON; ERR_UNSUPPORTED: a helper; ERR_DENIED: it cannot be read.
 * Source    docker's documentation of `docker login`; the Engine API, "Authentication".
 */
#ifndef EXECUTOR_DOCKER_AUTH_H_
#define EXECUTOR_DOCKER_AUTH_H_

#include "base/err.h"

C_DECLS_BEGIN

/* The value of the header X-Registry-Auth, to be freed; *ret_header is NULL where there are no credentials for the registry,
 * or no file. path NULL: no file. */
MUST_USE int docker_auth_header(const char *path, const char *image, char **ret_header, struct err *err);

C_DECLS_END

#endif /* EXECUTOR_DOCKER_AUTH_H_ */
