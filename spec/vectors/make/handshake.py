# SPDX-License-Identifier: BSD-2-Clause
"""Handshake lines. The tables say what is wanted; the original is asked about each line."""
from .common import LINE_LIMIT, Parts, Table, as_json, header, whole

NOT_YOTON = "ERROR: this is Yoton.\r\n"
NO_ID = "ERROR: could not parse id.\r\n"
ID = b"0123456789abcdef"
START = b"YOTON!" + ID
LINE = START + b".4242\r\n"
MAX = 2**64 - 1


def around_the_largest(step):
    """Process ids of 20 digits that leave 2^64-1 at each of its digits, upwards or downwards."""
    for at, digit in enumerate(map(int, str(MAX))):
        if 0 <= digit + step <= 9:
            yield at, "%s%d" % (str(MAX)[:at], digit + step) + ("0" if step > 0 else "9") * (
                19 - at
            )


# name, requirements, input; id, pid and length are those of the original
GOOD = [
    ("good.plain", "HS-2", LINE),
    ("good.upper-case", "HS-6", b"YOTON!0123456789ABCDEF.4242\r\n"),
    ("good.mixed-case", "HS-6", b"YOTON!0123456789aBcDeF.4242\r\n"),
    ("good.all-digits-decimal", "HS-2", b"YOTON!1234567890123456.4242\r\n"),
    ("good.all-digits-letters", "HS-2", b"YOTON!abcdefabcdefabcd.4242\r\n"),
    ("good.id.smallest", "HS-2 HS-15", b"YOTON!0000000000000001.4242\r\n"),
    ("good.id.leading-zeros", "HS-2", b"YOTON!00000000c0ffee01.77\r\n"),
    ("good.id.trailing-zeros", "HS-2", b"YOTON!c0ffee0100000000.77\r\n"),
    ("good.id.top-bit", "HS-2", b"YOTON!8000000000000000.1\r\n"),
    ("good.id.2^63-1", "HS-2", b"YOTON!7fffffffffffffff.1\r\n"),
    ("good.id.largest", "HS-2", b"YOTON!ffffffffffffffff.1\r\n"),
    ("good.pid.0", "HS-5", START + b".0\r\n"),
    ("good.pid.1", "HS-5", START + b".1\r\n"),
    ("good.pid.one-digit", "HS-5", START + b".9\r\n"),
    ("good.pid.zeros", "HS-5", START + b".000\r\n"),
    ("good.pid.leading-zeros", "HS-5", START + b".00004242\r\n"),
    ("good.pid.20-zeros", "HS-5", START + b"." + b"0" * 20 + b"\r\n"),
    ("good.pid.20-digits-leading-zeros", "HS-5", START + b".00000000000000004242\r\n"),
    ("good.pid.2^31", "HS-5", START + b".2147483648\r\n"),
    ("good.pid.2^32", "HS-5", START + b".4294967296\r\n"),
    ("good.pid.2^63", "HS-5", START + b".9223372036854775808\r\n"),
    ("good.pid.19-digits", "HS-5", START + b".9999999999999999999\r\n"),
    ("good.pid.20-digits", "HS-5", START + b".10000000000000000000\r\n"),
    ("good.pid.2^64-1", "HS-5 LIMIT-1", START + b".18446744073709551615\r\n"),
    *(
        ("good.pid.less-at-digit-%02d" % at, "HS-5", START + b".%s\r\n" % pid.encode())
        for at, pid in around_the_largest(-1)
    ),
    ("good.then.package", "HS-9", LINE + header(2, 0x0123456789ABCDEF, 1, length=2) + b"hi"),
    ("good.then.part-of-header", "HS-9", LINE + header(1)[:5]),
    ("good.then.second-line", "HS-9", LINE + LINE),
    ("good.then.line-feed", "HS-9", LINE + b"\n"),
    ("good.then.carriage-return", "HS-9", LINE + b"\r"),
    ("good.then.nul", "HS-9", LINE + b"\0"),
    ("good.then.many-bytes", "HS-9 HS-16", Parts(LINE, (b"x", 200))),
]

