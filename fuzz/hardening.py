#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Puts what `make fuzz`, `fuzz-campaign`, `fuzz-floors`, `coverage`, `fuzz-selftest`, `prove` and `model` found last on one page,
build/report/hardening.html. Each of them calls it; what was not run yet is said to be missing.

hardening.py [--build DIR]
"""
import argparse
import html
import json
import re
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STYLE = """:root{color-scheme:light dark}body{font:16px/1.55 sans-serif;max-width:72em;margin:1em auto;padding:0 1em}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{padding:.25em 1em .25em 0;text-align:left;vertical-align:top;border-top:1px solid #8884}
td.n,th.n{text-align:right}.bad{color:#c22;font-weight:bold}.good{color:#284}@media(prefers-color-scheme:dark){.bad{color:#f77}.good{color:#7c8}}code{font-size:.92em}"""


def cell(value):
    if isinstance(value, bool):
        return f'<td class="{"good" if value else "bad"}">{"yes" if value else "no"}</td>'
    if isinstance(value, (int, float)):
        return f'<td class="n">{value:,}</td>'
    return f"<td>{html.escape(str(value) if value is not None else '–')}</td>"


def table(heads, rows):
    head = "".join(f'<th{" class=n" if rows and isinstance(rows[0][i], (int, float)) and not isinstance(rows[0][i], bool) else ""}>{html.escape(h)}</th>'
                   for i, h in enumerate(heads))
    return f"<table><tr>{head}</tr>" + "".join("<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows) + "</table>"


def fuzzed(data):
    names = ("target", "engine", "execs", "exec/s", "edges", "inputs", "new", "findings")
    total = sum(r["execs"] for r in data["targets"])
    wrong = sum(r["findings"] for r in data["targets"])
    verdict = f'<span class="bad">{wrong} findings</span>' if wrong else '<span class="good">no finding</span>'
    return f"<p>{data['seconds']:,.0f} seconds; {total:,} executions, {verdict}.</p>" + table(names, [[r[n] for n in names] for r in data["targets"]])


def planted(data):
    found = sum(r["found"] for r in data)
    return f"<p>{found} of {len(data)} bugs found.</p>" + table(
        ("target", "bug", "the corpus finds it", "seconds until the fuzzer does", "found"), [[r["target"], r["bug"], r["corpus"], r["seconds"], r["found"]] for r in data])


def floors(data):
    return table(("target", "what", "is", "at least", "good"), [[r["target"], r["what"], r["is"], r["floor"], r["good"]] for r in data])


def covered(data):
    page = table(("target", "branches of its own files", "taken by the corpus", "share, %", "good"),
                 [[r["target"], r["branches"], r["taken"], round(100 * r["taken"] / max(1, r["branches"]), 1), r["good"]] for r in data])
    left = [[r["target"], reason, len(lines), ", ".join(lines)] for r in data for reason, lines in r["excluded"].items()]
    return page + "<p>Left out:</p>" + table(("target", "why", "lines", "which"), left)


def proved(data):
    held = [r for r in data if r["fault"] is None]
    faults = [r for r in data if r["fault"] is not None]
    page = table(("proof", "what is proved", "goals", "seconds", "proved"), [[r["proof"], r["says"], r["goals"], r["seconds"], r["proved"]] for r in held])
    page += "<p>Of code that is wrong they do not hold:</p>" + table(("proof", "what is wrong", "not proved"), [[r["proof"], r["fault"], not r["proved"]] for r in faults])
    text = (ROOT / "reference/proof/README.md").read_text()
    assumed = text[text.index("## What is assumed"):].split("\n\n")[1]
    items = re.split(r"\n- ", "\n" + assumed.strip())[1:]
    return page + "<p>They assume:</p><ul>" + "".join(f"<li>{html.escape(' '.join(item.split()))}</li>" for item in items) + "</ul>"


def modelled(data):
    names = list(data[0])
    return table(names, [[r[n] for n in names] for r in data])


PARTS = [("fuzz", "Fuzzing", "make fuzz", fuzzed), ("fuzz-campaign", "Campaign", "make fuzz-campaign HOURS=1", fuzzed),
         ("fuzz-floors", "Speed, and runs without seeds", "make fuzz-floors", floors), ("fuzz-coverage", "Branches that the corpora take", "make coverage", covered),
         ("fuzz-selftest", "Planted bugs", "make fuzz-selftest", planted), ("prove", "Proofs", "make prove", proved), ("model", "Models", "make model", modelled)]


def corpora():
    rows = []
    for folder in sorted((ROOT / "fuzz/corpus").iterdir()):
        sizes = [path.stat().st_size for path in folder.iterdir()]
        rows.append([folder.name, len(sizes), sum(sizes)])
    return table(("target", "inputs", "bytes"), rows + [["all", sum(r[1] for r in rows), sum(r[2] for r in rows)]])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    options = parser.parse_args()
    report = options.build / "report"
    report.mkdir(parents=True, exist_ok=True)
    page = []
    for name, title, command, show in PARTS:
        path = report / f"{name}.json"
        page.append(f"<h2>{title}</h2>")
        if path.exists():
            page.append(f"<p><code>{command}</code>, {time.strftime('%Y-%m-%d %H:%M', time.localtime(path.stat().st_mtime))}</p>")
            page.append(show(json.loads(path.read_text())))
        else:
            page.append(f'<p class="bad">Not run yet: <code>{command}</code></p>')
    page.append("<h2>Corpora in the repository</h2>" + corpora())
    (report / "hardening.html").write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
                                           f"<title>Yoton: hardening</title><style>{STYLE}</style><h1>Yoton: fuzzed, proved, modelled</h1>{''.join(page)}</html>\n")


if __name__ == "__main__":
    main()
