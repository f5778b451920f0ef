# SPDX-License-Identifier: BSD-2-Clause
"""Slot names, port names and addresses: every value is the original's; where this document wants another, it stands here."""
from .common import Parts, Table, as_json, whole

NAME_LIMIT = 65536
STRIPPED = (*range(0x09, 0x0E), *range(0x1C, 0x21), 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F,
            0x205F, 0x3000)
# Like blanks, and not stripped.
KEPT = (0x00, 0x08, 0x0E, 0x1B, 0x7F, 0x84, 0x86, 0xAD, 0x180E, 0x200B, 0x200C, 0x200D, 0x2060, 0x2800, 0x3164, 0xFEFF)
NAME = "chat.txt.pub-sub"
SIGMA, DOTTED_I, IOTA = "\u03a3", "\u0130", "\u0345"

CASES = [
    ("ascii", "CHAT.TXT.PUB-SUB"), ("mixed", "ChAt.tXt.PuB-sUb"), ("latin-1", "ÀÉÎÕÜ.txt.state"), ("thorn-eth", "ÞÐ.txt.state"),
    ("sharp-s", "ß.txt.state"), ("capital-sharp-s", "ẞ.txt.state"), ("dotted-i", DOTTED_I + ".txt.state"),
    ("dotted-i-alone", DOTTED_I), ("dotted-i-then-dot", DOTTED_I + "\u0307"), ("i-acute-dot", "I\u0307.txt.state"),
    ("dotless-i", "ı.txt.state"), ("capital-i", "I.txt.state"), ("dz-digraph", "Ǆ.txt.state"), ("dz-title", "ǅ.txt.state"),
    ("dz-small", "ǆ.txt.state"), ("lj-title", "ǈ"), ("nj-title", "ǋ"), ("dz-latin-title", "ǲ"), ("kelvin", "\u212a"),
    ("angstrom", "\u212b"), ("ohm", "\u2126"), ("micro", "µ"), ("long-s", "ſ"), ("y-diaeresis", "Ÿ"), ("cyrillic", "ПРИВЕТ.txt.state"),
    ("palochka", "\u04c0"), ("armenian", "\u0531\u0556"), ("ligature-ew", "\u0587"), ("georgian-capital", "\u10a0\u10c5\u10cd"),
    ("georgian-mtavruli", "\u1c90\u1cbf"), ("georgian-small", "\u10d0"), ("cherokee-capital", "\u13a0\u13f5"),
    ("cherokee-small", "\uab70\u13f8"), ("greek-iota-subscript", "\u1f88\u1fbc"), ("greek-title", "\u1fcc\u1ffc"),
    ("roman-numeral", "\u2160\u216f"), ("circled", "\u24b6\u24cf"), ("glagolitic", "\u2c00\u2c2f"), ("coptic", "\u2c80"),
    ("full-width", "ＡＺ"), ("deseret", "\U00010400\U00010427"), ("osage", "\U000104b0"), ("old-hungarian", "\U00010c80"),
    ("vithkuqi", "\U00010570"), ("warang-citi", "\U000118a0"), ("medefaidrin", "\U00016e40"), ("adlam", "\U0001e900\U0001e921"),
    ("mathematical", "\U0001d400"), ("latin-extended-d", "\ua7ae\ua7c5\ua7f5"), ("unicode-14-latin", "\ua7c0\ua7d0\ua7d6\ua7d8"),
    ("unicode-14-glagolitic", "\u2c2f\u2c5f"), ("titlecase-no-lower", "ʰ"), ("cjk", "聊天"), ("emoji", "😀"), ("hebrew", "שלום"),
    ("combining", "E\u0301"), ("composed", "\u00c9"), ("hangul-jamo", "\u1112\u1161\u11ab"), ("hangul", "한"), ("private-use", "\ue000\U0010fffd"),
    ("noncharacter", "\uffff\U0010ffff"), ("variation-selector", "A\ufe0f"), ("joiner", "A\u200dB"),
]

