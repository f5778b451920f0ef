# SPDX-License-Identifier: BSD-2-Clause
"""What is tried, in which order, and what the manual's author found when he did."""

import dataclasses
from typing import Callable

import boxes
import one_box
import two_boxes

AT_ONCE = 0.25  # what a person calls at once
MODEL_RTO, MODEL_MOST, MODEL_DOUBLED = 0.2, 120.0, 9  # of Linux; 9 doublings of 0.2 s are the last below 120 s


@dataclasses.dataclass
class Row:
    """One line of the table. `here` has the names of measured values in braces."""

    question: int
    what: str
    here: str
    manual: str = ""
    agrees: Callable = None


@dataclasses.dataclass
class Situation:
    name: str
    title: str
    run: Callable  # of the boxes and the number of the repetition; returns values by name
    rows: list
    needs_boxes: bool = True
    quick: bool = False  # belongs to the short form


def tcp_gives_up_after(retries):
    """How long Linux waits for an acknowledgement before it gives a connection up, at the least."""
    if retries <= MODEL_DOUBLED:
        return (2 ** (retries + 1) - 1) * MODEL_RTO
    return (2 ** (MODEL_DOUBLED + 1) - 1) * MODEL_RTO + (retries - MODEL_DOUBLED) * MODEL_MOST


# ---- Judgements ----


def quick(*names):
    """Agrees when none of these took noticeable time."""
    return lambda values: "yes" if max(max(values[name]) for name in names) < AT_ONCE else "no"


def seconds(*names):
    """Agrees with "a few seconds"."""
    return lambda values: "yes" if max(max(values[name]) for name in names) < 5.0 else "no"


def always(name, *wanted):
    return lambda values: "yes" if set(values[name]) <= set(wanted) else "no"


def starts(name, text):
    return lambda values: "yes" if all(value.startswith(text) for value in values[name]) else "no"


def huge(name):
    return lambda values: "yes" if min(values[name]) >= one_box.HUGE else "partly"


def at_most(name, limit):
    return lambda values: "yes" if max(values[name]) < 1.5 * limit else "no"


# ---- Rows ----


def killed_rows(where):
    first = "at once" if where == "same" else "at once, as on one box"
    return [
        Row(1, "Killed (SIGKILL)", "closed after {killed}: “{killed-reason}”", first, quick("killed")),
        Row(1, "Terminated (SIGTERM)", "closed after {terminated}: “{terminated-reason}”", first, quick("terminated")),
        Row(1, "Ends in the nice way", "closed after {nice}: “{nice-reason}”", "says so in a close message",
            starts("nice-reason", "Closed from other end")),
        Row(1, "Plain socket, killed: recv gives", "{plain} after {plain-after}", "end of stream, like a nice exit",
            always("plain", "EOF")),
        Row(1, "Plain socket, killed with something unread: recv gives", "{plain-unread}", "end of stream",
            always("plain-unread", "EOF")),
        Row(1, "Plain socket: send then", "{plain-send}"),
    ]


def stalled_rows(where):
    silence = ("no heartbeats: on localhost it can only be busy" if where == "same" else
               "no heartbeats: busy, or a bad connection")
    return [
        Row(2, "Stopped (SIGSTOP), as if in extension code", "time-out told after {told} of silence", silence,
            seconds("told")),
        Row(3, "Plain socket: send takes", "{plain-takes}, then it blocks", "huge amounts", huge("plain-takes")),
        Row(3, "Yoton: sends return at once for", "{takes}; then one is held for {held}",
            "goes to the network buffer; a full queue holds a send for 1 s", at_most("held", one_box.AT_MOST_HELD)),
        Row(3, "It reads again", "time-out over after {again}; {arrives} messages arrive in order",
            "it gets what was sent meanwhile", always("arrives", "all")),
        Row(3, "Killed while it does not read", "closed after {killed}: “{killed-reason}”", "is detected",
            quick("killed")),
        Row(3, "Plain socket, killed like that: recv gives", "{plain-killed} after {plain-killed-after}",
            "is detected", quick("plain-killed-after")),
    ]


DEVICE_ROWS = [
    Row(2, "Connected by the network address; the device goes down", "{noticed} is noticed, messages go on",
        "on Linux the connection cannot be cut", always("noticed", "nothing")),
]

SHORT_ROWS = [
    Row(2, "Out for %g s, time-out %g s" % (two_boxes.SHORT, two_boxes.ENOUGH), "{told} is noticed",
        "the cable can go back in, and all goes on", always("told", "nothing")),
    Row(2, "Sent meanwhile, arrives after it is back in", "after {arrives}", "goes on", seconds("arrives")),
    Row(2, "Plain socket, the same", "after {plain}", "goes on", seconds("plain")),
]

LONG_ROWS = [
    Row(2, "Out for %g s: time-out, at the near end" % two_boxes.LONG, "told after {near-told} of silence",
        "heartbeats show it in a few seconds", seconds("near-told")),
    Row(2, "… and at the far end", "told after {far-told} of silence", "either end", seconds("far-told")),
    Row(2, "A send meanwhile", "returns after {send}", "takes a while until it is seen", quick("send")),
    Row(2, "Back in: time-out over, near and far", "after {near-again} and {far-again}", "goes on",
        seconds("near-again", "far-again")),
    Row(2, "Sent meanwhile", "{arrives} messages arrive in order", "goes on", always("arrives", "all")),
    Row(2, "Plain socket: sent meanwhile, arrives", "{plain} after it is back in", "goes on", seconds("plain")),
]

