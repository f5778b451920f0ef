/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/offers.h"

#include <stdlib.h>

#define BUCKETS_FIRST ((size_t)16)

typedef struct offer {
    offer_key key;
    struct offer *older;
    struct offer *newer;
    struct offer *next; /* in its bucket */
} offer;

void offers_init(offers *o, size_t limit, uint64_t salt) {
    *o = (offers){.limit = limit, .salt = salt};
}

/* The finisher of MurmurHash3, over both numbers and the salt. */
static uint64_t mix(uint64_t x) {
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    return x ^ x >> 33;
}

static offer **bucket_of(const offers *o, offer_key key) {
    uint64_t mixed = mix(mix(key.source ^ o->salt) + key.id);
    return &o->buckets[mixed & (o->bucket_count - 1)];
}

static offer **find(const offers *o, offer_key key) {
    offer **at = bucket_of(o, key);
    while (*at != NULL && ((*at)->key.source != key.source || (*at)->key.id != key.id))
        at = &(*at)->next;
    return at;
}

static void link_last(offers *o, offer *offer) {
    offer->newer = NULL;
    offer->older = o->last;
    if (o->last != NULL)
        o->last->newer = offer;
    else
        o->first = offer;
    o->last = offer;
}

static void unlink_one(offers *o, offer *offer) {
    if (offer->older != NULL)
        offer->older->newer = offer->newer;
    else
        o->first = offer->newer;
    if (offer->newer != NULL)
        offer->newer->older = offer->older;
    else
        o->last = offer->older;
}

static bool grow(offers *o) {
    offers grown = *o;
    grown.bucket_count = o->bucket_count > 0 ? 2 * o->bucket_count : BUCKETS_FIRST;
    grown.buckets = calloc(grown.bucket_count, sizeof *grown.buckets);
    if (grown.buckets == NULL)
        return false;
    for (offer *each = o->first; each != NULL; each = each->newer) {
        offer **bucket = bucket_of(&grown, each->key);
        each->next = *bucket;
        *bucket = each;
    }
    free(o->buckets);
    *o = grown;
    return true;
}

static void remove_at(offers *o, offer **at) {
    offer *gone = *at;
    *at = gone->next;
    unlink_one(o, gone);
    free(gone);
    o->count--;
}

static void add_new(offers *o, offer_key key) {
    if (o->count == o->bucket_count && !grow(o))
        return;
    offer *new = malloc(sizeof *new);
    if (new == NULL)
        return;
    offer **bucket = bucket_of(o, key);
    *new = (offer){.key = key, .next = *bucket};
    *bucket = new;
    link_last(o, new);
    o->count++;
}

void offers_add(offers *o, offer_key key) {
    offer *known = o->bucket_count > 0 ? *find(o, key) : NULL;
    if (known != NULL) {
        unlink_one(o, known);
        link_last(o, known);
        return;
    }
    if (o->count == o->limit) /* REQREP-26 */
        remove_at(o, find(o, o->first->key));
    add_new(o, key);
}

bool offers_strike(offers *o, offer_key key) {
    offer **at = o->bucket_count > 0 ? find(o, key) : NULL;
    if (at == NULL || *at == NULL)
        return false;
    remove_at(o, at);
    return true;
}

bool offers_pop(offers *o, offer_key *key) {
    if (o->first == NULL)
        return false;
    *key = o->first->key;
    return offers_strike(o, *key);
}

void offers_clear(offers *o) {
    offer_key key;
    while (offers_pop(o, &key)) {
    }
    free(o->buckets);
    o->buckets = NULL;
    o->bucket_count = 0;
}
