#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""grammar.abnf is ABNF without loose ends, and what it accepts is what the vectors say."""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from second import abnf, to_bytes  # noqa: E402

SPEC = Path(__file__).resolve().parents[1]
GRAMMAR = SPEC / "grammar.abnf"
WIDTH = 100
# Where a reader of the grammar begins; every other rule is there for one of these.
ROOTS = (
    "from-client",
    "from-host",
    "any-payload",
    "object-payload",
    "address",
    "slot-name",
    "request",
    "answer",
)
SPOILED = (
    "a = b",
    "a = ",
    "a = (b\nb = %x01",
    'a = ["b"',
    'a = "b',
    "a = %x",
    "a = 3*",
    'a = "x" /',
    "a = 'x'",
    'a = "x"\na = "y"',
    '  "x"',
    'a == "x"',
    '1a = "x"',
    "a = <prose>",
    'a = "x")',
    'a = ["x")',
    'digit = "x"',
)
SOUND = ('a = "x"', 'a = %s"x" / %x41-5A 2*3DIGIT [CRLF]', 'a = ("x"\n    "y") ; and so on')
LONG_OBJECT = 120  # bytes; the matcher goes as deep as the object does
results = []


def report(name, problems):
    problems = list(problems)
    results.append(not problems)
    print("%s %d - %s" % ("not ok" if problems else "ok", len(results), name))
    for problem in problems[:20]:
        print("# " + str(problem))


def vectors(kind):
    content = json.loads((SPEC / "vectors" / (kind + ".json")).read_text())
    return content, content["vectors"]


def layout(text):
    for number, line in enumerate(text.splitlines(), 1):
        if len(line) > WIDTH:
            yield "line %d has %d columns" % (number, len(line))
        if not line.isascii():
            yield "line %d is not ASCII" % number


def loose_ends(rules):
    core = abnf.read(abnf.CORE)
    used = {}
    for name, body in rules.items():
        for other in abnf.used(body):
            used.setdefault(other, name)
    yield from (
        "%s, which %s uses, is not defined" % (n, by)
        for n, by in used.items()
        if n not in rules and n not in core
    )
    yield from (
        "%s is used by nothing and no root" % n for n in rules if n not in used and n not in ROOTS
    )
    yield from ("%s is a root, and not defined" % n for n in ROOTS if n not in rules)
    yield from ("%s is a rule of RFC 5234" % n for n in rules if n in core)


def spoiled():
    """Of each of these the reader says that it is not ABNF, or that a rule is missing."""
    for text in SPOILED + SOUND:
        try:
            problems = list(loose_ends(abnf.read(text) | dict.fromkeys(ROOTS, ("text", True, b""))))
        except abnf.Wrong as wrong:
            problems = [wrong]
        if not problems or (problems != ["a is used by nothing and no root"]) == (text in SOUND):
            yield "%r: %s" % (text, problems)


def lines(matcher):
    """Some beginning of the input is a line, within the limit, exactly when the vector is good."""
    content, found = vectors("handshake")
    for vector in found:
        data, limit = to_bytes(vector["input"]), vector.get("limit", content["limit"])
        ends = [end for end in matcher.ends("handshake-line", data[:1024]) if end <= limit]
        wanted = [vector["consumed"]] if vector["verdict"] == "good" else []
        if ends != wanted:
            yield "%s: a line ends at %s, should be %s" % (vector["name"], ends, wanted)
        for key, rule in (("refusal", "refusal-line"), ("cut_refusal", "refusal-line")):
            if vector.get(key) and not matcher.accepts(rule, vector[key].encode()):
                yield "%s: %s is no %s" % (vector["name"], key, rule)


def headers(matcher):
    for vector in vectors("headers")[1]:
        data = to_bytes(vector["input"])
        whole = vector["verdict"] in ("good", "length")
        kind = vector.get("kind", "package" if whole else "")
        if matcher.accepts("message", data + b"x") != (len(data) == 56 and whole):
            yield "%s: as the header of a message" % vector["name"]
        for rule in ("heartbeat", "close"):
            if matcher.accepts(rule, data) != (kind == rule):
                yield "%s: as %s" % (vector["name"], rule)
        if kind == "ignored" and not matcher.accepts("other-signal", data):
            yield "%s: as other signal" % vector["name"]
        plain = vector["name"] in ("signal.heartbeat", "signal.close")
        if plain != any(matcher.accepts("sent-" + rule, data) for rule in ("heartbeat", "close")):
            yield "%s: as a signal that is sent" % vector["name"]


def object_problems(matcher):
    """The grammar sees no counts: it takes every good object, and no unknown type in front."""
    for vector in vectors("objects")[1]:
        data = to_bytes(vector["input"])
        if len(data) > LONG_OBJECT:
            continue
        good = matcher.accepts("object-payload", data)
        if vector["verdict"] == "good" and not good:
            yield "%s: is good and not taken" % vector["name"]
        if vector.get("used", 0) and vector["used"] not in matcher.ends("object", data):
            yield "%s: is an object of another length" % vector["name"]
        if good and vector["verdict"] == "type" and vector["offset"] == 0:
            yield "%s: is malformed and taken" % vector["name"]


