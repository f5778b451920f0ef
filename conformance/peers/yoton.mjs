// SPDX-License-Identifier: BSD-2-Clause
// A small Yoton for Node.js, written from spec/wire.md alone: handshake, framing, link, routing, publish and subscribe.
// It shares nothing with the reference; what it needs is in Node itself. No req, rep, state, client or server.
import { EventEmitter } from 'node:events';
import { Server, Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { decodeObject, encodeObject } from './yoton_object.mjs';
import { ClosedError, ERRORS, Framer, Line, pack, parseAddress, slotHash, YotonError } from './yoton_wire.mjs';

export { ClosedError, YotonError };

const [SLOT_SIGNAL, SLOT_CONTEXT] = [1n, 2n];
const [HEARTBEAT, CLOSE] = [0n, 1n];
const CANDIDATES = 16; // LIMIT-10
const HELD_FROM = 64; // LIMIT-4
const FULL_SOURCES = 1024; // LIMIT-12
const [SYNC_FULL, SYNC_OK] = [32, 16]; // section 12.1
// Milliseconds
const HANDSHAKE = 2000, HEARTBEAT_EVERY = 250, HOLD = 1000, CLOSING = 1000, RETRY = 50, WORD_AGAIN = 4000, WORD_LASTS = 10000;
const PATTERNS = { pub: ['pub-sub', 'sub-pub'], sub: ['sub-pub', 'pub-sub'] }; // SLOT-2: to send, to listen

const now = () => performance.now();

/** Ends the sending half behind some bytes, discards what still comes, and closes after a bounded time (HS-21, LINK-16). */
function endNicely(socket, bytes, time = CLOSING) {
  socket.removeAllListeners('data').on('data', () => {});
  socket.removeAllListeners('end').on('end', () => socket.destroy());
  socket.on('error', () => {});
  socket.end(bytes);
  const timer = setTimeout(() => socket.destroy(), time);
  socket.once('close', () => clearTimeout(timer));
}

// ---- Connections --------------------------------------------------------------------------------

/** Events: closed(reason), timedout(value). States: waiting, hosting, connected, closing, closed. */
export class Connection extends EventEmitter {
  id2 = 0n;
  pid2 = 0n;
  hostname1 = '';
  port1 = 0;
  hostname2 = '';
  port2 = 0;
  state = 'connecting';
  queue = []; // bytes of packages that were not begun
  timeout = 500;

  constructor(context, name) {
    super();
    Object.assign(this, { context, name, framer: new Framer(context.maxMessage) });
  }

  get connected() {
    return this.state === 'hosting' || this.state === 'connected';
  }

  get alive() {
    return this.connected || this.state === 'waiting';
  }

  get idle() {
    return this.queue.length === 0 && (!this.socket || this.socket.writableLength === 0);
  }

  /** The handshake is over: packages from now on. */
  start(socket, line, state) {
    Object.assign(this, { socket, id2: line.id, pid2: line.pid, state, received: now(), sent: now(), silent: false });
    Object.assign(this, { hostname1: socket.localAddress, port1: socket.localPort, hostname2: socket.remoteAddress, port2: socket.remotePort });
    socket.setNoDelay(true);
    socket.removeAllListeners('data').on('data', (data) => this.arrive(data));
    socket.removeAllListeners('end').on('end', () => this.drop('The other end closed the stream.'));
    socket.removeAllListeners('close').on('close', () => this.drop('The connection was lost.'));
    socket.on('error', (error) => this.drop(`The connection was lost: ${error.code}.`));
    socket.on('drain', () => this.pump());
    this.beat();
    this.watch();
    this.pump();
    if (line.rest.length > 0) this.arrive(line.rest);
  }

  // -- receiving

  arrive(data) {
    this.received = now();
    if (this.silent) {
      this.silent = false;
      this.watch();
      this.emit('timedout', false);
    }
    try {
      for (const p of this.framer.feed(data)) {
        if (this.state === 'closed') return;
        if (p.payload.length > 0) this.state === 'closing' || this.context.route(p, this);
        else if (p.seq === CLOSE) return this.drop('Closed from other end.');
      }
    } catch (error) {
      if (!(error instanceof YotonError)) throw error;
      this.drop(error.message);
    }
  }

  /** Looks for silence; a timer may come a moment early, a report must not (LINK-11). */
  watch() {
    clearTimeout(this.watcher);
    if (!this.connected || this.silent) return;
    const left = this.received + this.timeout - now();
    if (left > 0) {
      this.watcher = setTimeout(() => this.watch(), Math.ceil(left));
      return;
    }
    this.silent = true;
    this.emit('timedout', true);
  }

  setTimeout(seconds) {
    if (!(seconds >= 0.5)) throw new YotonError(`a time-out of ${seconds} s; at least 0.5 s is needed`);
    this.timeout = seconds * 1000;
    this.watch();
  }

  // -- sending

  add(bytes) {
    this.context.bound(this.queue, bytes);
    this.pump();
  }

  /** One package at a time, the next when the system took it, so that what waits can be counted and discarded. */
  pump() {
    while (this.socket && this.queue.length > 0 && this.socket.writableLength === 0 && this.state !== 'closed') this.write(this.queue.shift());
    if (this.idle || this.queue.length < HELD_FROM) this.emit('room');
  }

  write(bytes) {
    this.sent = now();
    this.socket.write(bytes);
  }

  beat() {
    clearTimeout(this.beater);
    if (!this.connected) return;
    if (now() - this.sent >= HEARTBEAT_EVERY - 1 && this.idle) this.write(pack(SLOT_SIGNAL, 0n, HEARTBEAT));
    const due = this.idle ? this.sent + HEARTBEAT_EVERY - now() : HEARTBEAT_EVERY;
    this.beater = setTimeout(() => this.beat(), Math.max(1, due));
  }

  /** Resolves true when all is sent, false when the time is over or the connection ended. */
  flushed(milliseconds) {
    return until(this, ['room', 'closed'], () => this.idle || !this.alive, milliseconds).then(() => this.idle && this.alive);
  }

  // -- the end

  drop(reason) {
    if (this.state === 'closed') return;
    if (this.state === 'closing') reason = this.reason;
    this.state = 'closed';
    this.queue = [];
    this.stop();
    if (this.socket && !this.socket.writableEnded) this.socket.destroy();
    this.emit('closed', reason);
  }

  stop() {
    clearTimeout(this.watcher);
    clearTimeout(this.beater);
    this.context.connections.delete(this);
    this.server?.close();
    this.candidates?.forEach((socket) => socket.destroy());
  }

  /** In the nice way: what is queued, the close signal, the end of the stream (LINK-12, LINK-16, LIMIT-8). */
  async close(reason = 'Closed on command.') {
    if (!this.connected) return this.drop(reason);
    Object.assign(this, { state: 'closing', reason });
    clearTimeout(this.beater);
    const begin = now();
    await until(this, ['room', 'closed'], () => this.idle || this.state === 'closed', CLOSING);
    if (this.state === 'closed') return undefined;
    if (!this.idle) {
      this.socket.destroy();
      return this.drop(reason);
    }
    endNicely(this.socket, pack(SLOT_SIGNAL, 0n, CLOSE), Math.max(1, begin + CLOSING - now()));
    return this.drop(reason);
  }
}

/** Waits for one of the events until `good()` holds, at most so long. */
async function until(emitter, events, good, milliseconds) {
  const end = now() + milliseconds;
  while (!good() && now() < end) {
    await new Promise((resolve) => {
      const timer = milliseconds === Infinity ? null : setTimeout(done, Math.ceil(end - now()));
      function done() {
        clearTimeout(timer);
        events.forEach((event) => emitter.off(event, done));
        resolve();
      }
      events.forEach((event) => emitter.on(event, done));
    });
  }
}

// ---- The context --------------------------------------------------------------------------------

export class Context {
  connections = new Set();
  incoming = new Map(); // slot -> channel
  outgoing = new Set();
  sources = new Map(); // id -> highest seq, least recently used first
  waiting = []; // packages from before the first connection
  seq = 0n;
  deposited = 0;

  constructor({ id, queue = [10000, 'old'], maxMessage = 2 ** 30, maxSources = 65536 } = {}) {
    const [size, mode] = queue;
    if (!Number.isInteger(size) || size < 1 || !['old', 'new'].includes(mode)) throw new YotonError('a queue is a size from 1 and "old" or "new"');
    if (!(maxSources >= 1024)) throw new YotonError('the memory of sources holds at least 1024');
    if (!(maxMessage >= 1)) throw new YotonError('messages have at least one byte');
    Object.assign(this, { id: id ?? (randomBytes(8).readBigUInt64LE() || 1n), queueSize: size, queueMode: mode, maxMessage, maxSources });
  }

  /** Adds to a queue that is limited (LIMIT-3, CTX-9). */
  bound(queue, item) {
    if (queue.length >= this.queueSize) {
      if (this.queueMode === 'new') return;
      queue.shift();
    }
    queue.push(item);
  }

  get hello() {
    return `YOTON!${this.id.toString(16).padStart(16, '0')}.${process.pid}\r\n`;
  }

  // -- connecting

  async bind(address, maxTries = 1, name = '', watch = () => {}) {
    const [host, first] = await parseAddress(address, true);
    for (let port = first; ; port++) {
      const server = new Server({ allowHalfOpen: true });
      const error = await new Promise((resolve) => {
        server.once('error', resolve).listen(port, host, 128, () => resolve(null));
      });
      if (!error) return this.wait(server, host, name, watch);
      if (error.code !== 'EADDRINUSE' || port - first + 1 >= maxTries || port >= 65535) throw new YotonError(`cannot bind to ${host}:${port}: ${error.code}`);
    }
  }

  wait(server, host, name, watch) {
    const c = new Connection(this, name);
    watch(c);
    Object.assign(c, { server, candidates: new Set(), state: 'waiting', hostname1: host, port1: server.address().port });
    server.removeAllListeners('error').on('error', () => {});
    server.on('connection', (socket) => this.meet(c, socket));
    this.enter(c);
    return c;
  }

  /** A candidate at a bind: it has two seconds for a good line. */
  meet(c, socket) {
    if (c.state !== 'waiting' || c.candidates.size >= CANDIDATES) return socket.destroy();
    const line = new Line();
    c.candidates.add(socket);
    const leave = () => {
      clearTimeout(timer);
      c.candidates.delete(socket);
    };
    const refuse = (state) => {
      leave();
      if (line.bytes.length === 0) return socket.destroy();
      return endNicely(socket, ERRORS[state]);
    };
    const timer = setTimeout(() => refuse(line.refusal()), HANDSHAKE);
    socket.on('error', () => {}).on('close', leave).on('end', () => refuse(line.refusal()));
    socket.on('data', (data) => {
      const state = line.feed(data);
      if (state === 'more') return;
      if (state !== 'good') {
        refuse(state);
      } else if (line.id === this.id) {
        leave(); // HS-27
        endNicely(socket, this.hello);
      } else {
        leave();
        c.server.close(); // HS-30: before the line is sent
        c.candidates.forEach((other) => other.destroy());
        socket.write(this.hello);
        c.start(socket, line, 'hosting');
      }
    });
    return undefined;
  }

  async connect(address, seconds = 1, name = '', watch = () => {}) {
    const [host, port] = await parseAddress(address, false);
    const c = new Connection(this, name);
    watch(c);
    const end = now() + seconds * 1000;
    for (;;) {
      const why = await this.dial(c, host, port, end);
      if (!why) return c;
      if (why !== 'nobody' || now() + RETRY > end) throw new YotonError(why === 'nobody' ? `cannot connect to ${host}:${port}: nobody is there` : why);
      await new Promise((resolve) => { setTimeout(resolve, RETRY); });
    }
  }

  /** One try; resolves to nothing, to "nobody" (try again), or to why it failed. */
  dial(c, host, port, end) {
    return new Promise((resolve) => {
      const line = new Line(), socket = new Socket({ allowHalfOpen: true });
      let timer = setTimeout(() => over('nobody'), Math.max(1, end - now()));
      const over = (why) => {
        clearTimeout(timer);
        socket.destroy();
        resolve(why);
      };
      const lost = () => over(line.bytes.length > 0 ? 'the host ended its line in the middle' : 'nobody');
      socket.on('connect', () => {
        clearTimeout(timer);
        timer = setTimeout(() => over(`the host at ${host}:${port} did not say its line within 2 s`), HANDSHAKE);
        socket.write(this.hello);
      });
      socket.on('error', lost).on('end', lost).on('close', lost);
      socket.on('data', (data) => {
        const state = line.feed(data);
        if (state === 'more') return;
        if (state !== 'good') return void over(`the host did not say a good line: ${line.shown}`);
        if (line.id === this.id) return void over('a context cannot connect to itself');
        clearTimeout(timer);
        socket.removeAllListeners('error');
        this.enter(c, () => c.start(socket, line, 'connected'));
        this.make(SLOT_CONTEXT, Buffer.from('NEW_CONNECTION'));
        return resolve(null);
      });
      socket.connect({ host, port });
    });
  }

  /** A connection becomes alive: the first gets what waited (CTX-7), before what it receives is routed. */
  enter(c, start = () => {}) {
    if (this.alive.length === 0) c.queue.push(...this.waiting.splice(0));
    this.connections.add(c);
    start();
  }

  get alive() {
    return [...this.connections].filter((c) => c.alive);
  }

  async close() {
    await Promise.all([...this.connections].map((c) => c.close()));
  }

  // -- routing (section 8)

  /** Makes an own package, and sends it everywhere. */
  make(slot, payload) {
    this.seq += 1n;
    const bytes = pack(slot, this.id, this.seq, 0n, 0n, payload), alive = this.alive;
    if (alive.length === 0) this.bound(this.waiting, bytes);
    alive.forEach((c) => c.add(bytes));
  }

  route(p, from) {
    if (p.source === 0n || p.source === this.id) return;
    const last = this.sources.get(p.source) ?? 0n;
    this.sources.delete(p.source); // so that it goes to the end, as the one used last
    this.sources.set(p.source, p.seq > last ? p.seq : last);
    if (this.sources.size > this.maxSources) this.sources.delete(this.sources.keys().next().value);
    if (p.seq <= last) return;
    if (p.dest !== this.id) {
      const bytes = Buffer.concat([p.header, p.payload]);
      this.alive.forEach((c) => c === from || c.add(bytes));
    }
    if (p.dest === 0n || p.dest === this.id) this.incoming.get(p.slot)?.deposit(p, (this.deposited += 1));
  }

  /** LIMIT-4: waits while a connection has much to send, at most a second. */
  async hold() {
    const end = now() + HOLD;
    for (const c of this.connections) await until(c, ['room', 'closed'], () => !c.connected || c.queue.length < HELD_FROM, end - now());
  }
}

// ---- Channels -----------------------------------------------------------------------------------

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeText(bytes) {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw new YotonError('a message of type txt is not UTF-8');
  }
}

