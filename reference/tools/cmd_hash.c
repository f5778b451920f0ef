/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton hash`: the numbers of slot names and port names. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "tools.h"
#include "wire/utf8.h"
#include "yoton/names.h"

static const char help[] = "usage: yoton hash slot|port [NAME...]\n"
                           "\n"
                           "Prints one decimal number per name. Without NAME, names are read from "
                           "standard input, one per\n"
                           "line; lines end at LF only, and an empty line is the empty name.\n"
                           "  slot   full slot name: stripped, lower-cased, then hashed\n"
                           "  port   port name: the text as it is (no +offset)\n"
                           "\n"
                           "example: yoton hash slot foo.txt.pub-sub      prints 15285871923228\n";

/* What is hashed, and where a name came from, for messages. */
typedef struct job {
    bool port;
    const char *source; /* "argument" or "line" */
    size_t number;
} job;

static int complain(const job *job, const char *name, size_t size, int error) {
    if (error == YOTON_E_UTF8) {
        size_t bad = yoton_utf8_check(name, size);
        return tool_fail("hash",
                         "%s %zu, byte %zu: malformed UTF-8 (byte %02x); give names in UTF-8",
                         job->source, job->number, bad, (unsigned char)name[bad]);
    }
    if (error == YOTON_E_LENGTH)
        return tool_fail("hash", "%s %zu, byte 0: name longer than %d characters; shorten it",
                         job->source, job->number, YOTON_NAME_MAX);
    return tool_fail("hash", "%s %zu, byte 0: %s", job->source, job->number, yoton_strerror(error));
}

static int print_hash(const job *job, const char *name, size_t size) {
    uint64_t slot = 0;
    uint16_t port = 0;
    int error = job->port ? yoton_port_hash(name, size, &port) : yoton_slot_hash(name, size, &slot);
    if (error != YOTON_OK)
        return complain(job, name, size, error);
    printf("%" PRIu64 "\n", job->port ? (uint64_t)port : slot);
    return TOOL_OK;
}

static int hash_lines(job *job) {
    char *line = NULL;
    size_t room = 0;
    int result = TOOL_OK;
    job->source = "line";
    while (result == TOOL_OK) {
        errno = 0;
        ssize_t size = getline(&line, &room, stdin);
        if (size < 0)
            break;
        job->number++;
        if (line[size - 1] == '\n')
            size--;
        result = print_hash(job, line, (size_t)size);
    }
    if (result == TOOL_OK && !feof(stdin))
        result = tool_fail("hash", "cannot read standard input: %s", strerror(errno));
    free(line);
    return result;
}

int cmd_hash(int argc, char **argv) {
    int result = TOOL_OK;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        fputs(help, stdout);
        return tool_finish("hash");
    }
    if (argc < 2)
        return tool_usage("hash", "what to hash is missing: slot or port");
    if (strcmp(argv[1], "slot") != 0 && strcmp(argv[1], "port") != 0)
        return tool_usage("hash", "cannot hash \"%s\", only slot or port", argv[1]);
    job job = {.port = argv[1][0] == 'p', .source = "argument"};
    if (argc == 2)
        result = hash_lines(&job);
    for (int i = 2; i < argc && result == TOOL_OK; i++) {
        job.number++;
        result = print_hash(&job, argv[i], strlen(argv[i]));
    }
    int finished = tool_finish("hash");
    return result != TOOL_OK ? result : finished;
}
