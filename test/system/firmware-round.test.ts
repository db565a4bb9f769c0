/**
 * One image to the meters of a line at once over the whole system in virtual time: each has keys of its own and the broadcast
 * key of its line, each misses one message to all in ten, and whoever is killed on the way goes on where it was.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { END_STATES } from '../../src/model/command.ts';
import { type CommandId, DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { simImage } from '../../src/sim/meter/image-file.ts';

const MINUTE_MS = 60_000;
const METERS = 6;
const IDIS = 'generic/idis';
const TEXT = await readFile(new URL(`../../config/profiles/${IDIS}.yaml`, import.meta.url), 'utf8');
const MAY_BROADCAST = TEXT.replace('firmware:\n', 'firmware:\n  broadcastPauseMs: 20\n');
assert.notEqual(MAY_BROADCAST, TEXT);
const IMAGE = simImage('SIM 2.0', 40_000, (count) => new SeededRandom('firmware').bytes(count));
const BLOCKS = IMAGE.length / 200;
const SHA256 = toHex(HOST_CRYPTO.sha256(IMAGE));
const IDENTIFIER = toHex(new TextEncoder().encode('FW2'));

interface Given {
  readonly profile?: string;
  /** Whether the meters share a broadcast key. */
  readonly shared?: boolean;
  readonly loss?: number;
}

async function started({ profile = MAY_BROADCAST, shared = true, loss = 0 }: Given = {}): Promise<VirtualSystem> {
  const keyFiles = Array.from({ length: METERS }, (_, at) => ({
    clientTitle: '4457450000000001',
    meterTitle: `44574500000001${(at + 16).toString(16)}`,
    encryptionKey: `${at + 1}`.repeat(32),
    authenticationKey: 'd0'.repeat(16),
    broadcastKey: (shared ? 'b0' : `b${at}`).repeat(16),
    mechanism: 'hls-gmac',
  }));
  const system = await VirtualSystem.start({
    seed: 33,
    meters: METERS,
    profiles: [{ key: IDIS, text: profile }],
    crypto: HOST_CRYPTO,
    layout: 'one-bus',
    keyFiles,
    broadcastLoss: loss,
  });
  const image = {
    tenantId: DEFAULT_TENANT,
    sha256: SHA256,
    sizeOctets: IMAGE.length,
    name: 'test',
    identifier: IDENTIFIER,
  };
  await system.store.saveImage({ ...image, uploadedBy: 'test', uploadedAtMs: system.world.nowMs }, IMAGE);
  await system.run(2 * MINUTE_MS);
  return system;
}

async function orderAll(system: VirtualSystem, numbers = [...Array(METERS).keys()]): Promise<readonly CommandId[]> {
  const issued = numbers.map((at) => {
    const { device } = system.site.meters[at] ?? assert.fail();
    return system.collector?.desk.issue({
      meterId: device.meterId as MeterId,
      body: { kind: 'firmware', sha256: SHA256, sizeOctets: IMAGE.length, identifier: IDENTIFIER, activateAtMs: null },
      author: 'test',
      tenantId: DEFAULT_TENANT,
      validForMs: 24 * 60 * MINUTE_MS,
    });
  });
  await system.run(1_000);
  return (await Promise.all(issued)).map((each) => each?.record.id ?? assert.fail());
}

/** Minutes until all of them have ended as done. */
async function doneIn(system: VirtualSystem, ids: readonly CommandId[], withinMin = 240): Promise<number> {
  for (let minutes = 0; minutes <= withinMin; minutes++) {
    const records = await Promise.all(ids.map((id) => system.store.command(id)));
    const open = records.filter((record) => record === undefined || !END_STATES.has(record.state));
    for (const record of records)
      if (record !== undefined && END_STATES.has(record.state)) assert.equal(record.state, 'done', record.sentence);
    if (open.length === 0) return minutes;
    await system.run(MINUTE_MS);
  }
  return assert.fail('it never ends');
}

function counted(system: VirtualSystem, name: string): number {
  return system.concentrator?.health.counter(name) ?? 0;
}

async function assertWhole(system: VirtualSystem): Promise<void> {
  for (const { device } of system.site.meters) assert.equal(device.firmware.version, 'SIM 2.0');
  const { lost, duplicated, altered, invented, settled } = await system.settledVerdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented, settled },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
  );
}

/** How long all took, and the octets on the line meanwhile. */
async function roll(given: Given) {
  const system = await started(given);
  const line = system.site.lines.find('bus1') ?? assert.fail();
  const before = line.octets;
  const ids = await orderAll(system);
  const minutes = await doneIn(system, ids);
  const octets = line.octets - before;
  const figures = {
    minutes,
    octets,
    rounds: counted(system, 'image_rounds'),
    toAll: counted(system, 'image_blocks_to_all'),
  };
  await assertWhole(system);
  await system.stop();
  return figures;
}

test('PROV-2 six meters of a line get one image at once, what each missed alone, and read on meanwhile', async () => {
  const together = await roll({ loss: 0.1 });
  assert.equal(together.rounds, 1);
  assert.equal(together.toAll, BLOCKS);
  const alone = await roll({ loss: 0.1, profile: TEXT });
  assert.deepEqual([alone.rounds, alone.toAll], [0, 0], 'the profile does not allow it');
  assert.ok(together.octets < 0.6 * alone.octets, `${together.octets} octets, one by one ${alone.octets}`);
});

test('meters with broadcast keys of their own get their blocks alone', async () => {
  const { rounds, toAll } = await roll({ shared: false });
  assert.deepEqual([rounds, toAll], [0, 0]);
});

test('an edge that is killed in the middle of a round begins another one with what is left', async () => {
  const system = await started({ loss: 0.05 });
  const ids = await orderAll(system);
  while (counted(system, 'image_blocks_to_all') < BLOCKS / 2) await system.run(1_000);
  const before = counted(system, 'image_blocks_to_all');
  assert.ok(before < BLOCKS);
  system.fault({ kind: 'edge-kill', offMs: 20_000 });
  await system.run(5 * MINUTE_MS);
  await doneIn(system, ids);
  assert.equal(counted(system, 'image_rounds'), 1, 'one more after the restart');
  const after = counted(system, 'image_blocks_to_all');
  assert.ok(after >= BLOCKS - before && after < 0.75 * BLOCKS, `${before} before, ${after} after`);
  await assertWhole(system);
  await system.stop();
});

test('a meter that is away holds the others up for a quarter of an hour and gets its blocks alone', async () => {
  const system = await started();
  system.site.misbehave(METERS - 1, 'silent');
  const ids = await orderAll(system);
  const minutes = await doneIn(system, ids.slice(0, -1));
  assert.ok(minutes > 14 && minutes < 40, `${minutes} minutes`);
  assert.equal(counted(system, 'image_blocks_to_all'), BLOCKS);
  system.site.misbehave(METERS - 1, null);
  await doneIn(system, ids);
  assert.equal(counted(system, 'image_blocks_to_all'), BLOCKS);
  await assertWhole(system);
  await system.stop();
});
