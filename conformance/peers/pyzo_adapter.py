#!/usr/bin/env -S python3 -S -E
# SPDX-License-Identifier: BSD-2-Clause
"""Lets yotonspec drive the original, the Python package `yoton`.

One process is one yoton.Context; conformance/ADAPTER.md is the reference. Environment:
  YOTON_PATH            the folder that holds the package `yoton`
  PYZO_VERSION          version of Pyzo around it, for `hello` (optional: it is looked up)
  YOTON_ADAPTER_MEMORY  bytes of address space the process may take (optional, 2 GiB)
"""

import contextlib
import math
import os
import resource
import socket
import sys
import threading
import time
from queue import SimpleQueue

from adapter_protocol import (
    ALONE,
    JSON_EXACT,
    NOTHING,
    OPS,
    PROTOCOL,
    Adapter,
    ProtocolOut,
    Refused,
    Request,
    decode,
    encode,
    op,
    start_thread,
)

DEFAULT_MEMORY = 2 << 30
THREAD_STACK = 1 << 20
EXTRAS = "txt bin obj host client port0 queue context_id".split()


def die(text):
    print("pyzo_adapter: " + text, file=sys.stderr)
    sys.exit(2)


def limit_memory():
    """The original may spin and grow for ever; the machine shall not pay for it."""
    text = os.environ.get("YOTON_ADAPTER_MEMORY", str(DEFAULT_MEMORY))
    if not text.isdecimal():
        die("YOTON_ADAPTER_MEMORY=%s: not a number of bytes" % text)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (int(text), int(text)))
    except (ValueError, OSError, OverflowError) as error:
        die("YOTON_ADAPTER_MEMORY=%s: %s; give a smaller one" % (text, error))
    # Two threads a connection, each with the default 8 MiB, would use the address space up.
    threading.stack_size(THREAD_STACK)


def load_original():
    folder = os.environ.get("YOTON_PATH", "")
    if not os.path.isfile(os.path.join(folder, "yoton", "__init__.py")):
        die("YOTON_PATH=%s: no package `yoton` there; name the folder that holds it" % folder)
    sys.path.insert(0, folder)
    import yoton

    return yoton


protocol_out = ProtocolOut()
limit_memory()
yoton = load_original()

CHANNELS = {
    "pub": yoton.PubChannel,
    "sub": yoton.SubChannel,
    "req": yoton.ReqChannel,
    "rep": yoton.RepChannel,
    "state": yoton.StateChannel,
}


def version():
    """With Pyzo's own beside it: the package has said 2.2 through years of changes."""
    pyzo = os.environ.get("PYZO_VERSION") or version_beside()
    return yoton.__version__ + (" (pyzo %s)" % pyzo if pyzo else "")


def version_beside():
    with contextlib.suppress(OSError):
        with open(os.path.join(os.environ["YOTON_PATH"], "__init__.py"), encoding="utf-8") as file:
            for line in file:
                if line.startswith("__version__"):
                    return line.split("=")[1].strip(" \"'\n")
    return None


def telling(base):
    """The message type `base`, but 'no message', to the original an empty one, is not None."""

    class Telling(type(base)):
        def message_from_bytes(self, bb):
            return super().message_from_bytes(bb) if bb else NOTHING

    return Telling()


TYPES = {"txt": yoton.TEXT, "bin": yoton.BINARY, "obj": yoton.OBJECT}
TELLING_TYPES = {name: telling(base) for name, base in TYPES.items()}


def by_channel(request):
    """Ops that send keep their order per channel."""
    return "send", request.text("channel")


def by_waiting(request):
    """A recv that waits holds up no op but the next recv of its channel that waits."""
    waits = request.number_or_null("timeout", 0) != 0
    return ("recv", request.text("channel")) if waits else TAKE


# Not inline, although these never wait for a message: in sync mode they may send, and block.
TAKE = "take"


def new_context(queue=None, context_id=None):
    context = yoton.Context(queue_params=queue)
    if context_id is not None:
        context._id = context_id
    elif context.id >> 60 == 0:
        # The original draws ids from the clock; 3 days of every 50 they begin with a zero digit,
        # and its handshake misspells those. No verdict shall depend on the date: the option
        # context_id shows that fault any day.
        context._id |= 1 << 63
    return context


@contextlib.contextmanager
def held_port(host):
    """A free port, bound but not listening, so that the original's SO_REUSEADDR may bind it too."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host, 0))
        yield holder.getsockname()[1]


def hex_id(number):
    return "%016x" % number


def pid_of(number):
    return number if abs(number) < JSON_EXACT else str(number)


def parse_id(request):
    text = request.text("context_id")
    digits = len(text) == 16 and set(text) <= set("0123456789abcdef")
    if not digits or int(text, 16) == 0:
        raise request.bad("`context_id` must be 16 hex digits, lower case, not all 0")
    return int(text, 16)


def state_of(connection):
    return yoton.connection.STATUSMAP[connection._status]


def receive(channel, deadline):
    """The next message; waits as the original does, by the original's own time-out."""
    while True:
        left = deadline - time.monotonic()
        value = channel.recv(True if left == math.inf else left if left > 0 else False)
        if value is not NOTHING:
            return value
        if channel.closed:
            raise Refused("closed", "recv: the channel is closed and empty")
        if time.monotonic() >= deadline:
            raise Refused("timeout", "recv: no message in time")


