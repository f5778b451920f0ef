/* SPDX-License-Identifier: BSD-2-Clause */
/* report: the results of several runs as one page. */
#define _XOPEN_SOURCE 700
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/commands.h"
#include "engine/peer.h"
#include "engine/results.h"
#include "engine/util.h"
#include "report/compare.h"
#include "report/report.h"

/* By what it says of itself: all that are run by --command are called "command". */
static char *title_of(const json_t *results) {
    const json_t *peer = json_object_get(results, "peer");
    const char *name = json_get_text(peer, "implementation");
    return text_of("%s %s", *name != '\0' ? name : json_get_text(peer, "name"),
                   json_get_text(peer, "version"));
}

/* The page beside the results, as a link from the folder. */
static const char *page_of(const char *path, const char *folder) {
    char *absolute = realpath(path, NULL), *base = realpath(folder, NULL);
    char *slash = absolute != NULL ? strrchr(absolute, '/') : NULL;
    const char *link = NULL;
    if (slash != NULL && base != NULL) {
        *slash = '\0';
        char *page = text_of("%s/index.html", absolute);
        size_t length = strlen(base);
        if (access(page, R_OK) == 0 && strncmp(page, base, length) == 0 && page[length] == '/')
            link = copy_of(page + length + 1, strlen(page + length + 1));
        else if (access(page, R_OK) == 0)
            link = text_of("file://%s", page);
        free(page);
    }
    free(absolute);
    free(base);
    return link;
}

int command_report(const struct options *options) {
    const char *folder =
        options->report_dir ? options->report_dir : text_of("%s/report", program_folder());
    size_t count = 0;
    while (options->words[count] != NULL)
        count++;
    struct compared *peers = room(count * sizeof *peers);
    for (size_t i = 0; i < count; i++) {
        peers[i].results = read_results(options->words[i], "results.json of a run");
        peers[i].title = title_of(peers[i].results);
        peers[i].page = page_of(options->words[i], folder);
    }
    char *path = text_of("%s/comparison.html", folder);
    FILE *file = fopen(path, "w");
    if (file != NULL)
        write_comparison(file, peers, count);
    if (file == NULL || ferror(file) || fclose(file) != 0) {
        fprintf(stderr, "yotonspec: error: %s: %s; give another folder by --report-dir\n", path,
                strerror(errno));
        return EXIT_HARNESS;
    }
    printf("%zu runs side by side: %s\n", count, path);
    return EXIT_CONFORMS;
}
