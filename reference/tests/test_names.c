/* SPDX-License-Identifier: BSD-2-Clause */
#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "yoton/names.h"

/* --- text for tests --- */

static size_t put_point(char *out, uint32_t c) {
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)(marks[size] | c);
    return size;
}

static char *repeat(uint32_t c, size_t times, size_t *size) {
    char *text = malloc(4 * times + 1);
    assert_non_null(text);
    *size = 0;
    for (size_t i = 0; i < times; i++)
        *size += put_point(text + *size, c);
    return text;
}

static uint64_t slot_of(const char *name, size_t size) {
    uint64_t slot = 0;
    assert_int_equal(yoton_slot_hash(name, size, &slot), YOTON_OK);
    return slot;
}

static void check_normal(const char *name, const char *expected) {
    char *normal;
    size_t size;
    assert_int_equal(yoton_slot_normalize(name, strlen(name), &normal, &size), YOTON_OK);
    assert_string_equal(normal, expected);
    assert_int_equal(size, strlen(expected));
    assert_true(slot_of(name, strlen(name)) == slot_of(expected, strlen(expected)));
    free(normal);
}

/* --- normalising --- */

/* SLOT-3: every code point alone and around a letter; those of the list go, all others stay. */
static void test_strip(void **state) {
    (void)state;
    static const uint32_t spaces[] = {
        0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x1c,   0x1d,   0x1e,   0x1f,   0x20,
        0x85,   0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006,
        0x2007, 0x2008, 0x2009, 0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000,
    };
    enum { SPACES = sizeof spaces / sizeof spaces[0] };
    size_t next = 0;
    for (uint32_t c = 0; c <= 0x10ffff; c += c == 0xd7ff ? 0x801 : 1) {
        char text[32], *normal;
        size_t size = put_point(text, c), one = size, normal_size;
        bool space = next < SPACES && spaces[next] == c;
        next += space;
        memcpy(text + size, "- -", 3);
        size += 3;
        size += put_point(text + size, c);
        assert_int_equal(yoton_slot_normalize(text, size, &normal, &normal_size), YOTON_OK);
        if (space && (normal_size != 3 || memcmp(normal, "- -", 3) != 0))
            fail_msg("U+%04x stayed", c);
        if (!space && normal_size < 5)
            fail_msg("U+%04x went", c);
        free(normal);
        assert_int_equal(yoton_slot_normalize(text, one, &normal, &normal_size), YOTON_OK);
        assert_int_equal(normal_size == 0, space);
        free(normal);
    }
    assert_int_equal(next, SPACES);
}

static void test_strip_only_ends(void **state) {
    (void)state;
    check_normal(" \t a \n b \r\n", "a \n b");
    check_normal("\xe3\x80\x80\xc2\xa0"
                 "a\xe2\x80\xa8",
                 "a");
    check_normal("   ", "");
    check_normal("", "");
    check_normal("\xe2\x80\x8b a", "\xe2\x80\x8b a"); /* U+200B is no white space */
}

static void test_lower(void **state) {
    (void)state;
    check_normal("Foo.TXT.Pub-Sub", "foo.txt.pub-sub");
    check_normal("ÄÖÜÉ", "äöüé");
    check_normal("ß", "ß");
    check_normal("ẞ", "ß");
    check_normal("İI", "i̇i");
    check_normal("ı", "ı");
    check_normal("K", "k"); /* the Kelvin sign */
    check_normal("Ω", "ω"); /* the Ohm sign */
    check_normal("ǅ", "ǆ");
    check_normal("Ⓐ", "ⓐ");
    check_normal("Ა", "ა");
    check_normal("Ꭰ", "ꭰ");
    check_normal("𐐀", "𐐨");
    check_normal("𞤀", "𞤢");
}

/* SLOT-4: a sigma is final behind a cased character and before none, the ignorable passed over. */
static void test_final_sigma(void **state) {
    (void)state;
    check_normal("Σ", "σ");
    check_normal("ΑΣ", "ας");
    check_normal("ΣΑ", "σα");
    check_normal("ΑΣΑ", "ασα");
    check_normal("ΑΣ Α", "ας α");
    check_normal("ΑΣΣ", "ασς");
    check_normal("ΑΣ.", "ας.");
    check_normal("ΑΣ.Α", "ασ.α"); /* the full stop is ignorable */
    check_normal("ΑΣ-Α", "ας-α"); /* the hyphen is not */
    check_normal("Α.Σ", "α.ς");
    check_normal("1Σ", "1σ");
    check_normal("Α1Σ", "α1σ");
    check_normal("ΑΣ1", "ας1");
    check_normal("Α\xcc\x81Σ\xcc\x81", "α\xcc\x81ς\xcc\x81");
    check_normal("Α\xcd\x85Σ", "α\xcd\x85ς"); /* U+0345 is both cased and ignorable */
    check_normal("ΑΣ\xcd\x85", "ας\xcd\x85");
    check_normal("\xcd\x85Σ", "\xcd\x85σ");
    check_normal("Σ\xcd\x85", "σ\xcd\x85");
    check_normal("ς", "ς");
    check_normal("ΑΣ.TXT", "ασ.txt"); /* the type behind the name counts */
}

