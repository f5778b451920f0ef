/* SPDX-License-Identifier: BSD-2-Clause */
/* index.html: one page that needs nothing else, readable without its script, on paper and on a
 * telephone. The style and the script are in html_assets.c. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "judge/judge.h"
#include "report/html.h"
#include "report/report.h"
#include "report/sequence.h"

/* The order in which a reader wants them. */
static const char *const verdicts[] = {"error", "fail",        "flaky", "xpass", "warn",
                                       "xfail", "unsupported", "skip",  "pass"};
enum { VERDICTS = sizeof verdicts / sizeof *verdicts };

static const char *const meanings[] = {"the harness itself failed",
                                       "breaks the requirement",
                                       "not the same in every run",
                                       "passes, though listed as a known failure",
                                       "does not do what is recommended",
                                       "fails as known",
                                       "the adapter cannot do what the case needs",
                                       "left out",
                                       "as required"};

static void tag(FILE *file, const char *name, const char *class, const char *text) {
    fprintf(file, "<%s class=\"%s\">", name, class);
    write_escaped(file, text);
    fprintf(file, "</%s>", name);
}

/* ---- Bytes ---- */

static int nibble(char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; }

static uint8_t byte_at(const char *hex, size_t i) {
    return (uint8_t)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
}

static bool is_package(const char *hex, size_t count) {
    uint8_t bytes[JUDGE_CONTROL];
    size_t size = count < JUDGE_CONTROL ? count : JUDGE_CONTROL;
    for (size_t i = 0; i < size; i++)
        bytes[i] = byte_at(hex, i);
    return count >= JUDGE_HEADER && judge_control(bytes, size) == JUDGE_CONTROL;
}

/* One line of eight bytes: offset, hex, and the field's name or the text. */
static void write_row(FILE *file, const char *hex, size_t at, size_t count, json_int_t wrong,
                      bool package) {
    bool marked = wrong >= (json_int_t)at && wrong < (json_int_t)(at + 8);
    fprintf(file, "%s<i>%04zx</i> ", marked ? "<b class=\"bad\">" : "", at);
    for (size_t i = at; i < at + 8; i++) {
        if (i >= count)
            fputs("   ", file);
        else if ((json_int_t)i == wrong)
            fprintf(file, " <mark>%.2s</mark>", hex + 2 * i);
        else
            fprintf(file, " %.2s", hex + 2 * i);
    }
    fputs("  ", file);
    if (package && at < JUDGE_HEADER) {
        fputs(judge_field(at), file);
    } else {
        for (size_t i = at; i < at + 8 && i < count; i++) {
            char text[2] = {(char)byte_at(hex, i), '\0'};
            write_escaped(file, text[0] >= ' ' && text[0] < 0x7F ? text : ".");
        }
    }
    if (marked)
        fprintf(file, "  ← first wrong byte, offset %lld</b>", (long long)wrong);
    fputc('\n', file);
}

static void write_bytes(FILE *file, const json_t *entry) {
    const char *hex = json_string_value(json_object_get(entry, "hex"));
    if (hex == NULL || *hex == '\0')
        return;
    const json_t *mark = json_object_get(entry, "wrong");
    json_int_t wrong = json_is_integer(mark) ? json_integer_value(mark) : -1;
    json_int_t size = json_integer_value(json_object_get(entry, "size"));
    size_t count = strlen(hex) / 2;
    bool package = is_package(hex, count);
    fprintf(file, "<details%s><summary>%lld bytes</summary><pre>", wrong >= 0 ? " open" : "",
            (long long)size);
    for (size_t at = 0; at < count; at += 8)
        write_row(file, hex, at, count, wrong, package);
    if (wrong >= (json_int_t)count)
        fprintf(file, "<b class=\"bad\">first wrong byte: offset %lld</b>\n", (long long)wrong);
    if (size > (json_int_t)count)
        fprintf(file, "… and %lld more\n", (long long)size - (long long)count);
    fputs("</pre></details>", file);
}

/* ---- What happened ---- */

static void write_entry(FILE *file, const json_t *entry) {
    const char *direction = json_get_text(entry, "direction");
    const char *arrow = strcmp(direction, "sent") == 0       ? "→"
                        : strcmp(direction, "received") == 0 ? "←"
                                                             : "·";
    bool wrong = json_object_get(entry, "wrong") != NULL;
    fprintf(file, "<tr class=\"%s%s\"><td class=\"t\">%.3f<td class=\"w\">", direction,
            wrong ? " wrong" : "", json_number_value(json_object_get(entry, "t")));
    write_escaped(file, json_get_text(entry, "who"));
    fprintf(file, "<td title=\"%s\">%s<td>", direction, arrow);
    write_escaped(file, json_get_text(entry, "what"));
    write_bytes(file, entry);
    fputs("</tr>\n", file);
}

