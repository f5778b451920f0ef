# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to the cable between two boxes. It is pulled at the near end and at the far end in turn."""

import contextlib
import signal
import time

from ends import Pair, PlainPair, required
from one_box import HUGE, arrive, fill, lasted

SHORT = 0.3  # how long the cable is out, shorter than the time-out
ENOUGH = 3.0  # a time-out that lasts longer than TCP needs to repeat what was lost in a short while
LONG = 1.0
FEW = 10
CLOSE = 1.0  # LIMIT-8
USUAL_RETRIES, FEW_RETRIES = 15, 2


@contextlib.contextmanager
def cable_out(boxes, number):
    """The cable is out in here; yields the time just before it was pulled."""
    now = time.monotonic()
    try:
        boxes.pull(number % 2)
        yield now
    finally:
        boxes.plug()


def out_since(since, seconds):
    time.sleep(max(0.0, since + seconds - time.monotonic()))


def say_few(agent):
    return max(agent.say("%d" % i) for i in range(FEW))


def short(place, boxes, number):
    """Out and in again before the time-out."""
    with Pair(place, number % 4 < 2, timeout=ENOUGH) as pair, PlainPair(place) as plain:
        pair.greet()
        with cable_out(boxes, number) as since:
            say_few(pair.near)
            plain.near.do("send", size=FEW)
            out_since(since, SHORT)
            back = time.monotonic()
        values = {"plain": plain.far.event("received", bytes=1 + FEW)["t"] - back}
        values["arrives"] = pair.far.after("received", since, channel="sub")["t"] - back
        arrive(pair.far, FEW)
        pair.greet()
        pair.both_live()
        pair.bystander_is_well()
        told = pair.near.left("timedout", connection=pair.here) + pair.far.left("timedout", connection=pair.there)
        values["told"] = "a time-out" if told else "nothing"
    return values


def long(place, boxes, number):
    """Out until both ends are timed out, and in again."""
    with Pair(place, number % 4 < 2) as pair, PlainPair(place) as plain:
        last_near, last_far = pair.greet()
        with cable_out(boxes, number) as since:
            values = {"send": say_few(pair.near)}
            plain.near.do("send", size=FEW)
            values["near-told"] = pair.near_times_out(last_near)
            values["far-told"] = pair.far_times_out(last_far)
            out_since(since, LONG)
            pair.both_live()
            back = time.monotonic()
        values["near-again"] = pair.near_hears_again(back)
        values["far-again"] = pair.far_hears_again(back)
        values["arrives"] = arrive(pair.far, FEW)
        values["plain"] = plain.far.event("received", bytes=1 + FEW)["t"] - back
        pair.greet()
        pair.both_live()
        pair.bystander_is_well()
    return values


def gone(place, boxes, number):
    """Out for good: what each end sees, what sends do, and closing meanwhile."""
    with Pair(place, number % 4 < 2) as pair, PlainPair(place) as plain:
        last_near, last_far = pair.greet()
        with cable_out(boxes, number) as since:
            values = {"near-told": pair.near_times_out(last_near), "far-told": pair.far_times_out(last_far),
                      "send": say_few(pair.near)}
            values.update(fill(pair.near))
            del values["count"]
            values["plain-takes"] = plain.near.do("fill", limit=HUGE)["sent"]
            pair.both_live()
            start = time.monotonic()
            with required("LIMIT-8"):
                pair.near.do("close", connection=pair.here)
            values["close"] = lasted("LIMIT-8", "a close", time.monotonic() - start, CLOSE)
            values["close-reason"] = pair.near_is_closed(start)[1]
            state = pair.far.state(pair.there)
            values["far-sees"] = "nothing more" if state in ("hosting", "connected") else state
            seen = plain.near.left("ended") + plain.far.left("ended")
            values["plain-sees"] = ", ".join(event["how"] for event in seen) or "nothing"
            values["watched"] = time.monotonic() - since
            pair.bystander_is_well()
            for end in (pair.near, pair.far, plain.near, plain.far):
                end.signal(signal.SIGKILL)
    return values


def killed_meanwhile(place, boxes, number):
    """The far process is killed while the cable is out."""
    with Pair(place, number % 4 < 2) as pair, PlainPair(place) as plain:
        last = pair.greet()[0]
        with cable_out(boxes, number):
            pair.far.signal(signal.SIGKILL)
            plain.far.signal(signal.SIGKILL)
            values = {"told": pair.near_times_out(last)}
            state = pair.near.state(pair.here)
            values["sees"] = "the time-out only" if state in ("hosting", "connected") else state
            back = time.monotonic()
        values["plain"] = plain.near.event("ended")["t"] - back
        values["closed"], values["reason"] = pair.near_is_closed(back)
        pair.bystander_is_well()
    return values


def stalled_then_pulled(place, boxes, number):
    """The far process stops reading, megabytes are sent, and the cable is pulled then."""
    with Pair(place, number % 4 < 2) as pair:
        last = pair.greet()[0]
        pair.far.signal(signal.SIGSTOP)
        values = {"told": pair.near_times_out(last)}
        values.update(fill(pair.near))
        with cable_out(boxes, number) as since:
            out_since(since, LONG)
            state = pair.near.state(pair.here)
            news = pair.near.left("timedout", connection=pair.here)
            values["sees"] = "nothing more" if state in ("hosting", "connected") and not news else "news"
        since = pair.far.signal(signal.SIGCONT)
        values["again"] = pair.near_hears_again(since)
        values["arrives"] = arrive(pair.far, values.pop("count"))
        pair.both_live()
        pair.bystander_is_well()
    return values


def given_up(place, boxes, number):
    """TCP itself gives up, after fewer repetitions than usual; one far end reads and one does not."""
    hosts = number % 4 < 2
    boxes.patience_of_tcp(FEW_RETRIES)
    try:
        with Pair(place, hosts) as pair, Pair(place, hosts) as deaf, PlainPair(place) as plain:
            pair.greet()
            deaf.greet()
            deaf.far.signal(signal.SIGSTOP)
            fill(deaf.near)
            with cable_out(boxes, number) as since:
                plain.near.do("send", size=1)
                ended = plain.near.event("ended")  # how long this system takes
                values = {"plain": ended["how"], "plain-after": ended["t"] - since}
                values["near"], values["near-reason"] = pair.near_is_closed(since)
                values["deaf"], values["deaf-reason"] = deaf.near_is_closed(since)
                pair.bystander_is_well()
                deaf.bystander_is_well()
    finally:
        boxes.patience_of_tcp(USUAL_RETRIES)
    return values
