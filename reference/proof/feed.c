/* SPDX-License-Identifier: BSD-2-Clause */
/* What Eva is shown of the framer: any limit, any number of feeds, each of any size up to the room,
 * with any bytes, from any state that earlier feeds led to. */
#include "yoton/frame.h"

#include "__fc_builtin.h"

enum { ROOM = 200 };

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
        int error = yoton_framer_feed(&framer, data, size, &consumed, &frame);
        //@ check what_is_consumed_is_in_the_room: error == 0 ==> consumed <= ROOM;
        //@ check a_whole_header_waits_for_nobody: framer.have < 56;
        yoton_framer_position(&framer);
        yoton_framer_at_boundary(&framer);
    }
    return 0;
}
