#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Proves what reference/proof/README.md says is proved, and sees each proof fail on code that is wrong. `make prove` calls it.

prove.py [--json FILE] [--only PROOF] [--no-faults]

Frama-C ends with 0 whatever it finds, so its own counts are read: every goal must be proved, no alarm raised, and every
check of a driver hold. Exits 1 when a proof fails, or holds of code that is wrong.
"""
import argparse
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WIRE = "reference/src/wire"
FRAME, HANDSHAKE, LE, NAMES = f"{WIRE}/frame.c", f"{WIRE}/handshake.c", f"{WIRE}/le.h", f"{WIRE}/names.c"
FUNCTIONS = "yoton_header_encode,yoton_header_decode,decode_fields,good_control,yoton_framer_init,fail,finish_header,feed_payload"

LINE = "hex_digit,id_byte,pid_byte,line_byte,yoton_handshake_parse"
WRITTEN = "digit_of,put_magic,put_id,count_digits,put_pid,id_is,pid_is,yoton_handshake_encode"


class Copy:
    """The sources in a folder of their own, in which they may be wrong."""

    def __init__(self, folder):
        self.root = Path(folder)
        for part in ("reference/include", "reference/src/wire", "reference/proof"):
            shutil.copytree(ROOT / part, self.root / part)

    def change(self, path, was, becomes):
        text = (self.root / path).read_text()
        if text.count(was) != 1:
            raise ValueError(f"{path} has {was!r} {text.count(was)} times")
        (self.root / path).write_text(text.replace(was, becomes))

    def without_contracts(self, path):
        """Eva would believe them: it is to find all by itself, helped by directives that split states only."""
        text = re.sub(r"[ ]*/\*@.*?\*/\n", "", (self.root / path).read_text(), flags=re.S)
        (self.root / path).write_text("\n".join(line for line in text.split("\n") if not re.match(r"\s*//@ (?!split|merge|check)", line)))


def run(command, folder):
    # Frama-C goes by PWD, not by where it is
    done = subprocess.run(command, cwd=folder, env={**os.environ, "PWD": str(folder)}, capture_output=True, text=True, errors="replace", check=False)
    return done.stdout + done.stderr


def includes(extra=""):
    return [f"-cpp-extra-args={extra} -Ireference/include -Ireference/src", "-machdep", "x86_64"]


def eva(copy, driver, source, *more):
    """(proved, how many, what was said): no alarm, and what the driver checks holds."""
    copy.without_contracts(source)
    copy.without_contracts(LE)
    said = run(["frama-c", *includes(), "-eva", "-eva-precision", "4", *more, f"reference/proof/{driver}", source], copy.root)
    alarms = re.search(r"(\d+) alarms? generated", said)
    counts = re.findall(r"(?:Assertions|Preconditions) +(\d+) valid +(\d+) unknown +(\d+) invalid", said)
    good = bool(alarms) and alarms[1] == "0" and len(counts) == 2 and all(unknown == invalid == "0" for _, unknown, invalid in counts)
    return good, sum(int(valid) for valid, _, _ in counts), said


def feed(copy):
    return eva(copy, "feed.c", FRAME)


def shake(copy):
    return eva(copy, "handshake.c", HANDSHAKE, "-eva-auto-loop-unroll", "100", "-eva-slevel", "20000")


def all_goals(said):
    """(proved, goals, what was said) by WP."""
    found = re.search(r"Proved goals: +(\d+) / (\d+)", said)
    return bool(found) and found[1] == found[2] and found[2] != "0", int(found[2]) if found else 0, said


def contracts(copy, functions=FUNCTIONS, smoke=("-wp-smoke-tests", "-wp-smoke-timeout", "3"), source=FRAME):
    """(proved, goals, what was said) by WP. Smoke tests: goals that must not be provable, as contracts that contradict themselves prove all."""
    said = run(["frama-c", *includes("-D__FC_STRING_H_ -include reference/proof/string.h"), "-wp", "-wp-rte", *smoke, "-wp-prover", "cvc4,z3",
                "-wp-timeout", "30", "-wp-par", str(os.cpu_count()), "-wp-fct", functions, source], copy.root)
    return all_goals(said)


def step(function, source=FRAME):
    """WP on one function, for the faults."""
    return lambda copy: contracts(copy, function, (), source)


def line(copy):
    return contracts(copy, LINE, source=HANDSHAKE)


def written(copy):
    return contracts(copy, WRITTEN, source=HANDSHAKE)


def term(text):
    """What yoton_le64_get returns, over the bytes b0 … b7 in 72 bits, as SMT-LIB has it."""
    text = re.sub(r"\(uint64_t\)in\[(\d)\]", r"b\1", re.sub(r"\s+", " ", text))
    text = re.sub(r"(b\d) << (\d+)", r"(bvshl \1 (_ bv\2 72))", text)
    return functools.reduce(lambda left, right: f"(bvor {left} {right})", text.split(" | "))


def words(copy):
    """le.h on bit vectors: the sum of the bytes' places is the number, for reading and for writing."""
    text = (copy.root / LE).read_text()
    get = re.search(r"yoton_le64_get\(const uint8_t \*in\) \{\s*return (.*?);", text, re.S)[1]
    puts = re.findall(r"out\[(\d)\] = \(uint8_t\)(?:value|\(value >> (\d+)\));", text)
    number = functools.reduce(lambda left, right: f"(bvadd {left} {right})", (f"(bvmul b{i} (_ bv{256 ** i} 72))" for i in range(8)))
    bytes_of = "".join(f"(declare-const c{i} (_ BitVec 8))(define-const b{i} (_ BitVec 72) ((_ zero_extend 64) c{i}))" for i in range(8))
    reading = f"{bytes_of}(assert (not (= {term(get)} {number})))(check-sat)"
    written = "".join(f"(define-const b{at} (_ BitVec 72) (bvand (bvlshr value (_ bv{shift or 0} 72)) (_ bv255 72)))" for at, shift in puts)
    writing = f"(declare-const v (_ BitVec 64))(define-const value (_ BitVec 72) ((_ zero_extend 8) v)){written}(assert (not (= value {number})))(check-sat)"
    answers = []
    for query in (reading, writing):
        path = copy.root / "query.smt2"
        path.write_text(query)
        answers.append(run(["z3", str(path)], copy.root).strip())
    return answers == ["unsat", "unsat"] and len(puts) == 8, 2 * set(answers).issubset({"sat", "unsat"}), "\n".join(answers)


