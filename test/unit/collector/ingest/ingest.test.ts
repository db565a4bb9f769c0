/** The acceptance rules of blocks, one by one, as an edge sees them through the broker. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ByteWriter } from '../../../../src/base/bytes.ts';
import { crc32C } from '../../../../src/base/crc.ts';
import type { MqttConnection, MqttListener } from '../../../../src/base/env.ts';
import { SILENT_LOG } from '../../../../src/base/log.ts';
import { startIngest } from '../../../../src/collector/ingest/ingest.ts';
import { EDGE_CREDIT_OCTETS, HELLO_RECALL_MS, RECONNECT_MIN_MS } from '../../../../src/collector/ingest/limits.ts';
import { INBOX_MAX } from '../../../../src/collector/limits.ts';
import { createMemoryCollectorStore, type MemoryCollectorStore } from '../../../../src/lab/memory-collector-store.ts';
import type { CommandId, EdgeId, MeterId } from '../../../../src/model/ids.ts';
import { DEFAULT_TENANT } from '../../../../src/model/ids.ts';
import { blockHash, NO_BLOCK_HASH } from '../../../../src/wire/block.ts';
import type { Lane } from '../../../../src/wire/lanes.ts';
import type { PackedBlock } from '../../../../src/wire/pack.ts';
import { encodeTombstone, type Tombstone } from '../../../../src/wire/tombstone.ts';
import { Desk } from '../../../support/ingest-desk.ts';
import {
  crypto,
  DAY_MS,
  JournalEdge,
  place,
  profileGroup,
  QUARTER_MS,
  register,
  row,
} from '../../../support/journal-edge.ts';

const METER = 'm1' as MeterId;

type MemoryDesk = Desk<MemoryCollectorStore>;

function newDesk(settings: { readonly creditOctets?: number } = {}): MemoryDesk {
  const time = { nowMs: DAY_MS };
  const clock = { nowMs: () => time.nowMs, monotonicMs: () => time.nowMs };
  return new Desk(createMemoryCollectorStore({ clock, term: new Uint8Array(12).fill(7) }), time, settings);
}

function filled(name = 'e1'): JournalEdge {
  const edge = new JournalEdge(name, undefined, [profileGroup(METER)]);
  for (let slot = 1; slot <= 6; slot++) {
    const atMs = DAY_MS + slot * QUARTER_MS;
    edge.rows(2, [row(atMs, [1000 + slot, 0])], { readAtMs: atMs + 5_000, keyframe: slot === 4 });
  }
  return edge;
}

async function ready(edge = filled()): Promise<{ desk: MemoryDesk; edge: JournalEdge }> {
  const desk = newDesk();
  await register(desk.store, edge);
  await place(desk.store, METER, edge);
  await desk.hello(edge);
  desk.told(edge);
  return { desk, edge };
}

async function upTo(desk: MemoryDesk, edge: JournalEdge, lane: Lane = 2): Promise<number> {
  return (await desk.store.cursor(edge.edgeId, edge.epoch, lane))?.upTo ?? 0;
}

const ack = (edge: JournalEdge, sequence: number, lane: Lane = 2) => ({
  kind: 'ack',
  epoch: edge.epoch,
  lanes: [{ lane, upTo: sequence }],
  credit: EDGE_CREDIT_OCTETS,
});

describe('acceptance of blocks', () => {
  test('W-53 a hello is answered with upTo of every lane and absolute credit, and subscribes all shards', async () => {
    const desk = newDesk();
    const edge = filled();
    await register(desk.store, edge);
    await desk.hello(edge);
    assert.deepEqual(desk.filters, ['dw/+/+/b', 'dw/+/+/c']);
    const lanes = [0, 1, 2, 3, 4, 5].map((lane) => ({ lane, upTo: 0 }));
    assert.deepEqual(desk.told(edge), [{ kind: 'answer', lanes, credit: EDGE_CREDIT_OCTETS }]);
    assert.equal((await desk.store.edge(edge.edgeId))?.software, 'test 1');
  });

  test('W-56 W-82 n = upTo + 1 is stored and then acknowledged, several blocks of a message at once', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    assert.deepEqual(desk.told(edge), [ack(edge, 1)]);
    await desk.blocks(edge, edge.blocks(2).slice(1));
    assert.deepEqual(desk.told(edge), [ack(edge, 6)]);
    const [latest] = await desk.store.latest(METER);
    assert.equal(latest?.value, 1006);
  });

  test('W-55 blocks of several lanes that come together get one ack; more messages do not hold it back for long', async () => {
    const { desk, edge } = await ready();
    edge.rows(4, [row(DAY_MS + QUARTER_MS, [1, 2])], { readAtMs: DAY_MS });
    const [first, ...rest] = edge.blocks(2);
    assert.ok(first);
    await Promise.all([desk.blocks(edge, [first]), desk.blocks(edge, edge.blocks(4))]);
    const lanes = [
      { lane: 2, upTo: 1 },
      { lane: 4, upTo: 1 },
    ];
    assert.deepEqual(desk.told(edge), [{ ...ack(edge, 1), lanes }]);
    await Promise.all(rest.map((block) => desk.blocks(edge, [block])));
    assert.deepEqual(desk.told(edge).at(-1), ack(edge, 6));
  });

  test('W-83 n <= upTo with the same hash is acknowledged again and changes nothing', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2));
    await desk.blocks(edge, edge.blocks(2).slice(1, 3));
    assert.deepEqual(desk.told(edge), [ack(edge, 6), ack(edge, 6)]);
    const channel = { meterId: METER, obis: '1-0:1.8.0*255', intervalS: 900 };
    const readings = await desk.store.readings({ channel, fromMs: 0, toMs: DAY_MS * 2, limit: 100 });
    assert.deepEqual(
      readings.map((reading) => [reading.value, reading.versions]),
      [1, 2, 3, 4, 5, 6].map((slot) => [1000 + slot, 1]),
    );
  });

  test('W-84 n <= upTo with another hash raises the clone alarm and is not acknowledged', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 3));
    desk.told(edge);
    const twin = new JournalEdge('e1', edge.epoch, edge.groups);
    twin.rows(2, [row(DAY_MS + QUARTER_MS, [7, 7])], { readAtMs: DAY_MS });
    await desk.blocks(edge, twin.blocks(2));
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind === 'refusal' && body.code),
      ['INGEST_CLONE'],
    );
    const { items } = await desk.store.events({ fromMs: 0, toMs: DAY_MS * 2, limit: 10 });
    assert.deepEqual(
      items.map((event) => [event.name, event.severity]),
      [['clone-suspected', 'alarm']],
    );
    assert.equal(await upTo(desk, edge), 3);
  });

  test('an epoch that is back after another one raises the clone alarm once; a fresh one does not', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    const fresh = new JournalEdge('e1', '00000000000000e2', edge.groups);
    await desk.hello(fresh);
    const alarms = async () => {
      const { items } = await desk.store.events({ fromMs: 0, toMs: DAY_MS * 2, limit: 10 });
      return items.map(({ name, severity }) => [name, severity]);
    };
    assert.deepEqual(await alarms(), []);
    for (const each of [edge, fresh, edge]) await desk.hello(each);
    assert.deepEqual(await alarms(), [['clone-suspected', 'alarm']]);
  });

  test('W-85 n > upTo + 1 is dropped and upTo is told', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    await desk.blocks(edge, edge.blocks(2).slice(4));
    assert.deepEqual(desk.told(edge), [ack(edge, 1), ack(edge, 1)]);
    assert.equal(await upTo(desk, edge), 1);
  });

  test('W-56 a block with a wrong checksum is dropped; those before it in the message count', async () => {
    const { desk, edge } = await ready();
    const [first, second] = edge.blocks(2);
    assert.ok(first && second);
    const broken = { ...second, octets: second.octets.map((octet, at) => (at === 30 ? octet ^ 1 : octet)) };
    await desk.blocks(edge, [first, broken]);
    assert.deepEqual(desk.told(edge), [ack(edge, 1)]);
  });

  test('W-56 W-86 a block that does not continue the chain asks for a keyframe and leaves upTo', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    desk.told(edge);
    const other = new JournalEdge('e1', edge.epoch, edge.groups);
    other.rows(2, [row(DAY_MS, [1, 1])], { readAtMs: DAY_MS });
    other.rows(2, [row(DAY_MS + QUARTER_MS, [2, 2])], { readAtMs: DAY_MS });
    await desk.blocks(edge, other.blocks(2).slice(1));
    assert.deepEqual(desk.told(edge), [{ kind: 'need-keyframe', lane: 2, upTo: 1 }]);
  });

  test('W-84 a keyframe behind another block than the one that is stored is an alarm, not asked for again and again', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    desk.told(edge);
    const other = new JournalEdge('e1', edge.epoch, edge.groups);
    other.rows(2, [row(DAY_MS, [1, 1])], { readAtMs: DAY_MS });
    other.rows(2, [row(DAY_MS + QUARTER_MS, [2, 2])], { readAtMs: DAY_MS, keyframe: true });
    const [, second] = other.blocks(2);
    assert.equal(second?.keyframe, 2);
    await desk.blocks(edge, other.blocks(2).slice(1));
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind === 'refusal' && body.code),
      ['INGEST_CLONE'],
      'neither acknowledged nor asked for',
    );
    assert.equal(await upTo(desk, edge), 1);
    const { items } = await desk.store.events({ fromMs: 0, toMs: DAY_MS * 2, limit: 10 });
    assert.deepEqual(
      items.map(({ name, code }) => [name, code]),
      [['clone-suspected', 1]],
    );
  });

  test('W-57 an unknown dictionary is asked for; with it the same blocks are taken', async () => {
    const desk = newDesk();
    const edge = filled();
    await desk.store.saveEdge(edge.record);
    await desk.hello(edge);
    desk.told(edge);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(desk.told(edge), [{ kind: 'need-dictionary', lane: 2, hash: edge.dictionary.hash }]);
    await desk.control(edge, { kind: 'dictionary', octets: edge.dictionary.octets });
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(desk.told(edge), [ack(edge, 6)]);
  });

  test('W-87 a hello whose journal begins beyond upTo + 1 declares a gap; then only a keyframe is taken', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    await desk.hello(edge, [{ lane: 2, first: 3, last: 6, lastKeyframe: 4 }], 2);
    desk.told(edge);
    assert.deepEqual(
      desk.store.laneGaps.map(({ from, to, cause }) => [from, to, cause]),
      [[2, 2, 'evicted-at-edge']],
    );
    await desk.blocks(edge, edge.blocks(2).slice(2, 3));
    assert.deepEqual(desk.told(edge), [{ kind: 'need-keyframe', lane: 2, upTo: 2 }]);
    await desk.hello(edge, [{ lane: 2, first: 4, last: 6, lastKeyframe: 4 }], 3);
    await desk.blocks(edge, edge.blocks(2).slice(3));
    assert.deepEqual(desk.told(edge).at(-1), ack(edge, 6));
    await desk.store.fold({ maxBlocks: 100 });
    assert.equal((await desk.store.latest(METER))[0]?.value, 1006);
  });

  /** What an edge leaves of the blocks from..to of lane 2. */
  function tombstoneOf(edge: JournalEdge, from: number, to: number, change: Partial<Tombstone> = {}): PackedBlock {
    const blocks = edge.blocks(2);
    const octets = encodeTombstone({
      lane: 2,
      epoch: edge.epoch,
      from,
      to,
      prevHash: blocks[from - 2]?.hash ?? NO_BLOCK_HASH,
      headHash: blocks[to - 1]?.hash ?? NO_BLOCK_HASH,
      cause: 'quota',
      writtenAtMs: DAY_MS + 86_400_000,
      fromMs: blocks[from - 1]?.fromMs ?? 0,
      toMs: blocks[to - 1]?.toMs ?? 0,
      dictionaryHash: edge.dictionary.hash,
      groups: [0],
      ...change,
    });
    return { sequence: to, keyframe: to, octets, hash: blockHash(octets, crypto.sha256), fromMs: 0, toMs: 0 };
  }

  test('W-34 a tombstone becomes a gap of the lane, the chain is checked over it, and a keyframe must follow', async () => {
    const { desk, edge } = await ready();
    const blocks = edge.blocks(2);
    await desk.blocks(edge, [...blocks.slice(0, 1), tombstoneOf(edge, 2, 3), ...blocks.slice(3)]);
    assert.deepEqual(desk.told(edge), [ack(edge, 6)]);
    const [gap] = desk.store.laneGaps;
    assert.deepEqual([gap?.from, gap?.to, gap?.cause, gap?.notices?.length], [2, 3, 'evicted-at-edge', 1]);
    assert.equal(gap?.notices?.[0]?.meterId, METER);
    await desk.blocks(edge, [tombstoneOf(edge, 2, 3)]);
    assert.deepEqual(desk.told(edge), [ack(edge, 6)], 'it is acknowledged again');
    assert.equal(desk.store.laneGaps.length, 1);
    await desk.store.fold({ maxBlocks: 100 });
    assert.equal((await desk.store.latest(METER))[0]?.value, 1006);
  });

  test('W-34 a tombstone whose predecessor is another one, or that leaves a hole, is not taken; nor a block in its group', async () => {
    const { desk, edge } = await ready();
    const blocks = edge.blocks(2);
    await desk.blocks(edge, [tombstoneOf(edge, 2, 3)]);
    assert.deepEqual(desk.told(edge), [ack(edge, 0)]);
    await desk.blocks(edge, [...blocks.slice(0, 1), tombstoneOf(edge, 2, 3, { prevHash: new Uint8Array(8).fill(7) })]);
    assert.deepEqual(desk.told(edge), [ack(edge, 1), { kind: 'need-keyframe', lane: 2, upTo: 1 }]);
    await desk.blocks(edge, [tombstoneOf(edge, 2, 2), ...blocks.slice(2, 3)]);
    assert.deepEqual(desk.told(edge), [ack(edge, 2), { kind: 'need-keyframe', lane: 2, upTo: 2 }]);
  });

  test('W-35 of a tombstone that begins in what is stored only the rest is a gap', async () => {
    const { desk, edge } = await ready();
    const blocks = edge.blocks(2);
    await desk.blocks(edge, blocks.slice(0, 2));
    await desk.blocks(edge, [tombstoneOf(edge, 1, 3, { cause: 'unreadable' }), ...blocks.slice(3)]);
    assert.deepEqual(desk.told(edge), [ack(edge, 2), ack(edge, 6)]);
    assert.deepEqual(
      desk.store.laneGaps.map(({ from, to, cause }) => [from, to, cause]),
      [[3, 3, 'damaged-at-edge']],
    );
  });

  test('W-34 a tombstone that names an unknown dictionary asks for it', async () => {
    const desk = newDesk();
    const edge = filled();
    await desk.store.saveEdge(edge.record);
    await desk.hello(edge);
    desk.told(edge);
    await desk.blocks(edge, [tombstoneOf(edge, 1, 3)]);
    assert.deepEqual(desk.told(edge), [{ kind: 'need-dictionary', lane: 2, hash: edge.dictionary.hash }]);
  });

  test('W-99 what was ordered to be read again is said after each hello until it is answered; an answer counts once', async () => {
    const { desk, edge } = await ready();
    const { edgeId, epoch } = edge;
    const at = { edgeId, epoch, lane: 2, meterId: METER, intervalS: 900, obis: ['1-0:1.8.0*255'] } as const;
    const span = { fromMs: DAY_MS, toMs: DAY_MS + QUARTER_MS, reason: 'declared-gap' } as const;
    const places = [1, 2, 3].map((sequence) => ({ ...at, ...span, sequence }));
    await desk.store.listRereads(places.slice(0, 2), { state: 'ordered', atMs: 0 });
    await desk.store.listRereads(places.slice(2), { state: 'waiting', atMs: 0 });
    const said = () =>
      desk.told(edge).flatMap((body) => (body.kind === 'rereads' ? body.orders.map(({ id }) => id) : []));
    const ids = (await desk.store.orderedRereads(edgeId, 10)).map(({ id }) => id);
    assert.equal(ids.length, 2);
    for (const session of [2, 3]) {
      await desk.hello(edge, [], session);
      assert.deepEqual(said(), ids);
    }
    const [first = '', second = ''] = ids;
    const answer = (id: string, outcome: 'done' | 'gone') =>
      desk.control(edge, { kind: 'rereads', results: [{ id, outcome, rows: 2 }] });
    await answer(first, 'done');
    await answer(first, 'gone');
    await answer('no order of ours', 'gone');
    await desk.hello(edge, [], 4);
    assert.deepEqual(said(), [second]);
    const { items } = await desk.store.rereads({ limit: 10 });
    assert.deepEqual(items.map(({ id, state, rows }) => [id === first, state, rows]).sort(), [
      [false, 'ordered', 0],
      [false, 'waiting', 0],
      [true, 'done', 2],
    ]);
    assert.equal(await desk.ingest.sendRereads('other' as EdgeId, []), false);
  });

  test('W-88 a poison block of a lane of records is kept, acknowledged and reported; the next ones are taken', async () => {
    const { desk, edge } = await ready();
    const state = { meterId: METER, state: 'reachable', sentence: 'Answers.', sinceMs: DAY_MS } as const;
    edge.records(0, [{ kind: 'meter-state', state }]);
    const poison = edge.records(0, [{ kind: 'log', level: 'info', event: 'x.y', atMs: DAY_MS, fieldsJson: '{}' }])[0];
    assert.ok(poison);
    const bad = reframed(poison);
    await desk.blocks(edge, [edge.blocks(0)[0] ?? poison, bad]);
    assert.deepEqual(desk.told(edge), [ack(edge, 2, 0)]);
    const { items } = await desk.store.events({ fromMs: 0, toMs: DAY_MS * 2, limit: 10 });
    assert.deepEqual(
      items.map((event) => event.name),
      ['block-quarantined'],
    );
    assert.equal((await desk.store.meter(METER))?.state?.state, 'reachable');
  });

  test('W-90 blocks of another epoch than that of the hello are not taken', async () => {
    const { desk, edge } = await ready();
    const other = new JournalEdge('e1', '00000000000000ff', edge.groups);
    other.rows(2, [row(DAY_MS, [1, 1])], { readAtMs: DAY_MS });
    await desk.blocks(edge, other.blocks(2));
    assert.deepEqual(desk.told(edge), []);
    assert.equal(await desk.store.cursor(edge.edgeId, other.epoch, 2), undefined);
  });

  test('a hello of a new store that cannot be noted leaves no cursor of the old one behind', async () => {
    const { desk, edge } = await ready();
    await desk.blocks(edge, edge.blocks(2));
    desk.told(edge);
    const renewed = new JournalEdge('e1', '00000000000000ff', edge.groups);
    for (let slot = 7; slot <= 9; slot++)
      renewed.rows(2, [row(DAY_MS + slot * QUARTER_MS, [slot, 1])], { readAtMs: DAY_MS });
    const { noteHello } = desk.store;
    desk.store.noteHello = () => Promise.reject(new Error('the database is away'));
    await desk.hello(renewed, [], 2);
    desk.store.noteHello = noteHello;
    await desk.blocks(renewed, renewed.blocks(2));
    assert.deepEqual(desk.told(renewed), [ack(renewed, 3)]);
    assert.equal(await upTo(desk, renewed), 3);
    assert.equal(await upTo(desk, edge), 6);
  });

  test('W-61 a collector that was started anew calls active edges for hello, and again those whose blocks come without one', async () => {
    const { desk, edge } = await ready();
    const silent = filled('never-heard');
    await register(desk.store, silent);
    await desk.restart();
    await desk.ingest.connected();
    await setImmediate();
    const callFor = (each: JournalEdge) =>
      desk.told(each).map((body) => (body.kind === 'refusal' ? body.code : body.kind));
    assert.deepEqual(callFor(edge), ['INGEST_NO_SESSION'], 'not to one that never said hello');
    await desk.blocks(edge, edge.blocks(2).slice(0, 1));
    assert.deepEqual(callFor(edge), [], 'it was called just now');
    assert.equal(await upTo(desk, edge), 1, 'stored all the same');
    desk.time.nowMs += HELLO_RECALL_MS;
    await desk.blocks(edge, edge.blocks(2).slice(1, 2));
    assert.deepEqual(callFor(edge), ['INGEST_NO_SESSION']);
    await desk.hello(edge, [], 2);
    await desk.blocks(edge, edge.blocks(2).slice(2, 3));
    assert.deepEqual(callFor(edge), ['answer', 'ack']);
  });

  test('an unknown edge waits in the inbox, unacknowledged', async () => {
    const desk = newDesk();
    const edge = filled('stranger');
    await desk.hello(edge);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(desk.told(edge), []);
    const [record] = await desk.store.edges();
    assert.deepEqual([record?.edgeId, record?.state], ['stranger', 'inbox']);
    assert.equal(await upTo(desk, edge), 0);
    await register(desk.store, edge);
    await desk.hello(edge, [], 2);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind),
      ['answer', 'ack'],
      'once registered it is served',
    );
  });

  test('strangers behind a broker that lets anybody in fill the inbox and nothing else', async () => {
    const desk = newDesk();
    for (let at = 0; at <= INBOX_MAX; at++) await desk.hello(new JournalEdge(`stranger${at}`));
    assert.equal((await desk.store.edges()).length, INBOX_MAX);
    assert.equal(desk.ingest.state().inboxFull, true);
    const edge = filled();
    await register(desk.store, edge);
    await desk.hello(edge);
    await desk.blocks(edge, edge.blocks(2));
    assert.equal(await upTo(desk, edge), 6, 'known ones are served');
    desk.time.nowMs += 2 * 3_600_000;
    assert.equal(desk.ingest.state().inboxFull, false);
  });

  test('W-68 a hello under a wrong key is not answered', async () => {
    const desk = newDesk();
    const edge = filled();
    await register(desk.store, edge);
    const hello = {
      epoch: edge.epoch,
      bootId: '00',
      session: new Uint8Array(16),
      lanes: [],
      software: '',
      wallTimeMs: 0,
    };
    await desk.control(
      edge,
      { kind: 'hello', hello: { ...hello, bootId: '0000000000000000', clockQuality: 'unset', protocol: 1 } },
      new Uint8Array(32),
    );
    assert.deepEqual(desk.told(edge), []);
  });

  test('a deactivated edge is refused with a sentence and nothing is taken', async () => {
    const { desk, edge } = await ready();
    await desk.store.saveEdge({ ...edge.record, state: 'deactivated' });
    await desk.hello(edge, [], 2);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind === 'refusal' && body.code),
      ['INGEST_DEACTIVATED'],
    );
    assert.equal(await upTo(desk, edge), 0);
  });

  test('W-82 a database that could lose data acknowledges nothing and says so', async () => {
    const desk = newDesk();
    const edge = filled();
    await register(desk.store, edge);
    desk.store.setNotSafe(['fsync is off']);
    await desk.hello(edge);
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind === 'refusal' && body.code),
      ['INGEST_NOT_SAFE'],
    );
    await desk.blocks(edge, edge.blocks(2));
    assert.equal(await upTo(desk, edge), 0);
    assert.deepEqual(desk.ingest.state().notSafe, ['fsync is off']);
  });

  test('open commands go out after the hello, once more after the next, and become sent', async () => {
    const { desk, edge } = await ready();
    const id = '00000000-0000-4000-8000-000000000001' as CommandId;
    const command = {
      id,
      tenantId: DEFAULT_TENANT,
      edgeId: edge.edgeId,
      epoch: edge.epoch,
      meterId: METER,
      body: { kind: 'relay', action: 'disconnect' },
      author: 'test',
      createdAtMs: DAY_MS,
      expiresAtMs: DAY_MS + 60_000,
    } as const;
    const signed = { command: Uint8Array.of(1, 2), signature: new Uint8Array(64) };
    await desk.store.create(command, signed, undefined);
    await desk.hello(edge, [], 2);
    assert.deepEqual(desk.told(edge).at(-1), { kind: 'command', ...signed });
    assert.equal((await desk.store.command(id))?.state, 'sent');
    assert.equal(await desk.ingest.sendCommand(edge.edgeId, signed.command, signed.signature), true);
    assert.equal(await desk.ingest.sendCommand('other' as EdgeId, signed.command, signed.signature), false);
    desk.time.nowMs = command.expiresAtMs;
    desk.sent.splice(0);
    await desk.hello(edge, [], 3);
    assert.deepEqual(
      desk.told(edge).map((body) => body.kind),
      ['answer'],
      'an expired command is not sent',
    );
  });

  test('the result of a command is there as soon as its block is stored', async () => {
    const { desk, edge } = await ready();
    const id = '00000000-0000-4000-8000-000000000002' as CommandId;
    const body = { kind: 'read', objects: [] } as const;
    const times = { createdAtMs: DAY_MS, expiresAtMs: DAY_MS + 60_000 };
    const command = {
      id,
      tenantId: DEFAULT_TENANT,
      edgeId: edge.edgeId,
      epoch: edge.epoch,
      meterId: METER,
      body,
      author: 'test',
      ...times,
    };
    await desk.store.create(command, { command: Uint8Array.of(1), signature: new Uint8Array(64) }, undefined);
    const report = {
      id,
      meterId: METER,
      state: 'done',
      code: '',
      sentence: 'Read.',
      atMs: DAY_MS + 1,
      values: [],
    } as const;
    await desk.blocks(edge, edge.records(1, [{ kind: 'command', report }]));
    assert.deepEqual(desk.told(edge), [ack(edge, 1, 1)]);
    assert.equal((await desk.store.command(id))?.state, 'done');
  });
});

