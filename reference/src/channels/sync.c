/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/sync.h"

#include <stdlib.h>
#include <string.h>

#include "channels/clock.h"

#define HIGH ((size_t)32)
#define LOW ((size_t)16)
#define REPEAT (4000 * YOTON_MS)  /* SYNC-3 */
#define FORGET (10000 * YOTON_MS) /* SYNC-7, SYNC-10 */
#define ROOM_FIRST ((size_t)4)

static const char *say(sync_reader *reader, yoton_time now, const char *word) {
    reader->last = word;
    reader->said = now;
    return word;
}

const char *sync_reader_look(sync_reader *reader, yoton_time now, size_t waiting) {
    if (!reader->on) /* SYNC-9 */
        return NULL;
    bool full = reader->last != NULL && strcmp(reader->last, SYNC_FULL) == 0;
    if (!full && waiting > HIGH) /* SYNC-1 */
        return say(reader, now, SYNC_FULL);
    if (full && waiting < LOW) /* SYNC-2 */
        return say(reader, now, SYNC_OK);
    if (reader->last != NULL && now - reader->said > REPEAT) /* SYNC-3 */
        return say(reader, now, reader->last);
    return NULL;
}

const char *sync_reader_switch(sync_reader *reader, bool on) {
    bool full = reader->last != NULL && strcmp(reader->last, SYNC_FULL) == 0;
    if (on == reader->on)
        return NULL;
    *reader = (sync_reader){.on = on};
    return !on && full ? SYNC_OK : NULL; /* SYNC-8 */
}

void sync_writer_clear(sync_writer *writer) {
    free(writer->list);
    *writer = (sync_writer){0};
}

static void take_out(sync_writer *writer, size_t place) {
    writer->count--;
    memmove(&writer->list[place], &writer->list[place + 1],
            (writer->count - place) * sizeof *writer->list);
}

static void forget(sync_writer *writer, uint64_t source) {
    for (size_t i = 0; i < writer->count; i++) {
        if (writer->list[i].id == source) {
            take_out(writer, i);
            return;
        }
    }
}

static bool make_room(sync_writer *writer) {
    if (writer->count == SYNC_SOURCES_MAX)
        take_out(writer, 0);
    if (writer->count < writer->room)
        return true;
    size_t room = writer->room > 0 ? 2 * writer->room : ROOM_FIRST;
    sync_source *grown = realloc(writer->list, room * sizeof *grown);
    if (grown == NULL)
        return false;
    writer->list = grown;
    writer->room = room;
    return true;
}

void sync_writer_word(sync_writer *writer, yoton_time now, uint64_t source, const void *word,
                      size_t size) {
    forget(writer, source); /* SYNC-6 */
    if (size == strlen(SYNC_FULL) && memcmp(word, SYNC_FULL, size) == 0 && make_room(writer))
        writer->list[writer->count++] =
            (sync_source){.id = source, .until = clock_after(now, FORGET)};
}

yoton_time sync_writer_held(sync_writer *writer, yoton_time now) {
    while (writer->count > 0 && writer->list[0].until <= now)
        take_out(writer, 0);
    return writer->count > 0 ? writer->list[writer->count - 1].until : 0; /* SYNC-5 */
}
