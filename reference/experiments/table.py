# SPDX-License-Identifier: BSD-2-Clause
"""How values and rows look in print."""

import os
import shutil
import statistics
import sys
import textwrap

WIDEST, NARROWEST = 120, 60
COLOURS = {"yes": "32", "partly": "33", "no": "31"}
HEAD = ("", "what happens", "here", "the manual", "agrees")
MARK, LAST = 2, 6  # widths of the first and the last column


def number(value, unit):
    return ("%.3g" % value if value < 100 else "%.0f" % value) + unit


def scale(values):
    """The factor and the unit in which these are best read: integers are bytes, fractions seconds."""
    middle = statistics.median(values)
    if isinstance(values[0], int):
        return next((1 / size, unit) for size, unit in ((1e6, " MB"), (1e3, " kB"), (1, " B"))
                    if middle >= size or size == 1)
    return (1000, " ms") if middle < 0.1 else (1, " s")


def summary(values):
    """Numbers: median and range. Texts: each with how often it came, if there are several."""
    if isinstance(values[0], str):
        kinds = sorted(set(values), key=lambda text: -values.count(text))
        return kinds[0] if len(kinds) == 1 else ", ".join("%s (%d×)" % (text, values.count(text)) for text in kinds)
    factor, unit = scale(values)
    low, high = ("%.3g" % (factor * end) for end in (min(values), max(values)))
    middle = number(factor * statistics.median(values), unit)
    return middle if low == high else "%s (%s–%s)" % (middle, low, high)


def filled(row, values):
    """The row's columns: what, here, manual, agrees."""
    here = row.here
    for name, measured in values.items():
        here = here.replace("{%s}" % name, summary(measured))
    agrees = row.agrees(values) if row.agrees else "–"
    return row.what, here, row.manual or "–", agrees


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
        cells = [textwrap.wrap(text, width) or [""] for text, width in zip(columns, self.widths)]
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
        print(textwrap.fill(text, self.width, subsequent_indent=indent))
