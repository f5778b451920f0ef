# SPDX-License-Identifier: BSD-2-Clause
"""A listener that passes every connection on to another port, and writes down what went by, as a capture needs it."""
import selectors
import socket
import struct
import threading
import time

PIECE = 16000  # one TCP segment of the capture may hold so much


class Tap:
    """Connections go to the port `target` of this machine. `connections`: lists of (seconds since `begun`, side, bytes, "fin" or
    "reset")."""

    def __init__(self, target, begun):
        self.target, self.connections, self.begun = target, [], begun
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = []
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                host = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                reset(client)
                continue
            steps = []
            self.connections.append(steps)
            thread = threading.Thread(target=self._pass, args=(client, host, steps), daemon=True)
            thread.start()
            self.threads.append(thread)

    def _pass(self, client, host, steps):
        ends, open_sides = (client, host), {0, 1}
        look = selectors.DefaultSelector()
        for side in (0, 1):
            ends[side].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            look.register(ends[side], selectors.EVENT_READ, side)
        while open_sides:
            for key, _ in look.select():
                side = key.data
                if side not in open_sides:  # closed since it was looked at
                    continue
                try:
                    data = ends[side].recv(PIECE)
                except ConnectionError:
                    data = None
                steps.append((time.monotonic() - self.begun, side, "reset" if data is None else data or "fin"))
                try:
                    if data:
                        ends[1 - side].sendall(data)
                        continue
                    look.unregister(ends[side])
                    open_sides.discard(side)
                    if data is None:
                        reset(ends[1 - side])
                        open_sides.clear()
                    else:
                        ends[1 - side].shutdown(socket.SHUT_WR)
                except OSError:  # the other end is gone; its own end is read next
                    pass
        client.close()
        host.close()

    def end(self):
        """Waits until all connections have ended; what was seen, as `capture` of packets wants it."""
        self.listener.close()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a connection did not end"
        return self.connections


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
