/* SPDX-License-Identifier: BSD-2-Clause */
/* A look into the memory of sources, for the test that makes ids fall together in it. */
#ifndef YOTON_NODE_PRIVATE_H
#define YOTON_NODE_PRIVATE_H

#include "yoton/node.h"

/* Purpose: the hash of a source's id; ids with the same low bits share a chain. */
uint64_t yoton_node_hash(const yoton_node *node, uint64_t id);

#endif
