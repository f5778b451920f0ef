/* SPDX-License-Identifier: BSD-2-Clause */
/* What the recorded context sent: the live peer has to send it, too. */
#include "replay/play.h"

#include <stdlib.h>
#include <string.h>

#include "engine/util.h"

static void no_model(play *p, const replay_step *step) {
    char *why =
        text_of("frame %lu is no model: it breaks %s", step->frame, rule_requirement(step->broken));
    note(p->t, "%s", why);
    if (p->no_model == NULL)
        p->no_model = why;
    else
        free(why);
}

static char *line_text(const replay_step *step) {
    bool whole = step->size >= 2 && memcmp(step->bytes + step->size - 2, "\r\n", 2) == 0;
    char *text = shown(step->bytes, step->size - (whole ? 2 : 0));
    char *line = text_of("%s%s", text, whole ? " CRLF" : "");
    free(text);
    return line;
}

static void await_line(play *p, lane *l, const replay_step *step) {
    double until = now() + patience_left(p);
    while (l->count == 0 && now() < until && fetch(p, l, until - now()))
        ;
    const item *i = l->count > 0 ? l->arrived[l->count - 1].item : NULL;
    char *recorded = line_text(step);
    char *live = i != NULL  ? describe(i)
                 : l->ended ? text_of("it ended the connection")
                            : text_of("nothing came");
    bool hello = step->kind == DUMP_HELLO;
    bool same = i != NULL && (hello ? judge_line(l->end, i)
                                    : i->kind == ITEM_LINE && i->raw_size == step->size &&
                                          memcmp(i->raw, step->bytes, step->size) == 0);
    if (i != NULL)
        l->count = 0;
    p->like.live_id = hello && same ? l->end->peer_id : p->like.live_id;
    l->excused = l->excused || !hello;
    if (same && hello)
        said_hello(l);
    p->compared++;
    if (!same) {
        differ(p, step, hello ? "its line is not good" : "another refusal", recorded, live);
        l->given_up = true;
    }
    free(recorded);
    free(live);
}

/* A package that can stand for the recorded one. */
static arrived *find_like(play *p, lane *l, const replay_step *step) {
    size_t at;
    for (size_t i = 0; i < l->count; i++)
        if (!l->arrived[i].matched && l->arrived[i].item->kind == ITEM_PACKAGE &&
            compare_likeness(&p->like, step, &l->arrived[i].item->p, &at) == ALIKE)
            return &l->arrived[i];
    return NULL;
}

/* What most likely is meant to be the recorded one. */
static arrived *find_closest(play *p, lane *l, const replay_step *step, unlike *most, size_t *at) {
    arrived *best = NULL;
    *most = ALIKE;
    *at = 0;
    for (size_t i = 0; i < l->count; i++) {
        size_t where;
        if (l->arrived[i].matched || l->arrived[i].item->kind != ITEM_PACKAGE)
            continue;
        unlike what = compare_likeness(&p->like, step, &l->arrived[i].item->p, &where);
        if (best == NULL || what > *most) {
            best = &l->arrived[i];
            *most = what;
            *at = where;
        }
    }
    return best;
}

static void learn(play *p, lane *l, const replay_step *step, arrived *a) {
    const package *got = &a->item->p;
    package want = step_package(step);
    uint64_t recorded, live;
    a->matched = true;
    size_t place = (size_t)(a - l->arrived) + 1;
    if (place > l->last_match)
        l->last_match = place;
    if (want.source_id != p->c->id)
        return;
    if (offers_request(p->c, want.slot, want.dest_seq, want.payload, want.size, &recorded) &&
        offers_request(p->c, got->slot, got->dest_seq, got->payload, got->size, &live) &&
        !is_mapped(&p->like.requests, recorded)) {
        map_number(&p->like.requests, recorded, live);
        map_number(&p->like.offers, live, got->source_seq);
    }
    if (!is_mapped(&p->like.numbers, want.source_seq))
        map_number(&p->like.numbers, want.source_seq, got->source_seq);
}

/* What is about the same slot, or the same request, has the recorded order. */
static void judge_order(play *p, lane *l, const replay_step *step, const package *got) {
    uint64_t about = got->slot ^ request_in(p->c, got) << 1;
    if (!is_own(p, got))
        return;
    if (is_mapped(&l->highest, about) && got->source_seq < live_of(&l->highest, about)) {
        char *text = package_text(p->c, got, true);
        differ(p, step, "it came before what it was recorded behind", text, text);
        free(text);
    } else {
        set_number(&l->highest, about, got->source_seq);
    }
}

