# SPDX-License-Identifier: BSD-2-Clause
"""The scenarios that are recorded: who speaks, what happens, and what the log must hold."""
import http.client
import os
import socket
import subprocess
import sys
import time

from peers import CLOSE, DEADLINE, HEARTBEAT, Failed, Scripted, header, signal

IDLE = 1.25  # seconds of silence in the scenario `heartbeats`
STAY = 2.0  # seconds that a socket stays which its other end should have ended
SCRIPTED_ID = 0x00C0FFEE00C0FFEE
LINE = b"YOTON!%016x.4242\r\n" % SCRIPTED_ID

SCENARIOS = {}


def scenario(name, who, expect, connections=1):
    """Marks a function as a scenario; `expect` are patterns that the log must hold, in this order."""

    def mark(function):
        SCENARIOS[name] = (function, who, expect, connections)
        return function

    return mark


# --- the scenarios: the text of each is what README.md says about it ---


@scenario("handshake", "original, original",
          ["A>B hello", "B>A hello", "A>B package .*NEW_CONNECTION", "A>B (fin|reset)"])
def handshake(stage):
    """The client flushes (a heartbeat) and closes: no close signal, and often a reset instead of an end of stream."""
    host, client = stage.pair()
    client.ask("flush", connection="1")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("refused-http", "HTTP client, original",
          ["A>B bad-line 'GET / HTTP", "B>A refusal 'ERROR: this is Yoton", "unread"])
def refused_http(stage):
    """An HTTP client asks a host for a page. The host leaves the socket open until its process ends."""
    host = stage.hosted()
    web = http.client.HTTPConnection("127.0.0.1", host.ask("status", connection="1")["port1"], timeout=DEADLINE)
    try:
        web.request("GET", "/")
        web.getresponse()
        raise Failed("the original answered in HTTP")
    except http.client.BadStatusLine:
        pass
    time.sleep(STAY)  # that the host does not end the connection is the scenario
    web.close()


@scenario("refused-id", "scripted, original; then original, original",
          ["1 A>B bad-line", "1 B>A refusal 'ERROR: could not parse id", "2 A>B hello", "2 B>A hello"], connections=2)
def refused_id(stage):
    """A line with an id that is no number is refused; the next client is accepted at the same bind."""
    host = stage.hosted()
    stranger = stage.scripted(host)
    stranger.send(b"YOTON!nobody.4242\r\n")
    if stranger.line() != b"ERROR: could not parse id.":
        raise Failed("the original did not refuse the id")
    client = stage.original()
    client.connect(host.ask("status", connection="1")["port1"])
    host.connected()
    client.ask("close", connection="1")
    host.wait("closed")
    time.sleep(STAY)
    stranger.close()


@scenario("unterminated-line", "scripted, original", ["A>B bad-line 'YOTON!.*does not end", "B>A hello"])
def unterminated_line(stage):
    """A line without CRLF: after 2 s the original takes it for a whole one and answers."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE[:-2])
    peer.line()
    peer.close()
    host.wait("closed")


@scenario("own-id", "scripted, original",
          ["1 A>B hello id=([0-9a-f]{16})", r"1 B>A hello id=\1"])
def own_id(stage):
    """A peer announces the host's own id: the host answers with its line and gives the socket up, without ending it."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(b"YOTON!%016x.4242\r\n" % host.id)
    peer.line()
    time.sleep(STAY)
    peer.close()


@scenario("own-id-client", "original, scripted", ["A>B hello id=([0-9a-f]{16})", r"B>A hello id=\1"])
def own_id_client(stage):
    """A host answers with the client's own id: connecting fails."""
    client = stage.original()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        port = listener.getsockname()[1]
        stage.record(port)
        connecting = client.start("connect", address=f"127.0.0.1:{port}", timeout=5.0)
        peer = Scripted(listener.accept()[0])
        peer.send(peer.line() + b"\r\n")
        if client.reply(connecting)["ok"]:
            raise Failed("the original connected to its own id")
        client.end()
        peer.end_of_stream()
        peer.close()


