#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The machine-readable reports of one run, with every kind of verdict in it, before real readers of their formats: a JSON
Schema validator, an XML Schema validator, a consumer of TAP. Each of them must refuse a spoiled copy. TAP on standard output."""
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from spec_run import ADAPTER, PYTHON, ROOT, SPEC, differs, main, report  # noqa: E402

SCHEMA = ROOT / "conformance/report/results.schema.json"
XSD = ROOT / "conformance/report/junit.xsd"


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL, **more)


def judged(folder):
    known = Path(folder) / "known"
    known.write_text(json.dumps({"case": "HS-13.1", "role": "host", "reason": "for the test"}) + "\n" +
                     json.dumps({"case": "HS-7.1", "role": "host", "reason": "passes all the same"}) + "\n")
    run(SPEC, "run", "--command", f"{PYTHON} '{ADAPTER}' none '{folder}'", "--role", "host", "--timeout-scale", "0.3", "--report-dir", folder,
        "--case", "HS-*", "--known-failures", known)
    return json.loads((Path(folder) / "results.json").read_text())


def schema_problem(results):
    import jsonschema
    try:
        jsonschema.validate(results, json.loads(SCHEMA.read_text()))
    except jsonschema.ValidationError as problem:
        return problem.message[:300]
    return None


def check_json(results):
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        print("# no jsonschema for this Python; install python3-jsonschema")
        return
    report("results.json keeps to its schema", schema_problem(results))
    for name, change in (("a verdict that is none", lambda r: r["cases"][0].update(verdict="good")), ("a number as seed", lambda r: r.update(seed=5)),
                         ("a case without a reason", lambda r: r["cases"][0].pop("why")), ("no exit code", lambda r: r.pop("exit"))):
        spoiled = json.loads(json.dumps(results))
        change(spoiled)
        report("the schema refuses " + name, not schema_problem(spoiled) and "it is accepted")


def check_junit(folder):
    if not shutil.which("xmllint"):
        print("# no xmllint; install libxml2-utils")
        return
    path = Path(folder) / "junit.xml"
    done = run("xmllint", "--noout", "--schema", XSD, path)
    report("junit.xml keeps to the schema", done.returncode and done.stderr[:600])
    for name, old, new in (("a case without a name", ' name="HS-', ' title="HS-'), ("a count that is none", 'failures="', 'failures="x'),
                           ("an element it does not know", "<failure ", "<broken ")):
        spoiled = Path(folder) / "spoiled.xml"
        text = path.read_text()
        spoiled.write_text(text.replace(old, new).replace("</failure>", "</broken>" if "broken" in new else "</failure>"))
        report("the schema refuses " + name, (old not in text and "there is none to spoil") or
               (run("xmllint", "--noout", "--schema", XSD, spoiled).returncode == 0 and "it is accepted"))


CONSUMER = """use TAP::Parser; local $/; my $p = TAP::Parser->new({tap => <STDIN>}); $p->run;
print join(" ", scalar($p->passed), scalar($p->failed), scalar($p->skipped), scalar($p->todo_passed), scalar($p->parse_errors), $p->tests_planned), "\\n";"""


def consumed(text):
    done = subprocess.run(["perl", "-e", CONSUMER], input=text, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.split() or [done.stderr]


def check_tap(folder, results):
    if not shutil.which("perl") or run("perl", "-MTAP::Parser", "-e", "1").returncode:
        print("# no perl with TAP::Parser")
        return
    # The parser of today's perl is of version 13, which 14 only adds to.
    text = (Path(folder) / "results.tap").read_text()
    report("results.tap says that it is TAP 14", not text.startswith("TAP version 14\n") and text[:40])
    text = text.replace("TAP version 14", "TAP version 13", 1)
    bad = sum(results["counts"].get(v, 0) for v in ("fail", "error", "flaky", "xpass"))
    passed, failed, _, _, errors, planned = consumed(text)
    report("a consumer of TAP counts as the results do", differs("errors", errors, "0"), differs("planned", int(planned), len(results["cases"])),
           differs("failed", int(failed), bad), differs("passed", int(passed), len(results["cases"]) - bad))
    short = "\n".join(line for line in text.split("\n") if not line.startswith("ok 2 ") and not line.startswith("not ok 2 "))
    report("it notices a missing line", consumed(short)[4] == "0" and "no error")


def all_of_it():
    with tempfile.TemporaryDirectory() as folder:
        results = judged(folder)
        kinds = {c["verdict"] for c in results["cases"]}
        report("the run has verdicts of many kinds", not {"pass", "fail", "warn", "unsupported", "xfail", "xpass"} <= kinds and kinds)
        check_json(results)
        check_junit(folder)
        check_tap(folder, results)


if __name__ == "__main__":
    sys.exit(main(all_of_it))
