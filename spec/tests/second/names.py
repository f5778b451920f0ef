# SPDX-License-Identifier: BSD-2-Clause
"""Slot names, port names and addresses."""
import ipaddress
import re
import unicodedata

BLANKS = re.compile(
    "[\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"
)
# Case-ignorable by Word_Break (MidLetter, MidNumLet, Single_Quote); the rest is so by category.
BETWEEN = "':.\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027\ufe13\ufe52\ufe55\uff07\uff0e\uff1a"
PATTERNS = {
    "pub": ("pub-sub", "sub-pub"),
    "sub": ("sub-pub", "pub-sub"),
    "req": ("req-rep", "rep-req"),
    "rep": ("rep-req", "req-rep"),
    "state": ("state", "state"),
}


def total(text):
    """SLOT-6"""
    v = 0
    for number in [*map(ord, text), len(text)]:
        v += v // 8 + number * 3537390177
    return v


def slot(normal):
    return 8 + total(normal) % (2**64 - 8)


def port(text):
    return 49152 + total(text) % 16384


def strip(text):
    """SLOT-3"""
    start = BLANKS.match(text)
    text = text[start.end() :] if start else text
    while text and BLANKS.match(text[-1]):
        text = text[:-1]
    return text


def cased(char):
    return char.islower() or char.isupper() or unicodedata.category(char) == "Lt"


def ignorable(char):
    return unicodedata.category(char) in ("Mn", "Me", "Cf", "Lm", "Sk") or char in BETWEEN


def cased_next(chars):
    """Whether the first of chars that is not case-ignorable is a cased letter."""
    return next((cased(char) for char in chars if not ignorable(char)), False)


def lower(text):
    """SLOT-4, character by character: the lower case of one alone knows no final sigma."""
    out = []
    for at, char in enumerate(text):
        if char != "\u03a3":
            out.append(char.lower())
        elif cased_next(reversed(text[:at])) and not cased_next(text[at + 1 :]):
            out.append("\u03c2")
        else:
            out.append("\u03c3")
    return "".join(out)


class Wrong(Exception):
    """The character of the text that is to be blamed."""


def read_port(text, start):
    """The port of an address whose port text begins at `start`: ADDR-1, ADDR-4, ADDR-5."""
    name, plus, offset = text[start:].partition("+")
    if text[start:] == "":
        raise Wrong(start)
    if re.fullmatch("[0-9]+", text[start:]):
        number = int(text[start:])
        if number > 65535:
            raise Wrong(start)
        return number
    at = start + len(name)
    digits = re.match("[0-9]*", offset).end()
    if plus and (digits < len(offset) or not offset):
        raise Wrong(at + 1 + digits)
    number = port(name) + int(offset or "0")
    if number > 65535:
        raise Wrong(at)
    return number


def read_address(text):
    protocol, mark, _ = text.partition("://")
    start = len(protocol) + 3 if mark else 0
    if mark and protocol.lower() != "tcp":
        raise Wrong(0)
    if text[start : start + 1] == "[":
        return read_bracketed(text, start)
    colon = text.find(":", start)
    if colon < 0:
        raise Wrong(len(text))
    if colon == start:
        raise Wrong(start)
    host = text[start:colon]
    for at in range(start, colon):
        if text[at] <= " " or text[at] == "\x7f":
            raise Wrong(at)
    found = {
        "protocol": "tcp",
        "kind": "name",
        "host": "127.0.0.1" if host.lower() == "localhost" else host,
    }
    public = re.fullmatch("publichost([0-9]*)", host, re.IGNORECASE)
    if public:
        found = {"protocol": "tcp", "kind": "public", "index": int(public.group(1) or "0")}
    return found | {"port": read_port(text, colon + 1)}


def read_bracketed(text, start):
    close = text.find("]", start)
    if close < 0:
        raise Wrong(start)
    host = text[start + 1 : close]
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise Wrong(start + 1) from None
    if text[close + 1 : close + 2] != ":":
        raise Wrong(close + 1)
    return {"protocol": "tcp", "kind": "ipv6", "host": host, "port": read_port(text, close + 2)}