@scenario("heartbeats", "original, original", ["A>B heartbeat", "A>B heartbeat", "A>B heartbeat", "B>A (fin|reset)"])
def heartbeats(stage):
    """Nobody says anything for 1.25 s; then the host closes."""
    host, client = stage.pair()
    time.sleep(IDLE)  # being idle is the scenario
    host.ask("close", connection="1")
    client.wait("closed")


OBJECTS = [
    True, 0, -1, 2**63 - 1, -(2**63), 1.5, -0.0, float("inf"), "", "naïve \U0001f600", [], (), {},
    [1, [2.5, None], ("x", False)], {"key": [1, 2], 3: None, ("a", 1): {}}, "x" * 300, list(range(300)),
]


@scenario("pub-sub", "original, original",
          ["A>B .*chat.txt.pub-sub.* txt 'waited for a connection'", "A>B package .*NEW_CONNECTION",
           "A>B .*chat.txt.pub-sub.* txt 'hi'", "B>A .*news.obj.pub-sub.* obj True", "B>A .*raw.bin.pub-sub.* bin 00"])
def pub_sub(stage):
    """Text one way, objects and bytes the other; one message was sent before there was a connection."""
    host, client = stage.original(), stage.original()
    for peer, kinds in ((host, ("sub", "pub")), (client, ("pub", "sub"))):
        peer.open("chat", kinds[0], "chat", "txt")
        peer.open("news", kinds[1], "news", "obj")
        peer.open("raw", kinds[1], "raw", "bin")
    texts = ["waited for a connection", "hi", "two\nlines and a 'quote'", "naïve \U0001f600", "z" * 300]
    blobs = [bytes(range(256)), header(1, 0, CLOSE), b"\0"]
    client.send("chat", texts[0])
    port = host.bind()
    stage.record(port)
    client.connect(port)
    host.connected()
    client.send("chat", *texts[1:])
    host.send("news", *OBJECTS)
    host.send("raw", *blobs)
    host.receive("chat", *texts)
    client.receive("news", *OBJECTS)
    client.receive("raw", *blobs)
    client.ask("close_context")
    host.wait("closed")


def large_message():
    """Just over 1 MiB, in which every place can be told from every other, and which packs well."""
    return b"".join(b"%15d\n" % number for number in range((1 << 16) + 1))


@scenario("large-message", "original, original", ["A>B package .*length=1048592 bin", "A>B package .* txt 'behind it'"])
def large(stage):
    """A message of 1 MiB and 16 bytes, and a small one behind it."""
    host, client = stage.pair()
    for peer, kind in ((host, "sub"), (client, "pub")):
        peer.open("large", kind, "large", "bin")
        peer.open("chat", kind, "chat", "txt")
    client.send("large", large_message())
    client.send("chat", "behind it")
    host.receive("large", large_message())
    host.receive("chat", "behind it")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("close-signal", "scripted, original", ["A>B close", "B>A (fin|reset)"])
