/* SPDX-License-Identifier: BSD-2-Clause */
/* Sections 10 to 12 of the specification, without sync mode: slots, message types, publishing. */
#include "cases/cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TALK "open send recv bin txt" /* what barrier() and a sub channel need */

/* ---- Slots ---- */

static void expect_slots(tester *t, const char *kind, const char *type, const char *out,
                         const char *in) {
    channel *c = open_channel(t, kind, "names", type);
    char full[64];
    snprintf(full, sizeof full, "names.%s.%s", type, out);
    check(t, c->slot_out == slot_of(full), "a %s channel of type %s sends on %llu; %s is %llu",
          kind, type, (unsigned long long)c->slot_out, full, (unsigned long long)slot_of(full));
    snprintf(full, sizeof full, "names.%s.%s", type, in);
    check(t, c->slot_in == slot_of(full), "a %s channel of type %s listens at %llu; %s is %llu",
          kind, type, (unsigned long long)c->slot_in, full, (unsigned long long)slot_of(full));
}

CASE(SLOT, 1, 1, .roles = ROLE_HOST, .needs = "open txt bin obj",
     .title = "base, type and pattern make the name",
     .about = "Opens a pub channel of each type; the slots the adapter tells must be the hashes of "
              "names.txt.pub-sub and so on.") {
    expect_slots(t, "pub", "txt", "pub-sub", "sub-pub");
    expect_slots(t, "pub", "bin", "pub-sub", "sub-pub");
    expect_slots(t, "pub", "obj", "pub-sub", "sub-pub");
}

CASE(SLOT, 2, 1, .roles = ROLE_HOST, .needs = "open txt", .title = "patterns of pub and sub",
     .about = "Opens a pub and a sub channel; the one must send on pub-sub and listen at sub-pub, "
              "the other the reverse.") {
    expect_slots(t, "pub", "txt", "pub-sub", "sub-pub");
    expect_slots(t, "sub", "txt", "sub-pub", "pub-sub");
}

CASE(SLOT, 2, 2, .roles = ROLE_HOST, .needs = "open obj", .title = "patterns of req and rep",
     .about = "Opens a req and a rep channel; the one must send on req-rep and listen at rep-req, "
              "the other the reverse.") {
    expect_slots(t, "req", "obj", "req-rep", "rep-req");
    expect_slots(t, "rep", "obj", "rep-req", "req-rep");
}

CASE(SLOT, 2, 3, .roles = ROLE_HOST, .needs = "open txt", .title = "the pattern of state",
     .about = "Opens a state channel; it must send on and listen at the pattern state.") {
    expect_slots(t, "state", "txt", "state", "state");
}

/* Base names and the slot names they must come to, stripped and lower-cased. */
typedef struct spelling {
    const char *base, *name;
} spelling;

static void expect_spellings(tester *t, const spelling *all, size_t count) {
    for (size_t i = 0; i < count; i++) {
        channel *c = open_pub(t, all[i].base, "txt");
        uint64_t want = slot_of(all[i].name);
        check(t, c->slot_out == want, "base %zu, \"%s\": slot %llu instead of %llu, that of %s",
              i + 1, all[i].base, (unsigned long long)c->slot_out, (unsigned long long)want,
              all[i].name);
        call(t, "close_channel", "{s:s}", "channel", c->name);
    }
}

CASE(SLOT, 3, 1, .roles = ROLE_HOST, .needs = "open close_channel txt",
     .title = "white space around the name",
     .about = "Opens channels with white space of several kinds in front of their base name, and "
              "with characters that look like it and are not; the slot must be that of the name "
              "stripped of what the specification lists, and of nothing else.") {
    static const spelling all[] = {
        {" \t\nname", "name.txt.pub-sub"},
        {"\x1C\x1D\x1E\x1Fname", "name.txt.pub-sub"},
        {"\xC2\x85\xC2\xA0name", "name.txt.pub-sub"},
        {"\xE1\x9A\x80\xE2\x80\x80\xE2\x80\x8Aname", "name.txt.pub-sub"},
        {"\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAF\xE2\x81\x9F\xE3\x80\x80name", "name.txt.pub-sub"},
        {"\xE2\x80\x8Bname", "\xE2\x80\x8Bname.txt.pub-sub"}, /* zero width: no white space */
        {"\xEF\xBB\xBFname", "\xEF\xBB\xBFname.txt.pub-sub"},
        {"in side", "in side.txt.pub-sub"}};
    expect_spellings(t, all, sizeof all / sizeof *all);
}

