/* SPDX-License-Identifier: BSD-2-Clause */
#include "link_model.h"

#include "fuzz.h"
#include "line.h"

static const char mark[] = "ERROR: ";

/* --- what goes out --- */

static void add_out(model *m, const void *data, size_t size) {
    if (m->out_room - m->out_size < size) {
        m->out_room = 2 * m->out_room + size;
        m->out = realloc(m->out, m->out_room);
        CHECK(m->out != NULL);
    }
    memcpy(m->out + m->out_size, data, size);
    m->out_size += size;
}

static void add_number(model *m, uint64_t number) {
    for (int i = 0; i < 8; i++, number >>= 8)
        add_out(m, &(uint8_t){(uint8_t)number}, 1);
}

static void add_header(model *m, const yoton_header *h) {
    add_out(m, "YOTON   ", 8);
    add_number(m, h->slot);
    add_number(m, h->source_id);
    add_number(m, h->source_seq);
    add_number(m, h->dest_id);
    add_number(m, h->dest_seq);
    add_number(m, h->length);
}

static void add_signal(model *m, uint64_t seq) {
    add_header(m, &(yoton_header){.slot = 1, .source_seq = seq}); /* FRAME-12 */
}

static void add_line(model *m) {
    char line[64];
    int size = snprintf(line, sizeof line, "YOTON!%016llx.%llu\r\n",
                        (unsigned long long)m->config.id, (unsigned long long)m->config.pid);
    add_out(m, line, (size_t)size); /* HS-2 */
}

static bool all_gone(const model *m) { return m->gone == m->out_size; }

/* --- states --- */

static yoton_time after(yoton_time now, yoton_time span) {
    return now + span < now ? YOTON_NEVER : now + span;
}

static model_event *tell(model *m, yoton_link_event_kind kind) {
    CHECK(m->due < MODEL_EVENTS);
    model_event *e = &m->events[m->due++];
    *e = (model_event){.kind = kind};
    return e;
}

/* LINK-18: the end is decided once; the next call tells it. */
static void down(model *m, int error) {
    m->state = YOTON_LINK_CLOSED;
    m->down_due = true;
    m->error = error;
    m->queued = 0;
}

static void tell_down(model *m) {
    if (m->down_due)
        tell(m, YOTON_LINK_DOWN)->error = m->error;
    m->down_due = false;
}

static void refuse(model *m, const char *words, int error) {
    m->state = YOTON_LINK_REFUSING;
    m->limit = after(m->now, m->config.close);
    m->error = error;
    if (words != NULL)
        add_out(m, words, strlen(words));
    else
        add_line(m); /* HS-27 */
}

static bool is_host(const model *m) { return m->config.role == YOTON_ROLE_HOST; }

/* HS-12, HS-13: by how the line begins. */
static const char *refusal(const model *m) {
    bool yoton = m->in_size >= 6 && memcmp(m->in, "YOTON!", 6) == 0;
    return yoton ? "ERROR: could not parse id.\r\n" : "ERROR: this is Yoton.\r\n";
}

/* HS-23: a client is being told why it is refused. */
static bool is_told_why(const model *m) {
    size_t known = m->in_size < sizeof mark - 1 ? m->in_size : sizeof mark - 1;
    return !is_host(m) && known > 0 && memcmp(m->in, mark, known) == 0;
}

void model_open(model *m, const yoton_link_config *config) {
    memset(m, 0, offsetof(model, in));
    m->config = *config;
    m->state = YOTON_LINK_HANDSHAKE;
    m->limit = after(m->now, config->handshake);
    if (!is_host(m))
        add_line(m); /* HS-1 */
}

void model_free(model *m) { free(m->out); }

/* --- what comes in --- */

static void line_ended(model *m) {
    model_event e = {.id = line_id(m->in), .pid = line_pid(m->in, m->in_size)};
    if (e.id == m->config.id) {
        if (is_host(m))
            refuse(m, NULL, YOTON_E_SELF); /* HS-27 */
        else
            down(m, YOTON_E_SELF); /* HS-28 */
        return;
    }
    if (is_host(m))
        add_line(m); /* HS-7 */
    m->line_owed = is_host(m);
    m->state = YOTON_LINK_CONNECTED;
    m->received = m->written = m->now;
    m->item_at = m->in_size;
    e.kind = YOTON_LINK_UP;
    *tell(m, e.kind) = e;
}

