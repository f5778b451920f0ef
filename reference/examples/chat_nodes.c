/* SPDX-License-Identifier: BSD-2-Clause */
/* The manual's chat: a network in which all nodes play the same role. Each one says something and
 * hears what all others say, once, wherever it stands in the line.
 *
 *     node 1 ---- node 2 ---- node 3 ---- ... ---- node N
 *     pub "chat"  pub "chat"  pub "chat"           pub "chat"
 *     sub "chat"  sub "chat"  sub "chat"           sub "chat"
 *
 *     cc -o chat_nodes chat_nodes.c $(pkg-config --cflags --libs yoton)
 *     ./chat_nodes 5
 *
 * The nodes live in one program here, but talk over TCP as programs do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yoton/yoton.h>

enum { NODES_MAX = 20 };

typedef struct node {
    yoton_context *context;
    yoton_channel *pub;
    yoton_channel *sub;
} node;

static void must(int error) {
    if (error == YOTON_OK)
        return;
    fprintf(stderr, "chat_nodes: %s\n", yoton_error_text());
    exit(1);
}

static void open_node(node *n) {
    must(yoton_context_new(NULL, &n->context));
    must(yoton_channel_open(n->context, YOTON_PUB, "chat", strlen("chat"), YOTON_TXT, &n->pub));
    must(yoton_channel_open(n->context, YOTON_SUB, "chat", strlen("chat"), YOTON_TXT, &n->sub));
}

static void join(yoton_context *host, yoton_context *guest) {
    yoton_connection *bound, *connected;
    yoton_connection_info info;
    char address[32];
    must(yoton_context_bind(host, "localhost:0", 1, NULL, &bound));
    yoton_connection_get_info(bound, &info);
    snprintf(address, sizeof address, "localhost:%u", (unsigned)info.port1);
    must(yoton_context_connect(guest, address, 10.0, NULL, &connected));
    yoton_connection_unref(bound);
    yoton_connection_unref(connected);
}

static void speak(const node *n, int number) {
    char text[40];
    int size = snprintf(text, sizeof text, "node %d says hello", number);
    must(yoton_send_text(n->pub, text, (size_t)size));
}

/* Hears everybody else; what they said comes in any order, but each once. */
static void listen_to_all(const node *n, int number, int count) {
    int heard[NODES_MAX + 1] = {0};
    for (int i = 1; i < count; i++) {
        yoton_message message;
        int who = 0;
        must(yoton_recv(n->sub, 20.0, &message));
        if (sscanf((const char *)message.data, "node %d", &who) == 1 && who > 0 && who <= count)
            heard[who]++;
        yoton_message_clear(&message);
    }
    printf("node %d heard:", number);
    for (int who = 1; who <= count; who++)
        for (int times = heard[who]; times > 0; times--)
            printf(" %d", who);
    printf(", and %zu more\n", yoton_channel_pending(n->sub));
}

static void close_node(node *n) {
    yoton_channel_free(n->pub);
    yoton_channel_free(n->sub);
    yoton_context_free(n->context);
}

int main(int argc, char **argv) {
    node nodes[NODES_MAX];
    int count = argc > 1 ? atoi(argv[1]) : 5;
    if (count < 2 || count > NODES_MAX) {
        fprintf(stderr, "usage: chat_nodes [2 to %d]\n", NODES_MAX);
        return 2;
    }
    for (int i = 0; i < count; i++)
        open_node(&nodes[i]);
    for (int i = 1; i < count; i++)
        join(nodes[i - 1].context, nodes[i].context);
    for (int i = 0; i < count; i++)
        speak(&nodes[i], i + 1);
    for (int i = 0; i < count; i++)
        listen_to_all(&nodes[i], i + 1, count);
    for (int i = 0; i < count; i++)
        close_node(&nodes[i]);
    return 0;
}
