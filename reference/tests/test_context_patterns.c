/* SPDX-License-Identifier: BSD-2-Clause */
/* State, sync mode, selecting, own message types, files and sockets over real connections. */
#include "context_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Two contexts that are connected; `a` hosts. */
typedef struct pair {
    yoton_context *a;
    yoton_context *b;
    yoton_connection *hosting;
    yoton_connection *connected;
    uint16_t port;
} pair;

static void open_pair(pair *p) {
    p->a = context_make(NULL);
    p->b = context_make(NULL);
    p->hosting = bind_free(p->a, &p->port);
    p->connected = connect_to(p->b, p->port);
    wait_state(p->hosting, YOTON_HOSTING);
}

static void close_pair(pair *p) {
    yoton_connection_unref(p->hosting);
    yoton_connection_unref(p->connected);
    yoton_context_free(p->a);
    yoton_context_free(p->b);
}

/* ---- State ---- */

static void expect_state(yoton_channel *channel, const char *text) {
    yoton_message message;
    assert_int_equal(yoton_recv(channel, 0, &message), YOTON_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data != NULL ? message.data : (const uint8_t *)"", text,
                        message.size);
    yoton_message_clear(&message);
}

static void a_state_is_shared_and_given_to_who_comes_late(void **state) {
    pair p;
    watch w, barrier;
    uint16_t port;
    (void)state;
    open_pair(&p);
    watch_init(&w);
    yoton_channel *set = open_channel(p.a, YOTON_STATE, "lab", YOTON_TXT);
    yoton_channel *get = open_channel(p.b, YOTON_STATE, "lab", YOTON_TXT);
    yoton_channel *after_a = open_channel(p.a, YOTON_PUB, "after", YOTON_TXT);
    yoton_channel *after_b = open_channel(p.b, YOTON_SUB, "after", YOTON_TXT);
    watch_channel(&w, get);
    watch_init(&barrier);
    watch_channel(&barrier, after_b);
    /* what b says behind its NEW_CONNECTION is there: nobody asks for the state again (STATE-5) */
    yoton_channel *hello_b = open_channel(p.b, YOTON_PUB, "hello", YOTON_TXT);
    yoton_channel *hello_a = open_channel(p.a, YOTON_SUB, "hello", YOTON_TXT);
    watch hello;
    watch_init(&hello);
    watch_channel(&hello, hello_a);
    send_text(hello_b, "hello");
    watch_wait(&hello, &hello.received, 1);
    expect_state(get, ""); /* STATE-4 */
    assert_int_equal(yoton_channel_pending(get), 0);
    send_text(set, "warm");
    send_text(set, ""); /* STATE-7 */
    expect_state(set, "warm");
    watch_wait(&w, &w.received, 1);
    expect_state(get, "warm");
    expect_state(get, "warm"); /* not consumed */
    assert_int_equal(yoton_channel_pending(get), 1);
    send_text(set, "warm"); /* STATE-2: nothing is sent, the barrier overtakes nothing */
    send_text(after_a, "barrier");
    watch_wait(&barrier, &barrier.received, 1); /* told behind what came before */
    expect_text(after_b, "barrier");
    uv_mutex_lock(&w.lock);
    assert_int_equal(w.received, 1);
    uv_mutex_unlock(&w.lock);
    yoton_connection *second = bind_free(p.a, &port);
    yoton_context *late = context_make(NULL);
    yoton_channel *late_get = open_channel(late, YOTON_STATE, "lab", YOTON_TXT);
    watch late_watch;
    watch_init(&late_watch);
    watch_channel(&late_watch, late_get);
    yoton_connection *third = connect_to(late, port);
    watch_wait(&late_watch, &late_watch.received, 1); /* CTX-3, STATE-5 */
    expect_state(late_get, "warm");
    assert_int_equal(yoton_state_send_last(set), YOTON_OK);
    expect_error(yoton_state_send_last(after_a), YOTON_E_STATE, "state");
    yoton_channel_close(set);
    expect_error(yoton_send_text(set, "warm", 4), YOTON_E_CLOSED, "closed");
    expect_error(yoton_state_send_last(set), YOTON_E_CLOSED, "closed");
    expect_state(set, "warm"); /* it stays */
    yoton_channel_free(set);
    yoton_channel_free(get);
    yoton_channel_free(after_a);
    yoton_channel_free(after_b);
    yoton_channel_free(hello_a);
    yoton_channel_free(hello_b);
    yoton_connection_unref(second);
    yoton_connection_unref(third);
    yoton_context_free(late);
    yoton_channel_free(late_get);
    close_pair(&p);
    watch_done(&w);
    watch_done(&barrier);
    watch_done(&hello);
    watch_done(&late_watch);
}

