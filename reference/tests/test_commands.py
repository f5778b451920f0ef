#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The commands `yoton hash`, `encode` and `decode` as a person meets them: answers, errors in one line, exit codes."""
import os
import subprocess
import sys
import tempfile

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
YOTON = os.path.join(TOP, os.environ.get("BUILD", "build"), "yoton")
MANY = "a" * 65536

# arguments, standard input, exit code, standard output, what the one line of standard error is or contains
CASES = (
    ("hash slot foo.txt.pub-sub", b"", 0, b"15285871923228\n", ""),
    (["hash", "slot", "", " Foo.TXT.Pub-Sub\n"], b"", 0, b"8\n15285871923228\n", ""),
    ("hash port foo.txt.pub-sub", b"", 0, b"53268\n", ""),
    (["hash", "port", "", "Foo.txt.pub-sub"], b"", 0, b"49152\n52947\n", ""),
    ("hash slot", b"foo.txt.pub-sub\n\n foo.txt.pub-sub\r\nfoo.txt.pub-sub", 0,
     b"15285871923228\n8\n15285871923228\n15285871923228\n", ""),
    ("hash port", b"\n", 0, b"49152\n", ""),
    ("hash slot", b"", 0, b"", ""),
    ("hash slot", b"a\nb\xffc\nd\n", 1, b"389555093250\n", "line 2, byte 1: malformed UTF-8 (byte ff)"),
    (["hash", "port", "a", b"ab\xc3"], b"", 1, b"65274\n", "argument 2, byte 2: malformed UTF-8 (byte c3)"),
    ("hash slot", MANY.encode() + b"a\n", 1, b"", "line 1, byte 0: name longer than 65536 characters"),
    ("hash", b"", 2, b"", "yoton hash: what to hash is missing: slot or port (see yoton hash --help)"),
    ("hash name x", b"", 2, b"", "yoton hash: cannot hash \"name\", only slot or port (see yoton hash --help)"),
    ("decode", bytes.fromhex("74026903000000000000006201") + b"junk", 0, b"(3, True)\n", ""),
    ("decode -", b"n", 0, b"None\n", ""),
    ("decode", b"", 0, b"None\n", ""),
    ("decode", b"l\x02nx", 1, b"", "yoton decode: offset 3 (0x3): unknown object type"),
    ("decode", b"l\x11" + b"n" * 16, 1, b"", "yoton decode: offset 18 (0x12): the object ends too early"),
    ("decode", b"d\x01l\x00n", 1, b"", "yoton decode: offset 2 (0x2): list or dict used as a dictionary key"),
    ("decode", b"l\x01" * 1001 + b"n", 1, b"", "yoton decode: offset 2000 (0x7d0): object nested too deep"),
    ("decode --depth 1001", b"l\x01" * 1001 + b"n", 0, b"[" * 1001 + b"None" + b"]" * 1001 + b"\n", ""),
    ("decode --hex", b"6e\n\n74 02 6E 6e\r\n62FF", 0, b"None\nNone\n(None, None)\nTrue\n", ""),
    ("decode --hex", b"6e\n6c01\n6e\n", 1, b"None\n", "yoton decode: line 2: offset 2 (0x2): the object ends too early"),
    ("decode --hex --keep-going", b"6e\n6c01\n7301ff\n6e\n", 1,
     b"None\n!2 length above the limit or past the end\n!2 malformed UTF-8\nNone\n", ""),
    ("decode --hex", b"6e\n6g\n", 1, b"None\n", "yoton decode: line 2, column 2: not a pair of hexadecimal digits"),
    ("decode --hex", b"6e6\n", 1, b"", "yoton decode: line 1, column 3: not a pair of hexadecimal digits"),
    ("decode --hex", b"6 e\n", 1, b"", "yoton decode: line 1, column 1: not a pair of hexadecimal digits"),
    ("decode --hex", b"\0\n", 1, b"", "yoton decode: line 1, column 1: not a pair of hexadecimal digits"),
    ("decode no/such/file", b"", 1, b"", "yoton decode: cannot read no/such/file: No such file or directory"),
    ("decode .", b"", 1, b"", "yoton decode: cannot read .: Is a directory"),
    ("decode --keep-going", b"", 2, b"", "--keep-going goes with --hex"),
    ("decode --depth", b"", 2, b"", "--depth wants a number"),
    ("decode --depth 0", b"", 2, b"", "--depth wants a number from 1 on, not \"0\""),
    ("decode --depth 1x", b"", 2, b"", "--depth wants a number from 1 on, not \"1x\""),
    ("decode --depth 99999999999999999999", b"", 2, b"", "--depth wants a number from 1 on"),
    ("decode a b", b"", 2, b"", "more than one file: a and b"),
    ("decode --binary", b"", 2, b"", "yoton decode: unknown option --binary (see yoton decode --help)"),
    (["encode", "--hex", '{"tuple":[3,true]}'], b"", 0, b"74026903000000000000006201\n", ""),
    ("encode", b'[null,"a\\u0000",{"float":"-inf"}]', 0, b"l\x03ns\x02a\0f\0\0\0\0\0\0\xf0\xff", ""),
    ("encode --hex", b'{"dict":[[1,{"int":"-9223372036854775808"}]]}', 0, b"6401690100000000000000690000000000000080\n", ""),
    (["encode", "--type", "txt", '"käse"'], b"", 0, "käse".encode(), ""),
    (["encode", "--type", "bin", "--hex", '{"hex":"00fF"}'], b"", 0, b"00ff\n", ""),
    ("encode", b"[1,", 1, b"", "yoton encode: line 1, column 3: not JSON"),
    ("encode", b"", 1, b"", "not JSON"),
    ("encode", b'{"a":1,"a":2}', 1, b"", "not JSON: duplicate object key"),
    ("encode 9223372036854775808", b"", 1, b"", "not JSON: too big integer"),
    ("encode 1.5", b"", 1, b"", "the value cannot be encoded"),
    ("encode", b'{"dict":[[[],1]]}', 1, b"", "the value cannot be encoded: list or dict used as a dictionary key"),
    ("encode", b"[" * 1001 + b"]" * 1001, 1, b"", "the value cannot be encoded: object nested too deep"),
    ("encode --type txt 1", b"", 1, b"", "the type txt wants a JSON string"),
    ("encode --type bin 1", b"", 1, b"", "the value cannot be encoded"),
    ("encode --type", b"", 2, b"", "--type wants obj, txt or bin"),
    ("encode --type int 1", b"", 2, b"", "unknown type \"int\", only obj, txt or bin"),
    ("encode 1 2", b"", 2, b"", "more than one value"),
    ("encode --text", b"", 2, b"", "unknown option --text"),
    ("greet", b"", 2, b"", "yoton: unknown command \"greet\" (see yoton --help)"),
)


