/* SPDX-License-Identifier: BSD-2-Clause */
/* Worlds of the simulation: 2 to 8 contexts in any shape, what they do, and what must be true of
 * it. */
#include "sim.h"

#include <string.h>

#define PATIENCE (60000 * YOTON_MS)

static int encode(const void *message, uint8_t **data, size_t *size, void *user) {
    (void)message, (void)data, (void)size, (void)user;
    return YOTON_E_ARGUMENT; /* nobody calls it: the simulation sends what is encoded */
}

static int decode(const uint8_t *data, size_t size, void **made, void *user) {
    (void)data, (void)user;
    *made = NULL;
    return size == 8 ? YOTON_OK : YOTON_E_LENGTH;
}

bool sim_open_types(void) {
    const yoton_custom_type type = {.name = "own", .encode = encode, .decode = decode};
    return channel_type_new(&type, &S.own) == YOTON_OK;
}

void sim_close_types(void) { channel_type_unref(S.own); }

/* ---- Making a world ---- */

static void draw_settings(void) {
    static const yoton_message_type types[] = {YOTON_TXT, YOTON_BIN, YOTON_OBJ, YOTON_CUSTOM};
    bool small = sim_choose(6) == 0;
    S.type = types[sim_choose(4)];
    S.link = (yoton_link_config){.pid = 1};
    S.link.discard = S.limits.discard = sim_choose(2) ? YOTON_DISCARD_OLD : YOTON_DISCARD_NEW;
    S.link.queue_packages = small ? 2 + sim_choose(30) : 10000;
    S.limits.packages = small ? 2 + sim_choose(60) : 10000;
    S.limits.offers = small ? 1 + sim_choose(4) : 100;
    if (sim_choose(4)) { /* heartbeats are most of what happens otherwise */
        S.link.heartbeat = 1000 * YOTON_MS;
        S.link.timeout = 2000 * YOTON_MS;
    } else {
        S.link.heartbeat = YOTON_HEARTBEAT_DEFAULT;
        S.link.timeout = YOTON_TIMEOUT_DEFAULT;
    }
    S.lossy = S.small = small;
}

static void draw_channels(void) {
    for (unsigned i = 0; i < S.members; i++) {
        bool *has = S.member[i].has;
        has[YOTON_PUB] = sim_choose(2);
        has[YOTON_SUB] = sim_choose(2);
        has[YOTON_REQ] = sim_choose(2);
        has[YOTON_REP] = sim_choose(2);
        has[YOTON_STATE] = sim_choose(3) > 0;
    }
    S.member[0].has[YOTON_REQ] = S.member[1].has[YOTON_REP] = true;
    S.member[0].has[YOTON_PUB] = S.member[1].has[YOTON_SUB] = true;
}

static void draw_edge(unsigned a, unsigned b) {
    S.end[2 * S.edges].member = a;
    S.end[2 * S.edges + 1].member = b;
    S.end[2 * S.edges].due = S.end[2 * S.edges + 1].due = YOTON_NEVER;
    S.end[2 * S.edges].under_way = S.end[2 * S.edges + 1].under_way = 0;
    S.end[2 * S.edges].link = S.end[2 * S.edges + 1].link = NULL;
    S.edges++;
}

/* A tree and some connections more: loops, and two connections between the same two. The last
 * member comes late. */
static void open_world(uint64_t seed) {
    S.seed = S.random = seed;
    S.now = 1;
    S.finale = false;
    S.edges = 0;
    S.under_way = 0;
    S.members = 2 + (unsigned)(sim_choose(3) ? sim_choose(3) : sim_choose(SIM_MEMBERS - 2));
    draw_settings();
    draw_channels();
    S.members++;
    memset(S.member[S.members - 1].has, 0, sizeof S.member->has);
    S.member[S.members - 1].has[YOTON_STATE] = true;
    for (unsigned i = 0; i < S.members; i++)
        sim_member_open(i);
    for (unsigned i = 1; i + 1 < S.members; i++)
        draw_edge(i, (unsigned)sim_choose(i));
    for (uint64_t more = sim_choose(3); more > 0; more--) {
        unsigned a = (unsigned)sim_choose(S.members - 1), b = (unsigned)sim_choose(S.members - 2);
        draw_edge(a, b < a ? b : b + 1);
    }
    for (unsigned i = 0; i < S.edges; i++)
        sim_connect(i);
}