def addresses(matcher):
    """What is bad and yet fits the grammar has a number out of range, as its comments say."""
    for vector in vectors("addresses")[1]:
        text = vector["text"]
        rule = "protocol-address" if "://" in text else "plain-address"
        taken = matcher.accepts(rule, text.encode())
        if taken != (vector["verdict"] == "good") and not (
            taken and out_of_range(text, vector["offset"])
        ):
            yield "%s: %s" % (vector["name"], "taken" if taken else "not taken")
    for vector in vectors("ports")[1]:
        if isinstance(vector["text"], list):
            continue
        taken = matcher.accepts("port", vector["text"].encode())
        if taken != (vector["verdict"] == "good") and not (
            taken and out_of_range(vector["text"], vector["offset"])
        ):
            yield "port %s: %s" % (vector["name"], "taken" if taken else "not taken")


def out_of_range(text, offset):
    """The number in `text`, from the byte that is blamed."""
    digits = text.encode()[offset:].lstrip(b"+")
    return digits.isdigit() and int(digits) > 0


def streams(matcher):
    """What is read to its end without an error is a line and packages; short ones are tried."""
    for vector in vectors("streams")[1]:
        data = to_bytes(vector["input"])
        ends_well = (
            vector["events"][-1].get("inside") == "boundary"
            or vector["events"][-1]["event"] == "close"
        )
        if (
            not ends_well
            or len(data) > 600
            or len(data) > vector["events"][-1].get("end", len(data))
        ):
            continue
        line = b"" if vector["start"] == "line" else b"YOTON!0123456789abcdef.1\r\n"
        for rule in ("from-client", "from-host"):
            if not matcher.accepts(rule, line + data):
                yield "%s: not what comes %s" % (vector["name"], rule.replace("-", " "))


def mutated(text):
    """A grammar that is wrong in one place of these does not get past the vectors."""
    for old, new, judge in MUTATIONS:
        if text.count(old) < 1:
            raise ValueError("grammar.abnf does not hold %r" % old)
        if not list(judge(abnf.Matcher(abnf.read(text.replace(old, new, 1))))):
            yield "%r instead of %r is not noticed" % (new, old)


MUTATIONS = (
    ('%s"YOTON!"', '"YOTON!"', lines),
    ("15HEXDIG", "14*15HEXDIG", lines),
    ("15HEXDIG", "15*16HEXDIG", lines),
    ('"." process-id', '["."] process-id', lines),
    ("process-id CRLF", "process-id (CRLF / %x0A)", lines),
    ("context-id = hex-nonzero", "context-id = HEXDIG", lines),
    ("1*19DIGIT", "*19DIGIT", lines),
    ("1*19DIGIT", "1*20DIGIT", lines),
    ('"1" %x30-37 18DIGIT', '"1" %x30-38 18DIGIT', lines),
    ('"1" %x30-37 18DIGIT', '"1" %x30-36 18DIGIT', lines),
    ('161" %x30-35', '161" %x30-36', lines),
    ('161" %x30-35', '161" %x30-34', lines),
    ("Yoton.", "Yoton!", lines),
    ("/ bad-line)", ")", lines),
    ('%s"YOTON   "', '"YOTON   "', headers),
    ("dest-seq length payload", "length payload", headers),
    ("zero = 8%x00", "zero = 7%x00 OCTET", headers),
    ("one = %x01 7%x00", "one = %x02 7%x00", headers),
    ("payload = 1*", "payload = 2*", headers),
    ("boolean = %s", 'boolean = %s"" / ', object_problems),
    ('%s"f" 8OCTET', '%s"f" 7OCTET', object_problems),
    ("/ (%xFF u64)", "", object_problems),
    ("utf8-3 / utf8-4\nutf8-2", "utf8-3\nutf8-2", object_problems),
    ("[object *OCTET]", "[object]", object_problems),
    ("[object *OCTET]", "*OCTET", object_problems),
    ('ipv6-host = "[" ', "ipv6-host = ", addresses),
    ("host-first = %x21", "host-first = %x20", addresses),
    ("port-offset = 1*", "port-offset = *", addresses),
    ("[*6(h16", "[*7(h16", addresses),
    ('"tcp" ', '%s"tcp" ', addresses),
    ("named-host\nown", "ipv6-host\nown", addresses),
    ("handshake-line *package", "handshake-line package", streams),
    ("/ signal", "", streams),
)


def main():
    text = GRAMMAR.read_text(encoding="utf-8")
    try:
        rules = abnf.read(text)
    except abnf.Wrong as wrong:
        sys.exit("Bail out! grammar.abnf: %s" % wrong)
    matcher = abnf.Matcher(rules)
    report("grammar.abnf is plain and fits %d columns" % WIDTH, layout(text))
    report("every rule is defined once and used", loose_ends(rules))
    report("what is not ABNF is noticed", spoiled())
    report("handshake lines: the grammar takes the good ones only", lines(matcher))
    report("headers: the grammar tells messages and signals", headers(matcher))
    report("objects: the grammar takes all that are good", object_problems(matcher))
    report(
        "addresses and ports: the grammar takes the good ones, and what is out of range",
        addresses(matcher),
    )
    report("streams: the grammar takes those that end well", streams(matcher))
    report("a grammar with a mistake is noticed by the vectors", mutated(text))
    print("1..%d" % len(results))
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