static void write_transcript(FILE *file, const json_t *one) {
    const json_t *transcript = json_object_get(one, "transcript");
    if (json_array_size(transcript) > 0) {
        write_sequence(file, transcript, strcmp(json_get_text(one, "origin"), "adapter") == 0,
                       "harness", "peer");
        fputs("<h4>What was sent (→) and received (←)</h4><div class=\"scroll\"><table>"
              "<tr><th>s<th>who<th><th>what</tr>\n",
              file);
        size_t i;
        json_t *entry;
        json_array_foreach(transcript, i, entry) write_entry(file, entry);
        fputs("</table></div>", file);
    }
    if (json_object_get(one, "stderr") != NULL) {
        fputs("<h4>Standard error of the adapter</h4><pre>", file);
        write_escaped(file, json_get_text(one, "stderr"));
        fputs("</pre>", file);
    }
}

/* ---- A case ---- */

static void write_contrast(FILE *file, const json_t *one) {
    if (json_object_get(one, "expected") == NULL)
        return;
    fputs("<dl><dt>expected<dd>", file);
    write_escaped(file, json_get_text(one, "expected"));
    fputs("<dt>got<dd>", file);
    write_escaped(file, json_get_text(one, "got"));
    if (json_object_get(one, "offset") != NULL) {
        fputs("<dt>where<dd>", file);
        write_escaped(file, json_get_text(one, "field"));
        fprintf(file, ", offset %lld",
                (long long)json_integer_value(json_object_get(one, "offset")));
    }
    fputs("</dl>", file);
}

static void cell(FILE *file, const json_t *difference, const char *key) {
    fputs("<td>", file);
    write_escaped(file, json_get_text(difference, key));
}

static void write_differences(FILE *file, const json_t *one) {
    const json_t *list = json_object_get(one, "differences");
    size_t i;
    json_t *d;
    if (json_array_size(list) == 0)
        return;
    fputs("<h4>Recorded and live</h4><div class=\"scroll\"><table class=\"differences\">"
          "<tr><th>where<th>what<th>recorded<th>live</tr>\n",
          file);
    json_array_foreach(list, i, d) {
        fprintf(file, "<tr><td class=\"where\" title=\"%.6f s\">stream %lld, frame %lld",
                json_number_value(json_object_get(d, "time")),
                (long long)json_integer_value(json_object_get(d, "stream")),
                (long long)json_integer_value(json_object_get(d, "frame")));
        cell(file, d, "what");
        cell(file, d, "recorded");
        cell(file, d, "live");
        fputs("</tr>\n", file);
    }
    fputs("</table></div>", file);
}

/* A sentence of the specification: what stands between backquotes is code. */
static void write_sentence(FILE *file, const char *text) {
    bool code = false;
    while (*text != '\0') {
        size_t size = strcspn(text, "`");
        char *part = copy_of(text, size);
        write_escaped(file, part);
        free(part);
        text += size;
        if (*text == '\0')
            break;
        code = !code;
        fputs(code ? "<code>" : "</code>", file);
        text++;
    }
    if (code)
        fputs("</code>", file);
}

static void write_rule(FILE *file, const json_t *one) {
    fputs("<blockquote>", file);
    tag(file, "b", "rule", json_get_text(one, "requirement"));
    fprintf(file, " (%s, %s) ", json_get_text(one, "level"), json_get_text(one, "origin"));
    write_sentence(file, json_get_text(one, "text"));
    tag(file, "footer", "source", json_get_text(one, "section"));
    fputs("</blockquote>\n", file);
}

static void write_case(FILE *file, const json_t *one) {
    const char *verdict = json_get_text(one, "verdict"), *id = json_get_text(one, "id");
    fprintf(file,
            "<details class=\"case\" id=\"%s-%s\" data-verdict=\"%s\" data-topic=\"%.*s\" "
            "data-level=\"%s\" data-role=\"%s\"><summary>",
            id, json_get_text(one, "role"), verdict, (int)strcspn(id, "-"), id,
            json_get_text(one, "level"), json_get_text(one, "role"));
    fprintf(file, "<span class=\"v %s\">%s</span> <b>%s</b> <span class=\"role\">%s</span> ",
            verdict, verdict, id, json_get_text(one, "role"));
    write_escaped(file, json_get_text(one, "title"));
    if (*json_get_text(one, "why"))
        tag(file, "span", "why", json_get_text(one, "why"));
    fputs("</summary>\n<div class=\"body\">", file);
    write_rule(file, one);
    tag(file, "p", "about", json_get_text(one, "about"));
    if (json_object_get(one, "known") != NULL) {
        fputs("<p>Known failure: ", file);
        write_escaped(file, json_get_text(one, "known"));
        fputs("</p>", file);
    }
    write_contrast(file, one);
    write_differences(file, one);
    fputs("<h4>This case alone</h4>", file);
    tag(file, "pre", "again", json_get_text(one, "rerun"));
    if (json_object_get(one, "capture") != NULL) {
        fputs("<p>The conversation for Wireshark: <a href=\"", file);
        write_escaped(file, json_get_text(one, "capture"));
        fputs("\">", file);
        write_escaped(file, json_get_text(one, "capture"));
        fputs("</a></p>", file);
    }
    write_transcript(file, one);
    fprintf(file, "<p class=\"small\">%.3f s", json_number_value(json_object_get(one, "seconds")));
    if (json_integer_value(json_object_get(one, "runs")) > 1)
        fprintf(file, ", the longest of %lld runs",
                (long long)json_integer_value(json_object_get(one, "runs")));
    fputs("</p></div></details>\n", file);
}