static void close_world(void) {
    sim_free_links();
    for (unsigned i = 0; i < S.members; i++)
        sim_member_free(i);
}

/* ---- What happens in it ---- */

static void run_for(yoton_time span) {
    yoton_time until = S.now + span;
    while (S.now < until)
        sim_step(until);
}

static void trouble(void) {
    sim_end *e = &S.end[sim_choose(2 * S.edges)];
    unsigned edge = (unsigned)(e - S.end) / 2;
    if (!sim_is_open(edge))
        sim_connect(edge);
    else if (e->link != NULL && sim_choose(2))
        sim_close(e);
    else if (e->link != NULL)
        sim_cut(e);
}

static yoton_time cancel_time(void) {
    return S.now + (sim_choose(3) ? 10000 * YOTON_MS : (1 + sim_choose(1500)) * YOTON_MS);
}

static void act(bool troubled) {
    unsigned i = (unsigned)sim_choose(S.members - 1);
    sim_member *m = &S.member[i];
    switch (sim_choose(troubled ? 10 : 8)) {
    case 0:
        sim_pause(&S.end[sim_choose(2 * S.edges)], sim_choose(400 * YOTON_MS));
        break;
    case 1:
    case 2:
        sim_call(i, cancel_time());
        break;
    case 3:
        sim_set_state(i, (unsigned)sim_choose(50));
        break;
    case 4:
        if (sim_choose(2))
            sim_switch(i, sim_choose(2));
        else
            sim_cancel(i);
        break;
    case 5:
        if (m->has[YOTON_PUB])
            m->to_send += 1 + (unsigned)(sim_choose(2) ? sim_choose(4) : sim_choose(90));
        m->next_send = S.now;
        sim_member_wake(i);
        break;
    case 6:
        m->next_read = S.now + sim_choose(1500 * YOTON_MS);
        break;
    case 7:
        if (sim_choose(2))
            sim_rogue(i);
        else
            sim_switch_sync(i);
        break;
    default:
        trouble();
    }
}

static bool all_up(void) {
    for (const sim_end *e = S.end; e < S.end + 2 * S.edges; e++)
        if (e->link == NULL || !e->up)
            return false;
    return true;
}

static bool in_peace(void) {
    if (S.under_way > 0)
        return false;
    for (unsigned i = 0; i < S.members; i++) {
        const sim_member *m = &S.member[i];
        if (m->due <= S.now || m->executing != NULL || m->sent < m->to_send ||
            (m->has[YOTON_SUB] && channel_pending(&m->channels[YOTON_SUB]) > 0))
            return false;
        for (unsigned q = 1; q <= m->calls; q++)
            if (m->requests[q].outcome == SIM_OFFERED ||
                (!S.lossy && m->requests[q].outcome == SIM_TAKEN))
                return false;
    }
    return true;
}

static void run_until(bool (*condition)(void), const char *what) {
    yoton_time until = S.now + PATIENCE;
    while (!condition()) {
        sim_check(S.now < until, "%s", what);
        sim_step(until);
    }
}

/* ---- What must be true of it ---- */

static void check_messages(void) {
    for (unsigned to = 0; to + 1 < S.members; to++)
        for (unsigned from = 0; from + 1 < S.members; from++)
            if (S.member[to].has[YOTON_SUB] && to != from)
                sim_check(S.member[to].count[from] == S.member[from].sent,
                          "node %u has %u of %u messages of node %u", to, S.member[to].count[from],
                          S.member[from].sent, from);
}

