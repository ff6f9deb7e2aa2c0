#include "server/main_keys.h"

#include <sys/prctl.h>

#include "seal/key_file.h"
#include "seal/key_plugin.h"

int main_keys_open(const char *key_file, const char *kms_plugin, struct keyring **ret_ring, struct err *err)
{
    struct key_source *source;

    if (!key_file && !kms_plugin) {
        *ret_ring = NULL;
        return 0;
    }
    /* Neither a dump of the memory nor another process of this user shall have what is in it. Programs that are started
     * later do not inherit it. */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (key_file ? key_file_open(key_file, &source, err) : key_plugin_open(kms_plugin, &source, err)) {
        return -1;
    }
    if (keyring_create(source, ret_ring, err)) {
        source->destroy(source);
        return -1;
    }
    return 0;
}

int main_keys_start(struct keyring *ring, const char *store_key, struct err *err)
{
    const struct data_key *ignored;

    if (!ring) {
        return 0;
    }
    if (store_key && keyring_make(ring, span_of(store_key), &ignored, err)) {
        err->code = err->code == ERR_NOT_FOUND ? ERR_INVALID : err->code;
        return err_wrap(err, "--store-key %s", store_key);
    }
    return keyring_start(ring, err);
}
