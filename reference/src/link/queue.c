/* SPDX-License-Identifier: BSD-2-Clause */
/* A ring of package pointers that grows with what waits in it and lets the memory go when empty. */
#include <limits.h>
#include <stdlib.h>

#include "yoton/package.h"

#define RING_FIRST 16 /* packages; always a power of two */
#define RING_KEEP 256 /* an empty queue keeps at most this much, so that idle links stay small */

struct yoton_queue {
    yoton_package **ring;
    size_t capacity; /* 0 or a power of two */
    size_t head;
    size_t count;
    size_t max_packages;
    uint64_t bytes;
    uint64_t max_bytes; /* UINT64_MAX: no limit */
    yoton_discard discard;
};

yoton_queue *yoton_queue_new(size_t max_packages, uint64_t max_bytes, yoton_discard discard) {
    yoton_queue *queue = calloc(1, sizeof *queue);
    if (!queue)
        return NULL;
    queue->max_packages = max_packages ? max_packages : YOTON_QUEUE_DEFAULT;
    if (queue->max_packages > INT_MAX) /* push tells the number discarded as an int */
        queue->max_packages = INT_MAX;
    queue->max_bytes = max_bytes ? max_bytes : UINT64_MAX;
    queue->discard = discard;
    return queue;
}

void yoton_queue_free(yoton_queue *queue) {
    if (!queue)
        return;
    while (queue->count)
        yoton_package_unref(yoton_queue_pop(queue));
    free(queue->ring);
    free(queue);
}

static yoton_package **slot(const yoton_queue *queue, size_t index) {
    return &queue->ring[(queue->head + index) & (queue->capacity - 1)];
}

/* Room for one more. */
static int reserve(yoton_queue *queue) {
    if (queue->count < queue->capacity)
        return YOTON_OK;
    size_t capacity = queue->capacity ? 2 * queue->capacity : RING_FIRST;
    yoton_package **ring = calloc(capacity, sizeof *ring);
    if (!ring)
        return YOTON_E_NOMEM;
    for (size_t i = 0; i < queue->count; i++)
        ring[i] = *slot(queue, i);
    free(queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->head = 0;
    return YOTON_OK;
}

static uint64_t size_of(yoton_package *package) { return yoton_package_header(package)->length; }

static int is_full(const yoton_queue *queue, uint64_t size) {
    return queue->count >= queue->max_packages || queue->bytes > queue->max_bytes - size;
}

/* The oldest, and the count put right; the ring itself stays. */
static yoton_package *take(yoton_queue *queue) {
    yoton_package *package = *slot(queue, 0);
    queue->head = (queue->head + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= size_of(package);
    return package;
}

int yoton_queue_push(yoton_queue *queue, yoton_package *package) {
    uint64_t size = size_of(package);
    if (size > queue->max_bytes)
        return 1;
    int full = is_full(queue, size);
    if (full && queue->discard == YOTON_DISCARD_NEW)
        return 1;
    if (!full && reserve(queue) != YOTON_OK) /* a full queue makes its room by discarding */
        return YOTON_E_NOMEM;
    int discarded = 0;
    for (; full; full = is_full(queue, size)) {
        yoton_package_unref(take(queue));
        discarded++;
    }
    *slot(queue, queue->count++) = yoton_package_ref(package);
    queue->bytes += size;
    return discarded;
}

int yoton_queue_unpop(yoton_queue *queue, yoton_package *package) {
    if (reserve(queue) != YOTON_OK)
        return YOTON_E_NOMEM;
    queue->head = (queue->head - 1) & (queue->capacity - 1);
    queue->count++;
    *slot(queue, 0) = package;
    queue->bytes += size_of(package);
    return YOTON_OK;
}

yoton_package *yoton_queue_pop(yoton_queue *queue) {
    if (!queue->count)
        return NULL;
    yoton_package *package = take(queue);
    if (!queue->count && queue->capacity > RING_KEEP) {
        free(queue->ring);
        queue->ring = NULL;
        queue->capacity = queue->head = 0;
    }
    return package;
}

yoton_package *yoton_queue_head(const yoton_queue *queue) {
    return queue->count ? *slot(queue, 0) : NULL;
}

yoton_package *yoton_queue_tail(const yoton_queue *queue) {
    return queue->count ? *slot(queue, queue->count - 1) : NULL;
}

size_t yoton_queue_count(const yoton_queue *queue) { return queue->count; }

uint64_t yoton_queue_bytes(const yoton_queue *queue) { return queue->bytes; }
