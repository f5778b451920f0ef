/* SPDX-License-Identifier: BSD-2-Clause */
/* Passive judgement: what a capture shows of its ends, by the requirements that traffic alone can
 * show. */
#ifndef YOTONSPEC_PASSIVE_H
#define YOTONSPEC_PASSIVE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dump_slots.h"
#include "dump_stream.h"

/* The requirements that are judged. Requests and the like only on slots whose names are known. */
#define PASSIVE_RULES(X)                                                                           \
    X(HS_2, "HS-2")                                                                                \
    X(HS_7, "HS-7")                                                                                \
    X(HS_8, "HS-8")                                                                                \
    X(HS_10, "HS-10")                                                                              \
    X(HS_11, "HS-11")                                                                              \
    X(HS_12, "HS-12")                                                                              \
    X(HS_13, "HS-13")                                                                              \
    X(HS_17, "HS-17")                                                                              \
    X(HS_18, "HS-18")                                                                              \
    X(HS_20, "HS-20")                                                                              \
    X(HS_23, "HS-23")                                                                              \
    X(HS_24, "HS-24")                                                                              \
    X(HS_27, "HS-27")                                                                              \
    X(HS_28, "HS-28")                                                                              \
    X(FRAME_2, "FRAME-2")                                                                          \
    X(FRAME_3, "FRAME-3")                                                                          \
    X(FRAME_4, "FRAME-4")                                                                          \
    X(FRAME_7, "FRAME-7")                                                                          \
    X(FRAME_8, "FRAME-8")                                                                          \
    X(FRAME_10, "FRAME-10")                                                                        \
    X(FRAME_12, "FRAME-12")                                                                        \
    X(FRAME_15, "FRAME-15")                                                                        \
    X(LINK_1, "LINK-1")                                                                            \
    X(LINK_2, "LINK-2")                                                                            \
    X(LINK_13, "LINK-13")                                                                          \
    X(LINK_14, "LINK-14")                                                                          \
    X(LINK_17, "LINK-17")                                                                          \
    X(ROUTE_2, "ROUTE-2")                                                                          \
    X(ROUTE_4, "ROUTE-4")                                                                          \
    X(ROUTE_7, "ROUTE-7")                                                                          \
    X(ROUTE_14, "ROUTE-14")                                                                        \
    X(ROUTE_15, "ROUTE-15")                                                                        \
    X(ROUTE_19, "ROUTE-19")                                                                        \
    X(ROUTE_20, "ROUTE-20")                                                                        \
    X(CTX_1, "CTX-1")                                                                              \
    X(CTX_5, "CTX-5")                                                                              \
    X(MSG_3, "MSG-3")                                                                              \
    X(MSG_5, "MSG-5")                                                                              \
    X(PUB_1, "PUB-1")                                                                              \
    X(PUB_2, "PUB-2")                                                                              \
    X(SYNC_4, "SYNC-4")                                                                            \
    X(REQREP_1, "REQREP-1")                                                                        \
    X(REQREP_2, "REQREP-2")                                                                        \
    X(REQREP_4, "REQREP-4")                                                                        \
    X(REQREP_6, "REQREP-6")                                                                        \
    X(REQREP_7, "REQREP-7")                                                                        \
    X(REQREP_8, "REQREP-8")                                                                        \
    X(REQREP_15, "REQREP-15")                                                                      \
    X(REQREP_18, "REQREP-18")                                                                      \
    X(STATE_1, "STATE-1")

#define PASSIVE_ENUM(rule, id) RULE_##rule,
typedef enum rule { PASSIVE_RULES(PASSIVE_ENUM) RULES, NO_RULE = RULES } rule;
#undef PASSIVE_ENUM

/* "HS-1" */
const char *rule_requirement(rule rule);

/* Connections of one capture that are judged; those behind are left out, so that memory is bounded.
 */
#define PASSIVE_STREAMS_MAX 16384U

/* What was seen of one rule at one end. */
typedef struct judged {
    unsigned shown, broken;
    unsigned long frame; /* of the first break */
    int64_t time;
    char *why; /* of the first break; NULL for none */
} judged;

typedef struct source_seq {
    uint64_t source, seq;
} source_seq;

/* Something an end has to do by then. */
typedef struct duty {
    rule rule; /* NO_RULE: none */
    int64_t due;
    unsigned long frame;
    const char *what;
} duty;

typedef struct watch watch;

