/* SPDX-License-Identifier: BSD-2-Clause */
#define _GNU_SOURCE
#include "engine/known.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/options.h"
#include "engine/util.h"

static const char *const fields[] = {"case",    "role",    "reason", "peer_version",
                                     "message", "expires", NULL};

static void check_fields(const char *where, json_t *entry) {
    const char *key;
    json_t *value;
    json_object_foreach(entry, key, value) {
        const char *const *known = fields;
        while (*known != NULL && strcmp(*known, key) != 0)
            known++;
        if (*known == NULL)
            usage_error("%s: unknown field `%s`", where, key);
        if (!json_is_string(value) || json_string_length(value) == 0)
            usage_error("%s: `%s` must be a text that is not empty", where, key);
    }
    for (int i = 0; i < 3; i++)
        if (json_object_get(entry, fields[i]) == NULL)
            usage_error("%s: `%s` is missing", where, fields[i]);
}

static void check_date(const char *where, const char *date) {
    struct tm day = {0};
    const char *rest = strptime(date, "%Y-%m-%d", &day);
    struct tm same = day; /* the 30th of February becomes the 2nd of March there */
    if (rest == NULL || *rest != '\0' || strlen(date) != 10 || timegm(&same) == -1 ||
        same.tm_mday != day.tm_mday)
        usage_error("%s: `expires` is %s; expected a date as 2031-12-31", where, date);
}

static const char *optional(const json_t *entry, const char *key) {
    return json_string_value(json_object_get(entry, key));
}

static struct known_failure read_entry(const char *path, size_t line, const char *text,
                                       size_t size) {
    const char *where = text_of("%s:%zu", path, line);
    json_error_t error;
    json_t *entry = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(entry))
        usage_error("%s: not a JSON object: %s", where, error.text);
    check_fields(where, entry);
    struct known_failure known = {.test = optional(entry, "case"),
                                  .reason = optional(entry, "reason"),
                                  .peer_version = optional(entry, "peer_version"),
                                  .message = optional(entry, "message"),
                                  .expires = optional(entry, "expires"),
                                  .line = line};
    const char *role = optional(entry, "role");
    known.role = strcmp(role, "host") == 0     ? ROLE_HOST
                 : strcmp(role, "client") == 0 ? ROLE_CLIENT
                                               : 0;
    if (known.role == 0)
        usage_error("%s: `role` is %s; expected host or client", where, role);
    const struct test_case *test = find_case(known.test);
    if (test == NULL || (test->roles & known.role) == 0)
        usage_error("%s: there is no case %s in the role %s; take the entry out", where, known.test,
                    role);
    if (known.expires != NULL)
        check_date(where, known.expires);
    return known; /* the texts live in `entry`, which stays */
}

static void add_entry(struct known_list *list, struct known_failure entry) {
    for (size_t i = 0; i < list->count; i++) {
        const struct known_failure *old = &list->entries[i];
        const char *a = old->peer_version ? old->peer_version : "*";
        const char *b = entry.peer_version ? entry.peer_version : "*";
        if (strcmp(old->test, entry.test) == 0 && old->role == entry.role && strcmp(a, b) == 0)
            usage_error("%s:%zu: %s as %s is there already, in line %zu", list->path, entry.line,
                        entry.test, roles_text(entry.role), old->line);
    }
    list->entries = more_room(list->entries, (list->count + 1) * sizeof *list->entries);
    list->entries[list->count++] = entry;
}

struct known_list read_known(const char *path) {
    struct known_list list = {.path = path};
    if (path == NULL)
        return list;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        usage_error("--known-failures %s: %s", path, strerror(errno));
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    for (size_t line = 1; (size = getline(&text, &room, file)) >= 0; line++) {
        size_t blanks = strspn(text, " \t\r\n");
        if (blanks < (size_t)size && text[0] != '#')
            add_entry(&list, read_entry(path, line, text, (size_t)size));
    }
    if (ferror(file))
        usage_error("--known-failures %s: %s", path, strerror(errno));
    free(text);
    fclose(file);
    return list;
}

const struct known_failure *find_known(const struct known_list *list, const char *test,
                                       unsigned role, const char *peer_version) {
    for (size_t i = 0; i < list->count; i++) {
        const struct known_failure *entry = &list->entries[i];
        if (strcmp(entry->test, test) == 0 && entry->role == role &&
            (entry->peer_version == NULL || fnmatch(entry->peer_version, peer_version, 0) == 0))
            return entry;
    }
    return NULL;
}

bool known_expired(const struct known_failure *entry) {
    if (entry->expires == NULL)
        return false;
    char today[16];
    time_t seconds = time(NULL);
    struct tm day;
    strftime(today, sizeof today, "%Y-%m-%d", gmtime_r(&seconds, &day));
    return strcmp(entry->expires, today) < 0;
}