static void line_byte(model *m) {
    bool ends = m->in[m->in_size - 1] == '\n';
    if (line_can_be(m->in, m->in_size)) {
        if (ends)
            line_ended(m);
        return;
    }
    if (is_told_why(m)) {
        if (ends || m->in_size == MODEL_LINE)
            down(m, YOTON_E_NOT_YOTON);
        return;
    }
    bool yoton = m->in_size > 6 && memcmp(m->in, "YOTON!", 6) == 0;
    int error = yoton ? YOTON_E_HANDSHAKE : YOTON_E_NOT_YOTON;
    if (is_host(m))
        refuse(m, refusal(m), error);
    else
        down(m, error);
}

static uint64_t number_at(const uint8_t *p) {
    uint64_t number = 0;
    for (int i = 7; i >= 0; i--)
        number = number * 256 + p[i];
    return number;
}

static yoton_header header_at(const uint8_t *p) {
    return (yoton_header){number_at(p + 8),  number_at(p + 16), number_at(p + 24),
                          number_at(p + 32), number_at(p + 40), number_at(p + 48)};
}

/* The last byte ends a header, or a package. */
static void package_ends(model *m, const yoton_header *h) {
    const uint8_t *item = m->in + m->item_at;
    if (h->length > 0 && m->state == YOTON_LINK_CONNECTED) { /* LINK-24: not while closing */
        model_event *e = tell(m, YOTON_LINK_PACKAGE);
        e->header = *h;
        e->payload = item + 56;
    } else if (h->length == 0 && h->source_seq == 1) {
        down(m, YOTON_OK); /* LINK-14 */
    } else if (h->length == 0 && h->source_seq == 0 && m->state == YOTON_LINK_CONNECTED) {
        tell(m, YOTON_LINK_HEARTBEAT);
    }
    m->item_at = m->in_size;
}

static void package_byte(model *m) {
    const uint8_t *item = m->in + m->item_at;
    size_t have = m->in_size - m->item_at;
    if (have <= 8 && item[have - 1] != (uint8_t) "YOTON   "[have - 1]) {
        down(m, YOTON_E_CONTROL); /* FRAME-3 */
        return;
    }
    if (have < 56)
        return;
    yoton_header h = header_at(item);
    if (h.length > m->config.max_message)
        down(m, YOTON_E_LENGTH); /* FRAME-7 */
    else if (have - 56 == h.length)
        package_ends(m, &h);
}

static bool is_open(const model *m) {
    return m->state == YOTON_LINK_CONNECTED || m->state == YOTON_LINK_CLOSING;
}

void model_input(model *m, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (is_open(m)) {
            m->received = m->now; /* LINK-3 */
            if (m->timed_out && m->state == YOTON_LINK_CONNECTED) {
                m->timed_out = false;
                tell(m, YOTON_LINK_RESUMED); /* LINK-7 */
            }
        } else if (m->state != YOTON_LINK_HANDSHAKE) {
            break;
        }
        CHECK(m->in_size < MODEL_IN);
        m->in[m->in_size++] = data[i];
        if (m->state == YOTON_LINK_HANDSHAKE)
            line_byte(m);
        else
            package_byte(m);
    }
    if (m->line_owed && m->down_due) { /* HS-7: who was good gets its line */
        m->down_due = false;
        m->state = YOTON_LINK_REFUSING;
        m->limit = after(m->now, m->config.close);
    }
    tell_down(m);
}

/* The line will not go on. */
static void line_given_up(model *m, int error) {
    if (is_told_why(m))
        down(m, YOTON_E_NOT_YOTON);
    else if (is_host(m) && m->in_size > 0)
        refuse(m, refusal(m), error); /* HS-17 */
    else
        down(m, error); /* HS-18, HS-24 */
}

