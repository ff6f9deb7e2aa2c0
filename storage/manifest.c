#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "storage/data_dir.h"
#include "storage/file_out.h"

#define MANIFEST_BYTES_MAX 512

/* Renders the file. Reading parses the numbers, renders again and compares: there is one spelling of each manifest. */
static size_t render(const struct manifest *manifest, char *text)
{
    char uuid[2 * WAL_ID_BYTES + 1];
    size_t length;

    for (size_t i = 0; i < WAL_ID_BYTES; i++) {
        snprintf(uuid + 2 * i, 3, "%02x", manifest->store_uuid[i]);
    }
    length =
        (size_t)snprintf(text, MANIFEST_BYTES_MAX,
                         "customjobd manifest 1\nstore %s\nsnapshot %016" PRIx64 "\nfirst_segment %016" PRIx64 "\n",
                         uuid, manifest->snapshot_lsn, manifest->first_segment);
    return length +
           (size_t)snprintf(text + length, MANIFEST_BYTES_MAX - length, "crc32c %08" PRIx32 "\n", crc32c(text, length));
}

static int parse(const char *text, size_t size, struct manifest *ret_manifest)
{
    struct manifest manifest = {{0}, 0, 0};
    char again[MANIFEST_BYTES_MAX];
    char uuid[2 * WAL_ID_BYTES + 1];

    if (sscanf(text, "customjobd manifest 1\nstore %32[0-9a-f]\nsnapshot %" SCNx64 "\nfirst_segment %" SCNx64, uuid,
               &manifest.snapshot_lsn, &manifest.first_segment) != 3) {
        return -1;
    }
    for (size_t i = 0; i < WAL_ID_BYTES; i++) {
        unsigned byte;

        if (sscanf(uuid + 2 * i, "%2x", &byte) != 1) {
            return -1;
        }
        manifest.store_uuid[i] = (uint8_t)byte;
    }
    if (render(&manifest, again) != size || memcmp(text, again, size) != 0) {
        return -1;
    }
    *ret_manifest = manifest;
    return 0;
}

int manifest_read(const struct fs *fs, const char *dir, struct manifest *ret_manifest, struct err *err)
{
    struct data_dir_path path = data_dir_file(dir, "MANIFEST");
    char text[MANIFEST_BYTES_MAX + 1];
    size_t size = 0;
    int file;
    int result;

    if (fs->open(fs, path.text, FS_READ, &file, err) != 0) {
        return -1;
    }
    result = fs->read_at(fs, file, text, MANIFEST_BYTES_MAX, 0, &size, err);
    fs->close(fs, file);
    if (result != 0) {
        return -1;
    }
    text[size] = '\0';
    if (strncmp(text, "customjobd manifest ", 20) == 0 && strncmp(text, "customjobd manifest 1\n", 22) != 0) {
        return err_set(err, ERR_UNSUPPORTED, "%s is of a newer program", path.text);
    }
    if (parse(text, size, ret_manifest) != 0) {
        return err_set(err, ERR_CORRUPT, "%s is damaged", path.text);
    }
    return 0;
}

int manifest_write(const struct fs *fs, const char *dir, const struct manifest *manifest, struct err *err)
{
    char text[MANIFEST_BYTES_MAX];

    render(manifest, text);
    return file_out_text(fs, dir, "MANIFEST", text, err);
}