/** The block with the end of its body cut off and its checksum made right again. */
function reframed(block: PackedBlock): PackedBlock {
  const cut = block.octets.subarray(0, block.octets.length - 7);
  return { ...block, octets: new ByteWriter().bytes(cut).u32(crc32C(cut)).finish() };
}

describe('connection', () => {
  test('a lost connection is tried again after a growing pause, and the filters stand again', async () => {
    const pauses: number[] = [];
    const filters: (readonly string[])[] = [];
    let listener: MqttListener | undefined;
    let refuse = 2;
    const runs: (() => void)[] = [];
    const clock = { nowMs: () => DAY_MS, monotonicMs: () => 0 };
    const connection: MqttConnection = {
      publish: async () => undefined,
      subscribe: async (wanted) => {
        filters.push(wanted);
      },
      bufferedOctets: () => 0,
      trafficOctets: () => ({ sent: 0, received: 0 }),
      close: async () => undefined,
    };
    const ingest = startIngest({
      env: {
        clock,
        crypto,
        log: SILENT_LOG,
        random: { bytes: (count) => new Uint8Array(count), below: () => 0 },
        timers: {
          after: (delayMs, run) => {
            pauses.push(delayMs);
            runs.push(run);
            return { cancel: () => undefined };
          },
          sleep: async () => undefined,
        },
        mqtt: {
          connect: async (_options, given) => {
            if (refuse-- > 0) throw new Error('refused');
            listener = given;
            return connection;
          },
        },
      },
      store: createMemoryCollectorStore({ clock, term: new Uint8Array(12) }),
      broker: { url: 'mqtt://test', clientId: 'collector' },
      shards: [7],
    });
    const settle = async () => {
      for (let turns = 0; turns < 10; turns++) await Promise.resolve();
    };
    await settle();
    assert.equal(ingest.state().connected, false);
    assert.match(ingest.state().sentence, /refused/);
    runs.shift()?.();
    await settle();
    runs.shift()?.();
    await ingest.connected();
    assert.deepEqual(pauses, [RECONNECT_MIN_MS / 2, RECONNECT_MIN_MS]);
    listener?.closed('broker restarted');
    assert.equal(ingest.state().connected, false);
    runs.shift()?.();
    await ingest.connected();
    assert.deepEqual(pauses.slice(2), [RECONNECT_MIN_MS / 2], 'a good connection resets the pause');
    assert.deepEqual(filters, [
      ['dw/07/+/b', 'dw/07/+/c'],
      ['dw/07/+/b', 'dw/07/+/c'],
    ]);
    await ingest.stop();
    assert.equal(ingest.state().sentence, 'Stopped.');
  });

  test('what an edge sends beyond its queue is dropped unacknowledged, and the rest is taken', async () => {
    const { desk, edge } = await ready();
    const junk = new Uint8Array(60_000);
    const said = Array.from({ length: 12 }, () => desk.say(edge, 'b', junk));
    const fits = desk.blocks(edge, edge.blocks(2).slice(0, 1));
    assert.ok(desk.ingest.state().queuedOctets <= 2 * EDGE_CREDIT_OCTETS);
    await Promise.all([...said, fits]);
    assert.equal(desk.ingest.state().queuedOctets, 0);
    desk.told(edge);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(desk.told(edge), [ack(edge, 6)]);
  });

  test('the credit of the settings is what an edge is told', async () => {
    const desk = newDesk({ creditOctets: 10_000 });
    const edge = filled();
    await register(desk.store, edge);
    await place(desk.store, METER, edge);
    await desk.hello(edge);
    await desk.blocks(edge, edge.blocks(2));
    assert.deepEqual(
      desk.told(edge).map((message) => Reflect.get(message, 'credit')),
      [10_000, 10_000],
      'answer and acknowledgement',
    );
  });
});
