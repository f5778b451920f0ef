/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's chat: any number of nodes, all of the same kind. What is typed at one is seen by all
 * others, once, however the nodes are connected: in a line, a star or a ring.
 *
 *     ann <------> bob <------> cem <------> dea
 *     pub, sub     pub, sub     pub, sub     pub, sub "chat"
 *
 *     cc -o chat_node chat_node.c -lyoton
 *     ./chat_node ann bind localhost:5001
 *     ./chat_node bob connect localhost:5001 bind localhost:5002
 *     ./chat_node cem connect localhost:5002
 *
 * Each `bind` takes one other node; port 0 is any free one. A node leaves at the end of its input.
 * It shows how the events of the library live in another loop: here poll(). */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yoton/yoton.h>

typedef struct node {
    const char *name;
    yoton_events *events;
    yoton_context *context;
    yoton_channel *pub, *sub;
    char typed[4096]; /* what has come of a line */
    size_t size;
} node;

static _Noreturn void fail(const char *why) {
    fprintf(stderr, "chat_node: %s\n", why);
    exit(1);
}

static void must(int error) {
    if (error != YOTON_OK)
        fail(yoton_error_text());
}

/* ---- What comes from the others ---- */

static void on_received(yoton_channel *sub, void *user) {
    yoton_message message;
    (void)user;
    while (yoton_next(sub, &message) == 1) {
        printf("%.*s\n", (int)message.size, (const char *)message.data);
        yoton_message_clear(&message);
    }
}

static void on_connected(yoton_connection *connection, void *user) {
    yoton_connection_info info;
    (void)user;
    yoton_connection_get_info(connection, &info);
    printf("* %s with %s:%u\n", yoton_connection_state_text(info.state), info.hostname2,
           (unsigned)info.port2);
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection, (void)user;
    printf("* %s\n", reason);
}

static void watch(yoton_connection *connection) {
    yoton_connection_on_connected(connection, on_connected, NULL);
    yoton_connection_on_closed(connection, on_closed, NULL);
    yoton_connection_unref(connection); /* the context keeps it */
}

static void add_link(node *self, const char *how, const char *address) {
    yoton_connection *connection;
    yoton_connection_info info;
    if (strcmp(how, "connect") == 0) {
        must(yoton_context_connect(self->context, address, 10.0, NULL, &connection));
    } else if (strcmp(how, "bind") == 0) {
        must(yoton_context_bind(self->context, address, 1, NULL, &connection));
        yoton_connection_get_info(connection, &info);
        printf("* waiting at %s:%u\n", info.hostname1, (unsigned)info.port1);
    } else {
        fail("a link begins with `bind` or `connect`");
    }
    watch(connection);
}

/* ---- What is typed ---- */

static void say(node *self, const char *line, size_t size) {
    char text[sizeof self->typed + 64];
    int length = snprintf(text, sizeof text, "%.50s: %.*s", self->name, (int)size, line);
    if (yoton_send_text(self->pub, text, (size_t)length) != YOTON_OK)
        fprintf(stderr, "chat_node: %s\n", yoton_error_text()); /* not text; the next line may be */
}

/* Returns 0 at the end of the input. */
static int read_typed(node *self) {
    ssize_t got = read(STDIN_FILENO, self->typed + self->size, sizeof self->typed - self->size);
    if (got <= 0)
        return 0;
    self->size += (size_t)got;
    char *line = self->typed, *end;
    while ((end = memchr(line, '\n', self->size)) != NULL) {
        say(self, line, (size_t)(end - line));
        self->size -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(self->typed, line, self->size);
    if (self->size == sizeof self->typed)
        fail("a line is too long");
    return 1;
}

static void chat(node *self) {
    struct pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                              {.fd = yoton_events_fd(self->events), .events = POLLIN}};
    for (;;) {
        if (poll(ready, 2, -1) < 0)
            continue; /* a signal of the system */
        if (ready[1].revents != 0)
            yoton_process_events(self->events, 0);
        if (ready[0].revents != 0 && !read_typed(self))
            return;
    }
}

int main(int argc, char **argv) {
    static node self;
    if (argc < 2 || argc % 2 != 0)
        fail("usage: chat_node NAME [bind ADDRESS | connect ADDRESS] ...");
    self.name = argv[1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    must(yoton_events_new(&self.events));
    must(yoton_context_new(&(yoton_options){.events = self.events}, &self.context));
    must(yoton_channel_open(self.context, YOTON_PUB, "chat", 4, YOTON_TXT, &self.pub));
    must(yoton_channel_open(self.context, YOTON_SUB, "chat", 4, YOTON_TXT, &self.sub));
    yoton_channel_on_received(self.sub, on_received, NULL);
    for (int i = 2; i < argc; i += 2)
        add_link(&self, argv[i], argv[i + 1]);
    chat(&self);
    yoton_channel_free(self.pub);
    yoton_channel_free(self.sub);
    yoton_context_free(self.context); /* what was said still goes out */
    yoton_events_free(self.events);
    return 0;
}
