# SPDX-License-Identifier: BSD-2-Clause
"""Objects: good ones as the original packs and unpacks them, malformed ones from a table."""
import math
import struct

from .common import Parts, Table, as_json, whole

DEPTH = 1000
INF = math.inf


def n(count, long=False):
    if count < 255 and not long:
        return bytes([count])
    return b"\xff" + struct.pack("<Q", count)


def s(text, long=False):
    data = text if isinstance(text, bytes) else text.encode()
    return b"s" + n(len(data), long) + data


def i(number):
    return b"i" + struct.pack("<q", number)


def f(number):
    return b"f" + struct.pack("<d", number)


def bits(number):
    return b"f" + struct.pack("<Q", number)


def box(kind, *items, long=False):
    count = len(items) // 2 if kind == "d" else len(items)
    return kind.encode() + n(count, long) + b"".join(items)


ONE = i(1)

# Values as a sender writes them: name, requirements, value.
SENT = [
    ("none", "OBJ-1", None),
    ("true", "OBJ-1 OBJ-5", True),
    ("false", "OBJ-1 OBJ-5", False),
    *(
        ("int.%s" % label, "OBJ-1", value)
        for label, value in (
            ("0", 0),
            ("1", 1),
            ("-1", -1),
            ("127", 127),
            ("128", 128),
            ("255", 255),
            ("256", 256),
            ("-256", -256),
            ("2^31-1", 2**31 - 1),
            ("2^31", 2**31),
            ("-2^31", -(2**31)),
            ("2^32", 2**32),
            ("2^53", 2**53),
            ("2^53+1", 2**53 + 1),
            ("-2^53-1", -(2**53) - 1),
            ("2^63-1", 2**63 - 1),
            ("-2^63+1", 1 - 2**63),
            ("-2^63", -(2**63)),
            ("every-byte-different", 0x0102030405060708),
        )
    ),
    *(
        ("float.%s" % label, "OBJ-1 OBJ-6", value)
        for label, value in (
            ("0.0", 0.0),
            ("-0.0", -0.0),
            ("1.0", 1.0),
            ("-1.5", -1.5),
            ("0.1", 0.1),
            ("1e16", 1e16),
            ("1e15", 1e15),
            ("1e-4", 1e-4),
            ("1e-5", 1e-5),
            ("2^53", 2.0**53),
            ("2^53+2", 2.0**53 + 2),
            ("1e23", 1e23),
            ("5e-324", 5e-324),
            ("largest-subnormal", 2.225073858507201e-308),
            ("smallest-normal", 2.2250738585072014e-308),
            ("largest", 1.7976931348623157e308),
            ("least", -1.7976931348623157e308),
            ("pi", math.pi),
            ("inf", INF),
            ("-inf", -INF),
        )
    ),
    ("string.empty", "OBJ-1", ""),
    ("string.a", "OBJ-1", "a"),
    ("string.quotes", "OBJ-1", 'it\'s "so" \\ here'),
    ("string.controls", "OBJ-1", "\a\b\t\n\v\f\r\x1b\x7f"),
    ("string.nul", "OBJ-1", "a\0b"),
    ("string.2-bytes", "OBJ-1", "ä\u0080\u07ff"),
    ("string.3-bytes", "OBJ-1", "€\u0800\ud7ff\ue000\uffff"),
    ("string.4-bytes", "OBJ-1", "😀\U00010000\U0010ffff"),
    ("string.byte-order-mark", "OBJ-1 MSG-3", "\ufeffa"),
    ("string.combining", "OBJ-1", "e\u0301"),
    ("list.empty", "OBJ-1", []),
    ("tuple.empty", "OBJ-1", ()),
    ("dict.empty", "OBJ-1", {}),
    ("list.one", "OBJ-1", [None]),
    ("tuple.one", "OBJ-1", (None,)),
    ("dict.one", "OBJ-1", {"a": 1}),
    ("list.every-type", "OBJ-1", [None, True, False, 1, 1.5, "a", [], (), {}]),
    ("tuple.every-type", "OBJ-1", (None, True, False, 1, 1.5, "a", [], (), {})),
    (
        "dict.every-type",
        "OBJ-1",
        {"n": None, "b": True, "i": 1, "f": 1.5, "s": "a", "l": [], "t": (), "d": {}},
    ),
    ("list.in-list", "OBJ-1", [[[[]], []], []]),
    ("tuple.in-tuple", "OBJ-1", ((((),), ()), ())),
    ("dict.in-dict", "OBJ-1", {"a": {"b": {"c": {}}}}),
    ("nested.mixed", "OBJ-1", [({"a": [(1, 2), {"b": ()}]},), [{}, {1: [2]}]]),
    ("dict.order", "OBJ-1", {"z": 1, "a": 2, "m": 3}),
    ("dict.key.none", "OBJ-1", {None: 1}),
    ("dict.key.bool", "OBJ-1", {True: 1, False: 2}),
    ("dict.key.int", "OBJ-1", {1: "a", -(2**63): "b", 2**63 - 1: "c"}),
    ("dict.key.float", "OBJ-1", {1.5: "a", INF: "b", -INF: "c"}),
    ("dict.key.empty-string", "OBJ-1", {"": 1}),
    ("dict.key.empty-tuple", "OBJ-1 OBJ-9", {(): 1}),
    ("dict.key.tuple", "OBJ-1 OBJ-9", {(1, "a"): 1}),
    ("dict.key.tuple-in-tuple", "OBJ-1 OBJ-9", {((1, (2,)), "a"): [3]}),
    ("dict.key.tuple-beside-list", "OBJ-9", {(1,): [2], (3,): {"a": []}}),
    ("dict.key.1-and-text-1", "OBJ-8", {1: "a", "1": "b"}),
    ("dict.key.2^53-and-2^53+1", "OBJ-8", {2**53: "a", 2**53 + 1: "b"}),
    ("dict.key.2^53-float-and-2^53+1", "OBJ-8", {2.0**53: "a", 2**53 + 1: "b"}),
    ("dict.key.2^63-1-and-float", "OBJ-8", {2**63 - 1: "a", 2.0**63: "b"}),
    ("request", "OBJ-1 REQREP-7", ("add", (3, True), {})),
    ("error-reply", "OBJ-1 REQREP-19", ("yoton_ERROR_HANDLING_REQUEST", "no such method")),
]

