/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/names.h"

static int parse(const char *text, yoton_address *address, size_t *offset, const char **why) {
    size_t size = strlen(text) + 1;
    guard g = guard_new(size);
    *why = NULL;
    *offset = 99999;
    int result =
        yoton_address_parse(address, (const char *)guard_place(&g, text, size), offset, why);
    guard_free(&g);
    return result;
}

static void test_good(void **state) {
    (void)state;
    static const struct {
        const char *text;
        yoton_host_kind kind;
        const char *host;
        unsigned index;
        uint16_t port;
    } cases[] = {
        {"localhost:0", YOTON_HOST_NAME, "127.0.0.1", 0, 0},
        {"localhost:65535", YOTON_HOST_NAME, "127.0.0.1", 0, 65535},
        {"LocalHost:00080", YOTON_HOST_NAME, "127.0.0.1", 0, 80},
        {"localhost.:1", YOTON_HOST_NAME, "localhost.", 0, 1},
        {"tcp://10.0.0.1:1", YOTON_HOST_NAME, "10.0.0.1", 0, 1},
        {"TCP://h:1", YOTON_HOST_NAME, "h", 0, 1},
        {"h:foo.txt.pub-sub", YOTON_HOST_NAME, "h", 0, 53268},
        {"h:foo.txt.pub-sub+1", YOTON_HOST_NAME, "h", 0, 53269},
        {"h:foo.txt.pub-sub+12267", YOTON_HOST_NAME, "h", 0, 65535},
        {"h:+0", YOTON_HOST_NAME, "h", 0, 49152},
        {"h:pyzokernel:1", YOTON_HOST_NAME, "h", 0, 55928},
        {"publichost:1", YOTON_HOST_PUBLIC, "", 0, 1},
        {"PublicHost7:1", YOTON_HOST_PUBLIC, "", 7, 1},
        {"publichost9999:1", YOTON_HOST_PUBLIC, "", 9999, 1},
        {"publichostile:1", YOTON_HOST_NAME, "publichostile", 0, 1},
        {"publichost1a:1", YOTON_HOST_NAME, "publichost1a", 0, 1},
        {"publichos:1", YOTON_HOST_NAME, "publichos", 0, 1},
        {"[::1]:5000", YOTON_HOST_IPV6, "::1", 0, 5000},
        {"[fe80::1%eth0]:5000", YOTON_HOST_IPV6, "fe80::1%eth0", 0, 5000},
        {"tcp://[::ffff:10.0.0.1]:1", YOTON_HOST_IPV6, "::ffff:10.0.0.1", 0, 1},
        {"käse:1", YOTON_HOST_NAME, "käse", 0, 1},
        {"xocalhost:1", YOTON_HOST_NAME, "xocalhost", 0, 1},
        {"xublichost:1", YOTON_HOST_NAME, "xublichost", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yoton_address address;
        size_t offset;
        const char *why;
        int result = parse(cases[i].text, &address, &offset, &why);
        if (result != YOTON_OK)
            fail_msg("%s: %s at %zu", cases[i].text, why, offset);
        assert_int_equal(offset, 99999);
        assert_null(why);
        assert_int_equal(address.kind, cases[i].kind);
        assert_string_equal(address.host, cases[i].host);
        assert_string_equal(address.protocol, "tcp");
        assert_int_equal(address.index, cases[i].index);
        assert_int_equal(address.port, cases[i].port);
    }
}

static void test_bad(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
        const char *why;
    } cases[] = {
        {"", 0, "no colon and port after the host"},
        {"localhost", 9, "no colon and port after the host"},
        {":1", 0, "empty host (an IPv6 address wants brackets)"},
        {"::1:80", 0, "empty host (an IPv6 address wants brackets)"},
        {"h:", 2, "empty port"},
        {"[::1]:", 6, "empty port"},
        {"h:65536", 2, "port above 65535"},
        {"h:99999999999999999999999", 2, "port above 65535"},
        {"h:foo.txt.pub-sub+12268", 17, "port name plus offset is above 65535"},
        {"h:foo+99999999999999999999", 5, "port name plus offset is above 65535"},
        {"h:foo+", 6, "the offset after + is not a decimal number"},
        {"h:foo+-1", 6, "the offset after + is not a decimal number"},
        {"h:foo+1x", 7, "the offset after + is not a decimal number"},
        {"h:foo+1+1", 7, "the offset after + is not a decimal number"},
        {"h:fo\xff", 4, "port name is not UTF-8"},
        {"h:\xc3\xa4\xe2\x82+1", 4, "port name is not UTF-8"},
        {"udp://h:1", 0, "protocol not supported, only tcp is"},
        {"tcpx://h:1", 0, "protocol not supported, only tcp is"},
        {"xcp://h:1", 0, "protocol not supported, only tcp is"},
        {"tc://h:1", 0, "protocol not supported, only tcp is"},
        {"://h:1", 0, "protocol not supported, only tcp is"},
        {"h:1://", 0, "protocol not supported, only tcp is"},
        {"tcp://", 6, "no colon and port after the host"},
        {"tcp://:1", 6, "empty host (an IPv6 address wants brackets)"},
        {"a b:1", 1, "blank or control character in the host"},
        {"a\x7f:1", 1, "blank or control character in the host"},
        {"tcp://\n:1", 6, "blank or control character in the host"},
        {"publichost10000:1", 10, "publichost index too large"},
        {"publichost99999999999:1", 10, "publichost index too large"},
        {"[::1:80", 0, "IPv6 address without closing bracket"},
        {"[::1]", 5, "no colon and port after the host"},
        {"[::1]80", 5, "no colon and port after the host"},
        {"[]:1", 1, "not an IPv6 address"},
        {"[%lo]:1", 1, "not an IPv6 address"},
        {"[::1%]:1", 1, "not an IPv6 address"},
        {"[1.2.3.4]:1", 1, "not an IPv6 address"},
        {"[h]:1", 1, "not an IPv6 address"},
        {"[1111:2222:3333:4444:5555:6666:111.222.333.4445]:1", 1, "not an IPv6 address"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        yoton_address address;
        size_t offset;
        const char *why;
        int result = parse(cases[i].text, &address, &offset, &why);
        if (result != YOTON_E_ADDRESS || offset != cases[i].offset)
            fail_msg("%s: %d at %zu", cases[i].text, result, offset);
        assert_string_equal(why, cases[i].why);
        assert_int_equal(yoton_address_parse(&address, cases[i].text, NULL, NULL), YOTON_E_ADDRESS);
    }
}

/* Every offset that counts at each of two borders. */
static void test_offsets(void **state) {
    (void)state;
    for (unsigned offset = 0; offset<70000; offset += offset> 12200 && offset < 12300 ? 1 : 97) {
        char text[64];
        yoton_address address;
        snprintf(text, sizeof text, "h:foo.txt.pub-sub+%u", offset);
        int result = yoton_address_parse(&address, text, NULL, NULL);
        assert_int_equal(result, 53268 + offset <= 65535 ? YOTON_OK : YOTON_E_ADDRESS);
        if (result == YOTON_OK)
            assert_int_equal(address.port, 53268 + offset);
        snprintf(text, sizeof text, "h:%u", offset);
        result = yoton_address_parse(&address, text, NULL, NULL);
        assert_int_equal(result, offset <= 65535 ? YOTON_OK : YOTON_E_ADDRESS);
        if (result == YOTON_OK)
            assert_int_equal(address.port, offset);
    }
}

/* `before`, then `size` times a letter, then `after`. */
static void check_long(const char *before, size_t size, const char *after, const char *why) {
    yoton_address address;
    const char *got = NULL;
    size_t skip = strlen(before), room = skip + size + strlen(after) + 1, offset;
    char *text = malloc(room);
    assert_non_null(text);
    memcpy(text, before, skip);
    memset(text + skip, 'a', size);
    memcpy(text + skip + size, after, strlen(after) + 1);
    int result = parse(text, &address, &offset, &got);
    assert_int_equal(result, why == NULL ? YOTON_OK : YOTON_E_ADDRESS);
    if (why != NULL)
        assert_string_equal(got, why);
    free(text);
}

static void test_limits(void **state) {
    (void)state;
    check_long("", YOTON_HOST_MAX, ":1", NULL);
    check_long("", YOTON_HOST_MAX + 1, ":1", "host longer than 255 bytes");
    check_long("[::1%", YOTON_HOST_MAX - 4, "]:1", NULL);
    check_long("[::1%", YOTON_HOST_MAX - 3, "]:1", "not an IPv6 address");
    check_long("h:", YOTON_NAME_MAX, "", NULL);
    check_long("h:", YOTON_NAME_MAX + 1, "", "port name longer than 65536 characters");
    check_long("h:", YOTON_NAME_MAX, "+0", NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
