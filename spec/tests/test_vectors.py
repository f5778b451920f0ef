#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The vectors keep to their schema, a second reader agrees with each, the original makes them."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
from second import frames, names, objects, to_bytes, to_text  # noqa: E402

SPEC = Path(__file__).resolve().parents[1]
VECTORS = SPEC / "vectors"
KINDS = ("handshake", "headers", "objects", "slots", "ports", "addresses", "streams")
MISSING = 77
results = []


def report(name, problems, skip=""):
    """One line of TAP, with what was found wrong behind it."""
    problems = list(problems)
    results.append(not problems)
    print(
        "%s %d - %s%s"
        % ("not ok" if problems else "ok", len(results), name, " # SKIP " + skip if skip else "")
    )
    for problem in problems[:20]:
        print("# " + str(problem))
    sys.stdout.flush()


def check(vectors, judge):
    """Names of the vectors the judge does not agree with, and what it says."""
    for vector in vectors:
        try:
            wrong = judge(vector)
        except Exception as error:  # a reader that fails is a finding too
            wrong = "%s: %s" % (type(error).__name__, error)
        if wrong:
            yield "%s: %s" % (vector["name"], wrong)


def compare(wanted, found):
    """A text where two vectors differ in the members that `found` has."""
    wrong = [key for key in found if key not in wanted or wanted[key] != found[key]]
    return (
        ""
        if not wrong
        else ", ".join(
            "%s is %r, should be %r" % (k, wanted.get(k, "missing"), found[k]) for k in wrong
        )
    )


# --- form ---


def load(kind):
    return json.loads((VECTORS / (kind + ".json")).read_text(encoding="ascii"))


def form(files):
    """Unique names, ids that exist, and the origin of each requirement of a hardening vector."""
    known = set(
        re.findall(r'<a id="([A-Z]+-\d+)">', (SPEC / "wire.md").read_text(encoding="utf-8"))
    )
    for kind, content in files.items():
        seen = set()
        for vector in content["vectors"] + content.get("sent", []):
            where = "%s: %s" % (kind, vector["name"])
            if vector["name"] in seen:
                yield where + ": this name is taken"
            seen.add(vector["name"])
            yield from (
                "%s: %s is not in wire.md" % (where, key)
                for key in vector["requirement"]
                if key not in known
            )


def spoiled(files):
    """(what, file) for some ways to get a vector wrong; the schema has to refuse them all."""

    def copy(kind, edit, pick=lambda v: True):
        content = json.loads(json.dumps(files[kind]))
        edit(next(v for v in content["vectors"] if pick(v)))
        return content

    for kind in KINDS:
        yield kind + " with an unknown member", copy(kind, lambda v: v.update(extra=1))
        yield kind + " without requirement", copy(kind, lambda v: v.pop("requirement"))
        yield kind + " with an origin of its own", copy(kind, lambda v: v.update(origin="hearsay"))
        yield kind + " with hardening and no original", copy(
            kind, lambda v: v.update(origin="hardening")
        )
        yield kind + " with original, but observed", copy(
            kind, lambda v: v.update(origin="observed"), lambda v: "original" in v
        )
        yield kind + " of another format", dict(files[kind], format=2)
        yield kind + " without vectors", dict(files[kind], vectors=[])
    for kind in ("handshake", "headers", "objects", "streams"):
        yield kind + " with half a byte", copy(kind, lambda v: v.update(input="590"))
        yield kind + " with capital hex", copy(kind, lambda v: v.update(input="5A"))
        yield kind + " with a number of 64 bits as a number", copy(
            kind, lambda v: v.update(limit=2.5)
        )
    bad = lambda v: "offset" in v  # noqa: E731
    for kind in ("handshake", "headers", "objects", "ports", "addresses"):
        yield kind + " with an error and no offset", copy(kind, lambda v: v.pop("offset"), bad)
        yield kind + " with an unknown verdict", copy(kind, lambda v: v.update(verdict="fine"))
        yield kind + " with a good vector that has an offset", copy(
            kind, lambda v: v.update(offset=1), lambda v: v["verdict"] == "good"
        )
    yield "a slot that is a number", copy("slots", lambda v: v.update(slot=8))
    yield "an event without offset", copy("streams", lambda v: v["events"][0].pop("at"))
    yield "an event of an unknown kind", copy(
        "streams", lambda v: v["events"][0].update(event="pause")
    )
    yield "a value of an unknown form", copy("objects", lambda v: v.update(value={"set": []}))


