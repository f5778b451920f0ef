/* SPDX-License-Identifier: BSD-2-Clause */
/* A pub or sub channel of text that is used like a file, as a Pyzo kernel uses its channels for
 * standard input and output.
 *
 * What channels.h says of threads, times and errors holds here too. One thread at a time uses a
 * file. */
#ifndef YOTON_FILE_H
#define YOTON_FILE_H

#include <stddef.h>

#include "yoton/channels.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yoton_file yoton_file;

/* Purpose: wrap a pub channel (to write) or a sub channel (to read) of type txt. Texts longer than
 * chunk_size characters are sent in pieces of that size; 0 sends them whole. echo (may be NULL) is
 * a pub channel of type txt that repeats what is read. Both channels stay the caller's and must
 * outlive the file. Returns YOTON_OK, YOTON_E_ARGUMENT (another kind or type of channel) or
 * YOTON_E_NOMEM. */
int yoton_file_new(yoton_channel *channel, size_t chunk_size, yoton_channel *echo,
                   yoton_file **file);
void yoton_file_free(yoton_file *file); /* closes nothing; NULL is fine */

/* Purpose: close the channel; whether it is closed. */
void yoton_file_close(yoton_file *file);
int yoton_file_is_closed(yoton_file *file);

/* Purpose: wait until all that was written was given to the system. Returns what
 * yoton_context_flush returns. */
int yoton_file_flush(yoton_file *file, double timeout);

/* Purpose: write text (UTF-8 of size bytes); many texts, each a message of its own and not cut.
 * Returns what yoton_send_text returns. */
int yoton_file_write(yoton_file *file, const char *text, size_t size);
int yoton_file_writelines(yoton_file *file, const char *const *lines, size_t count);

/* Purpose: read one message, waiting up to timeout seconds. *text receives memory the caller frees
 * with free(), NUL-terminated, *size (may be NULL) its length without the NUL.
 * An echo is a send, and may be held longer than that (SYNC-5, LIMIT-4).
 * Returns YOTON_OK, or what yoton_recv returns (*text is then NULL). */
int yoton_file_read(yoton_file *file, double timeout, char **text, size_t *size);

/* Purpose: read one message as a line: without limit in time, a line feed is appended unless it
 * ends with one, then all beyond max characters is thrown away (0: nothing is). Otherwise as
 * yoton_file_read; a channel that is closed gives YOTON_E_CLOSED. */
int yoton_file_readline(yoton_file *file, size_t max, char **text, size_t *size);

#ifdef __cplusplus
}
#endif
#endif
