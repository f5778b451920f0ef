#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`yotonspec report`: several runs as one page, its filters in a real browser where one is there, and what it refuses.
TAP on standard output."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from spec_run import ADAPTER, PYTHON, SPEC, YOTON, differs, lacks, main, report  # noqa: E402


def spec(*arguments):
    return subprocess.run([str(a) for a in (SPEC, *arguments)], capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL)


def judge(folder, name, command):
    spec("run", "--command", command, "--role", "host", "--timeout-scale", "0.3", "--report-dir", folder / name, "--case", "HS-1*", "--case", "FRAME-2*")
    return folder / name / "results.json"


def shown(page, fragment, home):
    """What a browser shows of the page: ids of the rows, and the count it tells. None without a browser."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        return None
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", f"--user-data-dir={home}",
                           "--dump-dom", f"file://{page}#{fragment}"], capture_output=True, text=True, check=False, timeout=120)
    rows = re.findall(r'<tr data-id="([^"]+)"([^>]*)>', done.stdout)
    count = re.search(r'id="count"[^>]*>([^<]*)<', done.stdout)
    return [name for name, rest in rows if "hidden" not in rest], count and count[1]


def comparing():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = [judge(folder, "good", f"'{YOTON}' agent"), judge(folder, "poor", f"{PYTHON} '{ADAPTER}' none '{folder}'")]
        done = spec("report", *files, "--report-dir", folder)
        page = folder / "comparison.html"
        text = page.read_text() if page.exists() else ""
        report("the page is written and named", differs("exit code", done.returncode, 0), lacks("output", done.stdout, str(page)))
        report("columns have the names of the implementations", lacks("page", text, ">reference 1.0<"), lacks("page", text, ">fake 1.0<"))
        report("a verdict leads to its evidence", lacks("page", text, 'href="poor/index.html#HS-13.1-host"'))
        report("the page needs nothing from elsewhere", re.search(r'(?:src|href)="(?:https?:)?//', text) and "it does")
        seen = shown(page, "topic=FRAME", folder / "browser")
        if seen is None:
            print("# no chromium: the filters are not tried")
        else:
            report("the filter of topics", not seen[0] and "no row", [i for i in seen[0] if not i.startswith("FRAME-")], lacks("count", seen[1], " of "))
            unlike, count = shown(page, "differs=1", folder / "browser")
            report("only where they differ", "HS-13.1" not in unlike and unlike, "HS-12.1" in unlike and unlike,
                   differs("count", count.split()[0], str(len(unlike))))
        missing = spec("report", folder / "none.json")
        report("a file that is not there is told in a line", differs("exit code", missing.returncode, 2), lacks("error", missing.stderr, "none.json"),
               differs("lines", missing.stderr.count(os.linesep), 1))
        (folder / "broken.json").write_text('{"format": 1,\n "cases": [}')
        broken = spec("report", files[0], folder / "broken.json")
        report("a broken one with its line", differs("exit code", broken.returncode, 2), lacks("error", broken.stderr, "broken.json, line 2"))
        report("none at all is bad usage", differs("exit code", spec("report").returncode, 2))


if __name__ == "__main__":
    sys.exit(main(comparing))
