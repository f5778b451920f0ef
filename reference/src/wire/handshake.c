/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/handshake.h"

/* Offsets in the line: `YOTON!`, the id, a dot, the pid. */
enum { AT_ID = 6, AT_DOT = AT_ID + 16, AT_PID = AT_DOT + 1, PID_DIGITS = 20 };

static const char magic[] = "YOTON!";

/*@ predicate is_digit(integer b) = '0' <= b <= '9'; */
/*@ logic integer hex_value(integer b) =
      '0' <= b <= '9' ? b - '0' : 'a' <= b <= 'f' ? b - 'a' + 10 :
      'A' <= b <= 'F' ? b - 'A' + 10 : -1; */
/*@ logic integer magic_at(integer i) =
      i == 0 ? 'Y' : i == 1 ? 'O' : i == 2 ? 'T' : i == 3 ? 'O' : i == 4 ? 'N' : '!'; */

/* Digits of numbers, and what is left of one without its last k. */
/*@ logic integer digit_char(integer v) = v < 10 ? '0' + v : 'a' + v - 10; */
/*@ logic integer hex_rest(integer n, integer k) = k <= 0 ? n : hex_rest(n, k - 1) / 16; */
/*@ logic integer rest(integer n, integer k) = k <= 0 ? n : rest(n, k - 1) / 10; */

/*@ predicate id_digits{L}(integer id, char *d) = hex_rest(id, 16) == 0 &&
      \forall integer i; 0 <= i < 16 ==> d[i] == digit_char(hex_rest(id, 15 - i) % 16); */
/*@ predicate pid_digits{L}(integer pid, char *d, integer n) = rest(pid, n) == 0 &&
      \forall integer i; 0 <= i < n ==> d[i] == '0' + rest(pid, n - 1 - i) % 10; */
/*@ predicate lower_hex{L}(char *d) =
      \forall integer i; 0 <= i < 16 ==> '0' <= d[i] <= '9' || 'a' <= d[i] <= 'f'; */
/*@ predicate decimal{L}(char *d, integer n) =
      \forall integer i; 0 <= i < n ==> '0' <= d[i] <= '9'; */
/* So many digits of an id are below this. */
/*@ predicate below(integer id, integer at) = 0 <= id && (at <= 6 ==> id == 0) &&
      (at == 7 ==> id < 0x10) && (at == 8 ==> id < 0x100) && (at == 9 ==> id < 0x1000) &&
      (at == 10 ==> id < 0x10000) && (at == 11 ==> id < 0x100000) &&
      (at == 12 ==> id < 0x1000000) && (at == 13 ==> id < 0x10000000) &&
      (at == 14 ==> id < 0x100000000) && (at == 15 ==> id < 0x1000000000) &&
      (at == 16 ==> id < 0x10000000000) && (at == 17 ==> id < 0x100000000000) &&
      (at == 18 ==> id < 0x1000000000000) && (at == 19 ==> id < 0x10000000000000) &&
      (at == 20 ==> id < 0x100000000000000) && (at == 21 ==> id < 0x1000000000000000); */

/*@ requires 0 <= digit < 16;
    assigns \nothing;
    ensures \result == digit_char(digit); */
static char digit_of(uint64_t digit) {
    return (char)(digit < 10 ? '0' + digit : 'a' + (digit - 10));
}

/* HS-2: sixteen digits of base 16 */
/*@ requires \valid(out + (0 .. 15));
    assigns out[0 .. 15];
    ensures id_digits(id, out); */
static void put_id(uint64_t id, char *out) {
    uint64_t left = id;
    /*@ loop invariant 0 <= i <= 16;
        loop invariant left == hex_rest(id, 16 - i);
        loop invariant \forall integer k; i <= k < 16 ==>
          out[k] == digit_char(hex_rest(id, 15 - k) % 16);
        loop invariant below(left, i + 6);
        loop assigns i, left, out[0 .. 15];
        loop variant i; */
    for (size_t i = 16; i > 0; i--) {
        out[i - 1] = digit_of(left % 16);
        left /= 16;
    }
}

