/* SPDX-License-Identifier: BSD-2-Clause */
/* One end of a connection, from the first line to the end, time included. Input: 4 bytes for each
 * of at most 64 things that happen, what the other end says, 2 bytes of settings: how many things;
 * role, limits, whether the other end begins with a good line. Oracle: a model of the link
 * (link_model.c) tells the same events, offers the same bytes (so partial writes join to the
 * one-shot encoding), counts the same packages discarded and wants to be called at the same time.
 */
#include "fuzz.h"
#include "link_model.h"
#include "mutate.h"

enum { THINGS = 64, LARGE = 32 * 1024, LARGE_SENDS = 2, NOISE = 40 * 1024 };

static const char good_line[] = "YOTON!00000000000000b2.77\r\n";

typedef struct bench {
    yoton_link *link;
    model m;
    const uint8_t *data; /* what the other end has still to say */
    size_t size;
    unsigned sends, large;
} bench;

/* Payloads are windows on this. */
static const uint8_t *noise(void) {
    static uint8_t bytes[NOISE];
    for (size_t i = 0; bytes[0] == 0 && i < NOISE; i++)
        bytes[NOISE - 1 - i] = (uint8_t)((NOISE - i) * 2654435761u >> 13 | 1);
    return bytes;
}

/* --- comparing --- */

static void check_package(const model_event *wanted, yoton_package *package) {
    const yoton_header *h = yoton_package_header(package);
    CHECK(memcmp(h, &wanted->header, sizeof *h) == 0);
    CHECK(memcmp(yoton_package_payload(package), wanted->payload, (size_t)h->length) == 0);
    yoton_package_unref(package);
}

static void check_event(bench *b, const yoton_link_event *event) {
    CHECK(b->m.told < b->m.due); /* nothing else is told */
    const model_event *wanted = &b->m.events[b->m.told++];
    CHECK(event->kind == wanted->kind);
    if (event->kind == YOTON_LINK_UP)
        CHECK(event->hello.id == wanted->id && event->hello.pid == wanted->pid);
    if (event->kind == YOTON_LINK_PACKAGE)
        check_package(wanted, event->package);
    if (event->kind == YOTON_LINK_DOWN)
        CHECK(event->error == wanted->error && event->reason != NULL && event->reason[0] != '\0');
}

static void check_rest(bench *b) {
    CHECK(b->m.told == b->m.due); /* all was told */
    CHECK(yoton_link_get_state(b->link) == b->m.state);
    CHECK(yoton_link_deadline(b->link) == model_deadline(&b->m));
    CHECK(yoton_link_pending(b->link) == b->m.queued);
    b->m.told = b->m.due = 0;
}

/* --- what happens --- */

/* A piece in memory of just its size. */
static void feed(bench *b, size_t size) {
    yoton_link_event event;
    size_t done = 0, used;
    size = size < b->size ? size : b->size;
    uint8_t *piece = fuzz_copy(b->data, size);
    model_input(&b->m, piece, size);
    do {
        CHECK(yoton_link_input(b->link, b->m.now, piece + done, size - done, &used, &event) ==
              YOTON_OK);
        CHECK(used <= size - done);
        done += used;
        if (event.kind != YOTON_LINK_NOTHING)
            check_event(b, &event);
    } while (event.kind != YOTON_LINK_NOTHING || done < size);
    free(piece);
    b->data += size;
    b->size -= size;
}

static void tick(bench *b) {
    yoton_link_event event;
    model_tick(&b->m);
    do {
        yoton_link_tick(b->link, b->m.now, &event);
        if (event.kind != YOTON_LINK_NOTHING)
            check_event(b, &event);
    } while (event.kind != YOTON_LINK_NOTHING);
}

static void end_of_stream(bench *b) {
    yoton_link_event event;
    model_eof(&b->m);
    yoton_link_eof(b->link, b->m.now, &event);
    if (event.kind != YOTON_LINK_NOTHING)
        check_event(b, &event);
}

static void send(bench *b, unsigned drawn, unsigned more) {
    model_package p = {.header = {.slot = 8 + more, .source_id = 0xa1, .source_seq = ++b->sends}};
    bool large = drawn & 0x8000 && b->large < LARGE_SENDS;
    b->large += large;
    p.header.length = large ? LARGE - 4 + more % 8 : drawn % 300;
    p.header.dest_id = drawn & 0x4000 ? 0xb2 : 0;
    p.payload = noise() + b->sends;
    yoton_package *package = yoton_package_new(&p.header, p.payload);
    CHECK(package != NULL);
    CHECK(yoton_link_send(b->link, package) == model_send(&b->m, &p));
    yoton_package_unref(package);
}

/* The transport takes at most so many of the bytes that are offered. */
static void take(bench *b, size_t most) {
    const uint8_t *data = NULL;
    size_t size = yoton_link_output(b->link, &data);
    model_output(&b->m, yoton_link_pending(b->link));
    bool silent = b->m.state == YOTON_LINK_CLOSED;
    CHECK((size > 0) == (!silent && b->m.gone < b->m.out_size));
    if (size == 0)
        return;
    CHECK(size <= b->m.out_size - b->m.gone);
    CHECK(memcmp(data, b->m.out + b->m.gone, size) == 0);
    size = most < size ? most : size;
    yoton_link_written(b->link, b->m.now, size);
    model_written(&b->m, size);
}

