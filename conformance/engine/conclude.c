/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/conclude.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/terminal.h"
#include "engine/util.h"
#include "report/capture.h"
#include "report/report.h"

int conclude(json_t *results, const char *folder) {
    char *problem = write_captures(folder, results);
    if (problem == NULL)
        problem = write_reports(folder, results);
    screen_summary(results, problem ? NULL : folder);
    int code = (int)json_integer_value(json_object_get(results, "exit"));
    if (problem != NULL) {
        fprintf(stderr, "yotonspec: error: %s\n", problem);
        code = EXIT_HARNESS;
    }
    json_decref(results);
    return code;
}
