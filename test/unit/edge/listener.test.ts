import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fromHex } from '../../../src/base/bytes.ts';
import type { Env } from '../../../src/base/env.ts';
import { readMeterKeys } from '../../../src/edge/meter-keys.ts';
import type { Meter } from '../../../src/edge/ports.ts';
import { MeterCounters } from '../../../src/edge/reader/counters.ts';
import { PushListener } from '../../../src/edge/reader/listener.ts';
import { PushSampler } from '../../../src/edge/reader/push-sampler.ts';
import { MemoryLines } from '../../../src/link/memory.ts';
import { linkOf } from '../../../src/link/registry.ts';
import type { MeterId } from '../../../src/model/ids.ts';
import { type Capture, meterOfCapture, parseCaptures, playCaptures } from '../../../src/sim/captures.ts';
import { DirectStage, profileOf } from './bus.ts';
import { FakeJournal } from './fake-journal.ts';
import { FakeHealth, testWorld } from './world.ts';

const VECTORS = new URL('../../vectors/', import.meta.url);
const CAPTURES = parseCaptures(new Uint8Array(readFileSync(new URL('push-captures.json', VECTORS))));
const MALFORMED = JSON.parse(readFileSync(new URL('malformed.json', VECTORS), 'utf8')) as { hex: string }[];

/** Keys of a port whose operator was given the encryption key only. */
async function keysOf(encryptionKey: string, env: Env) {
  await env.disk.writeFile('p1.keys', new TextEncoder().encode(`encryptionKey: "${encryptionKey}"`));
  return readMeterKeys('p1.keys', env);
}

/** A customer port at 2,400 Bd. */
async function port(profileKey: string, timeZone: string, sampleMs: number, encryptionKey?: string) {
  const world = testWorld();
  const { env } = world.program('edge');
  const lines = new MemoryLines({ timers: env.timers, clock: env.clock, random: env.random });
  const line = lines.create('han', { framing: 'auto', purpose: 'push' });
  const journal = new FakeJournal();
  const health = new FakeHealth();
  const meter: Meter = {
    meterId: 'p1' as MeterId,
    line: 'han',
    profile: profileOf(profileKey),
    timeZone,
    logicalDevice: 1,
    physicalDevice: null,
    password: null,
    security: encryptionKey === undefined ? null : await keysOf(encryptionKey, env),
  };
  const link = linkOf('memory:han', { ...env, lines });
  const listener = new PushListener({
    env,
    line: 'han',
    meters: [meter],
    link,
    stage: new DirectStage(journal),
    journal,
    counters: new MeterCounters(journal, env.clock),
    health,
    sampleMs,
  });
  await listener.start();
  const duplex = line.attach();
  return {
    world,
    env,
    line,
    duplex,
    journal,
    health,
    listener,
    play: async (captures: readonly Capture[], noise = true) => {
      const options = { seed: 'port', octetMs: 11 / 2.4, pauseMs: 1_000, noise };
      const played = playCaptures(duplex, captures, env, options);
      await world.clock.advance(captures.length * 5_000);
      await played;
    },
    values: () =>
      journal.entries
        .flatMap((entry) => entry.groups)
        .flatMap(({ group, rows }) =>
          rows.flatMap((row) => row.values.map((value, at) => `${group.columns[at]?.obis} ${value}`)),
        ),
    qualities: () =>
      new Set(journal.entries.flatMap((entry) => entry.groups).flatMap(({ rows }) => rows.map((row) => row.quality))),
    states: () =>
      journal.entries
        .flatMap((entry) => entry.records)
        .flatMap((record) => (record.kind === 'meter-state' ? [record.state.state] : [])),
    attributes: () =>
      journal.entries
        .flatMap((entry) => entry.records)
        .flatMap((record) =>
          record.kind === 'attribute' ? [`${record.attribute.name} ${record.attribute.text}`] : [],
        ),
  };
}

function plainCapturesOf(profileKey: string): readonly Capture[] {
  return CAPTURES.filter((capture) => !capture.ciphered && meterOfCapture(capture.id)?.profile === profileKey);
}

test('IT-15 captures of a real meter, split and with noise between, become readings and attributes', async () => {
  const p = await port('kaifa/ma304', 'Europe/Oslo', 0);
  await p.play(plainCapturesOf('kaifa/ma304'));
  assert.ok(p.values().includes('1-0:1.7.0*255 5852'), p.values().slice(0, 10).join(', '));
  assert.ok(
    p.attributes().some((attribute) => attribute.includes('MA304H3E')),
    p.attributes().join(', '),
  );
  assert.equal(p.states()[0], 'listening');
  assert.ok([...p.health.counters.keys()].some((name) => name.startsWith('reader_discarded_')));
  await p.listener.stop();
});

test('IT-15 readings are stored when the texts beside them cannot be compared with the last ones; the texts follow', async () => {
  const p = await port('kaifa/ma304', 'Europe/Oslo', 0);
  const { kept } = p.journal;
  p.journal.kept = () => Promise.reject(new Error('the disk does not answer'));
  const captures = plainCapturesOf('kaifa/ma304');
  await p.play(captures, false);
  assert.ok(p.values().includes('1-0:1.7.0*255 5852'), p.values().slice(0, 10).join(', '));
  assert.deepEqual(p.attributes(), []);
  assert.ok((p.health.counters.get('reader_push_texts_skipped') ?? 0) > 0);
  p.journal.kept = kept;
  await p.play(captures, false);
  assert.ok(p.attributes().some((attribute) => attribute.includes('MA304H3E')));
  await p.listener.stop();
});

