/* SPDX-License-Identifier: BSD-2-Clause */
/* A fixed loop, to say how fast a machine is: what floors.py compares the speed of targets with. It
 * does what they mostly do: small pieces of memory are taken, written, read and given back. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 96 };

int main(int argc, char **argv) {
    unsigned long rounds = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    uint64_t sum = 1;
    if (rounds == 0) {
        fprintf(stderr, "usage: %s ROUNDS\n", argv[0]);
        return 2;
    }
    for (unsigned long i = 0; i < rounds; i++) {
        uint8_t *piece = malloc(PIECE);
        if (piece == NULL)
            return 1;
        memset(piece, (int)(i & 255), PIECE);
        for (size_t at = 0; at < PIECE; at++)
            sum = (sum ^ piece[at]) * UINT64_C(0x100000001B3);
        free(piece);
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
