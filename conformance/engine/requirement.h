/* SPDX-License-Identifier: BSD-2-Clause */
/* The requirements of spec/wire.md and of conformance/ADAPTER.md, as tools/gen_requirements.py read
 * them. */
#ifndef YOTONSPEC_REQUIREMENT_H
#define YOTONSPEC_REQUIREMENT_H

#include <stddef.h>

struct requirement {
    const char *id;       /* "FRAME-3" */
    const char *level;    /* "must", "should" or "may" */
    const char *origin;   /* "manual", "observed" or "hardening"; "adapter" in ADAPTER.md */
    const char *section;  /* "6.1 Header" */
    const char *text;     /* the sentence, as it stands there */
    const char *document; /* "spec/wire.md" */
};

extern const char spec_version[];
extern const struct requirement all_requirements[]; /* in the order of the text */
extern const size_t requirement_count;
extern const struct requirement adapter_requirements[];
extern const size_t adapter_requirement_count;

/* What proves a case: a mutant of a peer that it fails, or a finding about the original that it
 * shows. */
struct evidence {
    const char *test;  /* "FRAME-3.1" */
    const char *rules; /* "FRAME-3", those that are broken, with spaces between */
    const char *name;  /* the patch in conformance/mutants without its ending, or "F12" */
    const char *what;
};

extern const struct evidence all_mutants[], all_findings[]; /* by name */
extern const size_t mutant_count, finding_count;

/* NULL when there is no such requirement. size is that of id, which need not end there. */
const struct requirement *find_requirement(const char *id, size_t size);

#endif