# Bytes a receiver takes: name, requirements, bytes. A sender writes the value in another way.
RECEIVED = [
    ("bool.2", "OBJ-5", b"b\x02"),
    ("bool.128", "OBJ-5", b"b\x80"),
    ("bool.255", "OBJ-5", b"b\xff"),
    ("float.nan.quiet", "OBJ-6", bits(0x7FF8000000000000)),
    ("float.nan.negative", "OBJ-6", bits(0xFFF8000000000000)),
    ("float.nan.payload", "OBJ-6", bits(0x7FF80000DEADBEEF)),
    ("float.nan.all-ones", "OBJ-6", b"f" + b"\xff" * 8),
    ("float.nan.signalling", "OBJ-6", bits(0x7FF0000000000001)),
    ("float.nan.signalling-negative", "OBJ-6", bits(0xFFF4000000000000)),
    ("float.nan.in-list", "OBJ-6", box("l", bits(0x7FF8000000000000), f(1.0))),
    ("long-form.string.empty", "OBJ-3", s("", long=True)),
    ("long-form.string", "OBJ-3", s("abc", long=True)),
    ("long-form.string.254", "OBJ-3", Parts(b"s" + n(254, True), (b"a", 254))),
    ("long-form.list.empty", "OBJ-3", box("l", long=True)),
    ("long-form.list", "OBJ-3", box("l", b"n", ONE, long=True)),
    ("long-form.tuple.empty", "OBJ-3", box("t", long=True)),
    ("long-form.tuple", "OBJ-3", box("t", b"n", long=True)),
    ("long-form.dict.empty", "OBJ-3", box("d", long=True)),
    ("long-form.dict", "OBJ-3", box("d", s("a"), ONE, long=True)),
    (
        "long-form.everywhere",
        "OBJ-3",
        box("l", box("t", box("d", s("a", True), s("b", True), long=True), long=True), long=True),
    ),
    ("trailing.none", "OBJ-10", b"nn"),
    ("trailing.nul", "OBJ-10", b"n\0"),
    ("trailing.unknown-type", "OBJ-10", b"nz"),
    ("trailing.text", "OBJ-10", ONE + b" and more"),
    ("trailing.half-object", "OBJ-10", s("a") + b"i\x01"),
    ("trailing.behind-list", "OBJ-10", box("l", b"n") + b"n"),
    ("trailing.not-utf-8", "OBJ-10", box("d") + b"\xff"),
    ("trailing.long", "OBJ-10", Parts(b"n", (b"\0", 1000))),
    ("same-key.twice", "OBJ-8", box("d", s("a"), i(1), s("a"), i(2))),
    (
        "same-key.three-times",
        "OBJ-8",
        box("d", s("a"), i(1), s("b"), i(2), s("a"), i(3), s("a"), i(4)),
    ),
    ("same-key.1-and-1.0", "OBJ-8", box("d", i(1), s("a"), f(1.0), s("b"))),
    ("same-key.1.0-and-true", "OBJ-8", box("d", f(1.0), s("a"), b"b\x01", s("b"))),
    ("same-key.true-and-1", "OBJ-8", box("d", b"b\x01", s("a"), i(1), s("b"))),
    ("same-key.1-1.0-true", "OBJ-8", box("d", i(1), s("a"), f(1.0), s("b"), b"b\x01", s("c"))),
    ("same-key.true-as-255", "OBJ-8", box("d", b"b\xff", s("a"), i(1), s("b"))),
    ("same-key.0-0.0-false", "OBJ-8", box("d", i(0), s("a"), f(0.0), s("b"), b"b\x00", s("c"))),
    ("same-key.0.0-and--0.0", "OBJ-8", box("d", f(0.0), s("a"), f(-0.0), s("b"))),
    ("same-key.none", "OBJ-8", box("d", b"n", s("a"), b"n", s("b"))),
    ("same-key.inf", "OBJ-8", box("d", f(INF), s("a"), f(INF), s("b"), f(-INF), s("c"))),
    ("same-key.2^53-and-float", "OBJ-8", box("d", i(2**53), s("a"), f(2.0**53), s("b"))),
    ("same-key.-2^63-and-float", "OBJ-8", box("d", i(-(2**63)), s("a"), f(-(2.0**63)), s("b"))),
    (
        "same-key.tuples",
        "OBJ-8",
        box("d", box("t", i(1), s("x")), s("a"), box("t", f(1.0), s("x")), s("b")),
    ),
    ("same-key.empty-tuples", "OBJ-8", box("d", box("t"), s("a"), box("t", long=True), s("b"))),
    ("same-key.first-stays-first", "OBJ-8", box("d", i(1), s("a"), i(2), s("b"), f(1.0), s("c"))),
    ("same-key.long-form", "OBJ-8", box("d", s("k"), s("a"), s("k", long=True), s("b"))),
    ("other-key.1-and-text-1", "OBJ-8", box("d", i(1), s("a"), s("1"), s("b"))),
    (
        "other-key.nan-twice",
        "OBJ-8",
        box("d", bits(0x7FF8000000000000), s("a"), bits(0x7FF8000000000000), s("b")),
    ),
    ("other-key.composed-and-not", "OBJ-8", box("d", s("\u00e9"), s("a"), s("e\u0301"), s("b"))),
]