function encodeText(text) {
  if (typeof text !== 'string' || /\p{Surrogate}/u.test(text)) throw new YotonError('a channel of type txt sends strings of whole characters');
  return Buffer.from(text);
}

function encodeBytes(bytes) {
  if (!(bytes instanceof Uint8Array)) throw new YotonError('a channel of type bin sends bytes');
  return Buffer.from(bytes);
}

export const TYPES = {
  txt: { encode: encodeText, decode: decodeText },
  bin: { encode: encodeBytes, decode: (bytes) => Buffer.from(bytes) },
  obj: {
    encode: (value) => encodeObject(value, YotonError),
    decode: (bytes) => decodeObject(bytes, YotonError),
  },
};

class Channel extends EventEmitter {
  closed = false;

  constructor(context, kind, base, type) {
    super();
    [this.nameOut, this.nameIn] = PATTERNS[kind].map((pattern) => `${base}.${type}.${pattern}`);
    Object.assign(this, { context, type: TYPES[type], slotOut: slotHash(this.nameOut), slotIn: slotHash(this.nameIn) });
    if (context.outgoing.has(this.slotOut) || context.incoming.has(this.slotIn)) throw new YotonError(`slot ${this.nameOut} is taken`); // SLOT-7
    context.outgoing.add(this.slotOut);
    context.incoming.set(this.slotIn, this);
  }

