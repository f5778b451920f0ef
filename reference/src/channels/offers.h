/* SPDX-License-Identifier: BSD-2-Clause */
/* The requests that were offered to a replier, in order: REQREP-14, REQREP-26. */
#ifndef YOTON_OFFERS_H
#define YOTON_OFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Known by both numbers together. */
typedef struct offer_key {
    uint64_t source;
    uint64_t id;
} offer_key;

struct offer;

typedef struct offers {
    struct offer *first;
    struct offer *last;
    struct offer **buckets; /* a power of two of them */
    size_t bucket_count;
    size_t count;
    size_t limit;
    uint64_t salt;
} offers;

/* Purpose: start an empty list of at most `limit` requests; the salt keeps others from choosing
 * what falls together. */
void offers_init(offers *offers, size_t limit, uint64_t salt);
void offers_clear(offers *offers);

/* Purpose: put a request at the tail, or move it there; the oldest is struck when the list is full.
 * Without memory it is not put there: it will be offered again. */
void offers_add(offers *offers, offer_key key);

/* Purpose: take a request out wherever it stands. Returns whether it was there. */
bool offers_strike(offers *offers, offer_key key);

/* Purpose: take the head. Returns false when the list is empty. */
bool offers_pop(offers *offers, offer_key *key);

#endif
