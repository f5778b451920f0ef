/* SPDX-License-Identifier: BSD-2-Clause */
/* All cases, and the requirements they belong to. */
#ifndef YOTONSPEC_REGISTRY_H
#define YOTONSPEC_REGISTRY_H

#include "engine/case.h"
#include "engine/requirement.h"

/* Tables of cases, each ended by NULL; the list of tables too. */
extern const struct test_case *const *const all_cases[];
extern const struct test_case *const *const adapter_checks[];

/* Purpose: make these tables those that the functions below know; all_cases before. */
void choose_cases(const struct test_case *const *const *tables);

/* Purpose: what is wrong with these tables (an id twice, an unknown requirement, a field missing),
 * in one line that the caller frees; NULL when nothing is. */
char *check_cases(const struct test_case *const *const *tables);

/* Purpose: how many cases there are, and the one at `index` in the order of the tables. */
size_t case_count(void);
const struct test_case *case_at(size_t index);
const struct test_case *find_case(const char *id);

const struct requirement *requirement_of(const struct test_case *test);
bool case_is_slow(const struct test_case *test);
bool case_is_timed(const struct test_case *test); /* what --timed selects */
const char *roles_text(unsigned roles);           /* "host", "client" or "both" */

#endif