void model_eof(model *m) {
    if (m->state == YOTON_LINK_HANDSHAKE)
        line_given_up(m, YOTON_E_EOF);
    else if (is_open(m))
        down(m, YOTON_E_EOF); /* LINK-17 */
    tell_down(m);
}

/* --- time --- */

static bool is_idle(const model *m) { return all_gone(m) && m->queued == 0; }

static yoton_time heartbeat_at(const model *m) {
    return is_idle(m) ? after(m->written, m->config.heartbeat) : YOTON_NEVER; /* LINK-2 */
}

static yoton_time silence_at(const model *m) {
    return m->timed_out ? YOTON_NEVER : after(m->received, m->config.timeout); /* LINK-6 */
}

yoton_time model_deadline(const model *m) {
    if (m->down_due)
        return 0;
    if (m->state == YOTON_LINK_CLOSED)
        return YOTON_NEVER;
    if (m->state != YOTON_LINK_CONNECTED)
        return m->limit;
    return heartbeat_at(m) < silence_at(m) ? heartbeat_at(m) : silence_at(m);
}

void model_tick(model *m) {
    if (m->state == YOTON_LINK_CONNECTED) {
        if (m->now >= heartbeat_at(m))
            add_signal(m, 0); /* LINK-5 */
        if (m->now >= silence_at(m)) {
            m->timed_out = true;
            tell(m, YOTON_LINK_TIMED_OUT);
        }
    } else if (m->state != YOTON_LINK_CLOSED && m->now >= m->limit) {
        if (m->state == YOTON_LINK_HANDSHAKE)
            line_given_up(m, YOTON_E_TIMEOUT);
        else
            down(m, m->state == YOTON_LINK_REFUSING ? m->error : YOTON_E_TIMEOUT); /* LINK-22 */
    }
    tell_down(m);
}

/* --- what we want --- */

void model_close(model *m) {
    if (m->state == YOTON_LINK_HANDSHAKE) {
        down(m, YOTON_OK); /* LINK-19 */
    } else if (m->state == YOTON_LINK_CONNECTED) {
        m->state = YOTON_LINK_CLOSING;
        m->limit = after(m->now, m->config.close);
    }
}

void model_drop(model *m, int error) {
    if (m->state != YOTON_LINK_CLOSED)
        down(m, error); /* LINK-21 */
}

static void take_first(model *m) {
    m->queued--;
    memmove(m->queue, m->queue + 1, m->queued * sizeof m->queue[0]);
}

int model_send(model *m, const model_package *package) {
    if (package->header.length == 0)
        return YOTON_E_ARGUMENT; /* FRAME-15 */
    if (package->header.length > m->config.max_message)
        return YOTON_E_LENGTH; /* LIMIT-2 */
    if (m->state != YOTON_LINK_HANDSHAKE && m->state != YOTON_LINK_CONNECTED)
        return YOTON_E_STATE;
    bool full = m->queued == m->config.queue_packages;
    if (full && m->config.discard == YOTON_DISCARD_NEW)
        return 1;
    if (full)
        take_first(m);
    CHECK(m->queued < MODEL_QUEUE);
    m->queue[m->queued++] = *package;
    return full;
}

void model_output(model *m, size_t pending) {
    if (!is_open(m) || !all_gone(m))
        return;
    if (m->queued == 0) {
        if (m->state == YOTON_LINK_CLOSING) {
            m->close_said = true;
            add_signal(m, 1); /* LINK-12 */
        }
        return;
    }
    CHECK(pending < m->queued); /* something is handed over */
    while (m->queued > pending) {
        add_header(m, &m->queue[0].header);
        add_out(m, m->queue[0].payload, (size_t)m->queue[0].header.length);
        take_first(m);
    }
}

void model_written(model *m, size_t size) {
    if (size == 0)
        return;
    m->written = m->now;
    m->gone += size;
    if (!all_gone(m))
        return;
    m->line_owed = false;
    if (m->state == YOTON_LINK_HANDSHAKE)
        m->limit = after(m->now, m->config.handshake); /* HS-24 */
    else if (m->state == YOTON_LINK_REFUSING)
        down(m, m->error);
    else if (m->close_said)
        down(m, YOTON_OK); /* LINK-16 */
}