SIGMAS = [
    ("alone", SIGMA), ("two", SIGMA * 2), ("three", SIGMA * 3), ("first", SIGMA + "A"), ("last", "A" + SIGMA), ("between", "A" + SIGMA + "A"),
    ("before-dot", "A" + SIGMA + ".txt.state"), ("dot-before", "a." + SIGMA), ("dot-between", "A." + SIGMA), ("dot-behind-then-letter", "A" + SIGMA + ".B"),
    ("dot-behind-then-digit", "A" + SIGMA + ".1"), ("digit-before", "1" + SIGMA), ("digit-behind", "A" + SIGMA + "1"), ("blank-behind", "A" + SIGMA + " B"),
    ("blank-before", "A " + SIGMA), ("stripped-behind", "A" + SIGMA + " "), ("stripped-before", "  " + SIGMA + "A"), ("hyphen-behind", "A" + SIGMA + "-B"),
    ("apostrophe-behind", "A" + SIGMA + "'B"), ("apostrophe-before", "A'" + SIGMA), ("colon-behind", "A" + SIGMA + ":B"), ("comma-behind", "A" + SIGMA + ",B"),
    ("underscore-behind", "A" + SIGMA + "_B"), ("combining-before", "A\u0301" + SIGMA), ("combining-only-before", "\u0301" + SIGMA),
    ("combining-behind", "A" + SIGMA + "\u0301"), ("combining-behind-then-letter", "A" + SIGMA + "\u0301B"), ("soft-hyphen-before", "A\u00ad" + SIGMA),
    ("soft-hyphen-behind", "A" + SIGMA + "\u00adB"), ("joiner-behind", "A" + SIGMA + "\u200dB"), ("bom-behind", "A" + SIGMA + "\ufeffB"),
    ("emoji-before", "😀" + SIGMA), ("emoji-behind", "A" + SIGMA + "😀"), ("cjk-before", "中" + SIGMA), ("small-letter-before", "a" + SIGMA),
    ("title-letter-before", "ǅ" + SIGMA), ("ordinal-before", "ª" + SIGMA), ("roman-before", "\u2160" + SIGMA), ("circled-before", "\u24b6" + SIGMA),
    ("modifier-letter-before", "ʰ" + SIGMA), ("modifier-letter-behind", "A" + SIGMA + "ʰ"), ("modifier-letter-then-letter", "A" + SIGMA + "ʰB"),
    ("iota-before", IOTA + SIGMA), ("iota-behind", "A" + SIGMA + IOTA), ("letter-iota-before", "A" + IOTA + SIGMA), ("iota-behind-then-letter", "A" + SIGMA + IOTA + "B"),
    ("iota-both-sides", IOTA + SIGMA + IOTA), ("letter-iota-both-sides", "A" + IOTA + SIGMA + IOTA), ("iota-and-dot", "A" + SIGMA + IOTA + ".b"),
    ("iota-and-blank", IOTA + SIGMA + IOTA + " B"), ("combining-iota", "A\u0301" + IOTA + SIGMA), ("iota-only-then-letter", IOTA + SIGMA + "B"),
    ("small-final", "ας"), ("small-final-before-letter", "ςα"), ("word", "ΟΔΥΣΣΕΥΣ"), ("words", "ΟΔΟΣ ΣΟΦΟΣ"), ("lunate", "ϹΑϹ"), ("dotted-i-before", DOTTED_I + SIGMA),
    ("dotted-i-behind", "A" + SIGMA + DOTTED_I), ("deseret-before", "\U00010400" + SIGMA), ("deseret-behind", "A" + SIGMA + "\U00010400"),
    ("katakana-mark-behind", "A" + SIGMA + "\uff9eB"), ("tag-behind", "A" + SIGMA + "\U000e0041B"),
]

LENGTHS = [
    *(("a-%d" % count, Parts(("a", count))) for count in (1, 2, 3, 100, 132, 133, 134, 135, 136, 500, 1000, 65535, 65536)),
    *(("emoji-%d" % count, Parts(("😀", count))) for count in (1, 2, 71, 72, 73, 74, 75, 1000, 65536)),
    *(("last-code-point-%d" % count, Parts(("\U0010ffff", count))) for count in (70, 71, 72, 73)),
    *(("capital-a-%d" % count, Parts(("A", count))) for count in (133, 134, 65536)),
    *(("z-%d-and-suffix" % count, Parts(("z", count), ".txt.pub-sub")) for count in (110, 120, 121, 122, 1000)),
    ("dotted-i-1000", Parts((DOTTED_I, 1000))),
    ("blanks-around-1000", Parts((" ", 1000), "chat", ("\t", 1000))),
    ("blanks-65536", Parts((" ", 65536))),
    ("nul-200", Parts(("\x01", 200))),
]

