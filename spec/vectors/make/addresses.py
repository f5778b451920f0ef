# SPDX-License-Identifier: BSD-2-Clause
"""Port names and addresses: values are the original's, where nothing else is given."""
from .common import Parts, Table

# --- ports ---

PORT_NAMES = [
    ("name", "chat"),
    ("capitals", "CHAT"),
    ("mixed", "Chat"),
    ("blank-before", " chat"),
    ("blank-behind", "chat "),
    ("blanks-inside", "my chat"),
    ("blank-only", " "),
    ("one-letter", "a"),
    ("known", "foo.txt.pub-sub"),
    ("pyzo", "pyzokernel"),
    ("test", "test"),
    ("umlaut", "käse"),
    ("umlaut-capital", "KÄSE"),
    ("combining", "ka\u0308se"),
    ("cjk", "聊天"),
    ("emoji", "😀"),
    ("final-code-point", "\U0010ffff"),
    ("hyphen", "my-port"),
    ("underscore", "my_port"),
    ("dot", "5000.0"),
    ("exponent", "5e3"),
    ("hex", "0x1388"),
    ("digits-then-letters", "5000a"),
    ("letters-then-digits", "a5000"),
    ("two-colons", "a:b"),
    ("slash", "5000/"),
    ("comma", "5,000"),
    ("superscript", "5²"),
    ("double-minus", "--5"),
    ("roman", "\u2160"),
    ("nan", "nan"),
]
# What the original reads as a number and this document as a name.
LOOKALIKES = [
    ("blank-before-digits", " 5000"),
    ("blank-behind-digits", "5000 "),
    ("tab-behind-digits", "5000\t"),
    ("minus", "-5"),
    ("minus-5000", "-5000"),
    ("underscore-in-digits", "5_000"),
    ("arabic-digits", "٥٠٠٠"),
    ("full-width-digits", "５０００"),
    ("devanagari-digits", "५०००"),
    ("no-break-space-behind", "5000\xa0"),
    ("mathematical-digits", "\U0001d7d3\U0001d7ce"),
    ("mixed-digits", "5٠00"),
]
NUMBERS = ["1", "22", "1023", "1024", "5000", "49152", "65535", "0080", "00000000000000000005000"]
BAD_NUMBERS = [
    ("65536", 0),
    ("65537", 0),
    ("99999", 0),
    ("4294967296", 0),
    ("4294972296", 0),
    ("18446744073709556616", 0),
]
OFFSETS = [
    ("chat+0", 4),
    ("chat+1", 4),
    ("chat+42", 4),
    ("chat+007", 4),
    ("CHAT+1", 4),
    ("käse+1", 5),
    ("a b+1", 3),
]
BAD_OFFSETS = [
    ("chat+", 5),
    ("chat+x", 5),
    ("chat+1x", 6),
    ("chat+0x1", 6),
    ("chat+1.5", 6),
    ("chat++1", 5),
    ("chat+1+1", 6),
    ("käse+z", 6),
]
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
        table.add(
            "name." + name,
            "ADDR-5 ADDR-6",
            {"text": text, "verdict": "good", "hash": port, "port": port},
        )
    table.add(
        "name.empty",
        "ADDR-6",
        {"text": "", "hash": original.port(""), "verdict": "bad", "offset": 0},
        {"verdict": "bad"} if ask_port(original, "") is None else {"port": ask_port(original, "")},
    )
    for name, text in LOOKALIKES:
        port = original.port(text)
        table.add(
            "lookalike." + name,
            "ADDR-4 ADDR-5",
            {"text": text, "verdict": "good", "hash": port, "port": port},
            {"port": ask_port(original, text)},
        )
    for name, text in (
        ("a-132", Parts(("a", 132))),
        ("a-133", Parts(("a", 133))),
        ("a-134", Parts(("a", 134))),
        ("a-1000", Parts(("a", 1000))),
        ("emoji-72", Parts(("😀", 72))),
        ("emoji-73", Parts(("😀", 73))),
        ("emoji-65536", Parts(("😀", 65536))),
    ):
        table.add(
            "long." + name,
            "ADDR-6 LIMIT-11",
            {
                "text": text.json(),
                "verdict": "good",
                "hash": original.port(text.whole()),
                "port": ask_port(original, text.whole()),
            },
        )
    for text in NUMBERS:
        table.add(
            "number." + text,
            "ADDR-4",
            {
                "text": text,
                "verdict": "good",
                "hash": original.port(text),
                "port": ask_port(original, text),
            },
        )
    for text, offset in BAD_NUMBERS:
        add_bad_port(original, table, "number.%s" % text, "ADDR-4", text, offset)
    for text, _ in OFFSETS:
        table.add(
            "offset.%s" % text,
            "ADDR-5",
            {
                "text": text,
                "verdict": "good",
                "hash": original.port(text),
                "port": ask_port(original, text),
            },
        )
    name, room = at_the_top(original)
    for text, good in (
        ("%s+%d" % (name, room), True),
        ("%s+%d" % (name, room + 1), False),
        ("%s+65535" % name, False),
        ("chat+4294967296", False),
    ):
        if good:
            table.add(
                "offset.%s" % text,
                "ADDR-5",
                {
                    "text": text,
                    "verdict": "good",
                    "hash": original.port(text),
                    "port": ask_port(original, text),
                },
            )
        else:
            add_bad_port(original, table, "offset.%s" % text, "ADDR-5", text, text.index("+"))
    for text, offset in BAD_OFFSETS + LOOSE_OFFSETS:
        add_bad_port(original, table, "offset.%s" % text, "ADDR-5", text, offset)
    table.add(
        "offset.name-empty",
        "ADDR-5",
        {
            "text": "+5",
            "verdict": "good",
            "hash": original.port("+5"),
            "port": original.port("") + 5,
        },
        {"port": ask_port(original, "+5")},
    )
    return {}, {"vectors": table.vectors}


