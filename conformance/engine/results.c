/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/results.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/options.h"
#include "engine/util.h"

static const json_int_t SIZE_LIMIT = (json_int_t)1 << 31; /* a message of any size that is taken */

/* Texts that a case must have, and the words that it may be; NULL: any. */
static const struct {
    const char *field, *words;
} texts[] = {{"id", NULL},
             {"requirement", NULL},
             {"level", " must should may "},
             {"origin", " manual observed hardening adapter "},
             {"role", " host client "},
             {"verdict", " pass fail warn skip unsupported flaky xfail xpass error "},
             {"why", NULL},
             {"title", NULL},
             {"about", NULL},
             {"section", NULL},
             {"text", NULL},
             {"rerun", NULL}};

static bool is_word_of(const char *words, const char *text) {
    char *word = text_of(" %s ", text);
    bool found = *text != '\0' && strchr(text, ' ') == NULL && strstr(words, word) != NULL;
    free(word);
    return found;
}

static size_t digits(const char *text) { return *text == '0' ? 0 : strspn(text, "0123456789"); }

/* LINK-14, and what remains behind it. */
static const char *behind_requirement(const char *text) {
    size_t topic = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (topic == 0 || text[topic] != '-')
        return NULL;
    size_t number = digits(text + topic + 1);
    return number == 0 ? NULL : text + topic + 1 + number;
}

/* LINK-14.2, LINK-14.0 or LINK-14.capture:3: nothing that leads out of a folder. */
static bool is_id(const char *id) {
    const char *part = behind_requirement(id);
    if (part == NULL || *part++ != '.' || strpbrk(part, "./<>&\"'") != NULL)
        return false;
    for (const char *c = part; *c != '\0'; c++)
        if ((unsigned char)*c <= ' ' || *c == 0x7F)
            return false;
    const char *colon = strrchr(part, ':');
    if (colon == part || strcmp(part, "0") == 0)
        return colon == NULL;
    const char *number = colon != NULL ? colon + 1 : part;
    return digits(number) > 0 && number[digits(number)] == '\0';
}

static bool is_hex(const char *text) {
    size_t size = strspn(text, "0123456789abcdef");
    return text[size] == '\0' && size % 2 == 0;
}

/* What is wrong with an entry of a transcript; NULL for nothing. */
static const char *wrong_entry(const json_t *entry) {
    const json_t *hex = json_object_get(entry, "hex"), *size = json_object_get(entry, "size");
    if (!json_is_string(json_object_get(entry, "who")) ||
        !json_is_string(json_object_get(entry, "what")))
        return "has no texts `who` and `what`";
    if (!json_is_number(json_object_get(entry, "t")))
        return "has no number `t`";
    if (!is_word_of(" sent received note ", json_get_text(entry, "direction")))
        return "has no `direction` that is sent, received or note";
    if (hex != NULL && !(json_is_string(hex) && is_hex(json_string_value(hex))))
        return "has a `hex` that is not pairs of hexadecimal digits";
    if (size != NULL && (!json_is_integer(size) ||
                         json_integer_value(size) < (json_int_t)json_string_length(hex) / 2 ||
                         json_integer_value(size) > SIZE_LIMIT))
        return "has a `size` that no bytes have";
    return NULL;
}

/* `where` is what it is the transcript of, counted from 1. */
static void check_transcript(const char *path, const char *where, size_t number,
                             const json_t *transcript) {
    size_t i;
    json_t *entry;
    if (transcript != NULL && !json_is_array(transcript))
        usage_error("%s: %s %zu: `transcript` is not an array", path, where, number);
    json_array_foreach(transcript, i, entry) {
        const char *wrong = wrong_entry(entry);
        if (wrong != NULL)
            usage_error("%s: %s %zu: entry %zu of its transcript %s", path, where, number, i + 1,
                        wrong);
    }
}

static void check_case(const char *path, size_t number, const json_t *one) {
    if (!json_is_object(one))
        usage_error("%s: case %zu is not an object", path, number);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const json_t *value = json_object_get(one, texts[i].field);
        const char *text = json_string_value(value);
        if (text == NULL)
            usage_error("%s: case %zu: `%s` is %s", path, number, texts[i].field,
                        value == NULL ? "missing" : "not a text");
        if (strlen(text) != json_string_length(value))
            usage_error("%s: case %zu: `%s` has a character U+0000 in it", path, number,
                        texts[i].field);
        if (texts[i].words != NULL && !is_word_of(texts[i].words, text))
            usage_error("%s: case %zu: `%s` is %s; expected one of%s", path, number, texts[i].field,
                        shown(text, strlen(text)), texts[i].words);
    }
    const char *id = json_get_text(one, "id"), *requirement = json_get_text(one, "requirement");
    if (!is_id(id))
        usage_error("%s: case %zu: `id` is %s; expected one as LINK-14.2", path, number,
                    shown(id, strlen(id)));
    const char *rest = behind_requirement(requirement);
    if (rest == NULL || *rest != '\0')
        usage_error("%s: case %zu: `requirement` is %s; expected one as LINK-14", path, number,
                    shown(requirement, strlen(requirement)));
    check_transcript(path, "case", number, json_object_get(one, "transcript"));
}

json_t *read_results(const char *path, const char *wanted) {
    json_error_t error;
    size_t i;
    json_t *results = json_load_file(path, JSON_ALLOW_NUL, &error), *one;
    if (results == NULL && error.line > 0)
        usage_error("%s, line %d: %s; give %s", path, error.line, error.text, wanted);
    if (results == NULL)
        usage_error("%s; give %s", error.text, wanted);
    const json_t *cases = json_object_get(results, "cases");
    if (json_integer_value(json_object_get(results, "format")) != 1 || !json_is_array(cases))
        usage_error("%s: not results of format 1; give %s", path, wanted);
    json_array_foreach(cases, i, one) check_case(path, i + 1, one);
    json_array_foreach(json_object_get(results, "streams"), i, one)
        check_transcript(path, "stream", i + 1, json_object_get(one, "transcript"));
    return results;
}
