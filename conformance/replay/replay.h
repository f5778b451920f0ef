/* SPDX-License-Identifier: BSD-2-Clause */
/* Recorded conversations as something that can be played again (spec/wire.md, section 18). */
#ifndef YOTONSPEC_REPLAY_H
#define YOTONSPEC_REPLAY_H

#include "engine/case.h"
#include "passive/passive.h"

/* What one side of one connection sent, as a whole: a line, a package, a signal, or its end. */
typedef struct replay_step {
    double time; /* seconds since the first packet of the capture */
    unsigned long frame;
    size_t link; /* which connection of the conversation */
    bool theirs; /* sent by the recorded context, whose place the live peer takes */
    dump_kind kind;
    rule broken; /* the rule that it breaks, or NO_RULE */
    uint64_t slot, source_id, source_seq, dest_id, dest_seq, length;
    const uint8_t *bytes; /* all of it, and what was sent before and is no step of its own */
    size_t size;
} replay_step;

typedef struct replay_link {
    unsigned long stream; /* its number in the capture */
    unsigned peer_role;   /* what the recorded context was on it */
    bool to_itself;       /* both ends announced one id */
} replay_link;

/* All connections of one context in one capture. */
typedef struct conversation {
    struct test_case test; /* how the engine knows it; first, so that one leads to the other */
    const char *file;
    uint64_t id; /* of the recorded context; 0 when it never said */
    replay_link *links;
    size_t link_count;
    replay_step *steps;
    size_t step_count;
    double quiet; /* seconds for which it was recorded on after the last thing it was sent */
    char *unfit;  /* why it cannot be replayed; NULL when it can */
    dump_slots *slots;
    bool recorded_times; /* wait as the recorded ones did */
} conversation;

/* Purpose: the conversations in a capture, those that cannot be replayed too. `roles`: only of
 * contexts that were this on their first connection; `stream`: only with this one, 0 for all.
 * Returns how many, and adds them at the end of *list. *problem receives one line when the file
 * cannot be read (to its end), else NULL. */
size_t read_conversations(const char *file, dump_slots *slots, unsigned roles, unsigned long stream,
                          conversation ***list, size_t *count, char **problem);

/* Purpose: what a case does that replays. */
void play_conversation(tester *t);

/* ---- Between the files here ---- */

typedef struct id_pair {
    uint64_t recorded, live;
} id_pair;

typedef struct id_map {
    id_pair *pairs;
    size_t count;
} id_map;

/* Purpose: what stands for a recorded number; itself when nothing does. */
uint64_t live_of(const id_map *map, uint64_t recorded);
bool is_mapped(const id_map *map, uint64_t recorded);
bool is_live(const id_map *map, uint64_t live);
void map_number(id_map *map, uint64_t recorded, uint64_t live);
void set_number(id_map *map, uint64_t recorded, uint64_t live); /* in place of what stood there */

/* What is known of the live peer by now. */
typedef struct likeness {
    const conversation *c;
    uint64_t live_id;
    id_map requests; /* of the context as requester */
    id_map offers;   /* live request ids, and source_seq of their first `req?` */
    id_map numbers;  /* source_seq of its own packages */
} likeness;

/* Which part of a package is not as recorded. */
typedef enum unlike {
    ALIKE,
    OTHER_SLOT,
    OTHER_SOURCE,
    OTHER_NUMBER,
    OTHER_DEST,
    OTHER_DEST_SEQ,
    OTHER_PAYLOAD
} unlike;

/* Purpose: compare a package of the live peer with a recorded one. For OTHER_PAYLOAD *at receives
 * the first byte that differs. */
unlike compare_likeness(const likeness *l, const replay_step *want, const package *got, size_t *at);
const char *unlike_text(unlike what);

/* Purpose: the bytes of a step as they are to be sent to the live peer. *bytes is the case's. */
size_t live_bytes(const likeness *l, const replay_step *step, uint8_t **bytes);

/* Purpose: is this a word of a requester about request *id? */
bool offers_request(const conversation *c, uint64_t slot, uint64_t dest_seq, const void *payload,
                    size_t size, uint64_t *id);

/* Purpose: is this a word that says nothing new: `full` after `full`, `ok` without a `full` before?
 * Takes note of it in *words, by slot. */
bool repeats_word(const conversation *c, id_map *words, const package *p);

/* Purpose: a `req!` for one of the requests that waited before `step`, in whatever order? */
bool takes_waiting(const conversation *c, const replay_step *step, const package *got);

/* Purpose: does a slot belong to requests and replies? */
bool of_requests(const conversation *c, uint64_t slot);

/* Purpose: the request a package on a slot of requests is about: its id; 0 elsewhere. */
uint64_t request_in(const conversation *c, const package *p);

/* Purpose: a package in words, with its slot's name and its value. The caller owns it. */
char *package_text(const conversation *c, const package *p, bool own);
package step_package(const replay_step *step);

/* Purpose: what the program told its context: open the channels of the recorded context, and have
 * the live one send what it does not send by itself. `prompt` does nothing for what follows from
 * what came. */
typedef struct program program;
program *program_start(tester *t, const conversation *c);
void program_prompt(program *p, const replay_step *step);
/* In words, when the adapter refused something; NULL else. */
char *program_trouble(program *p);

#endif