static void check_negotiations(void) {
    for (unsigned i = 0; i < S.members; i++) {
        const sim_member *m = &S.member[i];
        const replier *replier = &m->channels[YOTON_REP].as.replier;
        sim_check(!m->has[YOTON_REP] ||
                      (replier->state == REPLIER_FREE && replier->offers.count == 0),
                  "the replier of node %u waits, or has offers", i); /* REQREP-14, REQREP-17 */
        for (unsigned q = 1; q <= m->calls; q++)
            sim_check((m->requests[q].outcome == SIM_ANSWERED) == (m->requests[q].executed == 1),
                      "request %u of node %u", q, i);
    }
}

static void check_words(void) {
    for (unsigned i = 0; i < S.members; i++) {
        sim_member *m = &S.member[i];
        sim_check(m->word == NULL || strcmp(m->word, "full") != 0, "node %u stays full", i);
        sim_check(!m->has[YOTON_PUB] ||
                      sync_writer_held(&m->channels[YOTON_PUB].as.writer, S.now) == 0,
                  "node %u holds its sends, and nobody is full", i);
    }
}

static void check_states(unsigned members, unsigned setter, const char *when) {
    yoton_package *set = S.member[setter].channels[YOTON_STATE].as.state.current;
    for (unsigned i = 0; i < members; i++) {
        if (!S.member[i].has[YOTON_STATE])
            continue;
        yoton_package *has = S.member[i].channels[YOTON_STATE].as.state.current;
        sim_check(has != NULL &&
                      yoton_package_header(has)->length == yoton_package_header(set)->length &&
                      memcmp(yoton_package_payload(has), yoton_package_payload(set),
                             yoton_package_header(set)->length) == 0,
                  "node %u has another state than node %u %s", i, setter, when);
    }
}

/* A quiet connected network, one set that nothing overlaps, and one that comes late. */
static void agree_on_states(void) {
    unsigned setter = 0, late = S.members - 1;
    while (setter < late && !S.member[setter].has[YOTON_STATE])
        setter++;
    if (setter == late)
        return;
    sim_set_state(setter, 777);
    run_until(in_peace, "the network does not come to rest after a set");
    check_states(late, setter, "after it was set");
    draw_edge(late, (unsigned)sim_choose(late));
    sim_connect_as(S.edges - 1, false); /* its own NEW_CONNECTION asks for the states */
    run_until(all_up, "a late joiner does not come up");
    run_until(in_peace, "the network does not come to rest after a late joiner");
    check_states(S.members, setter, "after a late joiner");
}

static void finale(void) {
    S.finale = true;
    for (unsigned i = 0; i < S.members; i++) {
        sim_switch(i, true);
        sim_member_wake(i);
    }
    if (S.lossy)
        run_for(1500 * YOTON_MS); /* closes come to their end */
    for (unsigned i = 0; i < S.edges; i++)
        if (!sim_is_open(i))
            sim_connect(i);
    run_until(all_up, "the network does not come up");
    run_until(in_peace, "the network does not come to rest");
    if (!S.lossy) { /* an ok that nobody was connected to hear is not said again before 4 s */
        check_words();
        check_messages();
        check_negotiations();
    }
    agree_on_states();
}

void sim_run_world(uint64_t seed) {
    S.running = true;
    open_world(seed);
    bool early = sim_choose(4) == 0, troubled = sim_choose(3) == 0;
    if (early)
        S.lossy = true; /* what is sent before all are connected does not come to all */
    else
        run_until(all_up, "the network does not come up");
    for (uint64_t acts = 5 + sim_choose(25); acts > 0; acts--) {
        run_for(sim_choose(sim_choose(4) ? 50 * YOTON_MS : 400 * YOTON_MS));
        act(troubled);
    }
    finale();
    close_world();
    S.running = false;
}