def rests(copy):
    """(proved, goals, what was said) by WP of the functions of names.c that need no library, cut out of it."""
    text = (copy.root / NAMES).read_text()
    parts = [re.search(pattern, text, re.M | re.S)[0] for pattern in (r"^#define SLOT_RANGE .*?$", r"^#define EIGHTH .*?$", r"/\*@ predicate is_rest(?:(?!\*/).)*\*/")]
    parts += [re.search(rf"/\*@(?:(?!\*/).)*\*/\nstatic uint64_t {name}\(.*?\n}}\n", text, re.S)[0] for name in ("add_mod", "go_on")]
    (copy.root / "rests.c").write_text("\n".join(["#include <stdint.h>", *parts]))
    said = run(["frama-c", "-machdep", "x86_64", "-wp", "-wp-rte", "-warn-unsigned-overflow", "-wp-smoke-tests", "-wp-smoke-timeout", "3", "-wp-prover", "cvc4",
                "-wp-timeout", "30", "-wp-par", str(os.cpu_count()), "rests.c"], copy.root)
    return all_goals(said)


# Each proof, what it says, and code that is wrong, of which it, or the part of it that is named last, must not hold.
PROOFS = [
    ("numbers", words, "8 bytes and the number that they are, read and written (le.h; z3 on bit vectors)",
     [("a byte at the wrong place", LE, "in[6] << 48", "in[6] << 40"), ("a byte written twice", LE, "out[3] = (uint8_t)(value >> 24)", "out[3] = (uint8_t)(value >> 16)")]),
    ("header", contracts, "encode and decode of a header and the steps of the framer do what their contracts say (frame.c; Frama-C WP)",
     [("two fields swapped", FRAME, "header->dest_id = yoton_le64_get(in + AT_DEST_ID);", "header->dest_id = yoton_le64_get(in + AT_DEST_SEQ);", step("decode_fields")),
      ("a payload's end one byte early", FRAME, "frame->last = framer->remaining == 0;", "frame->last = framer->remaining <= 1;", step("feed_payload")),
      ("a length above the limit taken", FRAME, "if (frame->header.length > framer->max_message)", "if (frame->header.length > framer->max_message + 1)", step("finish_header"))]),
    ("line", line, "the parser takes just the beginnings of good lines, gives the numbers in them, and stops at the first byte that cannot be (handshake.c; Frama-C WP)",
     [("a g in an id", HANDSHAKE, "byte <= 'f' ?", "byte <= 'g' ?", step("hex_digit", HANDSHAKE)),
      ("a process id of 2^64", HANDSHAKE, "(UINT64_MAX - digit) / 10)", "UINT64_MAX / 10 + 1)", step("pid_byte", HANDSHAKE)),
      ("an offset one too few", HANDSHAKE, "*offset = l.at + 1;", "*offset = l.at;", step("yoton_handshake_parse", HANDSHAKE))]),
    ("written", written, "the line that is written is a good one, with the numbers given, as short as can be, within the room (handshake.c; Frama-C WP)",
     [("an id's digit from the wrong end", HANDSHAKE, "out[i - 1] = digit_of(left % 16);", "out[16 - i] = digit_of(left % 16);", step("put_id", HANDSHAKE)),
      ("a zero before a process id", HANDSHAKE, "while (left > 9) {", "while (left > 0) {", step("count_digits", HANDSHAKE)),
      ("room for all but the last byte", HANDSHAKE, "if (length > size)", "if (length > size + 1)", step("yoton_handshake_encode", HANDSHAKE))]),
    ("rests", rests, "the hash of a slot modulo its range, 64 bits at a time, without overflow (names.c; Frama-C WP)",
     [("2^64 counts as 7", NAMES, "b - left + 7", "b - left + 6"), ("the range itself is a rest", NAMES, "total >= SLOT_RANGE ?", "total > SLOT_RANGE ?"),
      ("what is shifted out is lost", NAMES, "rest / EIGHTH * 8)", "rest / EIGHTH)")]),
    ("framer", feed, "no feed reads or writes where it must not, whatever was fed before (frame.c; Frama-C Eva)",
     [("a header's piece four bytes too long", FRAME, "size_t take = YOTON_HEADER_SIZE - have;", "size_t take = YOTON_HEADER_SIZE - have + 4;"),
      ("a piece not bounded by the input", FRAME, "    if (take > size)\n        take = size;\n", "")]),
    ("handshake", shake, "no line is read past its end, and no number in it overflows a signed one (handshake.c; Frama-C Eva)",
     [("a line read to its end and one byte on", HANDSHAKE, "while (l.at < size && l.at < max_line)", "while (l.at <= size && l.at < max_line)"),
      ("the magic compared beyond its end", HANDSHAKE, "if (l->at < AT_ID)", "if (l->at < AT_ID + 2)")]),
]


