/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of the simulation: two links, and bytes that take their time in pieces. Nothing is
 * allocated for them, so that a network costs next to nothing. */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

sim S;

void sim_say_replay(void) {
    if (S.running)
        print_error("replay with SEED=%" PRIu64 " %s\n", S.seed, S.program);
}

void sim_failed(const char *file, int line, const char *format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    print_error("at %.6f s: %s\n", (double)S.now / 1e9, text);
    sim_say_replay();
    S.running = false;
    fflush(stdout);
    _fail(file, line);
    abort();
}

static sim_end *other_of(const sim_end *e) { return &S.end[(e - S.end) ^ 1]; }

static void due_at(sim_end *e, yoton_time when) {
    if (when < e->due)
        e->due = when > S.now ? when : S.now;
}

static bool alive(const sim_end *e) {
    return e->link != NULL &&
           (e->up ? yoton_link_get_state(e->link) == YOTON_LINK_CONNECTED
                  : e->host && yoton_link_get_state(e->link) == YOTON_LINK_HANDSHAKE);
}

static void open_end(sim_end *e, bool host) {
    static const size_t most[] = {9, 50, 400, 4000};
    yoton_link_config config = S.link;
    config.role = host ? YOTON_ROLE_HOST : YOTON_ROLE_CLIENT;
    config.id = SIM_ID(e->member);
    e->link = yoton_link_new(&config, S.now);
    assert_non_null(e->link);
    e->host = host;
    e->up = e->cut = false;
    e->pieces = e->first = e->bytes = e->start = 0;
    e->most = most[sim_choose(8) == 0 ? 0 : 1 + sim_choose(3)];
    e->delay = (1 + sim_choose(20)) * YOTON_MS;
    e->reads_again = e->last_pause = 0;
    e->due = S.now;
}

void sim_connect(unsigned edge) { sim_connect_as(edge, sim_choose(2)); }

void sim_connect_as(unsigned edge, bool host) {
    sim_end *a = &S.end[2 * edge], *b = a + 1;
    sim_trace("node %u %s node %u (connection %u)", a->member, host ? "hosts" : "connects to",
              b->member, edge);
    open_end(a, host);
    open_end(b, !host);
    sim_member_alive((host ? a : b)->member, host ? a : b);
}

bool sim_is_open(unsigned edge) {
    return S.end[2 * edge].link != NULL || S.end[2 * edge + 1].link != NULL;
}

static void settle(sim_end *e) {
    S.under_way -= e->under_way;
    e->under_way = 0;
}

/* The socket is closed: what is under way still arrives there, and then the end of the stream. */
static void gone(sim_end *e) {
    sim_end *to = other_of(e);
    yoton_link_free(e->link);
    e->link = NULL;
    e->due = YOTON_NEVER;
    settle(to); /* what comes here comes to nobody */
    if (to->link == NULL) {
        settle(e);
        return;
    }
    to->cut = true;
    to->cut_at = to->pieces > 0 ? to->piece[(to->first + to->pieces - 1) % SIM_PIECES].at : S.now;
    due_at(to, to->cut_at);
}

void sim_close(sim_end *e) {
    S.lossy = true;
    sim_trace("node %u closes connection %ld", e->member, (long)(e - S.end) / 2);
    yoton_link_close(e->link, S.now, NULL);
    due_at(e, S.now);
}

void sim_cut(sim_end *e) {
    sim_end *to = other_of(e);
    S.lossy = true;
    sim_trace("node %u drops connection %ld", e->member, (long)(e - S.end) / 2);
    while (to->pieces > 0 && sim_choose(2))
        to->bytes -= to->piece[(to->first + --to->pieces) % SIM_PIECES].size;
    gone(e);
}

void sim_pause(sim_end *e, yoton_time span) {
    if (e->link == NULL || !e->up) /* who has not read the other end's line sends no heartbeats */
        return;
    e->reads_again = e->last_pause = S.now + span;
    sim_trace("node %u reads nothing on connection %ld for %.3f s", e->member,
              (long)(e - S.end) / 2, (double)span / 1e9);
    due_at(e, e->reads_again);
}

unsigned sim_send(unsigned member, yoton_package *package, const sim_end *except) {
    unsigned count = 0;
    for (sim_end *e = S.end; e < S.end + 2 * S.edges; e++) {
        if (e->member != member || e == except || !alive(e))
            continue;
        int discarded = yoton_link_send(e->link, package);
        sim_check(discarded >= 0, "send: %d", discarded);
        sim_check(yoton_link_pending(e->link) <= S.link.queue_packages, "a queue has no bounds");
        sim_check(discarded == 0 || S.lossy, "a queue that is not full discards");
        e->under_way += 1 - discarded;
        S.under_way += 1 - discarded;
        due_at(e, S.now);
        count++;
    }
    return count;
}

bool sim_heard(unsigned member) {
    for (const sim_end *e = S.end; e < S.end + 2 * S.edges; e++)
        if (e->member == member && e->up && alive(e))
            return true;
    return false;
}

bool sim_too_much_waits(unsigned member) {
    for (const sim_end *e = S.end; e < S.end + 2 * S.edges; e++)
        if (e->member == member && e->up && alive(e) && yoton_link_pending(e->link) >= 64)
            return true;
    return false;
}

/* ---- Bytes ---- */

