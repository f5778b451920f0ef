/* SPDX-License-Identifier: BSD-2-Clause */
#include "yoton/file.h"

#include <stdlib.h>
#include <string.h>

#include "context/internal.h"

struct yoton_file {
    yoton_channel *channel;
    yoton_channel *echo;
    size_t chunk_size; /* characters; 0: texts are not cut */
};

static bool carries_text(const yoton_channel *channel) {
    return channel->machine.core.type->kind == YOTON_TXT;
}

int yoton_file_new(yoton_channel *channel, size_t chunk_size, yoton_channel *echo,
                   yoton_file **made) {
    yoton_channel_kind kind = yoton_channel_get_kind(channel);
    *made = NULL;
    if ((kind != YOTON_PUB && kind != YOTON_SUB) || !carries_text(channel))
        return channel_report(channel, "make a file of", YOTON_E_ARGUMENT);
    if (echo != NULL && (yoton_channel_get_kind(echo) != YOTON_PUB || !carries_text(echo)))
        return channel_report(echo, "echo on", YOTON_E_ARGUMENT);
    yoton_file *file = malloc(sizeof *file);
    if (file == NULL)
        return channel_report(channel, "make a file of", YOTON_E_NOMEM);
    *file = (yoton_file){.channel = channel, .echo = echo, .chunk_size = chunk_size};
    *made = file;
    return YOTON_OK;
}

void yoton_file_free(yoton_file *file) { free(file); }

void yoton_file_close(yoton_file *file) { yoton_channel_close(file->channel); }

int yoton_file_is_closed(yoton_file *file) { return yoton_channel_is_closed(file->channel); }

int yoton_file_flush(yoton_file *file, double timeout) {
    return yoton_context_flush(file->channel->context, timeout);
}

/* The bytes of the first `characters` characters, at most size. */
static size_t bytes_of(const char *text, size_t size, size_t characters) {
    size_t at = 0;
    while (at < size && characters-- > 0) {
        at++;
        while (at < size && ((unsigned char)text[at] & 0xC0) == 0x80)
            at++;
    }
    return at;
}

int yoton_file_write(yoton_file *file, const char *text, size_t size) {
    int error;
    do { /* the empty text is sent too: a closed channel is an error for it as for others */
        size_t piece = file->chunk_size > 0 ? bytes_of(text, size, file->chunk_size) : size;
        error = yoton_send_text(file->channel, text, piece);
        text += piece;
        size -= piece;
    } while (error == YOTON_OK && size > 0);
    return error;
}

int yoton_file_writelines(yoton_file *file, const char *const *lines, size_t count) {
    int error = YOTON_OK;
    for (size_t i = 0; i < count && error == YOTON_OK; i++)
        error = yoton_send_text(file->channel, lines[i], strlen(lines[i]));
    return error;
}

/* A copy of a message with one byte of room, and NUL behind it. */
static char *copy_of(const yoton_message *message) {
    char *text = malloc(message->size + 2);
    if (text != NULL) {
        memcpy(text, message->data, message->size);
        text[message->size] = '\0';
    }
    return text;
}

static int read_one(yoton_file *file, double timeout, char **text, size_t *size) {
    yoton_message message;
    *text = NULL;
    *size = 0;
    int error = yoton_recv(file->channel, timeout, &message);
    if (error != YOTON_OK)
        return error;
    if (file->echo != NULL) /* a closed echo loses the echo only */
        yoton_send_text(file->echo, (const char *)message.data, message.size);
    *text = copy_of(&message);
    *size = message.size;
    yoton_message_clear(&message);
    return *text != NULL ? YOTON_OK : channel_report(file->channel, "read on", YOTON_E_NOMEM);
}

int yoton_file_read(yoton_file *file, double timeout, char **text, size_t *size) {
    size_t unused;
    return read_one(file, timeout, text, size != NULL ? size : &unused);
}

int yoton_file_readline(yoton_file *file, size_t max, char **text, size_t *size) {
    size_t length;
    int error = read_one(file, YOTON_FOREVER, text, &length);
    if (error != YOTON_OK)
        return error;
    if ((*text)[length - 1] != '\n')
        (*text)[length++] = '\n';
    if (max > 0)
        length = bytes_of(*text, length, max);
    (*text)[length] = '\0';
    if (size != NULL)
        *size = length;
    return YOTON_OK;
}
