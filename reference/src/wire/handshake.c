/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/handshake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Offsets in the line: `YOTON!`, the id, a dot, the pid. */
enum { AT_ID = 6, AT_DOT = AT_ID + 16, AT_PID = AT_DOT + 1, PID_DIGITS = 20 };

static const char magic[] = "YOTON!";

int yoton_handshake_encode(const yoton_hello *hello, char *out, size_t size) {
    char line[YOTON_LINE_SIZE + 1];
    if (hello->id == 0) /* HS-4 */
        return YOTON_E_ARGUMENT;
    /* HS-2 */
    int length = snprintf(line, sizeof line, "%s%016" PRIx64 ".%" PRIu64 "\r\n", magic, hello->id,
                          hello->pid);
    if ((size_t)length > size)
        return YOTON_E_SPACE;
    memcpy(out, line, (size_t)length);
    return length;
}

/*@ predicate is_digit(integer b) = '0' <= b <= '9'; */
/*@ logic integer hex_value(integer b) =
      '0' <= b <= '9' ? b - '0' : 'a' <= b <= 'f' ? b - 'a' + 10 :
      'A' <= b <= 'F' ? b - 'A' + 10 : -1; */
/*@ logic integer magic_at(integer i) =
      i == 0 ? 'Y' : i == 1 ? 'O' : i == 2 ? 'T' : i == 3 ? 'O' : i == 4 ? 'N' : '!'; */

/* HS-6: either case */
/*@ assigns \nothing;
    ensures \result == hex_value(byte); */
