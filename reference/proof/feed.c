/* SPDX-License-Identifier: BSD-2-Clause */
/* What Eva is shown of the framer: any limit, any number of feeds, each of any size up to the room,
 * with any bytes, from any state that earlier feeds led to. */
#include "yoton/frame.h"

#include "__fc_builtin.h"

enum { ROOM = 64 }; /* a header, and some */

volatile int more;

int main(void) {
    yoton_framer framer;
    yoton_frame frame;
    yoton_header header;
    uint8_t data[ROOM], encoded[YOTON_HEADER_SIZE];
    size_t consumed, offset;
    Frama_C_make_unknown((char *)data, sizeof data);
    Frama_C_make_unknown((char *)&header, sizeof header);
    yoton_header_encode(&header, encoded);
    if (yoton_header_decode(&header, data, &offset) != YOTON_OK)
        yoton_header_decode(&header, encoded, NULL);
    yoton_framer_init(&framer, Frama_C_unsigned_long_long_interval(0, UINT64_MAX));
    while (more) {
        Frama_C_make_unknown((char *)data, sizeof data);
        size_t size = Frama_C_unsigned_long_interval(0, ROOM);
        //@ split size; // the input ends where the memory does, so that nothing behind it is there
        int error = yoton_framer_feed(&framer, data + (ROOM - size), size, &consumed, &frame);
        //@ check what_is_consumed_was_there: error == 0 ==> consumed <= size;
        //@ check a_whole_header_waits_for_nobody: framer.have < 56;
        //@ merge size;
        yoton_framer_position(&framer);
        yoton_framer_at_boundary(&framer);
    }
    return 0;
}
