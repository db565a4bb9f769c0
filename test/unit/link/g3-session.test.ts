/** Meters behind a G3 modem as lines of their own, packet by packet. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import type { ByteDuplex, DuplexListener } from '../../../src/base/env.ts';
import {
  decodeG3,
  encodeG3,
  G3_PAN_ID_ATTRIBUTE,
  G3_RESULT,
  type G3Message,
  g3CommandOf,
} from '../../../src/dlms/frame/g3-message.ts';
import { FrameScanner } from '../../../src/dlms/frame/scanner.ts';
import { decodeUdpPacket, encodeUdpPacket, linkLocalOf, type UdpPacket } from '../../../src/dlms/frame/udp-packet.ts';
import { encodeUsi, USI_PROTOCOL, type UsiFrame, usiRule } from '../../../src/dlms/frame/usi-frame.ts';
import { encodeWrapper } from '../../../src/dlms/frame/wrapper-frame.ts';
import { openG3Session } from '../../../src/link/g3-session.ts';
import type { LinkMemory } from '../../../src/link/link.ts';
import { PlcTraffic } from '../../../src/link/plc-traffic.ts';
import { World } from './virtual.ts';

const PAN = 0x781d;
const PORT = 4_059;
const GUARD_MS = 120_000;
const EUI = '0011223344556677';
const OTHER = '0011223344556688';
const RULES = {
  panId: PAN,
  band: 0,
  answerMs: 1_000,
  startMs: 10_000,
  confirmMs: 45_000,
  aliveMs: 600_000,
  retryMs: 500,
  gapMs: 250,
  discoversRoutes: true,
};
const CLIENT = 16;
const STATION = 1;
const REQUEST = encodeWrapper({ source: CLIENT, destination: STATION, apdu: Uint8Array.of(0xc0) });
const ANSWER = encodeWrapper({ source: STATION, destination: CLIENT, apdu: Uint8Array.of(0xc4, 1) });

/** The port, whose other end is the test. */
class Port implements ByteDuplex {
  readonly peer = 'modem';
  readonly #scanner = new FrameScanner<UsiFrame>([usiRule(USI_PROTOCOL.g3Adaptation)], 100);
  readonly said: G3Message[] = [];
  closed = 0;
  #listener: DuplexListener | null = null;

  write(octets: Uint8Array): Promise<void> {
    for (const event of this.#scanner.receive(octets, 0))
      if (event.kind === 'frame') this.said.push(decodeG3(event.frame.payload, 'host'));
    return Promise.resolve();
  }
  listen(listener: DuplexListener): void {
    this.#listener = listener;
  }
  close(): void {
    this.closed++;
  }
  say(message: G3Message): void {
    this.#listener?.data(encodeUsi({ protocol: USI_PROTOCOL.g3Adaptation, payload: encodeG3(message) }));
  }
  /** The packet of a meter, in the parts that the test alters. */
  packet(shortAddress: number, altered: Partial<UdpPacket> = {}): void {
    const packet = encodeUdpPacket({
      source: linkLocalOf(PAN, shortAddress),
      destination: linkLocalOf(PAN, 0),
      sourcePort: PORT,
      destinationPort: PORT,
      payload: ANSWER,
      ...altered,
    });
    this.say({ kind: 'data', linkQuality: 90, packet });
  }
  requests() {
    return this.said.flatMap((message) => (message.kind === 'data-request' ? [message] : []));
  }
  confirm(result: number): void {
    this.say({ kind: 'data-confirm', result, handle: this.requests().at(-1)?.handle ?? 0 });
  }
}

/** A memory that keeps when the test says so. */
class Memory implements LinkMemory {
  readonly kept: unknown[] = [];
  readonly waiting: (() => void)[] = [];

  constructor(private readonly value: unknown) {}

