/* SPDX-License-Identifier: BSD-2-Clause */
#include "report/compare.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/util.h"
#include "report/html.h"
#include "report/report.h"

static const char style[] =
    "body { max-width: none } table { table-layout: auto; width: auto; min-width: 100% }\n"
    "thead th { position: sticky; top: 0; background: var(--paper); color: var(--ink);\n"
    "  font-weight: 600; z-index: 1; vertical-align: bottom; width: auto !important }\n"
    "tbody th { color: var(--ink); width: auto !important; min-width: 11rem }\n"
    "tbody th small { display: block } td { white-space: nowrap; padding-right: 1rem }\n"
    "td a { text-decoration: none } td a:focus, td a:hover { outline: 2px solid var(--note) }\n"
    "tr.topic th { padding-top: 1.2rem; font-weight: 600; border: 0 }\n"
    ".scroll { overflow: visible } nav { position: static }\n"
    "@media (max-width: 40rem) { tbody th { min-width: 7rem } .scroll { overflow-x: auto }\n"
    "  thead th { position: static } }\n";

/* The filters are kept in the fragment of the address, so that a link leads to what is seen. */
static const char script[] =
    "const ids = ['topic', 'level', 'role', 'verdict', 'find'], at = id => "
    "document.getElementById(id)\n"
    "const rows = [...document.querySelectorAll('tr[data-id]')]\n"
    "function show() {\n"
    "  const f = Object.fromEntries(ids.map(id => [id, at(id).value])), d = at('differs').checked\n"
    "  let n = 0\n"
    "  for (const r of rows) {\n"
    "    const good = (!f.topic || r.dataset.topic == f.topic) && (!f.level || r.dataset.level == "
    "f.level) &&\n"
    "      (!f.role || r.dataset.role == f.role) && (!f.verdict || (' ' + r.dataset.verdicts + ' ')"
    ".includes(' ' + f.verdict + ' ')) &&\n"
    "      (!d || r.dataset.differs) && "
    "r.textContent.toLowerCase().includes(f.find.toLowerCase())\n"
    "    r.hidden = !good; n += good ? 1 : 0\n"
    "  }\n"
    "  for (const t of document.querySelectorAll('tr.topic'))\n"
    "    t.hidden = !rows.some(r => !r.hidden && r.dataset.topic == t.dataset.topic)\n"
    "  at('count').textContent = n + ' of ' + rows.length\n"
    "  const kept = new URLSearchParams(ids.filter(id => f[id]).map(id => [id, f[id]]))\n"
    "  if (d) kept.set('differs', 1)\n"
    "  history.replaceState(null, '', '#' + kept)\n"
    "}\n"
    "for (const id of ['topic', 'level', 'role', 'verdict']) {\n"
    "  const key = id == 'verdict' ? 'verdicts' : id\n"
    "  for (const v of [...new Set(rows.flatMap(r => r.dataset[key].split(' ')))])\n"
    "    at(id).add(new Option(v, v))\n"
    "}\n"
    "const asked = new URLSearchParams(location.hash.slice(1))\n"
    "for (const id of ids) if (asked.get(id)) at(id).value = asked.get(id)\n"
    "at('differs').checked = asked.has('differs')\n"
    "for (const id of [...ids, 'differs']) at(id).addEventListener('input', show)\n"
    "show()\n";

/* ---- Rows ---- */

static const json_t *find(const json_t *results, const char *id, const char *role) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(results, "cases"), i, one) {
        if (strcmp(json_get_text(one, "id"), id) == 0 &&
            strcmp(json_get_text(one, "role"), role) == 0)
            return one;
    }
    return NULL;
}

static void attribute(FILE *file, const char *name, const char *value) {
    fprintf(file, " %s=\"", name);
    write_escaped(file, value);
    fputc('"', file);
}

static void write_cell(FILE *file, const struct compared *peer, const json_t *one) {
    if (one == NULL) {
        fputs("<td class=\"small\">–</td>", file);
        return;
    }
    const char *verdict = json_get_text(one, "verdict"), *why = json_get_text(one, "why");
    fputs("<td>", file);
    if (peer->page != NULL) {
        char *link =
            text_of("%s#%s-%s", peer->page, json_get_text(one, "id"), json_get_text(one, "role"));
        fputs("<a", file);
        attribute(file, "href", link);
        attribute(file, "title", *why != '\0' ? why : verdict);
        fputc('>', file);
        free(link);
    }
    fprintf(file, "<span class=\"v %s\"", verdict);
    if (peer->page == NULL)
        attribute(file, "title", *why != '\0' ? why : verdict);
    fprintf(file, ">%s</span>%s</td>", verdict, peer->page != NULL ? "</a>" : "");
}

static char *topic_of(const char *id) { return copy_of(id, strcspn(id, "-")); }

