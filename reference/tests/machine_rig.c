/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int write_down(void *user, yoton_package *package) {
    bench *b = user;
    const yoton_header *h = yoton_package_header(package);
    size_t used = strlen(b->log), room = sizeof b->log - used;
    int words = h->dest_seq >= NEGOTIATION;
    if (b->short_of_memory)
        return YOTON_E_NOMEM;
    b->sent++;
    if (h->slot != BENCH_SLOT || h->source_id != 0 || h->source_seq != 0)
        snprintf(b->log + used, room, "wrong slot or numbered already;");
    else
        snprintf(b->log + used, room, "%" PRIx64 ".%s%" PRIx64 " %.*s;", h->dest_id,
                 words ? "+" : "", words ? h->dest_seq - NEGOTIATION : h->dest_seq, (int)h->length,
                 (const char *)yoton_package_payload(package));
    return YOTON_OK;
}

static int is_heard(void *user) { return !((const bench *)user)->deaf; }

void bench_open(bench *b) {
    *b = (bench){.sink = {.send = write_down, .heard = is_heard, .user = b}};
}

void bench_check(bench *b, const char *text, const char *file, int line) {
    if (strcmp(b->log, text) != 0) {
        print_error("sent \"%s\", not \"%s\"\n", b->log, text);
        _fail(file, line);
    }
    b->log[0] = '\0';
    b->sent = 0;
}

yoton_package *package_from(uint64_t source, uint64_t dest, uint64_t seq, const char *payload) {
    const yoton_header header = {.slot = BENCH_SLOT,
                                 .source_id = source,
                                 .source_seq = 1,
                                 .dest_id = dest,
                                 .dest_seq = seq,
                                 .length = strlen(payload)};
    yoton_package *package = yoton_package_new(&header, payload);
    assert_non_null(package);
    return package;
}