/* ---- Taking several messages, and choosing between channels ---- */

static void send_list(yoton_channel *pub, const char *const *texts) {
    for (; *texts != NULL; texts++)
        send_text(pub, *texts);
}

static void expect_list(yoton_message *list, size_t count, const char *const *texts) {
    for (size_t i = 0; i < count; i++) {
        assert_non_null(texts[i]);
        assert_int_equal(list[i].size, strlen(texts[i]));
        assert_memory_equal(list[i].data, texts[i], list[i].size);
    }
    assert_null(texts[count]);
    yoton_messages_free(list, count);
}

static void messages_of_several_channels_come_in_the_order_of_arrival(void **state) {
    pair p;
    yoton_channel *subs[2], *pubs[2], *selected;
    yoton_message *list, message;
    size_t count;
    (void)state;
    open_pair(&p);
    for (int i = 0; i < 2; i++) {
        pubs[i] = open_channel(p.a, YOTON_PUB, i ? "y" : "x", YOTON_TXT);
        subs[i] = open_channel(p.b, YOTON_SUB, i ? "y" : "x", YOTON_TXT);
    }
    assert_int_equal(yoton_select_sub_channel(subs, 2, &selected), YOTON_OK);
    assert_null(selected);
    send_list(pubs[0], (const char *const[]){"1", "2", NULL});
    send_list(pubs[1], (const char *const[]){"3", NULL});
    send_list(pubs[0], (const char *const[]){"4", NULL});
    send_list(pubs[1], (const char *const[]){"5", NULL});
    expect_text(subs[0], "1");
    double end = now_seconds() + DEADLINE; /* the last one has come: then all others have */
    while (yoton_channel_pending(subs[1]) < 2 && now_seconds() < end)
        poll(NULL, 0, 1);
    assert_int_equal(yoton_select_sub_channel(subs, 2, &selected), YOTON_OK);
    assert_ptr_equal(selected, subs[0]);
    assert_int_equal(yoton_recv_selected(subs[1], &list, &count, NULL), YOTON_OK);
    assert_int_equal(count, 0); /* not the one selected */
    assert_int_equal(yoton_recv_selected(subs[0], &list, &count, NULL), YOTON_OK);
    expect_list(list, count, (const char *const[]){"2", NULL});
    assert_int_equal(yoton_select_sub_channel(subs, 2, &selected), YOTON_OK);
    assert_ptr_equal(selected, subs[1]);
    assert_int_equal(yoton_recv_selected(subs[1], &list, &count, NULL), YOTON_OK);
    expect_list(list, count, (const char *const[]){"3", NULL});
    assert_int_equal(yoton_next(subs[0], &message), 1);
    assert_int_equal(message.data[0], '4');
    yoton_message_clear(&message);
    assert_int_equal(yoton_next(subs[0], &message), 0);
    assert_int_equal(yoton_next(pubs[0], &message), YOTON_E_STATE);
    assert_int_equal(yoton_select_sub_channel(subs, 2, &selected), YOTON_OK);
    assert_ptr_equal(selected, subs[1]);
    assert_int_equal(yoton_recv_selected(subs[1], &list, &count, NULL), YOTON_OK);
    expect_list(list, count, (const char *const[]){"5", NULL});
    yoton_channel *mixed[2] = {subs[0], pubs[0]};
    expect_error(yoton_select_sub_channel(mixed, 2, &selected), YOTON_E_ARGUMENT, "sub channels");
    for (int i = 0; i < 2; i++) {
        yoton_channel_free(pubs[i]);
        yoton_channel_free(subs[i]);
    }
    close_pair(&p);
}

/* ---- Sync mode ---- */

static void wait_pending(yoton_channel *channel, size_t count) {
    double end = now_seconds() + DEADLINE;
    while (yoton_channel_pending(channel) < count && now_seconds() < end)
        poll(NULL, 0, 1);
    assert_true(yoton_channel_pending(channel) >= count);
}

