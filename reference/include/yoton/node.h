/* SPDX-License-Identifier: BSD-2-Clause */
/* One context's routing: what happens with a package that came, and the numbers of those that go.
 */
#ifndef YOTON_NODE_H
#define YOTON_NODE_H

#include <stddef.h>
#include <stdint.h>

#include "yoton/error.h"
#include "yoton/frame.h"

#ifdef __cplusplus
extern "C" {
#endif

#define YOTON_SOURCES_DEFAULT 65536 /* sources a node remembers */

typedef enum yoton_route {
    YOTON_ROUTE_DROP = 0,
    YOTON_ROUTE_DEPOSIT = 1, /* for a channel or the context here */
    YOTON_ROUTE_FORWARD = 2  /* on every other connection */
} yoton_route;

typedef struct yoton_node yoton_node;

/* Purpose: make the routing of context `id` (not 0). max_sources 0 asks for the default; below 1024
 * the node does not conform (LIMIT section of the spec).
 * Memory grows with the sources seen, to at most about 64 bytes each.
 * Returns NULL when memory is short or id is 0. */
yoton_node *yoton_node_new(uint64_t id, size_t max_sources);
void yoton_node_free(yoton_node *node);

/* Purpose: decide about a package that came in, and remember its number. Works in constant time
 * (averaged over the growth of the memory), whatever ids come. A source that hostile ids crowd out
 * of its corner of the memory is forgotten before it is the least recently used of all. *recv_seq
 * receives the receiving sequence number when the package is deposited, else 0. Returns a
 * combination of yoton_route. When memory is short the least recently used source is forgotten
 * early; it never fails. */
unsigned yoton_node_route(yoton_node *node, const yoton_header *header, uint64_t *recv_seq);

/* Purpose: give a package of our own its source_id and the next source_seq. */
void yoton_node_stamp(yoton_node *node, yoton_header *header);

/* Purpose: sources remembered at present. */
size_t yoton_node_sources(const yoton_node *node);

#ifdef __cplusplus
}
#endif
#endif
