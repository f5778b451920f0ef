#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The main job, once everything is built: judges the reference and the original, has the captures checked, and says
what came out. Exits 0 when nothing new appeared: no failure but the known ones, no known one that passes."""
import argparse
import collections
import glob
import html
import json
import os
import shutil
import subprocess
import sys

KNOWN_FAILURES = "conformance/peers/pyzo.known"
CAPTURE_CHECK = "captures/check.sh"
EXITS = {0: "conforms", 1: "does not conform", 2: "bad usage", 3: "nothing selected", 4: "the peer cannot be reached",
         5: "the peer died", 6: "the harness itself failed"}


def judge(options, environment, peer, *more):
    """Runs yotonspec on one peer; its report folder is new each time, so that an old one is never taken for this run's."""
    folder = os.path.join(options.build, "report", peer)
    shutil.rmtree(folder, ignore_errors=True)
    command = [os.path.join(options.build, "yotonspec"), "run", "--peer", peer, "--role", options.role,
               "--report-dir", folder, *more]
    print(f"== {peer}: {' '.join(command)}", flush=True)
    status = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    return {"name": peer, "status": status, "verdicts": verdicts(folder), "index": os.path.join(folder, "index.html")}


def verdicts(folder):
    try:
        with open(os.path.join(folder, "results.json"), encoding="utf-8") as f:
            return collections.Counter(case["verdict"] for case in json.load(f)["cases"])
    except (OSError, ValueError, KeyError) as e:
        print(f"conformance: error: no readable results.json in {folder}: {e}", file=sys.stderr)
        return None


def why_skipped(options):
    """The set-up's reason for not having the original, or None when it is there."""
    try:
        with open(os.path.join(options.peers, "pyzo.unavailable"), encoding="utf-8") as f:
            return f.read().strip()
    except FileNotFoundError:
        return None


def check_captures(environment):
    """Exit status and outcome in words; what is not as expected is printed as it came."""
    print(f"== captures: {CAPTURE_CHECK}", flush=True)
    done = subprocess.run([CAPTURE_CHECK], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          errors="replace", check=False)
    results = [line for line in done.stdout.splitlines() if line.startswith(("ok", "not ok"))]
    bad = sum(line.startswith("not ok") for line in results)
    if done.returncode == 0:
        return 0, f"{len(results)} logs as expected"
    print(done.stdout + done.stderr, end="", flush=True)
    return done.returncode, f"{bad} of {len(results)} logs not as expected"


def draw_captures(options):
    """Exit status of judging the whole library: what its scripted peers do wrong is told there, and no failure here."""
    folder = os.path.join(options.build, "report", "captures")
    done = subprocess.run([os.path.join(options.build, "yotonspec"), "check", *sorted(glob.glob("captures/*.pcapng")), "--slots", "captures/slots.txt",
                           "--report-dir", folder], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode not in (0, 1):
        print(f"conformance: error: yotonspec check ended with {done.returncode}: {done.stderr}", end="", file=sys.stderr)
        return done.returncode
    return 0


def replay_captures(options, environment):
    """The reference in the place of each recorded context."""
    folder = os.path.join(options.build, "report", "replay")
    shutil.rmtree(folder, ignore_errors=True)
    command = [os.path.join(options.build, "yotonspec"), "replay", "--peer", "reference", "--role", options.role, "--slots", "captures/slots.txt",
               "--report-dir", folder, *sorted(glob.glob("captures/*.pcapng"))]
    print("== replay: the reference in the place of each recorded context", flush=True)
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr, end="", flush=True)
    return {"name": "replay", "status": done.returncode, "verdicts": verdicts(folder), "index": os.path.join(folder, "index.html")}


def describe(result):
    if "skipped" in result:
        return f"skipped: {result['skipped']}"
    outcome = EXITS.get(result["status"], f"exit status {result['status']}")
    if not result["verdicts"]:
        return f"{outcome}, no report"
    if result["status"] == 0 and result["verdicts"]["xfail"]:
        outcome = "does not conform, but fails nothing that is not known"
    counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(result["verdicts"].items()))
    return f"{outcome}: {counts}"


def write_index(options, results, captures):
    """One page that leads to the report of each peer."""
    rows = []
    for result in results:
        name = html.escape(result["name"])
        link = name if "skipped" in result else f'<a href="{name}/index.html">{name}</a>'
        rows.append(f"<tr><td>{link}</td><td>{html.escape(describe(result))}</td></tr>")
    judged = [os.path.join(options.build, "report", r["name"], "results.json") for r in results if r.get("verdicts") and r["name"] != "replay"]
    compared = subprocess.run([os.path.join(options.build, "yotonspec"), "report", *judged, "--report-dir", os.path.join(options.build, "report")],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False) if len(judged) > 1 else None
    if compared is not None and compared.returncode == 0:
        rows.append('<tr><td><a href="comparison.html">side by side</a></td><td>all cases of all that were judged</td></tr>')
    elif compared is not None:
        print(f"conformance: error: {compared.stderr}", end="", file=sys.stderr)
    link = '<a href="captures/index.html">captures</a>' if os.path.exists(os.path.join(options.build, "report/captures/index.html")) else "captures"
    rows.append(f"<tr><td>{link}</td><td>{html.escape(captures)}</td></tr>")
    path = os.path.join(options.build, "report", "index.html")
    with open(path, "w", encoding="utf-8") as f:
        f.write('<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8">\n'
                '<meta name="viewport" content="width=device-width"><title>Yoton conformance</title>\n'
                "<style>:root{color-scheme:light dark}body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
                "td,th{padding:.3em 1em .3em 0;text-align:left;vertical-align:top}</style>\n"
                "<h1>Yoton conformance</h1>\n<table><tr><th>judged</th><th>outcome</th></tr>\n"
                + "\n".join(rows) + "\n</table>\n</html>\n")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="the folder of yoton and yotonspec")
    parser.add_argument("--peers", default="build/peer", help="where the set-up unpacked the original")
    parser.add_argument("--role", default="both", choices=("host", "client", "both"))
    options = parser.parse_args()
    environment = dict(os.environ, BUILD=os.path.abspath(options.build),
                       YOTON=os.path.abspath(os.path.join(options.build, "yoton")),
                       YOTONSPEC=os.path.abspath(os.path.join(options.build, "yotonspec")))
    environment.setdefault("YOTON_PATH", os.path.abspath(os.path.join(options.peers, "pyzo/usr/share/pyzo/pyzo")))
    os.makedirs(os.path.join(options.build, "report"), exist_ok=True)

    results = [judge(options, environment, "reference")]
    reason = why_skipped(options)
    if reason:
        shutil.rmtree(os.path.join(options.build, "report", "pyzo"), ignore_errors=True)
        results.append({"name": "pyzo", "status": 0, "skipped": reason})
    else:
        results.append(judge(options, environment, "pyzo", "--known-failures", KNOWN_FAILURES))
    results.append(judge(options, environment, "node"))
    results.append(replay_captures(options, environment))
    captures_status, captures = check_captures(environment)
    captures_status = captures_status or draw_captures(options)
    page = write_index(options, results, captures)

    print("== outcome")
    for result in results:
        print(f"{result['name']:<10} {describe(result)}")
    print(f"{'captures':<10} {captures}")
    print(f"{'report':<10} {page}")
    return 1 if captures_status or any(r["status"] or not (r.get("skipped") or r["verdicts"]) for r in results) else 0


if __name__ == "__main__":
    sys.exit(main())
