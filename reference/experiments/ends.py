# SPDX-License-Identifier: BSD-2-Clause
"""The processes of an experiment: Yoton's ends (`yoton agent`) and plain ones (plain_end.py), in pairs."""

import contextlib
import os
import signal
import sys
import time

from boxes import TOGETHER

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(TOP, "conformance", "tests", "support"))

from adapter_driver import PATIENCE, Driver  # noqa: E402 (the path above comes first)

YOTON = os.environ.get("YOTON") or os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton")
TIMEOUT = 0.5  # of a connection unless it is set otherwise
HELD = 0.5  # a send that takes longer was held up
TEXT = "x" * 32768


class Violated(Exception):
    """Something the specification asks for did not happen; the first argument is its requirement."""


@contextlib.contextmanager
def required(requirement):
    """What does not happen in here in time breaks this requirement."""
    try:
        yield
    except AssertionError as e:
        raise Violated(requirement, str(e)) from e


class End(Driver):
    """One process that is killed at the end, whatever state it is in."""

    def __init__(self, command, prefix):
        super().__init__([*prefix, *TOGETHER, *command], os.environ)

    def signal(self, number):
        """Sends a signal; the time just before."""
        now = time.monotonic()
        self.process.send_signal(number)
        if number == signal.SIGKILL:
            self.process.wait()
        return now

    def after(self, name, earliest, **fields):
        """The first event that fits and is not older than `earliest`."""
        while (event := self.event(name, **fields))["t"] < earliest:
            pass
        return event

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.stderr.close()


class Agent(End):
    """One context of Yoton with a pub and a sub channel."""

    def __init__(self, prefix):
        super().__init__([YOTON, "agent"], prefix)
        try:
            self.do("hello", protocol=1)
            self.do("open", channel="pub", kind="pub", slot="talk", type="txt")
            self.do("open", channel="sub", kind="sub", slot="talk", type="txt")
        except BaseException:
            self.__exit__()
            raise

    def say(self, text, channel="pub"):
        """Publishes; how long the send took."""
        start = time.monotonic()
        self.do("send", channel=channel, value=text)
        return time.monotonic() - start

    def say_until_held(self, first):
        """Publishes messages with numbers from `first` on until one is held up; their count, and for how long it was."""
        for number in range(first, first + 4096):
            took = self.say("%d %s" % (number, TEXT))
            if took > HELD:
                return number + 1 - first, took
        raise Violated("LIMIT-4", "4096 messages were sent and none was held up")

    def hears_numbers(self, first, count):
        """Receives numbered messages; none may be missing, none out of order."""
        for number in range(first, first + count):
            text = self.value("sub")
            if text.split(" ", 1)[0] != str(number):
                raise Violated("LINK-8", "message %d was expected, and %.20s came" % (number, text))

    def state(self, connection):
        return self.do("status", connection=connection)["state"]


def connect(host, client, address, timeout=None):
    """Connects two agents; the names of the connection at both."""
    bound = host.do("bind", address=address + ":0")
    named = client.do("connect", address="%s:%d" % (address, bound["port"]), timeout=PATIENCE)
    for agent, connection in ((host, bound["connection"]), (client, named["connection"])):
        if timeout is not None:
            agent.do("set_timeout", connection=connection, seconds=timeout)
    return bound["connection"], named["connection"]


def times_out(agent, connection, last):
    with required("LINK-6"):
        silence = agent.after("timedout", last, connection=connection, value=True)["t"] - last
    if silence < TIMEOUT:
        raise Violated("LINK-11", "a time-out of %g s was told after %.3f s" % (TIMEOUT, silence))
    return silence


def hears_again(agent, connection, since):
    with required("LINK-7"):
        told = agent.after("timedout", since, connection=connection, value=False)["t"]
    if any(event["t"] <= told for event in agent.left("timedout", connection=connection, value=True)):
        raise Violated("LINK-6", "one time-out was told more than once")
    return told - since


def is_closed(agent, connection, since):
    with required("LINK-17"):
        event = agent.event("closed", connection=connection)
    return event["t"] - since, event["reason"]


class Pair:
    """A near and a far end that are connected, and a bystander who is connected to the near one."""

    def __init__(self, place, near_hosts=True, timeout=TIMEOUT):
        with contextlib.ExitStack() as stack:
            self.near = stack.enter_context(Agent(place.near))
            self.far = stack.enter_context(Agent(place.far))
            self.bystander = stack.enter_context(Agent(place.near))
            self.near.do("open", channel="side", kind="pub", slot="side", type="txt")
            self.bystander.do("open", channel="side", kind="sub", slot="side", type="txt")
            self.side, _ = connect(self.near, self.bystander, place.near_address, PATIENCE)
            ends = (self.near, self.far) if near_hosts else (self.far, self.near)
            names = connect(*ends, place.near_address if near_hosts else place.far_address, timeout)
            self.here, self.there = names if near_hosts else reversed(names)
            self.processes = stack.pop_all()

    def greet(self):
        """One message each way: the last bytes that come, if something happens now. When they were sent to the near
        end, and to the far end; a silence counted from then is never too short."""
        times = []
        for sender, receiver in ((self.near, self.far), (self.far, self.near)):
            times.append(time.monotonic())
            sender.say("hello")
            while receiver.value("sub") != "hello":
                pass
        return times[1], times[0]

    def near_times_out(self, last):
        """How long after the last byte, which came at `last`, the near end is told of the time-out."""
        return times_out(self.near, self.here, last)

    def far_times_out(self, last):
        return times_out(self.far, self.there, last)

    def near_hears_again(self, since):
        """How long after `since` the near end is told that the time-out is over."""
        return hears_again(self.near, self.here, since)

    def far_hears_again(self, since):
        return hears_again(self.far, self.there, since)

    def near_is_closed(self, since):
        """How long after `since` the near end is told that the connection is closed, and why."""
        return is_closed(self.near, self.here, since)

    def both_live(self):
        """No time-out may close a connection."""
        for agent, connection in ((self.near, self.here), (self.far, self.there)):
            state = agent.state(connection)
            if state not in ("hosting", "connected"):
                raise Violated("LINK-8", "the connection is %s" % state)

    def bystander_is_well(self):
        """Whatever happened, the near end's other connection did not notice."""
        with required("LINK-20"):
            self.near.say("are you well?", "side")
            assert self.bystander.value("side") == "are you well?"
            state = self.near.state(self.side)
            assert state == "hosting", "the other connection is %s" % state
            told = self.near.left("timedout", connection=self.side) + self.near.left("closed", connection=self.side)
            assert not told, "the other connection was told %s" % told

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.processes.close()


class PlainPair:
    """The same with plain sockets."""

    def __init__(self, place):
        command = [sys.executable, "-I", os.path.join(HERE, "plain_end.py")]
        with contextlib.ExitStack() as stack:
            self.near = stack.enter_context(End(command, place.near))
            self.far = stack.enter_context(End(command, place.far))
            port = self.near.do("listen", address=place.near_address + ":0")["port"]
            self.far.do("connect", address="%s:%d" % (place.near_address, port))
            self.near.do("accept")
            for sender, receiver in ((self.near, self.far), (self.far, self.near)):
                sender.do("send", size=1)
                receiver.event("received", bytes=1)
            self.processes = stack.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.processes.close()