GONE_ROWS = [
    Row(2, "Time-out, near and far", "told after {near-told} and {far-told} of silence; nothing else in {watched}",
        "heartbeats show it in a few seconds", seconds("near-told", "far-told")),
    Row(2, "Plain socket: seen", "{plain-sees}", "takes a while until it is seen", always("plain-sees", "nothing")),
    Row(2, "A send", "returns after {send}", "", None),
    Row(3, "Yoton: sends return at once for", "{takes}; then one is held for {held}",
        "a full queue holds a send for 1 s", at_most("held", one_box.AT_MOST_HELD)),
    Row(3, "Plain socket: send takes", "{plain-takes}, then it blocks"),
    Row(2, "close()", "returns after {close}: “{close-reason}”"),
    Row(2, "The far end sees of that", "{far-sees}"),
]

KILLED_ROWS = [
    Row(1, "Killed while the cable is out", "{sees}, told after {told} of silence",
        "detected if the boxes can talk", always("sees", "the time-out only")),
    Row(1, "Back in", "closed {closed} later: “{reason}”"),
    Row(1, "Plain socket, back in: recv ends", "{plain} later"),
]

PULLED_ROWS = [
    Row(3, "Stopped, then sent until held", "{takes}; time-out told after {told} of silence", "huge amounts", None),
    Row(3, "Cable pulled then", "{sees} is told: the time-out was", "", None),
    Row(3, "Back in, and it reads again", "time-out over after {again}; {arrives} messages arrive in order",
        "it gets what was sent meanwhile", always("arrives", "all")),
]


def given_up_rows():
    usual = "%g minutes at the least by default (computed)" % round(tcp_gives_up_after(two_boxes.USUAL_RETRIES) / 60)
    minutes = lambda values: "yes" if min(values["near"]) >= tcp_gives_up_after(two_boxes.FEW_RETRIES) else "no"
    return [
        Row(2, "TCP gives up, set to %d repetitions" % two_boxes.FEW_RETRIES, "closed after {near}: “{near-reason}”; "
            + usual, "minutes, not the same on every system", minutes),
        Row(2, "… with plain sockets: recv gives", "{plain} after {plain-after}", "", None),
        Row(3, "… to one who does not read", "closed after {deaf}", "", None),
    ]


def cable(run):
    """Each repetition begins with the cable in."""
    def once(made, number):
        made.wait_for_cable()
        return run(boxes.two_boxes(made), made, number)
    return once


def here(run):
    return lambda made, number: run(boxes.same_box(), number)


def there(run):
    return lambda made, number: run(boxes.two_boxes(made), number)


def device(made, number):
    return one_box.device_down(boxes.same_box_public(made), made)


ALL = [
    Situation("same-box-killed", "Same box: the other process goes", here(one_box.killed), killed_rows("same"),
              needs_boxes=False, quick=True),
    Situation("same-box-stalled", "Same box: the other process stops reading", here(one_box.stalled),
              stalled_rows("same"), needs_boxes=False, quick=True),
    Situation("same-box-device", "Same box: the network device goes down", device, DEVICE_ROWS),
    Situation("two-boxes-killed", "Two boxes: the other process goes", there(one_box.killed), killed_rows("two")),
    Situation("two-boxes-stalled", "Two boxes: the other process stops reading", there(one_box.stalled),
              stalled_rows("two")),
    Situation("cable-back-soon", "Two boxes: the cable is pulled, and put back before the time-out",
              cable(two_boxes.short), SHORT_ROWS),
    Situation("cable-back-late", "Two boxes: the cable is pulled, and put back after the time-out",
              cable(two_boxes.long), LONG_ROWS, quick=True),
    Situation("cable-gone", "Two boxes: the cable is pulled for good", cable(two_boxes.gone), GONE_ROWS),
    Situation("cable-gone-long", "Two boxes: the cable is pulled, until TCP gives up", cable(two_boxes.given_up),
              given_up_rows()),
    Situation("cable-killed", "Two boxes: the other process is killed while the cable is out",
              cable(two_boxes.killed_meanwhile), KILLED_ROWS),
    Situation("stalled-pulled", "Two boxes: the other process stops reading, and the cable is pulled then",
              cable(two_boxes.stalled_then_pulled), PULLED_ROWS),
]

# The answers, in sentences; {situation:value} is something measured, and a sentence whose value is missing is left out.
ANSWERS = {
    1: ("A process that goes is noticed at once, on the same box ({same-box-killed:killed}); the reason tells a nice "
        "end from a lost connection, where a plain socket sees the same end of stream.",
        "So it is between two boxes ({two-boxes-killed:killed}).",
        "Also while it does not read ({same-box-stalled:killed}).",
        "While the cable is out only the time-out is told; the end is noticed when the cable is back, after "
        "{cable-killed:closed}."),
    2: ("Silence is told after the time-out, 0.5 s unless it is set ({same-box-stalled:told}).",
        "It closes nothing: with the cable back, all goes on after {cable-back-late:near-again}, and nothing is lost.",
        "TCP set to give up after few repetitions ends the connection after {cable-gone-long:near}; as it is set "
        "normally that takes many minutes.",
        "On one box the connection cannot be lost: {same-box-device:noticed} is noticed of a device that goes down, so "
        "that silence there means a busy process."),
    3: ("Yes, for a while: a plain socket takes {same-box-stalled:plain-takes} on the same box, and blocks then.",
        "Between two boxes it takes {two-boxes-stalled:plain-takes}.",
        "Yoton takes {same-box-stalled:takes}, holds each further send for {same-box-stalled:held} and queues it; a "
        "process that drops then is noticed at once.",
        "Of a cable that is pulled then {stalled-pulled:sees} is told, as the time-out was, until TCP gives up."),
}
