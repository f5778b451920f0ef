/* SPDX-License-Identifier: BSD-2-Clause */
/* The inside of playing a conversation: three files, one of which is each side's. */
#ifndef YOTONSPEC_PLAY_H
#define YOTONSPEC_PLAY_H

#include "engine/tester.h"
#include "replay/replay.h"

/* Something that came from the live peer, and has no place in the recording yet. */
typedef struct arrived {
    const item *item;
    bool matched;
} arrived;

/* One connection. */
typedef struct lane {
    const replay_link *link;
    end *end; /* NULL before its first step */
    arrived *arrived;
    size_t count, room;
    size_t last_match;        /* one above the place of the last one that matched */
    id_map highest;           /* source_seq of own packages, by what they are about */
    id_map words, live_words; /* the last one of a sub channel, by slot */
    bool ended;               /* the live peer ended it */
    bool given_up;            /* the recording is no model from here on */
    bool asked;               /* the program was told to close it */
    unsigned hellos;
    bool excused; /* it was told something after which the peer may end it */
} lane;

typedef struct play {
    tester *t;
    const conversation *c;
    likeness like;
    program *program;
    id_map prompted; /* numbers of own packages that the program was told to send */
    lane *lanes;
    json_t *differences;
    bool cut; /* there are more */
    size_t compared;
    char *no_model; /* why a connection was left out; the first one */
    bool *done;     /* steps that were taken before their turn */
    double began;
} play;

/* ---- lanes.c: connections, what comes on them, and what differs ---- */

/* Purpose: note a difference: what it is, and how a step was recorded and is now. */
void differ(play *p, const replay_step *step, const char *what, const char *recorded,
            const char *live);
/* Purpose: how long to wait for a thing; less when something differs already. */
double patience_left(const play *p);
/* Purpose: is it a package of the live peer's own? */
bool is_own(const play *p, const package *q);
/* Purpose: wait for the next thing on a connection; false when none came in time, or none will. */
bool fetch(play *p, lane *l, double seconds);
/* Purpose: the connection of a step, made when it is its first. */
lane *lane_of(play *p, const replay_step *step);
/* Purpose: have the program close a connection, unless the peer ends it by itself. */
void ask_close(play *p, lane *l);
/* Purpose: a good line went by; with both the connection stands, unless it is one to oneself
 * (HS-27, HS-28), and the program may be told to send. */
void said_hello(lane *l);
/* Purpose: take all that comes because of what was sent, and report what was not recorded. */
void await_rest(play *p);
void report_rest(play *p);

/* ---- await.c: their side ---- */

/* Purpose: wait for what the recorded context sent, and compare. */
void await_theirs(play *p, const replay_step *step);

#endif
