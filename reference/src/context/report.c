/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "context/internal.h"

static _Thread_local char last[512];

const char *yoton_error_text(void) { return last; }

int report_error(int error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(last, sizeof last, format, arguments);
    va_end(arguments);
    return error;
}

int report_system(int system, const char *what) {
    int error = system == UV_ENOMEM ? YOTON_E_NOMEM : YOTON_E_SYSTEM;
    return report_error(error, "cannot %s: %s", what, uv_strerror(system));
}

int report_plain(int error, const char *what) {
    return report_error(error, "cannot %s: %s", what, yoton_strerror(error));
}