/* Stuffs the reader until it says full, and waits until the word has come. */
static void fill_up(yoton_channel *pub, yoton_channel *sub, yoton_channel *back,
                    yoton_channel *heard) {
    for (int i = 0; i < 33; i++)
        send_text(pub, "x");
    wait_pending(sub, 33);
    send_text(back, "said"); /* behind the word, on the same connection */
    expect_text(heard, "said");
}

/* Table C.4: who has read a closed channel empty does not say ok. */
static void a_closed_reader_says_nothing(void **state) {
    bench b;
    yoton_message message;
    (void)state;
    bench_join(&b, NULL);
    yoton_channel *sub = open_channel(b.context, YOTON_SUB, "s", YOTON_TXT);
    yoton_channel *pub = open_channel(b.context, YOTON_PUB, "p", YOTON_TXT);
    assert_int_equal(yoton_sub_set_sync_mode(sub, 1), YOTON_OK);
    for (uint64_t i = 0; i < 33; i++)
        raw_publish(b.peer, RAW_ID, ++b.seq, yoton_channel_slot_in(sub, NULL, NULL), "x");
    raw_expect(b.peer, "full");
    yoton_channel_close(sub);
    while (yoton_recv(sub, 0, &message) == YOTON_OK)
        yoton_message_clear(&message);
    assert_int_equal(yoton_channel_pending(sub), 0);
    send_text(pub, "behind it");
    raw_expect(b.peer, "behind it");
    yoton_channel_free(sub);
    yoton_channel_free(pub);
    bench_close(&b);
}

static void a_full_reader_holds_the_writer_for_a_second_at_most(void **state) {
    pair p;
    yoton_message *list;
    size_t count;
    (void)state;
    open_pair(&p);
    yoton_channel *pub = open_channel(p.a, YOTON_PUB, "s", YOTON_TXT);
    yoton_channel *sub = open_channel(p.b, YOTON_SUB, "s", YOTON_TXT);
    yoton_channel *back = open_channel(p.b, YOTON_PUB, "back", YOTON_TXT);
    yoton_channel *heard = open_channel(p.a, YOTON_SUB, "back", YOTON_TXT);
    assert_int_equal(yoton_sub_set_sync_mode(sub, 1), YOTON_OK);
    expect_error(yoton_sub_set_sync_mode(pub, 1), YOTON_E_STATE, "state");
    fill_up(pub, sub, back, heard);
    double begun = now_seconds();
    send_text(pub, "held"); /* SYNC-5 */
    assert_true(now_seconds() - begun >= 0.99);
    wait_pending(sub, 34);
    assert_int_equal(yoton_recv_all(sub, &list, &count, NULL), YOTON_OK);
    assert_int_equal(count, 34);
    yoton_messages_free(list, count);
    yoton_message message;
    assert_int_equal(yoton_recv(sub, 0, &message), YOTON_E_TIMEOUT); /* a look: it says ok */
    send_text(back, "said");
    expect_text(heard, "said");
    begun = now_seconds();
    for (int i = 0; i < 20; i++)
        send_text(pub, "free");
    assert_true(now_seconds() - begun < 0.99); /* one that is held would take a second */
    wait_pending(sub, 20);
    assert_int_equal(yoton_recv_all(sub, &list, &count, NULL), YOTON_OK);
    yoton_messages_free(list, count);
    fill_up(pub, sub, back, heard);
    assert_int_equal(yoton_sub_set_sync_mode(sub, 0), YOTON_OK); /* SYNC-8 */
    send_text(back, "said");
    expect_text(heard, "said");
    begun = now_seconds();
    send_text(pub, "free");
    assert_true(now_seconds() - begun < 0.99);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_channel_free(back);
    yoton_channel_free(heard);
    close_pair(&p);
}

/* ---- A message type of the program's own: numbers in decimal, 13 is no message ---- */

static int released;

static int encode_number(const void *message, uint8_t **data, size_t *size, void *user) {
    const int *number = message;
    (void)user;
    if (*number < 0)
        return YOTON_E_ARGUMENT;
    *data = malloc(16);
    assert_non_null(*data);
    *size = (size_t)snprintf((char *)*data, 16, "%d", *number);
    return YOTON_OK;
}

static int decode_number(const uint8_t *data, size_t size, void **message, void *user) {
    int *number = malloc(sizeof *number);
    char text[16] = "";
    (void)user;
    assert_non_null(number);
    memcpy(text, data, size < 15 ? size : 15);
    *number = atoi(text);
    *message = number;
    if (*number != 13)
        return YOTON_OK;
    free(number);
    return YOTON_E_TYPE;
}