def close_signal(stage):
    """A peer sends the close signal; the original ends the stream and says nothing back."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.signal(HEARTBEAT)
    peer.send(signal(CLOSE))
    host.wait("closed", reason="Closed from other end.")
    peer.end_of_stream()
    peer.close()


@scenario("lost-track", "scripted, original",
          ["A>B package .*txt 'still good'", "A>B error .*control bytes", "B>A (fin|reset)"])
def lost_track(stage):
    """Behind a good package come bytes that are no header: the original drops the connection."""
    host = stage.hosted()
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.send(header(2, SCRIPTED_ID, 1, length=10) + b"still good")
    peer.send(b"NOTOY   " + bytes(range(48)))
    host.wait("closed", reason="Lost track of the stream.")
    peer.end_of_stream()
    peer.close()


@scenario("signals", "scripted, original",
          ["A>B heartbeat slot=9 ", "A>B signal seq=7", "A>B package", "A>B (fin|reset)"])
def signals(stage):
    """Signals that no sender makes (other fields filled, an unknown number) do no harm; a message comes through."""
    host = stage.hosted()
    host.open("chat", "sub", "chat", "txt")
    slot = int(host.ask("open", channel="same", kind="sub", slot="chat2", type="txt")["slot_in_hash"])
    peer = stage.scripted(host)
    peer.send(LINE)
    peer.line()
    peer.send(header(9, SCRIPTED_ID, HEARTBEAT, 5, 6) + signal(7))
    peer.send(header(slot, SCRIPTED_ID, 1, length=5) + b"hello")
    host.receive("same", "hello")
    peer.close()
    host.wait("closed")


@scenario("request-reply", "original, original",
          ["A>B .*'req[?]'", "B>A .*'req!'", "A>B .*obj [(]'echo', ", "A>B .*'req-'", "B>A .*obj [(]'hello', ",
           "A>B .*'no_such'", "B>A .*yoton_ERROR_HANDLING_REQUEST"])
def request_reply(stage):
    """A request offered, taken, executed and answered; a second one, of an unknown method, ends in an error reply."""
    host, client = stage.pair()
    host.open("work", "rep", "work", "obj")
    host.ask("rep_mode", channel="work", mode="thread")
    client.open("work", "req", "work", "obj")
    future = client.ask("call", channel="work", method="echo", args=["hello"])["future"]
    client.ask("result", future=future, timeout=DEADLINE / 2)
    future = client.ask("call", channel="work", method="no_such")["future"]
    if client.reply(client.start("result", future=future, timeout=DEADLINE / 2)).get("code") != "failed":
        raise Failed("the original did not answer with an error")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("state", "original, original", ["B>A .*mood.txt.state.* txt 'calm'", "B>A .*mood.txt.state.* txt 'calm'",
                                          "A>B .*mood.txt.state.* txt 'busy'"])
def state(stage):
    """A state set while nobody was there goes to the first peer, and again at NEW_CONNECTION; then the peer sets it."""
    host, client = stage.original(), stage.original()
    host.open("mood", "state", "mood", "txt")
    host.send("mood", "calm")
    port = host.bind()
    stage.record(port)
    client.open("mood", "state", "mood", "txt")
    client.connect(port)
    client.wait("received", channel="mood")
    client.wait("received", channel="mood")
    client.send("mood", "busy")
    host.wait("received", channel="mood")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("relay", "original, original; original, original",
          ["1 A>B .*chat.txt.pub-sub.* txt 'through the hub'", "2 B>A .*chat.txt.pub-sub.* txt 'through the hub'"],
          connections=2)
def relay(stage):
    """Two clients of one hub, which binds twice: what one publishes reaches the other unchanged."""
    hub, one, other = stage.original(), stage.original(), stage.original()
    port = hub.bind()
    stage.record(port)
    one.open("chat", "pub", "chat", "txt")
    other.open("chat", "sub", "chat", "txt")
    one.connect(port)
    hub.connected()
    hub.bind_again(port)
    other.connect(port)
    hub.connected()
    one.send("chat", "through the hub")
    other.receive("chat", "through the hub")
    one.ask("close", connection="1")
    hub.wait("closed")
    other.ask("close", connection="1")
    hub.wait("closed")


@scenario("sync-mode", "original, original", ["B>A .*chat.txt.sub-pub.* 'full'", "B>A .*chat.txt.sub-pub.* 'ok'", "A>B .*'behind'"])
def sync_mode(stage):
    """A sub channel in sync mode has not read 40 messages: at its next look it says full; it reads on, and says ok below 16."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    host.ask("sync_mode", channel="chat", on=True)
    client.send("chat", *(f"message {i}" for i in range(1, 41)))
    host.pending("chat", 40)
    host.receive("chat", *(f"message {i}" for i in range(1, 41)))
    client.send("chat", "behind")
    host.receive("chat", "behind")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("cancelled-request", "original, original", ["A>B .*'req[?]'", "A>B .*'req[?]'", "A>B .*'req-'"])
