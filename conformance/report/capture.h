/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversation of one case as a capture file that Wireshark and `yoton dump` open. */
#ifndef YOTONSPEC_REPORT_CAPTURE_H
#define YOTONSPEC_REPORT_CAPTURE_H

#include <jansson.h>

/* Purpose: for each case in `results` that has a transcript with TCP traffic, write
 * FOLDER/captures/CASE-ROLE.pcapng, and put that name, relative to the folder, into its `capture`.
 * Captures of an earlier run are removed first. The packets are made from the transcript: one for
 * each entry, with headers as on the loopback interface; of a long entry only what the transcript
 * holds is there (the packet is cut, and says so by its length).
 * Returns NULL, or one line that the caller frees. */
char *write_captures(const char *folder, json_t *results);

#endif
