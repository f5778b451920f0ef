# SPDX-License-Identifier: BSD-2-Clause
"""Asks the original, the Python package `yoton`: each answer comes from running it."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
UNPACKED = os.path.normpath(os.path.join(HERE, "../../../build/peer/pyzo/usr/share/pyzo/pyzo"))
OWN_ID = 0xFEDCBA9876543210
PUBLIC = [
    "198.51.100.%d" % i for i in range(100)
]  # what this machine's own addresses are made to be
EMPTY_READS = 100


class Missing(Exception):
    """The original is not where it was looked for."""


class Spinning(Exception):
    """It reads on and on at the end of the stream."""


class Feed:
    """A socket that holds some bytes and then ends; keeps what was asked for and sent."""

    def __init__(self, data):
        self.data, self.at, self.sent, self.asked, self.empty = data, 0, b"", [], 0

    def recv(self, size):
        self.asked.append(size)
        part = self.data[self.at : self.at + size]
        self.at += len(part)
        self.empty = 0 if part else self.empty + 1
        if self.empty > EMPTY_READS:
            raise Spinning()
        return part

    def sendall(self, data):
        self.sent += data


class Original:
    def __init__(self, folder=None):
        self.folder = folder or os.environ.get("YOTON_PATH") or UNPACKED
        if not os.path.isfile(os.path.join(self.folder, "yoton", "__init__.py")):
            raise Missing(
                "no package yoton in %s; set YOTON_PATH to the folder that holds it" % self.folder
            )
        sys.path.insert(0, self.folder)
        import yoton
        import yoton.channels.message_types
        import yoton.connection_tcp
        import yoton.core
        import yoton.misc

        self.yoton, self.core, self.misc, self.tcp = (
            yoton,
            yoton.core,
            yoton.misc,
            yoton.connection_tcp,
        )
        self.types = yoton.channels.message_types
        self.core.can_recv = (
            lambda s, timeout=0.0: True
        )  # a Feed always has something: bytes or its end
        self.misc.socket.gethostbyname_ex = lambda name: (name, [], PUBLIC)

    # --- the line ---

    def handshake(self, data):
        """What a host makes of `data` and the end of the stream; ids may have over 64 bits."""
        return self.shake(Feed(data))

    def shake(self, feed):
        success, info = self.tcp.HandShaker(feed).shake_hands_as_host(OWN_ID)
        if success:
            return {"verdict": "good", "id": format(info[0], "016x"), "pid": str(info[1])}
        if not feed.sent:
            return {"verdict": "silent"}
        return {"verdict": "refused", "refusal": feed.sent.decode()}

    def announce(self, context, pid):
        """The line that a context with this id in a process with this number sends first."""
        feed, own = Feed(b""), os.getpid
        os.getpid = lambda: pid
        try:
            self.tcp.HandShaker(feed).shake_hands_as_client(context)
        finally:
            os.getpid = own
        return feed.sent.decode()

    # --- packages ---

    def pack(self, header, payload):
        """Header and payload as sent; `header` has the fields in the order of the wire."""
        package = self.core.Package(
            payload, header[0], header[1], header[2], header[3], header[4], 0
        )
        return package.parts()

    def unpack(self, data):
        """The six fields in the order of the wire, or None for wrong control bytes."""
        package, length = self.core.Package.from_header(data)
        return None if package is None else fields(package) + (length,)

    def read_packages(self, feed):
        """Yields what ReceivingThread finds in a stream until it stops."""
        get = self.tcp.ReceivingThread._getPackage
        reader = self.tcp.ReceivingThread.__new__(self.tcp.ReceivingThread)
        names = {
            self.tcp.STOP_EOF: "eof",
            self.tcp.STOP_LOST_TRACK: "control",
            self.tcp.STOP_CLOSED_FROM_THERE: "close",
        }
        while True:
            feed.asked.clear()
            start = feed.at
            try:
                found = get(reader, feed.recv, self.core.HEADER_SIZE, self.core.Package.from_header)
            except Spinning:
                yield {"event": "asks", "at": start, "bytes": str(feed.asked[-1])}
                return
            if isinstance(found, str):
                yield {"event": names[found], "at": start}
                return
            yield {
                "event": "signal" if found is None else "package",
                "at": start,
                "end": feed.at,
                "package": found,
            }

    # --- names ---

    def slot(self, text):
        normal = text.strip().lower()
        return normal, self.misc.slot_hash(normal)

    def channel(self, kind, base, type_name):
        """The names and numbers of the slots of a channel: outgoing, incoming."""
        types = {"txt": self.yoton.TEXT, "bin": self.yoton.BINARY, "obj": self.yoton.OBJECT}
        made = {
            "pub": self.yoton.PubChannel,
            "sub": self.yoton.SubChannel,
            "state": self.yoton.StateChannel,
            "req": self.yoton.ReqChannel,
            "rep": self.yoton.RepChannel,
        }[kind]
        arguments = (base,) if kind in ("req", "rep") else (base, types[type_name])
        channel = made(self.yoton.Context(), *arguments)
        return (channel._slot_out, channel._slot_out_h), (channel._slot_in, channel._slot_in_h)

    def port(self, name):
        return self.misc.port_hash(name)

    def address(self, text):
        """(protocol, host, port), own addresses as "public N"; None when it is refused."""
        try:
            protocol, host, port = self.misc.split_address(text)
        except ValueError:
            return None
        if host in PUBLIC:
            host = "public %d" % PUBLIC.index(host)
        return protocol, host, port

    # --- objects ---

    def encode(self, value):
        return self.types.OBJECT.message_to_bytes(value)

    def decode(self, data):
        """(verdict, value, bytes used, offset of the error if the original tells it)."""
        unpacker = self.types.Unpacker(data)
        try:
            if not data:
                return "good", self.types.OBJECT.message_from_bytes(data), 0, None
            return "good", unpacker.unpack_object(), unpacker._pos, None
        except UnicodeDecodeError as error:
            return "utf8", None, None, unpacker._pos - len(error.object) + error.start
        except ValueError:
            return "type", None, None, unpacker._pos - 1
        except TypeError:
            return "key", None, None, None
        except EOFError:
            return "length", None, None, None
        except RecursionError:
            return "depth", None, None, None


def fields(package):
    return (
        package._slot,
        package._source_id,
        package._source_seq,
        package._dest_id,
        package._dest_seq,
    )
