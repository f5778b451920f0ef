/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a case: its process, its loop, its verdict. */
#define _POSIX_C_SOURCE 200809L
#include "engine/tester.h"

#include "engine/family.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/registry.h"

#ifndef CLOCK_BOOTTIME
#define CLOCK_BOOTTIME CLOCK_MONOTONIC
#endif

static const double STALL = 0.1; /* being woken later than that may be why a case failed */
enum { REST = 1000 };            /* things that came and were not looked at, for the report */
static const double TICK = 0.05; /* the loop comes round so often, to see how punctual it is */

uint8_t *buffer_data(const struct buffer *buffer) {
    return buffer->bytes == NULL ? NULL : buffer->bytes + buffer->head;
}

void buffer_add(struct buffer *buffer, const void *bytes, size_t size) {
    if (buffer->head + buffer->size + size > buffer->room) {
        if (buffer->head > 0)
            memmove(buffer->bytes, buffer->bytes + buffer->head, buffer->size);
        buffer->head = 0;
        buffer->room = (buffer->size + size) * 2;
        buffer->bytes = more_room(buffer->bytes, buffer->room);
    }
    if (size > 0)
        memcpy(buffer_data(buffer) + buffer->size, bytes, size);
    buffer->size += size;
}

void buffer_take(struct buffer *buffer, size_t size) {
    buffer->size -= size;
    buffer->head = buffer->size > 0 ? buffer->head + size : 0;
}

size_t record(tester *t, const char *who, direction direction, const char *what, const void *bytes,
              size_t size) {
    return transcript_add(&t->transcript, now(), who, direction, what, bytes, size);
}

/* ---- The loop ---- */

/* The case's own deadline does not count the time that was lost. */
static void note_stall(tester *t, double late) {
    if (late <= STALL)
        return;
    note(t, "the machine stood still for %.2f s", late);
    t->stall = fmax(t->stall, late);
    t->deadline += late;
}

static double seconds_of(clockid_t clock) {
    struct timespec time;
    return clock_gettime(clock, &time) == 0 ? (double)time.tv_sec + (double)time.tv_nsec / 1e9 : 0;
}

/* now() does not count the time a machine was suspended; other clocks do, and may be set. */
static void watch_clocks(tester *t) {
    static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_BOOTTIME};
    double jump = 0;
    for (int i = 0; i < 2; i++) {
        double away = seconds_of(clocks[i]) - now();
        jump = fmax(jump, fabs(away - t->away[i]));
        t->away[i] = away;
    }
    if (t->looped > 0)
        note_stall(t, jump);
}

static size_t listeners_poll(const tester *t, struct pollfd *list) {
    if (!t->accepting)
        return 0;
    for (size_t i = 0; i < t->listener_count; i++)
        list[i] = (struct pollfd){.fd = t->listeners[i].fd, .events = POLLIN};
    return t->listener_count;
}

static double first_wake(const tester *t, double until) {
    for (size_t i = 0; i < t->end_count; i++)
        until = fmin(until, end_wakes(t->ends[i]));
    return until;
}

void pump(tester *t, double until) {
    struct pollfd *list = room((3 + t->end_count + t->listener_count) * sizeof *list);
    size_t adapter = adapter_poll(t, list), count = adapter;
    size_t ends = t->end_count;
    for (size_t i = 0; i < ends; i++)
        count += end_poll(t->ends[i], list + count);
    count += listeners_poll(t, list + count);

    double before = now(), wake = first_wake(t, until);
    if (!t->finishing && before > t->deadline)
        harness_failed(t, "the case did not come to an end within %.0f s", t->deadline - t->start);
    if (t->looped > 0) /* time that was neither given to this process nor asked for */
        note_stall(t, before - t->looped - (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - t->worked));
    int milliseconds = wake > before ? (int)ceil(fmin(wake - before, TICK) * 1000) : 0;
    int ready = poll(list, (nfds_t)count, milliseconds);
    watch_clocks(t);
    t->looped = now();
    t->worked = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    if (ready < 0 && errno != EINTR)
        harness_failed(t, "poll: %s", strerror(errno));
    note_stall(t, t->looped - before - milliseconds / 1000.0);
    if (ready > 0) {
        adapter_ready(t, list, adapter);
        for (size_t i = 0; i < ends; i++)
            end_ready(t->ends[i], list[adapter + i].revents);
    }
    for (size_t i = 0; i < t->end_count; i++)
        end_tick(t->ends[i]);
    free(list);
    adapter_check_life(t);
}

