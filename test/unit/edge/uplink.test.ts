import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../src/base/bytes.ts';
import type { MqttConnection } from '../../../src/base/env.ts';
import { errorsOf } from '../../../src/base/errors.ts';
import type { UplinkCodec } from '../../../src/edge/uplink/codec.ts';
import { Uplink } from '../../../src/edge/uplink/uplink.ts';
import type { VirtualWorld } from '../../../src/lab/virtual-env.ts';
import type { RereadOrder } from '../../../src/model/reread.ts';
import type { CollectorBody, CollectorMessage, ImagePart } from '../../../src/wire/messages.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

const TERM = new Uint8Array(12).fill(9);
const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const parse = (octets: Uint8Array) => JSON.parse(new TextDecoder().decode(octets));
const refused = errorsOf({
  WIRE_AUTHENTICATOR: { side: 'remote', retry: 'never', sentence: 'forged' },
  WIRE_UNKNOWN_MESSAGE: { side: 'remote', retry: 'never', sentence: 'of a later version' },
});

/** Control messages as JSON, batches as first octets: what is under test is who sends what when. */
const CODEC: UplinkCodec = {
  topics: { blocks: 'dw/00/e1/b', controlUp: 'dw/00/e1/c', controlDown: 'dw/00/e1/d' },
  hello: ({ session }) => text({ kind: 'hello', session: toHex(session) }),
  dictionary: (octets) => text({ kind: 'dictionary', hex: toHex(octets) }),
  status: ({ facts, lanes }) =>
    text({
      kind: lanes.some((span) => span.pendingBlocks > 0) ? 'status: blocks wait' : 'status: nothing waits',
      facts,
    }),
  batch: (blocks) => Uint8Array.from(blocks.map((block) => block[0] ?? 0)),
  notice: (payload) => {
    const { session, ...rest } = parse(payload);
    if (session === 'forged') throw refused('WIRE_AUTHENTICATOR');
    if (rest.body.kind === 'of a later version') throw refused('WIRE_UNKNOWN_MESSAGE');
    const octets = (name: string, value: unknown) =>
      ['command', 'signature'].includes(name) ? fromHex(String(value)) : value;
    const body = Object.fromEntries(Object.entries(rest.body).map(([name, value]) => [name, octets(name, value)]));
    return {
      session: fromHex(session),
      term: TERM,
      serverTimeMs: rest.serverTimeMs,
      body,
    } as unknown as CollectorMessage;
  },
  keyframeOf: () => 1,
  image: ({ sha256, offset }) => new TextEncoder().encode(`image ${sha256} ${offset}`),
  rereads: (results) => text({ kind: 'rereads', results }),
  dictionaryOf: () => null,
};

/** A collector that answers by hand. */
async function fakeCollector(world: VirtualWorld) {
  const heard: string[] = [];
  let session = '';
  let connection: MqttConnection | undefined;
  const collector = {
    heard,
    /** What a hello gets; null = silence. */
    answer: null as CollectorBody | null,
    acking: true,
    say: (body: unknown, from = session) =>
      connection?.publish(CODEC.topics.controlDown, text({ session: from, serverTimeMs: world.nowMs, body })),
  };
  connection = await world.program('collector').env.mqtt.connect(
    { url: 'mqtt://b', clientId: 'collector', keepAliveS: 60, connectTimeoutMs: 1000 },
    {
      message: (topic, payload) => {
        if (topic.endsWith('/b')) {
          heard.push(`blocks ${[...payload].join(',')}`);
          if (collector.acking)
            void collector.say({
              kind: 'ack',
              epoch: '0102030405060708',
              lanes: [{ lane: 2, upTo: payload.at(-1) }],
              credit: 100_000,
            });
        } else {
          const message = parse(payload);
          heard.push(message.kind);
          if (message.kind === 'hello') session = message.session;
          if (message.kind === 'hello' && collector.answer !== null) void collector.say(collector.answer);
        }
        return Promise.resolve();
      },
      closed: () => heard.push('closed'),
    },
  );
  await connection.subscribe(['dw/+/+/b', 'dw/+/+/c']);
  return collector;
}

interface BenchOptions {
  readonly spreadMs?: number;
  readonly bootId?: string;
  readonly journal?: FakeJournal;
  /** Which block begins the keyframe group of a block; absent = the first one. */
  readonly keyframeOf?: UplinkCodec['keyframeOf'];
  readonly diverged?: () => void;
}