def at_the_top(original):
    """A short name whose hash is near the end of the range, and what may be added to it."""
    name = max(("p%d" % i for i in range(1000)), key=original.port)
    return name, 65535 - original.port(name)


def add_bad_port(original, table, name, requirement, text, offset):
    port = ask_port(original, text)
    table.add(
        name,
        requirement,
        {"text": text, "hash": original.port(text), "verdict": "bad", "offset": offset},
        None if port is None else {"port": port},
    )


# --- addresses ---

# name, requirements, text; what it says is the original's answer
GOOD = [
    ("localhost", "ADDR-1 ADDR-7", "localhost:5000"),
    ("localhost.capitals", "ADDR-7", "LOCALHOST:5000"),
    ("localhost.mixed", "ADDR-7", "LocalHost:5000"),
    ("localhost.port-name", "ADDR-5 ADDR-7", "localhost:chat"),
    ("localhost.port-name-and-offset", "ADDR-5", "localhost:pyzokernel+1"),
    ("ipv4", "ADDR-1", "192.0.2.7:5000"),
    ("ipv4.any", "ADDR-1", "0.0.0.0:5000"),
    ("ipv4.loopback", "ADDR-1", "127.0.0.1:1"),
    ("name", "ADDR-1", "example.org:65535"),
    ("name.capitals-kept", "ADDR-1", "Example.ORG:5000"),
    ("name.one-letter", "ADDR-1", "a:1"),
    ("name.digits-first", "ADDR-1", "3com.example:5000"),
    ("name.hyphen", "ADDR-1", "my-host:5000"),
    ("name.underscore", "ADDR-1", "my_host:5000"),
    ("name.like-localhost", "ADDR-7", "localhost2:5000"),
    ("name.ends-in-localhost", "ADDR-7", "mylocalhost:5000"),
    ("name.localhost-dot", "ADDR-7", "localhost.:5000"),
    ("protocol.tcp", "ADDR-9", "tcp://localhost:5000"),
    ("protocol.capitals", "ADDR-9", "TCP://localhost:5000"),
    ("protocol.mixed", "ADDR-9", "Tcp://192.0.2.7:chat"),
    ("first-colon", "ADDR-2", "host:a:b"),
    ("first-colon.digits-behind", "ADDR-2", "host:5000:6000"),
    ("public", "ADDR-8", "publichost:5000"),
    ("public.capitals", "ADDR-8", "PUBLICHOST:chat"),
    ("public.0", "ADDR-8", "publichost0:5000"),
    ("public.1", "ADDR-8", "PublicHost1:5000"),
    ("public.9", "ADDR-8", "publichost9:5000"),
    ("public.12", "ADDR-8", "publichost12:5000"),
    ("public.protocol", "ADDR-8 ADDR-9", "tcp://publichost:pyzokernel+1"),
    ("public.not-a-number", "ADDR-8", "publichostx:5000"),
    ("public.part", "ADDR-8", "publichos:5000"),
    ("public.dot", "ADDR-8", "publichost.example:5000"),
    ("port.leading-zeros", "ADDR-4", "localhost:005000"),
    ("port.non-ascii", "ADDR-5 ADDR-6", "localhost:käse"),
]
# name, requirements, text, what this document says, with what the original says recorded beside it
OTHER = [
    ("ipv6.loopback", "ADDR-3", "[::1]:5000", ("ipv6", "::1", 5000)),
    ("ipv6.any", "ADDR-3", "[::]:5000", ("ipv6", "::", 5000)),
    ("ipv6.full", "ADDR-3", "[2001:db8:0:1:2:3:4:5]:5000", ("ipv6", "2001:db8:0:1:2:3:4:5", 5000)),
    ("ipv6.port-name", "ADDR-3 ADDR-5", "[2001:db8::7]:chat", ("ipv6", "2001:db8::7", "chat")),
    ("ipv6.protocol", "ADDR-3 ADDR-9", "tcp://[2001:db8::7]:5000", ("ipv6", "2001:db8::7", 5000)),
    ("ipv6.with-ipv4", "ADDR-3", "[::ffff:192.0.2.7]:5000", ("ipv6", "::ffff:192.0.2.7", 5000)),
    (
        "ipv6.gap-of-one-behind",
        "ADDR-3",
        "[1:2:3:4:5:6:7::]:5000",
        ("ipv6", "1:2:3:4:5:6:7::", 5000),
    ),
    (
        "ipv6.gap-of-one-before",
        "ADDR-3",
        "[::2:3:4:5:6:7:8]:5000",
        ("ipv6", "::2:3:4:5:6:7:8", 5000),
    ),
    ("ipv6.gap-in-the-middle", "ADDR-3", "[1:2::7:8]:5000", ("ipv6", "1:2::7:8", 5000)),
    (
        "ipv6.capitals-and-zeros",
        "ADDR-3",
        "[2001:0DB8::00aF]:5000",
        ("ipv6", "2001:0DB8::00aF", 5000),
    ),
    ("ipv6.port-name-with-colon", "ADDR-3 ADDR-5", "[::1]:a:b", ("ipv6", "::1", "a:b")),
    ("public.13", "ADDR-8", "publichost13:5000", ("public", 13, 5000)),
    ("public.10", "ADDR-8", "publichost10:5000", ("public", 10, 5000)),
    ("port.minus", "ADDR-4 ADDR-5", "localhost:-5", ("name", "127.0.0.1", "-5")),
    ("port.blank", "ADDR-4 ADDR-5", "localhost: 5000", ("name", "127.0.0.1", " 5000")),
]
# name, requirements, text, offset
BAD = [
    ("empty", "ADDR-1", "", 0),
    ("no-colon", "ADDR-1", "localhost", 9),
    ("colon-only", "ADDR-1", ":", 0),
    ("no-host", "ADDR-1", ":5000", 0),
    ("no-port", "ADDR-1", "localhost:", 10),
    ("number-only", "ADDR-1", "5000", 4),
    ("protocol.no-port", "ADDR-1 ADDR-9", "tcp://localhost", 15),
    ("protocol.only", "ADDR-1 ADDR-9", "tcp://", 6),
    ("protocol.no-host", "ADDR-1 ADDR-9", "tcp://:5000", 6),
    ("protocol.udp", "ADDR-9", "udp://localhost:5000", 0),
    ("protocol.itc", "ADDR-9", "itc://localhost:5000", 0),
    ("protocol.http", "ADDR-9", "http://localhost:5000", 0),
    ("protocol.longer", "ADDR-9", "tcps://localhost:5000", 0),
    ("protocol.shorter", "ADDR-9", "tc://localhost:5000", 0),
    ("protocol.empty", "ADDR-9", "://localhost:5000", 0),
    ("port.65536", "ADDR-4", "localhost:65536", 10),
    ("port.65537", "ADDR-4", "localhost:65537", 10),
    ("port.2^32+5000", "ADDR-4", "localhost:4294972296", 10),
    ("port.offset-empty", "ADDR-5", "localhost:chat+", 15),
    ("port.offset-letters", "ADDR-5", "localhost:chat+x", 15),
    ("port.offset-too-large", "ADDR-5", "localhost:chat+20000", 14),
    ("ipv6.no-brackets", "ADDR-2", "::1:5000", 0),
    ("ipv6.not-closed", "ADDR-3", "[::1:5000", 0),
    ("ipv6.no-port", "ADDR-3", "[::1]", 5),
    ("ipv6.empty-port", "ADDR-3 ADDR-1", "[::1]:", 6),
    ("ipv6.empty", "ADDR-3", "[]:5000", 1),
    ("ipv6.ipv4", "ADDR-3", "[192.0.2.7]:5000", 1),
    ("ipv6.name", "ADDR-3", "[localhost]:5000", 1),
    ("ipv6.too-many-groups", "ADDR-3", "[1:2:3:4:5:6:7:8:9]:5000", 1),
    ("ipv6.too-few-groups", "ADDR-3", "[1:2:3]:5000", 1),
    ("ipv6.gap-for-nothing", "ADDR-3", "[1:2:3:4:5:6:7:8::]:5000", 1),
    ("ipv6.digits-5", "ADDR-3", "[::12345]:5000", 1),
    ("ipv6.three-colons", "ADDR-3", "[1:::2]:5000", 1),
    ("ipv6.colon-first", "ADDR-3", "[:1:2:3:4:5:6:7]:5000", 1),
    ("ipv6.ipv4-of-256", "ADDR-3", "[::256.0.2.1]:5000", 1),
    ("ipv6.blank", "ADDR-3", "[ ::1]:5000", 1),
    ("host.blank-before", "ADDR-1", " localhost:5000", 0),
    ("host.blank-inside", "ADDR-1", "my host:5000", 2),
    ("host.blank-behind", "ADDR-1", "localhost :5000", 9),
    ("host.tab", "ADDR-1", "my\thost:5000", 2),
    ("host.line-feed", "ADDR-1", "localhost\n:5000", 9),
    ("host.delete", "ADDR-1", "my\x7fhost:5000", 2),
    ("ipv6.two-gaps", "ADDR-3", "[1::2::3]:5000", 1),
    ("ipv6.bad-digit", "ADDR-3", "[::g]:5000", 1),
    ("ipv6.text-behind", "ADDR-3", "[::1]x:5000", 5),
    ("ipv6.digits-behind", "ADDR-3", "[::1]5000", 5),
]


def found_json(answer):
    protocol, host, port = answer
    kind, index = ("public", int(host[7:])) if host.startswith("public ") else ("name", 0)
    return (
        {"protocol": protocol, "kind": kind}
        | ({"index": index} if kind == "public" else {"host": host})
        | {"port": port}
    )


def addresses(original):
    table = Table()
    for name, requirement, text in GOOD:
        answer = original.address(text)
        if answer is None:
            raise ValueError("address %s: the original refuses it" % name)
        table.add(
            "good." + name, requirement, {"text": text, "verdict": "good"} | found_json(answer)
        )
    for name, requirement, text, (kind, host, port) in OTHER:
        wanted = {"protocol": "tcp", "kind": kind} | (
            {"index": host} if kind == "public" else {"host": host}
        )
        wanted["port"] = port if isinstance(port, int) else original.port(port)
        answer = original.address(text)
        difference = {"verdict": "bad"} if answer is None else found_json(answer)
        table.add(
            "good." + name,
            requirement,
            {"text": text, "verdict": "good"} | wanted,
            None if difference == wanted else difference,
        )
    for name, requirement, text, offset in BAD:
        answer = original.address(text)
        table.add(
            "bad." + name,
            requirement,
            {"text": text, "verdict": "bad", "offset": offset},
            None if answer is None else found_json(answer),
        )
    return {}, {"vectors": table.vectors}
