#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Checks what every room of the project has agreed on. Prints TAP: one result per rule, each finding as file:line."""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
SOURCE = (".c", ".h", ".py", ".sh", ".lua", ".pml", ".abnf", "Makefile", ".ci/run", ".clang-format", ".editorconfig")
QUOTING = (".c", ".h", ".py", ".sh", ".lua", ".patch", "Makefile", "README.md", "CONTRIBUTING.md", "ADAPTER.md", "findings.md")
REQUIREMENT = re.compile(r'<a id="([A-Z]+)-(\d+)"></a>')
QUOTED = re.compile(r"(?<![\w-])([A-Z]+)-(\d+)\b")
# A folder of one machine; the usual fallback of TMPDIR is every machine's.
MACHINE = re.compile(r"(?<![\w.}$])(?<!TMPDIR:-)/(?:home|root|t" + r"mp|work|mnt|Users)(?:/\w|/\.|\b(?![/.]))")
# In quotes it is TAP's word for an expected failure.
UNFINISHED = re.compile(r"(?<!\")\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
TARGET = re.compile(r"^([a-z][a-z-]*):.*?(## .*)?$", re.M)
CALLED = re.compile(r"\bmake(?:[ \t]+[A-Z_]+=\S+)*[ \t]+([a-z][a-z-]*)")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.S)


def tracked():
    """Files in git; in an unpacked archive, all but the build."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT,
                                capture_output=True, check=True).stdout.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [os.path.relpath(os.path.join(folder, name), ROOT) for folder, _, names in os.walk(ROOT)
                  for name in names if not os.path.relpath(folder, ROOT).startswith(("build", ".git"))]
    return sorted(name for name in listed if name and os.path.isfile(os.path.join(ROOT, name)))


def read(name):
    """The text of a file, or None for one that is not text."""
    with open(os.path.join(ROOT, name), "rb") as f:
        data = f.read()
    if b"\0" in data or name.startswith("fuzz/corpus/"):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


FILES = tracked()
TEXTS = {name: text for name in FILES if (text := read(name)) is not None}


def lines_with(pattern, names):
    for name in names:
        for number, line in enumerate(TEXTS[name].splitlines(), 1):
            if pattern.search(line):
                yield f"{name}:{number}: {line.strip()[:100]}"


def spdx():
    """every source file has its SPDX line"""
    for name, text in TEXTS.items():
        if name.endswith(SOURCE) and "SPDX-License-Identifier: BSD-2-Clause" not in "\n".join(text.split("\n", 3)[:3]):
            yield f"{name}:1: no line SPDX-License-Identifier: BSD-2-Clause at its top"


def style():
    """every C source is in the style of .clang-format"""
    program = os.environ.get("CLANG_FORMAT", "clang-format")
    if not shutil.which(program):
        yield f"# SKIP {program} is not installed; .ci/setup.sh installs it"
        return
    names = [name for name in TEXTS if name.endswith((".c", ".h"))]
    done = subprocess.run([program, "--dry-run", "-Werror", *names], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        found = [line for line in done.stderr.splitlines() if "error:" in line]
        yield from found or [f"{program} exited with {done.returncode}: {done.stderr[-300:]}"]


def machine():
    """no file names a folder of one machine"""
    yield from lines_with(MACHINE, TEXTS)


def unfinished():
    """nothing is marked as unfinished"""
    yield from lines_with(UNFINISHED, TEXTS)


def white_space():
    """no line ends in white space, every file ends in one line feed"""
    for name, text in TEXTS.items():
        if name.endswith(".patch"):
            continue
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{name}: ends in {text[-2:]!r}"
        yield from lines_with(re.compile(r"[ \t\r]$"), [name])


def requirements():
    """every requirement id quoted in code exists in spec/wire.md (but 999, which tests use as one that does not)"""
    if "spec/wire.md" not in TEXTS:
        yield "spec/wire.md: is not there"
        return
    known = set(REQUIREMENT.findall(TEXTS["spec/wire.md"]))
    topics = {topic for topic, _ in known}
    for name, text in TEXTS.items():
        if name.endswith(QUOTING):
            for number, line in enumerate(text.splitlines(), 1):
                for topic, n in QUOTED.findall(line):
                    if topic in topics and n != "999" and (topic, n) not in known:
                        yield f"{name}:{number}: {topic}-{n} is not in spec/wire.md"


def targets():
    """`make help` lists every target, and the documents call no other"""
    explained, hidden = set(), set()
    for target, text in TARGET.findall(TEXTS["Makefile"]):
        (explained if text else hidden).add(target)
    for target in sorted(hidden - explained):
        yield f"Makefile: the target {target} has no ## explanation"
    for name in ("README.md", "CONTRIBUTING.md", "reference/README.md", "spec/README.md", "conformance/ADAPTER.md"):
        for code in CODE.findall(TEXTS.get(name, "")):
            for target in CALLED.findall(code):
                if target not in explained:
                    yield f"{name}: `make {target}` is no target of the Makefile"


def links():
    """every relative link of the documents leads to a file"""
    for name, text in TEXTS.items():
        if name.endswith(".md"):
            for link in LINK.findall(CODE.sub("", text)):
                if "://" not in link and not os.path.exists(os.path.join(ROOT, os.path.dirname(name), link)):
                    yield f"{name}: leads to {link}, which is not there"


def executable():
    """every script that `make test` calls can be called"""
    for name in FILES:
        folder, script = os.path.split(name)
        if folder in ("reference/tests", "conformance/tests", "captures/tests", "spec/tests") and script.endswith((".py", ".sh")):
            if not (os.access(os.path.join(ROOT, name), os.X_OK) and TEXTS[name].startswith("#!")):
                yield f"{name}: not executable, or no #! line"


def main():
    rules = (spdx, style, machine, unfinished, white_space, requirements, targets, links, executable)
    print(f"1..{len(rules)}")
    broken = 0
    for number, rule in enumerate(rules, 1):
        found = list(rule())
        if found and found[0].startswith("# SKIP"):
            print(f"ok {number} - {rule.__doc__} {found[0]}")
            continue
        print(f"{'not ok' if found else 'ok'} {number} - {rule.__doc__}")
        for finding in found:
            print(f"# {finding}")
        broken += bool(found)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
