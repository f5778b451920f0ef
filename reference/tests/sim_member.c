/* SPDX-License-Identifier: BSD-2-Clause */
/* Contexts of the simulation: what src/context does with the machines, without sockets, threads and
 * loop, and a program on top that every channel of it is checked from. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#include "wire/value.h"

#define NEWS "NEW_CONNECTION"

static unsigned index_of(const sim_member *m) { return (unsigned)(m - S.member); }

static void due_at(sim_member *m, yoton_time when) {
    if (when < m->due)
        m->due = when > S.now ? when : S.now;
}

void sim_member_wake(unsigned member) { due_at(&S.member[member], S.now); }

static const char *describe(yoton_package *package) {
    static char text[120];
    const yoton_header *h = yoton_package_header(package);
    snprintf(text, sizeof text, "%u/%" PRIu64 " to %" PRIx64 " on %.10s id %s%" PRIu64 " \"%.*s\"",
             (unsigned)(h->source_id - SIM_ID(0)), h->source_seq, h->dest_id,
             h->slot == 2                        ? "contexts"
             : h->slot == S.slots_out[YOTON_PUB] ? "pub-sub"
             : h->slot == S.slots_out[YOTON_SUB] ? "sub-pub"
             : h->slot == S.slots_out[YOTON_REQ] ? "req-rep"
             : h->slot == S.slots_out[YOTON_REP] ? "rep-req"
                                                 : "state",
             h->dest_seq >= NEGOTIATION ? "+" : "",
             h->dest_seq >= NEGOTIATION ? h->dest_seq - NEGOTIATION : h->dest_seq,
             (int)(h->length < 20 ? h->length : 20), (const char *)yoton_package_payload(package));
    return text;
}

/* ---- Sending ---- */

static void send_own(sim_member *m, yoton_package *package) {
    unsigned member = index_of(m);
    yoton_node_stamp(m->node, yoton_package_header(package));
    if (S.tracing)
        sim_trace("node %u sends    %s", member, describe(package));
    if (sim_send(member, package, NULL) > 0)
        return;
    yoton_queue_push(m->startup, package);
    sim_check(yoton_queue_count(m->startup) <= S.link.queue_packages, "start-up queue");
}

/* SYNC-1, SYNC-2: words are said in turn. */
static void check_word(sim_member *m, yoton_package *package) {
    size_t pending = channel_pending(&m->channels[YOTON_SUB]);
    bool full = package_is_word(package, "full");
    sim_check(full || package_is_word(package, "ok"), "a word that is none");
    bool again = m->word != NULL && full == (strcmp(m->word, "full") == 0);
    sim_check(again || !m->sync || (full ? pending > 32 : pending < 16),
              "%s with %zu messages waiting", full ? "full" : "ok", pending);
    sim_check(full || m->word != NULL || S.lossy, "ok without full before");
    m->word = full ? "full" : "ok";
    S.words++;
}

static sim_request *request_of(sim_member *m, uint64_t id) {
    sim_check(id >= 1 && id <= m->calls, "no such request: %" PRIu64, id);
    return &m->requests[id];
}

static void check_request(sim_member *m, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    if (h->dest_seq < NEGOTIATION) {
        sim_request *q = request_of(m, h->dest_seq);
        unsigned to = (unsigned)(h->dest_id - SIM_ID(0));
        sim_check(q->given++ == 0, "a request is given twice");             /* REQREP-6 */
        sim_check(to < S.members && q->invited >> to & 1, "given unasked"); /* REQREP-10 */
        sim_check(q->outcome == SIM_OFFERED, "given and not offered");
        return;
    }
    sim_request *q = request_of(m, h->dest_seq - NEGOTIATION);
    sim_check(h->dest_id == 0, "an offer is for everybody");
    if (!package_is_word(package, "req?"))
        return;
    sim_check(q->outcome == SIM_OFFERED, "req? of what is not offered"); /* REQREP-5 */
    sim_check(q->asked == 0 || S.now - q->asked >= 500 * YOTON_MS, "req? too soon");
    q->asked = S.now;
}