# Inputs that begin with `YOTON!` and go wrong: name, requirements, input, offset of the error.
MALFORMED = [
    ("bad.nothing-after-mark", "HS-13", b"YOTON!\r\n", 6),
    ("bad.no-id", "HS-13", b"YOTON!.4242\r\n", 6),
    ("bad.dot-only", "HS-13", b"YOTON!.\r\n", 6),
    ("bad.words", "HS-13", b"YOTON!hello world\r\n", 6),
    ("bad.mark-twice", "HS-13", b"YOTON!YOTON!0123456789abcdef.4242\r\n", 6),
    ("bad.id.1-digit", "HS-14", b"YOTON!1.4242\r\n", 7),
    ("bad.id.15-digits", "HS-14", b"YOTON!123456789abcdef.4242\r\n", 21),
    ("bad.id.17-digits", "HS-14", b"YOTON!00123456789abcdef.4242\r\n", 22),
    ("bad.id.17-digits-over-64-bits", "HS-14", b"YOTON!10123456789abcdef.4242\r\n", 22),
    ("bad.id.32-digits", "HS-14", b"YOTON!" + ID + ID + b".4242\r\n", 22),
    ("bad.id.0x", "HS-14", b"YOTON!0x23456789abcdef.4242\r\n", 7),
    ("bad.id.0X", "HS-14", b"YOTON!0X23456789abcdef.4242\r\n", 7),
    ("bad.id.0x-and-16-digits", "HS-14", b"YOTON!0x" + ID + b".4242\r\n", 7),
    ("bad.id.plus", "HS-14", b"YOTON!+123456789abcdef.4242\r\n", 6),
    ("bad.id.minus", "HS-14", b"YOTON!-123456789abcdef.4242\r\n", 6),
    ("bad.id.minus-and-16-digits", "HS-14", b"YOTON!-" + ID + b".4242\r\n", 6),
    ("bad.id.blank-before", "HS-14", b"YOTON! " + ID + b".4242\r\n", 6),
    ("bad.id.blank-in-place-of-zero", "HS-14", b"YOTON! 123456789abcdef.4242\r\n", 6),
    ("bad.id.blank-behind", "HS-14", START + b" .4242\r\n", 22),
    ("bad.id.blank-at-the-end", "HS-14", b"YOTON!0123456789abcde .4242\r\n", 21),
    ("bad.id.blank-inside", "HS-13", b"YOTON!01234567 9abcdef.4242\r\n", 14),
    ("bad.id.tab", "HS-14", b"YOTON!\t" + ID + b".4242\r\n", 6),
    ("bad.id.line-feed-before", "HS-14", b"YOTON!\n" + ID + b".4242\r\n", 6),
    ("bad.id.underscore", "HS-14", b"YOTON!0123_456789abcde.4242\r\n", 10),
    ("bad.id.two-underscores", "HS-13", b"YOTON!0123__45678abcde.4242\r\n", 10),
    ("bad.id.letter-g", "HS-13", b"YOTON!0123456789abcdeg.4242\r\n", 21),
    ("bad.id.letter-G", "HS-13", b"YOTON!G123456789ABCDEF.4242\r\n", 6),
    ("bad.id.before-0", "HS-13", b"YOTON!/123456789abcdef.4242\r\n", 6),
    ("bad.id.after-9", "HS-13", b"YOTON!012345678:abcdef.4242\r\n", 15),
    ("bad.id.before-A", "HS-13", b"YOTON!012345678@abcdef.4242\r\n", 15),
    ("bad.id.before-a", "HS-13", b"YOTON!012345678`abcdef.4242\r\n", 15),
    ("bad.id.letter-L", "HS-13", b"YOTON!0123456789abcdeL.4242\r\n", 21),
    ("bad.id.nul", "HS-13", b"YOTON!0123456\x00789abcde.4242\r\n", 13),
    ("bad.id.full-width-digit", "HS-14", "YOTON!０123456789abcdef.4242\r\n".encode(), 6),
    ("bad.id.arabic-digits", "HS-14", "YOTON!٠١٢٣٤٥٦٧٨٩abcdef.4242\r\n".encode(), 6),
    ("bad.id.not-utf-8", "HS-14", b"YOTON!0123456\xff789abcdef.4242\r\n", 13),
    ("bad.id.not-utf-8-between-id-and-dot", "HS-14", START + b"\xc3.4242\r\n", 22),
    ("bad.id.0", "HS-15", b"YOTON!0000000000000000.4242\r\n", 21),
    ("bad.dot.missing", "HS-13", START + b"4242\r\n", 22),
    ("bad.dot.missing-with-pid", "HS-13", START + b"\r\n", 22),
    ("bad.dot.colon", "HS-13", START + b":4242\r\n", 22),
    ("bad.dot.comma", "HS-13", START + b",4242\r\n", 22),
    ("bad.dot.twice", "HS-13", START + b"..4242\r\n", 23),
    ("bad.dot.line-feed", "HS-13", START + b"\n4242\r\n", 22),
    ("bad.pid.missing", "HS-13", START + b".\r\n", 23),
    ("bad.pid.plus", "HS-14", START + b".+4242\r\n", 23),
    ("bad.pid.minus", "HS-14", START + b".-4242\r\n", 23),
    ("bad.pid.minus-zero", "HS-14", START + b".-0\r\n", 23),
    ("bad.pid.blank-before", "HS-14", START + b". 4242\r\n", 23),
    ("bad.pid.blank-behind", "HS-14", START + b".4242 \r\n", 27),
    ("bad.pid.blank-inside", "HS-13", START + b".42 42\r\n", 25),
    ("bad.pid.tab-behind", "HS-14", START + b".4242\t\r\n", 27),
    ("bad.pid.blank-only", "HS-13", START + b". \r\n", 23),
    ("bad.pid.underscore", "HS-14", START + b".42_42\r\n", 25),
    ("bad.pid.underscore-behind", "HS-13", START + b".4242_\r\n", 27),
    ("bad.pid.0x", "HS-13", START + b".0x1092\r\n", 24),
    ("bad.pid.hex-digit", "HS-13", START + b".10a2\r\n", 25),
    ("bad.pid.fraction", "HS-13", START + b".4242.0\r\n", 27),
    ("bad.pid.exponent", "HS-13", START + b".4e3\r\n", 24),
    ("bad.pid.full-width-digits", "HS-14", START + b"." + "４２".encode() + b"\r\n", 23),
    ("bad.pid.superscript", "HS-13", START + b".4" + "²".encode() + b"\r\n", 24),
    ("bad.pid.no-break-space", "HS-14", START + b".4242" + "\xa0".encode() + b"\r\n", 27),
    ("bad.pid.not-utf-8", "HS-14", START + b".42\xff42\r\n", 25),
    ("bad.pid.nul", "HS-13", START + b".4242\0\r\n", 27),
    ("bad.pid.2^64", "HS-5 HS-14", START + b".18446744073709551616\r\n", 42),
    ("bad.pid.2^64-cut", "HS-5 HS-14", START + b".18446744073709551616", 42),
    ("bad.pid.20-nines", "HS-5 HS-14", START + b".99999999999999999999\r\n", 42),
    ("bad.pid.20-digits-2-first", "HS-5 HS-14", START + b".20000000000000000000\r\n", 42),
    *(
        ("bad.pid.more-at-digit-%02d" % at, "HS-5 HS-14", START + b".%s\r\n" % pid.encode(), 42)
        for at, pid in around_the_largest(1)
    ),
    ("bad.pid.21-digits", "HS-14", START + b".100000000000000000000\r\n", 43),
    ("bad.pid.21-zeros", "HS-14", START + b"." + b"0" * 21 + b"\r\n", 43),
    ("bad.pid.2^128", "HS-14", START + b".340282366920938463463374607431768211456\r\n", 42),
    ("bad.end.line-feed-only", "HS-14", START + b".4242\n", 27),
    ("bad.end.line-feed-and-crlf", "HS-14", START + b".4242\n\r\n", 27),
    ("bad.end.cr-cr-lf", "HS-14", START + b".4242\r\r\n", 28),
    ("bad.end.cr-and-blank-and-lf", "HS-14", START + b".4242\r \n", 28),
    ("bad.end.carriage-return-only", "HS-13", START + b".4242\rYOTON   ", 28),
    ("bad.end.cr-nul-lf", "HS-13", START + b".4242\r\0\n", 28),
    ("bad.end.two-lines-in-one", "HS-13", START + b".4242" + LINE, 27),
    ("bad.end.text-behind-pid", "HS-13", START + b".4242 HTTP/1.1\r\n", 27),
    ("bad.long.id-63", "HS-16", Parts(b"YOTON!", (b"1", 57)), 22),
    ("bad.long.id-64", "HS-16 LIMIT-1", Parts(b"YOTON!", (b"1", 58)), 22),
    ("bad.long.id-65", "HS-16 LIMIT-1", Parts(b"YOTON!", (b"1", 59)), 22),
    ("bad.long.64-with-crlf", "HS-16 LIMIT-1", Parts(b"YOTON!", (b"1", 56), b"\r\n"), 22),
    ("bad.long.65-with-crlf", "HS-16 LIMIT-1", Parts(b"YOTON!", (b"1", 57), b"\r\n"), 22),
    ("bad.long.pid-64", "HS-16 LIMIT-1", Parts(START + b".", (b"0", 41)), 43),
    ("bad.long.pid-64-with-crlf", "HS-16 LIMIT-1", Parts(START + b".", (b"0", 39), b"\r\n"), 43),
    ("bad.long.pid-65-with-crlf", "HS-16 LIMIT-1", Parts(START + b".", (b"0", 40), b"\r\n"), 43),
    ("bad.long.blanks", "HS-16", Parts(START + b".4242", (b" ", 1000), b"\r\n"), 27),
]