/* One end of a connection. */
typedef struct watched_end {
    watch *watch;
    struct watched_end *other;
    int side; /* 0: the client */
    bool spoke, hello, bad_line, unterminated, refuses, closed, ended, begun, told;
    yoton_hello said;
    bool own_line_as_sent;
    int64_t last;        /* when it sent something last */
    int64_t connected;   /* since when it may be expected to send; 0: not yet */
    int64_t closed_at;   /* its close signal */
    int64_t gap;         /* how long it had sent nothing before its last bytes */
    int64_t zero_window; /* when it last said that it takes nothing */
    int64_t sent_again;  /* when its TCP last sent again what nobody acknowledged */
    unsigned beats, late_beats;
    unsigned long packages, own, announced; /* announced: NEW_CONNECTION in its own name */
    source_seq *seqs;                       /* highest of each source, as it sent them */
    size_t seq_count, seq_room;
    duty duty;
    uint64_t last_request;        /* id of the last request it offered, of all its channels */
    unsigned broken, told_broken; /* breaks of any rule, and those that an event came with */
    rule last_broken;
    judged judged[RULES];
} watched_end;

/* One TCP connection. */
struct watch {
    struct reading *reading;
    const capture_stream *stream;
    unsigned long number;
    capture_endpoint side[2];
    bool whole; /* seen from the first byte of both ends */
    bool gap;   /* bytes of it are missing */
    int64_t began;
    watched_end end[2];
    json_t *steps; /* what went by, without heartbeats; NULL before the first */
    struct watch *next;
};

/* A package that went by, by source and number. */
typedef struct seen_package {
    uint64_t source, seq, digest;
    unsigned long stream, frame;
    int side;
} seen_package;

/* A request, by requester and id. */
typedef struct seen_request {
    uint64_t requester, id;
    uint64_t taker;      /* who said req! first; 0: nobody yet */
    uint64_t given_to;   /* 0: to nobody yet */
    bool withdrawn;      /* req- was said */
    unsigned long frame; /* of the request */
    watched_end *giver;
} seen_request;

typedef struct reading {
    dump_slots *slots;
    watch *watches; /* all there were, the last one first */
    watch **by_number;
    unsigned long left_out; /* connections above the limit */
    int64_t now;
    unsigned long frame, only_stream;
    seen_package *packages;
    size_t package_count, package_room;
    seen_request *requests;
    size_t request_count, request_room;
    bool request_gap; /* packages of requests may have gone by unseen */
    /* Who else wants to see what went by, behind the judge; each may be NULL. `broken`: the
     * rule that this end broke by the event, or since its last one; or NO_RULE. */
    void (*bytes)(void *user, watch *w, int side, const uint8_t *data, size_t size);
    void (*event)(void *user, watch *w, const dump_event *event, rule broken);
    void *user;
} reading;

/* Purpose: a rule was kept here, or might have been broken and was not. */
void rule_shown(watched_end *end, rule rule);
/* Purpose: it was broken; the first break is told. */
void rule_broken(watched_end *end, rule rule, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Purpose: broken or shown. */
void rule_judge(watched_end *end, rule rule, bool good, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Purpose: judge one event of a capture, in order. */
void watch_event(reading *r, watch *w, const dump_event *event);
/* Purpose: bytes came from an end, whatever they mean; before the events they make. */
void watch_bytes(watched_end *end, int64_t now);
/* Purpose: one direction ended (FIN or RST). */
void watch_end(watched_end *end, bool reset);
/* Purpose: the capture is over. */
void watch_finish(reading *r);

/* Purpose: judge the package of an end in its channel (slots with known names), and in the network.
 */
void watch_package(watched_end *end, const dump_event *event);
void watch_channel(watched_end *end, const dump_event *event, const char *name);
void watch_requests_finish(reading *r);

struct options;
/* Purpose: the slots that --name and --slots make known. Ends the process for a mistake there. */
void add_slot_names(const struct options *options, dump_slots *slots);

/* Purpose: an event in few words, as a diagram shows it; the caller owns it. */
char *event_label(dump_slots *slots, const dump_event *event);

/* Purpose: keep an event for the drawing of its connection, and give that: title, client, host and
 * transcript. The caller owns it. */
void draw_event(watch *w, const dump_event *event);
json_t *drawing_of(const watch *w, const char *file);

/* Purpose: read one capture into `r`. Returns NULL, or one line that says what is wrong; what was
 * read before stands. *tcp receives how many TCP packets there were. */
char *read_capture(reading *r, const char *name, unsigned long *tcp);

#endif
