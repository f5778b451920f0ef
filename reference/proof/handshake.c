/* SPDX-License-Identifier: BSD-2-Clause */
/* What Eva is shown of the handshake: any bytes, of any number up to the room, any limit. */
#include "yoton/handshake.h"

#include "__fc_builtin.h"

enum { ROOM = 44 }; /* one less than the longest line: each beginning of a good one meets its end */

int main(void) {
    uint8_t data[ROOM];
    yoton_hello hello;
    size_t offset;
    Frama_C_make_unknown((char *)data, sizeof data);
    size_t size = Frama_C_unsigned_long_interval(0, ROOM);
    //@ split size; // the input ends where the memory does, so that nothing behind it is there
    size_t limit = Frama_C_unsigned_long_interval(0, SIZE_MAX);
    int result = yoton_handshake_parse(&hello, data + (ROOM - size), size, limit, &offset);
    //@ check it_reads_no_further_than_it_may: offset <= size;
    //@ check what_it_may_say: result == 0 || result == -1 || (-8 <= result && result <= -6);
    yoton_handshake_refusal(result);
    return 0;
}
