/* SPDX-License-Identifier: BSD-2-Clause */
/* A network of contexts with channels under virtual time, all of it from one seed. sim_net.c has
 * the connections, sim_member.c the contexts, sim_world.c tells them what to do. */
#ifndef YOTON_TESTS_SIM_H
#define YOTON_TESTS_SIM_H

#include "support.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "channels/channel.h"
#include "yoton/link.h"
#include "yoton/node.h"

enum {
    SIM_MEMBERS = 8,
    SIM_EDGES = 12,
    SIM_REQUESTS = 6,
    SIM_OFFERS = 64,
    SIM_RING = 1 << 13,
    SIM_PIECES = 64
};
#define SIM_ID(member) (UINT64_C(0x100) + (member))
#define SIM_HOLD (1000 * YOTON_MS) /* SYNC-5, LIMIT-4 */

/* Bytes under way, which arrive together. */
typedef struct sim_piece {
    yoton_time at;
    unsigned size;
} sim_piece;

/* One end of a connection; the other one is at the index with the last bit turned. */
typedef struct sim_end {
    yoton_link *link; /* NULL: there is none at present */
    unsigned member;
    bool host, up;
    bool cut;             /* the other end's socket is closed: end of stream behind the bytes */
    yoton_time cut_at;    /* when it comes */
    size_t pieces, first; /* to this end */
    size_t bytes, start;
    yoton_time delay; /* of what this end writes */
    size_t most;      /* the largest piece */
    yoton_time due;
    yoton_time reads_again; /* a slow receiver reads nothing before */
    yoton_time last_pause;  /* when it last began to read again */
    int under_way;          /* packages sent here that have not come there */
    sim_piece piece[SIM_PIECES];
    uint8_t ring[SIM_RING];
} sim_end;

typedef enum sim_outcome {
    SIM_NONE,
    SIM_OFFERED,
    SIM_TAKEN,
    SIM_ANSWERED,
    SIM_CANCELLED
} sim_outcome;

/* What is known of a request without asking the machine. */
typedef struct sim_request {
    request machine;
    sim_outcome outcome;
    uint64_t invited; /* members whose req! came, as bits */
    int given;        /* how often it was sent */
    int executed;
    yoton_time asked; /* last req? */
} sim_request;

typedef struct sim_member {
    yoton_node *node;
    yoton_queue *startup; /* CTX-7 */
    yoton_time due;
    uint64_t last_seq[SIM_MEMBERS]; /* deposited, by source */
    bool has[5];                    /* by kind */
    channel channels[5];
    /* pub */
    unsigned to_send, sent;
    yoton_time next_send, held_since;   /* NEVER: not held */
    yoton_time full_until[SIM_MEMBERS]; /* by source, since its last word */
    /* sub */
    bool sync;
    yoton_time next_read;
    yoton_time pace;
    const char *word;          /* last said */
    unsigned got[SIM_MEMBERS]; /* number of the last message read, by source */
    unsigned count[SIM_MEMBERS];
    /* req */
    sim_request requests[SIM_REQUESTS + 1]; /* by id */
    unsigned calls;
    /* rep */
    bool on;
    yoton_package *executing;
    yoton_time done_at;
    offer_key awaited; /* said req! to it; source 0: none */
    yoton_time awaited_since;
    offer_key offered[SIM_OFFERS]; /* what its list should be: REQREP-14 */
    size_t offers;
    /* state */
    unsigned states;
} sim_member;

typedef struct sim {
    const char *program; /* for the command that replays */
    uint64_t seed, random;
    uint64_t *choices; /* where these come from: &random, unless somebody else decides */
    yoton_time now;
    unsigned steps; /* at this moment */
    bool running;   /* a network, which is to blame when something ends it */
    bool tracing;
    bool small;  /* queues and lists have small bounds */
    bool lossy;  /* packages may be lost */
    bool finale; /* everything runs as fast as it can */
    unsigned members, edges;
    int under_way;
    yoton_link_config link;
    yoton_message_type type;
    yoton_channel_type *own; /* YOTON_CUSTOM: MSG-7 */
    channel_limits limits;
    uint64_t slots_out[5]; /* by kind */
    uint64_t deposited, words, executions, holds;
    sim_member member[SIM_MEMBERS];
    sim_end end[2 * SIM_EDGES];
} sim;

extern sim S;

#define sim_trace(...)                                                                             \
    do {                                                                                           \
        if (S.tracing) {                                                                           \
            printf("%11.6f  ", (double)S.now / 1e9);                                               \
            printf(__VA_ARGS__);                                                                   \
            putchar('\n');                                                                         \
        }                                                                                          \
    } while (0)

#define sim_check(condition, ...)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            sim_failed(__FILE__, __LINE__, __VA_ARGS__);                                           \
    } while (0)

/* Purpose: say what broke and how to see it again; ends the test. */
void sim_failed(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

/* Purpose: say how the network that runs is seen again, if one runs. */
void sim_say_replay(void);

/* Purpose: chance, below the limit: how bytes are cut, how fast messages are made and read. */
static inline uint64_t sim_below(uint64_t limit) { return random_next(&S.random) % limit; }

/* Purpose: the same for what makes one network another: who it consists of and what happens in it.
 */
static inline uint64_t sim_choose(uint64_t limit) { return random_next(S.choices) % limit; }

/* Purpose: make and give back the message type of a program's own that worlds use, once for all.
 * Returns false when memory is short. */
bool sim_open_types(void);
void sim_close_types(void);

/* Purpose: one whole network, from its making to its end, all of it from the seed. */
void sim_run_world(uint64_t seed);

/* ---- Connections ---- */

/* Purpose: a connection between the members of an edge, which has none. */
void sim_connect(unsigned edge);
void sim_connect_as(unsigned edge, bool first_hosts);
/* Purpose: close it the nice way or cut it, from the end given. */
void sim_close(sim_end *end);
void sim_cut(sim_end *end);
/* Purpose: this end reads nothing for a while. */
void sim_pause(sim_end *end, yoton_time span);
bool sim_is_open(unsigned edge);
/* Purpose: on every connection of the member that is alive but one. Returns on how many. */
unsigned sim_send(unsigned member, yoton_package *package, const sim_end *except);
bool sim_heard(unsigned member);
bool sim_too_much_waits(unsigned member);
/* Purpose: let the next thing happen, no later than `until`; the clock is there then. */
void sim_step(yoton_time until);
void sim_free_links(void);

/* ---- Contexts ---- */

void sim_member_open(unsigned member);
void sim_member_free(unsigned member);
/* Purpose: a connection became alive, a client has connected, a package has come. */
void sim_member_alive(unsigned member, sim_end *first);
void sim_member_joined(unsigned member);
void sim_member_receive(unsigned member, const sim_end *from, yoton_package *package);
/* Purpose: look after its channels and its program. */
void sim_member_run(unsigned member);
void sim_member_wake(unsigned member);

/* What programs do. */
void sim_call(unsigned member, yoton_time cancel_at);
void sim_cancel(unsigned member);
void sim_switch(unsigned member, bool on);
void sim_set_state(unsigned member, unsigned value);
void sim_switch_sync(unsigned member);
void sim_rogue(unsigned member);

#endif