def run(arguments, data=b"", out=subprocess.PIPE):
    if isinstance(arguments, str):
        arguments = arguments.split()
    return subprocess.run([YOTON, *arguments], input=data, stdout=out, stderr=subprocess.PIPE, check=False, cwd=TOP)


def case(arguments, data, status, out, err):
    done = run(arguments, data)
    said = done.stderr.decode()
    if done.returncode != status or done.stdout != out:
        return f"exit {done.returncode}, wanted {status}; {done.stdout[:200]!r}, wanted {out[:200]!r}; {said!r}"
    if err not in said or said.count("\n") != bool(err):
        return f"said {said!r}, wanted one line with {err!r}"
    return None


def helps():
    """--help of every command: exit 0, on standard output, with an example"""
    for command in ("hash", "encode", "decode"):
        done = run([command, "--help"])
        if done.returncode or done.stderr or b"\nexample: " not in done.stdout or not done.stdout.startswith(b"usage: yoton "):
            return f"{command}: exit {done.returncode}, {done.stdout!r}"
    listed = run(["--help"]).stdout.decode()
    return None if all(f"\n  {name} " in listed for name in ("hash", "encode", "decode")) else f"not all listed: {listed}"


def full_disk():
    """what cannot be written is an error"""
    for arguments, data in (("hash slot a", b""), ("decode", b"n"), ("encode 1", b""), ("hash --help", b"")):
        with open("/dev/full", "wb") as full:
            done = run(arguments, data, full)
        if done.returncode != 1 or b"cannot write to standard output: No space left on device" not in done.stderr:
            return f"{arguments}: exit {done.returncode}, {done.stderr!r}"
    return None


def from_file():
    """decode reads a file of any size"""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"s\xff" + (1 << 20).to_bytes(8, "little") + b"x" * (1 << 20))
        file.flush()
        done = run(["decode", file.name])
    return None if done.stdout == b"'" + b"x" * (1 << 20) + b"'\n" else f"{len(done.stdout)} bytes, {done.stderr!r}"


def main():
    results = [(f"{c[0] if isinstance(c[0], str) else c[0][0]} #{i}", case(*c)) for i, c in enumerate(CASES, 1)]
    results += [(test.__doc__, test()) for test in (helps, full_disk, from_file)]
    print(f"1..{len(results)}")
    for number, (name, why) in enumerate(results, 1):
        print(f"{'not ok' if why else 'ok'} {number} - {name.replace('#', 'case ')}")
        if why:
            print(f"# {why}")
    return 1 if any(why for _, why in results) else 0


if __name__ == "__main__":
    sys.exit(main())
