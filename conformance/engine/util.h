/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things every part of the harness uses. */
#ifndef YOTONSPEC_UTIL_H
#define YOTONSPEC_UTIL_H

#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/* Exit codes of yotonspec; where several apply, the first of 6 2 3 4 5 1 0. */
enum {
    EXIT_CONFORMS = 0,
    EXIT_DOES_NOT = 1,
    EXIT_USAGE = 2,
    EXIT_NOTHING = 3,
    EXIT_UNREACHABLE = 4,
    EXIT_DIED = 5,
    EXIT_HARNESS = 6
};

/* Memory and text; when memory is short the process ends with EXIT_HARNESS and says so. Cases never
 * free: their process is short. */
void *room(size_t size); /* zeroed */
void *more_room(void *old, size_t size);
void *copy_of(const void *bytes, size_t size); /* with a NUL behind it */
char *text_of(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_of_list(const char *format, va_list list);

/* JSON strings from bytes of any kind: what is not UTF-8 becomes U+FFFD. */
json_t *json_text(const char *text);
json_t *json_text_sized(const void *bytes, size_t size);
const char *json_get_text(const json_t *object, const char *key); /* "" when absent */

/* Lower-case hex of at most `limit` bytes. */
char *hex_of(const void *bytes, size_t size, size_t limit);

/* The bytes as a person reads them: "quoted" when printable, else hex; at most some 60 columns. */
char *shown(const void *bytes, size_t size);

/* Prints text of a peer or a file: what would end the line or make a terminal do something is a
 * question mark. At most `most` bytes of it, whole characters. */
void print_plain(const char *text, size_t most);

/* The name of a capture as it stands in ids: "state" of "captures/state.pcapng", without points. */
char *capture_name(const char *file);

double now(void);

/* One step of splitmix64. */
uint64_t next_random(uint64_t *state);
uint64_t hash_text(uint64_t seed, const char *text);

#endif