CASE(SLOT, 4, 1, .roles = ROLE_HOST, .needs = "open close_channel txt",
     .title = "upper and lower case",
     .about =
         "Opens channels with upper-case base names: Latin, Greek with final sigmas, Cyrillic, "
         "a dotted I, a letter outside the BMP; the slot must be that of the lower-case "
         "name.") {
    static const spelling all[] = {
        {"Chat", "chat.txt.pub-sub"},
        {"\xC3\x80\xC3\x89\xC3\x9C\xC3\x9F", "\xC3\xA0\xC3\xA9\xC3\xBC\xC3\x9F.txt.pub-sub"},
        {"\xCE\x9F\xCE\xA3", "\xCE\xBF\xCF\x83.txt.pub-sub"}, /* letters follow: not final */
        {"\xCE\x9F\xCE\xA3 x", "\xCE\xBF\xCF\x82 x.txt.pub-sub"},
        {"\xD0\x96", "\xD0\xB6.txt.pub-sub"},
        {"\xC4\xB0", "i\xCC\x87.txt.pub-sub"},
        {"\xF0\x90\x90\x80", "\xF0\x90\x90\xA8.txt.pub-sub"},
        {"\xE2\x84\xAA", "k.txt.pub-sub"}};
    expect_spellings(t, all, sizeof all / sizeof *all);
}

CASE(SLOT, 5, 1, .roles = ROLE_HOST, .needs = "open txt", .title = "a hash known in advance",
     .about = "Opens a pub channel with the base name foo; its outgoing slot must be "
              "15285871923228.") {
    channel *c = open_pub(t, "foo", "txt");
    check(t, c->slot_out == UINT64_C(15285871923228), "foo.txt.pub-sub came to %llu",
          (unsigned long long)c->slot_out);
}

static char *repeated(const char *piece, size_t times) {
    size_t size = strlen(piece);
    char *text = malloc(size * times + 32);
    if (text == NULL)
        abort();
    for (size_t i = 0; i < times; i++)
        memcpy(text + i * size, piece, size);
    text[size * times] = '\0';
    return text;
}

static void expect_repeated(tester *t, const char *piece, size_t times) {
    char *base = repeated(piece, times), *full = repeated(piece, times);
    strcat(full, ".txt.pub-sub");
    channel *c = open_pub(t, base, "txt");
    check(t, c->slot_out == slot_of(full), "%zu times %s: %llu instead of %llu", times, piece,
          (unsigned long long)c->slot_out, (unsigned long long)slot_of(full));
}

CASE(SLOT, 6, 1, .roles = ROLE_HOST, .needs = "open txt", .title = "sums beyond 64 bits",
     .about = "Opens channels with long base names, around the lengths at which the sum outgrows "
              "64 bits and far above; the slots must be those of the unbounded sum.") {
    for (size_t times = 118; times <= 126; times += 2)
        expect_repeated(t, "a", times);
    for (size_t times = 58; times <= 64; times += 2)
        expect_repeated(t, "\xF0\x9F\x98\x80", times);
    expect_repeated(t, "b", 500);
    expect_repeated(t, "\xC3\xA9", 3000);
}

CASE(SLOT, 7, 1, .roles = ROLE_HOST, .needs = "open close_channel txt",
     .title = "one channel for a slot",
     .about = "Opens a pub channel, another of the same slot, which must be refused, one with the "
              "name in upper case, which must be refused too, and after the first is closed a "
              "second time.") {
    channel *c = open_pub(t, "taken", "txt");
    static const char form[] = "{s:s, s:s, s:s, s:s}";
    expect_refused(t,
                   try_call(t, "open", form, "channel", "second", "kind", "pub", "slot", "taken",
                            "type", "txt"),
                   "a second pub channel of the same slot");
    expect_refused(t,
                   try_call(t, "open", form, "channel", "third", "kind", "pub", "slot", "TAKEN",
                            "type", "txt"),
                   "the same slot in upper case");
    call(t, "close_channel", "{s:s}", "channel", c->name);
    open_pub(t, "taken", "txt");
}

CASE(LIMIT, 11, 1, .roles = ROLE_HOST, .needs = "open txt", .title = "a name of 60000 letters",
     .about = "Opens a pub channel with a base name of 60000 letters; it should be taken, and have "
              "the right slot.") {
    expect_repeated(t, "z", 60000);
}

/* ---- Message types ---- */

