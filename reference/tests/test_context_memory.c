/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that runs out in whatever a program calls of channels, futures, files and sockets. */
#include "context_rig.h"

#include <string.h>

/* What the next step may do only while all before it succeeded; a failure must be want of memory.
 */
static int step(int before, int error) {
    assert_true(error == YOTON_OK || error == YOTON_E_NOMEM);
    return before == YOTON_OK ? error : before;
}

static int method(yoton_channel *rep, const yoton_value *args, const yoton_value *kwargs,
                  yoton_value *result, void *user) {
    (void)rep, (void)args, (void)kwargs, (void)result, (void)user;
    return YOTON_OK;
}

static void on_done(yoton_future *future, void *user) {
    (void)future;
    ++*(int *)user;
}

static int encode(const void *message, uint8_t **data, size_t *size, void *user) {
    (void)message, (void)user;
    *data = NULL;
    *size = 0;
    return YOTON_OK;
}

static int decode(const uint8_t *data, size_t size, void **message, void *user) {
    (void)data, (void)size, (void)user;
    *message = NULL;
    return YOTON_OK;
}

static const yoton_custom_type own_type = {.name = "own", .encode = encode, .decode = decode};

/* Nobody is connected: the thread of the context does nothing meanwhile, so that all is counted. */
static void use_requests(void *user, int failing) {
    yoton_context *context;
    (void)user;
    if (step(YOTON_OK, yoton_context_new(NULL, &context)) != YOTON_OK)
        return;
    yoton_channel *req = NULL, *rep = NULL;
    yoton_future *future = NULL, *own = NULL;
    int told = 0;
    int error = step(YOTON_OK, yoton_channel_open(context, YOTON_REQ, "m", 1, YOTON_OBJ, &req));
    error = step(error, yoton_channel_open(context, YOTON_REP, "m", 1, YOTON_OBJ, &rep));
    if (error == YOTON_OK)
        error = step(error, yoton_rep_set_method(rep, "method", method, NULL));
    if (error == YOTON_OK)
        error = step(error, yoton_call(req, "method", NULL, NULL, &future));
    if (error == YOTON_OK)
        error = step(error, yoton_future_new(req, &own));
    if (error == YOTON_OK)
        error = step(error, yoton_future_add_done_callback(own, on_done, &told));
    if (error == YOTON_OK)
        error = step(error, yoton_future_set_exception(own, "no"));
    if (future != NULL) /* an offer there was no memory for is made again; what was asked stands */
        assert_int_equal(yoton_future_cancel(future), 1);
    yoton_future_unref(future);
    yoton_future_unref(own);
    yoton_channel_free(req);
    yoton_channel_free(rep);
    yoton_context_free(context);
    if (!failing)
        assert_int_equal(error, YOTON_OK);
}

static void use_messages(void *user, int failing) {
    yoton_context *context;
    (void)user;
    if (step(YOTON_OK, yoton_context_new(NULL, &context)) != YOTON_OK)
        return;
    yoton_channel *state = NULL, *sub = NULL, *own = NULL;
    yoton_file *file = NULL;
    yoton_message message;
    int error = step(YOTON_OK, yoton_channel_open(context, YOTON_STATE, "s", 1, YOTON_TXT, &state));
    error = step(error, yoton_channel_open(context, YOTON_SUB, "t", 1, YOTON_TXT, &sub));
    error = step(error, yoton_channel_open_custom(context, YOTON_PUB, "o", 1, &own_type, &own));
    if (error == YOTON_OK)
        error = step(error, yoton_file_new(sub, 0, NULL, &file));
    if (error == YOTON_OK)
        error = step(error, yoton_send_custom(own, "x"));
    if (error == YOTON_OK)
        error = step(error, yoton_send_text(state, "warm", 4));
    if (error == YOTON_OK)
        error = step(error, yoton_state_send_last(state));
    if (error == YOTON_OK) {
        assert_int_equal(yoton_recv(state, 0, &message), YOTON_OK);
        assert_int_equal(message.size, 4);
        yoton_message_clear(&message);
    }
    yoton_file_free(file);
    yoton_channel_free(state);
    yoton_channel_free(sub);
    yoton_channel_free(own);
    yoton_context_free(context);
    if (!failing)
        assert_int_equal(error, YOTON_OK);
}

static void use_socket(void *unused, int failing) {
    yoton_socket *socket;
    (void)unused;
    int error = step(YOTON_OK, yoton_socket_new(NULL, &socket));
    if (error == YOTON_OK)
        error = step(error, yoton_socket_send(socket, "x", 1));
    yoton_socket_free(socket);
    assert_int_equal(error, failing ? YOTON_E_NOMEM : YOTON_OK);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* malloc is not ours there */
#endif
    assert_true(alloc_fail_each(use_requests, NULL) > 25);
    assert_true(alloc_fail_each(use_messages, NULL) > 22);
    assert_true(alloc_fail_each(use_socket, NULL) > 10);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