static void release_number(void *message, void *user) {
    (void)user;
    released++;
    free(message);
}

static const yoton_custom_type numbers = {
    .name = "num", .encode = encode_number, .decode = decode_number, .release = release_number};

static void a_program_may_have_message_types_of_its_own(void **state) {
    pair p;
    yoton_channel *pub, *sub, *other;
    yoton_message message;
    const char *name;
    (void)state;
    open_pair(&p);
    released = 0;
    assert_int_equal(yoton_channel_open_custom(p.a, YOTON_PUB, "n", 1, &numbers, &pub), YOTON_OK);
    assert_int_equal(yoton_channel_open_custom(p.b, YOTON_SUB, "n", 1, &numbers, &sub), YOTON_OK);
    yoton_channel_slot_out(pub, &name, NULL);
    assert_string_equal(name, "n.num.pub-sub"); /* MSG-7 */
    for (int i = 12; i < 15; i++)
        assert_int_equal(yoton_send_custom(pub, &i), YOTON_OK);
    assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_OK);
    assert_int_equal(*(int *)message.custom, 12);
    wait_pending(sub, 2);    /* else the next channel of this slot gets them */
    yoton_channel_free(sub); /* a message outlives its channel */
    yoton_message_clear(&message);
    assert_int_equal(released, 1);
    assert_int_equal(yoton_channel_open_custom(p.b, YOTON_SUB, "n", 1, &numbers, &sub), YOTON_OK);
    for (int i = 13; i < 15; i++)
        assert_int_equal(yoton_send_custom(pub, &i), YOTON_OK);
    expect_error(yoton_recv(sub, DEADLINE, &message), YOTON_E_TYPE, "type"); /* MSG-6 */
    assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_OK);
    assert_int_equal(*(int *)message.custom, 14);
    yoton_message_clear(&message);
    assert_int_equal(released, 2);
    const int bad = -1;
    expect_error(yoton_send_custom(pub, &bad), YOTON_E_ARGUMENT, "argument");
    expect_error(yoton_send_text(pub, "x", 1), YOTON_E_TYPE, "type");
    static const char *reserved[] = {"txt", "TXT", "Obj", "biN", ""}; /* slots are lower-cased */
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        yoton_custom_type unfit = numbers;
        unfit.name = reserved[i];
        expect_error(yoton_channel_open_custom(p.a, YOTON_PUB, "n", 1, &unfit, &other),
                     YOTON_E_ARGUMENT, "other than txt");
    }
    expect_error(yoton_channel_open_custom(p.a, YOTON_REQ, "n", 1, &numbers, &other),
                 YOTON_E_ARGUMENT, "req and rep");
    assert_null(other);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    close_pair(&p);
}

/* ---- Limits ---- */

static yoton_value nested(size_t depth) {
    yoton_value value = {.type = YOTON_LIST};
    while (--depth > 0) {
        yoton_value outer = {.type = YOTON_LIST};
        assert_int_equal(yoton_value_append(&outer, &value), YOTON_OK);
        value = outer;
    }
    return value;
}

static void the_depth_of_objects_has_a_limit_at_both_ends(void **state) {
    uint16_t port;
    yoton_message message;
    yoton_context *none;
    (void)state;
    expect_error(yoton_context_new(&(yoton_options){.max_depth = 99}, &none), YOTON_E_ARGUMENT,
                 "max_depth");
    yoton_context *deep = context_make(NULL);
    yoton_context *flat = context_make(&(yoton_options){.max_depth = 100});
    yoton_connection *bound = bind_free(deep, &port);
    yoton_connection *connected = connect_to(flat, port);
    yoton_channel *pub = open_channel(deep, YOTON_PUB, "d", YOTON_OBJ);
    yoton_channel *sub = open_channel(flat, YOTON_SUB, "d", YOTON_OBJ);
    yoton_channel *flat_pub = open_channel(flat, YOTON_PUB, "e", YOTON_OBJ);
    yoton_value at = nested(100), above = nested(101);
    assert_int_equal(yoton_send_object(pub, &at), YOTON_OK);
    assert_int_equal(yoton_send_object(pub, &above), YOTON_OK);
    assert_int_equal(yoton_recv(sub, DEADLINE, &message), YOTON_OK);
    assert_int_equal(yoton_value_equal(&message.value, &at), 1);
    yoton_message_clear(&message);
    expect_error(yoton_recv(sub, DEADLINE, &message), YOTON_E_DEPTH, "deep"); /* LIMIT-6 */
    assert_int_equal(yoton_send_object(flat_pub, &at), YOTON_OK);
    expect_error(yoton_send_object(flat_pub, &above), YOTON_E_DEPTH, "deep");
    yoton_value_clear(&at);
    yoton_value_clear(&above);
    yoton_connection_unref(bound);
    yoton_connection_unref(connected);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_channel_free(flat_pub);
    yoton_context_free(deep);
    yoton_context_free(flat);
}

