#include "server/main_format.h"

#include <string.h>

#define FLAG "--format"

bool main_format_read(char *const **arguments, bool *json)
{
    const char *word = **arguments;
    const char *value = NULL;

    if (strcmp(word, "--json") == 0) {
        value = "json";
    } else if (strcmp(word, FLAG) == 0) {
        value = (*arguments)[1];
    } else if (strncmp(word, FLAG "=", sizeof FLAG) == 0) {
        value = word + sizeof FLAG;
    }
    if (!value || (strcmp(value, "json") != 0 && strcmp(value, "table") != 0)) {
        return false;
    }
    *json = strcmp(value, "json") == 0;
    *arguments += strcmp(word, FLAG) == 0 ? 1 : 0;
    return true;
}