def in_event_loop(function):
    """Calls where the rest of the negotiation runs: the original is not safe from two threads."""
    outcome = SimpleQueue()

    def attempt():
        try:
            outcome.put((function(), None))
        except Exception as error:
            outcome.put((None, error))

    yoton.call_later(attempt)
    value, error = outcome.get()
    if error is not None:
        raise error
    return value


def wait_done(future, deadline):
    """Waits while the event loop does the work; Future.result would do it here at the same time."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    # The original loses a callback that is added just as the reply arrives, hence short waits.
    while not future.done():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        done.wait(min(left, 0.05))
    return True


class PyzoAdapter(Adapter):
    def __init__(self):
        super().__init__(protocol_out)
        self.context = new_context()
        self.links = {}
        self.channels = {}
        self.kinds = {}
        self.futures = {}
        self.servers = {}
        self.watch_connections()
        start_thread(yoton.start_event_loop)

    def watch_connections(adapter):
        """Binds each connection's signals before it starts: afterwards, an early one is lost."""

        class Watched(yoton.TcpConnection):
            def __init__(self, context, name=""):
                super().__init__(context, name)
                number = self.number = adapter.next_name()
                self.closed.bind(
                    lambda _, reason: adapter.event("closed", connection=number, reason=reason)
                )
                self.timedout.bind(
                    lambda _, value: adapter.event("timedout", connection=number, value=value)
                )

        yoton.context.TcpConnection = Watched

    def link(self, request):
        return self.find(request, "connection", self.links)

    def channel(self, request, *kinds):
        channel, name = self.find(request, "channel", self.channels), request.text("channel")
        if kinds and self.kinds[name] not in kinds:
            raise request.bad("not for the %s channel `%s`" % (self.kinds[name], name))
        return channel

    # -- the context

    @op()
    def hello(self, request):
        if request.whole("protocol") != PROTOCOL:
            raise Refused("unsupported", "hello: this adapter speaks protocol %d" % PROTOCOL)
        return {
            "protocol": PROTOCOL,
            "implementation": "pyzo",
            "version": version(),
            "capabilities": sorted(OPS) + EXTRAS,
            "context_id": hex_id(self.context.id),
            "pid": os.getpid(),
        }

    @op()
    def options(self, request):
        unknown = sorted(set(request.fields) - {"id", "op", "queue", "context_id"})
        if unknown:
            raise Refused("unsupported", "options: no option %s here" % ", ".join(unknown))
        if self.links or self.channels:
            raise request.bad("options come before the first connection and the first channel")
        ident = parse_id(request) if request.has("context_id") else self.context.id
        queue = request.sequence("queue", None)
        self.context = new_context(None if queue is None else tuple(queue), ident)
        return {"context_id": hex_id(ident)}

    @op(ALONE)
    def close_context(self, request):
        self.context.close()

    # -- connections: the context's lock is held through a send that blocks, so most may block too

    @op(ALONE)
    def bind(self, request):
        address, tries = request.text("address"), request.whole("max_tries", 1)
        _, host, port = yoton.misc.split_address(address)
        with contextlib.ExitStack() as stack:
            if port == 0:
                # Less 1, because the original adds 1 to the port it is asked for.
                address = "%s:%d" % (host, stack.enter_context(held_port(host)) - 1)
            link = self.context.bind(address, tries, request.text("name", ""))
        self.links[link.number] = link
        return {"connection": link.number, "port": link.port1}

    @op(ALONE)
    def connect(self, request):
        address, timeout = request.text("address"), request.number("timeout", 1.0)
        link = self.context.connect(address, timeout, request.text("name", ""))
        self.links[link.number] = link
        return {"connection": link.number}

    @op()
    def status(self, request):
        link = self.link(request)
        return {
            "state": state_of(link),
            "hostname1": link.hostname1,
            "port1": link.port1,
            "id1": hex_id(link.id1),
            "pid1": link.pid1,
            "hostname2": link.hostname2,
            "port2": link.port2,
            "id2": hex_id(link.id2),
            "pid2": pid_of(link.pid2),
            "name": link.name,
            "timeout": link.timeout,
        }

    @op(ALONE)
    def connections(self, request):
        alive = self.context.connections_all
        return {
            "connections": [
                {"connection": link.number, "name": link.name, "state": state_of(link)}
                for link in alive
            ]
        }

    @op()
    def set_timeout(self, request):
        self.link(request).timeout = request.number("seconds")

    @op(ALONE)
    def flush(self, request):
        one = request.has("connection")
        target = self.link(request) if one else self.context
        try:
            target.flush(request.number("timeout", 3.0 if one else 5.0))
        except RuntimeError as error:
            raise Refused("timeout", error)

    @op(ALONE)
    def close(self, request):
        self.link(request).close(request.text("reason", None))

    @op(ALONE)
    def close_on_problem(self, request):
        self.link(request).close_on_problem(request.text("reason", None))

    # -- channels

    @op()
    def open(self, request):
        name, kind = request.text("channel"), request.choice("kind", CHANNELS)
        if name in self.channels:
            raise request.bad("the channel `%s` is there already" % name)
        args = [self.context, request.text("slot")]
        if kind in ("req", "rep"):
            request.choice("type", ["obj"], "obj")
        else:
            types = TELLING_TYPES if kind == "sub" else TYPES
            args.append(types[request.choice("type", TYPES, "txt")])
        channel = CHANNELS[kind](*args)
        channel.received.bind(lambda _: self.event("received", channel=name))
        self.channels[name], self.kinds[name] = channel, kind
        return {
            "slot_out": channel.slot_outgoing,
            "slot_in": channel.slot_incoming,
            "slot_out_hash": str(channel._slot_out_h),
            "slot_in_hash": str(channel._slot_in_h),
        }

    @op(by_channel)
    def send(self, request):
        channel, value = self.channel(request, "pub", "state"), request.value("value")
        try:
            channel.send(value)
        except OSError as error:
            raise Refused("closed" if channel.closed else "failed", error)

    @op(by_waiting)
    def recv(self, request):
        channel = self.channel(request, "sub", "state")
        deadline = request.deadline(request.number_or_null("timeout", 0))
        return {"value": encode(receive(channel, deadline))}

    @op(TAKE)
    def recv_all(self, request):
        values = self.channel(request, "sub").recv_all()
        return {"values": [encode(value) for value in values]}

    @op()
    def pending(self, request):
        return {"count": self.channel(request).pending}

    @op(TAKE)
    def select(self, request):
        chosen = {}
        for name in request.sequence("channels"):
            one = Request({**request.fields, "channel": name})
            chosen[self.channel(one, "sub")] = name
        return {"channel": chosen.get(yoton.select_sub_channel(*chosen))}

    @op(TAKE)
    def recv_selected(self, request):
        values = self.channel(request, "sub").recv_selected()
        return {"values": [encode(value) for value in values]}

    @op(by_channel)
    def sync_mode(self, request):
        self.channel(request, "sub").set_sync_mode(request.flag("on"))

    @op()
    def rep_mode(self, request):
        self.channel(request, "rep").set_mode(request.choice("mode", ["off", "event", "thread"]))

    @op()
    def close_channel(self, request):
        self.channel(request).close()

    # -- requests and replies

    @op(by_channel)
    def call(self, request):
        channel, method = self.channel(request, "req"), request.text("method")
        if hasattr(type(channel), method) or method.startswith("_"):
            raise Refused("unsupported", "call: the original's own `%s` hides the remote" % method)
        args = [decode(value) for value in request.sequence("args", [])]
        kwargs = {key: decode(value) for key, value in request.mapping("kwargs", {}).items()}
        auto_cancel = request.number_or_null("auto_cancel", 10.0)
        future = in_event_loop(lambda: getattr(channel, method)(*args, **kwargs))
        future.set_auto_cancel_timeout(auto_cancel)
        name = self.next_name()
        self.futures[name] = future
        return {"future": name}

    @op(ALONE)
    def result(self, request):
        future = self.find(request, "future", self.futures)
        if not wait_done(future, request.deadline(request.number_or_null("timeout", None))):
            raise Refused("timeout", "result: not there in time")
        try:
            value = future.result(0)
        except yoton.CancelledError as error:
            raise Refused("cancelled", error)
        except Exception as error:
            raise Refused("failed", error, remote=str(error))
        return {"value": encode(value)}

    @op(ALONE)
    def cancel(self, request):
        future = self.find(request, "future", self.futures)
        return {"cancelled": in_event_loop(future.cancel)}

    # -- client/server

    @op(ALONE)
    def do_request(self, request):
        address, text = request.text("address"), request.text("text")
        return {"text": yoton.do_request(address, text, request.number_or_null("timeout", None))}

    @op(ALONE)
    def serve(self, request):
        mode = request.choice("thread", ["none", "own", "each"], "own")
        server = yoton.RequestServer(request.text("address"), mode == "each")
        # It listens only once its thread runs; to listen twice does no harm, and the reply is true.
        server._bsd_socket.listen(1)
        port = server._bsd_socket.getsockname()[1]
        if mode == "none":
            thread = start_thread(server.run)
        else:
            thread = server
            server.start()
        self.servers[port] = server, thread
        return {"port": port}

    @op(ALONE)
    def stop_serve(self, request):
        server, thread = self.servers.pop(request.whole("port"), (None, None))
        if server is None:
            raise request.bad("nothing serves at that port")
        server.stop()
        thread.join()


if __name__ == "__main__":
    PyzoAdapter().run(sys.stdin.buffer)