CHANNELS = [("pub", "txt"), ("pub", "bin"), ("pub", "obj"), ("sub", "txt"), ("sub", "bin"), ("sub", "obj"), ("state", "txt"),
            ("state", "bin"), ("state", "obj"), ("req", "obj"), ("rep", "obj")]
BASES = [("chat", "chat"), ("empty", ""), ("blanks", " My Chat "), ("dots", "a.b"), ("greek", "ΟΔΟΣ"), ("looks-whole", "chat.txt.pub-sub")]


def add_slot(original, table, name, requirement, text):
    normal, slot = original.slot(whole(text))
    if len(whole(text)) > NAME_LIMIT:
        table.add(name, requirement, {"text": as_json(text), "verdict": "length"},
                  {"verdict": "good", "slot": str(slot)})
        return
    shown = Parts(*shortened(normal)) if isinstance(text, Parts) else normal
    table.add(name, requirement, {"text": as_json(text), "verdict": "good", "normal": as_json(shown), "slot": str(slot)})


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


def slots(original):
    table = Table()
    for name, text in (("known.chat", NAME), ("known.foo", "foo.txt.pub-sub"), ("known.empty", ""), ("known.emoji", "😀")):
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
            table.add("channel.%s.%s.%s" % (kind, type_name, label), "SLOT-1 SLOT-2 SLOT-5", {
                "kind": kind, "type": type_name, "base": base, "slot_out": out, "slot_out_hash": str(out_slot),
                "slot_in": into, "slot_in_hash": str(in_slot)})
    return {"name_limit": NAME_LIMIT}, table.vectors


# --- ports ---

PORT_NAMES = [
    ("name", "chat"), ("capitals", "CHAT"), ("mixed", "Chat"), ("blank-before", " chat"), ("blank-behind", "chat "), ("blanks-inside", "my chat"),
    ("blank-only", " "), ("one-letter", "a"), ("known", "foo.txt.pub-sub"), ("pyzo", "pyzokernel"), ("test", "test"), ("umlaut", "käse"),
    ("umlaut-capital", "KÄSE"), ("combining", "ka\u0308se"), ("cjk", "聊天"), ("emoji", "😀"), ("final-code-point", "\U0010ffff"), ("hyphen", "my-port"),
    ("underscore", "my_port"), ("dot", "5000.0"), ("exponent", "5e3"), ("hex", "0x1388"), ("digits-then-letters", "5000a"), ("letters-then-digits", "a5000"),
    ("two-colons", "a:b"), ("slash", "5000/"), ("comma", "5,000"), ("superscript", "5²"), ("double-minus", "--5"), ("roman", "\u2160"), ("nan", "nan"),
]
# What the original reads as a number and this document as a name.
LOOKALIKES = [
    ("blank-before-digits", " 5000"), ("blank-behind-digits", "5000 "), ("tab-behind-digits", "5000\t"), ("minus", "-5"), ("minus-5000", "-5000"),
    ("underscore-in-digits", "5_000"), ("arabic-digits", "٥٠٠٠"), ("full-width-digits", "５０００"), ("devanagari-digits", "५०००"),
    ("no-break-space-behind", "5000\xa0"), ("mathematical-digits", "\U0001d7d3\U0001d7ce"), ("mixed-digits", "5٠00"),
]
NUMBERS = ["1", "22", "1023", "1024", "5000", "49152", "65535", "0080", "00000000000000000005000"]
BAD_NUMBERS = [("65536", 0), ("65537", 0), ("99999", 0), ("4294967296", 0), ("4294972296", 0), ("18446744073709556616", 0)]
OFFSETS = [("chat+0", 4), ("chat+1", 4), ("chat+42", 4), ("chat+007", 4), ("CHAT+1", 4), ("käse+1", 5), ("a b+1", 3)]
BAD_OFFSETS = [("chat+", 5), ("chat+x", 5), ("chat+1x", 6), ("chat+0x1", 6), ("chat+1.5", 6), ("chat++1", 5), ("chat+1+1", 6), ("käse+z", 6)]
LOOSE_OFFSETS = [("chat+-1", 5), ("chat+ 1", 5), ("chat+1 ", 6), ("chat+1_0", 6), ("chat+١", 5)]


def ask_port(original, text):
    answer = original.address("localhost:" + text)
    return None if answer is None else answer[2]


