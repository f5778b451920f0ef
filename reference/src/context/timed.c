/* SPDX-License-Identifier: BSD-2-Clause */
/* What waits for its time, as a pairing heap: it needs no memory of its own, so that starting a
 * timer cannot fail. */
#include "context/events.h"

static bool before(const timed *a, const timed *b) {
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

/* Joins two heaps, whose roots have no siblings. */
static timed *meld(timed *a, timed *b) {
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    timed *root = before(b, a) ? b : a;
    timed *under = root == a ? b : a;
    under->previous = root;
    under->next = root->child;
    if (root->child != NULL)
        root->child->previous = under;
    root->child = under;
    return root;
}

/* Joins siblings: in pairs from the front, then the pairs from the back. */
static timed *meld_siblings(timed *first) {
    timed *pairs = NULL, *root = NULL;
    while (first != NULL) {
        timed *a = first, *b = first->next;
        first = b != NULL ? b->next : NULL;
        a->next = NULL;
        if (b != NULL)
            b->next = NULL;
        a = meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs != NULL) {
        timed *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        root = meld(root, pair);
    }
    if (root != NULL)
        root->previous = NULL;
    return root;
}

timed *timed_insert(timed *root, timed *timed) {
    timed->child = timed->next = timed->previous = NULL;
    return meld(root, timed);
}

timed *timed_remove(timed *root, timed *timed) {
    if (timed == root)
        return meld_siblings(timed->child);
    if (timed->previous->child == timed)
        timed->previous->child = timed->next;
    else
        timed->previous->next = timed->next;
    if (timed->next != NULL)
        timed->next->previous = timed->previous;
    return meld(root, meld_siblings(timed->child));
}
