/* SPDX-License-Identifier: BSD-2-Clause */
/* A sink for the machines of channels that writes down, as text, what they send. */
#ifndef YOTON_TESTS_MACHINE_RIG_H
#define YOTON_TESTS_MACHINE_RIG_H

#include "support.h"

#include "channels/sink.h"

#define BENCH_ID UINT64_C(0xa1) /* of the context whose channel is on the bench */
#define BENCH_SLOT UINT64_C(88)
#define SECONDS(n) ((yoton_time)((n)*1000) * YOTON_MS)

typedef struct bench {
    channel_sink sink;
    int deaf;            /* nobody is connected */
    int short_of_memory; /* nothing can be queued */
    size_t sent;
    char log[4096];
} bench;

/* Purpose: an empty log, and its sink. */
void bench_open(bench *b);

/* Purpose: fail unless exactly this was sent since the last call: for each package
 * `dest_id.dest_seq payload` and `;`, numbers in hex, a `+` before a dest_seq of a negotiation
 * (less 2^63). All must be at `slot`. */
#define bench_sent(b, text) bench_check(b, text, __FILE__, __LINE__)
void bench_check(bench *b, const char *text, const char *file, int line);

/* Purpose: a package from another context. */
yoton_package *package_from(uint64_t source, uint64_t dest, uint64_t seq, const char *payload);

#endif
