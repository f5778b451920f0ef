# SPDX-License-Identifier: BSD-2-Clause
"""How values and rows look in print."""

import os
import re
import shutil
import statistics
import sys
import textwrap

WIDEST, NARROWEST = 120, 60
COLOURS = {"yes": "32", "partly": "33", "no": "31"}
HEAD = ("", "what happens", "here", "the manual", "agrees")
UNIT = re.compile(r"(?<=\d) (?=(?:ms|s|kB|MB)\b)")
MARK, LAST = 2, 6  # widths of the first and the last column


def scale(values):
    """How these are best read: a factor, the decimals, the unit. Integers are bytes, fractions seconds."""
    middle = statistics.median(values)
    if isinstance(values[0], int):
        return (1e-6, 1, "MB") if middle >= 1e6 else (1e-3, 0, "kB")
    if middle < 0.1:
        return 1e3, 2 if middle < 0.01 else 0, "ms"
    return 1, 2, "s"


def summary(values, ranges=True):
    """Numbers: median and range. Texts: each with how often it came, if there are several."""
    if isinstance(values[0], str):
        kinds = sorted(set(values), key=lambda text: -values.count(text))
        return kinds[0] if len(kinds) == 1 else ", ".join("%s (%d×)" % (text, values.count(text)) for text in kinds)
    factor, decimals, unit = scale(values)
    low, middle, high = ("%.*f" % (decimals, factor * x) for x in (min(values), statistics.median(values), max(values)))
    return "%s %s" % (middle, unit) if low == high or not ranges else "%s %s (%s–%s)" % (middle, unit, low, high)


def filled(row, values):
    """The row's columns: what, here, manual, agrees."""
    here = row.here
    for name, measured in values.items():
        here = here.replace("{%s}" % name, summary(measured))
    agrees = row.agrees(values) if row.agrees else "–"
    return row.what, here, row.manual or "–", agrees


def wrap(text, width, indent=""):
    """Lines that do not part a number from its unit."""
    together = UNIT.sub("\N{NO-BREAK SPACE}", text)
    lines = textwrap.wrap(together, width, subsequent_indent=indent)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def answer(sentences, found):
    """The sentences for which everything was measured; `found` has the values of each situation."""
    said = []
    for sentence in sentences:
        for situation, values in found.items():
            for name, measured in values.items():
                sentence = sentence.replace("{%s:%s}" % (situation, name), summary(measured, ranges=False))
        if "{" not in sentence:
            said.append(sentence)
    return " ".join(said)


class Printer:
    """Prints to standard output; colours only for a person who wants them."""

    def __init__(self):
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        columns = shutil.get_terminal_size((WIDEST, 25)).columns if sys.stdout.isatty() else WIDEST
        self.width = max(NARROWEST, min(WIDEST, columns))
        rest = self.width - MARK - LAST - 4 * 2
        self.widths = [MARK, rest * 30 // 100, rest * 41 // 100, 0, LAST]
        self.widths[3] = rest - sum(self.widths[1:3])

    def paint(self, code, text):
        return "\033[%sm%s\033[0m" % (code, text) if self.colour else text

    def line(self, columns, colour=None):
        """One row of the table, as many lines high as its highest column."""
        cells = [wrap(text, width) or [""] for text, width in zip(columns, self.widths)]
        for i in range(max(map(len, cells))):
            padded = [(cell[i] if i < len(cell) else "").ljust(width) for cell, width in zip(cells, self.widths)]
            if colour and i == 0:
                padded[-1] = self.paint(colour, padded[-1].rstrip())
            print("  ".join(padded).rstrip())

    def head(self):
        self.line(HEAD)
        print("─" * self.width)

    def title(self, text):
        print("\n" + self.paint("1", text))

    def row(self, question, columns):
        self.line(("Q%d" % question, *columns), COLOURS.get(columns[-1]))

    def text(self, text, indent=""):
        print("\n".join(wrap(text, self.width, indent)))
