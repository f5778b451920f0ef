# SPDX-License-Identifier: BSD-2-Clause
"""Where two processes meet: on the same box, or on two boxes with a cable between them.

A box is a network namespace without a name. It lives as long as a process does that reads a pipe of ours and does
nothing else; when this script ends, however it ends, the pipe closes, and processes, namespaces and cable go with it.
Nothing is made in the network of the machine itself.
"""

import os
import shutil
import subprocess
import time

# Of the range that RFC 2544 sets aside for measurements.
ADDRESSES = ("198.18.0.1", "198.18.0.2")
DEVICES = ("yoton-a", "yoton-b")
# A process started with this ends with the script, also when it is stopped.
TOGETHER = ["setpriv", "--pdeathsig", "KILL"]
PATIENCE = 20.0


class NotAllowed(Exception):
    """This system gives us no namespaces; the text says why."""


class Failed(Exception):
    """A command in a box did not succeed, or a cable does not work again."""


class Box:
    """One network namespace, and how to run a command in it."""

    def __init__(self, command, enter):
        pipe = subprocess.PIPE
        self.holder = subprocess.Popen([*command, "sh", "-c", "echo ready && exec cat"], stdin=pipe, stdout=pipe,
                                       stderr=pipe, start_new_session=True)  # Ctrl-C is not for it
        if self.holder.stdout.readline() != b"ready\n":
            why = self.holder.stderr.read().decode().strip() or "unshare said nothing"
            self.end()
            raise NotAllowed(why.splitlines()[0])
        self.prefix = ["nsenter", "--target", str(self.holder.pid), *enter]

    def run(self, *command):
        done = subprocess.run([*self.prefix, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        if done.returncode:
            raise Failed("%s: %s" % (" ".join(command), (done.stderr.strip() or "failed").splitlines()[0]))
        return done.stdout

    def set(self, name, value):
        """Sets a value of net.ipv4 in this box only."""
        self.run("sh", "-c", 'echo "$2" > "/proc/sys/net/ipv4/$1"', "sh", name, str(value))

    def end(self):
        self.holder.stdin.close()
        try:
            self.holder.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.holder.kill()
            self.holder.wait()
        self.holder.stdout.close()
        self.holder.stderr.close()


class Boxes:
    """Two boxes, and the cable."""

    def __init__(self):
        self.boxes = []
        for program in ("unshare", "nsenter", "ip"):
            if shutil.which(program) is None:
                raise NotAllowed("there is no program %s" % program)
        try:
            self._make()
        except Failed as e:
            self.end()
            raise NotAllowed(str(e)) from e
        except BaseException:
            self.end()
            raise

    def _make(self):
        enter, second = ["--net"], ["unshare", "--net"]
        try:
            self.boxes.append(Box(["unshare", "--net"], enter))
        except NotAllowed:
            # Who may not do that may perhaps be root of a user namespace, and do it there.
            user = ["--user", "--preserve-credentials"]
            enter = [*user, *enter]
            self.boxes.append(Box(["unshare", "--user", "--map-root-user", "--net"], enter))
            second = ["nsenter", "--target", str(self.boxes[0].holder.pid), *user, *second]
        self.boxes.append(Box(second, enter))
        a, b = self.boxes
        a.run("ip", "link", "add", "name", DEVICES[0], "type", "veth", "peer", "name", DEVICES[1], "netns",
              str(b.holder.pid))
        for box, device, address in zip(self.boxes, DEVICES, ADDRESSES):
            box.run("ip", "link", "set", "lo", "up")
            box.run("ip", "address", "add", address + "/30", "dev", device)
            box.run("ip", "link", "set", device, "up")

    def names(self):
        """What identifies the namespaces, for whoever looks for leftovers."""
        return [os.readlink("/proc/%d/ns/net" % box.holder.pid) for box in self.boxes]

    def pull(self, side):
        """Takes the network device of box `side` down: that box has no way out, the other one no carrier."""
        self.boxes[side].run("ip", "link", "set", DEVICES[side], "down")

    def plug(self):
        """Puts the cable back; does nothing when it is in."""
        for box, device in zip(self.boxes, DEVICES):
            box.run("ip", "link", "set", device, "up")

    def wait_for_cable(self):
        """Until both devices work again, and no search for the neighbour is left from when they did not. A connection
        that is made before loses its first packet, and a second."""
        deadline = time.monotonic() + PATIENCE
        for box, device in zip(self.boxes, DEVICES):
            while box.run("ip", "-brief", "link", "show", "dev", device).split()[1] != "UP":
                if time.monotonic() > deadline:
                    raise Failed("%s does not come up again" % device)
                time.sleep(0.01)
            box.run("ip", "neighbour", "flush", "dev", device)

    def patience_of_tcp(self, retries):
        """How often TCP repeats what nobody acknowledged before it gives the connection up."""
        for box in self.boxes:
            box.set("tcp_retries2", retries)

    def end(self):
        """Sockets of killed processes that still wait for an answer would keep a namespace alive for minutes."""
        for box in self.boxes:
            try:
                box.set("tcp_orphan_retries", 1)
            except (Failed, OSError, subprocess.SubprocessError):
                pass  # a box that is half made, or a system that sets nothing; it goes a little later then
        for box in reversed(self.boxes):
            box.end()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.end()


class Place:
    """Where the near end (which we watch) and the far end (to which things happen) are."""

    def __init__(self, name, near=(), far=(), addresses=("127.0.0.1", "127.0.0.1")):
        self.name, self.near, self.far = name, list(near), list(far)
        self.near_address, self.far_address = addresses


def same_box():
    return Place("same box")


def same_box_public(boxes):
    """Both in the first box, under its network address."""
    prefix = boxes.boxes[0].prefix
    return Place("same box", prefix, prefix, (ADDRESSES[0], ADDRESSES[0]))


def two_boxes(boxes):
    return Place("two boxes", boxes.boxes[0].prefix, boxes.boxes[1].prefix, ADDRESSES)
