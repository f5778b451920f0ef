/* SPDX-License-Identifier: BSD-2-Clause */
/* What the ends of a connection owe each other, as a capture shows it: handshake, frames, link. */
#define _POSIX_C_SOURCE 200809L
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "judge/judge.h"
#include "passive/passive.h"
#include "yoton/error.h"

enum { MS = 1000 }; /* times are in microseconds */

/* What a rule says, and what the machine and the way may add. */
static const int64_t SILENCE = 500 * MS + 250 * MS, BEAT = 250 * MS + 60 * MS;
static const int64_t HANDSHAKE = 2000 * MS + 700 * MS;
static const int64_t PROMPT = 1500 * MS; /* "at once", with LIMIT-8 in between */
static const int64_t TRAVEL = 150 * MS;  /* what is on its way crosses what comes */

#define PASSIVE_NAME(rule, id) [RULE_##rule] = id,
static const char *const requirements[] = {PASSIVE_RULES(PASSIVE_NAME)};

const char *rule_requirement(rule rule) { return requirements[rule]; }

void rule_shown(watched_end *end, rule rule) { end->judged[rule].shown++; }

static void break_rule(watched_end *end, rule rule, unsigned long frame, char *why) {
    judged *j = &end->judged[rule];
    j->shown++;
    end->broken++;
    end->last_broken = rule;
    if (j->broken++ > 0) {
        free(why);
        return;
    }
    j->why = why;
    j->frame = frame;
    j->time = end->watch->reading->now;
}

void rule_broken(watched_end *end, rule rule, const char *format, ...) {
    va_list list;
    va_start(list, format);
    break_rule(end, rule, end->watch->reading->frame, text_of_list(format, list));
    va_end(list);
}

void rule_judge(watched_end *end, rule rule, bool good, const char *format, ...) {
    if (good) {
        rule_shown(end, rule);
        return;
    }
    va_list list;
    va_start(list, format);
    break_rule(end, rule, end->watch->reading->frame, text_of_list(format, list));
    va_end(list);
}

/* ---- What has to be done in time ---- */

static void owe(watched_end *end, rule rule, int64_t due, const char *what) {
    if (end->ended || end->duty.rule != NO_RULE)
        return;
    end->duty = (duty){.rule = rule, .due = due, .frame = end->watch->reading->frame, .what = what};
}

static void settle(watched_end *end) {
    const duty d = end->duty;
    int64_t now = end->watch->reading->now;
    if (d.rule == NO_RULE)
        return;
    end->duty.rule = NO_RULE;
    rule_judge(end, d.rule, now <= d.due, "%s in frame %lu; it ended the stream %.2f s too late",
               d.what, d.frame, (double)(now - d.due) / 1e6);
}

static void never_done(watched_end *end) {
    const duty d = end->duty;
    if (d.rule == NO_RULE || end->watch->reading->now <= d.due)
        return; /* the capture ends before */
    end->duty.rule = NO_RULE;
    break_rule(end, d.rule, d.frame,
               text_of("%s in frame %lu; it has not ended the stream %.2f s after that", d.what,
                       d.frame, (double)(end->watch->reading->now - d.due + PROMPT) / 1e6));
}

/* ---- Bytes ---- */

static bool is_connected(const watched_end *end) {
    return end->connected != 0 && !end->closed && !end->ended && !end->other->closed_at &&
           !end->other->ended;
}

/* Neither a receiver that takes nothing nor a network that carries nothing is the end's fault. */
static bool may_be_unheard(const watched_end *end, int64_t since) {
    return end->other->zero_window >= since || end->other->sent_again >= since;
}

static void judge_silence(watched_end *end, int64_t now) {
    int64_t since = end->last > end->connected ? end->last : end->connected;
    if (!is_connected(end) || may_be_unheard(end, since))
        return;
    rule_judge(end, RULE_LINK_1, now - since <= SILENCE, "nothing was sent for %.2f s",
               (double)(now - since) / 1e6);
}

void watch_bytes(watched_end *end, int64_t now) {
    watch *w = end->watch;
    judge_silence(end, now);
    bool timed =
        is_connected(end) && end->last >= end->connected && !may_be_unheard(end, end->last);
    end->gap = timed ? now - end->last : 0;
    if (!end->spoke && end->side == 1 && w->whole)
        rule_judge(end, RULE_HS_8, end->other->hello || end->other->bad_line || end->other->spoke,
                   "the host speaks before the client");
    end->spoke = true;
    end->last = now;
}

