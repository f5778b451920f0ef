/* SPDX-License-Identifier: BSD-2-Clause */
/* A link on a workbench: a clock that stands still, what it tells as a text, what it writes as
 * bytes. Allocates nothing. */
#ifndef YOTON_TESTS_LINK_RIG_H
#define YOTON_TESTS_LINK_RIG_H

#include "support.h"
#include "yoton/link.h"

#define RIG_ID UINT64_C(0xa1)
#define RIG_LINE "YOTON!00000000000000a1.4242\r\n"
#define RIG_OTHER_ID UINT64_C(0xb2)
#define RIG_OTHER_LINE "YOTON!00000000000000b2.77\r\n"
#define RIG_REFUSE_ID "ERROR: could not parse id.\r\n"
#define RIG_REFUSE_YOTON "ERROR: this is Yoton.\r\n"

typedef struct rig {
    yoton_link *link;
    yoton_time now;
    int stamped; /* every entry of the log begins with the time */
    int downs;   /* DOWN events seen */
    size_t most; /* input is fed in pieces of this size; 0: whole */
    char log[8192];
    size_t sent_size;
    uint8_t sent[1 << 20];
} rig;

/* Purpose: the link configuration all tests start from: RIG_ID, process 4242, defaults. */
yoton_link_config rig_config(yoton_role role);

/* Purpose: put a fresh link on the bench at time 0; rig_close frees it. */
void rig_open(rig *r, const yoton_link_config *config);
void rig_close(rig *r);

/* Purpose: the same, and connected: the handshake is done and the log and what was sent are empty.
 */
void rig_connect(rig *r, const yoton_link_config *config);

/* Purpose: feed bytes and log all events. Checks that all was consumed, and that DOWN is last. */
int rig_feed(rig *r, const void *data, size_t size);
void rig_eof(rig *r);

/* Purpose: set the clock and tick until nothing happens any more. */
void rig_tick(rig *r, yoton_time now);

/* Purpose: take all output there is into `sent`, no matter in how many pieces. */
void rig_drain(rig *r);

/* Purpose: take at most `most` bytes of what is offered. Returns how many were. */
size_t rig_take(rig *r, size_t most);

/* Purpose: let time run, ticking at every deadline, draining after each when `drain`. */
void rig_run(rig *r, yoton_time until, int drain);

/* Purpose: forget the log and what was sent. */
void rig_forget(rig *r);

/* Purpose: a package as the log has it. */
void rig_describe(char *out, size_t room, const yoton_header *header, const uint8_t *payload);

/* Purpose: what was sent as text: the lines as they are without CRLF, packages as `#seq[length]`,
 * signals as `beat` and `close`, each followed by a blank. Fails the test on anything else. */
const char *rig_sent(rig *r);

/* Purpose: the log, and the state in a word. */
const char *rig_state(const rig *r);

/* Bytes being put together. */
typedef struct bytes {
    size_t size;
    uint8_t data[1 << 20];
} bytes;

void bytes_add(bytes *b, const void *data, size_t size);
void bytes_header(bytes *b, const yoton_header *header);
/* Purpose: a package for everybody from RIG_OTHER_ID at slot 8, its payload made from its number.
 */
void bytes_package(bytes *b, uint64_t seq, size_t length);
void bytes_signal(bytes *b, uint64_t seq);

/* Purpose: the package of bytes_package, in memory. */
yoton_package *package_make(uint64_t seq, size_t length);

#endif
