/* SPDX-License-Identifier: BSD-2-Clause */
/* What Eva is shown of the handshake: any bytes, of any number up to the room, any limit; any id and
 * process id, any room for the line. */
#include "yoton/handshake.h"

#include "__fc_builtin.h"

enum { ROOM = 70 };

int main(void) {
    uint8_t data[ROOM];
    char line[YOTON_LINE_SIZE];
    yoton_hello hello;
    size_t offset;
    Frama_C_make_unknown((char *)data, sizeof data);
    size_t size = Frama_C_unsigned_long_interval(0, ROOM);
    size_t limit = Frama_C_unsigned_long_interval(0, SIZE_MAX);
    int result = yoton_handshake_parse(&hello, data, size, limit, &offset);
    //@ check it_reads_no_further_than_the_room: offset <= ROOM;
    //@ check what_it_may_say: result == 0 || result == -1 || result == -6 || result == -7 || result == -8;
    hello.id = Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
    hello.pid = Frama_C_unsigned_long_long_interval(0, UINT64_MAX);
    yoton_handshake_encode(&hello, line, Frama_C_unsigned_long_interval(0, sizeof line));
    yoton_handshake_refusal(result);
    return 0;
}
