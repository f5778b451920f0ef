/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/requester.h"

#include <stdlib.h>
#include <string.h>

#include "channels/clock.h"

/* REQREP-5 allows 0.5 to 1 s. All that are older than the first are repeated when the oldest has
 * reached the second, so that many requests do not each want a timer of their own. */
#define REPEAT_FROM (550 * YOTON_MS)
#define REPEAT_AT (650 * YOTON_MS)
#define ROOM_FIRST ((size_t)8)

void requester_init(requester *r, const channel_sink *sink, uint64_t slot, uint64_t own_id) {
    *r = (requester){.sink = *sink, .slot = slot, .own_id = own_id, .next_cancel = YOTON_NEVER};
}

void requester_clear(requester *r) {
    while (requester_abandon(r) != NULL) {
    }
    free(r->list);
    r->list = NULL;
    r->room = 0;
}

/* ---- The requests by id, which only grow ---- */

static size_t place_of(const requester *r, uint64_t id) {
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (r->list[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static request *find(const requester *r, uint64_t id) {
    size_t place = place_of(r, id);
    return place < r->count && r->list[place]->id == id ? r->list[place] : NULL;
}

static int append(requester *r, request *request) {
    if (r->count == r->room) {
        size_t room = r->room > 0 ? 2 * r->room : ROOM_FIRST;
        struct request **grown = realloc(r->list, room * sizeof *grown);
        if (grown == NULL)
            return YOTON_E_NOMEM;
        r->list = grown;
        r->room = room;
    }
    r->list[r->count++] = request;
    return YOTON_OK;
}

/* ---- Those that are offered, by the time of the last offer ---- */

static void link_last(requester *r, request *request) {
    request->newer = NULL;
    request->older = r->last;
    if (r->last != NULL)
        r->last->newer = request;
    else
        r->first = request;
    r->last = request;
}

static void unlink_offered(requester *r, request *request) {
    if (request->older != NULL)
        request->older->newer = request->newer;
    else
        r->first = request->newer;
    if (request->newer != NULL)
        request->newer->older = request->older;
    else
        r->last = request->older;
}

/* ---- Steps ---- */

static void say(const requester *r, const request *request, const char *word) {
    channel_sink_say(&r->sink, /* REQREP-2, REQREP-3 */
                     (yoton_header){.slot = r->slot, .dest_seq = request->id + NEGOTIATION}, word);
}

static void offer(requester *r, request *request, yoton_time now, bool first) {
    request->offered = now;
    link_last(r, request);
    if (first || r->sink.heard(r->sink.user))
        say(r, request, "req?"); /* REQREP-4, REQREP-5 */
}

static void drop_package(request *request) {
    yoton_package_unref(request->package);
    request->package = NULL;
}

static void end(requester *r, request *request) {
    size_t place = place_of(r, request->id);
    r->count--;
    memmove(&r->list[place], &r->list[place + 1], (r->count - place) * sizeof(struct request *));
    if (request->state == REQUEST_OFFERED)
        unlink_offered(r, request);
    drop_package(request);
    request->state = REQUEST_OVER;
}

static void note_cancel(requester *r, yoton_time when) {
    if (when < r->next_cancel)
        r->next_cancel = when;
}

int requester_call(requester *r, request *request, yoton_time now, const void *object, size_t size,
                   yoton_time cancel_at) {
    const yoton_header header = {.slot = r->slot, .length = size};
    *request = (struct request){.state = REQUEST_OVER, .cancel_at = cancel_at};
    request->package = yoton_package_new(&header, object);
    if (request->package == NULL || append(r, request) != YOTON_OK) {
        drop_package(request);
        return YOTON_E_NOMEM;
    }
    request->id = ++r->last_id; /* REQREP-1 */
    request->state = REQUEST_OFFERED;
    note_cancel(r, cancel_at);
    offer(r, request, now, true);
    return YOTON_OK;
}

/* REQREP-6, REQREP-8 */
static request *hand_over(requester *r, request *request, uint64_t replier) {
    yoton_header *header = yoton_package_header(request->package);
    header->dest_id = replier;
    header->dest_seq = request->id;
    unlink_offered(r, request);
    request->state = REQUEST_TAKEN;
    request->error = r->sink.send(r->sink.user, request->package);
    drop_package(request);
    say(r, request, "req-");
    if (request->error !=
        YOTON_OK) /* some may have got it: to offer it again could execute it twice */
        end(r, request);
    return request;
}

request *requester_deposit(requester *r, yoton_package *package) {
    const yoton_header *header = yoton_package_header(package);
    if (header->dest_id != r->own_id) /* REQREP-10 */
        return NULL;
    if (header->dest_seq >= NEGOTIATION) {
        request *offered = find(r, header->dest_seq - NEGOTIATION);
        if (offered == NULL || offered->state != REQUEST_OFFERED || /* REQREP-9 */
            !package_is_word(package, "req!"))                      /* REQREP-28 */
            return NULL;
        return hand_over(r, offered, header->source_id);
    }
    request *taken = find(r, header->dest_seq);
    if (taken == NULL || taken->state != REQUEST_TAKEN) /* REQREP-9 */
        return NULL;
    end(r, taken);
    return taken;
}

bool requester_cancel(requester *r, request *request) {
    if (request->state != REQUEST_OFFERED) /* REQREP-13 */
        return false;
    end(r, request);
    say(r, request, "req-"); /* REQREP-11 */
    return true;
}

void requester_set_cancel(requester *r, request *request, yoton_time when) {
    request->cancel_at = when;
    note_cancel(r, when);
}

/* Looks at every request that is offered, and learns when to look again. */
static request *cancel_one(requester *r, yoton_time now) {
    yoton_time next = YOTON_NEVER;
    for (request *offered = r->first; offered != NULL; offered = offered->newer) {
        if (offered->cancel_at <= now) {
            requester_cancel(r, offered); /* REQREP-12 */
            return offered;
        }
        if (offered->cancel_at < next)
            next = offered->cancel_at;
    }
    r->next_cancel = next;
    return NULL;
}

static void repeat_offers(requester *r, yoton_time now) {
    if (r->first == NULL || clock_since(now, r->first->offered) < REPEAT_AT)
        return;
    request *offered; /* those repeated go behind the rest, with no time since */
    while (clock_since(now, (offered = r->first)->offered) >= REPEAT_FROM) {
        unlink_offered(r, offered);
        offer(r, offered, now, false);
    }
}

request *requester_tick(requester *r, yoton_time now) {
    request *cancelled = now >= r->next_cancel ? cancel_one(r, now) : NULL;
    if (cancelled == NULL)
        repeat_offers(r, now);
    return cancelled;
}

yoton_time requester_deadline(const requester *r) {
    if (r->first == NULL)
        return YOTON_NEVER;
    yoton_time repeat = clock_after(r->first->offered, REPEAT_AT);
    return repeat < r->next_cancel ? repeat : r->next_cancel;
}

request *requester_abandon(requester *r) {
    if (r->count == 0)
        return NULL;
    request *newest = r->list[r->count - 1];
    end(r, newest);
    return newest;
}