def cancelled_request(stage):
    """A request that nobody takes is offered again and again, and cancelled when its time is over."""
    host, client = stage.pair()
    client.open("work", "req", "work", "obj")
    future = client.ask("call", channel="work", method="echo", args=["anybody?"], auto_cancel=1.4)["future"]
    if client.reply(client.start("result", future=future, timeout=DEADLINE / 2)).get("code") != "cancelled":
        raise Failed("the request was not cancelled")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("load-balancing", "2 requesters, 2 repliers; the hub, another replier (all original)",
          ["'req[?]'", "'req!'", "'req-'", "'req!'", "'req-'"], connections=4)
def load_balancing(stage):
    """Two requesters and three repliers at one hub: each request goes to the first who is free, and the others hear that it is gone."""
    hub, others = stage.original(), [stage.original() for _ in range(4)]
    port = hub.bind()
    stage.record(port)
    for i, other in enumerate(others):
        other.open("work", "req" if i < 2 else "rep", "work", "obj")
        other.connect(port)
        hub.connected()
        if i < 3:
            hub.bind_again(port)
    hub.open("work", "rep", "work", "obj")
    for replier in [hub, *others[2:]]:
        replier.ask("rep_mode", channel="work", mode="thread")
    calls = [(o, o.ask("call", channel="work", method="echo", args=[f"request {i}"], kwargs={"sleep": {"float": "0.2"}})["future"])
             for i in range(3) for o in others[:2]]
    for requester, future in calls:
        requester.ask("result", future=future, timeout=DEADLINE)
    for other in others:
        other.ask("close", connection="1")
        hub.wait("closed")


@scenario("loop", "original each; three contexts, each connected to both others",
          ["chat.txt.pub-sub.* txt 'once around'", "chat.txt.pub-sub.* txt 'once around'"], connections=3)
def loop(stage):
    """Three contexts in a ring: what one publishes comes to the others over two ways, and once each to their channels."""
    one, two, three = stage.original(), stage.original(), stage.original()
    port = one.bind("127.0.0.1")
    stage.record(port)
    for peer, kind in ((one, "pub"), (two, "sub"), (three, "sub")):
        peer.open("chat", kind, "chat", "txt")
    two.connect(port)
    one.connected()
    one.bind_again(port, "127.0.0.2")
    three.connect(port, "127.0.0.2")
    one.connected()
    two.bind_again(port, "127.0.0.3")
    three.connect(port, "127.0.0.3")
    two.connected()
    one.send("chat", "once around", "and again")
    for peer in (two, three):
        peer.receive("chat", "once around", "and again")
    for peer in (three, two, one):
        peer.ask("close_context")
    stage.everybody_gone()


@scenario("killed-process", "original, original", ["A>B .*txt 'last words'", "A>B (fin|reset)"])
def killed_process(stage):
    """The client's process is killed: no close signal, and the other end notices at once."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    client.send("chat", "last words")
    host.receive("chat", "last words")
    client.process.kill()
    host.wait("closed")


@scenario("stopped-process", "original, original", ["A>B heartbeat", "A>B .*txt 'awake'"])
def stopped_process(stage):
    """The client's process stands still for 1.5 s: the host reports a time-out, keeps the connection, and all goes on."""
    host, client = stage.pair()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    client.process.send_signal(19)  # SIGSTOP
    host.wait("timedout", value=True)
    time.sleep(1.0)  # standing still is the scenario
    client.process.send_signal(18)  # SIGCONT
    host.wait("timedout", value=False)
    client.send("chat", "awake")
    host.receive("chat", "awake")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("client-server", "original, original", ["A>B bad-line 'hello", "B>A"])
def client_server(stage):
    """A request to the default server of the original, and its answer: text, no packages, no handshake."""
    server, client = stage.original(), stage.original()
    port = server.ask("serve", address="127.0.0.1:0")["port"]
    stage.record(port)
    answer = client.ask("do_request", address=f"127.0.0.1:{port}", text="hello", timeout=DEADLINE / 2)["text"]
    if not answer.startswith("Requested: hello"):
        raise Failed(f"the answer was {answer!r}")
    server.ask("stop_serve", port=port)


@scenario("mixed", "original, reference; original, reference",
          ["A>B hello", "'from the original'", "B>A .*'from the reference'", "obj [(]'echo', ", "B>A close"], connections=2)
