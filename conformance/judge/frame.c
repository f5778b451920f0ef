/* SPDX-License-Identifier: BSD-2-Clause */
#include "judge/judge.h"

static const uint8_t control[JUDGE_CONTROL] = {'Y', 'O', 'T', 'O',
                                               'N', ' ', ' ', ' '}; /* FRAME-2 */

size_t judge_control(const uint8_t *bytes, size_t size) {
    size_t good = 0;
    while (good < size && good < JUDGE_CONTROL && bytes[good] == control[good])
        good++;
    return good;
}

static uint64_t little_endian(const uint8_t *bytes) {
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number << 8 | bytes[i];
    return number;
}

struct judged_header judge_header(const uint8_t bytes[JUDGE_HEADER]) {
    return (struct judged_header){
        /* FRAME-1 */
        .slot = little_endian(bytes + 8),        .source_id = little_endian(bytes + 16),
        .source_seq = little_endian(bytes + 24), .dest_id = little_endian(bytes + 32),
        .dest_seq = little_endian(bytes + 40),   .length = little_endian(bytes + 48)};
}

const char *judge_field(size_t offset) {
    static const char *const names[] = {"control bytes", "slot",     "source_id", "source_seq",
                                        "dest_id",       "dest_seq", "length"};
    return offset < JUDGE_HEADER ? names[offset / 8] : "payload";
}
