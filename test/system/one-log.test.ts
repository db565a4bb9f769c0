/**
 * The log without meters: rows put into the edge's stage come out of the collector's store, whatever the wires do.
 * Real stage, journal, uplink, ingest and collector over a memory broker and a memory store, on one clock.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isClean } from '../../src/lab/oracle.ts';
import type { MeterId } from '../../src/model/ids.ts';
import { LogRig, QUARTER_MS } from '../support/log-rig.ts';

test('rows of a day come out of the store as they went in, and nothing new costs no octet (UD-8)', async () => {
  const log = new LogRig(1);
  await log.start();
  for (let quarter = 0; quarter < 96; quarter++) {
    log.round();
    await log.world.clock.advance(QUARTER_MS);
  }
  const verdict = await log.verdict();
  assert.deepEqual(verdict.samples, []);
  assert.equal(isClean(verdict), true);
  assert.equal(verdict.produced, 96 * 5 * 2);
  const payload = log.uplink.state().payloadOctets;
  const held = await log.journalOctets();
  assert.ok(payload >= held && payload < held * 1.05, `each block left once: ${payload} octets sent, ${held} held`);
  await log.world.clock.advance(6 * 3_600_000);
  assert.equal(log.uplink.state().payloadOctets, payload, 'no block left while nothing was new');
  await log.stop();
});

test('broker restarts, duplicated deliveries, collector and edge restarts lose and double nothing', async () => {
  const log = new LogRig(7, 8);
  await log.start();
  log.world.broker.copies = 2;
  for (let quarter = 0; quarter < 300; quarter++) {
    log.round();
    const dice = log.random.below(12);
    if (dice === 0) log.world.broker.restart();
    if (dice === 1) {
      log.world.broker.setUp(false);
      await log.world.clock.advance(QUARTER_MS * log.random.below(5));
      log.world.broker.setUp(true);
    }
    if (dice === 2) {
      await Promise.all([log.collector.stop(), log.world.clock.advance(60_000)]);
      await log.startCollector();
    }
    if (dice === 3) {
      await Promise.all([log.uplink.stop(), log.world.clock.advance(60_000)]);
      // What was staged and not flushed is gone with the memory: the meter still has it, this test's meter does not.
      const safe = new Map(log.meters.map((meterId) => [meterId, log.journal.watermark(meterId, 'lp') ?? 0]));
      log.edge.disk.crash();
      await log.startEdge();
      for (const [meterId, atMs] of safe) assert.equal(log.journal.watermark(meterId, 'lp') ?? 0, atMs);
      const kept = log.ledger.filter((entry) => entry.atMs <= (safe.get(entry.meterId as MeterId) ?? 0));
      log.ledger.splice(0, log.ledger.length, ...kept);
    }
    await log.world.clock.advance(QUARTER_MS);
  }
  const verdict = await log.verdict();
  assert.deepEqual(verdict.samples, []);
  assert.equal(isClean(verdict), true);
  await log.stop();
});

test('the same seed gives the same trace, another seed another one', async () => {
  const run = async (seed: number): Promise<string> => {
    const log = new LogRig(seed);
    await log.start();
    for (let quarter = 0; quarter < 20; quarter++) {
      log.round();
      if (quarter === 10) log.world.broker.restart();
      await log.world.clock.advance(QUARTER_MS);
    }
    await log.stop();
    return log.world.trace.hash();
  };
  const first = await run(3);
  assert.equal(await run(3), first);
  assert.notEqual(await run(4), first);
});