/* ---- Files and sockets ---- */

static void expect_read(int error, char *text, size_t size, const char *expected) {
    assert_int_equal(error, YOTON_OK);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(text, expected);
    free(text);
}

static void a_channel_is_used_like_a_file(void **state) {
    pair p;
    yoton_file *writer, *reader, *none;
    char *text;
    size_t size;
    (void)state;
    open_pair(&p);
    yoton_channel *pub = open_channel(p.a, YOTON_PUB, "f", YOTON_TXT);
    yoton_channel *sub = open_channel(p.b, YOTON_SUB, "f", YOTON_TXT);
    yoton_channel *echo = open_channel(p.b, YOTON_PUB, "echo", YOTON_TXT);
    yoton_channel *heard = open_channel(p.a, YOTON_SUB, "echo", YOTON_TXT);
    yoton_channel *bytes = open_channel(p.a, YOTON_PUB, "f", YOTON_BIN);
    assert_int_equal(yoton_file_new(pub, 2, NULL, &writer), YOTON_OK);
    assert_int_equal(yoton_file_new(sub, 0, echo, &reader), YOTON_OK);
    expect_error(yoton_file_new(bytes, 0, NULL, &none), YOTON_E_ARGUMENT, "file");
    expect_error(yoton_file_new(sub, 0, heard, &none), YOTON_E_ARGUMENT, "echo");
    assert_int_equal(yoton_file_write(writer,
                                      "a\xc3\xa4"
                                      "bc\n",
                                      6),
                     YOTON_OK); /* by 2 characters */
    int error = yoton_file_read(reader, DEADLINE, &text, &size);
    expect_read(error, text, size, "a\xc3\xa4");
    expect_text(heard, "a\xc3\xa4");
    error = yoton_file_readline(reader, 0, &text, &size);
    expect_read(error, text, size, "bc\n");
    error = yoton_file_readline(reader, 0, &text, &size);
    expect_read(error, text, size, "\n");
    assert_int_equal(yoton_file_writelines(writer, (const char *const[]){"whole", "lines"}, 2),
                     YOTON_OK);
    error = yoton_file_readline(reader, 0, &text, &size);
    expect_read(error, text, size, "whole\n");
    error = yoton_file_readline(reader, 3, &text, &size);
    expect_read(error, text, size, "lin");
    assert_int_equal(yoton_file_read(reader, 0, &text, NULL), YOTON_E_TIMEOUT);
    assert_null(text);
    assert_int_equal(yoton_file_flush(writer, DEADLINE), YOTON_OK);
    assert_int_equal(yoton_file_is_closed(writer), 0);
    yoton_file_close(writer);
    assert_int_equal(yoton_file_is_closed(writer), 1);
    expect_error(yoton_file_write(writer, "x", 1), YOTON_E_CLOSED, "closed");
    yoton_file_close(reader);
    assert_int_equal(yoton_file_readline(reader, 0, &text, NULL), YOTON_E_CLOSED);
    yoton_file_free(writer);
    yoton_file_free(reader);
    yoton_channel_free(pub);
    yoton_channel_free(sub);
    yoton_channel_free(echo);
    yoton_channel_free(heard);
    yoton_channel_free(bytes);
    close_pair(&p);
}

