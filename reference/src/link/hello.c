/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake: two lines, in text, before the packages. */
#include <stdio.h>
#include <string.h>

#include "link/link_private.h"

static const char error_mark[] = "ERROR: ";
#define MARK_SIZE (sizeof error_mark - 1)
#define MAGIC_SIZE (sizeof "YOTON!" - 1)

static void offer_own_line(yoton_link *link) {
    char *line = (char *)link->out.small;
    const yoton_hello own = {.id = link->config.id, .pid = link->config.pid};
    int size = yoton_handshake_encode(&own, line, sizeof link->out.small);
    yoton_link_output_offer(&link->out, line, (size_t)size);
}

void yoton_link_hello_begin(yoton_link *link) {
    if (link->config.role == YOTON_ROLE_CLIENT)
        offer_own_line(link); /* HS-1 */
}

static const char *words_for(int error) {
    return error == YOTON_E_NOT_YOTON ? LINK_REASON_SHAKE_OTHER : LINK_REASON_SHAKE_ID;
}

/* How a line is wrong that will not go on (HS-17). */
static int error_of_part(const yoton_link *link) {
    return link->line_size < MAGIC_SIZE ? YOTON_E_NOT_YOTON : YOTON_E_MORE;
}

/* A client may be told why it is refused; that text comes a piece at a time like any other. */
static int may_be_refusal(const yoton_link *link) {
    size_t known = link->line_size < MARK_SIZE ? link->line_size : MARK_SIZE;
    return link->config.role == YOTON_ROLE_CLIENT && known &&
           memcmp(link->line, error_mark, known) == 0;
}

static int refusal_is_whole(const yoton_link *link) {
    return link->line_size == link->config.max_line ||
           memchr(link->line, '\n', link->line_size) != NULL;
}

/* The reason, with what the other end said; bytes that could upset a terminal become dots. */
static const char *quote(yoton_link *link) {
    if (link->line_size <= MARK_SIZE)
        return LINK_REASON_SHAKE_OTHER;
    char said[YOTON_LINE_MAX_DEFAULT];
    size_t size = 0;
    for (size_t i = 0; i < link->line_size && size < sizeof said - 1; i++) {
        uint8_t byte = link->line[i];
        if (byte == '\r' || byte == '\n')
            break;
        said[size++] = byte >= ' ' && byte < 0x7f ? (char)byte : '.';
    }
    said[size] = '\0';
    snprintf(link->text, sizeof link->text, "Handshake failed (the other end says: %s)", said);
    return link->text;
}

/* A host says why before it lets go; DOWN comes when that is written. */
static void refuse(yoton_link *link, yoton_time now, const char *line, int error,
                   const char *reason) {
    link->state = YOTON_LINK_REFUSING;
    link->limit = yoton_link_after(now, link->config.close);
    link->error = error;
    link->reason = reason;
    if (line)
        yoton_link_output_offer(&link->out, line, strlen(line));
    else
        offer_own_line(link);
}

/* HS-27, HS-28 */
static void meet_self(yoton_link *link, yoton_time now) {
    if (link->config.role == YOTON_ROLE_HOST)
        refuse(link, now, NULL, YOTON_E_SELF, LINK_REASON_SHAKE_SELF);
    else
        yoton_link_down(link, YOTON_E_SELF, LINK_REASON_SHAKE_SELF);
}

/* HS-12, HS-13; HS-23 */
static void fail(yoton_link *link, yoton_time now, int error) {
    if (link->config.role == YOTON_ROLE_HOST)
        refuse(link, now, yoton_handshake_refusal(error), error, words_for(error));
    else
        yoton_link_down(link, error, words_for(error));
}

/* Takes bytes into the line; returns what the parser says, *end is where the line ends. */
static int gather(yoton_link *link, const uint8_t *data, size_t size, size_t *consumed,
                  yoton_hello *hello) {
    size_t had = link->line_size;
    size_t take = link->config.max_line - had;
    if (take > size)
        take = size;
    memcpy(link->line + had, data, take);
    link->line_size = had + take;
    *consumed = take;
    size_t end;
    int result =
        yoton_handshake_parse(hello, link->line, link->line_size, link->config.max_line, &end);
    if (result == YOTON_OK)
        *consumed = end - had; /* HS-9: what follows the line is package data */
    return result;
}

int yoton_link_hello_input(yoton_link *link, yoton_time now, const uint8_t *data, size_t size,
                           size_t *consumed, yoton_hello *hello) {
    int result = gather(link, data, size, consumed, hello);
    if (result == YOTON_E_MORE)
        return 0;
    if (result != YOTON_OK && may_be_refusal(link)) {
        if (refusal_is_whole(link))
            yoton_link_down(link, YOTON_E_NOT_YOTON, quote(link));
        return 0;
    }
    if (result != YOTON_OK) {
        fail(link, now, result);
        return 0;
    }
    if (hello->id == link->config.id) {
        meet_self(link, now);
        return 0;
    }
    if (link->config.role == YOTON_ROLE_HOST)
        offer_own_line(link); /* HS-7 */
    return 1;
}

void yoton_link_hello_end(yoton_link *link, yoton_time now, int error, const char *reason) {
    if (may_be_refusal(link))
        yoton_link_down(link, YOTON_E_NOT_YOTON, quote(link));
    else if (link->config.role == YOTON_ROLE_HOST && link->line_size)
        refuse(link, now, yoton_handshake_refusal(error_of_part(link)), error, reason);
    else
        yoton_link_down(link, error, reason); /* HS-18, HS-24 */
}