static bool write_piece(sim_end *e) {
    sim_end *to = other_of(e);
    const uint8_t *data;
    size_t size = yoton_link_output(e->link, &data), most = 1 + sim_below(e->most);
    if (size == 0 || to->pieces == SIM_PIECES || to->bytes == SIM_RING)
        return false;
    if (size > most)
        size = most;
    if (size > SIM_RING - to->bytes)
        size = SIM_RING - to->bytes;
    if (to->link != NULL) {
        size_t at = (to->start + to->bytes) % SIM_RING;
        size_t part = size < SIM_RING - at ? size : SIM_RING - at;
        memcpy(to->ring + at, data, part);
        memcpy(to->ring, data + part, size - part);
        yoton_time when = S.now + e->delay;
        to->piece[(to->first + to->pieces++) % SIM_PIECES] = (sim_piece){when, (unsigned)size};
        to->bytes += size;
        due_at(to, when);
    }
    yoton_link_written(e->link, S.now, size);
    return true;
}

/* Returns false when the end is gone. */
static bool happen(sim_end *e, const yoton_link_event *event) {
    sim_end *from = other_of(e);
    switch (event->kind) {
    case YOTON_LINK_UP:
        sim_check(!e->up && event->hello.id == SIM_ID(from->member), "UP of the wrong one");
        sim_trace("node %u is connected to node %u", e->member, from->member);
        e->up = true;
        if (!e->host) {
            sim_member_alive(e->member, e);
            sim_member_joined(e->member);
        }
        return true;
    case YOTON_LINK_PACKAGE:
        from->under_way--;
        S.under_way--;
        sim_member_receive(e->member, e, event->package);
        return true;
    case YOTON_LINK_TIMED_OUT:
        sim_trace("node %u: connection %ld timed out", e->member, (long)(e - S.end) / 2);
        sim_check(e->last_pause != 0 && S.now <= e->last_pause + S.link.timeout,
                  "a time-out at node %u, and the other end is well", e->member); /* LINK-1 */
        return true;
    case YOTON_LINK_DOWN:
        sim_trace("node %u: connection %ld is down: %s", e->member, (long)(e - S.end) / 2,
                  event->reason);
        sim_check(S.lossy, "a connection ended by itself: %s", event->reason);
        gone(e);
        return false;
    case YOTON_LINK_NOTHING:
    case YOTON_LINK_HEARTBEAT:
    case YOTON_LINK_RESUMED:
        break;
    }
    return true;
}

static bool feed(sim_end *e, const uint8_t *data, size_t size) {
    yoton_link_event event;
    size_t consumed;
    do {
        sim_check(yoton_link_input(e->link, S.now, data, size, &consumed, &event) == YOTON_OK,
                  "input");
        data += consumed;
        size -= consumed;
        if (!happen(e, &event))
            return false;
    } while (size > 0 || event.kind != YOTON_LINK_NOTHING);
    return true;
}

static bool reads(const sim_end *e) { return e->link != NULL && S.now >= e->reads_again; }

/* Returns false when nothing has arrived. */
static bool read_piece(sim_end *e) {
    if (!reads(e) || e->pieces == 0 || e->piece[e->first].at > S.now)
        return false;
    size_t size = e->piece[e->first].size, at = e->start;
    size_t part = size < SIM_RING - at ? size : SIM_RING - at;
    e->first = (e->first + 1) % SIM_PIECES;
    e->pieces--;
    e->start = (at + size) % SIM_RING;
    e->bytes -= size;
    due_at(other_of(e), S.now); /* there is room again */
    if (feed(e, e->ring + at, part) && size > part)
        feed(e, e->ring, size - part);
    return true;
}

static bool tick(sim_end *e) {
    yoton_link_event event;
    if (e->link == NULL || yoton_link_deadline(e->link) > S.now)
        return false;
    yoton_link_tick(e->link, S.now, &event);
    happen(e, &event);
    return true;
}

static void end_of_stream(sim_end *e) {
    yoton_link_event event;
    if (!e->cut || !reads(e) || e->pieces > 0 || S.now < e->cut_at)
        return;
    e->cut = false;
    yoton_link_eof(e->link, S.now, &event);
    happen(e, &event);
}

static void serve(sim_end *e) {
    while (read_piece(e) || tick(e) || (e->link != NULL && write_piece(e))) {
    }
    end_of_stream(e);
    e->due = YOTON_NEVER;
    if (e->link == NULL)
        return;
    due_at(e, yoton_link_deadline(e->link));
    yoton_time arrival = e->pieces > 0 ? e->piece[e->first].at : e->cut ? e->cut_at : YOTON_NEVER;
    due_at(e, arrival > e->reads_again ? arrival
              : e->reads_again > S.now ? e->reads_again
                                       : arrival);
}

void sim_step(yoton_time until) {
    sim_end *next = NULL;
    unsigned who = SIM_MEMBERS;
    yoton_time due = until;
    for (sim_end *e = S.end; e < S.end + 2 * S.edges; e++)
        if (e->due < due) {
            due = e->due;
            next = e;
        }
    for (unsigned i = 0; i < S.members; i++)
        if (S.member[i].due < due) {
            due = S.member[i].due;
            who = i;
        }
    S.steps = due > S.now ? 0 : S.steps + 1;
    sim_check(S.steps < 1000000, "time stands still: what is due is not done");
    S.now = due;
    if (who < SIM_MEMBERS)
        sim_member_run(who);
    else if (next != NULL)
        serve(next);
}

void sim_free_links(void) {
    for (sim_end *e = S.end; e < S.end + 2 * S.edges; e++) {
        yoton_link_free(e->link);
        e->link = NULL;
    }
}