static void strike(sim_member *m, offer_key key) {
    for (size_t i = 0; i < m->offers; i++)
        if (m->offered[i].source == key.source && m->offered[i].id == key.id) {
            m->offers--;
            memmove(&m->offered[i], &m->offered[i + 1], (m->offers - i) * sizeof key);
            return;
        }
}

/* REQREP-14, and what the one that is awaited becomes. */
static void note_offer(sim_member *m, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    const offer_key key = {h->source_id, h->dest_seq - NEGOTIATION};
    if (package_is_word(package, "req-") && m->awaited.source == key.source &&
        m->awaited.id == key.id)
        m->awaited.source = 0;
    if (package_is_word(package, "req-") || package_is_word(package, "req?"))
        strike(m, key);
    if (package_is_word(package, "req?") && m->offers < SIM_OFFERS)
        m->offered[m->offers++] = key;
}

static void check_invitation(sim_member *m, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    if (h->dest_seq < NEGOTIATION)
        return;
    sim_check(package_is_word(package, "req!") && h->dest_id != 0, "not an invitation");
    sim_check(m->on, "req! while it is off");                  /* REQREP-24 */
    sim_check(m->executing == NULL, "req! while it executes"); /* REQREP-16 */
    sim_check(m->awaited.source == 0 || S.now >= m->awaited_since + 10000 * YOTON_MS,
              "req! while it waits");
    m->awaited = (offer_key){h->dest_id, h->dest_seq - NEGOTIATION};
    sim_check(S.small || (m->offers > 0 && m->offered[0].source == m->awaited.source &&
                          m->offered[0].id == m->awaited.id),
              "req! to another than the first of the list"); /* REQREP-15 */
    strike(m, m->awaited);
    m->awaited_since = S.now;
}

static int sink_send(void *user, yoton_package *package) {
    sim_member *m = user;
    uint64_t slot = yoton_package_header(package)->slot;
    if (slot == S.slots_out[YOTON_SUB])
        check_word(m, package);
    else if (slot == S.slots_out[YOTON_REQ])
        check_request(m, package);
    else if (slot == S.slots_out[YOTON_REP])
        check_invitation(m, package);
    send_own(m, package);
    return YOTON_OK;
}

static int sink_heard(void *user) { return sim_heard(index_of(user)); }

void sim_member_alive(unsigned member, sim_end *first) {
    yoton_package *package;
    sim_member *m = &S.member[member];
    (void)first; /* the only one: there is none when others are alive */
    while ((package = yoton_queue_pop(m->startup)) != NULL) {
        sim_send(member, package, NULL);
        yoton_package_unref(package);
    }
}

static void send_raw(sim_member *m, yoton_header header, const char *payload) {
    header.length = strlen(payload);
    yoton_package *package = yoton_package_new(&header, payload);
    assert_non_null(package);
    send_own(m, package);
    yoton_package_unref(package);
}

void sim_member_joined(unsigned member) {
    send_raw(&S.member[member], (yoton_header){.slot = YOTON_SLOT_CONTEXT}, NEWS); /* CTX-1 */
}

/* ---- Receiving ---- */

static void took_step(sim_member *m, request *stepped, yoton_package *package) {
    sim_request *q = (sim_request *)(void *)stepped;
    char mine[24];
    if (stepped->state == REQUEST_TAKEN) {
        q->outcome = SIM_TAKEN;
        return;
    }
    sim_check(q->outcome == SIM_TAKEN, "answered and not taken");
    q->outcome = SIM_ANSWERED;
    snprintf(mine, sizeof mine, "a%u-%u", index_of(m), (unsigned)stepped->id);
    sim_check(package_is_word(package, mine), "the reply of another request");
}