async function bench(options: BenchOptions = {}) {
  const world = testWorld();
  const program = world.program('edge');
  const journal = options.journal ?? new FakeJournal();
  const health = new FakeHealth();
  const ready = fakeCollector(world);
  await world.clock.advance(100);
  const collector = await ready;
  const commands: string[] = [];
  const uplink = new Uplink({
    env: program.env,
    journal,
    health,
    codec: { ...CODEC, ...(options.keyframeOf === undefined ? {} : { keyframeOf: options.keyframeOf }) },
    ...(options.diverged === undefined ? {} : { diverged: options.diverged }),
    broker: { url: 'mqtt://b', clientId: 'e1' },
    spreadMs: options.spreadMs ?? 0,
    bootId: options.bootId,
    facts: () => [],
  });
  const listener = {
    opened: () => commands.push('opened'),
    image: ({ offset, octets }: ImagePart) => void commands.push(`image ${offset} ${toHex(octets)}`),
    rereads: (orders: readonly RereadOrder[]) => {
      for (const { id } of orders) commands.push(`reread ${id}`);
      return Promise.resolve();
    },
    command: (command: Uint8Array) => {
      commands.push(toHex(command));
      return Promise.resolve();
    },
  };
  return { world, edge: program, journal, health, collector, uplink, commands, start: () => uplink.start(listener) };
}

const OPEN: CollectorBody = { kind: 'answer', lanes: [], credit: 100_000 };

test('UD-8 blocks leave once, in one PUBLISH, and a quiet journal publishes nothing at all', async () => {
  const b = await bench();
  b.collector.answer = OPEN;
  b.journal.grow(2, 3, 100);
  await b.start();
  await b.world.clock.advance(1_000);
  assert.deepEqual(b.collector.heard, ['hello', 'blocks 1,2,3', 'status: blocks wait', 'status: nothing waits']);
  assert.deepEqual(b.journal.acknowledged, ['2:3']);
  const octets = b.uplink.state().payloadOctets;
  await b.world.clock.advance(300_000);
  assert.deepEqual(b.collector.heard, ['hello', 'blocks 1,2,3', 'status: blocks wait', 'status: nothing waits']);
  assert.equal(b.uplink.state().payloadOctets, octets);
  b.journal.grow(2, 1, 100);
  await b.world.clock.advance(100);
  assert.equal(b.collector.heard.at(-1), 'blocks 4');
  assert.equal(b.uplink.state().outstandingOctets, 0);
  await b.uplink.stop();
});

test('W-66 W-52 a broker that forgets everything at a restart costs nothing: hello, answer, the rest', async () => {
  const b = await bench();
  b.collector.answer = OPEN;
  b.collector.acking = false;
  b.journal.grow(2, 2, 100);
  await b.start();
  await b.world.clock.advance(1_000);
  b.world.broker.restart();
  const again = fakeCollector(b.world);
  await b.world.clock.advance(50);
  const collector = await again;
  collector.answer = { ...OPEN, lanes: [{ lane: 2, upTo: 1 }] };
  await b.world.clock.advance(10_000);
  assert.deepEqual(collector.heard, ['hello', 'blocks 2', 'status: blocks wait', 'status: nothing waits']);
  assert.deepEqual(b.journal.acknowledged, ['2:1', '2:2']);
  await b.uplink.stop();
});

test('W-68 a forged message is counted and changes nothing; the collector clock comes from the answer', async () => {
  const b = await bench();
  await b.start();
  await b.world.clock.advance(1_000);
  assert.equal(b.uplink.collectorTime.nowMs(), null);
  await Promise.all([b.collector.say(OPEN, 'forged'), b.world.clock.advance(100)]);
  assert.equal(b.health.counters.get('uplink_ignored_wire_authenticator'), 1);
  assert.equal(b.uplink.state().sessionOpen, false);
  await Promise.all([b.collector.say(OPEN), b.world.clock.advance(100)]);
  assert.equal(b.uplink.state().sessionOpen, true);
  assert.ok(Math.abs((b.uplink.collectorTime.nowMs() ?? 0) - b.world.nowMs) <= 10);
  assert.deepEqual(b.commands, ['opened']);
  await b.uplink.stop();
});

test('W-69 a message of a kind that nobody knows is counted, and the session goes on', async () => {
  const b = await bench();
  b.collector.answer = OPEN;
  await b.start();
  await b.world.clock.advance(1_000);
  await Promise.all([b.collector.say({ kind: 'of a later version' }), b.world.clock.advance(100)]);
  assert.equal(b.health.counters.get('uplink_ignored_wire_unknown_message'), 1);
  assert.equal(b.uplink.state().sessionOpen, true);
  b.journal.grow(2, 1, 100);
  await b.world.clock.advance(1_000);
  assert.deepEqual(b.journal.acknowledged, ['2:1']);
  await b.uplink.stop();
});

