/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays the other side of a recorded conversation, and compares what comes (REPLAY-1). */
#include "replay/replay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine/registry.h"
#include "engine/tester.h"
#include "engine/util.h"

enum { DIFFERENCES_MAX = 20 };
static const double REACTS = 0.5; /* recorded silence after which nothing more was to come */

/* Something that came from the live peer, and has no place in the recording yet. */
typedef struct arrived {
    const item *item;
    bool matched;
} arrived;

/* One connection. */
typedef struct lane {
    const replay_link *link;
    end *end; /* NULL before its first step */
    arrived *arrived;
    size_t count, room;
    size_t last_match;        /* one above the place of the last one that matched */
    id_map highest;           /* source_seq of own packages, by what they are about */
    id_map words, live_words; /* the last one of a sub channel, by slot */
    bool ended;               /* the live peer ended it */
    bool given_up;            /* the recording is no model from here on */
    bool asked;               /* the program was told to close it */
    unsigned hellos;
    bool excused; /* it was told something after which the peer may end it */
} lane;

typedef struct play {
    tester *t;
    const conversation *c;
    likeness like;
    program *program;
    id_map prompted; /* numbers of own packages that the program was told to send */
    lane *lanes;
    json_t *differences;
    bool cut; /* there are more */
    size_t compared;
    char *no_model; /* why a connection was left out; the first one */
    bool *done;     /* steps that were taken before their turn */
    double began;
} play;

/* ---- Differences ---- */

static void differ(play *p, const replay_step *step, const char *what, const char *recorded,
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

static double patience_left(const play *p) {
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

static bool is_own(const play *p, const package *q) { return q->source_id == p->like.live_id; }

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
static bool fetch(play *p, lane *l, double seconds) {
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

static lane *lane_of(play *p, const replay_step *step) {
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

static void ask_close(play *p, lane *l) {
    l->asked = true;
    if (!l->excused && l->hellos == 2 && p->t->adapter.pid != 0) /* else it gives up by itself */
        ask(p->t, "close", "{s:s}", "connection", connection_of(l));
}

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

/* With both lines the connection stands, unless it is one to oneself (HS-27, HS-28). The program
 * may be told to send only when its context knows. */
static void said_hello(lane *l) {
    if (++l->hellos < 2)
        return;
    l->excused = l->link->to_itself;
    end_keep_alive(l->end, true);
    if (!l->link->to_itself)
        await_joined(l->end);
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

/* ---- Their side ---- */

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

static void await_theirs(play *p, const replay_step *step) {
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

static void await_rest(play *p) {
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

static void report_rest(play *p) {
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

/* The same package went both ways at once: the context had sent it before it came. */
static void await_crossing(play *p, const replay_step *ours) {
    const conversation *c = p->c;
    for (const replay_step *s = ours + 1; s < c->steps + c->step_count; s++)
        if (s->theirs && s->kind == DUMP_PACKAGE && s->link == ours->link &&
            s->source_id == ours->source_id && s->source_seq == ours->source_seq) {
            p->done[s - c->steps] = true;
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
        if (!s->theirs && s->kind == DUMP_PACKAGE && s->slot > 7)
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
