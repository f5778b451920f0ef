/* SPDX-License-Identifier: BSD-2-Clause */
/* A table of cases with a mistake in it is refused. */
#include "engine/registry.h"

#include <stdlib.h>
#include <string.h>

/* After the engine: it makes macros of fail and skip. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void nothing(tester *t) { (void)t; }

#define GOOD(number)                                                                               \
    { .id = number, .roles = ROLES_BOTH, .title = "t", .about = "a", .run = nothing }
static const struct test_case one = GOOD("FRAME-3.1"), two = GOOD("FRAME-3.2");
static const struct test_case one_again = GOOD("FRAME-3.1");
static const struct test_case unknown = GOOD("FRAME-999.1");
static const struct test_case no_part = GOOD("FRAME-3");
static const struct test_case no_about = {
    .id = "FRAME-3.1", .roles = ROLES_BOTH, .title = "t", .run = nothing};
static const struct test_case no_role = {
    .id = "FRAME-3.1", .title = "t", .about = "a", .run = nothing};

/* What check_cases says of two tables with these cases; says NULL when it must say nothing. */
static void judge(const struct test_case *first, const struct test_case *second, const char *says) {
    const struct test_case *const a[] = {first, NULL}, *const b[] = {second, NULL};
    const struct test_case *const *const tables[] = {a, b, NULL};
    char *problem = check_cases(tables);
    if (says == NULL)
        assert_null(problem);
    else
        assert_non_null(problem);
    if (says != NULL && strstr(problem, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem, says);
    free(problem);
}

static void mistakes(void **state) {
    (void)state;
    judge(&one, &two, NULL);
    judge(&one, &one_again, "FRAME-3.1: the id is there twice");
    judge(&one, &one, "twice");
    judge(&two, &unknown, "FRAME-999.1: spec/wire.md and ADAPTER.md have no such requirement");
    judge(&two, &no_part, "no such requirement");
    judge(&two, &no_about, "about");
    judge(&two, &no_role, "roles");
}

static void own_tables(void **state) {
    (void)state;
    assert_null(check_cases(all_cases));
    assert_true(case_count() > 80);
    assert_ptr_equal(find_case(case_at(3)->id), case_at(3));
    assert_null(case_at(case_count()));
    assert_null(find_case("FRAME-999.1"));
}

static void requirements(void **state) {
    (void)state;
    assert_true(requirement_count > 100);
    assert_string_equal(find_requirement("HS-4", 4)->level, "must");
    assert_string_equal(find_requirement("HS-4", 4)->origin, "hardening");
    assert_null(find_requirement("HS-4", 3));
    assert_string_equal(requirement_of(&one)->id, "FRAME-3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes),
        cmocka_unit_test(own_tables),
        cmocka_unit_test(requirements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