static void note_arrival(sim_member *m, unsigned kind, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    uint64_t id = h->dest_seq - NEGOTIATION;
    unsigned from = (unsigned)(h->source_id - SIM_ID(0));
    if (kind == YOTON_REQ && h->dest_seq >= NEGOTIATION && h->dest_id != 0 && id >= 1 &&
        id <= m->calls && package_is_word(package, "req!"))
        m->requests[id].invited |= UINT64_C(1) << from;
    if (kind == YOTON_REP && h->dest_seq >= NEGOTIATION)
        note_offer(m, package);
    if (kind == YOTON_PUB)
        m->full_until[from] = package_is_word(package, "full") ? S.now + 10000 * YOTON_MS : 0;
}

static void deposit(sim_member *m, unsigned kind, yoton_package *package) {
    request *stepped = NULL;
    channel *c = &m->channels[kind];
    note_arrival(m, kind, package);
    switch (channel_arrive(c, S.now, package, &stepped)) {
    case CHANNEL_REQUEST:
        took_step(m, stepped, package);
        break;
    case CHANNEL_RECEIVED:
    case CHANNEL_WORK:
    case CHANNEL_EASED:
    case CHANNEL_NOTHING:
        break;
    }
    if (c->core.incoming != NULL)
        sim_check(yoton_queue_count(c->core.incoming) <= S.limits.packages, "a channel's queue");
    due_at(m, S.now);
}

void sim_member_receive(unsigned member, const sim_end *from, yoton_package *package) {
    sim_member *m = &S.member[member];
    const yoton_header *h = yoton_package_header(package);
    uint64_t recv_seq;
    unsigned source = (unsigned)(h->source_id - SIM_ID(0));
    unsigned route = yoton_node_route(m->node, h, &recv_seq);
    yoton_package_set_recv_seq(package, recv_seq);
    sim_check(source < S.members, "source %" PRIx64, h->source_id);
    if (route & YOTON_ROUTE_FORWARD)
        sim_send(member, package, from);
    if (route & YOTON_ROUTE_DEPOSIT) {
        if (S.tracing)
            sim_trace("node %u receives %s", member, describe(package));
        sim_check(source != member, "its own package came back");
        sim_check(h->dest_id == 0 || h->dest_id == SIM_ID(member), "deposited at a foreign id");
        sim_check(h->source_seq > m->last_seq[source], "%u/%" PRIu64 " after %" PRIu64, source,
                  h->source_seq, m->last_seq[source]); /* neither twice nor out of order */
        m->last_seq[source] = h->source_seq;
        S.deposited++;
        for (unsigned kind = 0; kind < 5; kind++)
            if (m->has[kind] && m->channels[kind].core.in.number == h->slot)
                deposit(m, kind, package);
        if (h->slot == YOTON_SLOT_CONTEXT && m->has[YOTON_STATE])
            channel_newcomer(&m->channels[YOTON_STATE]); /* CTX-3 */
    }
    yoton_package_unref(package);
}

/* ---- The program: pub and sub ---- */

/* `pNN-nnnn`, as the message type wants it. */
static size_t message(char *text, char mark, unsigned member, unsigned number) {
    size_t head = S.type == YOTON_OBJ ? 2 : 0;
    snprintf(text, 24, "s\x8%c%02u-%04u", mark, member, number);
    memmove(text, text + 2 - head, head + 9);
    return head + 8;
}

static void publish(sim_member *m) {
    char text[24];
    yoton_package *package;
    size_t size = message(text, 'p', index_of(m), ++m->sent);
    channel_core *core = &m->channels[YOTON_PUB].core;
    sim_check(channel_core_pack(core, S.type, text, size, &package) == YOTON_OK, "pack");
    send_own(m, package);
    yoton_package_unref(package);
}

/* SYNC-5, SYNC-6, SYNC-10 */
static yoton_time held_by_readers(sim_member *m) {
    yoton_time held = sync_writer_held(&m->channels[YOTON_PUB].as.writer, S.now), last = 0;
    for (unsigned i = 0; i < S.members; i++)
        if (m->full_until[i] > S.now && m->full_until[i] > last)
            last = m->full_until[i];
    sim_check(held == last, "sends are held until %.6f s, not %.6f s", (double)held / 1e9,
              (double)last / 1e9);
    return held;
}