void watch_end(watched_end *end, bool reset) {
    watched_end *other = end->other;
    bool first = !end->ended;
    if (!first)
        return;
    settle(end);
    judge_silence(end, end->watch->reading->now);
    end->ended = true;
    if (end->side == 0 && end->hello && !other->spoke && end->watch->whole &&
        end->watch->reading->now - end->last >= 2000 * MS)
        rule_broken(other, RULE_HS_7, "it does not answer a good line");
    if (reset) { /* it ends both directions */
        settle(other);
        other->ended = true;
        return;
    }
    int64_t now = end->watch->reading->now;
    if (end->hello && other->hello && !end->closed && end->duty.rule == NO_RULE)
        owe(other, RULE_LINK_17, now + PROMPT, "the other end's stream was ended");
    else if (!end->hello && end->side == 0 && end->watch->whole)
        owe(other, end->spoke ? RULE_HS_17 : RULE_HS_18, now + PROMPT,
            "the client ended its stream without a whole line");
}

/* ---- Lines ---- */

static void on_hello(watched_end *end, const dump_event *e) {
    struct judged_hello hello;
    watched_end *other = end->other;
    size_t size = e->size;
    while (size > 0 && (e->data[size - 1] == '\n' || e->data[size - 1] == '\r'))
        size--;
    enum judged_line line = judge_hello(e->data, size, &hello, NULL);
    rule_judge(
        end, RULE_HS_2, line == LINE_GOOD && hello.as_sent,
        "its line is not in the form a sender uses (lower case, 16 digits, no leading zeros)");
    end->hello = true;
    end->said = e->hello;
    if (end->side == 1 && end->watch->whole) {
        rule_shown(end, RULE_HS_7);
        if (other->unterminated || (other->spoke && !other->hello && !other->bad_line))
            rule_broken(end, RULE_HS_17, "it answers a line that has no CRLF");
        else if (other->bad_line)
            rule_broken(end, RULE_HS_13, "it answers a line that is not good");
        settle(other); /* the client need not give up */
        other->duty.rule = NO_RULE;
        end->connected = other->connected = end->watch->reading->now;
        if (other->hello && other->said.id == end->said.id) {
            owe(end, RULE_HS_27, end->watch->reading->now + PROMPT, "it was told its own id");
            end->connected = other->connected = 0; /* it never is */
            other->duty.rule = NO_RULE;
            owe(other, RULE_HS_28, end->watch->reading->now + PROMPT, "it was told its own id");
        }
    } else if (end->side == 0 && end->watch->whole) {
        end->duty.rule = NO_RULE;
        owe(end, RULE_HS_24, end->watch->reading->now + HANDSHAKE,
            "the client's line is there and the host's is not, since its");
    }
}

/* The end that is told something bad has to hang up. */
static void on_bad_line(watched_end *end, const dump_event *e) {
    watched_end *other = end->other;
    bool yoton = e->size >= 6 && memcmp(e->data, "YOTON!", 6) == 0;
    if (!end->bad_line && yoton)
        rule_broken(end, RULE_HS_2, "its line is not good: %s, at offset %llu",
                    yoton_strerror(e->error), (unsigned long long)e->bytes);
    end->bad_line = true;
    end->unterminated = e->error == YOTON_E_MORE;
    end->own_line_as_sent = yoton;
    if (end->side == 1 && other->bad_line && e->size >= 5 && memcmp(e->data, "ERROR", 5) == 0)
        rule_broken(end, other->own_line_as_sent ? RULE_HS_13 : RULE_HS_12,
                    "it refuses with other words than ERROR: …");
    if (end->duty.rule == RULE_HS_13 || end->duty.rule == RULE_HS_12)
        end->duty.rule = NO_RULE;
    other->duty.rule = NO_RULE;
    if (end->unterminated && end->side == 0 && end->watch->whole)
        owe(other, RULE_HS_17, end->watch->reading->now + PROMPT,
            "the client's line did not come to its end");
    else if (end->side == 1 && end->watch->whole)
        owe(other, RULE_HS_23, end->watch->reading->now + PROMPT, "it got what is no good line");
    else if (end->watch->whole)
        owe(other, yoton ? RULE_HS_13 : RULE_HS_12, end->watch->reading->now + HANDSHAKE,
            "the client's line is not good");
}

static void on_refusal(watched_end *end, const dump_event *e) {
    static const char stranger[] = "ERROR: this is Yoton.\r\n",
                      bad[] = "ERROR: could not parse id.\r\n";
    watched_end *other = end->other;
    char *text = copy_of(e->data, e->size);
    size_t size = strcspn(text, "\r\n");
    text[size] = '\0';
    bool yoton = other->own_line_as_sent || (other->spoke && !other->bad_line);
    const char *wanted = yoton ? bad : stranger;
    if (other->hello)
        rule_broken(end, RULE_HS_7, "it refuses a good line: %s", text);
    else
        rule_judge(end, yoton ? RULE_HS_13 : RULE_HS_12,
                   size == strlen(wanted) - 2 && memcmp(text, wanted, size) == 0,
                   "it refuses with other words: %s", text);
    free(text);
    end->refuses = true;
    end->duty.rule = NO_RULE;
    owe(end, RULE_HS_20, end->watch->reading->now + PROMPT, "it refused the client");
    if (yoton) /* a stranger does not know */
        owe(other, RULE_HS_23, end->watch->reading->now + PROMPT, "it was refused");
}

