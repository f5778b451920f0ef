/* SPDX-License-Identifier: BSD-2-Clause */
/* Routing: which packages are new here, and where they go.
 *
 * The last number of every source stands in a hash map with chains. Nobody may choose ids that make
 * it slow: a chain holds CHAIN_MAX sources at most, and a newcomer to a full one takes the place of
 * the one there that was silent longest. With an even hash no chain comes near that length; who
 * forces it gains no more than by sending from as many sources as the map may hold. */
#include "yoton/node.h"

#include <stdlib.h>
#include <string.h>

#include "link/node_private.h"

#define NONE UINT32_MAX
#define FIRST_ROOM UINT32_C(16) /* sources; there is always memory for these */
#define ROOM_MAX (UINT32_C(1) << 31)
#define CHAIN_MAX 32

typedef struct source {
    uint64_t id;
    uint64_t last_seq;
    uint32_t next;  /* in the chain */
    uint32_t newer; /* in the order of use */
    uint32_t older;
} source;

struct yoton_node {
    uint64_t id;
    uint64_t sent; /* source_seq of the last package of our own */
    uint64_t deposited;
    uint64_t seed;
    source *sources;  /* the first `count` of them are in use */
    uint32_t *chains; /* as many as there is room: a power of two */
    uint32_t room;
    uint32_t count;
    uint32_t max_sources;
    uint32_t newest;
    uint32_t oldest;
};

