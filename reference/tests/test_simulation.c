/* SPDX-License-Identifier: BSD-2-Clause */
/* Whole networks in one process under virtual time: 3 to 8 nodes in any shape with loops, every
 * connection with its own delay and its own way to cut bytes into pieces. All of it follows from a
 * seed; SEED=N runs the network of one seed, SEEDS=N that many of them. */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/link.h"
#include "yoton/node.h"

enum { NODES_MAX = 8, EDGES_MAX = 14, SENDS_MAX = 6, STEPS_MAX = 1000000 };

/* Bytes under way, in the order in which they were written. */
typedef struct piece {
    struct piece *next;
    yoton_time at; /* when they arrive */
    size_t size;
    uint8_t data[];
} piece;

/* One end of a connection; the other one is at the index with the last bit turned. */
typedef struct end {
    yoton_link *link;
    unsigned node;
    piece *first, *last;  /* under way to this end */
    yoton_time delay;     /* of what this end writes */
    size_t most;          /* the largest piece it writes */
    yoton_time gap;       /* the longest pause between two pieces */
    yoton_time due;       /* when there is something to do here */
    yoton_time may_write; /* when the pause is over */
    int up, down, closes;
    uint8_t came[NODES_MAX][SENDS_MAX + 2]; /* by source and number */
} end;

typedef struct member {
    yoton_node *node;
    uint64_t sent;
    uint64_t deposited;
    uint64_t dest[SENDS_MAX + 2]; /* by number, what it was directed at */
    uint8_t deposits[NODES_MAX][SENDS_MAX + 2];
} member;

static struct world {
    uint64_t seed, random;
    yoton_time now;
    unsigned nodes, edges;
    int fine;         /* small packages, cut into small pieces */
    int closing;      /* from here on packages may be lost with their connection */
    size_t under_way; /* packages sent on a link and not come at the other end */
    member members[NODES_MAX];
    end ends[2 * EDGES_MAX];
} world;

#define check(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            print_error("SEED=%" PRIu64 " at %" PRIu64 " ns: ", world.seed, (uint64_t)world.now);  \
            fail_msg(__VA_ARGS__);                                                                 \
        }                                                                                          \
    } while (0)

static uint64_t below(uint64_t limit) { return random_next(&world.random) % limit; }

static void due_at(end *e, yoton_time when) {
    if (when < world.now)
        when = world.now;
    if (when < e->due)
        e->due = when;
}

static uint64_t id_of(unsigned node) { return 0x1000 + node; }

/* --- Packages ----------------------------------------------------------------------------------
 */

static size_t size_of(unsigned source, uint64_t seq) {
    uint64_t mixed = (source * 131 + seq) * 2654435761u + world.seed;
    if (world.fine)
        return 1 + mixed % 5;
    return mixed % 31 == 0 ? 33000 + mixed % 977 : 1 + mixed % 150;
}

/* Every package has its own window on the same noise. */
static const uint8_t *payload_of(unsigned source, uint64_t seq) {
    static uint8_t noise[36000];
    if (noise[0] == 0) {
        uint64_t random = 1;
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (uint8_t)(random_next(&random) | 1);
    }
    return noise + (source * 37 + seq * 11) % 1000;
}

static yoton_package *make_package(unsigned source, uint64_t dest) {
    yoton_header header = {.slot = 8, .dest_id = dest};
    yoton_node_stamp(world.members[source].node, &header);
    header.length = size_of(source, header.source_seq);
    yoton_package *package = yoton_package_new(&header, payload_of(source, header.source_seq));
    assert_non_null(package);
    return package;
}

static void check_package(yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    unsigned source = (unsigned)(h->source_id - id_of(0));
    check(source < world.nodes && h->source_seq >= 1 &&
              h->source_seq <= world.members[source].sent && h->slot == 8 && h->dest_seq == 0 &&
              h->dest_id == world.members[source].dest[h->source_seq] &&
              h->length == size_of(source, h->source_seq),
          "header changed under way");
    check(memcmp(yoton_package_payload(package), payload_of(source, h->source_seq), h->length) == 0,
          "payload changed under way");
}

/* --- What a context does with its links
 * ------------------------------------------------------------ */

/* On every link of the node but the one it came on. */
static void send_all(unsigned node, yoton_package *package, const end *from) {
    for (end *e = world.ends; e < world.ends + 2 * world.edges; e++) {
        if (e->node != node || e == from)
            continue;
        int result = yoton_link_send(e->link, package);
        check(result == 0 || (world.closing && result == YOTON_E_STATE), "send: %d", result);
        world.under_way += result == 0;
        due_at(e, e->may_write);
    }
}

static void send_own(unsigned node, uint64_t dest) {
    member *m = &world.members[node];
    m->dest[++m->sent] = dest;
    yoton_package *package = make_package(node, dest);
    check(yoton_package_header(package)->source_seq == m->sent, "numbers of own packages");
    send_all(node, package, NULL);
    yoton_package_unref(package);
}

