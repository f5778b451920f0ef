/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files, pcap and pcapng, read through libpcap. */
#ifndef YOTON_TOOLS_CAPTURE_FILE_H
#define YOTON_TOOLS_CAPTURE_FILE_H

#include "capture_packet.h"

typedef struct capture_file capture_file;

/* What was in the packets so far. */
typedef struct capture_counts {
    unsigned long packets, tcp, fragments, cut;
} capture_counts;

enum { CAPTURE_ERROR_SIZE = 512 };

/* Purpose: open a capture; `name` is a path, or "-" for standard input. With `follow` what is
 * written behind its end is waited for, until capture_file_stop is called.
 * Returns NULL and one line in `error` when it cannot be read or is not a capture that can be
 * taken apart. Close with capture_file_close. */
capture_file *capture_file_open(const char *name, bool follow, char error[CAPTURE_ERROR_SIZE]);

/* Purpose: watch an interface as it goes, TCP with this port at either end (0: all TCP). Needs the
 * right to capture. Returns and is closed as capture_file_open. */
capture_file *capture_live_open(const char *interface, unsigned port,
                                char error[CAPTURE_ERROR_SIZE]);

/* Purpose: make capture_file_next return 0 soon. May be called by a handler of a signal. */
void capture_file_stop(capture_file *file);

/* Purpose: the next TCP segment, valid until the next call. *time receives microseconds since the
 * first packet of the file.
 * Returns 1, 0 at the end, or -1 with one line in `error` that names the offset in the file. */
int capture_file_next(capture_file *file, capture_segment *segment, int64_t *time,
                      char error[CAPTURE_ERROR_SIZE]);

const capture_counts *capture_file_counts(const capture_file *file);

void capture_file_close(capture_file *file);

#endif