/* The finishing steps of splitmix64: every bit of the input reaches every bit of the output. */
static uint64_t mix(uint64_t value) {
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t yoton_node_hash(const yoton_node *node, uint64_t id) { return mix(id ^ node->seed); }

static uint32_t *chain_of(const yoton_node *node, uint64_t id) {
    return &node->chains[yoton_node_hash(node, id) & (node->room - 1)];
}

static void chain_in(yoton_node *node, uint32_t index) {
    uint32_t *chain = chain_of(node, node->sources[index].id);
    node->sources[index].next = *chain;
    *chain = index;
}

static void chain_out(yoton_node *node, uint32_t index) {
    uint32_t *link = chain_of(node, node->sources[index].id);
    while (*link != index)
        link = &node->sources[*link].next;
    *link = node->sources[index].next;
}

static void order_in(yoton_node *node, uint32_t index) {
    source *s = &node->sources[index];
    s->newer = NONE;
    s->older = node->newest;
    if (node->newest != NONE)
        node->sources[node->newest].newer = index;
    else
        node->oldest = index;
    node->newest = index;
}

static void order_out(yoton_node *node, uint32_t index) {
    const source *s = &node->sources[index];
    if (s->newer != NONE)
        node->sources[s->newer].older = s->older;
    else
        node->newest = s->older;
    if (s->older != NONE)
        node->sources[s->older].newer = s->newer;
    else
        node->oldest = s->newer;
}

/* Room for `room` sources, those that are there put in their new chains. */
static int set_room(yoton_node *node, uint32_t room) {
    uint32_t *chains = malloc(room * sizeof *chains);
    source *sources = chains ? realloc(node->sources, room * sizeof *sources) : NULL;
    if (!sources) {
        free(chains);
        return YOTON_E_NOMEM;
    }
    free(node->chains);
    node->sources = sources;
    node->chains = chains;
    node->room = room;
    memset(chains, 0xff, room * sizeof *chains);
    for (uint32_t i = node->oldest; i != NONE; i = node->sources[i].newer)
        chain_in(node, i); /* the newest comes to the front */
    return YOTON_OK;
}

yoton_node *yoton_node_new(uint64_t id, size_t max_sources) {
    yoton_node *node = id ? calloc(1, sizeof *node) : NULL;
    if (!node)
        return NULL;
    if (!max_sources)
        max_sources = YOTON_SOURCES_DEFAULT; /* LIMIT-5 */
    node->id = id;
    node->max_sources = max_sources < ROOM_MAX ? (uint32_t)max_sources : ROOM_MAX;
    node->seed = mix(id + (uint64_t)(uintptr_t)node);
    node->newest = node->oldest = NONE;
    if (set_room(node, FIRST_ROOM) != YOTON_OK) {
        free(node);
        return NULL;
    }
    return node;
}

void yoton_node_free(yoton_node *node) {
    if (!node)
        return;
    free(node->sources);
    free(node->chains);
    free(node);
}

/* What a look into a chain finds: the source, or the one to give up when the chain is full. */
typedef struct found {
    uint32_t index;   /* NONE when the source is not known */
    uint32_t replace; /* NONE while the chain has room */
} found;

/* Used sources move to the front of their chain, so that its last one is the longest silent. */
static found find(yoton_node *node, uint64_t id) {
    uint32_t *chain = chain_of(node, id);
    uint32_t *link = chain;
    for (int length = 1; *link != NONE; length++) {
        uint32_t index = *link;
        source *s = &node->sources[index];
        if (s->id == id) {
            *link = s->next;
            s->next = *chain;
            *chain = index;
            return (found){.index = index, .replace = NONE};
        }
        if (length == CHAIN_MAX)
            return (found){.index = NONE, .replace = index};
        link = &s->next;
    }
    return (found){.index = NONE, .replace = NONE};
}

/* ROUTE-23: a place for a source not known yet is a free one, or that of one which is forgotten. */
static uint32_t make_place(yoton_node *node, uint32_t replace) {
    if (replace == NONE && node->count < node->max_sources &&
        (node->count < node->room || set_room(node, 2 * node->room) == YOTON_OK))
        return node->count++;
    if (replace == NONE)
        replace = node->oldest;
    chain_out(node, replace);
    order_out(node, replace);
    return replace;
}

/* The source, remembered from now on and the most recently used. */
static source *use_source(yoton_node *node, uint64_t id) {
    if (node->newest != NONE && node->sources[node->newest].id == id)
        return &node->sources[node->newest];
    found f = find(node, id);
    if (f.index != NONE) {
        order_out(node, f.index);
    } else {
        f.index = make_place(node, f.replace);
        node->sources[f.index] = (source){.id = id};
        chain_in(node, f.index);
    }
    order_in(node, f.index);
    return &node->sources[f.index];
}

/* Signals (FRAME-16), packages without number (ROUTE-18), our own come back (ROUTE-19) and those of
 * nobody (ROUTE-20) are dropped before they cost memory. */
static int is_hopeless(const yoton_node *node, const yoton_header *header) {
    return header->length == 0 || header->source_seq == 0 || header->source_id == node->id ||
           header->source_id == 0;
}

unsigned yoton_node_route(yoton_node *node, const yoton_header *header, uint64_t *recv_seq) {
    *recv_seq = 0;
    if (is_hopeless(node, header))
        return YOTON_ROUTE_DROP;
    source *s = use_source(node, header->source_id);
    if (header->source_seq <= s->last_seq) /* ROUTE-7, ROUTE-18 */
        return YOTON_ROUTE_DROP;
    s->last_seq = header->source_seq;                        /* ROUTE-17: a gap is no matter */
    if (header->dest_id != 0 && header->dest_id != node->id) /* ROUTE-11, ROUTE-12 */
        return YOTON_ROUTE_FORWARD;
    *recv_seq = ++node->deposited;   /* ROUTE-22 */
    if (header->dest_id == node->id) /* ROUTE-9, ROUTE-10 */
        return YOTON_ROUTE_DEPOSIT;
    return YOTON_ROUTE_DEPOSIT | YOTON_ROUTE_FORWARD; /* ROUTE-8 */
}

void yoton_node_stamp(yoton_node *node, yoton_header *header) {
    header->source_id = node->id;      /* ROUTE-1 */
    header->source_seq = ++node->sent; /* ROUTE-2 */
}

size_t yoton_node_sources(const yoton_node *node) { return node->count; }