static void package_came(end *e, yoton_package *package) {
    check_package(package);
    const yoton_header *h = yoton_package_header(package);
    unsigned source = (unsigned)(h->source_id - id_of(0));
    member *m = &world.members[e->node];
    check(!e->came[source][h->source_seq], "package %u/%" PRIu64 " twice on one connection", source,
          h->source_seq);
    e->came[source][h->source_seq] = 1;
    world.under_way--;
    uint64_t recv_seq;
    unsigned route = yoton_node_route(m->node, h, &recv_seq);
    if (route & YOTON_ROUTE_DEPOSIT) {
        check(recv_seq == ++m->deposited, "recv_seq %" PRIu64, recv_seq);
        m->deposits[source][h->source_seq]++;
    }
    check(!(route & YOTON_ROUTE_FORWARD) || h->dest_id != id_of(e->node),
          "forwarded from its goal");
    if (route & YOTON_ROUTE_FORWARD)
        send_all(e->node, package, e);
    yoton_package_unref(package);
}

static void happen(end *e, const yoton_link_event *event) {
    const end *other = &world.ends[(e - world.ends) ^ 1];
    check(!e->down || event->kind == YOTON_LINK_NOTHING, "an event after DOWN");
    switch (event->kind) {
    case YOTON_LINK_NOTHING:
    case YOTON_LINK_HEARTBEAT:
        break;
    case YOTON_LINK_UP:
        check(!e->up && event->hello.id == id_of(other->node), "UP with the wrong id");
        e->up = 1;
        break;
    case YOTON_LINK_PACKAGE:
        package_came(e, event->package);
        break;
    case YOTON_LINK_DOWN:
        check(world.closing && event->error == YOTON_OK, "DOWN %d %s", event->error, event->reason);
        e->down = 1;
        break;
    default:
        check(0, "event %d", (int)event->kind);
    }
}

/* --- The wires -----------------------------------------------------------------------------------
 */

static int write_piece(end *e) {
    const uint8_t *data;
    size_t size = yoton_link_output(e->link, &data);
    if (size == 0 || world.now < e->may_write)
        return 0;
    size_t most = 1 + below(e->most);
    if (size > most)
        size = most;
    piece *p = malloc(sizeof *p + size);
    assert_non_null(p);
    end *to = &world.ends[(e - world.ends) ^ 1];
    *p = (piece){.at = world.now + 1 + below(e->delay), .size = size};
    if (to->last != NULL && to->last->at > p->at)
        p->at = to->last->at;
    memcpy(p->data, data, size);
    *(to->last ? &to->last->next : &to->first) = p;
    to->last = p;
    due_at(to, p->at);
    yoton_link_written(e->link, world.now, size);
    e->may_write = world.now + below(e->gap);
    return 1;
}

/* What has arrived, in as many pieces as chance will have it. */
static size_t receive(end *e, uint8_t *data, size_t room) {
    size_t size = 0;
    do {
        piece *p = e->first;
        if (p == NULL || p->at > world.now || p->size > room - size)
            break;
        memcpy(data + size, p->data, p->size);
        size += p->size;
        e->first = p->next;
        if (e->first == NULL)
            e->last = NULL;
        free(p);
    } while (below(4) > 0);
    return size;
}

static int read_some(end *e) {
    static uint8_t data[1 << 20];
    yoton_link_event event;
    size_t size = receive(e, data, sizeof data), done = 0, consumed;
    if (size == 0)
        return 0;
    do {
        int result =
            yoton_link_input(e->link, world.now, data + done, size - done, &consumed, &event);
        check(result == YOTON_OK, "input: %d", result);
        done += consumed;
        happen(e, &event);
    } while (done < size || event.kind != YOTON_LINK_NOTHING);
    return 1;
}

static int tick(end *e) {
    yoton_link_event event;
    if (yoton_link_deadline(e->link) > world.now)
        return 0;
    yoton_link_tick(e->link, world.now, &event);
    happen(e, &event);
    return 1;
}

/* Everything this end has to do now. */
static void serve(end *e) {
    const uint8_t *data;
    while (read_some(e) || tick(e) || write_piece(e)) {
    }
    e->due = YOTON_NEVER;
    due_at(e, yoton_link_deadline(e->link));
    if (e->first != NULL)
        due_at(e, e->first->at);
    if (yoton_link_output(e->link, &data) > 0)
        due_at(e, e->may_write);
}

/* The clock goes on to what comes next, at most to `until`. */
static void step(yoton_time until) {
    end *next = world.ends;
    for (end *e = world.ends; e < world.ends + 2 * world.edges; e++)
        if (e->due < next->due)
            next = e;
    if (next->due > until) {
        world.now = until;
        return;
    }
    world.now = next->due;
    serve(next);
}

/* --- A world -------------------------------------------------------------------------------------
 */