test('W-65 blocks travel with QoS 0, what the edge says otherwise with QoS 1', async () => {
  const b = await bench();
  const sent: string[] = [];
  const { connect } = b.edge.env.mqtt;
  b.edge.env.mqtt.connect = async (options, listener) => {
    const connection = await connect(options, listener);
    const { publish } = connection;
    connection.publish = (topic, payload, delivery = 'at-least-once') => {
      sent.push(`${topic.at(-1)} ${delivery}`);
      return publish.call(connection, topic, payload, delivery);
    };
    return connection;
  };
  b.collector.answer = OPEN;
  b.journal.grow(2, 1, 100);
  await b.start();
  await b.world.clock.advance(1_000);
  assert.deepEqual([...new Set(sent)].toSorted(), ['b at-most-once', 'c at-least-once']);
  await b.uplink.stop();
});

test('a command goes to its actor, a dictionary is sent when asked for', async () => {
  const b = await bench();
  b.collector.answer = OPEN;
  b.journal.dictionaries.set('aa01020304050607', Uint8Array.of(1, 2));
  await b.start();
  await b.world.clock.advance(1_000);
  void b.collector.say({ kind: 'command', command: 'c0de', signature: '5151' });
  void b.collector.say({ kind: 'need-dictionary', hash: 'aa01020304050607', lane: 2 });
  await b.world.clock.advance(1_000);
  assert.deepEqual(b.commands, ['opened', 'c0de']);
  assert.equal(b.collector.heard.at(-1), 'dictionary');
  await b.uplink.stop();
});

test('an unreachable broker is tried again with growing waits and said in words', async () => {
  const b = await bench();
  b.world.broker.setUp(false);
  await b.start();
  await b.world.clock.advance(600_000);
  assert.match(b.health.states.get('uplink') ?? '', /^degraded: No connection to the broker .*it is down/);
  b.world.broker.setUp(true);
  await b.world.clock.advance(300_000);
  assert.equal(b.uplink.state().connected, true);
  await b.uplink.stop();
  assert.equal(b.uplink.state().connected, false);
});

test('connection times are spread only after the machine was booted anew', async () => {
  const journal = new FakeJournal();
  const connectedAfterMs = async (bootId: string) => {
    const b = await bench({ spreadMs: 600_000, bootId, journal });
    const startMs = b.world.clock.nowMs;
    await b.start();
    await b.world.clock.runWhile(() => !b.uplink.state().connected, 700_000);
    const tookMs = b.world.clock.nowMs - startMs;
    await Promise.all([b.uplink.stop(), b.world.clock.advance(100)]);
    return tookMs;
  };
  assert.ok((await connectedAfterMs('boot-1')) < 100, 'a fresh store does not wait');
  assert.ok((await connectedAfterMs('boot-1')) < 100, 'a restarted process does not wait');
  assert.ok((await connectedAfterMs('boot-2')) > 1_000, 'a booted machine does');
});

test('W-84 W-78 a collector that holds other blocks is told once to who can begin a fresh journal; other refusals are not', async () => {
  const said: readonly (readonly [CollectorBody, boolean])[] = [
    [{ kind: 'answer', lanes: [{ lane: 2, upTo: 9 }], credit: 100_000 }, true],
    [{ kind: 'refusal', code: 'INGEST_CLONE', sentence: 'Two devices use this identity.' }, true],
    [{ kind: 'refusal', code: 'INGEST_DEACTIVATED', sentence: 'Put out.' }, false],
    [{ kind: 'answer', lanes: [{ lane: 2, upTo: 3 }], credit: 100_000 }, false],
  ];
  for (const [answer, diverges] of said) {
    let diverged = 0;
    const b = await bench({ diverged: () => diverged++ });
    b.journal.grow(2, 3);
    b.collector.answer = answer;
    await b.start();
    await b.world.clock.advance(10_000);
    assert.equal(diverged, diverges ? 1 : 0, JSON.stringify(answer));
    assert.deepEqual(b.journal.acknowledged, diverges || answer.kind === 'refusal' ? [] : ['2:3']);
    await b.uplink.stop();
  }
});

test('W-86 a request for a keyframe is answered from the group of the block asked for; one that is a keyframe, from the group before', async () => {
  // Groups begin at 1 and 4.
  const asked = [
    [4, '4,5,6'],
    [3, '1,2,3,4,5,6'],
  ] as const;
  for (const [upTo, again] of asked) {
    const b = await bench({ keyframeOf: (block) => ((block[0] ?? 0) >= 4 ? 4 : 1) });
    b.journal.grow(2, 6);
    b.collector.acking = false;
    b.collector.answer = { kind: 'answer', lanes: [{ lane: 2, upTo }], credit: 100_000 };
    await b.start();
    await b.world.clock.advance(10_000);
    b.collector.heard.length = 0;
    void b.collector.say({ kind: 'need-keyframe', lane: 2, upTo });
    await b.world.clock.advance(10_000);
    const blocks = b.collector.heard.filter((each) => each.startsWith('blocks ')).map((each) => each.slice(7));
    assert.equal(blocks.join(','), again);
    assert.equal(b.health.counters.get('uplink_keyframe_resends'), 1);
    await b.uplink.stop();
  }
});