static void two_sockets_exchange_texts(void **state) {
    yoton_socket *a, *b;
    yoton_message message;
    yoton_connection_info info;
    (void)state;
    assert_int_equal(yoton_socket_new(NULL, &a), YOTON_OK);
    assert_int_equal(yoton_socket_new(NULL, &b), YOTON_OK);
    assert_int_equal(yoton_socket_bind(a, "127.0.0.1:0"), YOTON_OK);
    yoton_connection *bound =
        yoton_context_connection_at(yoton_socket_context(a), YOTON_CONNECTIONS_ALL, 0);
    yoton_connection_get_info(bound, &info);
    yoton_connection_unref(bound);
    assert_int_equal(yoton_socket_send(a, "Hi", 2), YOTON_OK); /* waits for the other one */
    assert_int_equal(yoton_socket_connect(b, address_of(info.port1), DEADLINE), YOTON_OK);
    assert_int_equal(yoton_socket_recv(b, DEADLINE, &message), YOTON_OK);
    assert_memory_equal(message.data, "Hi", 2);
    yoton_message_clear(&message);
    assert_int_equal(yoton_socket_send(b, "Ho", 2), YOTON_OK);
    assert_int_equal(yoton_socket_recv(a, DEADLINE, &message), YOTON_OK);
    assert_memory_equal(message.data, "Ho", 2);
    yoton_message_clear(&message);
    expect_error(yoton_socket_bind(a, "nowhere"), YOTON_E_ADDRESS, "nowhere");
    expect_error(yoton_socket_connect(a, "nowhere", 1), YOTON_E_ADDRESS, "nowhere");
    yoton_socket_free(a);
    yoton_socket_free(b);
}

/* ---- Callbacks ---- */

typedef struct seen {
    uv_thread_t thread;
    int connected;
    int received;
    int closed;
} seen;

static void note(seen *s, int *count) {
    uv_thread_t self = uv_thread_self();
    assert_true(uv_thread_equal(&s->thread, &self));
    ++*count;
}

static void on_connected(yoton_connection *connection, void *user) {
    assert_int_equal(yoton_connection_is_connected(connection), 1);
    note(user, &((seen *)user)->connected);
}

static void on_closed(yoton_connection *connection, const char *reason, void *user) {
    (void)connection;
    assert_string_equal(reason, "Closed from other end.");
    note(user, &((seen *)user)->closed);
}

static void on_received(yoton_channel *channel, void *user) {
    expect_text(channel, "hello"); /* waiting is allowed here */
    note(user, &((seen *)user)->received);
}

static void process_until(yoton_events *events, const int *count) {
    double end = now_seconds() + DEADLINE;
    while (*count == 0 && now_seconds() < end)
        yoton_process_events(events, 0.05);
    assert_int_equal(*count, 1);
}

static void callbacks_run_where_events_are_processed(void **state) {
    yoton_events *events;
    uint16_t port;
    seen s = {.thread = uv_thread_self()};
    (void)state;
    assert_int_equal(yoton_events_new(&events), YOTON_OK);
    yoton_context *a = context_make(&(yoton_options){.events = events});
    yoton_context *b = context_make(NULL);
    yoton_connection *bound = bind_free(a, &port);
    yoton_channel *sub = open_channel(a, YOTON_SUB, "e", YOTON_TXT);
    yoton_channel *pub = open_channel(b, YOTON_PUB, "e", YOTON_TXT);
    yoton_connection_on_connected(bound, on_connected, &s);
    yoton_connection_on_closed(bound, on_closed, &s);
    yoton_channel_on_received(sub, on_received, &s);
    yoton_connection *connection = connect_to(b, port);
    process_until(events, &s.connected);
    send_text(pub, "hello");
    process_until(events, &s.received);
    yoton_connection_close(connection, NULL);
    process_until(events, &s.closed);
    assert_int_equal(s.connected * 100 + s.received * 10 + s.closed, 111);
    yoton_connection_unref(bound);
    yoton_connection_unref(connection);
    yoton_channel_free(sub);
    yoton_channel_free(pub);
    yoton_context_free(a);
    yoton_context_free(b);
    yoton_events_free(events);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_is_shared_and_given_to_who_comes_late),
        cmocka_unit_test(messages_of_several_channels_come_in_the_order_of_arrival),
        cmocka_unit_test(a_closed_reader_says_nothing),
        cmocka_unit_test(a_full_reader_holds_the_writer_for_a_second_at_most),
        cmocka_unit_test(a_program_may_have_message_types_of_its_own),
        cmocka_unit_test(the_depth_of_objects_has_a_limit_at_both_ends),
        cmocka_unit_test(a_channel_is_used_like_a_file),
        cmocka_unit_test(two_sockets_exchange_texts),
        cmocka_unit_test(callbacks_run_where_events_are_processed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
