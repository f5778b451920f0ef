/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine behind a channel, and what a context does when memory is short. */
#include "support.h"

#include <string.h>

#include "channels/channel_core.h"
#include "yoton/context.h"
#include "yoton/names.h"

static void pack_and_unpack(void *context, int failing) {
    const channel_limits limits = {.packages = 2};
    channel_core pub, sub;
    yoton_package *package = NULL;
    yoton_message message = {.package = NULL};
    int *seen = context;
    int error =
        channel_core_init(&pub, YOTON_PUB, "x", 1, channel_type_standard(YOTON_OBJ), &limits);
    int sub_error =
        channel_core_init(&sub, YOTON_SUB, "x", 1, channel_type_standard(YOTON_OBJ), &limits);
    if (error == YOTON_OK && sub_error == YOTON_OK) {
        error = channel_core_pack(&pub, YOTON_OBJ, "s\3abc", 5, &package);
        if (error == YOTON_OK && channel_core_deposit(&sub, package) == 1)
            error = channel_core_unpack(&sub, yoton_queue_pop(sub.incoming), &message);
        else if (error == YOTON_OK)
            error = YOTON_E_NOMEM;
    } else {
        error = YOTON_E_NOMEM;
    }
    assert_int_equal(error, failing ? YOTON_E_NOMEM : YOTON_OK);
    *seen += error == YOTON_OK;
    yoton_package_unref(package);
    yoton_message_clear(&message);
    channel_core_clear(&pub);
    channel_core_clear(&sub);
}

static void every_allocation_of_a_channel_may_fail(void **state) {
    int seen = 0;
    (void)state;
    assert_true(alloc_fail_each(pack_and_unpack, &seen) > 5);
    assert_int_equal(seen, 1);
}

/* Its thread makes none of these allocations, so that counting them is safe. */
static void make_and_free(void *unused, int failing) {
    yoton_context *context;
    yoton_channel *channels[9] = {NULL};
    (void)unused;
    int error = yoton_context_new(NULL, &context);
    for (size_t i = 0; error == YOTON_OK && i < 9; i++) {
        const char name = (char)('a' + i);
        error = yoton_channel_open(context, YOTON_PUB, &name, 1, YOTON_TXT, &channels[i]);
    }
    if (error == YOTON_OK)
        error = yoton_send_text(channels[0], "x", 1);
    for (size_t i = 0; i < 9; i++)
        yoton_channel_free(channels[i]);
    yoton_context_free(context);
    assert_int_equal(error, failing ? YOTON_E_NOMEM : YOTON_OK);
}

static void every_allocation_of_a_context_may_fail(void **state) {
    (void)state;
    assert_true(alloc_fail_each(make_and_free, NULL) > 20);
}

static void what_a_full_queue_discards_is_not_told(void **state) {
    const channel_limits limits = {.packages = 1, .discard = YOTON_DISCARD_NEW};
    channel_core sub;
    const yoton_header header = {.length = 1};
    yoton_package *first = yoton_package_new(&header, "1");
    yoton_package *second = yoton_package_new(&header, "2");
    (void)state;
    assert_int_equal(
        channel_core_init(&sub, YOTON_SUB, "x", 1, channel_type_standard(YOTON_TXT), &limits),
        YOTON_OK);
    assert_int_equal(channel_core_deposit(&sub, first), 1);
    assert_int_equal(channel_core_deposit(&sub, second), 0);
    assert_int_equal(yoton_queue_count(sub.incoming), 1);
    yoton_package_unref(first);
    yoton_package_unref(second);
    channel_core_clear(&sub);
}

/* SLOT-1, SLOT-2: the number is that of the whole name and of nothing behind it. */
static void a_channel_has_the_slots_of_its_names(void **state) {
    const channel_limits limits = {.packages = 1};
    channel_core sub;
    uint64_t out, in;
    (void)state;
    assert_int_equal(
        channel_core_init(&sub, YOTON_SUB, "x", 1, channel_type_standard(YOTON_TXT), &limits),
        YOTON_OK);
    assert_int_equal(yoton_slot_hash("x.txt.sub-pub", 13, &out), YOTON_OK);
    assert_int_equal(yoton_slot_hash("x.txt.pub-sub", 13, &in), YOTON_OK);
    assert_true(sub.out.number == out && sub.in.number == in);
    assert_string_equal(sub.out.name, "x.txt.sub-pub");
    assert_int_equal(sub.out.size, 13);
    channel_core_clear(&sub);
}

/* MSG-2 */
static void an_empty_message_is_no_package(void **state) {
    const channel_limits limits = {.packages = 1};
    channel_core pub;
    char unused;
    yoton_package *package = (yoton_package *)&unused;
    (void)state;
    assert_int_equal(
        channel_core_init(&pub, YOTON_PUB, "x", 1, channel_type_standard(YOTON_TXT), &limits),
        YOTON_OK);
    assert_int_equal(channel_core_pack(&pub, YOTON_TXT, "", 0, &package), YOTON_OK);
    assert_null(package);
    package = (yoton_package *)&unused;
    assert_int_equal(channel_core_pack(&pub, YOTON_BIN, "x", 1, &package), YOTON_E_TYPE);
    assert_null(package);
    channel_core_clear(&pub);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_of_a_channel_may_fail),
        cmocka_unit_test(every_allocation_of_a_context_may_fail),
        cmocka_unit_test(what_a_full_queue_discards_is_not_told),
        cmocka_unit_test(a_channel_has_the_slots_of_its_names),
        cmocka_unit_test(an_empty_message_is_no_package),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