CASE(MSG, 1, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "one message, one package",
     .about = "Has the peer publish a message of 200000 bytes between two small ones; each must "
              "come as one package.") {
    channel *pub = open_pub(t, "whole", "txt");
    end *e = establish(t);
    char *large = repeated("0123456789", 20000);
    const char *const texts[] = {"small", large, "small again"};
    for (int i = 0; i < 3; i++)
        publish(pub, texts[i]);
    for (int i = 0; i < 3; i++) {
        package want = {.slot = pub->slot_out, .payload = texts[i], .size = strlen(texts[i])};
        expect_package(e, &want, SLOT | PAYLOAD);
    }
}

CASE(MSG, 1, 2, .roles = ROLES_BOTH, .needs = TALK, .title = "one package, one message",
     .about =
         "Sends the peer a message of 200000 bytes; its sub channel must hand out all of it at "
         "once.") {
    channel *sub = open_sub(t, "whole", "txt");
    end *e = establish(t);
    char *large = repeated("0123456789", 20000);
    package p = message(e, sub->slot_in, large);
    send_package(e, &p);
    expect_received(sub, large);
}

CASE(MSG, 2, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "an empty message is not sent",
     .about = "Has the peer publish an empty text, empty bytes and then a text; only the last may "
              "come.") {
    channel *text = open_pub(t, "empty", "txt"), *bytes = open_pub(t, "empty", "bin");
    end *e = establish(t);
    try_call(t, "send", "{s:s, s:s}", "channel", text->name, "value", "");
    try_call(t, "send", "{s:s, s:{s:s}}", "channel", bytes->name, "value", "hex", "");
    publish(text, "x");
    package want = {.slot = text->slot_out, .length = 1, .payload = "x", .size = 1};
    expect_package(e, &want, SLOT | LENGTH | PAYLOAD);
}

#define UNICODE "na\xC3\xAFve \xCE\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"

CASE(MSG, 3, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "text is sent as UTF-8",
     .about = "Has the peer publish a text with characters of one to four bytes; the payload must "
              "be exactly its UTF-8.") {
    channel *pub = open_pub(t, "unicode", "txt");
    end *e = establish(t);
    publish(pub, UNICODE);
    package want = {.slot = pub->slot_out, .payload = UNICODE, .size = strlen(UNICODE)};
    expect_package(e, &want, SLOT | PAYLOAD);
}

CASE(MSG, 3, 2, .roles = ROLES_BOTH, .needs = TALK, .title = "text is read as UTF-8",
     .about = "Sends the peer a text with characters of one to four bytes; its sub channel must "
              "hand out just this text.") {
    channel *sub = open_sub(t, "unicode", "txt");
    end *e = establish(t);
    package p = message(e, sub->slot_in, UNICODE);
    send_package(e, &p);
    expect_received(sub, UNICODE);
}

CASE(MSG, 4, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "bytes go as they are",
     .about = "Has the peer publish all 256 byte values and sends it the same; both ways they must "
              "arrive unchanged.") {
    channel *pub = open_pub(t, "out", "bin"), *sub = open_sub(t, "in", "bin");
    end *e = establish(t);
    uint8_t bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)i;
    publish_bytes(pub, bytes, sizeof bytes);
    package want = {.slot = pub->slot_out, .payload = bytes, .size = sizeof bytes};
    expect_package(e, &want, SLOT | PAYLOAD);
    package p = message_bytes(e, sub->slot_in, bytes, sizeof bytes);
    send_package(e, &p);
    expect_received_bytes(sub, bytes, sizeof bytes);
}

/* ---- Publish and subscribe ---- */

CASE(
    PUB, 1, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "to everybody on its slot",
    .about = "Has the peer publish with two connections; slot and dest_id must be right on both.") {
    channel *pub = open_pub(t, "news", "txt");
    end *a = establish(t), *b = establish(t);
    publish(pub, "news");
    package want = {.slot = slot_of("news.txt.pub-sub"), .payload = "news", .size = 4};
    expect_package(a, &want, SLOT | DEST_ID | PAYLOAD);
    expect_package(b, &want, SLOT | DEST_ID | PAYLOAD);
}

CASE(PUB, 2, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "dest_seq is 0",
     .about = "Has the peer publish; dest_seq must be 0.") {
    channel *pub = open_pub(t, "news", "txt");
    end *e = establish(t);
    publish(pub, "news");
    package want = {.slot = pub->slot_out};
    expect_package(e, &want, SLOT | DEST_SEQ);
}

CASE(PUB, 3, 1, .roles = ROLES_BOTH, .needs = TALK, .title = "messages are handed out in order",
     .about = "Sends 60 messages; the peer's sub channel must hand them out in this order.") {
    channel *sub = open_sub(t, "order", "txt");
    end *e = establish(t);
    char texts[60][32];
    for (int i = 0; i < 60; i++) {
        snprintf(texts[i], sizeof texts[i], "number %d", i);
        package p = message(e, sub->slot_in, texts[i]);
        send_package(e, &p);
    }
    for (int i = 0; i < 60; i++)
        expect_received(sub, texts[i]);
}

