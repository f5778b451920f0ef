/* SPDX-License-Identifier: BSD-2-Clause */
#include "markup.h"

#include <stdbool.h>
#include <string.h>

enum { DEPTH = 64, NAME = 32 };

/* With blanks on both sides of each. */
static const char elements[] =
    " a b blockquote body br button code dd details div dl dt footer g h1 h2 h3 h4 head header "
    "html "
    "i input label li main mark meta nav option p path pre script select small span style summary "
    "svg table tbody td text th thead title tr ul "
    "testsuites testsuite testcase properties property failure error skipped system-out ";
/* Their ends may be left out. */
static const char open_elements[] = " dt dd li p option tr td th tbody thead body html head ";
static const char empty_elements[] = " br hr input link meta ";
static const char attributes[] =
    " aria-label aria-pressed charset class classname content d data-differs data-id data-level "
    "open colspan data-origin data-role data-topic data-verdict data-verdicts errors failures "
    "height "
    "hidden "
    "href id lang message name role scope skipped style tests time timestamp title type value "
    "version viewbox width x y ";

typedef struct page {
    const char *text;
    size_t size, at;
    char open[DEPTH][NAME];
    size_t depth;
} page;

static bool is_at(const page *p, const char *text) {
    size_t size = strlen(text);
    return p->size - p->at >= size && memcmp(p->text + p->at, text, size) == 0;
}

static bool skip_behind(page *p, const char *text) {
    for (; p->at < p->size; p->at++) {
        if (is_at(p, text)) {
            p->at += strlen(text);
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *words, const char *name) {
    char word[NAME + 2] = " ";
    strcat(strcat(word, name), " ");
    return strstr(words, word) != NULL;
}

/* A name in lower case. */
static void read_name(page *p, char name[NAME]) {
    size_t size = 0;
    for (; p->at < p->size && size + 1 < NAME; p->at++) {
        char c = p->text[p->at];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == ':'))
            break;
        name[size++] = c;
    }
    name[size] = '\0';
}

static const char *read_entity(page *p) {
    static const char *const entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&nbsp;"};
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++) {
        if (is_at(p, entities[i])) {
            p->at += strlen(entities[i]);
            return NULL;
        }
    }
    return "an ampersand that begins no known entity";
}

static const char *read_character(page *p) {
    unsigned char c = (unsigned char)p->text[p->at];
    if (c == '&')
        return read_entity(p);
    if (c < ' ' && c != '\n' && c != '\t')
        return "a control character";
    p->at++;
    return NULL;
}

static const char *read_attribute(page *p) {
    char name[NAME];
    read_name(p, name);
    if (!is_one_of(attributes, name))
        return "an attribute that the harness does not write";
    if (!is_at(p, "="))
        return NULL;
    p->at++;
    if (!is_at(p, "\""))
        return "a value without quotes";
    p->at++;
    while (p->at < p->size && p->text[p->at] != '"') {
        if (p->text[p->at] == '<')
            return "a tag inside of a value";
        const char *wrong = read_character(p);
        if (wrong != NULL)
            return wrong;
    }
    p->at++;
    return NULL;
}

static const char *read_open_tag(page *p) {
    char name[NAME];
    read_name(p, name);
    if (!is_one_of(elements, name))
        return "an element that the harness does not write";
    for (;;) {
        p->at += strspn(p->text + p->at, " \n");
        if (is_at(p, "/>")) {
            p->at += 2;
            return NULL;
        }
        if (is_at(p, ">"))
            break;
        const char *wrong = read_attribute(p);
        if (wrong != NULL)
            return wrong;
    }
    p->at++;
    if (is_one_of(empty_elements, name))
        return NULL;
    if (p->depth > 0 && is_one_of(" dt dd ", name) && is_one_of(" dt dd ", p->open[p->depth - 1]))
        p->depth--;
    if (p->depth == DEPTH)
        return "too deep";
    strcpy(p->open[p->depth++], name);
    if (strcmp(name, "script") == 0 ||
        strcmp(name, "style") == 0) { /* what is in it is no markup */
        skip_behind(p, strcmp(name, "script") == 0 ? "</script>" : "</style>");
        p->depth--;
    }
    return NULL;
}

static const char *read_tag(page *p) {
    char name[NAME];
    if (is_at(p, "<!doctype html>") || is_at(p, "<?xml") || is_at(p, "<!DOCTYPE html>"))
        return skip_behind(p, ">") ? NULL : "no end of the declaration";
    p->at++;
    if (!is_at(p, "/"))
        return read_open_tag(p);
    p->at++;
    read_name(p, name);
    while (p->depth > 0 && strcmp(p->open[p->depth - 1], name) != 0 &&
           is_one_of(open_elements, p->open[p->depth - 1]))
        p->depth--;
    if (p->depth == 0 || strcmp(p->open[p->depth - 1], name) != 0)
        return "the end of an element that is not open";
    p->depth--;
    if (!is_at(p, ">"))
        return "an end tag that does not end";
    p->at++;
    return NULL;
}

const char *markup_wrong(const char *text, size_t size, size_t *at) {
    page p = {.text = text, .size = size};
    const char *wrong = NULL;
    while (p.at < size && wrong == NULL)
        wrong = text[p.at] == '<' ? read_tag(&p) : read_character(&p);
    while (p.depth > 0 && is_one_of(open_elements, p.open[p.depth - 1]))
        p.depth--;
    if (wrong == NULL && p.depth > 0)
        wrong = "the end of the page inside of an element";
    *at = p.at;
    return wrong;
}
