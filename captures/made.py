# SPDX-License-Identifier: BSD-2-Clause
"""Captures made from recorded ones: what a capture may look like that was not taken under the best of conditions."""
import struct


def reordered(frames):
    """Neighbouring packets of pub-sub change places: what they carry is the same."""
    return [frames[i + 1 - 2 * (i % 2)] if i + 1 - 2 * (i % 2) < len(frames) - 4 and i > 3 else frame for i, frame in enumerate(frames)]


def repeated(frames):
    """Every packet of pub-sub is there twice, as where a mirror port shows it coming and going."""
    return [frame for frame in frames for _ in range(2)]


def middle(frames):
    """A capture of relay that begins in the middle: no packet that sets a connection up, no handshake line."""
    return frames[len(frames) // 2:]


def one_way(frames):
    """One direction only of request-reply: what the requester sent."""
    port = frames[0][1][34:36]
    return [frame for frame in frames if frame[1][34:36] == port]


def lossy(frames):
    """One packet with data of pub-sub was not captured: a gap, and reading goes on behind it."""
    data = [i for i, (_, frame) in enumerate(frames) if len(frame) > 500]
    return [frame for i, frame in enumerate(frames) if i != data[0]]


MADE = {"reordered": ("pub-sub", reordered), "repeated": ("pub-sub", repeated), "middle": ("relay", middle), "one-way": ("request-reply", one_way),
        "lossy": ("pub-sub", lossy)}


def read_frames(path):
    """(microseconds, bytes) of the packets of a capture that editcap wrote."""
    with open(path, "rb") as f:
        data = f.read()
    at, found = 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            high, low, length = struct.unpack_from("<III", data, at + 12)
            found.append((high << 32 | low, data[at + 28:at + 28 + length]))
        at += size
    return found
