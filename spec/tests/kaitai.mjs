// SPDX-License-Identifier: BSD-2-Clause
// Compiles yoton.ksy and reads the vectors by it. usage: node kaitai.mjs FOLDER_OF_NODE_MODULES SPEC; prints one JSON line a vector.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';

const [modules, spec] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const compiler = require('kaitai-struct-compiler'), Stream = require('kaitai-struct/KaitaiStream'), yaml = require('js-yaml');
const files = await compiler.compile('javascript', yaml.load(readFileSync(`${spec}/yoton.ksy`, 'utf8')), null, false);
const module = { exports: {} };
vm.runInThisContext(`(function (module, exports, require, define) {${files['Yoton.js']}\n})`)(module, module.exports, require, undefined);
const Yoton = module.exports.Yoton ?? module.exports;

const Kind = Object.fromEntries(Object.entries(Yoton.Kind).filter(([name]) => /^[A-Z]/.test(name)));

// An object in the form of the vectors, as far as JavaScript's numbers go.
function plain(object) {
  const v = object.value;
  switch (object.tag) {
    case Kind.NONE: return null;
    case Kind.BOOLEAN: return v.isTrue;
    case Kind.INTEGER: return { int: String(v) };
    case Kind.REAL: return { float: v };
    case Kind.STRING: return v.text;
    case Kind.LIST: return v.items.map(plain);
    case Kind.TUPLE: return { tuple: v.items.map(plain) };
    case Kind.DICTIONARY: return { dict: v.pairs.map((p) => [plain(p.key), plain(p.value)]) };
    default: throw new Error('no such kind');
  }
}

function read(Type, hex, use) {
  const bytes = Buffer.from(hex, 'hex');
  const stream = new Stream(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  try {
    const value = new Type(stream);
    return { good: true, used: stream.pos, value: use(value) };
  } catch (error) {
    return { good: false, error: String(error.message ?? error).slice(0, 100) };
  }
}

const use = {
  objects: [Yoton.MessageObject, plain],
  headers: [Yoton.Package, (p) => ({ slot: String(p.slot), source_seq: String(p.sourceSeq), length: String(p.length), close: p.isClose, heartbeat: p.isHeartbeat })],
  handshake: [Yoton.HandshakeLine, (l) => ({ id: l.contextId, pid: l.pid })],
};
for (const [name, [Type, show]] of Object.entries(use)) {
  const { vectors } = JSON.parse(readFileSync(`${spec}/vectors/${name}.json`, 'utf8'));
  for (const v of vectors) {
    if (typeof v.input !== 'string') continue;
    // a vector of a header holds no payload
    const payload = name === 'headers' && v.header && BigInt(v.header.length) < 1000000n ? '00'.repeat(Number(v.header.length)) : '';
    console.log(JSON.stringify({ file: name, name: v.name, ...read(Type, v.input + payload, show) }));
  }
}
