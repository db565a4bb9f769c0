import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeltawattError, errorsOf } from '../../../src/base/errors.ts';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import { Commands } from '../../../src/edge/commands/commands.ts';
import type { EdgeLimits } from '../../../src/edge/commands/limits-document.ts';
import { edgeError } from '../../../src/edge/errors.ts';
import { ImageFetcher } from '../../../src/edge/images/image-fetcher.ts';
import { ImageStore } from '../../../src/edge/images/image-store.ts';
import type {
  Adopting,
  Dispatcher,
  GroupRows,
  JobFailure,
  KeyChange,
  MeterAccess,
  RelayReading,
} from '../../../src/edge/ports.ts';
import type { Command, CommandBody, CommandReport, ObjectReference, ObjectValue } from '../../../src/model/command.ts';
import type { CommandId, EdgeId, MeterId } from '../../../src/model/ids.ts';
import { commandSigningOctets, encodeCommand } from '../../../src/wire/codec.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, TEST_CRYPTO, testWorld } from './world.ts';

const KEY = TEST_CRYPTO.signingKeyFrom(new Uint8Array(32).fill(1));
const METER = 'm1' as MeterId;
const DISCONNECT: CommandBody = { kind: 'relay', action: 'disconnect' };
const RECONNECT: CommandBody = { kind: 'relay', action: 'reconnect' };
const ENERGY: ObjectReference = { classId: 3, obis: '1-0:1.8.0*255', attribute: 2 };

/** `c1` as a UUID. */
function idOf(name: string): CommandId {
  const hex = [...name]
    .map((letter) => letter.charCodeAt(0).toString(16))
    .join('')
    .padStart(12, '0');
  return `00000000-0000-4000-8000-${hex}` as CommandId;
}

/** A meter with a relay that obeys, until told otherwise. */
class FakeMeter implements MeterAccess {
  readonly timeZone = 'Europe/Berlin';
  relaySettleMs = 0;
  ordersAreProtected = false;
  keyChange: KeyChange | null = null;
  relayObis: string | null = '0-0:96.3.10*255';
  loadVoltage: MeterAccess['loadVoltage'] = null;
  snapshot: readonly ObjectReference[] = [];
  relay: RelayReading = { outputOn: true, controlState: 1, controlMode: 4 };
  readonly calls: string[] = [];
  /** What the relay does when a method is invoked; throwing = the answer is lost. */
  onInvoke: (method: number) => number = (method) => {
    this.relay = {
      ...this.relay,
      ...(method === 1 ? { outputOn: false, controlState: 0 } : { outputOn: true, controlState: 1 }),
    };
    return 0;
  };
  onReadRelay: () => void = () => undefined;
  values: readonly ObjectValue[] = [
    { ...ENERGY, result: 0, value: 12_345, exponent: 0, unit: 'Wh', raw: Uint8Array.of(6) },
  ];

  readObjects(): Promise<readonly ObjectValue[]> {
    this.calls.push('read');
    return Promise.resolve(this.values);
  }
  async invoke(_classId: number, _obis: string, method: number, argument: Data): Promise<{ readonly result: number }> {
    this.calls.push(`invoke ${method} ${argument.type}`);
    return { result: this.onInvoke(method) };
  }
  async readRelay(): Promise<RelayReading> {
    this.calls.push('relay');
    this.onReadRelay();
    return this.relay;
  }
  imageSession(): Promise<never> {
    return Promise.reject(new Error('no image is sent here'));
  }
  drop(): Promise<void> {
    return Promise.resolve();
  }
  isWanted(): boolean {
    return false;
  }
}

async function bench(
  options: {
    journal?: FakeJournal;
    limits?: Partial<EdgeLimits>;
    meter?: FakeMeter;
    time?: boolean;
    adopting?: Adopting;
    adopted?: () => void;
  } = {},
) {
  const world = testWorld();
  const journal = options.journal ?? new FakeJournal();
  const meter = options.meter ?? new FakeMeter();
  const health = new FakeHealth();
  const state = {
    failure: null as JobFailure | null,
    hold: Promise.resolve(),
    timeKnown: options.time ?? true,
    dispatched: [] as string[],
  };
  const dispatcher: Dispatcher = {
    has: (meterId) => meterId === METER,
    firmwareOf: () => null,
    neighbours: () => ({ others: 0, failing: 0 }),
    withMeter: async (_meterId, jobClass, { timeoutMs, started }, work) => {
      state.dispatched.push(`${jobClass} ${timeoutMs}`);
      await state.hold;
      if (state.failure !== null) return { ok: false, failure: state.failure };
      try {
        await started();
        return { ok: true, result: await work(meter) };
      } catch (error) {
        const code = error instanceof DeltawattError ? error.code : 'CRASHED';
        return { ok: false, failure: { code, sentence: String(error), reached: 'no' } };
      }
    },
    withWire: () => assert.fail('commands take no wire'),
    stationsOf: () => Promise.resolve(null),
    withAll: () => assert.fail('nobody is spoken to at once'),
  };
  const { env } = world.program('edge');
  const images = new ImageFetcher({ env, store: new ImageStore(env, 'images'), ask: () => false });
  const commands = new Commands({
    env,
    images,
    edgeId: 'e1',
    publicKey: KEY.publicKey,
    limits: { edgeId: 'e1', disconnectsPerHour: 2, ...options.limits },
    journal,
    dispatcher,
    collectorTime: { nowMs: () => (state.timeKnown ? world.nowMs : null) },
    health,
    ...(options.adopting === undefined ? {} : { adopting: options.adopting }),
    ...(options.adopted === undefined ? {} : { adopted: options.adopted }),
  });
  const encode = (command: Omit<Partial<Command>, 'id'> & { id: string }) =>
    encodeCommand({
      edgeId: 'e1' as EdgeId,
      epoch: journal.epoch,
      meterId: METER,
      body: DISCONNECT,
      createdAtMs: world.nowMs,
      expiresAtMs: world.nowMs + 60_000,
      author: 'anna',
      ...command,
      id: idOf(command.id),
    });
  const sign = (octets: Uint8Array) => TEST_CRYPTO.sign(KEY.privateKey, commandSigningOctets(octets));
  const reports = () =>
    journal.entries
      .flatMap((entry) => entry.records)
      .flatMap((record): CommandReport[] => (record.kind === 'command' ? [record.report] : []));
  await commands.start();
  return {
    world,
    journal,
    meter,
    health,
    state,
    commands,
    encode,
    reports,
    /** `state` or `state:code` of all reports, oldest first. */
    states: () => reports().map(({ state: name, code }) => (code === '' ? name : `${name}:${code}`)),
    last: () => reports().at(-1) as CommandReport,
    send: async (command: Omit<Partial<Command>, 'id'> & { id: string }) => {
      const octets = encode(command);
      await commands.receive(octets, sign(octets));
    },
    settle: (durationMs = 20_000) => world.clock.advance(durationMs),
  };
}

test('IT-3 disconnect: accepted, started on disk before the meter hears of it, done with the state read back', async () => {
  const b = await bench();
  const order: string[] = [];
  const append = b.journal.append.bind(b.journal);
  b.journal.append = (entry) => {
    for (const record of entry.records) if (record.kind === 'command') order.push(record.report.state);
    return append(entry);
  };
  b.meter.calls.push = (...calls) => order.push(...calls);
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(order, ['accepted', 'started', 'relay', 'invoke 1 integer', 'relay', 'done']);
  assert.deepEqual(b.last().relay, { outputOn: false, controlState: 0 });
  assert.equal(b.last().sentence, 'The load has no supply: disconnected.');
  assert.deepEqual(b.state.dispatched, ['command 15000']);
});

test('IT-4 the relay is read no earlier than 3 s after the order, again every 3 s, and judged after 18 s', async () => {
  const b = await bench();
  b.meter.onInvoke = () => 0;
  const looks: number[] = [];
  b.meter.onReadRelay = () => looks.push(b.world.clock.nowMs);
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(looks, [0, 3_000, 6_000, 9_000, 12_000, 15_000, 18_000]);
  assert.deepEqual(b.states(), ['accepted', 'started', 'failed:COMMAND_RELAY_UNMOVED']);
  assert.match(b.last().sentence, /did not move in time.*The load has supply: connected\.$/);
});

test('IT-4 a profile that asks for a longer settling is heard', async () => {
  const b = await bench();
  b.meter.relaySettleMs = 8_000;
  const looks: number[] = [];
  b.meter.onReadRelay = () => looks.push(b.world.clock.nowMs);
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(looks, [0, 8_000]);
});

test('IT-4 a reconnect that only arms the meter is not called connected', async () => {
  const b = await bench();
  b.meter.relay = { outputOn: false, controlState: 0, controlMode: 1 };
  b.meter.onInvoke = () => {
    b.meter.relay = { outputOn: false, controlState: 2, controlMode: 1 };
    return 0;
  };
  await b.send({ id: 'c1', body: RECONNECT });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.equal(
    b.last().sentence,
    'The load has no supply: armed, not connected. Somebody must press the button of the meter.',
  );
});

const LOAD_VOLTAGE = { classId: 3, obis: '1-0:32.128.0*255', attribute: 2 };

/** A meter that measures behind its relay; undefined = it does not answer that. */
function withLoad(decivolts: number | undefined): FakeMeter {
  const meter = new FakeMeter();
  meter.loadVoltage = { object: LOAD_VOLTAGE, maxV: 50 };
  const answer = { ...LOAD_VOLTAGE, exponent: -1, unit: 'V', raw: Uint8Array.of(18) };
  meter.values = [decivolts === undefined ? { ...answer, result: 2 } : { ...answer, result: 0, value: decivolts }];
  return meter;
}

test('IT-4 a relay is not closed while the load behind it is live, or while nobody can tell', async () => {
  for (const [decivolts, code] of [
    [2_304, 'COMMAND_LOAD_LIVE'],
    [undefined, 'COMMAND_LOAD_UNKNOWN'],
  ] as const) {
    const b = await bench({ meter: withLoad(decivolts) });
    b.meter.relay = { outputOn: false, controlState: 0, controlMode: 4 };
    await b.send({ id: 'c1', body: RECONNECT });
    await b.settle();
    assert.deepEqual(b.states(), ['accepted', 'started', `refused:${code}`]);
    assert.ok(!b.meter.calls.some((call) => call.startsWith('invoke')), 'the meter was not asked to');
  }
  const b = await bench({ meter: withLoad(12) });
  b.meter.relay = { outputOn: false, controlState: 0, controlMode: 4 };
  await b.send({ id: 'c1', body: RECONNECT });
  await b.settle();
  assert.equal(b.last().state, 'done', b.last().sentence);
});

test('IT-4 a relay that says it is open while its load stays live has failed, with the volts', async () => {
  const b = await bench({ meter: withLoad(2_304) });
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'started', 'failed:COMMAND_LOAD_LIVE']);
  assert.match(b.last().sentence, /^The load has no supply: disconnected\. There is voltage .* It shows 230 V\.$/);
  assert.deepEqual(b.last().relay, { outputOn: false, controlState: 0 });
  const dead = await bench({ meter: withLoad(0) });
  await dead.send({ id: 'c1' });
  await dead.settle();
  assert.equal(dead.last().state, 'done');
});

test('in a mode that reconnects at once, armed is not where a reconnect leads to', async () => {
  const b = await bench();
  b.meter.relay = { outputOn: false, controlState: 2, controlMode: 4 };
  b.meter.onInvoke = () => 0;
  await b.send({ id: 'c1', body: RECONNECT });
  await b.settle();
  assert.equal(b.last().code, 'COMMAND_RELAY_UNMOVED');
});

test('control mode 0 and a profile without relay refuse without touching the meter', async () => {
  const b = await bench();
  b.meter.relay = { outputOn: true, controlState: 1, controlMode: 0 };
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'started', 'refused:COMMAND_CONTROL_MODE']);
  b.meter.relayObis = null;
  await b.send({ id: 'c2' });
  await b.settle();
  assert.equal(b.last().code, 'COMMAND_NO_RELAY');
  assert.ok(!b.meter.calls.some((call) => call.startsWith('invoke')));
});

test('a relay that is where it should be is left alone', async () => {
  const b = await bench();
  await b.send({ id: 'c1', body: RECONNECT });
  await b.settle();
  assert.equal(b.last().sentence, 'The load has supply: connected. It was so already; nothing was done.');
  assert.deepEqual(b.meter.calls, ['relay']);
});

test('a lost answer is judged by what is read back, and the order is not sent again', async () => {
  const b = await bench();
  const obey = b.meter.onInvoke;
  b.meter.onInvoke = (method) => {
    obey(method);
    throw new Error('no answer');
  };
  await b.send({ id: 'c1' });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.match(b.last().sentence, /The answer to the order was lost; this was read back\./);
  assert.equal(b.meter.calls.filter((call) => call.startsWith('invoke')).length, 1);
});

test('a lost answer and a meter that stays silent: uncertain, in words', async () => {
  const b = await bench();
  b.meter.onInvoke = () => {
    b.meter.onReadRelay = () => {
      throw new Error('silent');
    };
    throw new Error('no answer');
  };
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'started', 'uncertain:COMMAND_ANSWER_LOST']);
});

test('a meter that refuses is quoted', async () => {
  const b = await bench();
  b.meter.onInvoke = () => 3;
  await b.send({ id: 'c1' });
  await b.settle();
  assert.equal(b.last().state, 'refused');
  assert.equal(
    b.last().sentence,
    'The meter refused to disconnect (not there or not allowed). The load has supply: connected.',
  );
});

test('SG-PP-1 one order returns acknowledgement, state and a register snapshot that is a reading too', async () => {
  const b = await bench();
  b.meter.snapshot = [ENERGY];
  await b.send({ id: 'c1' });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.equal(b.last().values[0]?.value, 12_345);
  assert.equal(b.journal.entries.at(-1)?.groups.length, 1);
});

test('IT-1 an on-demand read answers values and, in the same batch, readings of source on-demand', async () => {
  const b = await bench();
  await b.send({ id: 'c1', body: { kind: 'read', objects: [ENERGY] } });
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'started', 'done']);
  assert.equal(b.last().sentence, 'Read 1 object.');
  const rows = b.journal.entries.at(-1)?.groups[0] as GroupRows;
  assert.deepEqual(rows.group, {
    meterId: 'm1',
    intervalS: 0,
    source: 2,
    timeZone: 'Europe/Berlin',
    columns: [{ obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' }],
  });
  assert.deepEqual(rows.rows[0]?.values, [12_345]);
  assert.deepEqual(b.state.dispatched, ['on-demand 15000']);
});

test('SG-MR-6 a read that the meter refuses is a typed answer, in part or whole', async () => {
  const b = await bench();
  const denied = { classId: 3, obis: '1-0:9.8.0*255', attribute: 2, result: 4, raw: new Uint8Array(0) };
  b.meter.values = [...b.meter.values, denied];
  await b.send({ id: 'c1', body: { kind: 'read', objects: [ENERGY, denied] } });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.equal(
    b.last().sentence,
    'Read 1 of 2 objects; the meter refused the rest (1-0:9.8.0*255: not there or not allowed).',
  );
  b.meter.values = [denied];
  await b.send({ id: 'c2', body: { kind: 'read', objects: [denied] } });
  await b.settle();
  assert.equal(b.last().state, 'refused');
  assert.equal(b.last().code, 'COMMAND_METER_REFUSED');
});

test('SG-MR-6 a meter that is not reached within 15 s is said so', async () => {
  const b = await bench();
  b.state.failure = { code: 'READER_NOT_REACHED', sentence: 'The meter did not answer within 15 s.', reached: 'maybe' };
  await b.send({ id: 'c1' });
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'failed:READER_NOT_REACHED']);
  assert.equal(b.last().sentence, 'The meter did not answer within 15 s.');
});

test('W-92 an unsigned command is refused, its id stays free for the one who may sign', async () => {
  const b = await bench();
  const octets = b.encode({ id: 'c1' });
  await b.commands.receive(octets, new Uint8Array(64));
  await b.commands.receive(octets, new Uint8Array(0));
  await b.settle();
  assert.deepEqual(b.states(), ['refused:COMMAND_SIGNATURE', 'refused:COMMAND_SIGNATURE']);
  assert.deepEqual(b.meter.calls, []);
  for (let n = 0; n < 40; n++) await b.commands.receive(octets, new Uint8Array(64));
  assert.equal(b.reports().length, 20, 'a flood is counted, not written');
  assert.equal(b.health.counters.get('commands_unverified'), 42);
  await b.send({ id: 'c1' });
  await b.settle();
  assert.equal(b.last().state, 'done');
});

test('W-92 another edge, another epoch, an unknown meter, an unknown time, an expired or endless command: refused', async () => {
  const b = await bench();
  await b.send({ id: 'c1', edgeId: 'e2' as EdgeId });
  await b.send({ id: 'c2', epoch: 'ffffffffffffffff' });
  await b.send({ id: 'c3', meterId: 'm9' as MeterId });
  await b.send({ id: 'c4', expiresAtMs: b.world.nowMs });
  await b.send({ id: 'c7', body: { kind: 'read', objects: Array.from({ length: 17 }, () => ENERGY) } });
  await b.send({ id: 'c5', expiresAtMs: b.world.nowMs + 31 * 86_400_000 });
  b.state.timeKnown = false;
  await b.send({ id: 'c6' });
  await b.settle();
  assert.deepEqual(b.states(), [
    'refused:COMMAND_OTHER_EDGE',
    'refused:COMMAND_OTHER_EPOCH',
    'refused:COMMAND_UNKNOWN_METER',
    'expired:COMMAND_EXPIRED',
    'refused:COMMAND_TOO_LONG',
    'refused:COMMAND_LIFETIME',
    'refused:COMMAND_NO_TIME',
  ]);
  assert.deepEqual(b.meter.calls, []);
});

test('a command whose time runs out while it waits for the line expires before the meter hears of it', async () => {
  const b = await bench();
  let go: () => void = () => undefined;
  b.state.hold = new Promise((resolve) => {
    go = resolve;
  });
  await b.send({ id: 'c1', expiresAtMs: b.world.nowMs + 5_000 });
  await b.settle(6_000);
  go();
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'expired:COMMAND_EXPIRED']);
  assert.deepEqual(b.meter.calls, []);
});

test('W-93 an id that was seen gets its first answer and does nothing, also after a restart', async () => {
  const b = await bench();
  await b.send({ id: 'c1' });
  await b.settle();
  const calls = b.meter.calls.length;
  await b.send({ id: 'c1', body: RECONNECT });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.equal(b.last().sentence, 'The load has no supply: disconnected.');
  assert.equal(b.meter.calls.length, calls);
  const c = await bench({ journal: b.journal, meter: b.meter });
  await c.send({ id: 'c1' });
  await c.settle();
  assert.equal(c.last().sentence, 'The load has no supply: disconnected.');
  assert.equal(b.meter.calls.length, calls);
  assert.equal(c.health.counters.get('commands_repeated'), 1);
});

test('a restart after started: the order is not repeated, the relay is read and the answer is uncertain', async () => {
  const b = await bench();
  b.meter.onInvoke = () => {
    b.meter.relay = { outputOn: false, controlState: 0, controlMode: 4 };
    return 0;
  };
  await b.send({ id: 'c1' });
  await b.settle(1_000);
  assert.deepEqual(b.states(), ['accepted', 'started']);
  await b.commands.stop();
  const before = b.meter.calls.filter((call) => call.startsWith('invoke')).length;
  const c = await bench({ journal: b.journal, meter: b.meter, time: false });
  await c.settle();
  assert.deepEqual(c.states(), ['accepted', 'started', 'uncertain:COMMAND_INTERRUPTED']);
  assert.equal(
    c.last().sentence,
    'The concentrator restarted while it carried out the order; the order was not repeated. The load has no supply: disconnected.',
  );
  assert.deepEqual(c.last().relay, { outputOn: false, controlState: 0 });
  assert.equal(b.meter.calls.filter((call) => call.startsWith('invoke')).length, before);
});

test('a restart before started, or during a read: it is carried out once the collector time is known', async () => {
  const b = await bench();
  b.state.hold = new Promise(() => undefined);
  await b.send({ id: 'c1' });
  await b.send({ id: 'c2', body: { kind: 'read', objects: [ENERGY] } });
  await b.settle(1_000);
  const c = await bench({ journal: b.journal, meter: b.meter, time: false });
  await c.settle();
  assert.deepEqual(b.meter.calls, []);
  c.state.timeKnown = true;
  c.commands.opened();
  await c.settle();
  assert.deepEqual(c.states().slice(2).sort(), ['done', 'done', 'started', 'started']);
});

test('the cap of the edge: n disconnections an hour, reconnections are free, a restart does not reset it', async () => {
  const b = await bench();
  const cycle = async (bench_: typeof b, id: string) => {
    await bench_.send({ id: `${id}d`, expiresAtMs: bench_.world.nowMs + 7_200_000 });
    await bench_.settle(5_000);
    const result = bench_.last();
    await bench_.send({ id: `${id}r`, body: RECONNECT });
    await bench_.settle(5_000);
    return result.code === '' ? result.state : result.code;
  };
  assert.deepEqual([await cycle(b, 'a'), await cycle(b, 'b'), await cycle(b, 'c')], ['done', 'done', 'COMMAND_CAP']);
  const c = await bench({ journal: b.journal, meter: b.meter });
  await c.settle(60_000);
  assert.equal(await cycle(c, 'd'), 'COMMAND_CAP');
  await c.settle(3_600_000);
  assert.equal(await cycle(c, 'e'), 'done');
});

test('two disconnections at once cannot both be the last one allowed', async () => {
  const b = await bench({ limits: { disconnectsPerHour: 1 } });
  await Promise.all([b.send({ id: 'c1' }), b.send({ id: 'c2' })]);
  await b.settle();
  assert.equal(b.states().filter((state) => state === 'started').length, 1);
  assert.equal(b.states().filter((state) => state === 'refused:COMMAND_CAP').length, 1);
});

test('ids are kept until 30 days after expiry', async () => {
  const b = await bench();
  await b.send({ id: 'c1' });
  await b.settle();
  const held = async () => (await b.journal.keptUnder('command/')).length;
  await b.world.clock.advance(30 * 86_400_000);
  b.commands.opened();
  await b.settle();
  assert.equal(await held(), 1);
  await b.world.clock.advance(3_700_000);
  b.commands.opened();
  await b.settle();
  assert.equal(await held(), 0);
});

test('a result is not lost because the journal fails for a moment', async () => {
  const b = await bench();
  b.meter.onReadRelay = () => {
    if (b.meter.calls.length > 2) b.journal.failure = new Error('disk full');
  };
  await b.send({ id: 'c1' });
  await b.settle(4_000);
  assert.deepEqual(b.states(), ['accepted', 'started']);
  await b.settle();
  assert.deepEqual(b.states(), ['accepted', 'started', 'done']);
});

test('a result that no block can hold is reported without its values', async () => {
  const b = await bench();
  const append = b.journal.append.bind(b.journal);
  const tooLong = errorsOf({ BLOCK_INPUT: { side: 'local', retry: 'never', sentence: 'too long' } });
  b.journal.append = (entry) => {
    const full = entry.records.some((record) => record.kind === 'command' && record.report.values.length > 0);
    return full ? Promise.reject(tooLong('BLOCK_INPUT')) : append(entry);
  };
  await b.send({ id: 'c1', body: { kind: 'read', objects: [ENERGY] } });
  await b.settle();
  assert.equal(b.last().state, 'done');
  assert.match(b.last().sentence, /^Read 1 object\. The values could not be stored \(BLOCK_INPUT\)\.$/);
});

test('a firmware for a meter whose profile has no image transfer is refused, nothing is fetched', async () => {
  const b = await bench();
  const body = {
    kind: 'firmware',
    sha256: 'ab'.repeat(32),
    sizeOctets: 9,
    identifier: '31',
    activateAtMs: null,
  } as const;
  await b.send({ id: 'f1', body });
  await b.settle();
  const last = b.reports().at(-1);
  assert.deepEqual([last?.state, last?.code], ['refused', 'COMMAND_NO_FIRMWARE']);
  assert.deepEqual(b.state.dispatched, []);
});

const ADOPT: CommandBody = { kind: 'adopt', line: 'plc1', profile: 'a/b', node: '4711' };
const STRANGER = 'm7' as MeterId;

test('PROV-4 a meter is taken in without a word to it: its settings are kept before the answer, and a file that it lacks is named', async () => {
  const taken: string[] = [];
  let missing: string | null = null;
  let adopted = 0;
  const adopting: Adopting = {
    async adopt({ meterId, ...body }) {
      taken.push(`${meterId} ${JSON.stringify(body)}`);
      return { missing };
    },
  };
  const b = await bench({ adopting, adopted: () => adopted++ });
  await b.send({ id: 'c1', meterId: STRANGER, body: ADOPT });
  await b.settle();
  assert.deepEqual(taken, ['m7 {"line":"plc1","profile":"a/b","node":"4711"}']);
  assert.deepEqual(b.states(), ['accepted', 'started', 'done']);
  assert.equal(b.last().sentence, 'Taken in on line plc1: it is read from now on.');
  assert.deepEqual([adopted, b.state.dispatched], [1, []]);
  missing = 'meters/m7.password';
  await b.send({ id: 'c2', meterId: STRANGER, body: ADOPT });
  await b.settle();
  assert.match(b.last().sentence, /will not let us in without meters\/m7\.password/);
  // A meter that is read already stays as it is.
  await b.send({ id: 'c3', body: ADOPT });
  await b.settle();
  assert.deepEqual([b.last().sentence, taken.length, adopted], ['The concentrator reads it already.', 2, 2]);
  // Any other order for a meter that is not read is refused as before.
  await b.send({ id: 'c4', meterId: STRANGER });
  assert.equal(b.states().at(-1), 'refused:COMMAND_UNKNOWN_METER');
});

test('PROV-4 settings that cannot take the meter refuse it in words; a full disk leaves the order to the next start', async () => {
  let failure: Error = edgeError('COMMAND_ADOPTION', 'meter m7: no such profile');
  const adopting: Adopting = { adopt: () => Promise.reject(failure) };
  const b = await bench({ adopting, adopted: () => assert.fail('nothing was taken in') });
  await b.send({ id: 'c1', meterId: STRANGER, body: ADOPT });
  await b.settle();
  assert.equal(b.states().at(-1), 'refused:COMMAND_ADOPTION');
  failure = new Error('disk full');
  await b.send({ id: 'c2', meterId: STRANGER, body: ADOPT });
  await b.settle();
  assert.equal(b.states().at(-1), 'started', 'no end: it is done again when the collector is heard next');
  failure = edgeError('COMMAND_ADOPTION', 'm7');
  b.commands.opened();
  await b.settle();
  assert.equal(b.states().at(-1), 'refused:COMMAND_ADOPTION');
  const plain = await bench();
  await plain.send({ id: 'c3', meterId: STRANGER, body: ADOPT });
  await plain.settle();
  assert.match(plain.last().sentence, /takes no meters in|cannot take this meter in/);
});