void run_for(tester *t, double seconds) {
    double until = now() + seconds;
    while (now() < until)
        pump(t, until);
}

/* ---- Verdicts ---- */

static void write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            _exit(EXIT_HARNESS); /* nobody is there to read the verdict */
        bytes += written;
        size -= (size_t)written;
    }
}

/* What came and was never looked at belongs into the report, too. */
static void record_rest(tester *t) {
    for (size_t i = 0; i < t->end_count; i++) {
        struct socket_state *s = t->ends[i]->s;
        item *rest = parse_item(t->ends[i]);
        for (int n = 0;
             n < REST && rest != NULL && rest->kind != ITEM_END && rest->kind != ITEM_RESET; n++)
            rest = parse_item(t->ends[i]);
        if (s->from.size > s->parsed)
            record_end(t->ends[i], now(), RECEIVED, "bytes that make no whole",
                       buffer_data(&s->from), s->from.size);
    }
}

/* A peer that had to wait for a processor is late without being wrong; where time is judged, what
 * was seen of it does not count then. */
static void note_starved(tester *t) {
    if (t->adapter.pid <= 0 || t->adapter.gone || !case_is_timed(t->test))
        return;
    double late = waited_for_processor(t->adapter.pid) - t->starved;
    if (late <= STALL)
        return;
    note(t, "the peer waited %.2f s for a processor", late);
    t->stall = fmax(t->stall, late);
}

_Noreturn void finish(tester *t, const char *verdict, json_t *details) {
    t->finishing = true;
    if (strcmp(verdict, "fail") == 0)
        note_starved(t);
    bool died = json_is_true(json_object_get(details, "died"));
    char *left = NULL;
    if (t->adapter.pid > 0) {
        if (!died)
            adapter_stop(t);
        left = adapter_leftovers(t);
    }
    if (t->adapter.pid > 0 && !died) {
        char *crash = adapter_crash(t);
        if (crash != NULL && strcmp(verdict, "pass") == 0) {
            verdict = "fail";
            details = json_pack("{s:o, s:b}", "why", json_text(crash), "died", 1);
        }
    }
    if (details == NULL)
        details = json_object();
    json_object_set_new(details, "verdict", json_text(verdict));
    json_object_set_new(details, "seconds", json_real(now() - t->start));
    json_object_set_new(details, "stall", json_real(t->stall));
    if (left != NULL)
        json_object_set_new(details, "left", json_text(left));
    if (strcmp(verdict, "pass") != 0) {
        record_rest(t);
        json_object_set_new(details, "transcript", transcript_report(&t->transcript));
        const struct buffer *trouble = &t->adapter.trouble;
        if (trouble->size > 0)
            json_object_set_new(details, "stderr", json_text_sized(trouble->bytes, trouble->size));
    }
    char *text = json_dumps(details, JSON_COMPACT);
    if (text == NULL)
        _exit(EXIT_HARNESS);
    write_all(t->result, text, strlen(text));
    _exit(EXIT_CONFORMS);
}

static json_t *why(const char *format, va_list list) {
    char *text = text_of_list(format, list);
    return json_pack("{s:o}", "why", json_text(text));
}

_Noreturn static void finish_with(tester *t, const char *verdict, json_t *details) {
    record(t, "", NOTE, json_get_text(details, "why"), NULL, 0);
    finish(t, verdict, details);
}

void fail(tester *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    finish_with(t, "fail", details);
}

void check(tester *t, bool good, const char *format, ...) {
    if (good)
        return;
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    finish_with(t, "fail", details);
}