static void happen(bench *b, const uint8_t thing[4]) {
    unsigned drawn = thing[1] | (unsigned)thing[2] << 8, more = thing[3];
    switch (thing[0] % 12) {
    case 0:
    case 1:
        feed(b, drawn % 600);
        break;
    case 2: /* to the moment at which it wants to be called, or one before */
        if (model_deadline(&b->m) != YOTON_NEVER && model_deadline(&b->m) > b->m.now + more % 2)
            b->m.now = model_deadline(&b->m) - more % 2;
        tick(b);
        break;
    case 3:
        b->m.now += drawn % 2500 * YOTON_MS + more;
        tick(b);
        break;
    case 4: /* nobody ticks: whoever was kept from running */
        b->m.now += drawn % 2500 * YOTON_MS;
        break;
    case 5:
    case 6:
        send(b, drawn, more);
        break;
    case 7:
    case 8:
        take(b, drawn % 200);
        break;
    case 9:
        take(b, SIZE_MAX);
        break;
    case 10:
        if (more == 0) {
            model_drop(&b->m, YOTON_E_SYSTEM);
            yoton_link_drop(b->link, YOTON_E_SYSTEM, drawn % 2 ? "enough" : NULL);
        } else if (more < 64) {
            model_close(&b->m);
            yoton_link_close(b->link, b->m.now, drawn % 2 ? "enough" : NULL);
        } else {
            yoton_time timeout = drawn * YOTON_MS;
            int error = yoton_link_set_timeout(b->link, timeout);
            CHECK(error == (timeout < YOTON_TIMEOUT_MIN ? YOTON_E_ARGUMENT : YOTON_OK));
            if (error == YOTON_OK)
                b->m.config.timeout = timeout;
        }
        break;
    default:
        if (more < 64)
            end_of_stream(b);
        else
            feed(b, more % 8);
    }
    check_rest(b);
}

/* All bytes come and go, then the end: nothing stays open for ever. */
static void finish(bench *b) {
    feed(b, b->size);
    check_rest(b);
    for (int i = 0; i < 2 * MODEL_QUEUE && b->m.state != YOTON_LINK_CLOSED; i++) {
        take(b, SIZE_MAX);
        check_rest(b);
    }
    CHECK(b->m.state == YOTON_LINK_CLOSED || b->m.queued == 0 ||
          b->m.state == YOTON_LINK_HANDSHAKE);
    end_of_stream(b);
    check_rest(b);
    take(b, SIZE_MAX);
    tick(b);
    check_rest(b);
    CHECK(b->m.state == YOTON_LINK_CLOSED);
}

static yoton_link_config draw_config(uint8_t setting) {
    yoton_link_config config = {.role = setting & 1 ? YOTON_ROLE_HOST : YOTON_ROLE_CLIENT,
                                .id = 0xa1,
                                .pid = 4242,
                                .max_message = setting & 2 ? 64 : YOTON_MAX_MESSAGE_DEFAULT,
                                .queue_packages = setting & 4 ? 3 : MODEL_QUEUE - 1,
                                .discard = setting & 8 ? YOTON_DISCARD_NEW : YOTON_DISCARD_OLD,
                                .heartbeat = YOTON_HEARTBEAT_DEFAULT,
                                .timeout = YOTON_TIMEOUT_DEFAULT,
                                .handshake = YOTON_HANDSHAKE_DEFAULT,
                                .close = YOTON_CLOSE_DEFAULT};
    return config;
}

MUTATE_PACKAGES(mutate_in_link)

/* The same for the link, by leaving out what is so by itself. */
static yoton_link_config without_defaults(yoton_link_config config) {
    config.heartbeat = config.timeout = config.handshake = config.close = 0;
    if (config.max_message == YOTON_MAX_MESSAGE_DEFAULT)
        config.max_message = 0;
    return config;
}

/* What is outside of its range makes no link. */
static void check_refused(yoton_link_config config, unsigned which) {
    yoton_link_config bad = config;
    switch (which) {
    case 0:
        bad.timeout = YOTON_TIMEOUT_MIN - 1;
        break;
    case 1:
        bad.id = 0;
        break;
    case 2:
        bad.max_line = YOTON_LINE_SIZE - 1;
        break;
    default:
        bad.max_line = SIZE_MAX;
    }
    CHECK(yoton_link_new(&bad, 0) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t setting = fuzz_setting(data, &size);
    size_t things = fuzz_setting(data, &size) % (THINGS + 1);
    if (size > MODEL_IN - sizeof good_line)
        return 0;
    things = things < size / 4 ? things : size / 4;
    static bench b;
    b.data = data + 4 * things;
    b.size = size - 4 * things;
    b.sends = b.large = 0;
    yoton_link_config config = draw_config(setting);
    if (things == 0)
        check_refused(config, setting >> 6);
    yoton_link_config given = setting & 32 ? without_defaults(config) : config;
    b.link = yoton_link_new(&given, 0);
    CHECK(b.link != NULL);
    model_open(&b.m, &config);
    if (setting & 16) {
        bench rest = {.data = b.data, .size = b.size};
        b.data = (const uint8_t *)good_line;
        b.size = sizeof good_line - 1;
        feed(&b, b.size);
        b.data = rest.data;
        b.size = rest.size;
    }
    check_rest(&b);
    for (size_t i = 0; i < things; i++)
        happen(&b, data + 4 * i);
    finish(&b);
    yoton_link_free(b.link);
    model_free(&b.m);
    return 0;
}