def mixed(stage):
    """A hub that is the reference, with two originals: messages both ways, a request to the hub, a state; the hub closes in the nice way."""
    hub, one, other = stage.reference(), stage.original(), stage.original()
    port = hub.bind()
    stage.record(port)
    for peer in (hub, one, other):
        peer.open("chat", "sub" if peer is other else "pub", "chat", "txt")
        peer.open("mood", "state", "mood", "txt")
    hub.open("work", "rep", "work", "obj")
    hub.ask("rep_mode", channel="work", mode="thread")
    one.open("work", "req", "work", "obj")
    one.connect(port)
    hub.connected()
    hub.bind_again(port)
    other.connect(port)
    hub.connected()
    one.send("chat", "from the original")
    other.receive("chat", "from the original")
    hub.send("chat", "from the reference")
    other.receive("chat", "from the reference")
    hub.send("mood", "good")
    one.wait("received", channel="mood")
    future = one.ask("call", channel="work", method="echo", args=["hello"])["future"]
    one.ask("result", future=future, timeout=DEADLINE / 2)
    hub.ask("close_context")
    one.wait("closed")
    other.wait("closed")


@scenario("ipv6", "reference, reference", [r"stream 1: A \[::1\]", "A>B hello", "A>B .*'over six'", "A>B close"])
def ipv6(stage):
    """Two contexts of the reference over IPv6, which the original does not know."""
    host, client = stage.reference(), stage.reference()
    host.open("chat", "sub", "chat", "txt")
    client.open("chat", "pub", "chat", "txt")
    port = host.bind("[::1]")
    stage.record(port)
    client.connect(port, "[::1]")
    host.connected()
    client.send("chat", "over six")
    host.receive("chat", "over six")
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("snap-cut", "reference, reference", ["A>B package .*length=1048576", "A>B package"])
def snap_cut(stage):
    """A hundred messages of 1 MiB, of which the capture holds the first 128 bytes of every packet."""
    host, client = stage.reference(), stage.reference()
    port = host.bind()
    stage.record(port)
    client.connect(port)
    host.open("large", "sub", "large", "bin")
    client.open("large", "pub", "large", "bin")
    for i in range(100):
        client.send("large", bytes([i]) * (1 << 20))
        host.receive("large", bytes([i]) * (1 << 20))
    client.ask("close", connection="1")
    host.wait("closed")


@scenario("silent-client", "scripted, reference", ["B>A fin", "A>B fin"])
def silent_client(stage):
    """A client that says nothing: the reference ends the connection after 2 s; the original would wait for ever."""
    host = stage.reference()
    stage.record(host.bind())
    stranger = stage.scripted(host)
    stranger.end_of_stream()
    stranger.close()


@scenario("silent-host", "original, scripted", ["A>B hello", "A>B (fin|reset)"])
def silent_host(stage):
    """A host that says nothing: connecting is given up when its time, 1 s, is over."""
    answered(stage, b"", 1.0)


@scenario("no-yoton-host", "original, scripted", ["A>B hello", "B>A bad-line 'HTTP/1.1 400"])
def no_yoton_host(stage):
    """A host that is no Yoton answers in HTTP: connecting fails."""
    answered(stage, b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", 2.0)


@scenario("refused-client", "original, scripted", ["A>B hello", "B>A refusal 'ERROR: could not parse id"])
def refused_client(stage):
    """A host refuses the client's line: connecting fails, and the client ends the connection."""
    answered(stage, b"ERROR: could not parse id.\r\n", 2.0)


def answered(stage, answer, seconds):
    """An original connects to a host that answers so, and must fail."""
    client = stage.original()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE)
        port = listener.getsockname()[1]
        stage.record(port)
        connecting = client.start("connect", address=f"127.0.0.1:{port}", timeout=seconds)
        peer = Scripted(listener.accept()[0])
        peer.line()
        peer.send(answer)
        if client.reply(connecting)["ok"]:
            raise Failed(f"the original connected to a host that says {answer!r}")
        time.sleep(STAY if answer else 0)
        client.end()
        peer.end_of_stream()
        peer.close()


