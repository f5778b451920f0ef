#!/usr/bin/env node
// SPDX-License-Identifier: BSD-2-Clause
// Lets yotonspec drive yoton.mjs; conformance/ADAPTER.md is the reference of the protocol.
import { writeSync } from 'node:fs';
import { ClosedError, Context, PubChannel, selectSubChannel, SubChannel, TYPES, YotonError } from './yoton.mjs';
import { Dict, Tuple } from './yoton_object.mjs';

class Refused extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
  }
}

const bad = (text) => new Refused('bad-request', text);

function say(message) {
  let data = Buffer.from(JSON.stringify(message) + '\n');
  while (data.length > 0) {
    try {
      data = data.subarray(writeSync(1, data));
    } catch (error) {
      if (error.code !== 'EAGAIN') process.exit(0);
    }
  }
}

const seconds = () => Number(process.hrtime.bigint()) / 1e9;

function event(name, fields) {
  say({ event: name, ...fields, t: seconds() });
}

// ---- Values -------------------------------------------------------------------------------------

const FLOATS = { nan: NaN, inf: Infinity, '-inf': -Infinity };

function floatOf(text) {
  if (text in FLOATS) return FLOATS[text];
  const hex = /^(-?)0x([0-9a-f]+)(?:\.([0-9a-f]*))?p([+-]?[0-9]+)$/i.exec(text);
  if (hex) {
    const digits = hex[3] ?? '', exponent = Number(hex[4]) - 4 * digits.length;
    const value = Number(BigInt(`0x${hex[2]}${digits}`)) * 2 ** Math.max(exponent, -1000) * 2 ** Math.min(exponent + 1000, 0);
    return hex[1] ? -value : value;
  }
  if (!/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(text)) throw bad(`"${text}" is no float`);
  return Number(text);
}

function floatText(value) {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0.0' : String(value);
}

const FORMS = {
  int: (text) => (/^-?[0-9]+$/.test(text) ? BigInt(text) : null),
  float: (text) => (typeof text === 'string' ? floatOf(text) : null),
  hex: (text) => (typeof text === 'string' && /^([0-9a-f]{2})*$/i.test(text) ? Buffer.from(text, 'hex') : null),
  tuple: (items) => (Array.isArray(items) ? new Tuple(items.map(decode)) : null),
  dict: (pairs) => (Array.isArray(pairs) && pairs.every((p) => Array.isArray(p) && p.length === 2)
    ? pairs.reduce((dict, [key, value]) => dict.set(decode(key), decode(value)), new Dict()) : null),
};

function decode(json) {
  if (json === null || typeof json === 'boolean' || typeof json === 'string') return json;
  if (typeof json === 'number') {
    if (!Number.isSafeInteger(json)) throw bad(`the number ${json} is no integer below 2^53`);
    return BigInt(json);
  }
  if (Array.isArray(json)) return json.map(decode);
  const [[form, held] = []] = Object.entries(json);
  const value = Object.keys(json).length === 1 && Object.hasOwn(FORMS, form) ? FORMS[form](held) : null;
  if (value === null) throw bad(`not a value: ${JSON.stringify(json).slice(0, 60)}`);
  return value;
}

function encode(value) {
  if (typeof value === 'bigint') return BigInt.asIntN(53, value) === value ? Number(value) : { int: String(value) };
  if (typeof value === 'number') return { float: floatText(value) };
  if (Buffer.isBuffer(value)) return { hex: value.toString('hex') };
  if (Array.isArray(value)) return value.map(encode);
  if (value instanceof Tuple) return { tuple: value.items.map(encode) };
  if (value instanceof Dict) return { dict: value.entries.map((pair) => pair.map(encode)) };
  return value;
}

// ---- Fields -------------------------------------------------------------------------------------

function field(request, name, right, what, fallback) {
  const value = request[name];
  if (value === undefined && fallback !== undefined) return fallback;
  if (value === undefined || !right(value)) throw bad(`${request.op}: \`${name}\` must be ${what}`);
  return value;
}

const text = (r, name, fallback) => field(r, name, (v) => typeof v === 'string', 'a string', fallback);
const whole = (r, name, fallback) => field(r, name, Number.isSafeInteger, 'an integer', fallback);
const numeric = (r, name, fallback) => field(r, name, (v) => typeof v === 'number', 'a number', fallback);
const flag = (r, name) => field(r, name, (v) => typeof v === 'boolean', 'true or false');
const hex16 = (id) => id.toString(16).padStart(16, '0');

