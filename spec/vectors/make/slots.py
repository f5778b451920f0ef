# SPDX-License-Identifier: BSD-2-Clause
"""Slot names: strips, lower cases, lengths, and the names that channels make of their base."""
from .common import Parts, Table, as_json, whole

NAME_LIMIT = 65536
STRIPPED = (
    *range(0x09, 0x0E),
    *range(0x1C, 0x21),
    0x85,
    0xA0,
    0x1680,
    *range(0x2000, 0x200B),
    0x2028,
    0x2029,
    0x202F,
    0x205F,
    0x3000,
)
# Like blanks or next to one, and not stripped.
KEPT = (
    *(0x00, 0x08, 0x0E, 0x1B, 0x21, 0x7F, 0x84, 0x86, 0x9F, 0xA1, 0xAD, 0x167F, 0x1681, 0x180E),
    *(0x1FFF, 0x200B, 0x200C, 0x200D, 0x2027, 0x202A, 0x202E, 0x2030, 0x205E, 0x2060, 0x2800),
    *(0x2FFF, 0x3001, 0x3164, 0xFEFF),
)
NAME = "chat.txt.pub-sub"
SIGMA, DOTTED_I, IOTA = "\u03a3", "\u0130", "\u0345"

CASES = [
    ("ascii", "CHAT.TXT.PUB-SUB"),
    ("mixed", "ChAt.tXt.PuB-sUb"),
    ("latin-1", "ÀÉÎÕÜ.txt.state"),
    ("thorn-eth", "ÞÐ.txt.state"),
    ("sharp-s", "ß.txt.state"),
    ("capital-sharp-s", "ẞ.txt.state"),
    ("dotted-i", DOTTED_I + ".txt.state"),
    ("dotted-i-alone", DOTTED_I),
    ("dotted-i-then-dot", DOTTED_I + "\u0307"),
    ("i-acute-dot", "I\u0307.txt.state"),
    ("dotless-i", "ı.txt.state"),
    ("capital-i", "I.txt.state"),
    ("dz-digraph", "Ǆ.txt.state"),
    ("dz-title", "ǅ.txt.state"),
    ("dz-small", "ǆ.txt.state"),
    ("lj-title", "ǈ"),
    ("nj-title", "ǋ"),
    ("dz-latin-title", "ǲ"),
    ("kelvin", "\u212a"),
    ("angstrom", "\u212b"),
    ("ohm", "\u2126"),
    ("micro", "µ"),
    ("long-s", "ſ"),
    ("y-diaeresis", "Ÿ"),
    ("cyrillic", "ПРИВЕТ.txt.state"),
    ("palochka", "\u04c0"),
    ("armenian", "\u0531\u0556"),
    ("ligature-ew", "\u0587"),
    ("georgian-capital", "\u10a0\u10c5\u10cd"),
    ("georgian-mtavruli", "\u1c90\u1cbf"),
    ("georgian-small", "\u10d0"),
    ("cherokee-capital", "\u13a0\u13f5"),
    ("cherokee-small", "\uab70\u13f8"),
    ("greek-iota-subscript", "\u1f88\u1fbc"),
    ("greek-title", "\u1fcc\u1ffc"),
    ("roman-numeral", "\u2160\u216f"),
    ("circled", "\u24b6\u24cf"),
    ("glagolitic", "\u2c00\u2c2f"),
    ("coptic", "\u2c80"),
    ("full-width", "ＡＺ"),
    ("deseret", "\U00010400\U00010427"),
    ("osage", "\U000104b0"),
    ("old-hungarian", "\U00010c80"),
    ("vithkuqi", "\U00010570"),
    ("warang-citi", "\U000118a0"),
    ("medefaidrin", "\U00016e40"),
    ("adlam", "\U0001e900\U0001e921"),
    ("mathematical", "\U0001d400"),
    ("latin-extended-d", "\ua7ae\ua7c5\ua7f5"),
    ("unicode-14-latin", "\ua7c0\ua7d0\ua7d6\ua7d8"),
    ("unicode-14-glagolitic", "\u2c2f\u2c5f"),
    ("titlecase-no-lower", "ʰ"),
    ("cjk", "聊天"),
    ("emoji", "😀"),
    ("hebrew", "שלום"),
    ("combining", "E\u0301"),
    ("composed", "\u00c9"),
    ("hangul-jamo", "\u1112\u1161\u11ab"),
    ("hangul", "한"),
    ("private-use", "\ue000\U0010fffd"),
    ("noncharacter", "\uffff\U0010ffff"),
    ("variation-selector", "A\ufe0f"),
    ("joiner", "A\u200dB"),
]