@scenario("nobody-listens", "original, nobody", [])
def nobody_listens(stage):
    """Connecting to a port at which nobody listens: no packet but those that set up and refuse the connection."""
    client = stage.original()
    with socket.socket() as holder:  # a port that is taken, and does not listen
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        stage.record(port)
        if client.reply(client.start("connect", address=f"127.0.0.1:{port}", timeout=0.5))["ok"]:
            raise Failed("the original connected to nobody")


STARTUP = {"gui": "none", "ipython": "no", "projectPath": "", "scriptFile": "", "startupScript": "", "startDir": "/", "argv": ""}


@scenario("pyzo-kernel", "kernel of Pyzo, original",
          ["B>A .*stat-startup", "A>B .*strm-out.* '42", "B>A .*reqp-introspect.*'signature'", "A>B .*rep-req.*area"])
def pyzo_kernel(stage):
    """The kernel of the Pyzo IDE, a real program, and an IDE: it starts, runs code, is asked for a signature, and ends."""
    ide = stage.original()
    for name, kind, kind_of in (("stat-startup", "state", "obj"), ("ctrl-code", "pub", "obj"), ("reqp-introspect", "req", "obj"),
                                ("ctrl-command", "pub", "txt"), ("strm-out", "sub", "txt"), ("strm-err", "sub", "txt"),
                                ("strm-echo", "sub", "txt"), ("strm-prompt", "sub", "txt"), ("strm-action", "sub", "obj"),
                                ("stat-interpreter", "state", "txt"), ("stat-cd", "state", "txt"), ("stat-debug", "state", "obj"),
                                ("stat-breakpoints", "state", "obj")):
        ide.open(name, kind, name, kind_of)
    ide.send("stat-startup", STARTUP)
    port = ide.bind()
    stage.record(port)
    package = os.environ["YOTON_PATH"]
    script = os.path.join(package, "pyzokernel", "start.py")
    kernel = subprocess.Popen(["/usr/bin/python3", script, str(port)], cwd=package, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": package})
    try:
        prompted(ide)
        for source in ("print(6*7)", "def area(width, height=2):\n    return width * height"):
            ide.send("ctrl-code", {"source": source, "fname": "<ide>", "lineno": 0})
            prompted(ide)
        future = ide.ask("call", channel="reqp-introspect", method="signature", args=["area"])["future"]
        ide.ask("result", future=future, timeout=DEADLINE)
        ide.ask("close_context")
        kernel.wait(DEADLINE)
    finally:
        kernel.kill()
        kernel.wait()


def prompted(ide):
    """Waits for the kernel's next prompt, which it says when it is ready."""
    ide.ask("recv", channel="strm-prompt", timeout=DEADLINE)


@scenario("cable-pulled", "original, original", ["A>B .*'before'", "A>B .*'while the cable was out'", "A>B .*'after'"])
def cable_pulled(stage):
    """Two hosts with a cable between them (network namespaces), which is out for a second: TCP sends again, nothing is lost."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "reference", "experiments"))
    from boxes import ADDRESSES, DEVICES, Boxes, NotAllowed

    try:
        boxes = Boxes()
    except NotAllowed as error:
        raise Failed(f"no network namespaces here: {error}") from None
    with boxes:
        near, far = (box.prefix for box in boxes.boxes)
        host, client = stage.original(far), stage.original(near)
        port = host.bind(ADDRESSES[1])
        stage.record(port, near, DEVICES[0])
        host.open("chat", "sub", "chat", "txt")
        client.open("chat", "pub", "chat", "txt")
        client.connect(port, ADDRESSES[1])
        host.connected()
        client.send("chat", "before")
        host.receive("chat", "before")
        boxes.pull(1)
        client.send("chat", "while the cable was out")
        host.wait("timedout", value=True)
        boxes.plug()
        host.receive("chat", "while the cable was out")
        client.send("chat", "after")
        host.receive("chat", "after")
        client.ask("close", connection="1")
        host.wait("closed")
        stage.end_originals()
        stage.wait_for_recorder()
