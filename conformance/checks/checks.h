/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of adapters, by the check-list of conformance/ADAPTER.md. They are written as cases are,
 * and may look deeper: into answers that a case would take for its end. */
#ifndef YOTONSPEC_CHECKS_H
#define YOTONSPEC_CHECKS_H

#include "engine/case.h"

extern const struct test_case *const line_checks[];
extern const struct test_case *const connection_checks[];
extern const struct test_case *const channel_checks[];

/* A request and its answer, good or bad, `unsupported` too. */
json_t *answer(tester *t, const char *op, const char *fields, ...);

/* Fails unless the answer is a refusal by this code, with one line for a person. */
void expect_code(tester *t, const json_t *reply, const char *code, const char *what);

/* Fails unless a request is answered at once, and `waiting` is not. */
void expect_served_meanwhile(tester *t, int waiting, const char *what);

#endif
