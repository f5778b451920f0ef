# SPDX-License-Identifier: BSD-2-Clause
# One direction of a Yoton connection, for Kaitai Struct (https://kaitai.io). wire.md is the specification; this is a reader for
# whoever wants one in another language at once. What a reader cannot see by form alone (limits, ids, order) is not here.
meta:
  id: yoton
  title: Yoton, one direction of a connection
  license: BSD-2-Clause
  endian: le
doc: A handshake line, then packages one behind the other (sections 5 and 6).
doc-ref: wire.md
seq:
  - id: line
    type: handshake_line
  - id: packages
    type: package
    repeat: eos
types:
  handshake_line:
    doc: "`YOTON!<id>.<pid>` CRLF (HS-2, HS-6, HS-14)."
    seq:
      - id: magic
        contents: YOTON!
      - id: context_id
        type: str
        size: 16
        encoding: ASCII
        valid:
          expr: context_id.to_i(16) != 0 or context_id != '0000000000000000'
      - id: dot
        contents: .
      - id: pid
        type: str
        terminator: 0x0d
        encoding: ASCII
      - id: lf
        contents: [0x0a]
  package:
    doc: A header of 56 bytes and its payload (FRAME-1, FRAME-2, FRAME-5). Without payload it is a signal (FRAME-13).
    seq:
      - id: control
        contents: 'YOTON   '
      - id: slot
        type: u8
      - id: source_id
        type: u8
      - id: source_seq
        type: u8
      - id: dest_id
        type: u8
      - id: dest_seq
        type: u8
      - id: length
        type: u8
      - id: payload
        size: length
    instances:
      is_signal:
        value: length == 0
      is_heartbeat:
        value: is_signal and source_seq == 0
      is_close:
        value: is_signal and source_seq == 1
  message_object:
    doc: The payload of a message of type obj (section 11.1). Bytes behind it are ignored (OBJ-10).
    seq:
      - id: tag
        type: u1
        enum: kind
      - id: value
        type:
          switch-on: tag
          cases:
            kind::none: nothing
            kind::boolean: boolean
            kind::integer: s8
            kind::real: f8
            kind::string: string
            kind::list: items
            kind::tuple: items
            kind::dictionary: pairs
            _: unknown
  nothing: {}
  unknown:
    doc: A byte that is no type is malformed (OBJ-12).
    seq:
      - id: fail
        type: u1
        valid:
          expr: 'false'
  boolean:
    doc: Anything but 0 is true (OBJ-5).
    seq:
      - id: raw
        type: u1
    instances:
      is_true:
        value: raw != 0
  count:
    doc: One byte below 255, else FF and a u64 (OBJ-2, OBJ-3).
    seq:
      - id: short
        type: u1
      - id: long
        type: u8
        if: short == 255
    instances:
      value:
        value: 'short == 255 ? long : short'
  string:
    seq:
      - id: size
        type: count
      - id: text
        type: str
        size: size.value
        encoding: UTF-8
  items:
    seq:
      - id: number
        type: count
      - id: items
        type: message_object
        repeat: expr
        repeat-expr: number.value
  pairs:
    seq:
      - id: number
        type: count
      - id: pairs
        type: pair
        repeat: expr
        repeat-expr: number.value
  pair:
    seq:
      - id: key
        type: message_object
      - id: value
        type: message_object
enums:
  kind:
    0x62: boolean
    0x64: dictionary
    0x66: real
    0x69: integer
    0x6c: list
    0x6e: none
    0x73: string
    0x74: tuple
