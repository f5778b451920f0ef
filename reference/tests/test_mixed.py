#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every kind of channel and every message type over real sockets, between C alone and C with the original. Prints TAP.
test-deadline: 600

Networks: two contexts (who hosts and who connects in both ways), three in a line with the broker in the middle written in
the other language, and a ring of four. The program is $YOTON; the original is the package `yoton` in the folder $YOTON_PATH.
"""
import os
import sys
import traceback

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(TOP, "conformance", "tests", "support"))
from adapter_driver import PATIENCE, Driver  # noqa: E402

YOTON = os.environ.get("YOTON") or os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton")
ORIGINAL = os.environ.get("YOTON_PATH") or os.path.join(TOP, "build/peer/pyzo/usr/share/pyzo/pyzo")
COMMANDS = {"c": [YOTON, "agent"], "py": [sys.executable, os.path.join(TOP, "conformance", "peers", "pyzo_adapter.py")]}

# One pair of contexts, then a broker between two, then a ring; first and last are the ends that talk.
NETWORKS = ["c-c", "c-py", "py-c", "c-c-c", "c-py-c", "py-c-py", "c-py-c-py-ring", "c-c-py-c-ring"]
OBJECTS = [None, True, -1, {"int": "9223372036854775807"}, {"float": "-0x1.8p-3"}, {"float": "inf"}, "h\u00e9llo \u0000 \U0001f600",
           [1, [2, {"tuple": [3, []]}]], {"dict": [["key", 1], [{"tuple": [2, 3]}, None]]}, "x" * 300]
TEXTS = ["a", "\u00e9\u00f1\U0001f600", "line\nline", "x" * 100000]
BYTES = [{"hex": "00"}, {"hex": "00ff" * 50000}]


class Network:
    """Adapters joined in a line, or in a ring; each one connects to the one before it."""

    def __init__(self, shape):
        names = [name for name in shape.split("-") if name != "ring"]
        self.all = []
        try:
            for name in names:
                self.all.append(Driver(COMMANDS[name], {**os.environ, "YOTON_PATH": ORIGINAL}))
            self.first, self.last = self.all[0], self.all[-1]
            for before, after in zip(self.all, self.all[1:]):
                join(before, after)
            if shape.endswith("ring"):
                join(self.last, self.first)
        except BaseException:
            self.end()
            raise

    def end(self):
        for adapter in self.all:
            adapter.process.kill()
            adapter.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.end()


def join(host, client):
    """Returns when both ends are connected."""
    bound = host.do("bind", address="127.0.0.1:0")
    client.do("connect", address="127.0.0.1:%d" % bound["port"], timeout=PATIENCE)
    # The host's answer to the handshake has come; it is connected when it says so.
    while host.do("status", connection=bound["connection"])["state"] == "waiting":
        pass


def number(value):
    """The number of a float in either spelling of the protocol."""
    text = value["float"]
    return float.fromhex(text) if "0x" in text else float(text)


def open_both(n, kinds, slot, type="txt"):
    for adapter, kind in zip((n.first, n.last), kinds):
        adapter.do("open", channel=slot, kind=kind, slot=slot, type=type)


def every_message_arrives_once_and_in_order(n):
    for type, values in (("txt", TEXTS), ("bin", BYTES), ("obj", OBJECTS)):
        for ends, slot in (((n.first, n.last), "there" + type), ((n.last, n.first), "back" + type)):
            ends[0].do("open", channel=slot, kind="pub", slot=slot, type=type)
            ends[1].do("open", channel=slot, kind="sub", slot=slot, type=type)
            for value in values * 3:
                ends[0].do("send", channel=slot, value=value)
            # In a ring every package comes by two ways: the last word shows that none came twice.
            ends[0].do("send", channel=slot, value=values[0])
            for value in values * 3 + values[:1]:
                came = ends[1].value(slot)
                if isinstance(value, dict) and "float" in value:
                    assert number(came) == number(value), (value, came)
                else:
                    assert came == value, (value, came)
            assert ends[1].do("pending", channel=slot)["count"] == 0


def a_state_is_shared_both_ways(n):
    open_both(n, ("state", "state"), "s", "obj")
    for number, (setter, getter) in enumerate(((n.first, n.last), (n.last, n.first)), 1):
        setter.do("send", channel="s", value=number)
        getter.event("received", channel="s")
        while getter.do("recv", channel="s")["value"] != number:
            getter.event("received", channel="s")


def a_late_joiner_gets_the_state(n):
    # The one that has the state hosts: a context does not resend for its own connections (STATE-6).
    n.first.do("open", channel="t", kind="state", slot="t", type="txt")
    n.first.do("send", channel="t", value="warm")
    with Driver(COMMANDS["c"], {**os.environ}) as late:
        late.do("open", channel="t", kind="state", slot="t", type="txt")
        join(n.last, late)
        late.event("received", channel="t")
        assert late.do("recv", channel="t")["value"] == "warm"


def requests_are_answered(n):
    open_both(n, ("req", "rep"), "q", "obj")
    ident = "0x%x" % int(n.last.do("hello", protocol=1)["context_id"], 16)
    for mode in ("thread", "event"):
        n.last.do("rep_mode", channel="q", mode=mode)
        for value in (1, "two", [3, None], {"dict": [["k", {"tuple": [True]}]]}):
            future = n.first.do("call", channel="q", method="echo", args=[value])["future"]
            assert n.first.do("result", future=future, timeout=PATIENCE)["value"] == {"tuple": [value, ident]}
        future = n.first.do("call", channel="q", method="echo", args=[5], kwargs={"sleep": {"float": "0.05"}})["future"]
        assert n.first.do("result", future=future, timeout=PATIENCE)["value"] == {"tuple": [5, ident]}
        future = n.first.do("call", channel="q", method="zap")["future"]
        reply = n.first.reply(n.first.ask("result", future=future, timeout=PATIENCE))
        assert not reply["ok"] and reply["code"] == "failed" and "zap" in reply["remote"], reply


def a_request_nobody_takes_is_cancelled(n):
    open_both(n, ("req", "rep"), "q2", "obj")
    future = n.first.do("call", channel="q2", method="echo", args=[1])["future"]
    assert n.first.refused("result", future=future, timeout=0.01) == "timeout"
    assert n.first.do("cancel", future=future)["cancelled"] is True
    assert n.first.refused("result", future=future, timeout=PATIENCE) == "cancelled"
    future = n.first.do("call", channel="q2", method="echo", args=[1], auto_cancel=0.1)["future"]
    assert n.first.refused("result", future=future, timeout=PATIENCE) == "cancelled"
    n.last.do("rep_mode", channel="q2", mode="thread")
    future = n.first.do("call", channel="q2", method="echo", args=[2])["future"]
    assert n.first.do("result", future=future, timeout=PATIENCE)["value"]["tuple"][0] == 2


def work_is_shared_between_repliers(n):
    """Two repliers, one of them busy: the other one does the work, and every request is done once."""
    idents = set()
    for adapter in n.all[1:]:
        adapter.do("open", channel="w", kind="rep", slot="w")
        adapter.do("rep_mode", channel="w", mode="thread")
        idents.add("0x%x" % int(adapter.do("hello", protocol=1)["context_id"], 16))
    n.first.do("open", channel="w", kind="req", slot="w")
    slow = n.first.do("call", channel="w", method="echo", args=["slow"], kwargs={"sleep": {"float": "1.0"}})["future"]
    futures = [n.first.do("call", channel="w", method="echo", args=[i])["future"] for i in range(6)]
    results = [n.first.do("result", future=f, timeout=PATIENCE)["value"]["tuple"] for f in futures]
    assert [r[0] for r in results] == list(range(6))
    busy = n.first.do("result", future=slow, timeout=PATIENCE)["value"]["tuple"][1]
    assert {busy} | {r[1] for r in results} <= idents
    if len(n.all) > 2:
        assert busy not in {r[1] for r in results}, "the busy replier got work: %s of %s" % (busy, results)


def a_slow_reader_holds_the_writer(n):
    open_both(n, ("pub", "sub"), "y")
    n.last.do("sync_mode", channel="y", on=True)
    n.first.do("open", channel="z", kind="sub", slot="z")
    n.last.do("open", channel="z", kind="pub", slot="z")
    for i in range(40):
        n.first.do("send", channel="y", value=str(i))
    while n.last.do("pending", channel="y")["count"] < 40:
        n.last.event("received", channel="y")
    n.last.do("send", channel="z", value="behind full")
    assert n.first.value("z") == "behind full"
    held = n.first.ask("send", channel="y", value="held")
    n.last.do("send", channel="z", value="meanwhile")
    assert n.first.value("z") == "meanwhile"
    assert not n.first.answered(held), "the send was not held"
    assert [n.last.value("y") for _ in range(40)] == [str(i) for i in range(40)]
    assert n.first.reply(held)["ok"]
    assert n.last.value("y") == "held"


def messages_are_read_in_the_order_of_arrival(n):
    for slot in "fg":
        open_both(n, ("pub", "sub"), slot)
    for slot, value in (("f", "1"), ("f", "2"), ("g", "3"), ("f", "4")):
        n.first.do("send", channel=slot, value=value)
    while n.last.do("pending", channel="f")["count"] < 3:
        n.last.event("received", channel="f")
    read = []
    while (chosen := n.last.do("select", channels=["f", "g"])["channel"]) is not None:
        read.append(n.last.do("recv_selected", channel=chosen)["values"])
    assert read == [["1", "2"], ["3"], ["4"]], read


CASES = [every_message_arrives_once_and_in_order, a_state_is_shared_both_ways, a_late_joiner_gets_the_state,
         requests_are_answered, a_request_nobody_takes_is_cancelled, work_is_shared_between_repliers,
         a_slow_reader_holds_the_writer, messages_are_read_in_the_order_of_arrival]


def main():
    there = os.path.isdir(os.path.join(ORIGINAL, "yoton"))
    tests = [(shape, case) for shape in NETWORKS for case in CASES]
    wanted = os.environ.get("ONLY", "")
    failed = 0
    print("1..%d" % len(tests))
    for number, (shape, case) in enumerate(tests, 1):
        name = "%d - %s: %s" % (number, shape, case.__name__.replace("_", " "))
        if "py" in shape and not there:
            print("ok %s # SKIP the original is not at %s" % (name, ORIGINAL), flush=True)
            continue
        if wanted not in name:
            continue
        try:
            with Network(shape) as network:
                case(network)
        except Exception:
            failed += 1
            print("not ok " + name)
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), flush=True)
        else:
            print("ok " + name, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