void unsupported(tester *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    finish_with(t, "unsupported", details);
}

void skip(tester *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    finish_with(t, "skip", details);
}

void harness_failed(tester *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    finish_with(t, "error", details);
}

void peer_failed(tester *t, const char *flag, const char *format, ...) {
    va_list list;
    va_start(list, format);
    json_t *details = why(format, list);
    va_end(list);
    json_object_set_new(details, flag, json_true());
    if (strcmp(flag, "flooded") == 0) /* for the report it hangs: it has no end */
        json_object_set_new(details, "hung", json_true());
    finish_with(t, "fail", details);
}

static json_t *contrast(char *why, const char *expected, const char *was) {
    return json_pack("{s:o, s:o, s:o}", "why", json_text(why), "expected", json_text(expected),
                     "got", json_text(was));
}

void fail_at(end *e, const item *got, size_t offset, const char *field, const char *expected,
             const char *was) {
    json_t *details = contrast(text_of("end %u: wrong %s at offset %zu: expected %s, got %s",
                                       e->number, field, offset, expected, was),
                               expected, was);
    json_object_set_new(details, "field", json_text(field));
    json_object_set_new(details, "offset", json_integer((json_int_t)offset));
    transcript_mark(&e->t->transcript, got->entry, offset, field);
    finish_with(e->t, "fail", details);
}

void fail_instead(end *e, const item *got, const char *expected, const char *was) {
    json_t *details =
        contrast(text_of("end %u: expected %s, got %s", e->number, expected, was), expected, was);
    transcript_mark(&e->t->transcript, got->entry, 0, NULL);
    finish_with(e->t, "fail", details);
}

void note(tester *t, const char *format, ...) {
    va_list list;
    va_start(list, format);
    char *text = text_of_list(format, list);
    va_end(list);
    record(t, "", NOTE, text, NULL, 0);
    free(text);
}

/* ---- What a case can ask ---- */

unsigned role(const tester *t) { return t->role; }
double patience(const tester *t) { return t->patience; }
void set_patience(tester *t, double seconds) { t->patience = seconds * t->scale; }
double slack(const tester *t) { return 0.1 * t->scale; }
void set_receive_buffer(tester *t, int bytes) { t->receive_buffer = bytes; }

uint64_t random_number(tester *t) {
    uint64_t number;
    do
        number = next_random(&t->random);
    while (number == 0);
    return number;
}

/* ---- The process ---- */

/* Ends the case when the adapter lacks something; words are separated by blanks. */
static void require(tester *t, const char *needs) {
    char *words = copy_of(needs, strlen(needs)), *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (!has(t, word))
            unsupported(t, "the adapter does not offer `%s`", word);
    free(words);
}

static void prepare(tester *t, const struct case_run *run) {
    *t = (tester){.test = run->test,
                  .peer = run->peer,
                  .role = run->role,
                  .scale = run->scale,
                  .patience = 3.0 * run->scale,
                  .start = now(),
                  .random = hash_text(run->seed, run->test->id) + run->role,
                  .result = run->result};
    t->deadline = t->start + run->deadline;
    transcript_start(&t->transcript);
}

void run_case(const struct case_run *run) {
    signal(SIGPIPE, SIG_IGN);
    adopt_orphans();
    tester *t = room(sizeof *t);
    prepare(t, run);
    if (run->peer->address == NULL) {
        adapter_start(t);
        t->starved = case_is_timed(run->test) ? waited_for_processor(t->adapter.pid) : 0;
        const char *needs = run->test->needs;
        bool alone = needs == NULL && requirement_of(run->test) != NULL &&
                     strcmp(requirement_of(run->test)->origin, "adapter") == 0;
        if (run->test != &probe_case && !alone)
            require(t, run->role == ROLE_HOST ? "host bind" : "client connect");
        if (run->test != &probe_case)
            require(t, needs ? needs : "");
    }
    run->test->run(t);
    pump(t, now()); /* a last look at whether the peer lives */
    finish(t, "pass", NULL);
}
