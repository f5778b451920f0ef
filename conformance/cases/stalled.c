/* SPDX-License-Identifier: BSD-2-Clause */
#include "cases/stalled.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_LIMIT = 4 << 20, SURPLUS = 1 << 19 };

/* The most that the system lets wait for a connection: the third number of tcp_wmem on Linux. */
static size_t largest_buffer(void) {
    size_t least, usual, most;
    FILE *file = fopen("/proc/sys/net/ipv4/tcp_wmem", "r");
    if (file == NULL)
        return USUAL_LIMIT;
    if (fscanf(file, "%zu %zu %zu", &least, &usual, &most) != 3)
        most = USUAL_LIMIT;
    fclose(file);
    return most;
}

static const char *long_text(void) {
    size_t size = largest_buffer() + SURPLUS;
    char *text = malloc(size + 1);
    if (text == NULL)
        abort();
    memset(text, 'x', size);
    text[size] = '\0';
    return text;
}

end *stalled_end(tester *t, channel *pub) {
    set_receive_buffer(t, 4096);
    end *e = establish(t);
    end_hold(e, true);
    int sending = ask(t, "send", "{s:s, s:s}", "channel", pub->name, "value", long_text());
    for (double late = now() + 4 * patience(t); !answered(t, sending) || !end_begins_to_fill(e);) {
        check(t, now() < late, "a send did not return, or nothing of it came, within %.1f s",
              4 * patience(t));
        run_for(t, 0.02);
    }
    return e;
}