def prove(proof, fault=None):
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(folder)
        if fault is not None:
            copy.change(*fault[1:4])
            proof = fault[4] if len(fault) > 4 else proof
        return proof(copy)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write what was proved there, too")
    parser.add_argument("--only", choices=[name for name, *_ in PROOFS])
    parser.add_argument("--no-faults", action="store_true", help="do not try the proofs on code that is wrong")
    options = parser.parse_args()
    results, failed, number = [], False, 0
    for name, proof, says, faults in PROOFS:
        if options.only not in (None, name):
            continue
        for fault in [None, *([] if options.no_faults else faults)]:
            begin = time.monotonic()
            proved, goals, said = prove(proof, fault)
            ok = proved if fault is None else not proved and goals > 0  # it ran, and said no
            number += 1
            failed |= not ok
            seconds = time.monotonic() - begin
            print(f"{'ok' if ok else 'not ok'} {number} - {name}: {f'{says}: {goals} goals' if fault is None else f'does not hold with {fault[0]}'} ({seconds:.0f} s)", flush=True)
            if not ok:
                print("".join(f"# {line}\n" for line in said.splitlines() if re.search(r"alarm|Failed|unknown|rror|Proved|sat", line)), end="", flush=True)
            results.append({"proof": name, "says": says, "fault": fault and fault[0], "proved": proved, "goals": goals, "seconds": round(seconds, 1)})
    print(f"1..{number}")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return failed


if __name__ == "__main__":
    sys.exit(main())