SIGMAS = [
    ("alone", SIGMA),
    ("two", SIGMA * 2),
    ("three", SIGMA * 3),
    ("first", SIGMA + "A"),
    ("last", "A" + SIGMA),
    ("between", "A" + SIGMA + "A"),
    ("before-dot", "A" + SIGMA + ".txt.state"),
    ("dot-before", "a." + SIGMA),
    ("dot-between", "A." + SIGMA),
    ("dot-behind-then-letter", "A" + SIGMA + ".B"),
    ("dot-behind-then-digit", "A" + SIGMA + ".1"),
    ("digit-before", "1" + SIGMA),
    ("digit-behind", "A" + SIGMA + "1"),
    ("blank-behind", "A" + SIGMA + " B"),
    ("blank-before", "A " + SIGMA),
    ("stripped-behind", "A" + SIGMA + " "),
    ("stripped-before", "  " + SIGMA + "A"),
    ("hyphen-behind", "A" + SIGMA + "-B"),
    ("apostrophe-behind", "A" + SIGMA + "'B"),
    ("apostrophe-before", "A'" + SIGMA),
    ("colon-behind", "A" + SIGMA + ":B"),
    ("comma-behind", "A" + SIGMA + ",B"),
    ("underscore-behind", "A" + SIGMA + "_B"),
    ("combining-before", "A\u0301" + SIGMA),
    ("combining-only-before", "\u0301" + SIGMA),
    ("combining-behind", "A" + SIGMA + "\u0301"),
    ("combining-behind-then-letter", "A" + SIGMA + "\u0301B"),
    ("soft-hyphen-before", "A\u00ad" + SIGMA),
    ("soft-hyphen-behind", "A" + SIGMA + "\u00adB"),
    ("joiner-behind", "A" + SIGMA + "\u200dB"),
    ("bom-behind", "A" + SIGMA + "\ufeffB"),
    ("emoji-before", "😀" + SIGMA),
    ("emoji-behind", "A" + SIGMA + "😀"),
    ("cjk-before", "中" + SIGMA),
    ("small-letter-before", "a" + SIGMA),
    ("title-letter-before", "ǅ" + SIGMA),
    ("ordinal-before", "ª" + SIGMA),
    ("roman-before", "\u2160" + SIGMA),
    ("circled-before", "\u24b6" + SIGMA),
    ("modifier-letter-before", "ʰ" + SIGMA),
    ("modifier-letter-behind", "A" + SIGMA + "ʰ"),
    ("modifier-letter-then-letter", "A" + SIGMA + "ʰB"),
    ("iota-before", IOTA + SIGMA),
    ("iota-behind", "A" + SIGMA + IOTA),
    ("letter-iota-before", "A" + IOTA + SIGMA),
    ("iota-behind-then-letter", "A" + SIGMA + IOTA + "B"),
    ("iota-both-sides", IOTA + SIGMA + IOTA),
    ("letter-iota-both-sides", "A" + IOTA + SIGMA + IOTA),
    ("iota-and-dot", "A" + SIGMA + IOTA + ".b"),
    ("iota-and-blank", IOTA + SIGMA + IOTA + " B"),
    ("combining-iota", "A\u0301" + IOTA + SIGMA),
    ("iota-only-then-letter", IOTA + SIGMA + "B"),
    ("small-final", "ας"),
    ("small-final-before-letter", "ςα"),
    ("word", "ΟΔΥΣΣΕΥΣ"),
    ("words", "ΟΔΟΣ ΣΟΦΟΣ"),
    ("lunate", "ϹΑϹ"),
    ("dotted-i-before", DOTTED_I + SIGMA),
    ("dotted-i-behind", "A" + SIGMA + DOTTED_I),
    ("deseret-before", "\U00010400" + SIGMA),
    ("deseret-behind", "A" + SIGMA + "\U00010400"),
    ("katakana-mark-behind", "A" + SIGMA + "\uff9eB"),
    ("tag-behind", "A" + SIGMA + "\U000e0041B"),
]