test('malformed frames are counted by code, the line goes on', async () => {
  const p = await port('kaifa/ma304', 'Europe/Oslo', 0);
  for (const { hex } of MALFORMED) {
    await p.duplex.write(fromHex(hex));
    await p.world.clock.advance(10_000);
  }
  assert.equal(p.values().length, 0);
  const codes = [...p.health.counters.keys()].filter((name) => name.startsWith('reader_discarded_'));
  assert.ok(codes.length >= 3, codes.join(', '));
  await p.play(plainCapturesOf('kaifa/ma304').slice(0, 1), false);
  assert.ok(p.values().length > 0);
  await p.listener.stop();
});

test('pushes faster than the period are sampled: the first at once, then the latest once a period', async () => {
  const p = await port('kaifa/ma304', 'Europe/Oslo', 900_000);
  const [capture] = plainCapturesOf('kaifa/ma304');
  assert.ok(capture !== undefined);
  for (let minute = 0; minute < 60; minute++) {
    await p.play([capture], false);
    await p.world.clock.advance(55_000);
  }
  const stored = p.journal.entries.filter((entry) => entry.groups.length > 0).length;
  assert.ok(stored >= 4 && stored <= 5, `${stored} stored in an hour of 60 pushes`);
  await p.listener.stop();
});

test('a silent port and a babbling one are said to be so; a port that ends is opened again', async () => {
  const p = await port('kaifa/ma304', 'Europe/Oslo', 0);
  const [capture] = plainCapturesOf('kaifa/ma304');
  assert.ok(capture !== undefined);
  await p.play([capture], false);
  await p.world.clock.advance(4 * 3_600_000);
  assert.deepEqual(p.states(), ['listening', 'silent']);
  for (let piece = 0; piece < 200; piece++) {
    await p.duplex.write(p.env.random.bytes(64));
    await p.world.clock.advance(500);
  }
  assert.equal(p.states().at(-1), 'babbling');
  p.line.cut();
  await p.world.clock.advance(2_000);
  const again = p.line.attach();
  const played = playCaptures(again, [capture], p.env, { seed: 'x', octetMs: 1, pauseMs: 1_000, noise: false });
  await p.world.clock.advance(10_000);
  await played;
  assert.equal(p.states().at(-1), 'listening');
  assert.equal(p.health.counters.get('reader_line_failures'), 1);
  await p.listener.stop();
});

test('a ciphered port is named as one', async () => {
  const p = await port('kaifa/ma309', 'Europe/Vienna', 0);
  const ciphered = CAPTURES.filter(
    (capture) => capture.ciphered && meterOfCapture(capture.id)?.profile === 'kaifa/ma309',
  );
  assert.ok(ciphered.length > 0);
  await p.play(ciphered, false);
  assert.equal(p.values().length, 0);
  assert.equal(p.states()[0], 'garbled');
  assert.match(p.health.states.get('meter p1') ?? '', /is the port ciphered\?/);
  await p.listener.stop();
});

test('a ciphered port is read with its key, unverified without the authentication key; a wrong key is counted', async () => {
  const capture = CAPTURES.find(({ id }) => id === 'kaifa-at-evn') ?? assert.fail();
  const right = await port('kaifa/ma309', 'Europe/Vienna', 0, capture.encryptionKey ?? '');
  await right.play([capture], false);
  assert.ok(right.values().length >= 8, right.values().join(', '));
  assert.deepEqual([...right.qualities()], ['unverified']);
  assert.equal(right.states()[0], 'listening');
  await right.listener.stop();
  const wrong = await port('kaifa/ma309', 'Europe/Vienna', 0, '00'.repeat(16));
  await wrong.play([capture], false);
  assert.equal(wrong.values().length, 0);
  const codes = [...wrong.health.counters.keys()].filter((name) => name.startsWith('reader_discarded_dlms_'));
  assert.equal(codes.length, 1, codes.join(', '));
  await wrong.listener.stop();
});

test('interop 16: the sampler keeps the latest of each list apart', () => {
  const sampler = new PushSampler<string>(1_000);
  assert.equal(sampler.offer('a', 'a1', 0), 'a1');
  assert.equal(sampler.offer('b', 'b1', 100), 'b1');
  assert.equal(sampler.offer('a', 'a2', 200), null);
  assert.equal(sampler.offer('a', 'a3', 300), null);
  assert.equal(sampler.dueAtMs(), 1_000);
  assert.deepEqual(sampler.due(999), []);
  assert.deepEqual(sampler.due(1_000), ['a3']);
  assert.equal(sampler.dueAtMs(), null);
  assert.equal(sampler.offer('b', 'b2', 1_099), null);
  assert.deepEqual(sampler.rest(), ['b2']);
  assert.equal(sampler.offer('c', 'c1', 5_000), 'c1');
});
