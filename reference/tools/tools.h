/* SPDX-License-Identifier: BSD-2-Clause */
/* What the sub-commands of `yoton` share. */
#ifndef YOTON_TOOLS_H
#define YOTON_TOOLS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of every sub-command. */
enum { TOOL_OK = 0, TOOL_FAILED = 1, TOOL_USAGE = 2 };

/* Sub-commands: argv[0] is the name of the sub-command. Each returns an exit code. */
int cmd_agent(int argc, char **argv);
int cmd_broker(int argc, char **argv);
int cmd_decode(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_encode(int argc, char **argv);
int cmd_hash(int argc, char **argv);
int cmd_pub(int argc, char **argv);
int cmd_rep(int argc, char **argv);
int cmd_req(int argc, char **argv);
int cmd_request(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_state(int argc, char **argv);
int cmd_sub(int argc, char **argv);

/* Purpose: say on standard error, in one line, what was wrong with the command line, and where to
 * read more. Returns TOOL_USAGE. */
int tool_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Purpose: say on standard error, in one line, what failed. Returns TOOL_FAILED. */
int tool_fail(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Purpose: all of a stream, in memory the caller frees with free() (one NUL follows, not counted).
 * Returns 0, or -1 with errno set. */
int tool_read(FILE *stream, char **data, size_t *size);

/* Purpose: flush standard output. Returns TOOL_OK, or says what failed and returns TOOL_FAILED. */
int tool_finish(const char *command);

/* Purpose: write bytes to standard output as lower-case hexadecimal digits and a line end. */
void tool_put_hex(const uint8_t *bytes, size_t size);

/* Purpose: turn hexadecimal text, blanks between bytes allowed, into bytes in place.
 * *size is the size of the text and then of the bytes. Returns 0, or -1 with *bad the offset of
 * what is no hexadecimal digit or of the digit that has no partner. */
int tool_unhex(char *text, size_t *size, size_t *bad);

#endif