/** In seconds; null is for ever. */
function patience(r, fallback) {
  const value = field(r, 'timeout', (v) => v === null || typeof v === 'number', 'a number or null', fallback);
  return value ?? Infinity;
}

function find(r, name, things) {
  const key = text(r, name);
  if (!things.has(key)) throw bad(`${r.op}: no ${name} "${key}"`);
  return things.get(key);
}

// ---- Ops ----------------------------------------------------------------------------------------

let context = new Context();
const [links, channels] = [new Map(), new Map()];
const lanes = new Map(); // sends of one channel keep their order, and recvs that wait theirs
let lastName = 0;

/** Watched from its first moment: it may close before its name is told. */
function watched(c) {
  const name = String((lastName += 1));
  c.name1 = name;
  c.on('closed', (reason) => event('closed', { connection: name, reason }));
  c.on('timedout', (value) => event('timedout', { connection: name, value }));
}

function inLane(key, task) {
  const done = (lanes.get(key) ?? Promise.resolve()).then(task);
  lanes.set(key, done.catch(() => {}));
  return done;
}

function channelOf(r, kind) {
  const one = find(r, 'channel', channels);
  if (kind && !(one instanceof kind)) throw bad(`${r.op}: not for this kind of channel`);
  return one;
}

const OPTIONS = {
  queue: (v) => ({ queue: field({ queue: v }, 'queue', (q) => Array.isArray(q) && q.length === 2, 'a size and a mode') }),
  max_message: (v) => ({ maxMessage: whole({ max_message: v }, 'max_message') }),
  max_sources: (v) => ({ maxSources: whole({ max_sources: v }, 'max_sources') }),
  context_id: (v) => {
    if (!/^[0-9a-f]{16}$/.test(v) || /^0*$/.test(v)) throw bad('options: `context_id` must be 16 hex digits, lower case, not all 0');
    return { id: BigInt(`0x${v}`) };
  },
};

