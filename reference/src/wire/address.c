/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses: `[protocol://]host:port`. */
#define _POSIX_C_SOURCE 200809L
#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "wire/utf8.h"
#include "yoton/names.h"

enum { PUBLIC_INDEX_MAX = 9999, OFFSET_MAX = 65535 };

/* What is being parsed, and where and why it failed. */
typedef struct parser {
    yoton_address *address;
    const char *text;
    size_t blame;
    const char *why;
} parser;

static int refuse(parser *p, const char *at, const char *why) {
    p->blame = (size_t)(at - p->text);
    p->why = why;
    return YOTON_E_ADDRESS;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* No <ctype.h>: what it says depends on the locale. */
static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool starts_with(const char *text, size_t size, const char *word) {
    size_t i = 0;
    while (i < size && word[i] != '\0' && lower(text[i]) == word[i])
        i++;
    return word[i] == '\0';
}

/* The number in `size` digits, or `above` when it is more than that less one. */
static unsigned number(const char *digits, size_t size, unsigned above) {
    unsigned value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value * 10 + (unsigned)(digits[i] - '0');
        if (value >= above)
            return above;
    }
    return value;
}

static size_t digits_in(const char *text) {
    size_t count = 0;
    while (is_digit(text[count]))
        count++;
    return count;
}

/* ADDR-9: what stands before `://`, or nothing. *rest is what follows. */
static int parse_protocol(parser *p, const char **rest) {
    char *protocol = p->address->protocol;
    const char *mark = strstr(p->text, "://");
    strcpy(protocol, "tcp");
    *rest = p->text;
    if (mark == NULL)
        return YOTON_OK;
    size_t size = (size_t)(mark - p->text);
    if (size != strlen(protocol) || !starts_with(p->text, size, protocol))
        return refuse(p, p->text, "protocol not supported, only tcp is");
    *rest = mark + 3;
    return YOTON_OK;
}

static void set_host(yoton_address *address, yoton_host_kind kind, const char *host, size_t size) {
    address->kind = kind;
    memcpy(address->host, host, size);
    address->host[size] = '\0';
}

/* ADDR-3 */
static int parse_ipv6(parser *p, const char *open, const char **rest) {
    char literal[INET6_ADDRSTRLEN];
    unsigned char unused[16];
    const char *start = open + 1;
    const char *close = strchr(start, ']');
    if (close == NULL)
        return refuse(p, open, "IPv6 address without closing bracket");
    size_t size = (size_t)(close - start);
    size_t plain = strcspn(start, "%]"); /* a zone may follow, as in fe80::1%eth0 */
    if (plain >= sizeof literal || size > YOTON_HOST_MAX || size == plain + 1)
        return refuse(p, start, "not an IPv6 address");
    memcpy(literal, start, plain);
    literal[plain] = '\0';
    if (inet_pton(AF_INET6, literal, unused) != 1)
        return refuse(p, start, "not an IPv6 address");
    if (close[1] != ':')
        return refuse(p, close + 1, "no colon and port after the host");
    set_host(p->address, YOTON_HOST_IPV6, start, size);
    *rest = close + 2;
    return YOTON_OK;
}

/* ADDR-8. Returns whether the host is such a one; *error may still say no. */
static bool parse_public(parser *p, const char *host, size_t size, int *error) {
    static const char word[] = "publichost";
    size_t skip = sizeof word - 1;
    if (!starts_with(host, size, word) || digits_in(host + skip) != size - skip)
        return false;
    unsigned index = number(host + skip, size - skip, PUBLIC_INDEX_MAX + 1);
    p->address->kind = YOTON_HOST_PUBLIC;
    p->address->index = index;
    *error =
        index > PUBLIC_INDEX_MAX ? refuse(p, host + skip, "publichost index too large") : YOTON_OK;
    return true;
}

/* ADDR-1, ADDR-2 */
static int parse_host(parser *p, const char *host, const char **rest) {
    int error;
    const char *colon = strchr(host, ':');
    if (host[0] == '[')
        return parse_ipv6(p, host, rest);
    if (colon == NULL)
        return refuse(p, host + strlen(host), "no colon and port after the host");
    size_t size = (size_t)(colon - host);
    *rest = colon + 1;
    if (size == 0)
        return refuse(p, host, "empty host (an IPv6 address wants brackets)");
    if (size > YOTON_HOST_MAX)
        return refuse(p, host, "host longer than 255 bytes");
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)host[i] <= ' ' || host[i] == 0x7f)
            return refuse(p, host + i, "blank or control character in the host");
    if (parse_public(p, host, size, &error))
        return error;
    if (size == strlen("localhost") && starts_with(host, size, "localhost")) /* ADDR-7 */
        set_host(p->address, YOTON_HOST_NAME, "127.0.0.1", strlen("127.0.0.1"));
    else
        set_host(p->address, YOTON_HOST_NAME, host, size);
    return YOTON_OK;
}

/* The offset behind a port name: nothing but digits. */
static int parse_offset(parser *p, const char *digits, int *offset) {
    size_t size = digits_in(digits);
    if (size == 0 || digits[size] != '\0')
        return refuse(p, digits + size, "the offset after + is not a decimal number");
    *offset = (int)number(digits, size, OFFSET_MAX + 1);
    return YOTON_OK;
}

/* ADDR-5 */
static int parse_port_name(parser *p, const char *name) {
    const char *plus = strchr(name, '+');
    size_t size = plus != NULL ? (size_t)(plus - name) : strlen(name);
    uint16_t hashed;
    int offset = 0;
    int error = plus != NULL ? parse_offset(p, plus + 1, &offset) : YOTON_OK;
    if (error != YOTON_OK)
        return error;
    error = yoton_port_hash(name, size, &hashed);
    if (error == YOTON_E_UTF8)
        return refuse(p, name + yoton_utf8_check(name, size), "port name is not UTF-8");
    if (error == YOTON_E_LENGTH)
        return refuse(p, name, "port name longer than 65536 characters");
    if (error != YOTON_OK)
        return error;
    if (hashed + offset > UINT16_MAX)
        return refuse(p, plus, "port name plus offset is above 65535");
    p->address->port = (uint16_t)(hashed + offset);
    return YOTON_OK;
}

static int parse_port(parser *p, const char *port) {
    size_t size = strlen(port);
    if (size == 0)
        return refuse(p, port, "empty port");
    if (digits_in(port) != size)
        return parse_port_name(p, port);
    /* ADDR-4, and 0 for any free port, ADDR-11 */
    unsigned value = number(port, size, UINT16_MAX + 1);
    if (value > UINT16_MAX)
        return refuse(p, port, "port above 65535");
    p->address->port = (uint16_t)value;
    return YOTON_OK;
}

int yoton_address_parse(yoton_address *address, const char *text, size_t *offset,
                        const char **why) {
    parser p = {.address = address, .text = text, .why = "out of memory"};
    const char *rest;
    *address = (yoton_address){0};
    int result = parse_protocol(&p, &rest);
    if (result == YOTON_OK)
        result = parse_host(&p, rest, &rest);
    if (result == YOTON_OK)
        result = parse_port(&p, rest);
    if (result != YOTON_OK && offset != NULL)
        *offset = p.blame;
    if (result != YOTON_OK && why != NULL)
        *why = p.why;
    return result;
}
