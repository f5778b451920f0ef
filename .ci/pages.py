#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes the documentation as pages: every document of the repository (pandoc), and for every capture what `yotonspec check`
says of it, with its conversation drawn. `make html` calls it.

pages.py [--build DIR] [--into DIR]

The pages need no network, and links between documents lead to pages.
"""
import argparse
import functools
import html
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STYLE = """<style>:root{color-scheme:light dark}body{font:16px/1.55 sans-serif;max-width:70em;margin:1em auto;padding:0 1em}
code,pre{font-family:monospace;font-size:.92em}pre{overflow-x:auto;padding:.6em;border:1px solid #8884}table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{padding:.25em .8em .25em 0;text-align:left;vertical-align:top;border-top:1px solid #8884}a{color:LinkText}nav{font-size:.9em}</style>"""


@functools.cache
def documents():
    """The documents, the first of them the way in."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    found = listed or [str(p.relative_to(ROOT)) for p in ROOT.rglob("*.md") if "build" not in p.parts]
    return sorted(found, key=lambda name: (name != "README.md", name))


def page_of(name):
    """README.md of a folder is its index."""
    path = Path(name)
    return str(path.with_name("index.html") if path.name == "README.md" else path.with_suffix(".html"))


def relink(text, name, captures):
    """Links to documents become links to pages, those to a capture lead to its page; other files are linked where they are."""
    here = Path(name).parent

    def better(match):
        target, _, place = match[1].partition("#")
        if not target or re.match(r"[a-z]+:", target):
            return match[0]
        wanted = os.path.normpath(here / target)
        if wanted in documents():
            link = os.path.relpath(page_of(wanted), here)
        elif Path(wanted).suffix == ".pcapng" and Path(wanted).stem in captures:
            link = os.path.relpath(f"captures/{Path(wanted).stem}/index.html", here)
        else:
            link = os.path.relpath(ROOT / wanted, INTO / here)
        return f'href="{link}{"#" + place if place else ""}"'

    return re.sub(r'href="([^"]+)"', better, text)


def write_document(name, captures):
    body = subprocess.run(["pandoc", "--from", "gfm", "--to", "html5", ROOT / name], capture_output=True, text=True, check=True).stdout
    title = html.escape(next((line.lstrip("# ") for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line.startswith("# ")), name))
    up = os.path.relpath(".", Path(name).parent)
    way = " · ".join(f'<a href="{up}/{page_of(d)}">{html.escape(d)}</a>' for d in documents())
    page = (f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>\n{STYLE}\n'
            f"<nav>{way}</nav>\n{relink(body, name, captures)}\n</html>\n")
    out = INTO / page_of(name)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page, encoding="utf-8")


def write_capture(path, yotonspec):
    """The page of one capture: as of a run, with each connection drawn."""
    folder = INTO / "captures" / path.stem
    done = subprocess.run([yotonspec, "check", path.relative_to(ROOT), "--slots", "captures/slots.txt", "--report-dir", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"pages.py: error: yotonspec check {path.name}: {done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--into", type=Path, help="where the pages go (html in the folder of the build)")
    options = parser.parse_args()
    global INTO
    INTO = (options.into or options.build / "html").resolve()
    if shutil.which("pandoc") is None:
        sys.exit("pages.py: error: pandoc is not there; on Debian: apt-get install pandoc")
    shutil.rmtree(INTO, ignore_errors=True)
    captures = sorted((ROOT / "captures").glob("*.pcapng"))
    for path in captures:
        write_capture(path, (options.build / "yotonspec").resolve())
    for name in documents():
        write_document(name, {path.stem for path in captures})
    print(f"{INTO / 'index.html'}: {len(documents())} documents, {len(captures)} captures")


if __name__ == "__main__":
    main()