/* ---- The page ---- */

static void write_field(FILE *file, const char *name, const char *text) {
    fprintf(file, "<dt>%s<dd>", name);
    write_escaped(file, *text ? text : "–");
}

static void write_head(FILE *file, const json_t *results) {
    const json_t *peer = json_object_get(results, "peer");
    const char *name = json_get_text(peer, "name"), *version = json_get_text(peer, "version");
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Yoton conformance: ",
          file);
    write_escaped(file, name);
    fprintf(file, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<header>\n<h1>", html_style,
            sequence_style);
    write_escaped(file, name);
    fputc(' ', file);
    tag(file, "small", "version", version);
    fputs("</h1>\n", file);
    json_int_t code = json_integer_value(json_object_get(results, "exit"));
    tag(file, "p", code == EXIT_CONFORMS ? "outcome good" : "outcome poor", outcome_of(results));
    fputs("<dl class=\"about\">", file);
    write_field(file, "judged", json_get_text(results, "started"));
    write_field(file, "implementation", json_get_text(peer, "implementation"));
    write_field(file, "specification", json_get_text(json_object_get(results, "spec"), "version"));
    write_field(file, "yotonspec", json_get_text(json_object_get(results, "harness"), "version"));
    write_field(file, "seed", json_get_text(results, "seed"));
    write_field(file, "shard", json_get_text(results, "shard"));
    char *seconds = text_of("%.1f s", json_number_value(json_object_get(results, "seconds")));
    write_field(file, "took", seconds);
    free(seconds);
    const json_t *measured = json_object_get(results, "measured");
    char *deadlines = text_of("times %.3g (the adapter starts in %.0f ms, answers in %.1f ms)",
                              json_number_value(json_object_get(results, "scale")),
                              json_number_value(json_object_get(measured, "start")) * 1000,
                              json_number_value(json_object_get(measured, "trip")) * 1000);
    if (measured != NULL)
        write_field(file, "deadlines", deadlines);
    free(deadlines);
    fputs("</dl>\n</header>\n", file);
}

static long count_of(const json_t *results, const char *verdict) {
    return (long)json_integer_value(json_object_get(json_object_get(results, "counts"), verdict));
}

static void write_filters(FILE *file, const json_t *results) {
    fputs("<nav id=\"filters\">", file);
    for (int i = 0; i < VERDICTS; i++)
        if (count_of(results, verdicts[i]) > 0)
            fprintf(file,
                    "<button data-verdict=\"%s\" title=\"%s\" aria-pressed=\"false\">"
                    "<span class=\"v %s\">%s</span> %ld</button>\n",
                    verdicts[i], meanings[i], verdicts[i], verdicts[i],
                    count_of(results, verdicts[i]));
    fputs("<label>topic <select id=\"topic\"><option value=\"\">all</option></select></label>\n"
          "<label>level <select id=\"level\"><option value=\"\">all</option></select></label>\n"
          "<label>role <select id=\"role\"><option value=\"\">all</option></select></label>\n"
          "<label>find <input id=\"find\" type=\"search\"></label>\n"
          "<button id=\"open\">open all</button></nav>\n",
          file);
}

/* The connections of captures, as they went; a few are shown at once. */
static void write_streams(FILE *file, const json_t *results) {
    enum { OPEN = 4 };
    bool few = json_array_size(json_object_get(results, "streams")) <= OPEN;
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(results, "streams"), i, one) {
        fprintf(file, "<details class=\"stream\"%s><summary>", few ? " open" : "");
        write_escaped(file, json_get_text(one, "title"));
        fputs(" <span class=\"role\">", file);
        write_escaped(file, json_get_text(one, "client"));
        fputs(" → ", file);
        write_escaped(file, json_get_text(one, "host"));
        fputs("</span></summary>\n", file);
        write_sequence(file, json_object_get(one, "transcript"), true, "client", "host");
        fputs("</details>\n", file);
    }
}

void write_html_report(FILE *file, const json_t *results) {
    const json_t *cases = json_object_get(results, "cases");
    write_head(file, results);
    write_filters(file, results);
    write_streams(file, results);
    fputs("<main>\n", file);
    for (int i = 0; i < VERDICTS; i++) {
        size_t n;
        json_t *one;
        json_array_foreach(cases, n, one) {
            if (strcmp(json_get_text(one, "verdict"), verdicts[i]) == 0)
                write_case(file, one);
        }
    }
    fprintf(file,
            "</main>\n<p id=\"none\" hidden>No case is like that.</p>\n<script>\n%s</script>\n"
            "</body>\n</html>\n",
            html_script);
}