# Malformed: name, requirements, bytes, kind, offset.
REFUSED = [
    *(
        ("type.%s" % label, "OBJ-12", data, "type", offset)
        for label, data, offset in (
            ("0", b"\0", 0),
            ("255", b"\xff", 0),
            ("z", b"z", 0),
            ("capital-n", b"N", 0),
            ("digit", b"1", 0),
            ("m", b"m", 0),
            ("u", b"u", 0),
            ("blank", b" ", 0),
            ("then-good", b"xn", 0),
            ("in-list", b"l\x02nz", 3),
            ("first-in-list", b"l\x02zn", 2),
            ("in-tuple", b"t\x01z", 2),
            ("key", b"d\x01zn", 2),
            ("value", b"d\x01nz", 3),
            ("deep", b"l\x01t\x01l\x01\0", 6),
            ("behind-string", b"l\x02" + s("ab") + b"!", 6),
            ("text", b"hello", 0),
            ("json", b"[1]", 0),
        )
    ),
    *(
        ("cut.%s" % label, "OBJ-12", data, "length", len(data))
        for label, data in (
            ("bool", b"b"),
            ("int", b"i"),
            ("int-7", ONE[:-1]),
            ("float", b"f"),
            ("float-7", f(1.0)[:-1]),
            ("string", b"s"),
            ("string-count", b"s\x03"),
            ("string-2-of-3", b"s\x03ab"),
            ("string-254", b"s\xfe" + b"a" * 20),
            ("long-count", b"s\xff"),
            ("long-count-7", b"s\xff\x01\0\0\0\0\0\0"),
            ("long-string", s("ab", True)[:-1]),
            ("list", b"l"),
            ("list-1", b"l\x01"),
            ("list-1-of-2", b"l\x02n"),
            ("list-long-count-3", b"l\xff\x02\0\0"),
            ("tuple", b"t"),
            ("tuple-1-of-2", b"t\x02n"),
            ("dict", b"d"),
            ("dict-nothing", b"d\x01"),
            ("dict-key-only", b"d\x01n"),
            ("dict-half-value", b"d\x01ni\x01"),
            ("dict-1-of-2", b"d\x02nn"),
            ("dict-third-half", b"d\x02nni" + b"\x01" * 7),
            ("nested", b"l\x01t\x01d\x01s\x01"),
            ("empty-inside", b"l\x02l\x00"),
        )
    ),
    *(
        ("count.%s" % label, "OBJ-12 OBJ-14", data, "length", len(data))
        for label, data in (
            ("string-1-over", b"s\x04abc"),
            ("string-2^32", b"s" + n(2**32) + b"abc"),
            ("string-2^63", b"s" + n(2**63) + b"abc"),
            ("string-2^64-1", b"s" + n(2**64 - 1) + b"abc"),
            ("string-2^64-9", b"s" + n(2**64 - 9) + b"abc"),
            ("list-2^32", b"l" + n(2**32) + b"nn"),
            ("list-2^63", b"l" + n(2**63) + b"nn"),
            ("list-2^64-1", b"l" + n(2**64 - 1)),
            ("list-2^64-1-some", b"l" + n(2**64 - 1) + b"nnn"),
            ("tuple-2^63", b"t" + n(2**63)),
            ("tuple-2^64-1", b"t" + n(2**64 - 1) + b"n"),
            ("dict-2^63", b"d" + n(2**63) + b"nn"),
            ("dict-2^63-1", b"d" + n(2**63 - 1) + b"nn"),
            ("dict-2^64-1", b"d" + n(2**64 - 1)),
            ("dict-2^64-1-some", b"d" + n(2**64 - 1) + ONE + b"n"),
            ("inner-2^64-1", b"l\x02n" + b"l" + n(2**64 - 1)),
            ("list-2^61", b"l" + n(2**61)),
            ("list-2^60", b"t" + n(2**60) + b"n"),
        )
    ),
    *(
        ("utf8.%s" % label, "OBJ-7", s(data), "utf8", 2 + offset)
        for label, data, offset in (
            ("lone-continuation", b"\x80", 0),
            ("last-continuation", b"\xbf", 0),
            ("lead-alone", b"\xc3", 0),
            ("lead-then-ascii", b"\xc3a", 0),
            ("overlong-nul", b"\xc0\x80", 0),
            ("overlong-2", b"\xc1\xbf", 0),
            ("overlong-3", b"\xe0\x9f\xbf", 0),
            ("overlong-4", b"\xf0\x8f\xbf\xbf", 0),
            ("surrogate-first", b"\xed\xa0\x80", 0),
            ("surrogate-last", b"\xed\xbf\xbf", 0),
            ("surrogate-pair", b"\xed\xa0\xbd\xed\xb8\x80", 0),
            ("above-10ffff", b"\xf4\x90\x80\x80", 0),
            ("f5", b"\xf5\x80\x80\x80", 0),
            ("f8", b"\xf8\x88\x80\x80\x80", 0),
            ("fe", b"\xfe", 0),
            ("ff", b"\xff", 0),
            ("3-cut-at-1", b"\xe2", 0),
            ("3-cut-at-2", b"\xe2\x82", 0),
            ("4-cut-at-1", b"\xf0", 0),
            ("4-cut-at-2", b"\xf0\x9f", 0),
            ("4-cut-at-3", b"\xf0\x9f\x98", 0),
            ("behind-good", b"a\xc3\xa4\xff", 3),
            ("latin-1", b"caf\xe9", 3),
            ("second-of-two", b"ok\xe2\x28\xa1", 2),
        )
    ),
    ("utf8.in-list", "OBJ-7", b"l\x02" + s("a") + s(b"b\xff"), "utf8", 8),
    ("utf8.as-key", "OBJ-7", b"d\x01" + s(b"\xff") + b"n", "utf8", 4),
    ("utf8.as-value", "OBJ-7", b"d\x01n" + s(b"\xff"), "utf8", 5),
    ("utf8.long-form", "OBJ-7", s(b"ab\xff", long=True), "utf8", 12),
    ("utf8.ended-by-count", "OBJ-7", b"l\x02s\x01\xc3" + s("\xa4"), "utf8", 4),
    *(
        ("key.%s" % label, "OBJ-9", data, "key", offset)
        for label, data, offset in (
            ("list", b"d\x01l\x00n", 2),
            ("list-of-one", b"d\x01l\x01nn", 2),
            ("dict", b"d\x01d\x00n", 2),
            ("second", b"d\x02nnl\x00n", 4),
            ("in-list", b"l\x01d\x01l\x00n", 4),
            ("in-value", b"d\x01nd\x01d\x00n", 5),
            ("tuple-of-list", b"d\x01t\x01l\x00n", 4),
            ("tuple-of-dict", b"d\x01t\x02nd\x00n", 5),
            ("in-dict-of-2^63", b"d" + n(2**63) + b"l\0n", 10),
            ("in-dict-of-2^64-1", b"d" + n(2**64 - 1) + b"l\0n", 10),
            ("tuple-in-tuple-of-list", b"d\x01t\x02nt\x01l\x00n", 7),
        )
    ),
]