  close() {
    if (this.closed) return;
    this.closed = true;
    this.context.outgoing.delete(this.slotOut);
    this.context.incoming.delete(this.slotIn);
    this.emit('change');
  }
}

export class PubChannel extends Channel {
  full = new Map(); // source -> until when its `full` counts, oldest first

  constructor(context, base, type) {
    super(context, 'pub', base, type);
  }

  /** A word of a sub channel (SYNC-5 to SYNC-7, SYNC-10). */
  deposit(p) {
    this.full.delete(p.source);
    if (p.payload.toString() === 'full') this.full.set(p.source, now() + WORD_LASTS);
    if (this.full.size > FULL_SOURCES) this.full.delete(this.full.keys().next().value);
    this.emit('change');
  }

  held() {
    for (const [source, end] of this.full) if (end <= now()) this.full.delete(source);
    return this.full.size > 0;
  }

  async send(value) {
    if (this.closed) throw new ClosedError('the channel is closed');
    const payload = this.type.encode(value);
    if (payload.length > this.context.maxMessage) throw new YotonError(`a message of ${payload.length} bytes; at most ${this.context.maxMessage} are sent`);
    if (payload.length === 0) return; // MSG-2
    const left = [...this.full.values()].reduce((a, b) => Math.max(a, b), 0) - now(); // words that end without an event
    if (this.held()) await until(this, ['change'], () => !this.held() || this.closed, Math.min(HOLD, Math.max(left, 1)));
    await this.context.hold();
    if (this.closed) throw new ClosedError('the channel is closed');
    this.context.make(this.slotOut, payload);
  }
}

