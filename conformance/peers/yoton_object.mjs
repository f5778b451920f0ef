// SPDX-License-Identifier: BSD-2-Clause
// The objects of section 11.1 of spec/wire.md. An integer is a BigInt, a float a number; a list is an array.
export class Tuple {
  constructor(items) {
    this.items = items;
  }
}

/** Pairs of key and value, in their order; of equal keys the first stays, with the last value (OBJ-8). */
export class Dict {
  entries = [];
  places = new Map();

  set(key, value) {
    const place = keyOf(key);
    const known = this.places.get(place);
    if (known === undefined) {
      this.places.set(place, this.entries.length);
      this.entries.push([key, value]);
    } else {
      this.entries[known][1] = value;
    }
    return this;
  }
}

let nans = 0;

/** A text that is the same for equal keys; undefined for what cannot be one (OBJ-9). */
function keyOf(value) {
  if (value === null) return 'N';
  if (typeof value === 'string') return `s${value.length}:${value}`;
  if (typeof value === 'boolean') return `n${Number(value)}`;
  if (typeof value === 'bigint') return `n${value}`;
  if (Number.isNaN(value)) return `nan${(nans += 1)}`;
  if (typeof value === 'number') return Number.isInteger(value) ? `n${BigInt(value)}` : `n${value}`;
  if (!(value instanceof Tuple)) return undefined;
  const parts = value.items.map(keyOf);
  return parts.includes(undefined) ? undefined : `t${parts.length}(${parts.join(',')})`;
}

const DEPTH = 1000; // LIMIT-6
const SHORT = 255; // N below is one byte

function count(n) {
  if (n < SHORT) return Buffer.of(n);
  const bytes = Buffer.alloc(9, SHORT);
  bytes.writeBigUInt64LE(BigInt(n), 1);
  return bytes;
}

function number(type, write) {
  const bytes = Buffer.alloc(9, type);
  write(bytes);
  return bytes;
}

export function encodeObject(value, Refused) {
  const out = [];
  const put = (one, depth) => {
    if (isContainer(one) && depth >= DEPTH) throw new Refused(`an object with more than ${DEPTH} containers inside each other`);
    if (one === null) out.push(Buffer.from('n'));
    else if (typeof one === 'boolean') out.push(Buffer.from([0x62, Number(one)]));
    else if (typeof one === 'bigint') {
      if (BigInt.asIntN(64, one) !== one) throw new Refused(`the integer ${one} has more than 64 bits`);
      out.push(number('i', (bytes) => bytes.writeBigInt64LE(one, 1)));
    } else if (typeof one === 'number') out.push(number('f', (bytes) => bytes.writeDoubleLE(one, 1)));
    else if (typeof one === 'string') {
      if (/\p{Surrogate}/u.test(one)) throw new Refused('a string with half a character');
      const text = Buffer.from(one);
      out.push(Buffer.from('s'), count(text.length), text);
    } else if (Array.isArray(one) || one instanceof Tuple) {
      const items = one.items ?? one;
      out.push(Buffer.from(one instanceof Tuple ? 't' : 'l'), count(items.length));
      items.forEach((item) => put(item, depth + 1));
    } else if (one instanceof Dict) {
      out.push(Buffer.from('d'), count(one.entries.length));
      for (const [key, item] of one.entries) {
        if (keyOf(key) === undefined) throw new Refused('a list or dictionary as key');
        put(key, depth + 1);
        put(item, depth + 1);
      }
    } else throw new Refused(`a value that is no object of Yoton: ${typeof one}`);
  };
  put(value, 0);
  return Buffer.concat(out);
}

const isContainer = (value) => Array.isArray(value) || value instanceof Tuple || value instanceof Dict;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function decodeObject(bytes, Refused) {
  let at = 0;
  const bad = (why) => new Refused(`a malformed object, at byte ${at}: ${why}`);
  const take = (size) => {
    if (size > bytes.length - at) throw bad('it runs past the end');
    at += size;
    return at - size;
  };
  const size = (least) => {
    const short = bytes[take(1)];
    const n = short < SHORT ? BigInt(short) : bytes.readBigUInt64LE(take(8));
    if (n * BigInt(least) > BigInt(bytes.length - at)) throw bad(`it claims ${n} elements`); // OBJ-14
    return Number(n);
  };
  const text = () => {
    const n = size(1), start = take(n);
    try {
      return UTF8.decode(bytes.subarray(start, start + n));
    } catch {
      throw bad('a string that is not UTF-8');
    }
  };
  const items = (depth) => Array.from({ length: size(1) }, () => get(depth));
  const dict = (depth) => {
    const result = new Dict();
    for (let n = size(2); n > 0; n--) {
      const key = get(depth);
      if (keyOf(key) === undefined) throw bad('a list or dictionary as key');
      result.set(key, get(depth));
    }
    return result;
  };
  const get = (depth) => {
    const type = String.fromCharCode(bytes[take(1)]);
    if ('ltd'.includes(type) && depth >= DEPTH) throw bad(`more than ${DEPTH} containers inside each other`);
    switch (type) {
      case 'n': return null;
      case 'b': return bytes[take(1)] !== 0;
      case 'i': return bytes.readBigInt64LE(take(8));
      case 'f': return bytes.readDoubleLE(take(8));
      case 's': return text();
      case 'l': return items(depth + 1);
      case 't': return new Tuple(items(depth + 1));
      case 'd': return dict(depth + 1);
      default: throw bad(`no type has the byte ${bytes[at - 1]}`);
    }
  };
  return bytes.length === 0 ? null : get(0); // OBJ-11
}
