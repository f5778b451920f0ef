/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/registry.h"

#include <string.h>

#include "cases/cases.h"
#include "checks/checks.h"
#include "engine/util.h"

#define TABLE(table) table,
const struct test_case *const *const all_cases[] = {CASE_FILES(TABLE) NULL};

const struct test_case *const *const adapter_checks[] = {line_checks, connection_checks,
                                                         channel_checks, NULL};
static const struct test_case *const *const *chosen = all_cases;

void choose_cases(const struct test_case *const *const *tables) { chosen = tables; }

static const struct requirement *find_in(const struct requirement *list, size_t count,
                                         const char *id, size_t size) {
    for (size_t i = 0; i < count; i++)
        if (strlen(list[i].id) == size && memcmp(list[i].id, id, size) == 0)
            return &list[i];
    return NULL;
}

const struct requirement *find_requirement(const char *id, size_t size) {
    const struct requirement *found = find_in(all_requirements, requirement_count, id, size);
    return found ? found : find_in(adapter_requirements, adapter_requirement_count, id, size);
}

const struct requirement *requirement_of(const struct test_case *test) {
    const char *point = strrchr(test->id, '.');
    return point ? find_requirement(test->id, (size_t)(point - test->id)) : NULL;
}

static bool filled(const char *text) { return text != NULL && *text != '\0'; }

static char *check_one(const struct test_case *test) {
    if (requirement_of(test) == NULL)
        return text_of("case %s: spec/wire.md and ADAPTER.md have no such requirement", test->id);
    if (!filled(test->title) || !filled(test->about) || test->run == NULL)
        return text_of("case %s: title, about and a body are required", test->id);
    if (test->roles == 0 || test->roles > ROLES_BOTH)
        return text_of("case %s: its roles are not ROLE_HOST, ROLE_CLIENT or ROLES_BOTH", test->id);
    return NULL;
}

char *check_cases(const struct test_case *const *const *tables) {
    for (size_t i = 0; tables[i] != NULL; i++) {
        for (size_t j = 0; tables[i][j] != NULL; j++) {
            char *problem = check_one(tables[i][j]);
            if (problem != NULL)
                return problem;
            for (size_t k = 0; k <= i; k++)
                for (size_t l = 0; tables[k][l] != NULL && !(k == i && l == j); l++)
                    if (strcmp(tables[k][l]->id, tables[i][j]->id) == 0)
                        return text_of("case %s: the id is there twice", tables[i][j]->id);
        }
    }
    return NULL;
}

size_t case_count(void) {
    size_t count = 0;
    for (size_t i = 0; chosen[i] != NULL; i++)
        for (size_t j = 0; chosen[i][j] != NULL; j++)
            count++;
    return count;
}

const struct test_case *case_at(size_t index) {
    for (size_t i = 0; chosen[i] != NULL; i++)
        for (size_t j = 0; chosen[i][j] != NULL; j++)
            if (index-- == 0)
                return chosen[i][j];
    return NULL;
}

const struct test_case *find_case(const char *id) {
    for (size_t i = 0; case_at(i) != NULL; i++)
        if (strcmp(case_at(i)->id, id) == 0)
            return case_at(i);
    return NULL;
}

bool case_is_slow(const struct test_case *test) { return test->takes > 2.0; }

bool case_is_timed(const struct test_case *test) { return test->timed || test->takes > 0; }

const char *roles_text(unsigned roles) {
    return roles == ROLES_BOTH ? "both" : roles == ROLE_HOST ? "host" : "client";
}
