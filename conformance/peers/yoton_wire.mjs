// SPDX-License-Identifier: BSD-2-Clause
// The bytes of Yoton, from spec/wire.md: names and addresses, the handshake line, packages.
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { isIPv6 } from 'node:net';

const MAGIC = Buffer.from('YOTON!');
const CONTROL = Buffer.from('YOTON   ');
const HEADER = 56;
const SLOT_CHANNELS = 8n;
const LINE_LIMIT = 64; // LIMIT-1
const NAME_LIMIT = 65536; // LIMIT-11

/** What the program asked for and this context refuses or does not manage. */
export class YotonError extends Error {}
/** A channel or connection that is closed. */
export class ClosedError extends YotonError {}

// ---- Names and addresses ------------------------------------------------------------------------

/** SLOT-6, over code points, without bound. */
function sumOf(text) {
  const points = [...text].map((c) => BigInt(c.codePointAt(0)));
  if (points.length > NAME_LIMIT) throw new YotonError(`name of ${points.length} code points; at most ${NAME_LIMIT} are allowed`);
  let v = 0n;
  for (const c of [...points, BigInt(points.length)]) v = v + v / 8n + c * 0xd2d84a61n;
  return v;
}

const BLANK = '[\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]*'; // SLOT-3
const STRIP = new RegExp(`^${BLANK}|${BLANK}$`, 'g');

export function slotHash(name) {
  return SLOT_CHANNELS + sumOf(name.replace(STRIP, '').toLowerCase()) % (2n ** 64n - SLOT_CHANNELS);
}

/** Section 4: [host, port] of an address; port 0 only where it may mean any. */
export async function parseAddress(address, mayBeAny) {
  const bad = (why) => new YotonError(`address "${address}": ${why}`);
  const [, protocol, rest] = /^(?:(.*?):\/\/)?(.*)$/s.exec(address);
  if (protocol !== undefined && protocol.toLowerCase() !== 'tcp') throw bad(`protocol "${protocol}"; only tcp is known`);
  const parts = rest.startsWith('[') ? /^\[(.*?)\]:(.*)$/s.exec(rest) : /^(.*?):(.*)$/s.exec(rest);
  if (!parts) throw bad(rest.startsWith('[') ? 'expected [IPv6]:port' : 'there is no colon');
  const [, name, port] = parts;
  if (rest.startsWith('[') && !isIPv6(name)) throw bad('what is in brackets is no IPv6 address');
  if (!name || /[\0- \x7f]/.test(name)) throw bad('the host is empty, or has a blank in it');
  return [await hostOf(name, bad), portOf(port, mayBeAny, bad)];
}

async function hostOf(name, bad) {
  if (name.toLowerCase() === 'localhost') return '127.0.0.1';
  const index = /^publichost(\d*)$/i.exec(name);
  if (!index) return name;
  const found = await lookup(hostname(), { all: true, family: 4 }).catch(() => []);
  const one = found[Number(index[1] || 0)];
  if (!one) throw bad('this machine has no such public host');
  return one.address;
}

function portOf(text, mayBeAny, bad) {
  if (!text) throw bad('the port is empty');
  const plus = text.indexOf('+');
  const [name, offset] = plus < 0 ? [text, '0'] : [text.slice(0, plus), text.slice(plus + 1)];
  if (!/^[0-9]+$/.test(offset)) throw bad('what follows + is not a number');
  const port = /^[0-9]+$/.test(text) ? BigInt(text) : 49152n + sumOf(name) % 16384n + BigInt(offset);
  if (port > 65535n || (port === 0n && !mayBeAny)) throw bad(`port ${port} is not from 1 to 65535`);
  return Number(port);
}

// ---- Packages -----------------------------------------------------------------------------------

/** One package as bytes; fields are BigInts. */
export function pack(slot, source, seq, dest = 0n, destSeq = 0n, payload = Buffer.alloc(0)) {
  const bytes = Buffer.allocUnsafe(HEADER + payload.length);
  CONTROL.copy(bytes);
  [slot, source, seq, dest, destSeq, BigInt(payload.length)].forEach((field, i) => bytes.writeBigUInt64LE(field, 8 + 8 * i));
  payload.copy(bytes, HEADER);
  return bytes;
}

/** Cuts a stream into packages; memory grows with what came, not with what a header claims (FRAME-9). */
export class Framer {
  constructor(limit) {
    Object.assign(this, { limit, chunks: [], have: 0, header: null });
  }

  get inside() {
    return this.have > 0 || this.header !== null;
  }

  take(size) {
    const all = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
    this.have -= size;
    this.chunks = this.have > 0 ? [all.subarray(size)] : [];
    return all.subarray(0, size);
  }

  /** Yields { header, payload, fields }; throws on an error in the stream. */
  *feed(data) {
    this.chunks.push(data);
    this.have += data.length;
    for (;;) {
      if (!this.header) {
        if (this.have < HEADER) return;
        this.header = this.take(HEADER);
        if (this.header.compare(CONTROL, 0, 8, 0, 8) !== 0) throw new YotonError('lost track of the stream: wrong control bytes');
        this.length = this.header.readBigUInt64LE(48);
        if (this.length > BigInt(this.limit)) throw new YotonError(`a package claims ${this.length} bytes; at most ${this.limit} are taken`);
      }
      if (this.have < Number(this.length)) return;
      const payload = this.take(Number(this.length)), header = this.header;
      this.header = null;
      const [slot, source, seq, dest, destSeq] = [8, 16, 24, 32, 40].map((at) => header.readBigUInt64LE(at));
      yield { slot, source, seq, dest, destSeq, payload, header };
    }
  }
}

// ---- Handshake ----------------------------------------------------------------------------------

/** Collects a line. `state`: more, good (with id, pid and rest), bad (a YOTON! line that is not good), stranger. */
export class Line {
  bytes = Buffer.alloc(0);

  feed(data) {
    this.bytes = Buffer.concat([this.bytes, data]);
    const end = this.bytes.indexOf('\r\n');
    return end < 0 || end + 2 > LINE_LIMIT ? (this.bytes.length >= LINE_LIMIT ? this.refusal() : 'more') : this.judge(end);
  }

  judge(end) {
    const match = /^YOTON!([0-9a-fA-F]{16})\.([0-9]{1,20})$/.exec(this.bytes.latin1Slice(0, end));
    if (!match || BigInt('0x' + match[1]) === 0n || BigInt(match[2]) >= 2n ** 64n) return this.refusal(end);
    [this.id, this.pid, this.rest] = [BigInt('0x' + match[1]), BigInt(match[2]), this.bytes.subarray(end + 2)];
    return 'good';
  }

  get shown() {
    return JSON.stringify(this.bytes.toString('latin1', 0, LINE_LIMIT));
  }

  refusal(end = this.bytes.length) {
    return end >= MAGIC.length && this.bytes.compare(MAGIC, 0, 6, 0, 6) === 0 ? 'bad' : 'stranger';
  }
}

export const ERRORS = { bad: 'ERROR: could not parse id.\r\n', stranger: 'ERROR: this is Yoton.\r\n' };
