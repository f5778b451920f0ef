#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every entry of the manual is in the tables of reference/README.md, with what does it in C. Prints TAP.

The entries are in manual-entries.txt. Where the manual is at hand, as text (YOTON_MANUAL, or shared/yoton-manual.txt beside the
tree) or as the page of Debian's package pyzo (below YOTON_PATH), that list is held against it."""
import gzip
import os
import re
import subprocess
import sys
import tempfile
import traceback

from test_library import BUILD, INCLUDE, PATIENCE, TOP, declared, symbols

ENTRIES = os.path.join(TOP, "reference", "tests", "manual-entries.txt")
TABLE_TITLE = "## The manual, in C"
MORE_TITLE = "### Not in the manual"
HEAD = re.compile(r"^ {7}(class +)?yoton\.(\w+)(?:\(|$)")
MEMBER = re.compile(r"^ {14}(\w+)(?:\(|\s|$)")
NAMED = re.compile(r"\b(\w+)\(\)")
TYPES = re.compile(r"\byoton\.(MessageType|[A-Z]{2,})\b")
ROW = re.compile(r"^\| `([\w.]+)[^|`]*` \| ([^|]*) \| ([^|]*) \|$")
SYMBOL = re.compile(r"`((?:yoton|YOTON)_\w+(?:\.\w+)?)`")


class Skip(Exception):
    pass


def plain(page):
    """A manual page's source with the indentation that it is printed with, as far as entries go."""
    depth, tagged, lines = 0, False, []
    for line in page.split("\n"):
        depth += line.startswith(".INDENT") - line.startswith(".UNINDENT")
        tag = line.startswith(".B ") and tagged
        tagged = line == ".TP"
        text = re.sub(r"\\f\w|\\[%&]", "", line[3:] if tag else line).strip()
        if text and (tag or not text.startswith(".")):
            lines.append(" " * 7 * (depth + (not tag)) + text)
        elif line.startswith((".SS", ".SH")):
            lines.append("")
    return "\n".join(lines)


def manual_texts():
    """Every form of the manual that is at hand, with its place."""
    texts = []
    for path in (os.environ.get("YOTON_MANUAL", ""), os.path.join(TOP, "..", "shared", "yoton-manual.txt")):
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as f:
                texts.append((path, f.read()))
    page = os.path.join(os.environ.get("YOTON_PATH", "nowhere"), "..", "..", "man", "man1", "pyzo.1.gz")
    if os.path.isfile(page):
        with gzip.open(page, "rt", encoding="utf-8") as f:
            texts.append((page, plain(f.read())))
    return texts


def entries_of(text):
    """Classes with their members, and functions. A class that lists no members may name some in its text."""
    found, owner, listed, said = set(), None, None, ""

    def close():
        if owner and listed is None:
            found.update(owner + "." + name for name in NAMED.findall(said))

    for line in text.split("\n"):
        head = HEAD.match(line)
        if head or re.match(r"^ {0,7}\S", line):
            close()
            owner, listed, said = None, None, ""
        if head:
            found.add(head[2])
            owner = head[2] if head[1] else None
        elif line.strip() in ("PROPERTIES", "METHODS"):
            listed = owner
        elif listed and MEMBER.match(line):
            found.add(listed + "." + MEMBER.match(line)[1])
        elif owner:
            said += " " + line
    close()
    return found | set(TYPES.findall(text))


def entries():
    with open(ENTRIES, encoding="utf-8") as f:
        lines = [line.rstrip("\n") for line in f if not line.startswith("#")]
    assert lines == sorted(set(lines)), "manual-entries.txt is not in order, or names one twice"
    return set(lines)


def rows():
    """The rows of the tables, as (entry, symbols, words), those of the manual and the others."""
    with open(os.path.join(TOP, "reference", "README.md"), encoding="utf-8") as f:
        text = f.read()
    assert TABLE_TITLE in text and MORE_TITLE in text
    chapter = text.partition(TABLE_TITLE)[2].partition("\n## ")[0]
    result = []
    for part in chapter.partition(MORE_TITLE)[::2]:
        lines = [line for line in part.split("\n") if line.startswith("|") and not line.startswith(("| manual ", "| package ", "|---"))]
        wrong = [line for line in lines if not ROW.match(line)]
        assert not wrong, "not a row of entry, symbols and words: %s" % wrong
        result.append([ROW.match(line).groups() for line in lines])
    return result


def the_list_is_what_the_manual_has(_folder):
    texts = manual_texts()
    if not texts:
        raise Skip("the manual is not here: neither beside the tree nor with the original")
    for path, text in texts:
        found, listed = entries_of(text), entries()
        assert found == listed, "%s: not in the list: %s; only in the list: %s" % (
            path, sorted(found - listed), sorted(listed - found))


def every_entry_is_in_a_table_once(_folder):
    named = [entry for entry, _, _ in rows()[0]]
    twice = {entry for entry in named if named.count(entry) > 1}
    assert not twice, twice
    assert entries() == set(named), "not in a table: %s; not in the manual: %s" % (
        sorted(entries() - set(named)), sorted(set(named) - entries()))


def every_entry_has_its_symbols(_folder):
    bare = [entry for part in rows() for entry, symbols_of, _ in part if not SYMBOL.search(symbols_of)]
    assert not bare, bare
    assert {entry.partition(".")[0] for entry, _, _ in rows()[1]} >= {"FileWrapper", "SimpleSocket"}


def every_symbol_is_public(folder):
    """Functions are declared and exported; types, their fields and constants are declared."""
    names = sorted({name for part in rows() for _, left, right in part for name in SYMBOL.findall(left + right)})
    functions, exported = declared(folder), {name for name, _ in symbols("-D", os.path.join(BUILD, "libyoton.so"))}
    source = os.path.join(folder, "named.c")
    lines = ["#include <yoton/yoton.h>"]
    for name in names:
        owner, _, field = name.partition(".")
        use = "(void)sizeof(%s)" % (name if owner.isupper() else "((%s *)0)->%s" % (owner, field) if field else owner + " *")
        lines.append("void use%d(void); void use%d(void) { %s; }" % (len(lines), len(lines),
                                                                   "(void)&" + name if name in functions else use))
    with open(source, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")
    done = subprocess.run(["gcc", "-std=c17", "-fsyntax-only", "-I", INCLUDE, source],
                          capture_output=True, text=True, timeout=PATIENCE, check=False)
    undeclared = sorted({names[int(n) - 2] for n in re.findall(r"named\.c:(\d+):\d+: error", done.stderr)})
    assert done.returncode == 0 and not undeclared, "not declared: %s\n%s" % (undeclared, done.stderr)
    hidden = sorted(set(names) & functions - exported)
    assert not hidden, "declared and not exported: " + " ".join(hidden)


def main():
    tests = [the_list_is_what_the_manual_has, every_entry_is_in_a_table_once, every_entry_has_its_symbols, every_symbol_is_public]
    failed = 0
    print("1..%d" % len(tests))
    for number, test in enumerate(tests, 1):
        name = test.__name__.replace("_", " ")
        try:
            with tempfile.TemporaryDirectory() as folder:
                test(folder)
            print("ok %d - %s" % (number, name))
        except Skip as why:
            print("ok %d - %s # SKIP %s" % (number, name, why))
        except Exception:  # whatever it is, the other tests still run
            failed += 1
            print("not ok %d - %s\n# %s" % (number, name, traceback.format_exc().replace("\n", "\n# ")))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
