/* SPDX-License-Identifier: BSD-2-Clause */
#define _POSIX_C_SOURCE 200809L
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/util.h"

const char harness_version[] = "0.1";

static const struct {
    const char *name;
    void (*write)(FILE *file, const json_t *results);
} reports[] = {{"junit.xml", write_junit_report},
               {"results.tap", write_tap_report},
               {"index.html", write_html_report},
               {"results.json", write_json_report}}; /* last: who finds it finds them all */

enum { REPORTS = sizeof reports / sizeof *reports };

static char *path_in(const char *folder, const char *name, const char *suffix) {
    return text_of("%s/%s%s", folder, name, suffix);
}

/* Makes the folder and those above it. */
static int make_folders(const char *folder) {
    char *path = copy_of(folder, strlen(folder));
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0777); /* if this is what fails, the last one fails, too */
        *slash = '/';
    }
    int error = mkdir(path, 0777) == 0 || errno == EEXIST ? 0 : errno;
    struct stat found;
    if (error == 0 && stat(path, &found) == 0 && !S_ISDIR(found.st_mode))
        error = ENOTDIR;
    free(path);
    return error;
}

char *prepare_reports(const char *folder) {
    int error = make_folders(folder);
    if (error != 0)
        return text_of("report folder %s: %s; give another by --report-dir", folder,
                       strerror(error));
    for (int i = 0; i < REPORTS; i++) {
        char *path = path_in(folder, reports[i].name, "");
        error = unlink(path) == 0 || errno == ENOENT ? 0 : errno;
        free(path);
        path = path_in(folder, reports[i].name, ".tmp");
        FILE *file = error == 0 ? fopen(path, "w") : NULL;
        if (error == 0 && file == NULL)
            error = errno;
        if (file != NULL)
            fclose(file);
        unlink(path);
        free(path);
        if (error != 0)
            return text_of("report folder %s: cannot write %s: %s; give another by --report-dir",
                           folder, reports[i].name, strerror(error));
    }
    return NULL;
}

static char *write_one(const char *folder, int i, const json_t *results) {
    char *path = path_in(folder, reports[i].name, ".tmp"), *problem = NULL;
    FILE *file = fopen(path, "w");
    if (file != NULL)
        reports[i].write(file, results);
    int failed = file == NULL || ferror(file);
    if (file != NULL && fclose(file) != 0)
        failed = 1;
    if (failed)
        problem = text_of("report %s: %s", path, strerror(errno));
    free(path);
    return problem;
}

char *write_reports(const char *folder, const json_t *results) {
    char *problem = NULL;
    for (int i = 0; i < REPORTS && problem == NULL; i++)
        problem = write_one(folder, i, results);
    for (int i = 0; i < REPORTS; i++) {
        char *from = path_in(folder, reports[i].name, ".tmp");
        char *to = path_in(folder, reports[i].name, "");
        if (problem == NULL && rename(from, to) != 0)
            problem = text_of("report %s: %s", to, strerror(errno));
        if (problem != NULL)
            unlink(from);
        free(from);
        free(to);
    }
    return problem;
}

const char *outcome_of(const json_t *results) {
    if (!json_is_true(json_object_get(results, "complete")))
        return "was interrupted; this is no verdict";
    const json_t *known = json_object_get(json_object_get(results, "counts"), "xfail");
    switch (json_integer_value(json_object_get(results, "exit"))) {
    case EXIT_CONFORMS:
        return json_integer_value(known) > 0
                   ? "does not conform, but fails nothing that is not known"
                   : "conforms";
    case EXIT_DOES_NOT:
        return "does not conform";
    case EXIT_DIED:
        return "does not conform: it died or hung in a case";
    default:
        return "the harness itself failed; this is no verdict";
    }
}

int is_bad(const char *verdict) {
    return strcmp(verdict, "fail") == 0 || strcmp(verdict, "error") == 0 ||
           strcmp(verdict, "flaky") == 0 || strcmp(verdict, "xpass") == 0;
}

void write_escaped(FILE *file, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        switch (*c) {
        case '&':
            fputs("&amp;", file);
            break;
        case '<':
            fputs("&lt;", file);
            break;
        case '>':
            fputs("&gt;", file);
            break;
        case '"':
            fputs("&quot;", file);
            break;
        case '\'':
            fputs("&#39;", file);
            break;
        default:
            if ((unsigned char)*c < ' ' && *c != '\n' && *c != '\t')
                fputs("\xEF\xBF\xBD", file); /* not allowed in XML */
            else if (strncmp(c, "\xEF\xBF\xBE", 3) == 0 || strncmp(c, "\xEF\xBF\xBF", 3) == 0)
                fputs("\xEF\xBF\xBD", file), c += 2; /* U+FFFE and U+FFFF neither */
            else
                fputc(*c, file);
        }
    }
}

void write_json_report(FILE *file, const json_t *results) {
    json_dumpf(results, file, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    fputc('\n', file);
}
