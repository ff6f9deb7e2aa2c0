#include <stdio.h>

#include "base/standard_streams.h"
#include "cli/failure.h"
#include "cli/program.h"

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;

    if (standard_streams_ensure(&err)) {
        fprintf(stderr, "customjob: %s\n", err.text);
        return EXIT_CODE_REFUSED;
    }
    return program_run(argc, argv, stdout, stderr);
}
