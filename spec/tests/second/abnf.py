# SPDX-License-Identifier: BSD-2-Clause
"""A small reader of ABNF (RFC 5234 and 7405), and a matcher of its rules over bytes."""
import re

CORE = """
ALPHA = %x41-5A / %x61-7A
BIT = "0" / "1"
CHAR = %x01-7F
CR = %x0D
CRLF = CR LF
CTL = %x00-1F / %x7F
DIGIT = %x30-39
DQUOTE = %x22
HEXDIG = DIGIT / "A" / "B" / "C" / "D" / "E" / "F"
HTAB = %x09
LF = %x0A
LWSP = *(WSP / CRLF WSP)
OCTET = %x00-FF
SP = %x20
VCHAR = %x21-7E
WSP = SP / HTAB
"""
TOKEN = re.compile(
    r"(?P<blank>\s+|;.*)|(?P<name>[A-Za-z][A-Za-z0-9-]*)"
    r'|(?P<text>(?:%[si])?"[\x20-\x21\x23-\x7e]*")'
    r"|(?P<code>%x[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+|(?:\.[0-9A-Fa-f]+)+)?)"
    r"|(?P<repeat>[0-9]*\*[0-9]*|[0-9]+)|(?P<sign>[()\[\]/])"
)


class Wrong(Exception):
    pass


def read(text):
    """The rules of a grammar by name, each a nested tuple; raises Wrong."""
    rules = {}
    for number, name, body in definitions(text):
        if name.lower() in rules:
            raise Wrong("line %d: %s is defined already" % (number, name))
        reader = Elements(list(tokens(body, number)), number)
        rules[name.lower()] = reader.alternation()
        if reader.left:
            raise Wrong("line %d: %r is not understood" % (number, reader.left[0][1]))
    return rules


def definitions(text):
    """(line, name, what it stands for): a rule goes on while lines are indented."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        start = re.match(r"([A-Za-z][A-Za-z0-9-]*)\s*=(?!/)(.*)$", line)
        if start:
            found.append([number, start.group(1), start.group(2)])
        elif line[:1] in (" ", "\t") and line.strip():
            if not found:
                raise Wrong("line %d: a line that goes on from nothing" % number)
            found[-1][2] += "\n" + line
        elif line.strip() and not line.startswith(";"):
            raise Wrong("line %d: neither a rule nor a comment" % number)
    return found


def tokens(body, number):
    at = 0
    while at < len(body):
        match = TOKEN.match(body, at)
        if not match:
            raise Wrong("line %d: %r is not ABNF" % (number, body[at : at + 20]))
        at = match.end()
        if match.lastgroup != "blank":
            yield match.lastgroup, match.group()


class Elements:
    """Recursive descent over the tokens of one rule."""

    def __init__(self, left, number):
        self.left, self.number = left, number

    def next_is(self, *words):
        return bool(self.left) and self.left[0][1] in words

    def alternation(self):
        choices = [self.concatenation()]
        while self.next_is("/"):
            self.left.pop(0)
            choices.append(self.concatenation())
        return choices[0] if len(choices) == 1 else ("or", *choices)

    def concatenation(self):
        items = []
        while self.left and not self.next_is("/", ")", "]"):
            items.append(self.repetition())
        if not items:
            raise Wrong("line %d: an alternative is empty" % self.number)
        return items[0] if len(items) == 1 else ("and", *items)

    def repetition(self):
        if self.left[0][0] != "repeat":
            return self.element()
        least, star, most = self.left.pop(0)[1].partition("*")
        if not self.left:
            raise Wrong("line %d: a repetition of nothing" % self.number)
        low = int(least or "0")
        return "repeat", low, int(most) if most else (None if star else low), self.element()

    def element(self):
        kind, word = self.left.pop(0)
        if kind == "name":
            return "rule", word.lower()
        if kind == "text":
            return "text", word.startswith("%s"), word.partition('"')[2][:-1].encode()
        if kind == "code":
            return code(word[2:])
        closing = {"(": ")", "[": "]"}.get(word)
        inner = self.alternation() if closing else None
        if not closing or not self.next_is(closing):
            raise Wrong("line %d: %r stands wrong or is not closed" % (self.number, word))
        self.left.pop(0)
        return inner if word == "(" else ("repeat", 0, 1, inner)


def code(word):
    low, dash, high = word.partition("-")
    if dash:
        return "range", int(low, 16), int(high, 16)
    return "text", True, bytes(int(part, 16) for part in word.split("."))


def used(node):
    """Names of the rules a rule refers to."""
    if node[0] == "rule":
        yield node[1]
    for part in node[1:]:
        if isinstance(part, tuple):
            yield from used(part)


class Matcher:
    """Finds where a rule can end in some bytes."""

    def __init__(self, rules):
        self.rules = {**read(CORE), **rules}

    def accepts(self, name, data):
        return len(data) in self.ends(name, data)

    def ends(self, name, data, start=0):
        self.data, self.memory = data, {}
        return self.match(("rule", name), start)

    def match(self, node, at):
        if node[0] == "rule":
            key = (node[1], at)
            if key not in self.memory:
                self.memory[key] = self.match(self.rules[node[1]], at)
            return self.memory[key]
        return getattr(self, "match_" + node[0])(at, *node[1:])

    def match_text(self, at, exact, text):
        found = self.data[at : at + len(text)]
        same = found == text if exact else found.lower() == text.lower()
        return {at + len(text)} if same else set()

    def match_range(self, at, low, high):
        return {at + 1} if at < len(self.data) and low <= self.data[at] <= high else set()

    def match_or(self, at, *choices):
        return set().union(*(self.match(choice, at) for choice in choices))

    def match_and(self, at, *items):
        ends = {at}
        for item in items:
            ends = set().union(*(self.match(item, end) for end in ends))
        return ends

    def match_repeat(self, at, low, high, item):
        found, ends, times = {at} if low == 0 else set(), {at}, 0
        seen = set(ends)
        while ends and (high is None or times < high):
            ends = set().union(*(self.match(item, end) for end in ends))
            times += 1
            if times > low:
                ends -= seen  # what was reached with fewer repetitions leads to nothing new
            if times >= low:
                found |= ends
                seen |= ends
        return found
