/* SPDX-License-Identifier: BSD-2-Clause */
#include "channels/sink.h"

#include <string.h>

int channel_sink_send(const channel_sink *sink, yoton_header header, const void *payload,
                      size_t size) {
    header.length = size;
    yoton_package *package = yoton_package_new(&header, payload);
    if (package == NULL)
        return YOTON_E_NOMEM;
    int error = sink->send(sink->user, package);
    yoton_package_unref(package);
    return error;
}

void channel_sink_say(const channel_sink *sink, yoton_header header, const char *word) {
    channel_sink_send(sink, header, word, strlen(word));
}

int package_is_word(yoton_package *package, const char *word) {
    size_t size = strlen(word);
    return yoton_package_header(package)->length == size &&
           memcmp(yoton_package_payload(package), word, size) == 0;
}
