# SPDX-License-Identifier: BSD-2-Clause
"""What floors.py measures fuzz targets by: the files that are a target's own, branches of them that do not count, and how
fast it has to be."""

OWN = {
    "frame": ["reference/src/wire/frame.c"],
    "handshake": ["reference/src/wire/handshake.c"],
    "object": [f"reference/src/wire/{name}.c" for name in ("object", "utf8", "literal")],
    "original": ["reference/src/wire/names.c"],
    "text": ["reference/src/wire/exchange.c"],
    "link": [f"reference/src/link/{name}.c" for name in ("hello", "input", "link", "output", "package", "queue")],
    "network": ["reference/src/link/node.c", *(f"reference/src/channels/{name}.c" for name in ("offers", "replier", "requester", "state", "sync"))],
    "capture": [f"reference/tools/capture_{name}.c" for name in ("half", "packet", "tcp")],
    "adapter": [f"conformance/engine/{name}.c" for name in ("adapter", "requests")],
    "reports": [f"conformance/engine/{name}.c" for name in ("known", "merge", "results")] + [f"conformance/report/{name}.c" for name in ("tap", "junit")],
}

# file: (part of the line, reason)
EXCLUDED = {}

RATES = {"loop": 1, **dict.fromkeys(OWN, 1)}