/* HS-2: as few digits as do */
/*@ assigns \nothing;
    ensures 1 <= \result <= 20;
    ensures rest(pid, \result) == 0;
    ensures \forall integer k; 1 <= k < \result ==> rest(pid, k) > 0; */
static size_t count_digits(uint64_t pid) {
    size_t count = 1;
    uint64_t left = pid;
    /*@ loop invariant 1 <= count <= 20;
        loop invariant left == rest(pid, count - 1);
        loop invariant \forall integer k; 1 <= k < count ==> rest(pid, k) > 0;
        loop invariant
          (count == 1 ==> left <= 18446744073709551615) &&
          (count == 2 ==> left <= 1844674407370955161) &&
          (count == 3 ==> left <= 184467440737095516) &&
          (count == 4 ==> left <= 18446744073709551) &&
          (count == 5 ==> left <= 1844674407370955) && (count == 6 ==> left <= 184467440737095) &&
          (count == 7 ==> left <= 18446744073709) && (count == 8 ==> left <= 1844674407370) &&
          (count == 9 ==> left <= 184467440737) && (count == 10 ==> left <= 18446744073) &&
          (count == 11 ==> left <= 1844674407) && (count == 12 ==> left <= 184467440) &&
          (count == 13 ==> left <= 18446744) && (count == 14 ==> left <= 1844674) &&
          (count == 15 ==> left <= 184467) && (count == 16 ==> left <= 18446) &&
          (count == 17 ==> left <= 1844) && (count == 18 ==> left <= 184) &&
          (count == 19 ==> left <= 18) && (count == 20 ==> left <= 1);
        loop assigns count, left;
        loop variant left; */
    while (left > 9) {
        left /= 10;
        count++;
    }
    //@ assert rest(pid, count) == rest(pid, count - 1) / 10;
    return count;
}

/*@ requires 1 <= count <= 20 && rest(pid, count) == 0 && \valid(out + (0 .. count - 1));
    assigns out[0 .. count - 1];
    ensures pid_digits(pid, out, count); */
static void put_pid(uint64_t pid, char *out, size_t count) {
    uint64_t left = pid;
    /*@ loop invariant 0 <= i <= count;
        loop invariant left == rest(pid, count - i);
        loop invariant \forall integer k; i <= k < count ==>
          out[k] == '0' + rest(pid, count - 1 - k) % 10;
        loop assigns i, left, out[0 .. count - 1];
        loop variant i; */
    for (size_t i = count; i > 0; i--) {
        out[i - 1] = digit_of(left % 10);
        left /= 10;
    }
}

/* The numbers that n digits are, and that the digits written are the numbers. */
/*@ logic integer hex_number{L}(char *d, integer n) =
      n <= 0 ? 0 : hex_number(d, n - 1) * 16 + hex_value(d[n - 1]); */
/*@ logic integer number{L}(char *d, integer n) =
      n <= 0 ? 0 : number(d, n - 1) * 10 + (d[n - 1] - '0'); */