def check_schema(files):
    try:
        import jsonschema
    except ImportError:
        report(
            "schema.json accepts every file",
            [],
            "no jsonschema for this Python; install python3-jsonschema",
        )
        report(
            "schema.json refuses what is spoiled",
            [],
            "no jsonschema for this Python; install python3-jsonschema",
        )
        return
    schema = json.loads((VECTORS / "schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    report(
        "schema.json accepts every file",
        (
            "%s: %s: %s" % (kind, "/".join(map(str, error.absolute_path)), error.message[:200])
            for kind, content in files.items()
            for error in validator.iter_errors(content)
        ),
    )
    report(
        "schema.json refuses what is spoiled",
        ("it takes " + what for what, content in spoiled(files) if validator.is_valid(content)),
    )


# --- one judge for each kind ---


def judge_line(vector, default):
    data, limit = to_bytes(vector["input"]), vector.get("limit", default)
    found = frames.read_line(data, limit)
    if found["verdict"] == "good":
        cut = [
            size
            for size in range(found["consumed"])
            if frames.read_line(data[:size], limit)["verdict"] != "more"
        ]
        if cut:
            return "its first %d bytes are not `more`" % cut[0]
    if "text" in vector and vector["text"].encode() != data:
        return "text and input differ"
    if "offset" in found and len(data) > found["offset"] + 1:
        again = frames.read_line(data[: found["offset"] + 1], limit)
        if (again["verdict"], again["offset"]) != (found["verdict"], found["offset"]):
            return "the verdict changes with what follows"
    return compare(vector, found) or unexpected(vector, found)


def judge_sent(vector):
    """HS-2"""
    line = "YOTON!" + vector["id"] + "." + str(int(vector["pid"])) + "\r\n"
    if frames.read_line(line.encode(), 64)["verdict"] != "good":
        return "is no good line"
    return compare(vector, {"output": line.encode().hex(), "text": line})


def unexpected(vector, found):
    """Members that say more than the verdict has room for."""
    extra = {"offset", "refusal", "cut_refusal", "id", "pid", "consumed", "header", "kind"} & (
        set(vector) - set(found)
    )
    return "has also %s" % ", ".join(sorted(extra)) if extra else ""


def judge_header(vector, default):
    data = to_bytes(vector["input"])
    found = frames.read_header(data, int(vector.get("limit", default)))
    if "header" in found and frames.write_header(found["header"]) != data:
        return "encoding the fields gives other bytes"
    return compare(vector, found) or unexpected(vector, found)


def judge_object(vector, default):
    data, limit = to_bytes(vector["input"]), vector.get("depth_limit", default)
    try:
        value, used = objects.read(data, limit)
    except objects.Malformed as malformed:
        return compare(vector, {"verdict": malformed.kind, "offset": malformed.offset})
    found = {"verdict": "good", "used": used}
    if vector["name"].startswith("depth.") and "value" not in vector:
        found["literal"] = None  # too deep to be evaluated; compared as a text below
        wanted = deep_literal(value)
        return compare(dict(vector, literal=None), found) or (
            "" if to_text(vector["literal"]) == wanted else "another literal"
        )
    if "value" in vector and objects.shown(objects.from_json(vector["value"])) != objects.shown(
        value
    ):
        return "value is another one than %s" % objects.shown(value)
    if objects.shown(objects.from_literal(to_text(vector["literal"]))) != objects.shown(value):
        return "literal is another value than %s" % objects.shown(value)
    if "canonical" in vector:
        sent = objects.write(value)
        if vector["canonical"] != (sent == data) or (
            not vector["canonical"] and to_bytes(vector["encoded"]) != sent
        ):
            return "a sender writes %s" % sent.hex()
    return compare(vector, found)


def deep_literal(value):
    """The literal of containers of one item inside each other."""
    left, right = [], []
    while value is not None:
        opening, closing = {list: ("[", "]"), tuple: ("(", ",)"), dict: ("{None: ", "}")}[
            type(value)
        ]
        left.append(opening)
        right.append(closing)
        value = value[None] if isinstance(value, dict) else value[0]
    return "".join(left) + "None" + "".join(reversed(right))


def judge_slot(vector, default):
    if "base" in vector:
        out, into = (
            vector["base"] + "." + vector["type"] + "." + p for p in names.PATTERNS[vector["kind"]]
        )
        return compare(
            vector,
            {
                "slot_out": out,
                "slot_in": into,
                "slot_out_hash": str(names.slot(names.lower(names.strip(out)))),
                "slot_in_hash": str(names.slot(names.lower(names.strip(into)))),
            },
        )
    text = to_text(vector["text"])
    if len(text) > default:
        return compare(vector, {"verdict": "length"})
    normal = names.lower(names.strip(text))
    shown = dict(vector, normal=to_text(vector["normal"]))
    return compare(shown, {"verdict": "good", "normal": normal, "slot": str(names.slot(normal))})


def judge_port(vector):
    text = to_text(vector["text"])
    found = {"hash": names.port(text)}
    try:
        found |= {"verdict": "good", "port": names.read_port(text, 0)}
    except names.Wrong as wrong:
        found |= {"verdict": "bad", "offset": len(text[: wrong.args[0]].encode())}
    return compare(vector, found)


def judge_address(vector):
    text = vector["text"]
    try:
        found = {"verdict": "good"} | names.read_address(text)
    except names.Wrong as wrong:
        found = {"verdict": "bad", "offset": len(text[: wrong.args[0]].encode())}
    return compare(vector, found)


def pieces(data, chance):
    """The data cut in some ways: whole, byte by byte, at every header, and by chance."""
    yield [data]
    if len(data) <= 1000:
        yield [data[at : at + 1] for at in range(len(data))]
    yield [data[at : at + 56] for at in range(0, len(data), 56)]
    for _ in range(3):
        cuts = sorted(chance.sample(range(len(data) + 1), min(len(data), 5)))
        yield [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]


def judge_stream(vector, limit, line_limit, chance):
    data = to_bytes(vector["input"])
    if len(data) != vector["size"]:
        return "size is %d" % len(data)
    if vector["events"][-1].get("kind") == "control":
        begun = max((event.get("end", 0) for event in vector["events"]), default=0)
        if len(data) - begun < 56:
            return "a reader that waits for the whole header sees the end of the stream instead"
    wanted = [
        dict(e, payload=to_bytes(e["payload"])) if "payload" in e else e for e in vector["events"]
    ]
    for cut in pieces(data, chance):
        reader = frames.Reader(vector["start"], int(vector.get("limit", limit)), line_limit)
        for piece in cut:
            reader.feed(piece)
        reader.end()
        if reader.events != wanted:
            return "cut into %s the events are %s" % ([len(p) for p in cut][:8], reader.events)
    return ""


# --- what the vectors have to hold at least ---


def coverage(files):
    """Kinds of vectors that must not get lost."""

    def some(kind, **members):
        return [
            v
            for v in files[kind]["vectors"]
            if all(v.get(key) == value for key, value in members.items())
        ]

    for verdict, least in (
        ("good", 30),
        ("more", 30),
        ("malformed", 60),
        ("not_yoton", 20),
        ("too_long", 2),
    ):
        if len(some("handshake", verdict=verdict)) < least:
            yield "handshake: fewer than %d vectors are %s" % (least, verdict)
    for offset in range(8):
        if not some("headers", verdict="control", offset=offset):
            yield "headers: no control bytes wrong at %d" % offset
    for verdict in ("type", "length", "utf8", "key", "depth"):
        if not some("objects", verdict=verdict):
            yield "objects: none is malformed by %s" % verdict
    ends = {
        e.get("kind", e.get("inside", e["event"]))
        for v in files["streams"]["vectors"]
        for e in v["events"][-1:]
    }
    yield from (
        "streams: none ends in %s" % end
        for end in {
            "not_yoton",
            "malformed",
            "control",
            "length",
            "line",
            "header",
            "payload",
            "boundary",
            "close",
        }
        - ends
    )


# --- the examples of wire.md ---


def dumped(text):
    """The bytes of a dump: pairs of hex digits, behind an offset or a direction."""
    row = re.compile(
        r"^(?:[AB] -> [AB]|[0-9a-f]{2}(?= {3}))? *((?:[0-9A-F]{2} )*[0-9A-F]{2})(?: {2}|$)"
    )
    return b"".join(bytes.fromhex(m.group(1)) for m in map(row.match, text.splitlines()) if m)


def examples(files):
    """The dumps of section 3.1 are a stream, the object of 11.1 and the slots of 10 are vectors."""
    wire = (SPEC / "wire.md").read_text(encoding="utf-8")
    talk = wire[wire.index("### 3.1") : wire.index("B has nothing to say")]
    lines, headers = talk.split("B -> A")[0], talk[talk.index("```", talk.index("B -> A")) :]
    stream = next(v for v in files["streams"]["vectors"] if v["name"] == "line.example")
    wanted = to_bytes(stream["input"])[: stream["events"][-1]["at"]]
    if dumped(lines) + dumped(headers) != wanted:
        yield "section 3.1 says %s" % (dumped(lines) + dumped(headers)).hex()
    request = next(v for v in files["objects"]["vectors"] if v["name"] == "request")
    shown = re.search(r"^%s +([0-9A-F ]+)$" % re.escape(to_text(request["literal"])), wire, re.M)
    if not shown or bytes.fromhex(shown.group(1)) != to_bytes(request["input"]):
        yield "section 11.1 shows another request"
    numbers = {v.get("slot") for v in files["slots"]["vectors"]}
    section = wire[wire.index("## 10. Slots") : wire.index("## 11. ")]
    rows = re.findall(r"^\| .* \| ([0-9]+) \|$", section, re.M)
    yield from ("slot %s of section 10 is no vector" % row for row in rows if row not in numbers)
    if len(rows) < 4:
        yield "section 10 has a table of %d slots" % len(rows)


# --- the generator ---


def generator(folder, *options, **environment):
    done = subprocess.run(
        [sys.executable, str(folder / "generate.py"), *options],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout + done.stderr


def in_copy(edit, **environment):
    """Runs the check on a copy of the vectors that `edit` has changed."""
    with tempfile.TemporaryDirectory() as temp:
        folder = Path(temp) / "vectors"
        shutil.copytree(VECTORS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        edit(folder)
        return generator(folder, "--check", **environment)


def replace(name, old, new):
    def edit(folder):
        text = (folder / name).read_text()
        if old not in text:
            raise ValueError("%s does not hold %r" % (name, old))
        (folder / name).write_text(text.replace(old, new, 1))

    return edit


def expect(status, words, result):
    code, output = result
    wanted = [word for word in words if word not in output]
    if code != status or wanted:
        yield "exit %d, and says: %s" % (code, output.strip()[-400:])


def changed_original(temp, source):
    """A copy of the original with another constant in its hash and another answer to a line."""
    shutil.copytree(source / "yoton", temp / "yoton", ignore=shutil.ignore_patterns("__pycache__"))
    for name, old, new in (
        ("misc.py", "offset = 8", "offset = 9"),
        ("connection_tcp.py", "int(id2_str, 16)", "int(id2_str[:15], 16)"),
    ):
        path = temp / "yoton" / name
        text = path.read_text(encoding="utf-8")
        if old not in text:
            raise ValueError("the original's %s does not hold %r" % (name, old))
        path.write_text(text.replace(old, new), encoding="utf-8")


def check_generator():
    report(
        "a missing original is said, with exit 77",
        expect(
            MISSING,
            ["the original is missing", "YOTON_PATH"],
            generator(VECTORS, "--check", YOTON_PATH=str(VECTORS)),
        ),
    )
    code, output = generator(VECTORS, "--check")
    skip = "the original is missing" if code == MISSING else ""
    report(
        "the original makes these vectors today",
        [] if skip else expect(0, [" 0 differences"], (code, output)),
        skip,
    )
    cases = (
        (
            "a changed value",
            replace("slots.json", '"slot": "17460451874447"', '"slot": "17460451874448"'),
            ["slots.json: vector known.chat: slot is"],
        ),
        (
            "a removed vector",
            replace("headers.json", '"name": "good.plain"', '"name": "good.other"'),
            ["headers.json: vector good.other", "headers.json: vector good.plain is missing"],
        ),
        (
            "a changed layout",
            replace("ports.json", '"vectors": [', '"vectors":  ['),
            ["ports.json: the same vectors"],
        ),
        (
            "a file that is not JSON",
            replace("objects.json", "{", ""),
            ["objects.json: not a file of vectors"],
        ),
        (
            "a missing file",
            lambda folder: (folder / "streams.json").unlink(),
            ["streams.json: not there"],
        ),
    )
    for name, edit, words in cases:
        report(
            "the check notices " + name,
            [] if skip else expect(1, words, in_copy(edit, **where())),
            skip,
        )
    if skip:
        report("the check notices an original that changed", [], skip)
        return
    with tempfile.TemporaryDirectory() as temp:
        changed_original(Path(temp), Path(where()["YOTON_PATH"]))
        result = generator(VECTORS, "--check", YOTON_PATH=temp)
    report(
        "the check notices an original that changed",
        expect(
            1,
            [
                'slots.json: vector known.empty: slot is "8" in the file and "9" now',
                "handshake.json: vector good.plain: id is",
            ],
            result,
        ),
    )


def where():
    """The folder of the original, also for a copy of the generator that stands elsewhere."""
    unpacked = SPEC.parent / "build/peer/pyzo/usr/share/pyzo/pyzo"
    return {"YOTON_PATH": os.environ.get("YOTON_PATH") or str(unpacked)}


def main():
    files = {kind: load(kind) for kind in KINDS}
    chance = random.Random(1)
    line_limit = files["streams"]["line_limit"]
    report("names are unique and requirements exist", form(files))
    check_schema(files)
    judges = {
        "handshake": lambda v: judge_line(v, files["handshake"]["limit"]),
        "headers": lambda v: judge_header(v, files["headers"]["limit"]),
        "objects": lambda v: judge_object(v, files["objects"]["depth_limit"]),
        "slots": lambda v: judge_slot(v, files["slots"]["name_limit"]),
        "ports": judge_port,
        "addresses": judge_address,
        "streams": lambda v: judge_stream(v, files["streams"]["limit"], line_limit, chance),
    }
    for kind in KINDS:
        report(
            "%s.json: a second reader agrees with %d vectors" % (kind, len(files[kind]["vectors"])),
            check(files[kind]["vectors"], judges[kind]),
        )
    report(
        "lines that are sent: a second writer agrees", check(files["handshake"]["sent"], judge_sent)
    )
    report("no kind of vector is lost", coverage(files))
    report("the examples of wire.md are vectors", examples(files))
    check_generator()
    print("1..%d" % len(results))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