static void overfill(tester *t, const char *mode, const char *const *left) {
    call(t, "options", "{s:[i,s]}", "queue", 4, mode);
    channel *sub = open_sub(t, "full", "txt");
    end *e = establish(t);
    const char *const texts[] = {"1", "2", "3", "4", "5", "6"};
    for (int i = 0; i < 6; i++) {
        package p = message(e, sub->slot_in, texts[i]);
        send_package(e, &p);
    }
    barrier(t);
    for (int i = 0; i < 4; i++)
        expect_received(sub, left[i]);
    expect_no_message(sub);
}

CASE(PUB, 4, 1, .roles = ROLES_BOTH, .needs = TALK " options",
     .title = "a full queue drops the oldest",
     .about = "Sets the queues to 4 messages, mode old, and sends 6; the last 4 must be handed "
              "out.") {
    const char *const left[] = {"3", "4", "5", "6"};
    overfill(t, "old", left);
}

CASE(PUB, 4, 2, .roles = ROLES_BOTH, .needs = TALK " options", .title = "or the newest",
     .about = "Sets the queues to 4 messages, mode new, and sends 6; the first 4 must be handed "
              "out.") {
    const char *const left[] = {"1", "2", "3", "4"};
    overfill(t, "new", left);
}

CASE(PUB, 5, 1, .roles = ROLES_BOTH, .needs = TALK " close_channel",
     .title = "sending on a closed channel",
     .about =
         "Closes a pub channel of the peer and sends on it; that must be an error, and nothing "
         "may come.") {
    channel *pub = open_pub(t, "shut", "txt");
    end *e = establish(t);
    call(t, "close_channel", "{s:s}", "channel", pub->name);
    expect_refused(
        t, try_call(t, "send", "{s:s, s:s}", "channel", pub->name, "value", "into the void"),
        "sending on a closed channel");
    barrier(t);
    expect_nothing(e);
}

CASE(PUB, 6, 1, .roles = ROLES_BOTH, .needs = TALK " close_channel",
     .title = "a closed sub channel gets nothing new",
     .about = "Sends a message, closes the peer's sub channel, and sends another; the first can "
              "still be received, the second not.") {
    channel *sub = open_sub(t, "shut", "txt");
    end *e = establish(t);
    package before = message(e, sub->slot_in, "before");
    send_package(e, &before);
    barrier(t);
    call(t, "close_channel", "{s:s}", "channel", sub->name);
    package after = message(e, sub->slot_in, "after");
    send_package(e, &after);
    barrier(t);
    expect_received(sub, "before");
    json_t *reply = try_call(t, "recv", "{s:s, s:f}", "channel", sub->name, "timeout", 0.0);
    const char *value = json_string_value(json_object_get(reply, "value"));
    check(t, !reply_ok(reply) || value == NULL || *value == '\0', "a message came: %s",
          value ? value : "");
}

CASE(PUB, 7, 1, .roles = ROLES_BOTH, .needs = TALK,
     .title = "dest_seq and direction are not judged",
     .about = "Sends the peer's sub channel a message with a dest_seq, and one that is directed at "
              "the peer; both must be received.") {
    channel *sub = open_sub(t, "odd", "txt");
    end *e = establish(t);
    package numbered = message(e, sub->slot_in, "numbered");
    numbered.dest_seq = UINT64_C(0x8000000000000005);
    send_package(e, &numbered);
    package directed = message(e, sub->slot_in, "directed");
    directed.dest_id = e->peer_id;
    send_package(e, &directed);
    expect_received(sub, "numbered");
    expect_received(sub, "directed");
}

const struct test_case *const messages_cases[] = {
    &SLOT_1_1, &SLOT_2_1, &SLOT_2_2,   &SLOT_2_3, &SLOT_3_1, &SLOT_4_1, &SLOT_5_1,
    &SLOT_6_1, &SLOT_7_1, &LIMIT_11_1, &MSG_1_1,  &MSG_1_2,  &MSG_2_1,  &MSG_3_1,
    &MSG_3_2,  &MSG_4_1,  &PUB_1_1,    &PUB_2_1,  &PUB_3_1,  &PUB_4_1,  &PUB_4_2,
    &PUB_5_1,  &PUB_6_1,  &PUB_7_1,    NULL};