/*@ ghost
  /@ requires \valid_read(d + (0 .. 15)) && id_digits(id, d);
     assigns \nothing;
     ensures hex_number(d, 16) == id;
     ensures lower_hex(d); @/
  void id_is(uint64_t id, const char *d) {
    /@ loop invariant 0 <= k <= 16;
       loop invariant hex_number(d, k) == hex_rest(id, 16 - k);
       loop invariant \forall integer i; 0 <= i < k ==> '0' <= d[i] <= '9' || 'a' <= d[i] <= 'f';
       loop assigns k;
       loop variant 16 - k; @/
    for (int k = 0; k < 16; k++) {
      /@ assert hex_rest(id, 16 - k) == hex_rest(id, 15 - k) / 16; @/
      /@ assert hex_value(d[k]) == hex_rest(id, 15 - k) % 16; @/
      /@ assert hex_number(d, k + 1) == hex_number(d, k) * 16 + hex_value(d[k]); @/
    }
  }
*/
/*@ ghost
  /@ requires 1 <= n <= 20 && \valid_read(d + (0 .. n - 1)) && pid_digits(pid, d, n);
     assigns \nothing;
     ensures number(d, n) == pid;
     ensures decimal(d, n);
     ensures n > 1 ==> rest(pid, n - 1) > 0 ==> d[0] != '0'; @/
  void pid_is(uint64_t pid, const char *d, int n) {
    /@ loop invariant 0 <= k <= n;
       loop invariant number(d, k) == rest(pid, n - k);
       loop invariant \forall integer i; 0 <= i < k ==> '0' <= d[i] <= '9';
       loop assigns k;
       loop variant n - k; @/
    for (int k = 0; k < n; k++) {
      /@ assert rest(pid, n - k) == rest(pid, n - k - 1) / 10; @/
      /@ assert d[k] - '0' == rest(pid, n - k - 1) % 10; @/
      /@ assert number(d, k + 1) == number(d, k) * 10 + (d[k] - '0'); @/
    }
    /@ assert n > 1 ==> rest(pid, n) == rest(pid, n - 1) / 10; @/
  }
*/
/*@ requires \valid(out + (0 .. 5)) && \separated(out + (0 .. 5), &magic[0 .. 6]);
    assigns out[0 .. 5];
    ensures \forall integer k; 0 <= k < 6 ==> out[k] == magic_at(k); */
static void put_magic(char *out) {
    /*@ loop invariant 0 <= i <= 6;
        loop invariant \forall integer k; 0 <= k < i ==> out[k] == magic_at(k);
        loop assigns i, out[0 .. 5];
        loop variant 6 - i; */
    for (size_t i = 0; i < AT_ID; i++)
        out[i] = magic[i];
}

/*@ requires \valid_read(hello) && \valid(out + (0 .. size - 1));
    requires \separated(hello, out + (0 .. size - 1), &magic[0 .. 6]);
    assigns out[0 .. 44];
    ensures \result == YOTON_E_ARGUMENT <==> hello->id == 0;
    ensures \result == YOTON_E_ARGUMENT || \result == YOTON_E_SPACE || 26 <= \result <= 45;
    ensures \result == YOTON_E_SPACE ==>
      size < 26 || (size < 45 && rest(hello->pid, size - 25) > 0);
    ensures \result < 0 ==> \forall integer i; 0 <= i < 45 ==> out[i] == \old(out[i]);
    ensures \result > 0 ==> \forall integer i; 0 <= i < 6 ==> out[i] == magic_at(i);
    ensures \result > 0 ==> lower_hex(out + 6) && hex_number(out + 6, 16) == hello->id;
    ensures \result > 0 ==> out[22] == '.' && decimal(out + 23, \result - 25);
    ensures \result > 0 ==> number(out + 23, \result - 25) == hello->pid;
    ensures \result > 26 ==> out[23] != '0';
    ensures \result > 0 ==> out[\result - 2] == '\r' && out[\result - 1] == '\n'; */
int yoton_handshake_encode(const yoton_hello *hello, char *out, size_t size) {
    if (hello->id == 0) /* HS-4 */
        return YOTON_E_ARGUMENT;
    size_t digits = count_digits(hello->pid);
    size_t length = AT_PID + digits + 2;
    //@ assert 26 <= length <= 45;
    if (length > size)
        return YOTON_E_SPACE;
    put_magic(out);
    put_id(hello->id, out + AT_ID);
    //@ assert id_digits(hello->id, out + 6);
    out[AT_DOT] = '.';
    put_pid(hello->pid, out + AT_PID, digits);
    //@ assert pid_digits(hello->pid, out + 23, digits);
    out[AT_PID + digits] = '\r';
    out[AT_PID + digits + 1] = '\n';
    //@ assert id: id_digits(hello->id, out + 6);
    //@ ghost id_is(hello->id, out + AT_ID);
    //@ assert pid: pid_digits(hello->pid, out + 23, digits);
    //@ ghost pid_is(hello->pid, out + AT_PID, digits);
    //@ assert end: out[23 + digits] == '\r' && out[24 + digits] == '\n';
    return (int)length;
}

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