/* --- the sum of SLOT-6, computed anew in the plainest way --- */

typedef struct plain {
    uint32_t limbs[512];
    size_t used;
} plain;

static void plain_step(plain *v, uint64_t add) {
    uint64_t carry = 0;
    v->limbs[v->used] = v->limbs[v->used + 1] = v->limbs[v->used + 2] = 0;
    for (size_t i = 0; i < v->used + 2; i++) {
        uint32_t eighth = v->limbs[i] >> 3 | v->limbs[i + 1] << 29;
        carry += (uint64_t)v->limbs[i] + eighth + (uint32_t)add;
        add >>= 32;
        v->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    while (v->limbs[v->used] != 0)
        v->used++;
}

static void plain_sum(plain *v, const uint32_t *codes, size_t count) {
    v->used = 0;
    for (size_t i = 0; i < count; i++)
        plain_step(v, codes[i] * UINT64_C(0xD2D84A61));
    plain_step(v, count * UINT64_C(0xD2D84A61));
}

/* Bit by bit, by doubling and subtracting. */
static uint64_t plain_mod(const plain *v, uint64_t m) {
    uint64_t rest = 0;
    for (size_t i = v->used * 32; i-- > 0;) {
        bool over = rest >> 63;
        rest = rest << 1 | (v->limbs[i / 32] >> i % 32 & 1);
        if (over || rest >= m)
            rest -= m;
    }
    return rest;
}

static void check_sum(const uint32_t *codes, size_t count) {
    static char text[65536];
    static plain v;
    size_t size = 0;
    uint16_t port;
    for (size_t i = 0; i < count; i++)
        size += put_point(text + size, codes[i]);
    plain_sum(&v, codes, count);
    assert_true(slot_of(text, size) == 8 + plain_mod(&v, UINT64_MAX - 7));
    assert_int_equal(yoton_port_hash(text, size, &port), YOTON_OK);
    assert_int_equal(port, 49152 + v.limbs[0] % 16384);
}

/* Code points that normalising leaves alone; some lengths near those where 64 bits are outgrown. */
static void test_sum(void **state) {
    (void)state;
    static uint32_t codes[3000];
    uint64_t seed = 6;
    static const struct {
        uint32_t first, count;
    } ranges[] = {{'a', 26}, {0x4e00, 0x5000}, {0x1f600, 64}, {0x10fff0, 16}, {1, 8}};
    for (int round = 0; round < 600; round++) {
        size_t count = round < 400 ? (size_t)round : random_next(&seed) % 3000;
        size_t range = random_next(&seed) % 6;
        for (size_t i = 0; i < count; i++) {
            size_t r = range < 5 ? range : random_next(&seed) % 5;
            codes[i] = ranges[r].first + (uint32_t)(random_next(&seed) % ranges[r].count);
        }
        check_sum(codes, count);
    }
}

/* Found by search: the sum of these 70 code points and their count is 2^64 - 1, seven above the
 * range of slots; few names come so near to its end. */
static const char last_of_64_bits[] =
    "𥊓𥉯𥉩𥊆𥊧𥉡𥉨𥉛𥊣𥉮𥊟𥉧𥊉𥊩𥉞𥉤𥉵𥊩𥊋𥉮𥊬𥉻𥊇𥊨𥊉𥊗𥉪𥉩𥊙𥊙𥊚𥊞𥊇𥉫𦺼"
    "𥉠𥊻𥊇𥊼𥊄𥊘𥊳𥉯𥊝𥉝𥉵𥊞𥊉𥉭𥊳𥊠𥉞𥊼𥊞𥊁𥊭𥉦𥊴𥉼𥊝𥊉𥉰𥊈𥊽𥉷𥊟𥊠𥊾𥊛𥊅";

static void test_known_hashes(void **state) {
    (void)state;
    size_t size;
    uint16_t port;
    char *text = repeat('a', 500, &size);
    assert_true(slot_of("foo.txt.pub-sub", 15) == UINT64_C(15285871923228));
    assert_true(slot_of("", 0) == 8);
    assert_true(slot_of(text, size) == UINT64_C(15908563671168312410));
    assert_true(slot_of("😀", 4) == UINT64_C(511425259620137));
    assert_true(slot_of(last_of_64_bits, sizeof last_of_64_bits - 1) == 8 + 7);
    assert_int_equal(yoton_port_hash("foo.txt.pub-sub", 15, &port), YOTON_OK);
    assert_int_equal(port, 53268);
    assert_int_equal(yoton_port_hash("", 0, &port), YOTON_OK);
    assert_int_equal(port, 49152);
    free(text);
}

/* --- limits and errors --- */

static void check_length(uint32_t c, size_t times, int result) {
    size_t size, normal_size;
    uint64_t slot;
    uint16_t port;
    char *normal, *text = repeat(c, times, &size);
    assert_int_equal(yoton_slot_hash(text, size, &slot), result);
    assert_int_equal(yoton_slot_normalize(text, size, &normal, &normal_size), result);
    assert_int_equal(normal != NULL, result == YOTON_OK);
    assert_int_equal(yoton_port_hash(text, size, &port),
                     times > YOTON_NAME_MAX ? YOTON_E_LENGTH : YOTON_OK);
    free(normal);
    free(text);
}

/* LIMIT-11 */
static void test_length(void **state) {
    (void)state;
    check_length('a', YOTON_NAME_MAX, YOTON_OK);
    check_length('a', YOTON_NAME_MAX + 1, YOTON_E_LENGTH);
    check_length(0x10ffff, YOTON_NAME_MAX, YOTON_OK);
    check_length(0x10ffff, YOTON_NAME_MAX + 1, YOTON_E_LENGTH);
    check_length(' ', YOTON_NAME_MAX, YOTON_OK);
    check_length(' ', YOTON_NAME_MAX + 1, YOTON_E_LENGTH);
    check_length(0x130, YOTON_NAME_MAX / 2, YOTON_OK); /* becomes two */
    check_length(0x130, YOTON_NAME_MAX / 2 + 1, YOTON_E_LENGTH);
}

static void test_bad_utf8(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t offset;
    } cases[] = {
        {"\xff", 0},         {"abc\x80", 3},
        {"a\xc3(", 1},       {"ab\xc3", 2},
        {"\xed\xa0\x80", 0}, {"xy\xf4\x90\x80\x80", 2},
        {"\xc0\x80", 0},     {"ä\xe2\x82", 2},
        {" \xfe ", 1},       {"0123456789abcdef\xa0", 16},
    };
    guard g = guard_new(64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t size = strlen(cases[i].text), at = 999;
        uint64_t slot = 1;
        uint16_t port = 1;
        char *normal = NULL;
        const char *text = (const char *)guard_place(&g, cases[i].text, size);
        assert_int_equal(yoton_slot_normalize(text, size, &normal, &at), YOTON_E_UTF8);
        assert_int_equal(at, cases[i].offset);
        assert_null(normal);
        assert_int_equal(yoton_slot_hash(text, size, &slot), YOTON_E_UTF8);
        assert_int_equal(yoton_port_hash(text, size, &port), YOTON_E_UTF8);
        assert_true(slot == 1 && port == 1);
    }
    guard_free(&g);
}