# Long ones: name, requirements, bytes, literal.
LONG = [
    *(
        (
            "string.%d" % size,
            "OBJ-2",
            Parts(b"s" + n(size), (b"a", size)),
            Parts("'", ("a", size), "'"),
        )
        for size in (253, 254, 255, 256, 65536)
    ),
    (
        "string.255-in-2-bytes-each",
        "OBJ-2",
        Parts(b"s" + n(510), ("ä".encode(), 255)),
        Parts("'", ("ä", 255), "'"),
    ),
    (
        "string.127-in-2-bytes-each",
        "OBJ-2",
        Parts(b"s" + n(254), ("ä".encode(), 127)),
        Parts("'", ("ä", 127), "'"),
    ),
    *(
        (
            "list.%d" % size,
            "OBJ-2",
            Parts(b"l" + n(size), (b"n", size)),
            Parts("[", ("None, ", size - 1), "None]"),
        )
        for size in (253, 254, 255, 256, 65536)
    ),
    *(
        (
            "tuple.%d" % size,
            "OBJ-2",
            Parts(b"t" + n(size), (b"n", size)),
            Parts("(", ("None, ", size - 1), "None)"),
        )
        for size in (253, 254, 255, 256)
    ),
]


def deep(kind, times, inner, suffix=b""):
    """A container in a container and so on; dictionaries hold the next one as the value of None."""
    step = {"l": b"l\x01", "t": b"t\x01", "d": b"d\x01n"}[kind]
    return Parts((step, times), inner + suffix)