static int hex_digit(uint8_t byte) {
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    if (byte >= 'A' && byte <= 'F')
        byte += 'a' - 'A';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What the parser knows of a line while it reads it byte by byte. */
typedef struct line {
    yoton_hello hello;
    size_t at; /* offset of the present byte */
    int ended; /* the CR has come */
} line;

/*@ requires \valid(l) && 6 <= l->at < 22 && l->hello.id < 0x1000000000000000;
    assigns l->hello.id;
    ensures hex_value(byte) < 0 ==> \result == YOTON_E_HANDSHAKE;
    ensures hex_value(byte) >= 0 ==> l->hello.id == \old(l->hello.id) * 16 + hex_value(byte);
    ensures hex_value(byte) >= 0 ==>
      \result == (l->at == 21 && l->hello.id == 0 ? YOTON_E_HANDSHAKE : YOTON_E_MORE); */
static int id_byte(line *l, uint8_t byte) {
    int digit = hex_digit(byte);
    if (digit < 0)
        return YOTON_E_HANDSHAKE;
    l->hello.id = l->hello.id * 16 + (uint64_t)digit;
    if (l->at == AT_DOT - 1 && l->hello.id == 0) /* HS-15 */
        return YOTON_E_HANDSHAKE;
    return YOTON_E_MORE;
}

/* HS-5 */
/*@ predicate ends_pid(line *l, integer byte) = byte == '\r' && l->at > 23; */
/*@ predicate grows_pid(line *l, integer byte) =
      is_digit(byte) && l->at < 43 && l->hello.pid * 10 + (byte - '0') <= UINT64_MAX; */
/*@ requires \valid(l) && 23 <= l->at <= 43 && l->ended == 0;
    assigns l->hello.pid, l->ended;
    behavior end:
      assumes ends_pid(l, byte);
      ensures \result == YOTON_E_MORE && l->ended == 1 && l->hello.pid == \old(l->hello.pid);
    behavior digit:
      assumes grows_pid(l, byte);
      ensures \result == YOTON_E_MORE && l->ended == 0;
      ensures l->hello.pid == \old(l->hello.pid) * 10 + (byte - '0');
    behavior wrong:
      assumes !ends_pid(l, byte) && !grows_pid(l, byte);
      ensures \result == YOTON_E_HANDSHAKE && l->ended == 0;
      ensures l->hello.pid == \old(l->hello.pid);
    complete behaviors;
    disjoint behaviors; */
static int pid_byte(line *l, uint8_t byte) {
    if (byte == '\r' && l->at > AT_PID) {
        l->ended = 1;
        return YOTON_E_MORE;
    }
    if (byte < '0' || byte > '9' || l->at == AT_PID + PID_DIGITS)
        return YOTON_E_HANDSHAKE;
    uint64_t digit = byte - (uint64_t)'0';
    if (l->hello.pid > (UINT64_MAX - digit) / 10)
        return YOTON_E_HANDSHAKE;
    l->hello.pid = l->hello.pid * 10 + digit;
    return YOTON_E_MORE;
}

/* HS-14: the one place that says which byte may stand where. MORE: the line goes on. */
/*@ requires \valid(l) && l->at <= 44;
    requires l->at < 22 ==> l->hello.id < 0x1000000000000000;
    requires l->ended == 0 ==> l->at <= 43;
    assigns l->hello.id, l->hello.pid, l->ended;
    ensures l->at < 6 ==>
      \result == (byte == magic_at(l->at) ? YOTON_E_MORE : YOTON_E_NOT_YOTON);
    ensures 6 <= l->at < 22 ==> hex_value(byte) >= 0 ==>
      l->hello.id == \old(l->hello.id) * 16 + hex_value(byte);
    ensures 6 <= l->at < 22 ==>
      \result == (hex_value(byte) < 0 || (l->at == 21 && l->hello.id == 0)
                    ? YOTON_E_HANDSHAKE : YOTON_E_MORE);
    ensures l->at == 22 ==> \result == (byte == '.' ? YOTON_E_MORE : YOTON_E_HANDSHAKE);
    ensures l->at < 6 || l->at >= 22 ==> l->hello.id == \old(l->hello.id);
    ensures l->at < 23 || \old(l->ended) != 0 ==>
      l->hello.pid == \old(l->hello.pid) && l->ended == \old(l->ended);
    ensures l->at >= 23 && \old(l->ended) != 0 ==>
      \result == (byte == '\n' ? YOTON_OK : YOTON_E_HANDSHAKE);
    ensures l->at >= 23 && \old(l->ended) == 0 && byte == '\r' && l->at > 23 ==>
      \result == YOTON_E_MORE && l->ended == 1 && l->hello.pid == \old(l->hello.pid);
    ensures l->at >= 23 && \old(l->ended) == 0 && is_digit(byte) && l->at < 43 &&
      \old(l->hello.pid) * 10 + (byte - '0') <= UINT64_MAX ==>
      \result == YOTON_E_MORE && l->ended == 0 &&
      l->hello.pid == \old(l->hello.pid) * 10 + (byte - '0');
    ensures l->at >= 23 && \old(l->ended) == 0 && !(byte == '\r' && l->at > 23) &&
      !(is_digit(byte) && l->at < 43 &&
        \old(l->hello.pid) * 10 + (byte - '0') <= UINT64_MAX) ==>
      \result == YOTON_E_HANDSHAKE; */
static int line_byte(line *l, uint8_t byte) {
    if (l->at < AT_ID)
        return byte == magic[l->at] ? YOTON_E_MORE : YOTON_E_NOT_YOTON;
    if (l->at < AT_DOT)
        return id_byte(l, byte);
    if (l->at == AT_DOT)
        return byte == '.' ? YOTON_E_MORE : YOTON_E_HANDSHAKE;
    if (!l->ended)
        return pid_byte(l, byte);
    return byte == '\n' ? YOTON_OK : YOTON_E_HANDSHAKE;
}

/* What a beginning of n bytes of a line may be (section 5.1 of the spec), and the numbers in it. */
/*@ logic integer id_of{L}(uint8_t *d, integer n) =
      n <= 6 ? 0 : id_of(d, n - 1) * 16 + hex_value(d[n - 1]); */
/*@ logic integer pid_of{L}(uint8_t *d, integer n) =
      n <= 23 ? 0 : pid_of(d, n - 1) * 10 + (d[n - 1] - '0'); */
/*@ predicate starts{L}(uint8_t *d, integer n) =
      (\forall integer i; 0 <= i < n && i < 6 ==> d[i] == magic_at(i)) &&
      (\forall integer i; 6 <= i < n && i < 22 ==> hex_value(d[i]) >= 0) &&
      (n >= 22 ==> id_of(d, 22) != 0) && (n > 22 ==> d[22] == '.'); */
/*@ predicate digits{L}(uint8_t *d, integer n) =
      \forall integer i; 23 <= i < n ==> is_digit(d[i]); */
/*@ predicate open{L}(uint8_t *d, integer n) =
      starts(d, n) && n <= 43 && digits(d, n) && pid_of(d, n) <= UINT64_MAX; */
/*@ predicate ended{L}(uint8_t *d, integer n) = 25 <= n <= 44 && open(d, n - 1) && d[n - 1] == '\r';
 */
/*@ predicate goes_on{L}(uint8_t *d, integer n) = open(d, n) || ended(d, n); */
/*@ predicate whole{L}(uint8_t *d, integer n) = n >= 26 && ended(d, n - 1) && d[n - 1] == '\n'; */
/* So many digits of an id are below this. */
/*@ predicate below(integer id, integer at) = 0 <= id && (at <= 6 ==> id == 0) &&
      (at == 7 ==> id < 0x10) && (at == 8 ==> id < 0x100) && (at == 9 ==> id < 0x1000) &&
      (at == 10 ==> id < 0x10000) && (at == 11 ==> id < 0x100000) &&
      (at == 12 ==> id < 0x1000000) && (at == 13 ==> id < 0x10000000) &&
      (at == 14 ==> id < 0x100000000) && (at == 15 ==> id < 0x1000000000) &&
      (at == 16 ==> id < 0x10000000000) && (at == 17 ==> id < 0x100000000000) &&
      (at == 18 ==> id < 0x1000000000000) && (at == 19 ==> id < 0x10000000000000) &&
      (at == 20 ==> id < 0x100000000000000) && (at == 21 ==> id < 0x1000000000000000); */
/*@ requires \valid(hello) && \valid(offset) && size < 0x100000000;
    requires \valid_read(data + (0 .. size - 1));
    requires \separated(hello, offset, data + (0 .. size - 1), &magic[0 .. 6]);
    assigns *hello, *offset;
    ensures \result == YOTON_OK || \result == YOTON_E_MORE || \result == YOTON_E_HANDSHAKE ||
      \result == YOTON_E_NOT_YOTON || \result == YOTON_E_LINE;
    ensures \result == YOTON_OK ==> *offset <= size && whole{Pre}(data, *offset);
    ensures \result == YOTON_OK ==> hello->id == id_of{Pre}(data, 22);
    ensures \result == YOTON_OK ==> hello->pid == pid_of{Pre}(data, *offset - 2);
    ensures \result == YOTON_E_MORE ==> *offset == size && goes_on(data, size);
    ensures \result == YOTON_E_LINE ==> goes_on(data, *offset) &&
      *offset == (max_line == 0 ? YOTON_LINE_MAX_DEFAULT : max_line);
    ensures \result == YOTON_E_HANDSHAKE || \result == YOTON_E_NOT_YOTON ==> *offset < size &&
      goes_on(data, *offset) && !goes_on(data, *offset + 1) && !whole(data, *offset + 1);
    ensures \result == YOTON_E_NOT_YOTON ==> *offset < 6;
    ensures \result == YOTON_E_HANDSHAKE ==> *offset >= 6;
    ensures \result != YOTON_OK ==> *hello == \old(*hello); */
int yoton_handshake_parse(yoton_hello *hello, const uint8_t *data, size_t size, size_t max_line,
                          size_t *offset) {
    line l = {0};
    int result = YOTON_E_MORE;
    if (max_line == 0)
        max_line = YOTON_LINE_MAX_DEFAULT;
    /*@ loop invariant at: l.at <= size && l.at <= max_line && l.at <= 44;
        loop invariant open: l.ended == 0 ==> open(data, l.at) && l.hello.pid == pid_of(data, l.at);
        loop invariant ended: l.ended != 0 ==>
          ended(data, l.at) && l.hello.pid == pid_of(data, l.at - 1);
        loop invariant part: l.at <= 22 ==> l.hello.id == id_of(data, l.at);
        loop invariant id: l.at >= 22 ==> l.hello.id == id_of(data, 22);
        loop invariant below: below(l.hello.id, l.at);
        loop invariant more: result == YOTON_E_MORE;
        loop assigns l, result;
        loop variant size - l.at; */
    while (l.at < size && l.at < max_line) {
        result = line_byte(&l, data[l.at]);
        if (result != YOTON_E_MORE)
            break;
        /*@ assert id: id_of(data, l.at + 1) ==
              (l.at < 6 ? 0 : id_of(data, l.at) * 16 + hex_value(data[l.at])); */
        /*@ assert pid: pid_of(data, l.at + 1) ==
              (l.at < 23 ? 0 : pid_of(data, l.at) * 10 + (data[l.at] - '0')); */
        //@ assert starts: starts(data, l.at + 1);
        //@ assert digits: l.ended == 0 ==> digits(data, l.at + 1);
        l.at++;
    }
    /*@ assert known: result == YOTON_OK ==>
          l.hello.id == id_of(data, 22) && l.hello.pid == pid_of(data, l.at - 1); */
    *offset = l.at;
    if (result == YOTON_OK) {
        *hello = l.hello;
        *offset = l.at + 1;
        //@ assert at: *offset - 2 == l.at - 1;
        //@ assert pid: hello->pid == pid_of{Pre}(data, l.at - 1);
        //@ assert there: hello->pid == pid_of{Pre}(data, *offset - 2);
    } else if (result == YOTON_E_MORE && l.at == max_line) {
        result = YOTON_E_LINE; /* HS-16 */
    }
    return result;
}

/* HS-12, HS-13 */
const char *yoton_handshake_refusal(int error) {
    return error == YOTON_E_NOT_YOTON ? "ERROR: this is Yoton.\r\n"
                                      : "ERROR: could not parse id.\r\n";
}