static void write_row(FILE *file, const struct compared *peers, size_t count, const json_t *one) {
    const char *id = json_get_text(one, "id"), *role = json_get_text(one, "role"), *first = NULL;
    char *topic = topic_of(id), *verdicts = copy_of("", 0);
    bool differs = false;
    for (size_t i = 0; i < count; i++) {
        const json_t *its = find(peers[i].results, id, role);
        const char *verdict = its != NULL ? json_get_text(its, "verdict") : "missing";
        char *more = text_of("%s%s%s", verdicts, i > 0 ? " " : "", verdict);
        free(verdicts);
        verdicts = more;
        if (its != NULL) {
            differs = differs || (first != NULL && strcmp(first, verdict) != 0);
            first = verdict;
        }
    }
    fputs("<tr", file);
    attribute(file, "data-id", id);
    attribute(file, "data-topic", topic);
    attribute(file, "data-level", json_get_text(one, "level"));
    attribute(file, "data-role", role);
    attribute(file, "data-verdicts", verdicts);
    fputs(differs ? " data-differs=\"1\"><th scope=\"row\">" : "><th scope=\"row\">", file);
    write_escaped(file, id);
    fputs(" <span class=\"role\">as ", file);
    write_escaped(file, role);
    fputs("</span><small>", file);
    write_escaped(file, json_get_text(one, "title"));
    fputs("</small></th>", file);
    for (size_t i = 0; i < count; i++)
        write_cell(file, &peers[i], find(peers[i].results, id, role));
    fputs("</tr>\n", file);
    free(topic);
    free(verdicts);
}

/* The cases of the first, then what later ones have besides. */
static bool seen_before(const struct compared *peers, size_t until, const json_t *one) {
    for (size_t i = 0; i < until; i++)
        if (find(peers[i].results, json_get_text(one, "id"), json_get_text(one, "role")) != NULL)
            return true;
    return false;
}

static void write_rows(FILE *file, const struct compared *peers, size_t count) {
    char *last = copy_of("", 0);
    for (size_t i = 0; i < count; i++) {
        size_t n;
        json_t *one;
        json_array_foreach(json_object_get(peers[i].results, "cases"), n, one) {
            if (seen_before(peers, i, one))
                continue;
            char *topic = topic_of(json_get_text(one, "id"));
            if (strcmp(topic, last) != 0)
                fprintf(file,
                        "<tr class=\"topic\" data-topic=\"%s\"><th scope=\"rowgroup\" "
                        "colspan=\"%zu\">%s</th></tr>\n",
                        topic, count + 1, topic);
            free(last);
            last = topic;
            write_row(file, peers, count, one);
        }
    }
    free(last);
}

/* ---- The page ---- */

static void write_heads(FILE *file, const struct compared *peers, size_t count) {
    fputs("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">case</th>", file);
    for (size_t i = 0; i < count; i++) {
        fputs("<th scope=\"col\">", file);
        if (peers[i].page != NULL) {
            fputs("<a", file);
            attribute(file, "href", peers[i].page);
            fputc('>', file);
        }
        write_escaped(file, peers[i].title);
        fputs(peers[i].page != NULL ? "</a><br><span class=\"small\">"
                                    : "<br><span class=\"small\">",
              file);
        const char *verdict;
        json_t *number, *counts = json_object_get(peers[i].results, "counts");
        json_object_foreach(counts, verdict, number) {
            if (json_integer_value(number) <= 0)
                continue;
            fprintf(file, "%lld&nbsp;", (long long)json_integer_value(number));
            write_escaped(file, verdict);
            fputc(' ', file);
        }
        fputs("</span></th>", file);
    }
    fputs("</tr></thead>\n<tbody>\n", file);
}

void write_comparison(FILE *file, const struct compared *peers, size_t count) {
    static const char *const selects[] = {"topic", "level", "role", "verdict"};
    fprintf(file,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
            "<meta name=\"color-scheme\" content=\"light dark\">\n"
            "<title>Yoton conformance: %zu side by side</title>\n<style>\n%s%s</style>\n</head>\n"
            "<body>\n<h1>Yoton conformance</h1>\n<nav id=\"filters\" aria-label=\"filters\">",
            count, html_style, style);
    for (size_t i = 0; i < sizeof selects / sizeof *selects; i++)
        fprintf(file,
                "<label>%s <select id=\"%s\"><option value=\"\">all</option></select></label>\n",
                selects[i], selects[i]);
    fputs(
        "<label>find <input id=\"find\" type=\"search\"></label>\n"
        "<label><input id=\"differs\" type=\"checkbox\" style=\"width:auto\"> only where they "
        "differ</label> <span id=\"count\" role=\"status\" class=\"small\"></span></nav>\n<main>\n",
        file);
    write_heads(file, peers, count);
    write_rows(file, peers, count);
    fprintf(file,
            "</tbody></table></div>\n</main>\n<footer>A verdict leads to its evidence.</footer>\n"
            "<script>\n%s</script>\n</body>\n</html>\n",
            script);
}
