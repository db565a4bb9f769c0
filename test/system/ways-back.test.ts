/**
 * What is not a fault of a part but a change of it: a collector that comes back from a backup or empty, a concentrator on a
 * new board. Each has a way back (docs/operations.md), and it ends in 0 0 0 0 over everything that the meters produced.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { swarmProfiles } from '../../src/lab/proofs/swarm.ts';
import { VIRTUAL_EDGE, VirtualSystem } from '../../src/lab/virtual-system.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const profiles = await swarmProfiles((path) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8'));

async function started(seed: number, days: number): Promise<VirtualSystem> {
  const system = await VirtualSystem.start({ seed, meters: 4, profiles, crypto: HOST_CRYPTO });
  await system.run(days * DAY_MS);
  return system;
}

async function assertClean(system: VirtualSystem): Promise<void> {
  const { lost, duplicated, altered, invented, settled, produced, samples } = await system.settledVerdict();
  const expected = { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true };
  assert.deepEqual({ lost, duplicated, altered, invented, settled }, expected, samples.join('\n'));
  assert.ok(produced > 1_000, `${produced} values`);
  await system.stop();
}

const blocksIn = async (system: VirtualSystem) => {
  const epoch = system.concentrator?.journal.epoch ?? assert.fail();
  const cursors = await system.store.cursors(VIRTUAL_EDGE, epoch);
  return cursors.reduce((sum, { upTo }) => sum + upTo, 0);
};

test('a collector that is restored from a backup of the day before gets everything since again', async () => {
  const system = await started(31, 3);
  const before = await blocksIn(system);
  system.fault({ kind: 'collector-restored', lostMs: DAY_MS });
  await system.run(1);
  const restored = await blocksIn(system);
  assert.ok(restored < before, 'the backup lacks a day');
  await system.run(6 * HOUR_MS);
  await assertClean(system);
});

test('a collector with an empty database gets everything that the concentrator still has: two weeks', async () => {
  const system = await started(32, 3);
  system.fault({ kind: 'collector-restored', lostMs: 30 * DAY_MS });
  await system.run(6 * HOUR_MS);
  await assertClean(system);
});

test('a collector is restored while its concentrator is away, and while blocks are on their way', async () => {
  const system = await started(33, 2);
  system.fault({ kind: 'broker-down', forMs: 5 * HOUR_MS });
  system.fault({ kind: 'collector-restored', lostMs: 12 * HOUR_MS });
  await system.run(5 * HOUR_MS + 30_000);
  system.fault({ kind: 'collector-restored', lostMs: HOUR_MS });
  await system.run(6 * HOUR_MS);
  await assertClean(system);
});

test('a concentrator on a new board begins an epoch of its own and reads its meters from their oldest rows; nothing is doubled', async () => {
  const system = await started(34, 2);
  const epoch = system.concentrator?.journal.epoch;
  system.fault({ kind: 'edge-replaced', offMs: 3 * HOUR_MS });
  await system.run(9 * HOUR_MS);
  assert.notEqual(system.concentrator?.journal.epoch, epoch);
  await assertClean(system);
});

test('a store that is lost with blocks that nobody acknowledged: the meters are read again, nothing is lost and nothing twice', async () => {
  const system = await started(35, 2);
  system.fault({ kind: 'broker-down', forMs: 12 * HOUR_MS });
  await system.run(6 * HOUR_MS);
  const waiting = system.concentrator?.journal.lanes().reduce((sum, { pendingBlocks }) => sum + pendingBlocks, 0) ?? 0;
  assert.ok(waiting > 10, `${waiting} blocks wait when the store is lost`);
  system.fault({ kind: 'edge-replaced', offMs: HOUR_MS });
  await system.run(12 * HOUR_MS);
  await assertClean(system);
});
