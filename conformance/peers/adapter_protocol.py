# SPDX-License-Identifier: BSD-2-Clause
"""The half of an adapter that knows no implementation: lines of JSON, values, requests, threads.

conformance/ADAPTER.md is the reference of the protocol. An adapter in Python derives from Adapter
and marks each of its ops with @op(...).
"""

import json
import math
import os
import sys
import threading
import time
from queue import SimpleQueue

PROTOCOL = 1
JSON_EXACT = 1 << 53
NOTHING = object()


class Refused(Exception):
    """A request that ends in `ok: false`: one of the protocol's codes, a line, further fields."""

    def __init__(self, code, error, **fields):
        super().__init__(error)
        self.code = code
        self.fields = fields


class ProtocolOut:
    """Takes standard output for the protocol alone: what else is printed goes to standard error."""

    def __init__(self):
        self._fd = os.dup(1)
        self._lock = threading.Lock()
        os.dup2(2, 1)
        sys.stdout = sys.stderr

    def line(self, message):
        data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        with self._lock:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except BrokenPipeError:
                os._exit(0)


# ---- values -------------------------------------------------------------------------------------


def encode(value):
    """A Python value as the protocol's JSON."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) < JSON_EXACT else {"int": str(value)}
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    raise TypeError("a %s has no form in the protocol" % type(value).__name__)


FORMS = {
    "int": (str, int),
    "float": (str, lambda text: float.fromhex(text) if "x" in text.lower() else float(text)),
    "hex": (str, bytes.fromhex),
    "tuple": (list, lambda items: tuple(decode(item) for item in items)),
    "dict": (list, lambda pairs: {decode(key): decode(item) for key, item in pairs}),
}


def decode(value):
    """The protocol's JSON as a Python value; whether a channel takes it, the channel says."""
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict) and len(value) == 1:
        ((form, held),) = value.items()
        holds, make = FORMS.get(form, ((), None))
        if isinstance(held, holds):
            try:
                return make(held)
            except (ValueError, TypeError, OverflowError) as error:
                raise Refused("bad-request", "value %.60s: %s" % (json.dumps(value), error))
    raise Refused("bad-request", "not a value: %.60s" % json.dumps(value))


# ---- requests -----------------------------------------------------------------------------------


def is_number(value):
    return type(value) in (int, float) and math.isfinite(value)


class Request:
    """One request: its fields, checked as they are taken."""

    def __init__(self, fields):
        self.fields = fields
        self.arrived = time.monotonic()

    def _take(self, name, default, right, what):
        if name not in self.fields and default is not NOTHING:
            return default
        value = self.fields.get(name, NOTHING)
        if value is NOTHING or not right(value):
            where = self.fields.get("op", "request")
            raise Refused("bad-request", "%s: `%s` must be %s" % (where, name, what))
        return value

    def has(self, name):
        return self.fields.get(name) is not None

    def text(self, name, default=NOTHING):
        return self._take(name, default, lambda v: isinstance(v, str), "a string")

    def flag(self, name, default=NOTHING):
        return self._take(name, default, lambda v: isinstance(v, bool), "true or false")

    def whole(self, name, default=NOTHING):
        return self._take(name, default, lambda v: type(v) is int, "an integer")

    def number(self, name, default=NOTHING):
        return self._take(name, default, is_number, "a number")

    def number_or_null(self, name, default=NOTHING):
        return self._take(name, default, lambda v: v is None or is_number(v), "a number or null")

    def sequence(self, name, default=NOTHING):
        return self._take(name, default, lambda v: isinstance(v, list), "an array")

    def mapping(self, name, default=NOTHING):
        return self._take(name, default, lambda v: isinstance(v, dict), "an object")

    def choice(self, name, choices, default=NOTHING):
        value = self.text(name, default)
        if value not in choices:
            where = self.fields["op"]
            raise Refused("unsupported", "%s: `%s` must be one of %s" % (where, name, ", ".join(choices)))
        return value

    def value(self, name):
        return decode(self._take(name, NOTHING, lambda v: True, "there"))

    def deadline(self, timeout):
        """When `timeout` seconds have passed since the request came; null: never."""
        return math.inf if timeout is None else self.arrived + timeout

    def bad(self, text):
        return Refused("bad-request", "%s: %s" % (self.fields["op"], text))


# ---- ops and their lanes ------------------------------------------------------------------------
# A lane says which thread runs an op: INLINE the reader itself, for ops that cannot block; ALONE
# one of its own; any other key the thread of that key, which runs its ops in the order they came.

INLINE = None
ALONE = object()
OPS = {}


def op(lane=INLINE):
    """Marks a method as an op; `lane` is a lane, or a function that takes the request to one."""

    def register(function):
        OPS[function.__name__] = (function, lane if callable(lane) else lambda request: lane)
        return function

    return register


class Adapter:
    """Reads requests, runs each in its lane, writes replies and events."""

    def __init__(self, out):
        self._out = out
        self._lanes = {}
        self._lock = threading.Lock()
        self._last_name = 0

    def next_name(self):
        with self._lock:
            self._last_name += 1
            return str(self._last_name)

    def event(self, name, **fields):
        self._out.line({"event": name, **fields, "t": time.monotonic()})

    def find(self, request, field, things):
        name = request.text(field)
        if name not in things:
            raise request.bad("no %s `%s`" % (field, name))
        return things[name]

    def run(self, stream):
        """Serves until the end of `stream`, then ends the process at once, busy or not."""
        for line in stream:
            ident = None
            try:
                fields = self._parse(line)
                ident = fields["id"]
                self._dispatch(ident, Request(fields))
            except Refused as refused:
                self._refuse(ident, refused)
        os._exit(0)

    def _parse(self, line):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Refused("bad-request", "not a line of JSON: %s" % error)
        if not isinstance(fields, dict) or type(fields.get("id")) is not int:
            raise Refused("bad-request", "not a request: an object with an integer `id`")
        return fields

    def _dispatch(self, ident, request):
        name = request.text("op")
        if name not in OPS:
            raise Refused("unsupported", "no op `%s` here" % name)
        function, lane = OPS[name]
        key = lane(request)
        if key is INLINE:
            self._perform(ident, function, request)
        elif key is ALONE:
            start_thread(self._perform, ident, function, request)
        else:
            self._lane(key).put((ident, function, request))

    def _lane(self, key):
        if key not in self._lanes:
            self._lanes[key] = SimpleQueue()
            start_thread(self._run_lane, self._lanes[key])
        return self._lanes[key]

    def _run_lane(self, queue):
        while True:
            self._perform(*queue.get())

    def _perform(self, ident, function, request):
        try:
            answer = function(self, request) or {}
            self._out.line({"id": ident, "ok": True, **answer})
        except Refused as refused:
            self._refuse(ident, refused)
        except Exception as error:
            self._refuse(ident, Refused("failed", "%s: %s" % (type(error).__name__, error)))

    def _refuse(self, ident, refused):
        error = " ".join(str(refused).split())
        self._out.line(
            {"id": ident, "ok": False, "code": refused.code, "error": error, **refused.fields}
        )


def start_thread(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread
