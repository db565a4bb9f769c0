/** The contract on every line there is: in memory, in the virtual net, on real sockets and on a pseudo-terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import type { ByteDuplex, Env, Listener, SerialSettings } from '../../src/base/env.ts';
import { SILENT_LOG } from '../../src/base/log.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { PushMachine } from '../../src/dlms/frame/push.machine.ts';
import { encodeWrapper } from '../../src/dlms/frame/wrapper-frame.ts';
import { createHostEnv } from '../../src/host/env.ts';
import { openPseudoTerminal } from '../../src/host/pseudo-terminal.ts';
import { MemoryNet } from '../../src/lab/memory-net.ts';
import { LineDriver } from '../../src/link/drive.ts';
import type { LineLink } from '../../src/link/link.ts';
import { linkOf } from '../../src/link/registry.ts';
import type { LinkEnv } from '../../src/link/scheme.ts';
import { BaseNode } from '../../src/sim/serve/base-node.ts';
import { G3SimModem, simEui64 } from '../../src/sim/serve/g3-modem.ts';
import { openOpticalFront } from '../../src/sim/serve/optical-front.ts';
import { virtualUarts } from '../support/virtual-uart.ts';
import { World } from '../unit/link/virtual.ts';
import { vectors } from '../vectors/vector.ts';
import { linkContract, type OpenLine } from './link-contract.ts';

const host: Env = createHostEnv({ log: SILENT_LOG });
const noSerial = { open: () => Promise.reject(new Error('no serial port here')) };

function lineOf(url: string, env: LinkEnv): LineLink {
  const link = linkOf(url, env);
  assert.ok(link.kind === 'line', url);
  return link;
}

/** A real line: time passes by itself. */
const real = { env: host, settle: <Value>(promise: Promise<Value>) => promise };

for (const [name, shape] of [
  ['memory', {}],
  ['memory, paced at 9,600 Bd', { octetsPerS: 960, turnaroundMs: 20 }],
  ['memory, in pieces', { faults: { pieceBytes: 5 } }],
] as const) {
  for (const framing of ['hdlc', 'wrapper'] as const) {
    linkContract(`${name}, ${framing}`, async () => {
      const world = new World(7);
      const env: LinkEnv = {
        ...world,
        timers: world.timers,
        net: new MemoryNet(world.timers, () => {}).of('edge'),
        serial: noSerial,
        lines: world.lines,
      };
      const line = world.lines.create('bus1', shape);
      const link = lineOf(`memory:bus1?framing=${framing}`, env);
      const far = line.attach();
      return {
        link,
        near: await link.open(),
        far,
        env: world,
        settle: (promise) => world.settle(promise),
        close: () => Promise.resolve(),
      };
    });
  }
}

/** A cable: what comes out of one end goes into the other. */
function joinDuplexes(a: ByteDuplex, b: ByteDuplex): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const)
    from.listen({ data: (chunk) => void to.write(chunk.slice()).catch(() => undefined), closed: () => {} });
}

/** Opens a TCP line whose far end is a listener's connection. */
async function openTcp(
  scheme: string,
  env: LinkEnv,
  net: Env['net'],
  hostName: string,
  rest: Pick<OpenLine, 'env' | 'settle'>,
): Promise<OpenLine> {
  let accepted: (duplex: ByteDuplex) => void = () => {};
  const far = new Promise<ByteDuplex>((resolve) => {
    accepted = resolve;
  });
  const listener = await rest.settle(net.listenTcp(hostName, 0, (duplex) => accepted(duplex)));
  const link = lineOf(`${scheme}://${hostName.includes(':') ? `[${hostName}]` : hostName}:${listener.port}`, env);
  const near = await rest.settle(link.open());
  const open: OpenLine = { ...rest, link, near, far: await rest.settle(far), close: () => closeTcp(open, listener) };
  return open;
}

async function closeTcp({ near, far, settle }: OpenLine, listener: Listener): Promise<void> {
  near.close();
  far.close();
  await settle(listener.close());
}

for (const scheme of ['tcp', 'tcp+hdlc']) {
  linkContract(`${scheme}, virtual net`, () => {
    const world = new World(7);
    const net = new MemoryNet(world.timers, () => {});
    const env: LinkEnv = { timers: world.timers, clock: world.clock, net: net.of('edge'), serial: noSerial };
    return openTcp(scheme, env, net.of('meter'), 'meter', { env: world, settle: (promise) => world.settle(promise) });
  });
  linkContract(`${scheme}, real sockets`, () => openTcp(scheme, host, host.net, '127.0.0.1', real));
}

/** A base node with one meter, which is named by the address. */
async function openPrime(env: LinkEnv, net: Env['net'], hostName: string, rest: Pick<OpenLine, 'env' | 'settle'>) {
  const node = new BaseNode([{ serial: '10000001', address: 1 }], env);
  let accepted: (duplex: ByteDuplex) => void = () => {};
  const far = new Promise<ByteDuplex>((resolve) => {
    accepted = resolve;
  });
  const listener = await rest.settle(net.listenTcp(hostName, 0, (duplex) => accepted(node.attach(duplex))));
  const link = lineOf(`prime-tcp://${hostName}:${listener.port}/10000001?inflight=16`, env);
  const near = await rest.settle(link.open());
  const message = (apdu: Uint8Array) => encodeWrapper({ source: 1, destination: 1, apdu });
  // For a client that nobody is.
  const stray = (apdu: Uint8Array) => encodeWrapper({ source: 1, destination: 99, apdu });
  const close = async () => {
    link.close?.();
    await rest.settle(listener.close());
  };
  return { ...rest, link, near, far: await rest.settle(far), message, stray, close } satisfies OpenLine;
}

linkContract('prime-tcp, virtual net', () => {
  const world = new World(7);
  const net = new MemoryNet(world.timers, () => {});
  const env: LinkEnv = { timers: world.timers, clock: world.clock, net: net.of('edge'), serial: noSerial };
  return openPrime(env, net.of('node'), 'node', { env: world, settle: (promise) => world.settle(promise) });
});
linkContract('prime-tcp, real sockets', () => openPrime(host, host.net, '127.0.0.1', real));

/** A G3 modem with one meter, which is named by the address; the line below it is whatever `place` opens. */
async function openG3(env: LinkEnv, place: G3Place, { settle }: Pick<OpenLine, 'settle'>) {
  const modem = new G3SimModem([{ serial: '10000001', address: 1 }], env, {}, new SeededRandom(3));
  const { url, far, close: closePlace } = await place(modem);
  const link = lineOf(`${url}?pan=781D&inflight=16&meter=${simEui64('10000001')}`, env);
  const near = await settle(link.open());
  const message = (apdu: Uint8Array) => encodeWrapper({ source: 1, destination: 1, apdu });
  // For a client that nobody is.
  const stray = (apdu: Uint8Array) => encodeWrapper({ source: 1, destination: 99, apdu });
  const close = async () => {
    link.close?.();
    await closePlace();
  };
  return { env, settle, link, near, far: await settle(far), message, stray, close } satisfies OpenLine;
}

type G3Place = (
  modem: G3SimModem,
) => Promise<{ readonly url: string; readonly far: Promise<ByteDuplex>; close(): Promise<void> }>;

/** Behind a serial server. */
function bridged(net: Env['net'], hostName: string, settle: OpenLine['settle']): G3Place {
  return async (modem) => {
    let accepted: (duplex: ByteDuplex) => void = () => {};
    const far = new Promise<ByteDuplex>((resolve) => {
      accepted = resolve;
    });
    const listener = await settle(net.listenTcp(hostName, 0, (duplex) => accepted(modem.attach(duplex))));
    return { url: `g3-serial://${hostName}:${listener.port}`, far, close: () => settle(listener.close()) };
  };
}

linkContract('g3-serial, virtual net', () => {
  const world = new World(7);
  const net = new MemoryNet(world.timers, () => {});
  const env = { timers: world.timers, clock: world.clock, net: net.of('edge'), serial: noSerial };
  const settle: OpenLine['settle'] = (promise) => world.settle(promise);
  return openG3(env, bridged(net.of('modem'), 'modem', settle), { settle });
});
linkContract('g3-serial, real sockets', () => openG3(host, bridged(host.net, '127.0.0.1', real.settle), real));
linkContract('g3-serial, pseudo-terminal', () =>
  openG3(
    host,
    async (modem) => {
      const terminal = await openPseudoTerminal();
      const far = Promise.resolve(modem.attach(terminal.master));
      return { url: `g3-serial://${terminal.path}`, far, close: () => terminal.close() };
    },
    real,
  ),
);

linkContract('serial, pseudo-terminal', async () => {
  const terminal = await openPseudoTerminal();
  const link = lineOf(`serial://${terminal.path}?baud=9600`, host);
  const near = await link.open();
  const close = async () => {
    near.close();
    await terminal.close();
  };
  return { ...real, link, near, far: terminal.master, close };
});

linkContract('optical, wire of real speeds in memory', async () => {
  const world = new World(7);
  const uarts = virtualUarts(world.timers);
  const net = new MemoryNet(world.timers, () => {}).of('edge');
  const link = lineOf('optical:///dev/ttyUSB0', {
    timers: world.timers,
    clock: world.clock,
    net,
    serial: uarts.near,
  });
  const far = await openOpticalFront('far', (settings) => uarts.far.open('far', settings), world, {});
  const near = await world.settle(link.open());
  return { link, near, far, env: world, settle: (promise) => world.settle(promise), close: () => Promise.resolve() };
});

linkContract('optical, pseudo-terminals', async () => {
  const [terminal, meter] = await Promise.all([openPseudoTerminal(), openPseudoTerminal()]);
  joinDuplexes(terminal.master, meter.master);
  const open = (settings: SerialSettings) => host.serial.open(meter.path, settings);
  const far = await openOpticalFront(meter.path, open, host, { startBaud: 9_600, reactionMs: 20, text: 'PTY' });
  const link = lineOf(`optical://${terminal.path}?start=9600`, host);
  const near = await link.open();
  const close = async () => {
    near.close();
    far.close();
    await Promise.all([terminal.close(), meter.close()]);
  };
  return { ...real, link, near, far, close };
});

test('SG-EV-1 push+serial: captures of real meters, with noise and in random pieces, come out of a pseudo-terminal whole', async () => {
  const random = new SeededRandom(11);
  const rows = vectors<{ messages: { apduHex: string }[] }>('push-captures').filter(
    ({ layer }) => layer === 'hdlc' || layer === 'mbus',
  );
  const expected = rows.flatMap((row) => row.expect.messages.map(({ apduHex }) => apduHex));
  const terminal = await openPseudoTerminal();
  const link = lineOf(`push+serial://${terminal.path}?gap=50`, host);
  assert.equal(link.framing, 'auto');
  const near = await link.open();
  const driver = new LineDriver(near, host);
  const heard: string[] = [];
  let noise = 0;
  const complete = new Promise<void>((resolve) => {
    const onEvents = (events: ReturnType<PushMachine['receive']>) => {
      for (const event of events) {
        if (event.kind === 'unsolicited') heard.push(toHex(event.apdu));
        else if (event.kind === 'discarded') noise += event.octets.length;
      }
      if (heard.length >= expected.length) resolve();
    };
    driver.run(new PushMachine({ framing: 'auto', gapMs: link.gapMs }), onEvents, () => {});
  });
  for (const row of rows) {
    const octets = fromHex(row.hex);
    await terminal.master.write(Uint8Array.of(0x55, 0xaa, random.below(0x60), 0x11));
    for (let at = 0; at < octets.length; ) {
      const length = 1 + random.below(90);
      await terminal.master.write(octets.subarray(at, at + length));
      at += length;
    }
  }
  await complete;
  assert.deepEqual(heard, expected);
  assert.ok(noise >= rows.length * 4, `${noise} octets of noise`);
  driver.close();
  await terminal.close();
});

test('push+tcp: meters connect by themselves, each connection is a line of its own', async () => {
  const world = new World();
  const net = new MemoryNet(world.timers, () => {});
  const link = linkOf('push+tcp://edge:4059', {
    timers: world.timers,
    clock: world.clock,
    net: net.of('edge'),
    serial: noSerial,
  });
  assert.ok(link.kind === 'listener');
  const lines: ByteDuplex[] = [];
  const listener = await link.listen((duplex) => lines.push(duplex));
  await world.settle(net.of('m1').connectTcp('edge', 4059, { timeoutMs: 1_000 }));
  await world.settle(net.of('m2').connectTcp('edge', 4059, { timeoutMs: 1_000 }));
  assert.deepEqual(
    lines.map(({ peer }) => peer),
    ['m1', 'm2'],
  );
  await world.settle(listener.close());
});