def ports(original):
    table = Table()
    for name, text in PORT_NAMES:
        port = original.port(text)
        if ask_port(original, text) != port:
            raise ValueError("port %s: the original does not take it as a name" % name)
        table.add("name." + name, "ADDR-5 ADDR-6", {"text": text, "verdict": "good", "hash": port, "port": port})
    table.add("name.empty", "ADDR-6", {"text": "", "hash": original.port(""), "verdict": "bad", "offset": 0},
              {"verdict": "bad"} if ask_port(original, "") is None else {"port": ask_port(original, "")})
    for name, text in LOOKALIKES:
        port = original.port(text)
        table.add("lookalike." + name, "ADDR-4 ADDR-5", {"text": text, "verdict": "good", "hash": port, "port": port},
                  {"port": ask_port(original, text)})
    for name, text in (("a-132", Parts(("a", 132))), ("a-133", Parts(("a", 133))), ("a-134", Parts(("a", 134))), ("a-1000", Parts(("a", 1000))),
                       ("emoji-72", Parts(("😀", 72))), ("emoji-73", Parts(("😀", 73))), ("emoji-65536", Parts(("😀", 65536)))):
        table.add("long." + name, "ADDR-6 LIMIT-11", {"text": text.json(), "verdict": "good", "hash": original.port(text.whole()),
                                                     "port": ask_port(original, text.whole())})
    for text in NUMBERS:
        table.add("number." + text, "ADDR-4", {"text": text, "verdict": "good", "hash": original.port(text), "port": ask_port(original, text)})
    for text, offset in BAD_NUMBERS:
        add_bad_port(original, table, "number.%s" % text, "ADDR-4", text, offset)
    for text, _ in OFFSETS:
        table.add("offset.%s" % text, "ADDR-5", {"text": text, "verdict": "good", "hash": original.port(text), "port": ask_port(original, text)})
    name, room = at_the_top(original)
    for text, good in (("%s+%d" % (name, room), True), ("%s+%d" % (name, room + 1), False), ("%s+65535" % name, False), ("chat+4294967296", False)):
        if good:
            table.add("offset.%s" % text, "ADDR-5", {"text": text, "verdict": "good", "hash": original.port(text), "port": ask_port(original, text)})
        else:
            add_bad_port(original, table, "offset.%s" % text, "ADDR-5", text, text.index("+"))
    for text, offset in BAD_OFFSETS + LOOSE_OFFSETS:
        add_bad_port(original, table, "offset.%s" % text, "ADDR-5", text, offset)
    table.add("offset.name-empty", "ADDR-5", {"text": "+5", "verdict": "good", "hash": original.port("+5"), "port": original.port("") + 5},
              {"port": ask_port(original, "+5")})
    return {}, table.vectors


def at_the_top(original):
    """A short name whose hash is near the end of the range, and what may be added to it."""
    name = max(("p%d" % i for i in range(1000)), key=original.port)
    return name, 65535 - original.port(name)


def add_bad_port(original, table, name, requirement, text, offset):
    port = ask_port(original, text)
    table.add(name, requirement, {"text": text, "hash": original.port(text), "verdict": "bad", "offset": offset},
              None if port is None else {"port": port})


# --- addresses ---