def literal_of(kind, times, inner):
    left, right = {"l": ("[", "]"), "t": ("(", ",)"), "d": ("{None: ", "}")}[kind]
    return Parts((left, times), inner, (right, times))


def to_json(value):
    """The form of the adapter protocol."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, list):
        return [to_json(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [to_json(item) for item in value]}
    return {"dict": [[to_json(key), to_json(item)] for key, item in value.items()]}


def literal(value):
    """Python's repr, with infinity as a number that is too large: 1e999."""
    if isinstance(value, float) and math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    if isinstance(value, list):
        return "[%s]" % ", ".join(map(literal, value))
    if isinstance(value, tuple):
        return "(%s)" % (
            literal(value[0]) + "," if len(value) == 1 else ", ".join(map(literal, value))
        )
    if isinstance(value, dict):
        return "{%s}" % ", ".join("%s: %s" % (literal(k), literal(v)) for k, v in value.items())
    return repr(value)


def decoded(original, name, data):
    verdict, value, used, _ = original.decode(whole(data))
    if verdict != "good":
        raise ValueError("%s: the original refuses it: %s" % (name, verdict))
    return value, used


def sent(original, table):
    for name, requirement, value in SENT:
        data = original.encode(value)
        back, used = decoded(original, name, data)
        if literal(back) != literal(value) or used != len(data):
            raise ValueError("%s: the original does not read back what it wrote" % name)
        table.add(
            name,
            requirement,
            {
                "input": data.hex(),
                "verdict": "good",
                "used": used,
                "value": to_json(value),
                "literal": literal(value),
                "canonical": True,
            },
        )
    for name, requirement, data, text in LONG:
        value, used = decoded(original, name, data)
        if literal(value) != text.whole() or original.encode(value) != data.whole():
            raise ValueError("%s: the original makes something else of it" % name)
        table.add(
            name,
            requirement,
            {
                "input": data.json(),
                "verdict": "good",
                "used": used,
                "literal": text.json(),
                "canonical": True,
            },
        )


