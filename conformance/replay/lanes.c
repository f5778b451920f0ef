/* SPDX-License-Identifier: BSD-2-Clause */
/* Connections of a replay, what comes on them, and what is not as recorded. */
#include "replay/play.h"

#include <stdlib.h>
#include <string.h>

#include "engine/util.h"

enum { DIFFERENCES_MAX = 20 };
static const double REACTS = 0.5; /* recorded silence after which nothing more was to come */

/* ---- Differences ---- */

void differ(play *p, const replay_step *step, const char *what, const char *recorded,
            const char *live) {
    const replay_link *link = &p->c->links[step->link];
    note(p->t, "not as recorded (frame %lu): %s", step->frame, what);
    if (json_array_size(p->differences) >= DIFFERENCES_MAX) {
        p->cut = true;
        return;
    }
    json_array_append_new(p->differences,
                          json_pack("{s:I, s:f, s:I, s:o, s:o, s:o}", "frame",
                                    (json_int_t)step->frame, "time", step->time, "stream",
                                    (json_int_t)link->stream, "what", json_text(what), "recorded",
                                    json_text(recorded), "live", json_text(live)));
}

double patience_left(const play *p) {
    double whole = patience(p->t);
    return json_array_size(p->differences) > 0 ? whole / 4 : whole;
}

/* ---- What comes ---- */

static void keep(lane *l, const item *i) {
    if (l->count == l->room) {
        l->room = l->room > 0 ? 2 * l->room : 16;
        l->arrived = more_room(l->arrived, l->room * sizeof *l->arrived);
    }
    l->arrived[l->count++] = (arrived){i, false};
}

bool is_own(const play *p, const package *q) { return q->source_id == p->like.live_id; }

/* What section 18 leaves open. */
static bool left_open(const play *p, lane *l, const item *i) {
    uint64_t id;
    if (i->kind != ITEM_PACKAGE)
        return i->kind != ITEM_LINE && i->kind != ITEM_TEXT && i->kind != ITEM_CUT;
    return i->p.slot < 8 || (is_own(p, &i->p) && repeats_word(p->c, &l->live_words, &i->p)) ||
           (is_own(p, &i->p) &&
            offers_request(p->c, i->p.slot, i->p.dest_seq, i->p.payload, i->p.size, &id) &&
            is_mapped(&p->like.offers, id) && live_of(&p->like.offers, id) != i->p.source_seq);
}

/* Waits for the next thing; false when none came in time, or none will. */
bool fetch(play *p, lane *l, double seconds) {
    if (l->ended || l->end == NULL)
        return false;
    const item *i = next_item(l->end, seconds);
    if (i == NULL)
        return false;
    if (i->kind == ITEM_END || i->kind == ITEM_RESET)
        l->ended = true;
    else if (!left_open(p, l, i))
        keep(l, i);
    return true;
}

/* ---- Connections ---- */

static uint64_t known_id(const play *p) {
    uint64_t id = peer_id(p->t);
    return id != 0 ? id : p->like.live_id;
}

lane *lane_of(play *p, const replay_step *step) {
    lane *l = &p->lanes[step->link];
    if (l->end == NULL) {
        l->end = meet_as(p->t, l->link->peer_role);
        end_keep_alive(l->end, false);
        p->like.live_id = known_id(p);
    }
    return l;
}

static const char *connection_of(lane *l) {
    if (l->end->connection == NULL && l->end->connecting != 0)
        await_connected(l->end);
    return l->end->connection;
}

void ask_close(play *p, lane *l) {
    l->asked = true;
    if (!l->excused && l->hellos == 2 && p->t->adapter.pid != 0) /* else it gives up by itself */
        ask(p->t, "close", "{s:s}", "connection", connection_of(l));
}

/* With both lines the connection stands, unless it is one to oneself (HS-27, HS-28). The program
 * may be told to send only when its context knows. */
void said_hello(lane *l) {
    if (++l->hellos < 2)
        return;
    l->excused = l->link->to_itself;
    end_keep_alive(l->end, true);
    if (!l->link->to_itself)
        await_joined(l->end);
}

/* ---- What came, and was not recorded ---- */

/* The recording shows what the context left out only up to where it was heard of again. */
static bool belongs(const play *p, const lane *l, size_t place) {
    return !l->given_up && (place < l->last_match || p->c->quiet >= REACTS);
}

/* A recorded package that was left out as no model excuses one that is like it. */
static bool is_excused(play *p, const lane *l, const package *got) {
    size_t at;
    for (const replay_step *s = p->c->steps; s < p->c->steps + p->c->step_count; s++)
        if (s->theirs && s->kind == DUMP_PACKAGE && s->broken != NO_RULE &&
            s->link == (size_t)(l - p->lanes) && compare_likeness(&p->like, s, got, &at) == ALIKE)
            return true;
    return false;
}

static bool is_alive(const lane *l) {
    return l->end != NULL && !l->given_up && l->end->s->packages && l->end->s->fd >= 0 &&
           !l->end->s->shut && !l->ended && !l->end->s->ended && !l->end->s->reset;
}

void await_rest(play *p) {
    bool alive = false;
    for (size_t i = 0; i < p->c->link_count; i++) {
        lane *l = &p->lanes[i];
        alive = alive || is_alive(l);
        if (l->end != NULL && !is_alive(l))
            end_close(l->end);
    }
    if (alive && has(p->t, "open") && has(p->t, "send") && has(p->t, "recv") && has(p->t, "bin"))
        barrier(p->t);
    for (size_t i = 0; i < p->c->link_count; i++)
        while (is_alive(&p->lanes[i]) && fetch(p, &p->lanes[i], 0))
            ;
}

void report_rest(play *p) {
    const replay_step *last = &p->c->steps[p->c->step_count - 1];
    for (size_t i = 0; i < p->c->link_count; i++) {
        const lane *l = &p->lanes[i];
        for (size_t n = 0; n < l->count; n++) {
            const item *it = l->arrived[n].item;
            if (l->arrived[n].matched || !belongs(p, l, n))
                continue;
            bool packet = it->kind == ITEM_PACKAGE;
            if (packet && is_excused(p, l, &it->p))
                continue;
            char *live = packet ? package_text(p->c, &it->p, is_own(p, &it->p)) : describe(it);
            replay_step where = {.link = i, .frame = last->frame, .time = last->time};
            differ(p, &where, "it was not recorded", "nothing", live);
            free(live);
        }
    }
}
