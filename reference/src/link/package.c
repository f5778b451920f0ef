/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/package.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "link/package_private.h"

struct yoton_package {
    atomic_size_t references;
    uint64_t recv_seq;
    yoton_header header;
    uint8_t payload[];
};

/* No object can be larger, so that no allocator is asked for more. */
#define ROOM_MAX ((size_t)PTRDIFF_MAX - sizeof(yoton_package))

yoton_package *yoton_package_start(const yoton_header *header, uint64_t room) {
    if (room > ROOM_MAX)
        return NULL;
    yoton_package *package = malloc(sizeof *package + (size_t)room);
    if (!package)
        return NULL;
    atomic_init(&package->references, 1);
    package->recv_seq = 0;
    package->header = *header;
    return package;
}

yoton_package *yoton_package_resize(yoton_package *package, uint64_t room) {
    if (room > ROOM_MAX)
        return NULL;
    return realloc(package, sizeof *package + (size_t)room);
}

yoton_package *yoton_package_new(const yoton_header *header, const void *payload) {
    yoton_package *package = yoton_package_start(header, header->length);
    if (package && payload && header->length)
        memcpy(package->payload, payload, (size_t)header->length);
    return package;
}

yoton_package *yoton_package_ref(yoton_package *package) {
    atomic_fetch_add_explicit(&package->references, 1, memory_order_relaxed);
    return package;
}

void yoton_package_unref(yoton_package *package) {
    /* Whoever frees must see all that others wrote before they let go: release, then acquire. */
    if (package && atomic_fetch_sub_explicit(&package->references, 1, memory_order_acq_rel) == 1)
        free(package);
}

yoton_header *yoton_package_header(yoton_package *package) { return &package->header; }

uint8_t *yoton_package_payload(yoton_package *package) { return package->payload; }

uint64_t yoton_package_recv_seq(const yoton_package *package) { return package->recv_seq; }

void yoton_package_set_recv_seq(yoton_package *package, uint64_t recv_seq) {
    package->recv_seq = recv_seq;
}
