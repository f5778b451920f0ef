/* SPDX-License-Identifier: BSD-2-Clause */
/* list and explain: what there is, without running anything. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/commands.h"
#include "engine/util.h"

static json_t *names_of(const struct evidence *all, size_t count, const char *test) {
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].test, test) == 0)
            json_array_append_new(names, json_string(all[i].name));
    }
    return names;
}

static json_t *describe_case(const struct test_case *test) {
    const struct requirement *r = requirement_of(test);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:o, s:o}", "id",
                     test->id, "requirement", r->id, "level", r->level, "origin", r->origin, "role",
                     roles_text(test->roles), "title", test->title, "about", test->about, "needs",
                     test->needs ? test->needs : "", "adapter", test->needs != NULL, "slow",
                     case_is_slow(test), "timed", case_is_timed(test), "mutants",
                     names_of(all_mutants, mutant_count, test->id), "findings",
                     names_of(all_findings, finding_count, test->id));
}

static void print_case(const struct test_case *test) {
    const struct requirement *r = requirement_of(test);
    printf("%-12s %-6s %-6s %-9s %s%s\n", test->id, roles_text(test->roles), r->level, r->origin,
           test->title, case_is_slow(test) ? " (slow)" : "");
}

int command_list(const struct options *options) {
    choose_cases(options->adapter ? adapter_checks : all_cases);
    json_t *cases = json_array();
    size_t index = 0;
    for (const struct test_case *test; (test = case_at(index)) != NULL; index++) {
        if (!selected(options, test) || (test->roles & options->roles) == 0)
            continue;
        json_array_append_new(cases, describe_case(test));
        if (!options->json)
            print_case(test);
    }
    bool none = json_array_size(cases) == 0;
    if (options->json) {
        json_dumpf(cases, stdout, JSON_INDENT(1));
        putchar('\n');
    } else if (none) {
        fputs("yotonspec: error: no case is selected; `yotonspec list` shows all\n", stderr);
    }
    json_decref(cases);
    return none ? EXIT_NOTHING : EXIT_CONFORMS;
}

/* ---- explain ---- */

static void print_requirement(const struct requirement *r) {
    printf("%s (%s, %s), section %s of %s\n  %s\n", r->id, r->level, r->origin, r->section,
           r->document, r->text);
}

static void print_evidence(const char *title, const struct evidence *all, size_t count,
                           const char *test) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(all[i].test, test) != 0)
            continue;
        printf("%s    %s: %s\n", title, all[i].name, all[i].what);
        title = "";
    }
}

static void print_whole_case(const struct test_case *test) {
    printf("\n%s: %s\n  peer's role: %s; needs: %s%s\n  %s\n", test->id, test->title,
           roles_text(test->roles), test->needs ? test->needs : "no adapter",
           case_is_slow(test) ? "; slow" : "", test->about);
    print_evidence("  It is known to fail these broken peers (conformance/mutants/NAME.patch):\n",
                   all_mutants, mutant_count, test->id);
    print_evidence("  It shows about the original (conformance/findings.md):\n", all_findings,
                   finding_count, test->id);
}

static int explain_one(const char *id) {
    size_t size = strlen(id);
    if (size > 2 && strcmp(id + size - 2, ".0") == 0) { /* an entry of `check` */
        const struct requirement *seen = find_requirement(id, size - 2);
        if (seen != NULL) {
            print_requirement(seen);
            printf("\n%s: what a capture shows of it, judged by `yotonspec check`\n", id);
            return EXIT_CONFORMS;
        }
    }
    choose_cases(strncmp(id, "AD-", 3) == 0 ? adapter_checks : all_cases);
    const struct test_case *test = find_case(id);
    const struct requirement *r = test ? requirement_of(test) : find_requirement(id, strlen(id));
    if (r == NULL) {
        fprintf(stderr,
                "yotonspec: error: %s: no such case or requirement; `yotonspec list` shows all\n",
                id);
        return EXIT_USAGE;
    }
    print_requirement(r);
    if (test != NULL) {
        print_whole_case(test);
        return EXIT_CONFORMS;
    }
    size_t found = 0;
    for (size_t i = 0; case_at(i) != NULL; i++) {
        if (requirement_of(case_at(i)) == r) {
            print_whole_case(case_at(i));
            found++;
        }
    }
    if (found == 0)
        printf("\nno case judges it; spec/ledger.md tells why\n");
    return EXIT_CONFORMS;
}

int command_explain(const struct options *options) {
    int code = EXIT_CONFORMS;
    for (size_t i = 0; options->words[i] != NULL; i++) {
        if (i > 0)
            putchar('\n');
        int one = explain_one(options->words[i]);
        code = one != EXIT_CONFORMS ? one : code;
    }
    return code;
}