static void open_end(end *e, unsigned node, yoton_role role) {
    static const size_t fine[] = {1, 7, 56, 60}, coarse[] = {120, 700, 5000, 1 << 19};
    yoton_link_config config = {.role = role, .id = id_of(node), .pid = node};
    *e = (end){.node = node, .link = yoton_link_new(&config, world.now)};
    assert_non_null(e->link);
    e->most = world.fine ? fine[below(4)] : coarse[below(4)];
    e->delay = 1 + below(20 * YOTON_MS);
    e->gap = 1 + below(YOTON_MS / 10);
}

static void open_edge(unsigned a, unsigned b) {
    unsigned host = (unsigned)below(2);
    open_end(&world.ends[2 * world.edges], host ? a : b, YOTON_ROLE_HOST);
    open_end(&world.ends[2 * world.edges + 1], host ? b : a, YOTON_ROLE_CLIENT);
    world.edges++;
}

/* A tree, and some connections more: loops, and two connections between the same two nodes. */
static void open_world(uint64_t seed) {
    memset(&world, 0, sizeof world);
    world.seed = world.random = seed;
    world.fine = below(4) == 0;
    world.nodes = 3 + (unsigned)below(NODES_MAX - 2);
    for (unsigned i = 0; i < world.nodes; i++) {
        world.members[i].node = yoton_node_new(id_of(i), 0);
        assert_non_null(world.members[i].node);
        if (i > 0)
            open_edge(i, (unsigned)below(i));
    }
    for (uint64_t more = below(EDGES_MAX - NODES_MAX); more > 0; more--) {
        unsigned a = (unsigned)below(world.nodes), b = (unsigned)below(world.nodes - 1);
        open_edge(a, b < a ? b : b + 1);
    }
}

static void close_world(void) {
    for (end *e = world.ends; e < world.ends + 2 * world.edges; e++) {
        yoton_link_free(e->link);
        while (e->first != NULL) {
            piece *p = e->first;
            e->first = p->next;
            free(p);
        }
    }
    for (unsigned i = 0; i < world.nodes; i++)
        yoton_node_free(world.members[i].node);
}

/* For everybody, for one, or for a context that is nowhere. */
static uint64_t some_dest(unsigned node) {
    uint64_t chance = below(10), to = below(world.nodes - 1);
    return chance < 7 ? 0 : chance < 9 ? id_of((unsigned)(to < node ? to : to + 1)) : 0xdead;
}

static void send_some(void) {
    unsigned total = world.nodes * (1 + (unsigned)below(SENDS_MAX));
    for (unsigned i = 0; i < total; i++) {
        unsigned node = (unsigned)below(world.nodes);
        for (yoton_time until = world.now + below(20 * YOTON_MS); world.now < until;)
            step(until);
        if (world.members[node].sent < SENDS_MAX)
            send_own(node, some_dest(node));
    }
    int steps = 0;
    while (world.under_way > 0) {
        check(++steps < STEPS_MAX, "%zu packages do not come to rest", world.under_way);
        step(YOTON_NEVER);
    }
}

static void check_deposits(void) {
    for (unsigned source = 0; source < world.nodes; source++)
        for (uint64_t seq = 1; seq <= world.members[source].sent; seq++)
            for (unsigned at = 0; at < world.nodes; at++) {
                uint64_t dest = world.members[source].dest[seq];
                int expected = at != source && (dest == 0 || dest == id_of(at));
                check(world.members[at].deposits[source][seq] == expected,
                      "package %u/%" PRIu64 " for %" PRIx64 ": %d times at node %u", source, seq,
                      dest, world.members[at].deposits[source][seq], at);
            }
}

/* Every node says a last word and one end of each connection closes behind it: the word comes. */
static void close_all(void) {
    world.closing = 1;
    for (unsigned i = 0; i < world.nodes; i++)
        send_own(i, 0);
    for (unsigned i = 0; i < world.edges; i++) {
        end *e = &world.ends[2 * i + below(2)];
        e->closes = 1;
        yoton_link_close(e->link, world.now, NULL);
        due_at(e, world.now);
    }
    for (yoton_time until = world.now + 1000 * YOTON_MS; world.now < until;)
        step(until);
    for (unsigned i = 0; i < 2 * world.edges; i++) {
        const end *e = &world.ends[i], *other = &world.ends[i ^ 1];
        check(e->up && e->down, "connection %u is %s", i / 2, e->up ? "still up" : "not up yet");
        check(!other->closes || e->came[other->node][world.members[other->node].sent],
              "the last word of node %u did not come to node %u", other->node, e->node);
    }
}

static void run_world(uint64_t seed) {
    open_world(seed);
    send_some();
    check_deposits();
    close_all();
    close_world();
}

static void every_network_delivers_once_and_comes_to_rest(void **state) {
    (void)state;
    const char *one = getenv("SEED"), *count = getenv("SEEDS");
    if (one != NULL) {
        run_world(strtoull(one, NULL, 0));
        return;
    }
    uint64_t seeds = count != NULL ? strtoull(count, NULL, 0) : 2000;
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run_world(seed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_delivers_once_and_comes_to_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