# Inputs that do not begin with `YOTON!`: name, requirements, input, offset.
NOT_YOTON_LINES = [
    ("stranger.http-get", "HS-12", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 0),
    ("stranger.http-1.0", "HS-12", b"GET / HTTP/1.0\r\n\r\n", 0),
    ("stranger.http-head", "HS-12", b"HEAD /index.html HTTP/1.1\r\n\r\n", 0),
    ("stranger.http-post", "HS-12", b"POST /YOTON!0123456789abcdef.4242 HTTP/1.1\r\n\r\n", 0),
    ("stranger.http-2", "HS-12", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
    ("stranger.tls", "HS-12", bytes.fromhex("16030100c8010000c40303") + b"\r\n", 0),
    ("stranger.ssh", "HS-12", b"SSH-2.0-OpenSSH_9.2\r\n", 0),
    ("stranger.telnet", "HS-12", b"\xff\xfd\x18\xff\xfd\x20\r\n", 0),
    ("stranger.empty-line", "HS-12", b"\r\n", 0),
    ("stranger.line-feed", "HS-12", b"\n\r\n", 0),
    ("stranger.blank-before", "HS-12", b" " + LINE, 0),
    ("stranger.nul", "HS-12", b"\0\r\n", 0),
    ("stranger.byte-order-mark", "HS-12", b"\xef\xbb\xbf" + LINE, 0),
    ("stranger.lower-case", "HS-12", b"yoton!" + ID + b".4242\r\n", 0),
    ("stranger.capital-first-only", "HS-12", b"Yoton!" + ID + b".4242\r\n", 1),
    ("stranger.no-mark", "HS-12", b"YOTON" + ID + b".4242\r\n", 5),
    ("stranger.other-mark", "HS-12", b"YOTON?" + ID + b".4242\r\n", 5),
    ("stranger.blank-in-mark", "HS-12", b"YOTON !" + ID + b".4242\r\n", 5),
    ("stranger.misspelt", "HS-12", b"YOTTO!" + ID + b".4242\r\n", 3),
    ("stranger.short", "HS-12", b"YOTON\r\n", 5),
    ("stranger.refusal-of-a-host", "HS-12 HS-23", b"ERROR: could not parse id.\r\n", 0),
    ("stranger.header", "HS-12", header(1), 5),
    ("stranger.not-utf-8-in-mark", "HS-12 HS-14", b"YO\xffTON!" + ID + b".4242\r\n", 2),
    ("stranger.long-63", "HS-12 HS-16", Parts((b"x", 63)), 0),
    ("stranger.long-64", "HS-12 HS-16 LIMIT-1", Parts((b"x", 64)), 0),
    ("stranger.long-65", "HS-12 HS-16 LIMIT-1", Parts((b"x", 65)), 0),
    ("stranger.long-65-with-crlf", "HS-12 HS-16 LIMIT-1", Parts((b"x", 63), b"\r\n"), 0),
    ("stranger.long-100000", "HS-12 HS-16 LIMIT-1", Parts((b"x", 100000)), 0),
]

# What a sender writes: name, id, pid
SENT = [
    ("sent.plain", 0x0123456789ABCDEF, 4242),
    ("sent.id.smallest", 1, 4242),
    ("sent.id.2^32", 2**32, 4242),
    ("sent.id.2^60-1", 2**60 - 1, 4242),
    ("sent.id.2^60", 2**60, 4242),
    ("sent.id.letters", 0xABCDEFABCDEFABCD, 4242),
    ("sent.id.largest", MAX, 4242),
    ("sent.pid.0", 0xC0FFEE0123456789, 0),
    ("sent.pid.1", 0xC0FFEE0123456789, 1),
    ("sent.pid.10", 0xC0FFEE0123456789, 10),
    ("sent.pid.2^22", 0xC0FFEE0123456789, 2**22),
    ("sent.pid.2^32", 0xC0FFEE0123456789, 2**32),
    ("sent.pid.2^63", 0xC0FFEE0123456789, 2**63),
    ("sent.pid.largest", 0xC0FFEE0123456789, MAX),
    ("sent.longest", MAX, MAX),
]

LONGEST = START + b".18446744073709551615\r\n"
CUT = [
    ("more.nothing", b""),
    *(("more.first-%02d" % n, LINE[:n]) for n in range(1, len(LINE))),
    ("more.pid.20-digits", LONGEST[:-2]),
    ("more.longest-but-one", LONGEST[:-1]),
    ("more.id.zeros-15", b"YOTON!" + b"0" * 15),
    ("more.pid.19-digits", START + b".1844674407370955161"),
    ("more.pid.20-zeros", START + b"." + b"0" * 20),
    ("more.crlf-half", START + b".1\r"),
]

# Limits that are given: name, requirements, input, limit, verdict, offset
LIMITS = [
    ("limit.45.longest", "HS-16 LIMIT-1", LONGEST, 45, "good", None),
    ("limit.45.longest-but-one", "HS-16 LIMIT-1", LONGEST[:-1], 45, "more", None),
    (
        "limit.1024.malformed",
        "HS-16 LIMIT-1",
        Parts(b"YOTON!", (b"1", 1024)),
        1024,
        "malformed",
        22,
    ),
    ("limit.28.reached", "HS-16", LINE[:28], 28, "too_long", 28),
    ("limit.28.passed", "HS-16", LINE, 28, "too_long", 28),
    ("limit.28.not-yet", "HS-16", LINE[:27], 28, "more", None),
    ("limit.29.whole", "HS-16", LINE, 29, "good", None),
    ("limit.28.wrong-before", "HS-16", START + b"x.4242\r\n", 28, "malformed", 22),
    ("limit.22.wrong-behind", "HS-16", START + b"x.4242\r\n", 22, "too_long", 22),
]


def content(data, verdict, **more):
    """Fields that every vector has, and the text where it can be read."""
    found = {"input": as_json(data)}
    raw = whole(data)
    if not isinstance(data, Parts) and all(b in b"\r\n\t" or 32 <= b < 127 for b in raw):
        found["text"] = raw.decode()
    found["verdict"] = verdict
    return found | more


def refusal_of(raw):
    """HS-12, HS-13, HS-18"""
    if not raw:
        return None
    return NO_ID if raw.startswith(b"YOTON!") else NOT_YOTON


def good(original, name, data, **more):
    raw = whole(data)
    answer = original.handshake(raw)
    if answer["verdict"] != "good":
        raise ValueError("%s: the original refuses this line" % name)
    return content(
        data, "good", consumed=raw.index(b"\r\n") + 2, id=answer["id"], pid=answer["pid"], **more
    )


def difference(original, raw, wanted):
    """What the original does with a line that is to be refused, where it is not just that."""
    answer = original.handshake(raw)
    expected = (
        {"verdict": "silent"} if wanted is None else {"verdict": "refused", "refusal": wanted}
    )
    return None if answer == expected else answer


def sent(original):
    """The original announces an id below 2^60 as another one, padded with zeros behind it."""
    table = Table()
    for name, context, pid in SENT:
        line = "YOTON!%016x.%d\r\n" % (context, pid)
        theirs = original.announce(context, pid)
        content = {
            "id": "%016x" % context,
            "pid": str(pid),
            "output": line.encode().hex(),
            "text": line,
        }
        table.add(name, "HS-2 HS-3", content, None if theirs == line else {"text": theirs})
    return table.vectors


def make(original):
    table = Table()
    for name, requirement, data in GOOD:
        table.add(name, requirement, good(original, name, data))
    for rows, verdict in ((MALFORMED, "malformed"), (NOT_YOTON_LINES, "not_yoton")):
        for name, requirement, data, offset in rows:
            refusal = refusal_of(whole(data))
            table.add(
                name,
                requirement,
                content(data, verdict, offset=offset, refusal=refusal),
                difference(original, whole(data), refusal),
            )
    for name, data in CUT:
        refusal = refusal_of(data)
        requirement = "HS-17" if data else "HS-18"
        table.add(
            name,
            requirement,
            content(data, "more", cut_refusal=refusal),
            difference(original, data, refusal),
        )
    for name, requirement, data, limit, verdict, offset in LIMITS:
        table.add(name, requirement, *limited(original, name, data, limit, verdict, offset))
    return {"limit": LINE_LIMIT}, {"vectors": table.vectors, "sent": sent(original)}


def limited(original, name, data, limit, verdict, offset):
    """(content, difference) of a vector with its own limit; the original knows no limit."""
    raw = whole(data)
    if verdict == "good":
        return good(original, name, data, limit=limit), None
    refusal = refusal_of(raw[:limit])
    if verdict == "more":
        return content(data, verdict, limit=limit, cut_refusal=refusal), difference(
            original, raw, refusal
        )
    return (
        content(data, verdict, limit=limit, offset=offset, refusal=refusal),
        difference(original, raw, refusal),
    )
