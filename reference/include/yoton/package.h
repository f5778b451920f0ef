/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages in memory and the bounded queue of them. */
#ifndef YOTON_PACKAGE_H
#define YOTON_PACKAGE_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"
#include "yoton/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_QUEUE_DEFAULT 10000 /* packages */

/* A package: header and payload in one block, immutable once shared, counted by references so that
 * forwarding on many connections copies nothing. Counting is safe between threads. */
typedef struct yoton_package yoton_package;

/* Purpose: make a package with room for header->length bytes of payload. payload (may be NULL: the
 * room is then left for the caller to fill before sharing it) is copied.
 * Returns a package with one reference and no recv_seq, or NULL when memory is short. */
yoton_package *yoton_package_new(const yoton_header *header, const void *payload);

/* Purpose: take / give back a reference; the last one frees. unref of NULL does nothing. */
yoton_package *yoton_package_ref(yoton_package *package);
void yoton_package_unref(yoton_package *package);

/* Purpose: look inside. The pointers live as long as the package. Only who made a package, and only
 * before sharing it, may write through them. */
yoton_header *yoton_package_header(yoton_package *package);
uint8_t *yoton_package_payload(yoton_package *package);

/* Purpose: the receiving sequence number a node gave it, 0 before. ROUTE section of the spec. */
uint64_t yoton_package_recv_seq(const yoton_package *package);
void yoton_package_set_recv_seq(yoton_package *package, uint64_t recv_seq);

/* What a full queue drops. */
typedef enum yoton_discard { YOTON_DISCARD_OLD, YOTON_DISCARD_NEW } yoton_discard;

/* A first-in first-out queue with a limit on packages and one on payload bytes. Not locked. */
typedef struct yoton_queue yoton_queue;

/* Purpose: make a queue. max_packages 0 asks for the default; max_bytes 0 means no limit in bytes.
 * Returns NULL when memory is short. */
yoton_queue *yoton_queue_new(size_t max_packages, uint64_t max_bytes, yoton_discard discard);

/* Purpose: free the queue and drop its references. NULL is fine. */
void yoton_queue_free(yoton_queue *queue);

/* Purpose: append; the queue takes its own reference. What does not fit is discarded as configured
 * (a package larger than max_bytes alone is always the one discarded).
 * Returns the number of packages discarded (0 or more), or YOTON_E_NOMEM with nothing changed. */
int yoton_queue_push(yoton_queue *queue, yoton_package *package);

/* Purpose: put what was popped back at the head, never discards. The reference moves to the queue;
 * on error it stays the caller's. Returns YOTON_OK or YOTON_E_NOMEM. */
int yoton_queue_unpop(yoton_queue *queue, yoton_package *package);

/* Purpose: take the oldest; the reference moves to the caller. NULL when empty. */
yoton_package *yoton_queue_pop(yoton_queue *queue);

/* Purpose: look at the oldest / newest without taking it. NULL when empty. */
yoton_package *yoton_queue_head(const yoton_queue *queue);
yoton_package *yoton_queue_tail(const yoton_queue *queue);

/* Purpose: packages and payload bytes now in the queue. */
size_t yoton_queue_count(const yoton_queue *queue);
uint64_t yoton_queue_bytes(const yoton_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