/* ---- Packages and signals ---- */

static void on_signal(watched_end *end, const dump_event *e) {
    const yoton_header *h = &e->header;
    bool plain = h->slot == 1 && h->source_id == 0 && h->dest_id == 0 && h->dest_seq == 0;
    rule_judge(end, RULE_FRAME_15, e->kind != DUMP_SIGNAL, "a signal %llu, which nobody is to send",
               (unsigned long long)h->source_seq);
    rule_judge(end, RULE_FRAME_12, plain, "a signal with fields that are not those of FRAME-12");
    if (e->kind == DUMP_HEARTBEAT && end->gap > 0) {
        end->beats++;
        end->late_beats += end->gap > BEAT;
    }
}

static void on_anything(watched_end *end, const dump_event *e) {
    watched_end *other = end->other;
    int64_t now = end->watch->reading->now;
    rule_shown(end, RULE_FRAME_2);
    if (!end->begun && end->watch->whole) {
        rule_shown(end, RULE_HS_10);
        if (end->side == 0)
            rule_judge(end, RULE_HS_11, other->hello, "a package before the host's line");
    }
    end->begun = true;
    if (end->closed)
        rule_broken(end, RULE_LINK_13, "something behind its close signal");
    if (other->closed_at != 0 && !end->closed)
        rule_judge(end, RULE_LINK_14, now - other->closed_at <= TRAVEL || end->closed,
                   "it goes on sending %.2f s after the close signal of the other end",
                   (double)(now - other->closed_at) / 1e6);
    if (e->kind == DUMP_CLOSE) {
        judge_silence(other, now);
        end->closed = true;
        end->closed_at = now;
        rule_shown(end, RULE_LINK_13);
        owe(other, RULE_LINK_14, now + PROMPT, "the other end sent the close signal");
    }
}

static void on_error(watched_end *end, const dump_event *e) {
    int64_t now = end->watch->reading->now;
    bool control = e->error == YOTON_E_CONTROL;
    if (control)
        rule_broken(end, RULE_FRAME_2, "other control bytes at offset %llu of what it sends",
                    (unsigned long long)e->offset);
    if (control && !end->begun && end->watch->whole)
        rule_broken(end, RULE_HS_10, "what follows its line is no package");
    owe(end->other, control ? RULE_FRAME_3 : RULE_FRAME_7, now + PROMPT,
        control ? "it was sent wrong control bytes" : "it was sent a length above the limit");
    end->told = true;
}

static void on_unfinished(watched_end *end, const dump_event *e) {
    (void)e;
    if (end->told) /* nothing is known of what stands behind an error */
        return;
    if (end->other->duty.rule == RULE_LINK_17)
        end->other->duty.rule = NO_RULE;
    owe(end->other, RULE_FRAME_8, end->watch->reading->now + PROMPT,
        "the stream to it ended inside a package");
}

void watch_event(reading *r, watch *w, const dump_event *e) {
    watched_end *end = &w->end[e->side];
    (void)r;
    switch (e->kind) {
    case DUMP_HELLO:
        on_hello(end, e);
        break;
    case DUMP_BAD_LINE:
        on_bad_line(end, e);
        break;
    case DUMP_REFUSAL:
        on_refusal(end, e);
        break;
    case DUMP_HEARTBEAT:
    case DUMP_CLOSE:
    case DUMP_SIGNAL:
        on_anything(end, e);
        on_signal(end, e);
        break;
    case DUMP_PACKAGE:
        on_anything(end, e);
        if (!e->after_close)
            watch_package(end, e);
        break;
    case DUMP_ERROR:
        on_error(end, e);
        break;
    case DUMP_UNFINISHED:
        on_unfinished(end, e);
        break;
    default:
        break;
    }
    if (e->kind == DUMP_CLOSE && end->other->told)
        rule_broken(end, RULE_FRAME_4, "a close signal behind an error in the stream");
}

/* ---- The end of the capture ---- */

static void finish_end(watched_end *end) {
    int64_t now = end->watch->reading->now;
    never_done(end);
    if (!end->ended && end->connected != 0)
        judge_silence(end, now);
    if (end->beats > 0)
        rule_judge(end, RULE_LINK_2, 2 * end->late_beats <= end->beats,
                   "%u of %u heartbeats came later than 0.25 s after what was sent before",
                   end->late_beats, end->beats);
    if (end->side == 0 && end->watch->whole && end->hello && end->other->hello && end->begun &&
        end->said.id != end->other->said.id)
        rule_judge(end, RULE_CTX_1, end->announced > 0,
                   "a client that does not say NEW_CONNECTION");
}

void watch_finish(reading *r) {
    for (watch *w = r->watches; w != NULL; w = w->next)
        for (int i = 0; i < 2; i++)
            finish_end(&w->end[i]);
    watch_requests_finish(r);
}
