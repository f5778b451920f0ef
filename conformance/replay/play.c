/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays the other side of a recorded conversation, and compares what comes (REPLAY-1). */
#include "replay/play.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/registry.h"
#include "engine/util.h"

/* ---- Our side ---- */

static const char *name_of(const replay_step *step) {
    return step->kind == DUMP_HELLO || step->kind == DUMP_BAD_LINE ? "the recorded line"
           : step->kind == DUMP_CLOSE                              ? "close signal"
                                                                   : "recorded bytes";
}

static char *what_of(const play *p, const replay_step *step) {
    if (step->kind != DUMP_PACKAGE)
        return text_of("%s (frame %lu)", name_of(step), step->frame);
    package q = step_package(step);
    char *text = package_text(p->c, &q, false),
         *what = text_of("%s (frame %lu)", text, step->frame);
    free(text);
    return what;
}

static void send_step(play *p, lane *l, const replay_step *step) {
    uint8_t *bytes;
    size_t size = live_bytes(&p->like, step, &bytes);
    char *what = what_of(p, step);
    if (!offer_bytes(l->end, bytes, size, what, patience(p->t)) && !l->end->s->gone)
        differ(p, step, "the live peer takes nothing more", what, "nothing is read");
    free(what);
    free(bytes);
}

/* A heartbeat as everybody sends it; the harness sends its own. */
static bool is_plain_heartbeat(const replay_step *s) {
    return s->kind == DUMP_HEARTBEAT && s->slot == 1 && s->source_id == 0 && s->dest_id == 0 &&
           s->dest_seq == 0;
}

static void play_end(lane *l, const replay_step *step) {
    if (step->kind == DUMP_RESET)
        end_reset(l->end);
    else if (l->end->s->fd >= 0 && !l->end->s->shut)
        end_shutdown(l->end);
    l->excused = true;
}

static void play_ours(play *p, const replay_step *step) {
    lane *l = lane_of(p, step);
    pump(p->t, now());
    if (step->kind == DUMP_FIN || step->kind == DUMP_RESET) {
        play_end(l, step);
        return;
    }
    if (step->size == 0 || is_plain_heartbeat(step) || l->end->s->fd < 0 || l->end->s->shut)
        return;
    if (step->kind != DUMP_PACKAGE && step->kind != DUMP_HELLO && step->kind != DUMP_HEARTBEAT &&
        step->kind != DUMP_SIGNAL)
        l->excused = true;
    send_step(p, l, step);
    if (step->kind == DUMP_HELLO)
        said_hello(l);
}

/* ---- All of it ---- */

static void wait_as_recorded(play *p, const replay_step *step) {
    double due = p->began + step->time - p->c->steps[0].time;
    if (p->c->recorded_times && !step->theirs && due > now())
        run_for(p->t, due - now());
}

static void prepare(play *p) {
    tester *t = p->t;
    const conversation *c = p->c;
    if (t->peer->address != NULL)
        return;
    for (size_t i = 0; i < c->link_count; i++)
        if (!has(t, c->links[i].peer_role == ROLE_HOST ? "host" : "client"))
            unsupported(t, "the adapter does not offer `%s`", roles_text(c->links[i].peer_role));
    char id[17];
    snprintf(id, sizeof id, "%016" PRIx64, c->id);
    if (c->id != 0 && has(t, "context_id"))
        call(t, "options", "{s:s}", "context_id", id);
    p->like.live_id = peer_id(t);
    p->program = program_start(t, c);
}

_Noreturn static void tell(play *p) {
    const json_t *first = json_array_get(p->differences, 0);
    size_t more = json_array_size(p->differences) - 1;
    char *others = p->cut     ? text_of("; and more than %zu other differences", more)
                   : more > 1 ? text_of("; and %zu more differences", more)
                   : more > 0 ? text_of("; and one more difference")
                              : text_of("%s", "");
    const char *live = json_get_text(first, "live"), *recorded = json_get_text(first, "recorded");
    json_t *details = json_pack(
        "{s:o, s:o, s:o, s:O}", "why",
        json_sprintf("not as recorded in frame %lld: %s: recorded %s, live %s%s",
                     (long long)json_integer_value(json_object_get(first, "frame")),
                     json_get_text(first, "what"), recorded, live, others),
        "expected", json_text(recorded), "got", json_text(live), "differences", p->differences);
    record(p->t, "", NOTE, json_get_text(details, "why"), NULL, 0);
    finish(p->t, "fail", details);
}

static bool is_same(const replay_step *a, const replay_step *b) {
    return a->kind == DUMP_PACKAGE && b->kind == DUMP_PACKAGE && a->source_id == b->source_id &&
           a->source_seq == b->source_seq;
}

static void await_crossing(play *p, const replay_step *ours);

/* It went out on this connection because it had come on another one, before all that is there. */
static void play_other_way(play *p, const replay_step *ours) {
    const replay_step *last = p->c->steps + p->c->step_count, *came = ours + 1;
    while (came < last && (came->theirs || came->link == ours->link || !is_same(came, ours)))
        came++;
    for (const replay_step *s = ours + 1; came < last && s <= came; s++) {
        bool *done = &p->done[s - p->c->steps];
        if (s->theirs || s->link != came->link || *done)
            continue;
        *done = true;
        await_crossing(p, s);
        play_ours(p, s);
    }
}

/* The same package went both ways at once: the context had sent it before it came. */
static void await_crossing(play *p, const replay_step *ours) {
    const conversation *c = p->c;
    for (const replay_step *s = ours + 1; s < c->steps + c->step_count; s++)
        if (s->theirs && s->link == ours->link && !p->done[s - c->steps] && is_same(s, ours)) {
            p->done[s - c->steps] = true;
            play_other_way(p, ours);
            await_theirs(p, s);
            return;
        }
}

void play_conversation(tester *t) {
    const conversation *c = (const conversation *)t->test; /* the case is its first member */
    play *p = room(sizeof *p);
    *p = (play){.t = t, .c = c, .like = {.c = c}, .differences = json_array()};
    p->done = room((c->step_count + 1) * sizeof *p->done);
    p->lanes = room(c->link_count * sizeof *p->lanes);
    for (size_t i = 0; i < c->link_count; i++)
        p->lanes[i].link = &c->links[i];
    prepare(p);
    p->began = now();
    for (const replay_step *s = c->steps; s < c->steps + c->step_count; s++) {
        wait_as_recorded(p, s);
        if (p->lanes[s->link].given_up || p->done[s - c->steps])
            continue;
        if (!s->theirs && s->slot > 7)
            await_crossing(p, s);
        if (s->theirs)
            await_theirs(p, s);
        else
            play_ours(p, s);
    }
    await_rest(p);
    report_rest(p);
    if (json_array_size(p->differences) > 0)
        tell(p);
    if (p->compared == 0)
        skip(t, "nothing to compare: %s",
             p->no_model ? p->no_model : "the recorded context sent nothing that counts");
}