def received(original, table):
    table.add(
        "empty",
        "OBJ-11",
        {
            "input": "",
            "verdict": "good",
            "used": 0,
            "value": None,
            "literal": "None",
            "canonical": False,
            "encoded": "6e",
        },
    )
    for name, requirement, data in RECEIVED:
        value, used = decoded(original, name, data)
        content = {"input": as_json(data), "verdict": "good", "used": used}
        if isinstance(data, Parts) and isinstance(value, str):
            content["literal"] = Parts("'", ("a", len(value)), "'").json()
        else:
            content |= {"value": to_json(value), "literal": literal(value)}
        if not name.startswith(("same-key.", "other-key.nan")) and "nan" not in literal(value):
            again = original.encode(value)
            content["canonical"] = again == whole(data)
            if not content["canonical"]:
                content["encoded"] = (
                    as_json(Parts(b"s\xfe", (b"a", 254)))
                    if isinstance(data, Parts) and len(again) > 99
                    else again.hex()
                )
        table.add(name, requirement, content)


def refused(original, table):
    for name, requirement, data, kind, offset in REFUSED:
        verdict, _, _, told = original.decode(data)
        if verdict != kind or (told is not None and told != offset):
            raise ValueError("%s: the original says %s at %s" % (name, verdict, told))
        table.add(name, requirement, {"input": data.hex(), "verdict": kind, "offset": offset})


def depths(original, table):
    """OBJ-13: to blame is the type byte of the first container that is too deep."""
    for kind in "ltd":
        step = 3 if kind == "d" else 2
        word = {"l": "list", "t": "tuple", "d": "dict"}[kind]
        for times in (2, 100, DEPTH):
            data, text = deep(kind, times, b"n"), literal_of(kind, times, "None")
            found = original.decode(data.whole())
            content = {
                "input": data.json(),
                "verdict": "good",
                "used": len(data.whole()),
                "literal": text.json(),
                "canonical": True,
            }
            table.add(
                "depth.%s.%d" % (word, times),
                "OBJ-13 LIMIT-6",
                content,
                None if found[0] == "good" else {"verdict": found[0]},
            )
        for times, inner in (
            (DEPTH + 1, b"n"),
            (DEPTH, {"l": b"l\0", "t": b"t\0", "d": b"d\0"}[kind]),
            (100000, b"n"),
            (DEPTH + 1, b""),
        ):
            data = deep(kind, times, inner)
            label = {b"n": "", b"": ".cut"}.get(inner, ".then-empty")
            table.add(
                "depth.%s.%d%s" % (word, times, label),
                "OBJ-13 LIMIT-6",
                {"input": data.json(), "verdict": "depth", "offset": step * DEPTH},
                {"verdict": original.decode(data.whole())[0]},
                hardening=True,
            )
    for name, data, limit, offset in (
        ("limit-1.list", b"l\x01n", 1, None),
        ("limit-1.list-in-list", b"l\x01l\0", 1, 2),
        ("limit-1.second-is-too-deep", b"l\x02nt\0", 1, 3),
        ("limit-2.beside", b"l\x02l\0l\0", 2, None),
        ("limit-2.key", b"d\x01t\0t\0", 2, None),
        ("limit-2.key-too-deep", b"d\x01t\x01t\0n", 2, 4),
    ):
        value, used = decoded(original, name, data)
        content = {"input": data.hex(), "depth_limit": limit}
        if offset is None:
            content |= {
                "verdict": "good",
                "used": used,
                "value": to_json(value),
                "literal": literal(value),
                "canonical": True,
            }
            table.add("depth." + name, "OBJ-13 LIMIT-6", content)
        else:
            content |= {"verdict": "depth", "offset": offset}
            table.add("depth." + name, "OBJ-13 LIMIT-6", content, {"verdict": "good"})


def make(original):
    table = Table()
    sent(original, table)
    received(original, table)
    refused(original, table)
    depths(original, table)
    return {"depth_limit": DEPTH}, {"vectors": table.vectors}
