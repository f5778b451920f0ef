/* SPDX-License-Identifier: BSD-2-Clause */
/* What is around the process of a case, played for fuzz_adapter: the adapter's pipes and process,
 * the clock, and the pipe for the verdict. And a reader of what the adapter writes that knows the
 * rules of conformance/ADAPTER.md, and shares no code with the harness but the parser of JSON. */
#ifndef YOTON_FUZZ_ADAPTER_WORLD_H
#define YOTON_FUZZ_ADAPTER_WORLD_H

#include "engine/tester.h"

enum {
    WORLD_RESULT = 1000, /* where the verdict is written; the pipes' descriptors follow */
    WORLD_PID = 0x3ffffff0,
    WORLD_VERDICT = 1 << 20,
    WORLD_LINE = 1 << 16,
    WORLD_SHOWN = 60 /* lines that are sure to be in a transcript */
};

struct world {
    tester *t;        /* NULL until the script begins */
    int doing;        /* what the script does */
    bool script_done; /* to its end */
    bool stray;       /* a line without id was sent, which is to be answered */
    const char *bad;  /* part of what is to be said of the first bad line; NULL for none */
    bool end_told;    /* that nothing more comes, while the case went on */
    json_t *replies, *events;
    size_t lines; /* read by the harness */
    unsigned verdicts;
    size_t verdict_size, trouble_size;
    char trouble[WORLD_LINE]; /* what it said on standard error */
    char verdict[WORLD_VERDICT];
};

extern struct world world;

/* The adapter writes `data`; `way`: in which pieces; `end`: what comes behind. */
void world_begin(const uint8_t *data, size_t size, uint8_t way, uint8_t end);
void world_over(void); /* the case is over: system calls are as they are */

/* The adapter's process is ended by a signal when its input ends. */
bool world_crashes(void);

/* How many processes it leaves behind. */
size_t world_left(void);

/* What came as the answer to a request, or to the last one; NULL for nothing. */
const json_t *world_reply_to(int request);
const json_t *world_reply(const tester *t);

/* Are these the same, but for what the harness notes in its own? */
bool world_same(const json_t *harness, const json_t *model);

/* Events: how many there were, whether one is there that was not given out, and that this one is
 * the first of them. */
unsigned world_count(const char *event, const char *connection);
bool world_event_is_due(const char *event, const char *connection);
void world_found(const json_t *event);

#endif