/* SYNC-5, LIMIT-4: each send is held for at most a second. */
static void run_pub(sim_member *m) {
    while (m->sent < m->to_send && S.now >= m->next_send) {
        bool held = held_by_readers(m) != 0 || sim_too_much_waits(index_of(m));
        if (held && m->held_since == YOTON_NEVER) {
            m->held_since = S.now;
            S.holds++;
        }
        if (held && S.now < m->held_since + SIM_HOLD) {
            yoton_time look = S.now + 50 * YOTON_MS; /* for what waits on connections */
            due_at(m, look < m->held_since + SIM_HOLD ? look : m->held_since + SIM_HOLD);
            return;
        }
        m->held_since = YOTON_NEVER;
        publish(m);
        m->next_send = S.now + (S.finale ? 1 : 1 + sim_below(3)) * YOTON_MS;
    }
    if (m->sent < m->to_send)
        due_at(m, m->next_send);
}

static void read_one(sim_member *m) {
    channel *c = &m->channels[YOTON_SUB];
    yoton_message got;
    unsigned member = 0, number = 0;
    sim_check(channel_core_unpack(&c->core, yoton_queue_pop(c->core.incoming), &got) == YOTON_OK,
              "a message that is none");
    const char *text = (const char *)got.data + (S.type == YOTON_OBJ ? 2 : 0);
    member = (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
    for (int i = 4; i < 8; i++)
        number = number * 10 + (unsigned)(text[i] - '0');
    sim_check(got.source_id == SIM_ID(member), "a message of another");
    sim_check(number > m->got[member], "message %u after %u", number, m->got[member]); /* PUB-3 */
    sim_trace("node %u reads message %u of node %u", index_of(m), number, member);
    m->got[member] = number;
    m->count[member]++;
    yoton_message_clear(&got);
}

static void run_sub(sim_member *m) {
    channel *c = &m->channels[YOTON_SUB];
    while (channel_pending(c) > 0 && (S.finale || S.now >= m->next_read)) {
        channel_look(c, S.now);
        read_one(m);
        m->next_read = S.now + sim_below(m->pace);
    }
    channel_look(c, S.now); /* a receive that finds nothing looks too */
    bool full = m->word != NULL && strcmp(m->word, "full") == 0;
    sim_check(full || !m->sync || S.lossy || channel_pending(c) <= 32, "full is not said");
    if (channel_pending(c) > 0)
        due_at(m, m->next_read);
}

void sim_switch_sync(unsigned member) {
    sim_member *m = &S.member[member];
    if (!m->has[YOTON_SUB])
        return;
    m->sync = !m->sync;
    sim_trace("node %u switches sync mode %s", member, m->sync ? "on" : "off");
    channel_set_sync(&m->channels[YOTON_SUB], m->sync); /* SYNC-8 */
}

/* ---- The program: req, rep, state ---- */

void sim_call(unsigned member, yoton_time cancel_at) {
    sim_member *m = &S.member[member];
    char text[24];
    if (!m->has[YOTON_REQ] || m->calls == SIM_REQUESTS)
        return;
    sim_request *q = &m->requests[++m->calls];
    *q = (sim_request){.outcome = SIM_OFFERED};
    int size = snprintf(text, sizeof text, "q%u-%u", member, m->calls);
    int error = requester_call(&m->channels[YOTON_REQ].as.requester, &q->machine, S.now, text,
                               (size_t)size, cancel_at);
    sim_check(error == YOTON_OK && q->machine.id == m->calls, "call"); /* REQREP-1 */
    due_at(m, S.now);
}

static void is_cancelled(sim_member *m, request *over) {
    sim_request *q = (sim_request *)(void *)over;
    sim_check(q->outcome == SIM_OFFERED && q->given == 0, "cancelled and given");
    q->outcome = SIM_CANCELLED;
    sim_trace("node %u: request %" PRIu64 " is cancelled", index_of(m), over->id);
}

void sim_cancel(unsigned member) {
    sim_member *m = &S.member[member];
    if (m->calls == 0)
        return;
    sim_request *q = &m->requests[1 + sim_choose(m->calls)];
    bool offered = q->outcome == SIM_OFFERED;
    bool done = requester_cancel(&m->channels[YOTON_REQ].as.requester, &q->machine);
    sim_check(done == offered, "cancelling says %d", done); /* REQREP-13 */
    if (done)
        is_cancelled(m, &q->machine);
}

static void run_req(sim_member *m) {
    request *over;
    while ((over = channel_tick(&m->channels[YOTON_REQ], S.now)) != NULL)
        is_cancelled(m, over);
    for (unsigned i = 1; i <= m->calls; i++) {
        const sim_request *q = &m->requests[i];
        sim_check(q->outcome != SIM_OFFERED || S.now < q->machine.cancel_at,
                  "not cancelled"); /* REQREP-12 */
        sim_check(q->outcome != SIM_OFFERED || S.lossy || S.now - q->asked <= SIM_HOLD,
                  "req? not said again");
    }
}

void sim_switch(unsigned member, bool on) {
    sim_member *m = &S.member[member];
    if (!m->has[YOTON_REP])
        return;
    sim_trace("node %u switches its rep channel %s", member, on ? "on" : "off");
    if (on && !m->on)
        m->awaited.source = 0;
    m->on = on;
    replier_switch(&m->channels[YOTON_REP].as.replier, on);
    due_at(m, S.now);
}

static void execute(sim_member *m, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    unsigned from = (unsigned)(h->source_id - SIM_ID(0));
    char text[24];
    sim_check(m->executing == NULL && m->on, "two at once, or one while it is off");
    sim_check(from < S.members, "a request from nowhere");
    sim_request *q = request_of(&S.member[from], h->dest_seq);
    snprintf(text, sizeof text, "q%u-%u", from, (unsigned)h->dest_seq);
    sim_check(package_is_word(package, text), "not the request that was sent");
    sim_check(++q->executed == 1, "executed twice");
    strike(m, (offer_key){h->source_id, h->dest_seq});
    m->executing = package;
    m->awaited.source = 0;
    m->done_at = S.now + (sim_choose(3) ? sim_choose(300 * YOTON_MS) : 0);
    sim_trace("node %u executes request %s until %.6f s", index_of(m), text,
              (double)m->done_at / 1e9);
    S.executions++;
}

static void finish(sim_member *m) {
    char text[24];
    const yoton_header *h = yoton_package_header(m->executing);
    int size = snprintf(text, sizeof text, "a%u-%u", (unsigned)(h->source_id - SIM_ID(0)),
                        (unsigned)h->dest_seq);
    yoton_package_unref(m->executing);
    m->executing = NULL;
    replier *replier = &m->channels[YOTON_REP].as.replier;
    sim_check(replier_reply(replier, text, (size_t)size) == YOTON_OK, "no memory for a reply");
    replier_done(replier);
}

static void run_rep(sim_member *m) {
    channel *c = &m->channels[YOTON_REP];
    yoton_package *package;
    if (m->executing != NULL && S.now >= m->done_at)
        finish(m);
    while ((package = replier_next(&c->as.replier, c->core.incoming, S.now)) != NULL) {
        execute(m, package);
        if (S.now >= m->done_at)
            finish(m);
    }
    if (m->executing != NULL)
        due_at(m, m->done_at);
    sim_check(c->as.replier.offers.count <= S.limits.offers, "the list of offers");
}

void sim_set_state(unsigned member, unsigned value) {
    sim_member *m = &S.member[member];
    char text[24];
    yoton_package *package;
    channel *c = &m->channels[YOTON_STATE];
    if (!m->has[YOTON_STATE])
        return;
    size_t size = message(text, 's', member, value);
    sim_check(channel_core_pack(&c->core, S.type, text, size, &package) == YOTON_OK, "pack");
    if (state_cell_set(&c->as.state, package))
        send_own(m, package);
    yoton_package_unref(package);
}

/* What no honest context sends, and everybody must ignore. */
void sim_rogue(unsigned member) {
    sim_member *m = &S.member[member];
    yoton_header to_rep = {.slot = S.slots_out[YOTON_REQ], .dest_seq = 1 + sim_choose(9)};
    yoton_header to_req = {.slot = S.slots_out[YOTON_REP], .dest_seq = 1 + sim_choose(3)};
    send_raw(m, to_rep, "for everybody"); /* REQREP-27 */
    send_raw(m, to_req, "for everybody"); /* REQREP-10 */
    to_rep.dest_seq += NEGOTIATION;
    to_req.dest_seq += NEGOTIATION;
    send_raw(m, to_rep, "req~"); /* REQREP-28 */
    send_raw(m, to_req, "req!"); /* REQREP-10 */
    to_req.dest_id = SIM_ID(sim_choose(S.members));
    send_raw(m, to_req, "req~"); /* REQREP-28 */
}

/* ---- Life ---- */

void sim_member_run(unsigned member) {
    sim_member *m = &S.member[member];
    m->due = YOTON_NEVER;
    if (m->has[YOTON_PUB])
        run_pub(m);
    if (m->has[YOTON_SUB])
        run_sub(m);
    if (m->has[YOTON_REQ])
        run_req(m);
    if (m->has[YOTON_REP])
        run_rep(m);
    for (unsigned kind = YOTON_REQ; kind <= YOTON_REP; kind++)
        if (m->has[kind])
            due_at(m, channel_deadline(&m->channels[kind]));
}

void sim_member_open(unsigned member) {
    sim_member *m = &S.member[member];
    const channel_sink sink = {.send = sink_send, .heard = sink_heard, .user = m};
    bool has[5];
    memcpy(has, m->has, sizeof has);
    memset(m, 0, sizeof *m);
    memcpy(m->has, has, sizeof has);
    m->node = yoton_node_new(SIM_ID(member), 0);
    m->startup = yoton_queue_new(S.link.queue_packages, 0, S.link.discard);
    assert_true(m->node != NULL && m->startup != NULL);
    m->due = m->held_since = YOTON_NEVER;
    for (unsigned kind = 0; kind < 5; kind++) {
        bool objects = kind == YOTON_REQ || kind == YOTON_REP;
        yoton_message_type kept = objects ? YOTON_OBJ : S.type;
        yoton_channel_type *type = kept == YOTON_CUSTOM ? S.own : channel_type_standard(kept);
        if (!m->has[kind])
            continue;
        channel_type_ref(type);
        assert_int_equal(channel_init(&m->channels[kind], (yoton_channel_kind)kind, "a", 1, type,
                                      &S.limits, &sink, SIM_ID(member)),
                         YOTON_OK);
        S.slots_out[kind] = m->channels[kind].core.out.number;
    }
    m->on = m->has[YOTON_REP] && sim_choose(8) > 0;
    if (m->on)
        replier_switch(&m->channels[YOTON_REP].as.replier, true);
    m->sync = m->has[YOTON_SUB] && sim_choose(4) > 0;
    if (m->sync)
        channel_set_sync(&m->channels[YOTON_SUB], 1);
    m->pace = 1 + (sim_choose(3) ? 0 : sim_choose(20 * YOTON_MS));
}

void sim_member_free(unsigned member) {
    sim_member *m = &S.member[member];
    yoton_node_free(m->node);
    yoton_queue_free(m->startup);
    yoton_package_unref(m->executing);
    for (unsigned kind = 0; kind < 5; kind++)
        if (m->has[kind])
            channel_clear(&m->channels[kind]);
}
