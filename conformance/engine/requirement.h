/* SPDX-License-Identifier: BSD-2-Clause */
/* The requirements of spec/wire.md, as tools/gen_requirements.py read them. */
#ifndef YOTONSPEC_REQUIREMENT_H
#define YOTONSPEC_REQUIREMENT_H

#include <stddef.h>

struct requirement {
    const char *id;      /* "FRAME-3" */
    const char *level;   /* "must", "should" or "may" */
    const char *origin;  /* "manual", "observed" or "hardening" */
    const char *section; /* "6.1 Header" */
    const char *text;    /* the sentence, as it stands there */
};

extern const char spec_version[];
extern const struct requirement all_requirements[]; /* in the order of the text */
extern const size_t requirement_count;

/* NULL when there is no such requirement. size is that of id, which need not end there. */
const struct requirement *find_requirement(const char *id, size_t size);

#endif