  load(): Promise<unknown> {
    return Promise.resolve(this.value);
  }
  keep(value: unknown): Promise<void> {
    this.kept.push(value);
    return new Promise((resolve) => this.waiting.push(resolve));
  }
}

interface Given {
  readonly kept?: unknown;
  /** What the modem says of its PAN; absent = that it runs ours. */
  readonly pan?: string;
}

/** A session whose network runs, with the meter EUI at short address 1 unless something else was kept. */
async function session({ kept = [[EUI, 1]], pan = '781d' }: Given = {}) {
  const port = new Port();
  const world = new World();
  const told: string[] = [];
  const memory = new Memory(kept);
  const opening = openG3Session({
    duplex: port,
    env: world,
    rules: RULES,
    port: PORT,
    startsAnew: false,
    traffic: new PlcTraffic({ most: 4, heldMs: 45_000, guardMs: GUARD_MS }),
    memory,
    watcher: {
      joined: ({ name, address }) => told.push(`joined ${name} ${address}`),
      left: ({ name }) => told.push(`left ${name}`),
      settled: () => told.push('settled'),
      late: ({ name }) => told.push(`late ${name}`),
      ended: (reason) => told.push(`ended ${reason}`),
    },
  });
  await flushed();
  port.say({ kind: 'get-confirm', result: 0, attribute: G3_PAN_ID_ATTRIBUTE, index: 0, value: fromHex(pan) });
  if (port.said.at(-1)?.kind === 'initialize') {
    port.say({ kind: 'status', status: 0, command: g3CommandOf('initialize') });
    port.say({ kind: 'network-started', result: 0 });
  }
  const g3 = await opening;
  const line = (name = EUI) => {
    const duplex = g3.lineTo(name, STATION);
    assert.ok(duplex !== null);
    const heard: string[] = [];
    let closed = 0;
    duplex.listen({ data: (octets) => heard.push(toHex(octets)), closed: () => closed++ });
    return { duplex, heard, isClosed: () => closed > 0 };
  };
  return { port, world, told, memory, g3, line };
}

/** Lets promises that are settled run on. */
async function flushed(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

test('meters that were kept are there when the network runs on, and are not when it is started', async () => {
  const { g3, told } = await session();
  assert.deepEqual(told, [`joined ${EUI} 1`]);
  assert.deepEqual(g3.nodes, [{ address: 1, name: EUI, eui: EUI }]);
  const started = await session({ pan: 'ffff' });
  assert.deepEqual([started.g3.nodes, started.told], [[], []]);
});

test('what was kept and is no list of meters counts as nothing', async () => {
  for (const kept of [null, 7, [[EUI]], [['x', 1]], [[EUI, 0]], [[EUI, 70_000]]]) {
    const { port } = await session({ kept });
    assert.ok(
      port.said.some(({ kind }) => kind === 'network-start'),
      JSON.stringify(kept),
    );
  }
});

test('a request goes as wrapper in UDP in IPv6 to the meter, and its answer comes on its line', async () => {
  const { port, line } = await session();
  const { duplex, heard } = line();
  const written = duplex.write(REQUEST);
  await flushed();
  const [request] = port.requests();
  assert.ok(request !== undefined);
  const { payload, ...rest } = decodeUdpPacket(request.packet);
  assert.deepEqual(rest, {
    source: linkLocalOf(PAN, 0),
    destination: linkLocalOf(PAN, 1),
    sourcePort: PORT,
    destinationPort: PORT,
  });
  assert.equal(toHex(payload), toHex(REQUEST));
  port.confirm(G3_RESULT.success);
  await written;
  port.packet(1);
  assert.deepEqual(heard, [toHex(ANSWER)]);
});

test('what is not from a meter of this PAN, to the coordinator, for our port, and one whole message, is heard on no line', async () => {
  const { port, line } = await session();
  const { heard } = line();
  port.packet(2);
  port.packet(1, { source: linkLocalOf(PAN + 1, 1) });
  port.packet(1, { destination: linkLocalOf(PAN, 2) });
  port.packet(1, { destinationPort: PORT + 1 });
  port.packet(1, { payload: ANSWER.subarray(0, -1) });
  port.packet(1, { payload: Uint8Array.of(...ANSWER, 0) });
  port.say({ kind: 'data', linkQuality: 90, packet: fromHex('6000') });
  assert.deepEqual(heard, []);
  port.packet(1);
  assert.equal(heard.length, 1);
});

test('a meter gets its short address when that is kept, and the one that it had at once', async () => {
  const { port, memory, told } = await session();
  const assigned = () => port.said.flatMap((message) => (message.kind === 'assign' ? [message.shortAddress] : []));
  port.say({ kind: 'join-request', eui64: OTHER });
  await flushed();
  assert.deepEqual(
    [assigned(), memory.kept],
    [
      [],
      [
        [
          [EUI, 1],
          [OTHER, 2],
        ],
      ],
    ],
  );
  memory.waiting.shift()?.();
  await flushed();
  assert.deepEqual(assigned(), [2]);
  port.say({ kind: 'joined', eui64: OTHER, shortAddress: 2 });
  port.say({ kind: 'join-request', eui64: EUI });
  assert.deepEqual(assigned(), [2, 1]);
  assert.equal(memory.kept.length, 1);
  assert.equal(told.at(-1), `joined ${OTHER} 2`);
});

test('a meter that leaves or joins again ends its line; what it owes stays owed under the same address', async () => {
  const { port, line, g3, told } = await session();
  const first = line();
  void first.duplex.write(REQUEST).catch(() => undefined);
  await flushed();
  port.confirm(G3_RESULT.success);
  port.say({ kind: 'left', shortAddress: 1 });
  assert.ok(first.isClosed());
  assert.equal(g3.restMs(EUI), 0, 'it is not there');
  port.say({ kind: 'joined', eui64: EUI, shortAddress: 1 });
  assert.equal(g3.restMs(EUI), GUARD_MS);
  port.packet(1);
  assert.equal(g3.restMs(EUI), 0);
  assert.deepEqual(told.slice(1), [`left ${EUI}`, `joined ${EUI} 1`, `late ${EUI}`, 'settled']);
});

test('a request that certainly did not leave fails at once and leaves nothing owed; one that may have left is waited for', async () => {
  for (const [result, isCertain] of [
    [G3_RESULT.routeError, true],
    [G3_RESULT.invalidIpv6Frame, true],
    [G3_RESULT.timeout, false],
    [G3_RESULT.failed, false],
  ] as const) {
    const { port, line, g3 } = await session();
    const written = line().duplex.write(REQUEST);
    await flushed();
    port.confirm(result);
    if (isCertain) await assert.rejects(written, { code: 'LINK_UNSENT' });
    else await written;
    assert.equal(g3.restMs(EUI), isCertain ? 0 : GUARD_MS, `${result}`);
  }
});

test('an APDU above 1,224 octets does not go out, one of 1,224 does', async () => {
  const { port, line } = await session();
  const { duplex } = line();
  const wrapped = (octets: number) =>
    encodeWrapper({ source: CLIENT, destination: STATION, apdu: new Uint8Array(octets) });
  await assert.rejects(duplex.write(wrapped(1_225)), { code: 'LINK_UNSENT' });
  assert.equal(port.requests().length, 0);
  void duplex.write(wrapped(1_224));
  await flushed();
  assert.equal(port.requests().at(0)?.packet.length, 1_280);
});

test('a modem that was reset takes everybody out of the network; they join again as they come', async () => {
  const { port, line, told } = await session();
  const { duplex, isClosed } = line();
  void duplex.write(REQUEST).catch(() => undefined);
  await flushed();
  port.say({ kind: 'status', status: 1, command: g3CommandOf('data-request') });
  assert.ok(isClosed());
  port.say({ kind: 'status', status: 0, command: g3CommandOf('initialize') });
  port.say({ kind: 'network-started', result: 0 });
  port.say({ kind: 'joined', eui64: EUI, shortAddress: 1 });
  assert.deepEqual(told.slice(1), [`left ${EUI}`, `joined ${EUI} 1`]);
});

test('a modem that does not answer, or a memory that cannot be read, fails with LINK_MODEM and gives the port back', async () => {
  const port = new Port();
  const world = new World();
  const watcher = { joined() {}, left() {}, settled() {}, late() {}, ended() {} };
  const traffic = new PlcTraffic({ most: 4, heldMs: 45_000, guardMs: GUARD_MS });
  const common = { duplex: port, env: world, rules: RULES, port: PORT, startsAnew: false, traffic, watcher };
  await assert.rejects(world.settle(openG3Session({ ...common, memory: null })), { code: 'LINK_MODEM' });
  assert.equal(port.closed, 1);
  const memory = { load: () => Promise.reject(new Error('damaged')), keep: () => Promise.resolve() };
  await assert.rejects(openG3Session({ ...common, memory }), { code: 'LINK_MODEM' });
  assert.equal(port.closed, 2);
});