/* A free replier takes the head of its list, and what is its head depends on when it looks. */
static void stop_at_choice(play *p, lane *l, const replay_step *step) {
    for (size_t i = 0; i < l->count; i++) {
        const arrived *a = &l->arrived[i];
        if (a->matched || !is_own(p, &a->item->p) || !takes_waiting(p->c, step, &a->item->p) ||
            json_array_size(p->differences) > 0)
            continue;
        char *live = package_text(p->c, &a->item->p, true);
        skip(p->t,
             "as recorded up to frame %lu; there it took another of the requests that waited, and "
             "what would have come then is not in the recording: %s",
             step->frame, live);
    }
}

static void report_missing(play *p, lane *l, const replay_step *step) {
    unlike most;
    size_t at;
    package want = step_package(step);
    arrived *a = find_closest(p, l, step, &most, &at);
    char *recorded = package_text(p->c, &want, want.source_id == p->c->id);
    if (a == NULL) {
        char *trouble = p->program != NULL ? program_trouble(p->program) : NULL;
        differ(p, step, trouble ? trouble : "it did not come", recorded,
               l->ended ? "it ended the connection" : "nothing");
    } else {
        char *live = package_text(p->c, &a->item->p, is_own(p, &a->item->p));
        char *what = most == OTHER_PAYLOAD
                         ? text_of("%s, from its byte %zu on", unlike_text(most), at)
                         : text_of("%s", unlike_text(most));
        differ(p, step, what, recorded, live);
        if (most > OTHER_SLOT) /* it is what was meant; else it may still have its place */
            learn(p, l, step, a);
        free(live);
        free(what);
    }
    free(recorded);
}

static bool was_offered(play *p, const replay_step *step) {
    package q = step_package(step);
    uint64_t id;
    return q.source_id == p->c->id &&
           offers_request(p->c, q.slot, q.dest_seq, q.payload, q.size, &id) &&
           is_mapped(&p->like.requests, id) && !is_mapped(&p->like.numbers, step->source_seq);
}

static void prompt(play *p, const replay_step *step) {
    if (step->source_id != p->c->id || is_mapped(&p->prompted, step->source_seq))
        return;
    map_number(&p->prompted, step->source_seq, 1);
    if (p->program != NULL)
        program_prompt(p->program, step);
    else
        skip(p->t, "frame %lu: a package of its own needs a program, and so an adapter",
             step->frame);
}

/* Has something come that can only be meant for this, and is not like it? What a source sends to
 * one slot comes in order; only requests overtake each other. */
static bool is_other(play *p, lane *l, const replay_step *step) {
    unlike most;
    size_t at;
    return !of_requests(p->c, step->slot) && find_closest(p, l, step, &most, &at) != NULL &&
           most >= OTHER_DEST;
}

static void await_package(play *p, lane *l, const replay_step *step) {
    package want = step_package(step);
    if (step->slot < 8 || was_offered(p, step))
        return;
    prompt(p, step);
    if (want.source_id == p->c->id && repeats_word(p->c, &l->words, &want))
        return;
    if (step->broken != NO_RULE) {
        no_model(p, step);
        return;
    }
    double until = now() + patience_left(p);
    arrived *a = find_like(p, l, step);
    while (a == NULL && now() < until && !is_other(p, l, step) && fetch(p, l, until - now()))
        a = find_like(p, l, step);
    if (a == NULL) {
        stop_at_choice(p, l, step);
        report_missing(p, l, step);
        return;
    }
    p->compared++;
    learn(p, l, step, a);
    judge_order(p, l, step, &a->item->p);
}

static void await_end(play *p, lane *l, const replay_step *step) {
    if (step->broken != NO_RULE) {
        no_model(p, step);
        return;
    }
    if (!l->asked)
        ask_close(p, l);
    double until = now() + patience_left(p);
    while (!l->ended && l->end->s->fd >= 0 && now() < until && fetch(p, l, until - now()))
        ;
    if (!l->ended && l->end->s->fd >= 0)
        differ(p, step, "it did not end the connection", "the end of the connection", "nothing");
}

void await_theirs(play *p, const replay_step *step) {
    bool line = step->kind == DUMP_HELLO || step->kind == DUMP_REFUSAL;
    if (line && step->broken != NO_RULE) {
        no_model(p, step);
        p->lanes[step->link].given_up = true;
        return;
    }
    if (step->kind == DUMP_HEARTBEAT || step->kind == DUMP_SIGNAL)
        return;
    lane *l = lane_of(p, step);
    if (line)
        await_line(p, l, step);
    else if (step->kind == DUMP_PACKAGE)
        await_package(p, l, step);
    else if (step->kind == DUMP_CLOSE && !l->asked)
        ask_close(p, l);
    else if (step->kind == DUMP_FIN || step->kind == DUMP_RESET)
        await_end(p, l, step);
    else if (step->kind == DUMP_ERROR || step->kind == DUMP_BAD_LINE ||
             step->kind == DUMP_UNFINISHED)
        l->given_up = true;
}