# name, requirements, text; what it says is the original's answer
GOOD = [
    ("localhost", "ADDR-1 ADDR-7", "localhost:5000"), ("localhost.capitals", "ADDR-7", "LOCALHOST:5000"), ("localhost.mixed", "ADDR-7", "LocalHost:5000"),
    ("localhost.port-name", "ADDR-5 ADDR-7", "localhost:chat"), ("localhost.port-name-and-offset", "ADDR-5", "localhost:pyzokernel+1"),
    ("ipv4", "ADDR-1", "192.0.2.7:5000"), ("ipv4.any", "ADDR-1", "0.0.0.0:5000"), ("ipv4.loopback", "ADDR-1", "127.0.0.1:1"),
    ("name", "ADDR-1", "example.org:65535"), ("name.capitals-kept", "ADDR-1", "Example.ORG:5000"), ("name.one-letter", "ADDR-1", "a:1"),
    ("name.digits-first", "ADDR-1", "3com.example:5000"), ("name.hyphen", "ADDR-1", "my-host:5000"), ("name.underscore", "ADDR-1", "my_host:5000"),
    ("name.like-localhost", "ADDR-7", "localhost2:5000"), ("name.ends-in-localhost", "ADDR-7", "mylocalhost:5000"), ("name.localhost-dot", "ADDR-7", "localhost.:5000"),
    ("protocol.tcp", "ADDR-9", "tcp://localhost:5000"), ("protocol.capitals", "ADDR-9", "TCP://localhost:5000"), ("protocol.mixed", "ADDR-9", "Tcp://192.0.2.7:chat"),
    ("first-colon", "ADDR-2", "host:a:b"), ("first-colon.digits-behind", "ADDR-2", "host:5000:6000"), ("public", "ADDR-8", "publichost:5000"),
    ("public.capitals", "ADDR-8", "PUBLICHOST:chat"), ("public.0", "ADDR-8", "publichost0:5000"), ("public.1", "ADDR-8", "PublicHost1:5000"),
    ("public.9", "ADDR-8", "publichost9:5000"), ("public.12", "ADDR-8", "publichost12:5000"), ("public.protocol", "ADDR-8 ADDR-9", "tcp://publichost:pyzokernel+1"),
    ("public.not-a-number", "ADDR-8", "publichostx:5000"), ("public.part", "ADDR-8", "publichos:5000"), ("public.dot", "ADDR-8", "publichost.example:5000"),
    ("port.leading-zeros", "ADDR-4", "localhost:005000"), ("port.non-ascii", "ADDR-5 ADDR-6", "localhost:käse"),
]
# name, requirements, text, what this document says, with what the original says recorded beside it
OTHER = [
    ("ipv6.loopback", "ADDR-3", "[::1]:5000", ("ipv6", "::1", 5000)), ("ipv6.any", "ADDR-3", "[::]:5000", ("ipv6", "::", 5000)),
    ("ipv6.full", "ADDR-3", "[2001:db8:0:1:2:3:4:5]:5000", ("ipv6", "2001:db8:0:1:2:3:4:5", 5000)), ("ipv6.port-name", "ADDR-3 ADDR-5", "[2001:db8::7]:chat", ("ipv6", "2001:db8::7", "chat")),
    ("ipv6.protocol", "ADDR-3 ADDR-9", "tcp://[2001:db8::7]:5000", ("ipv6", "2001:db8::7", 5000)), ("ipv6.with-ipv4", "ADDR-3", "[::ffff:192.0.2.7]:5000", ("ipv6", "::ffff:192.0.2.7", 5000)),
    ("ipv6.gap-of-one-behind", "ADDR-3", "[1:2:3:4:5:6:7::]:5000", ("ipv6", "1:2:3:4:5:6:7::", 5000)), ("ipv6.gap-of-one-before", "ADDR-3", "[::2:3:4:5:6:7:8]:5000", ("ipv6", "::2:3:4:5:6:7:8", 5000)),
    ("ipv6.gap-in-the-middle", "ADDR-3", "[1:2::7:8]:5000", ("ipv6", "1:2::7:8", 5000)), ("ipv6.capitals-and-zeros", "ADDR-3", "[2001:0DB8::00aF]:5000", ("ipv6", "2001:0DB8::00aF", 5000)),
    ("ipv6.port-name-with-colon", "ADDR-3 ADDR-5", "[::1]:a:b", ("ipv6", "::1", "a:b")),
    ("public.13", "ADDR-8", "publichost13:5000", ("public", 13, 5000)), ("public.10", "ADDR-8", "publichost10:5000", ("public", 10, 5000)),
    ("port.minus", "ADDR-4 ADDR-5", "localhost:-5", ("name", "127.0.0.1", "-5")), ("port.blank", "ADDR-4 ADDR-5", "localhost: 5000", ("name", "127.0.0.1", " 5000")),
]
# name, requirements, text, offset
BAD = [
    ("empty", "ADDR-1", "", 0), ("no-colon", "ADDR-1", "localhost", 9), ("colon-only", "ADDR-1", ":", 0), ("no-host", "ADDR-1", ":5000", 0), ("no-port", "ADDR-1", "localhost:", 10),
    ("number-only", "ADDR-1", "5000", 4), ("protocol.no-port", "ADDR-1 ADDR-9", "tcp://localhost", 15), ("protocol.only", "ADDR-1 ADDR-9", "tcp://", 6),
    ("protocol.no-host", "ADDR-1 ADDR-9", "tcp://:5000", 6), ("protocol.udp", "ADDR-9", "udp://localhost:5000", 0), ("protocol.itc", "ADDR-9", "itc://localhost:5000", 0),
    ("protocol.http", "ADDR-9", "http://localhost:5000", 0), ("protocol.longer", "ADDR-9", "tcps://localhost:5000", 0), ("protocol.shorter", "ADDR-9", "tc://localhost:5000", 0),
    ("protocol.empty", "ADDR-9", "://localhost:5000", 0), ("port.65536", "ADDR-4", "localhost:65536", 10), ("port.65537", "ADDR-4", "localhost:65537", 10),
    ("port.2^32+5000", "ADDR-4", "localhost:4294972296", 10), ("port.offset-empty", "ADDR-5", "localhost:chat+", 15), ("port.offset-letters", "ADDR-5", "localhost:chat+x", 15),
    ("port.offset-too-large", "ADDR-5", "localhost:chat+20000", 14), ("ipv6.no-brackets", "ADDR-2", "::1:5000", 0), ("ipv6.not-closed", "ADDR-3", "[::1:5000", 0),
    ("ipv6.no-port", "ADDR-3", "[::1]", 5), ("ipv6.empty-port", "ADDR-3 ADDR-1", "[::1]:", 6), ("ipv6.empty", "ADDR-3", "[]:5000", 1), ("ipv6.ipv4", "ADDR-3", "[192.0.2.7]:5000", 1),
    ("ipv6.name", "ADDR-3", "[localhost]:5000", 1), ("ipv6.too-many-groups", "ADDR-3", "[1:2:3:4:5:6:7:8:9]:5000", 1), ("ipv6.too-few-groups", "ADDR-3", "[1:2:3]:5000", 1),
    ("ipv6.gap-for-nothing", "ADDR-3", "[1:2:3:4:5:6:7:8::]:5000", 1), ("ipv6.digits-5", "ADDR-3", "[::12345]:5000", 1), ("ipv6.three-colons", "ADDR-3", "[1:::2]:5000", 1), ("ipv6.colon-first", "ADDR-3", "[:1:2:3:4:5:6:7]:5000", 1),
    ("ipv6.ipv4-of-256", "ADDR-3", "[::256.0.2.1]:5000", 1), ("ipv6.blank", "ADDR-3", "[ ::1]:5000", 1), ("host.blank-before", "ADDR-1", " localhost:5000", 0), ("host.blank-inside", "ADDR-1", "my host:5000", 2),
    ("host.blank-behind", "ADDR-1", "localhost :5000", 9), ("host.tab", "ADDR-1", "my\thost:5000", 2), ("host.line-feed", "ADDR-1", "localhost\n:5000", 9), ("host.delete", "ADDR-1", "my\x7fhost:5000", 2),
    ("ipv6.two-gaps", "ADDR-3", "[1::2::3]:5000", 1), ("ipv6.bad-digit", "ADDR-3", "[::g]:5000", 1), ("ipv6.text-behind", "ADDR-3", "[::1]x:5000", 5), ("ipv6.digits-behind", "ADDR-3", "[::1]5000", 5),
]


def found_json(answer):
    protocol, host, port = answer
    kind, index = ("public", int(host[7:])) if host.startswith("public ") else ("name", 0)
    return {"protocol": protocol, "kind": kind} | ({"index": index} if kind == "public" else {"host": host}) | {"port": port}


def addresses(original):
    table = Table()
    for name, requirement, text in GOOD:
        answer = original.address(text)
        if answer is None:
            raise ValueError("address %s: the original refuses it" % name)
        table.add("good." + name, requirement, {"text": text, "verdict": "good"} | found_json(answer))
    for name, requirement, text, (kind, host, port) in OTHER:
        wanted = {"protocol": "tcp", "kind": kind} | ({"index": host} if kind == "public" else {"host": host})
        wanted["port"] = port if isinstance(port, int) else original.port(port)
        answer = original.address(text)
        difference = {"verdict": "bad"} if answer is None else found_json(answer)
        table.add("good." + name, requirement, {"text": text, "verdict": "good"} | wanted, None if difference == wanted else difference)
    for name, requirement, text, offset in BAD:
        answer = original.address(text)
        table.add("bad." + name, requirement, {"text": text, "verdict": "bad", "offset": offset}, None if answer is None else found_json(answer))
    return {}, table.vectors
