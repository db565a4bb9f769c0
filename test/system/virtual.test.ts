/**
 * The whole system in virtual time: meters, lines, the real concentrator and collector, one clock and one seed. Each run
 * ends in a full outer join of what the meters produced and what the collector stored.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { replayOf, runSwarm, type SwarmRun, swarmProfiles } from '../../src/lab/proofs/swarm.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { decodeHeader } from '../../src/wire/block.ts';
import { isSelfContained, LANES } from '../../src/wire/lanes.ts';
import { splitBatch } from '../../src/wire/topics.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const profiles = await swarmProfiles((path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'));
const CLEAN = { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true };

async function judged(run: SwarmRun) {
  const outcome = await runSwarm(run, profiles);
  const { lost, duplicated, altered, invented, settled } = outcome;
  const faults = outcome.faults.map(({ atMs, fault }) => `${(atMs / HOUR_MS).toFixed(2)} h ${JSON.stringify(fault)}`);
  const story = [`seed ${run.seed}, ${JSON.stringify(run)}; ${replayOf(run.seed)}`, ...outcome.samples, ...faults];
  assert.deepEqual({ lost, duplicated, altered, invented, settled }, CLEAN, story.join('\n'));
  assert.ok(outcome.produced > 0);
  return outcome;
}

/** Blocks as they reach the broker: lane and octets, in order. */
function watchBlocks(system: VirtualSystem): { readonly lane: number; readonly octets: number }[] {
  const seen: { readonly lane: number; readonly octets: number }[] = [];
  system.world.broker.watch = (_client, topic, payload) => {
    if (!topic.endsWith('/b')) return;
    for (const block of splitBatch(payload)) seen.push({ lane: decodeHeader(block).lane, octets: block.length });
  };
  return seen;
}

function assertClean(verdict: Awaited<ReturnType<VirtualSystem['settledVerdict']>>): void {
  const { lost, duplicated, altered, invented, settled } = verdict;
  assert.deepEqual({ lost, duplicated, altered, invented, settled }, CLEAN, verdict.samples.join('\n'));
}

test('three days of ten meters without faults: 0 0 0 0', async () => {
  const outcome = await judged({ seed: 1, days: 3, meters: 10, faultsPerDay: 0 });
  assert.equal(outcome.produced, outcome.stored);
  // Six electricity meters with five columns, quarter-hourly, are most of it.
  assert.ok(outcome.produced > 3 * 96 * 6 * 5, `${outcome.produced} values`);
});

test('HE-7 a day of meters that know short names only, on every kind of line: 0 0 0 0', async () => {
  const short = profiles.map(({ key, text }) => ({ key, text: `${text}\nreferencing: short\n` }));
  const system = await VirtualSystem.start({ seed: 21, meters: 6, profiles: short, crypto: HOST_CRYPTO });
  await system.run(DAY_MS);
  const verdict = await system.settledVerdict();
  assertClean(verdict);
  assert.ok(verdict.produced > 96 * 4, `${verdict.produced} values`);
  assert.ok(system.site.meters.every(({ referencing }) => referencing === 'short'));
  await system.stop();
});

test('the same seed gives the same trace, another seed another one', async () => {
  const run = { days: 0.5, meters: 4, faultsPerDay: 12 };
  const { traceHash } = await judged({ seed: 5, ...run });
  assert.equal((await judged({ seed: 5, ...run })).traceHash, traceHash);
  assert.notEqual((await judged({ seed: 6, ...run })).traceHash, traceHash);
});

test('a wall clock that runs ahead hides no row that comes later', async () => {
  const system = await VirtualSystem.start({ seed: 9, meters: 2, profiles, crypto: HOST_CRYPTO });
  await system.run(6 * HOUR_MS);
  system.fault({ kind: 'edge-clock-jump', byMs: 36 * HOUR_MS });
  await system.run(3 * HOUR_MS);
  assertClean(await system.settledVerdict());
  await system.stop();
});

test('a wall clock that goes back by days, and again, holds up no row: the clocks of the meters tell', async () => {
  const system = await VirtualSystem.start({ seed: 9, meters: 3, profiles, crypto: HOST_CRYPTO });
  await system.run(6 * HOUR_MS);
  for (const backH of [40, 60]) {
    system.fault({ kind: 'edge-clock-jump', byMs: -backH * HOUR_MS });
    await system.run(6 * HOUR_MS);
  }
  const before = system.world.nowMs;
  assertClean(await system.settledVerdict());
  assert.ok(system.world.nowMs - before < HOUR_MS, 'nothing waits for the clock to come round');
  await system.stop();
});

test('UD-8 meters that are polled again without news cost no octet of readings', async () => {
  const system = await VirtualSystem.start({ seed: 3, meters: 6, profiles, crypto: HOST_CRYPTO });
  // Ten minutes past the hour: every row of the interval has arrived.
  await system.run(2 * HOUR_MS + 9 * 60_000);
  assertClean(await system.settledVerdict());
  const seen = watchBlocks(system);
  const answered = system.site.answered;
  // A concentrator that starts polls all its meters at once.
  system.fault({ kind: 'edge-restart' });
  await system.run(3 * 60_000);
  assert.ok(system.site.answered > answered + system.site.meters.length, 'the meters were asked');
  const readings = seen.filter(({ lane }) => !isSelfContained(lane as 0));
  assert.deepEqual(readings, []);
  await system.stop();
});

test('after seven days offline everything arrives, alarms first', async () => {
  const system = await VirtualSystem.start({ seed: 4, meters: 4, profiles, crypto: HOST_CRYPTO });
  await system.run(HOUR_MS);
  system.fault({ kind: 'broker-down', forMs: 7 * DAY_MS });
  await system.run(7 * DAY_MS - 60_000);
  const waiting = system.concentrator?.journal.lanes().find(({ lane }) => lane === LANES.alarms);
  assert.ok((waiting?.pendingBlocks ?? 0) > 0, 'events of the meters wait');
  const seen = watchBlocks(system);
  await system.run(2 * HOUR_MS);
  const isAlarm = ({ lane }: { readonly lane: number }) => lane === LANES.alarms;
  const firstReading = seen.findIndex(({ lane }) => !isSelfContained(lane as 0));
  const alarmsBefore = seen.slice(0, firstReading).filter(isAlarm).length;
  assert.ok(firstReading > 0 && alarmsBefore >= (waiting?.pendingBlocks ?? 0), 'no reading before a waiting alarm');
  assert.ok(seen.length > alarmsBefore + 10, 'a backlog followed');
  assertClean(await system.settledVerdict());
  await system.stop();
});