LENGTHS = [
    *(
        ("a-%d" % count, Parts(("a", count)))
        for count in (1, 2, 3, 100, 132, 133, 134, 135, 136, 500, 1000, 65535, 65536)
    ),
    *(
        ("emoji-%d" % count, Parts(("😀", count)))
        for count in (1, 2, 71, 72, 73, 74, 75, 1000, 65536)
    ),
    *(("last-code-point-%d" % count, Parts(("\U0010ffff", count))) for count in (70, 71, 72, 73)),
    *(("capital-a-%d" % count, Parts(("A", count))) for count in (133, 134, 65536)),
    *(
        ("z-%d-and-suffix" % count, Parts(("z", count), ".txt.pub-sub"))
        for count in (110, 120, 121, 122, 1000)
    ),
    ("dotted-i-1000", Parts((DOTTED_I, 1000))),
    ("blanks-around-1000", Parts((" ", 1000), "chat", ("\t", 1000))),
    ("blanks-65536", Parts((" ", 65536))),
    ("nul-200", Parts(("\x01", 200))),
]

CHANNELS = [
    ("pub", "txt"),
    ("pub", "bin"),
    ("pub", "obj"),
    ("sub", "txt"),
    ("sub", "bin"),
    ("sub", "obj"),
    ("state", "txt"),
    ("state", "bin"),
    ("state", "obj"),
    ("req", "obj"),
    ("rep", "obj"),
]
BASES = [
    ("chat", "chat"),
    ("empty", ""),
    ("blanks", " My Chat "),
    ("dots", "a.b"),
    ("greek", "ΟΔΟΣ"),
    ("looks-whole", "chat.txt.pub-sub"),
]


def add_slot(original, table, name, requirement, text):
    normal, slot = original.slot(whole(text))
    if len(whole(text)) > NAME_LIMIT:
        table.add(
            name,
            requirement,
            {"text": as_json(text), "verdict": "length"},
            {"verdict": "good", "slot": str(slot)},
        )
        return
    shown = Parts(*shortened(normal)) if isinstance(text, Parts) else normal
    table.add(
        name,
        requirement,
        {"text": as_json(text), "verdict": "good", "normal": as_json(shown), "slot": str(slot)},
    )


def shortened(text):
    """A text as runs of one repeated character (or pair), and what stands between."""
    if len(text) > 1 and text[:2] * (len(text) // 2) == text and text[0] != text[1]:
        return [(text[:2], len(text) // 2)]
    parts, at = [], 0
    while at < len(text):
        end = at
        while end < len(text) and text[end] == text[at]:
            end += 1
        if end - at >= 4:
            parts.append((text[at], end - at))
        elif parts and isinstance(parts[-1], str):
            parts[-1] += text[at:end]
        else:
            parts.append(text[at:end])
        at = end
    return parts or [""]


def make(original):
    table = Table()
    for name, text in (
        ("known.chat", NAME),
        ("known.foo", "foo.txt.pub-sub"),
        ("known.empty", ""),
        ("known.emoji", "😀"),
    ):
        add_slot(original, table, name, "SLOT-5 SLOT-6", text)
    for code in STRIPPED:
        char = chr(code)
        add_slot(original, table, "strip.%04x" % code, "SLOT-3", char + char + NAME + char)
        add_slot(original, table, "strip.inside.%04x" % code, "SLOT-3", "a" + char + "b")
        add_slot(original, table, "strip.only.%04x" % code, "SLOT-3", char)
    everything = "".join(map(chr, STRIPPED))
    add_slot(original, table, "strip.all", "SLOT-3", everything + "x" + everything[::-1])
    add_slot(original, table, "strip.all-only", "SLOT-3", everything)
    for code in KEPT:
        add_slot(original, table, "keep.%04x" % code, "SLOT-3", chr(code) + "a" + chr(code))
    add_slot(original, table, "keep.blank-behind-kept", "SLOT-3", "a\u200b \u200b")
    for name, text in CASES:
        add_slot(original, table, "case." + name, "SLOT-4", text)
    for name, text in SIGMAS:
        add_slot(original, table, "sigma." + name, "SLOT-4", text)
    for name, text in LENGTHS:
        add_slot(original, table, "long." + name, "SLOT-6 LIMIT-11", text)
    for name, text in (("a-65537", Parts(("a", 65537))), ("emoji-65537", Parts(("😀", 65537)))):
        add_slot(original, table, "long." + name, "LIMIT-11", text)
    for kind, type_name in CHANNELS:
        for label, base in BASES:
            (out, out_slot), (into, in_slot) = original.channel(kind, base, type_name)
            table.add(
                "channel.%s.%s.%s" % (kind, type_name, label),
                "SLOT-1 SLOT-2 SLOT-5",
                {
                    "kind": kind,
                    "type": type_name,
                    "base": base,
                    "slot_out": out,
                    "slot_out_hash": str(out_slot),
                    "slot_in": into,
                    "slot_in_hash": str(in_slot),
                },
            )
    return {"name_limit": NAME_LIMIT}, {"vectors": table.vectors}