/** Events: received. */
export class SubChannel extends Channel {
  queue = []; // { number, payload }
  sync = false;

  constructor(context, base, type) {
    super(context, 'sub', base, type);
  }

  get pending() {
    return this.queue.length;
  }

  deposit(p, number) {
    this.context.bound(this.queue, { number, payload: p.payload });
    this.look();
    this.emit('received');
    this.emit('change');
  }

  /** Compares the queue with the thresholds of section 12.1, and says so to the pub channels. */
  look() {
    if (!this.sync) return;
    const word = this.pending > SYNC_FULL ? 'full' : this.pending < SYNC_OK ? 'ok' : this.word;
    const first = word !== this.word && !(word === 'ok' && this.word === undefined);
    const again = this.word !== undefined && now() - this.said > WORD_AGAIN;
    if ((first || again) && !this.closed) this.say(word);
  }

  say(word) {
    Object.assign(this, { word, said: now() });
    this.context.make(this.slotOut, Buffer.from(word));
  }

  setSyncMode(on) {
    if (!on && this.sync && this.word === 'full' && !this.closed) this.say('ok'); // SYNC-8
    this.sync = on;
    this.word = undefined;
    this.look();
  }

  take() {
    const { payload } = this.queue.shift();
    this.look();
    return this.type.decode(payload);
  }

  /** The next message; undefined when the time (in seconds) is over. A closed and empty channel is an error. */
  async recv(seconds = 0) {
    this.look();
    await until(this, ['change'], () => this.pending > 0 || this.closed, seconds * 1000);
    if (this.pending > 0) return this.take();
    if (this.closed) throw new ClosedError('the channel is closed and empty');
    return undefined;
  }

  recvAll() {
    return Array.from({ length: this.pending }, () => this.take());
  }

  /** Messages that are older than any in the other channels it was selected from. */
  recvSelected() {
    const values = [];
    while (this.pending > 0 && this.queue[0].number <= (this.selectedBefore ?? -1)) values.push(this.take());
    this.selectedBefore = undefined;
    return values;
  }
}

/** The channel with the oldest message, or undefined. */
export function selectSubChannel(...channels) {
  const ready = channels.filter((c) => c.pending > 0).sort((a, b) => a.queue[0].number - b.queue[0].number);
  if (ready.length > 0) ready[0].selectedBefore = ready.length > 1 ? ready[1].queue[0].number - 1 : Infinity;
  return ready[0];
}
