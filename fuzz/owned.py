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

MEMORY = "no memory: unit tests let each allocation fail (alloc_fail_each)"
NOTHING = "freeing what is not there: unit tests do"
LARGE = "limits beyond an input of the fuzzer: unit tests are at each of them and one above"
PROCESS = "starting a process and pipes that fail: test_supervisor.py"
STOP = "a reader that wants to stop: test_capture"
FOREACH = "a macro of jansson's, which asks twice whether the loop goes on"
MACRO = "a macro of jansson's, which asks for NULL, too"

# file: (part of the line, reason)
EXCLUDED = {
    "reference/src/wire/names.c": [("== NULL)", MEMORY), ("YOTON_NAME_MAX", LARGE), ("if (result == YOTON_OK)", MEMORY)],
    "reference/src/link/input.c": [("if (!package)", MEMORY), ("if (reserve(", MEMORY), ("if (take_payload(", MEMORY), ("2 * (uint64_t)in->room", LARGE), ("if (room < need)", LARGE),
                                   ("in->room - in->have >= more", LARGE), (": yoton_package_start(", LARGE)],
    "reference/src/link/link.c": [("if (!link)", MEMORY), ("if (!link->queue)", MEMORY), ("if (result == YOTON_OK)", MEMORY), ("YOTON_NEVER - interval", LARGE)],
    "reference/src/link/output.c": [("if (!batch)", MEMORY), ("reserve_batch(out, queue)", MEMORY), ("room < BATCH_MAX", LARGE)],
    "reference/src/link/package.c": [("if (!package)", MEMORY), ("if (package && payload", MEMORY), ("room > ROOM_MAX", "sizes that 64 bits have and 32 have not")],
    "reference/src/link/queue.c": [("if (!queue)", MEMORY), ("if (!ring)", MEMORY), ("reserve(queue) != YOTON_OK", MEMORY), ("INT_MAX", LARGE), ("RING_KEEP", LARGE)],
    "reference/src/link/node.c": [("chains ? realloc", MEMORY), ("if (!sources)", MEMORY), ("calloc(1, sizeof *node)", MEMORY), ("if (!node)", MEMORY), ("set_room(node", MEMORY),
                                  ("ROOM_MAX", LARGE), ("CHAIN_MAX", LARGE), ("while (*link != index)", LARGE), ("replace == NONE", LARGE), ("if (!max_sources)", LARGE),
                                  ("header->source_id == 0", "no node of the simulation sends this: test_node"),
                                  ("header->source_seq == 0", "no node of the simulation sends this: test_node")],
    "reference/src/channels/offers.c": [("== NULL)", MEMORY), ("!grow(o)", MEMORY), ("o->bucket_count > 0", LARGE), ("each != NULL; each = each->newer", LARGE)],
    "reference/src/channels/requester.c": [("if (grown == NULL)", MEMORY), ("request->package == NULL", MEMORY)],
    "reference/src/channels/state.c": [("YOTON_E_NOMEM", MEMORY)],
    "reference/src/channels/sync.c": [("if (grown == NULL)", MEMORY), ("make_room(writer)", MEMORY), ("SYNC_SOURCES_MAX", LARGE)],
    "reference/tools/capture_half.c": [("if (p == NULL)", MEMORY), ("result != 0", STOP), ("result == 0", STOP), ("CAPTURE_MAX_", LARGE), ("while (h->first != NULL)", NOTHING)],
    "reference/tools/capture_packet.c": [("six ?", "text for people: test_capture"), ("if (l == NULL)", "a link type that is not known is refused before: test_capture"),
                                         ("sizeof links", "a link type that is not known is refused before: test_capture")],
    "reference/tools/capture_tcp.c": [("if (f == NULL)", MEMORY), ("result != 0", STOP), ("result == 0", STOP), ("CAPTURE_MAX_", LARGE), ("tcp != NULL", NOTHING), ("tcp == NULL", NOTHING)],
    "conformance/engine/adapter.c": [("write(failure", PROCESS), ("pipe(ends)", PROCESS), ("t->adapter.pid < 0", PROCESS), ("t->adapter.pid == 0)", PROCESS), ("read(failure[0]", PROCESS),
                                     ("json_is_null", MACRO), ("lives", "an adapter that was not started: cases without one"), ("EVENT_LIMIT", LARGE), ("FLOOD_LIMIT", LARGE), ("TROUBLE_LIMIT", LARGE), ("round < ROUNDS", LARGE)],
    "conformance/engine/requests.c": [("json_is_null", MACRO), ("json_is_true", MACRO), ("json_array_foreach", FOREACH), ("a->pid == 0", "a case that is wrong itself: check_cases and the first run show it"),
                                      ("if (request == NULL)", "a case that is wrong itself: check_cases and the first run show it"),
                                      ("e->connection == NULL", "an end, which this target has not: the cases"),
                                      ("did not come within", "the case of an event has a connection always")],
    "conformance/engine/known.c": [("json_object_foreach", FOREACH), ("if (path == NULL)", "no list at all: test_engine.py"), ("if (file == NULL)", "a file that is not there: test_engine.py"),
                                   ("ferror(file)", "a disk that fails")],
    "conformance/engine/merge.c": [("if (problem != NULL)", "a folder that cannot be written: test_shards.py")],
    "conformance/engine/results.c": [("json_array_foreach", FOREACH)],
    "conformance/report/tap.c": [("json_array_foreach", FOREACH)],
    "conformance/report/junit.c": [("json_array_foreach", FOREACH)],
}

# Executions a second that a machine must make on which the loop of calibrate.c makes LOOP rounds a second; elsewhere in proportion.
LOOP = 2_500_000
RATES = {"frame": 50_000, "handshake": 50_000, "object": 10_000, "text": 10_000, "link": 10_000}