const OPS = {
  hello(r) {
    if (whole(r, 'protocol') !== 1) throw new Refused('unsupported', 'hello: this adapter speaks protocol 1');
    const capabilities = [...Object.keys(OPS), ...Object.keys(OPTIONS), ...Object.keys(TYPES), 'host', 'client', 'port0', 'ipv6'];
    return { protocol: 1, implementation: 'node', version: '1.0', capabilities, context_id: hex16(context.id), pid: process.pid };
  },

  options(r) {
    const names = Object.keys(r).filter((name) => name !== 'id' && name !== 'op');
    const unknown = names.find((name) => !Object.hasOwn(OPTIONS, name));
    if (unknown) throw new Refused('unsupported', `options: no option ${unknown} here`);
    if (links.size + channels.size > 0) throw bad('options come before the first connection and the first channel');
    context = new Context(Object.assign({ id: context.id }, ...names.map((name) => OPTIONS[name](r[name]))));
    return { context_id: hex16(context.id) };
  },

  close_context: () => context.close(),

  async bind(r) {
    const c = await context.bind(text(r, 'address'), whole(r, 'max_tries', 1), text(r, 'name', ''), watched);
    links.set(c.name1, c);
    return { connection: c.name1, port: c.port1 };
  },

  async connect(r) {
    const c = await context.connect(text(r, 'address'), numeric(r, 'timeout', 1), text(r, 'name', ''), watched);
    links.set(c.name1, c);
    return { connection: c.name1 };
  },

  status(r) {
    const c = find(r, 'connection', links), pid = c.pid2 < 2n ** 53n ? Number(c.pid2) : String(c.pid2);
    return {
      state: c.state, hostname1: c.hostname1, port1: c.port1, id1: hex16(context.id), pid1: process.pid,
      hostname2: c.hostname2, port2: c.port2, id2: hex16(c.id2), pid2: pid, name: c.name, timeout: c.timeout / 1000,
    };
  },

  connections: () => ({ connections: context.alive.map((c) => ({ connection: c.name1, name: c.name, state: c.state })) }),

  set_timeout(r) {
    find(r, 'connection', links).setTimeout(numeric(r, 'seconds'));
  },

  async flush(r) {
    const one = r.connection === undefined || r.connection === null ? null : find(r, 'connection', links);
    const time = patience(r, one ? 3 : 5) * 1000;
    const all = await Promise.all((one ? [one] : context.alive).map((c) => c.flushed(time)));
    if (all.includes(false)) throw new Refused('timeout', 'flush: not all was sent in time');
  },

  close: (r) => find(r, 'connection', links).close(text(r, 'reason', 'Closed on command.')),

  close_on_problem(r) {
    find(r, 'connection', links).drop(text(r, 'reason', 'Closed because of a problem.'));
  },

  open(r) {
    const [name, kind, slot, type] = [text(r, 'channel'), text(r, 'kind'), text(r, 'slot'), text(r, 'type', 'txt')];
    const Kind = { pub: PubChannel, sub: SubChannel }[kind];
    if (!Kind) throw new Refused('unsupported', `open: no channel of kind ${kind} here`);
    if (!Object.hasOwn(TYPES, type)) throw new Refused('unsupported', `open: no message type ${type} here`);
    if (channels.has(name)) throw bad(`open: the channel "${name}" is there already`);
    const c = new Kind(context, slot, type);
    c.on('received', () => event('received', { channel: name }));
    channels.set(name, c);
    return { slot_out: c.nameOut, slot_in: c.nameIn, slot_out_hash: String(c.slotOut), slot_in_hash: String(c.slotIn) };
  },

  send(r) {
    const c = channelOf(r, PubChannel);
    if (!('value' in r)) throw bad('send: `value` must be there');
    const value = decode(r.value);
    return inLane(`send ${r.channel}`, () => c.send(value));
  },

  recv(r) {
    const c = channelOf(r, SubChannel), end = performance.now() + patience(r, 0) * 1000;
    const take = async () => {
      const value = await c.recv(Math.max(0, end - performance.now()) / 1000);
      if (value === undefined) throw new Refused('timeout', 'recv: no message in time');
      return { value: encode(value) };
    };
    return patience(r, 0) > 0 ? inLane(`recv ${r.channel}`, take) : take();
  },

  recv_all: (r) => ({ values: channelOf(r, SubChannel).recvAll().map(encode) }),

  pending: (r) => ({ count: channelOf(r).pending ?? 0 }),

  select(r) {
    const names = field(r, 'channels', (v) => Array.isArray(v) && v.every((n) => typeof n === 'string'), 'an array of names');
    const all = names.map((channel) => channelOf({ ...r, channel }, SubChannel));
    return { channel: names[all.indexOf(selectSubChannel(...all))] ?? null };
  },

  recv_selected: (r) => ({ values: channelOf(r, SubChannel).recvSelected().map(encode) }),

  sync_mode: (r) => channelOf(r, SubChannel).setSyncMode(flag(r, 'on')),

  close_channel: (r) => channelOf(r).close(),
};

// ---- Lines --------------------------------------------------------------------------------------

function parse(line) {
  let r;
  try {
    r = JSON.parse(line);
  } catch (error) {
    throw bad(`not a line of JSON: ${error.message}`);
  }
  if (r === null || typeof r !== 'object' || !Number.isSafeInteger(r.id)) throw bad('not a request: an object with an integer `id`');
  return r;
}

function codeOf(error) {
  if (error instanceof Refused) return error.code;
  return error instanceof ClosedError ? 'closed' : 'failed';
}

async function serve(line) {
  let id = null;
  try {
    const r = parse(line);
    id = r.id;
    if (!Object.hasOwn(OPS, text(r, 'op'))) throw new Refused('unsupported', `no op ${r.op} here`);
    say({ id, ok: true, ...(await OPS[r.op](r)) });
  } catch (error) {
    if (!(error instanceof Refused || error instanceof YotonError)) console.error(error);
    say({ id, ok: false, code: codeOf(error), error: error.message.replace(/\s+/g, ' ') });
  }
}

// Node's readline takes U+2028 for the end of a line, too.
let parts = [];
process.stdin.on('data', (data) => {
  for (let end; (end = data.indexOf('\n')) >= 0; data = data.subarray(end + 1)) {
    serve(Buffer.concat([...parts, data.subarray(0, end)]).toString());
    parts = [];
  }
  parts.push(data);
}).on('end', () => process.exit(0));