static void test_nul_in_name(void **state) {
    (void)state;
    char *normal;
    size_t size;
    assert_int_equal(yoton_slot_normalize(" A\0B ", 5, &normal, &size), YOTON_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(normal, "a\0b", 4);
    free(normal);
    check_sum((const uint32_t[]){'a', 0, 'b'}, 3);
    check_sum((const uint32_t[]){0}, 1);
}

static void try_names(void *context, int failing) {
    (void)context;
    uint64_t slot = 7;
    uint16_t port = 7;
    yoton_address address;
    const char *why = NULL;
    int first = yoton_slot_hash("Foo", 3, &slot);
    int second = yoton_port_hash("Foo", 3, &port);
    int third = yoton_address_parse(&address, "localhost:foo+1", NULL, &why);
    assert_int_equal(
        (first == YOTON_E_NOMEM) + (second == YOTON_E_NOMEM) + (third == YOTON_E_NOMEM), failing);
    assert_true((first == YOTON_OK) == (slot != 7) && (second == YOTON_OK) == (port != 7));
    assert_true((third == YOTON_OK) == (why == NULL));
}

static void test_every_allocation_fails(void **state) {
    (void)state;
    assert_true(alloc_fail_each(try_names, NULL) >= 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strip),       cmocka_unit_test(test_strip_only_ends),
        cmocka_unit_test(test_lower),       cmocka_unit_test(test_final_sigma),
        cmocka_unit_test(test_sum),         cmocka_unit_test(test_known_hashes),
        cmocka_unit_test(test_length),      cmocka_unit_test(test_bad_utf8),
        cmocka_unit_test(test_nul_in_name), cmocka_unit_test(test_every_allocation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
