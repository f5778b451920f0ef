# SPDX-License-Identifier: BSD-2-Clause
"""What can happen to a process: it is killed, it ends, it stops reading. On one box and on two."""

import contextlib
import signal
import time

from ends import TEXT, Pair, PlainPair, Violated, required

HUGE = 64 << 20  # what a plain end tries to send to one that does not read
AT_MOST_HELD = 1.0
MACHINE = 4.0  # what a busy machine may add to a bound
UNREAD = 20  # messages that a stopped process has not read when it is killed


def lasted(requirement, what, seconds, limit):
    """A bound of the specification."""
    if seconds > limit + MACHINE:
        raise Violated(requirement, "%s took %.2f s, at most %g s are right" % (what, seconds, limit))
    return seconds


def killed(place, number):
    """The far process is killed, is asked to terminate, or ends in the nice way."""
    values = {}
    for key, number_of_signal in (("killed", signal.SIGKILL), ("terminated", signal.SIGTERM)):
        with Pair(place, near_hosts=number % 2 == 0) as pair:
            pair.greet()
            since = pair.far.signal(number_of_signal)
            values[key], values[key + "-reason"] = pair.near_is_closed(since)
            pair.bystander_is_well()
    with Pair(place, near_hosts=number % 2 == 0) as pair:
        pair.greet()
        since = time.monotonic()
        pair.far.do("close_context")
        values["nice"], values["nice-reason"] = pair.near_is_closed(since)
        pair.bystander_is_well()
    if values["nice-reason"] == values["killed-reason"]:
        raise Violated("LINK-18", "a nice end and a killed process have the same reason: %s" % values["nice-reason"])
    return {**values, **plain_killed(place)}


def plain_killed(place):
    with PlainPair(place) as pair:
        since = pair.far.signal(signal.SIGKILL)
        ended = pair.near.event("ended")
        values = {"plain": ended["how"], "plain-after": ended["t"] - since, "plain-send": sends_until_error(pair.near)}
    with PlainPair(place) as pair:
        pair.far.do("read", on=False)
        pair.near.do("send", size=1000)
        pair.near.do("settle")
        pair.far.signal(signal.SIGKILL)
        values["plain-unread"] = pair.near.event("ended")["how"]
    return values


def sends_until_error(end):
    """What sends return after the other end has gone."""
    taken = 0
    while "error" not in (done := end.do("send", size=1)):
        taken += 1
    return ("taken, then " if taken else "") + done["error"]


def stalled(place, number):
    """The far process stops reading, goes on, stops again and is killed then."""
    values = {}
    with Pair(place, near_hosts=number % 2 == 0) as pair:
        last = pair.greet()[0]
        pair.far.signal(signal.SIGSTOP)
        values["told"] = pair.near_times_out(last)
        values.update(fill(pair.near))
        since = pair.far.signal(signal.SIGCONT)
        values["again"] = pair.near_hears_again(since)
        values["arrives"] = arrive(pair.far, values.pop("count"))
        pair.both_live()

        pair.far.signal(signal.SIGSTOP)
        for _ in range(UNREAD):
            pair.near.say(TEXT)
        since = pair.far.signal(signal.SIGKILL)
        values["killed"], values["killed-reason"] = pair.near_is_closed(since)
        pair.bystander_is_well()
    with PlainPair(place) as pair:
        pair.far.signal(signal.SIGSTOP)
        values["plain-takes"] = pair.near.do("fill", limit=HUGE)["sent"]
        since = pair.far.signal(signal.SIGKILL)
        ended = pair.near.event("ended")
        values["plain-killed"], values["plain-killed-after"] = ended["how"], ended["t"] - since
    return values


def fill(agent):
    """Sends until a send is held up."""
    with required("LIMIT-4"):
        count, held = agent.say_until_held(0)
    lasted("LIMIT-4", "a send that is held", held, AT_MOST_HELD)
    return {"count": count, "takes": count * len(TEXT), "held": held}


def arrive(agent, count):
    """Everything that was sent must come, in order."""
    with required("LINK-8"):
        agent.hears_numbers(0, count)
    return "all"


def device_down(place, boxes):
    """Both on one box, connected by its network address, and the network device goes down."""
    with Pair(place) as pair, contextlib.ExitStack() as later:
        pair.greet()
        later.callback(boxes.plug)
        boxes.pull(0)
        pair.greet()
        pair.both_live()
        told = pair.near.left("timedout", connection=pair.here)
        return {"noticed": "a time-out" if told else "nothing"}
