/**
 * Firmware to meters over the whole system in virtual time: collector, broker, edge, lines and meters. The image goes to the
 * edge part by part, to the meter below periodic reading, and whoever is killed on the way goes on where it was.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { CommandRecord } from '../../src/collector/ports.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { END_STATES } from '../../src/model/command.ts';
import { type CommandId, DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import type { ImageFaults } from '../../src/sim/meter/firmware.ts';
import { simImage } from '../../src/sim/meter/image-file.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const IDIS = 'generic/idis';
const profiles = [
  { key: IDIS, text: await readFile(new URL(`../../config/profiles/${IDIS}.yaml`, import.meta.url), 'utf8') },
];
const IMAGE = simImage('SIM 2.0', 20_000, (count) => new SeededRandom('firmware').bytes(count));
const SHA256 = toHex(HOST_CRYPTO.sha256(IMAGE));
const IDENTIFIER = toHex(new TextEncoder().encode('FW2'));

/** A system whose collector has the image. */
async function started(meters: number, seed = 21): Promise<VirtualSystem> {
  const system = await VirtualSystem.start({ seed, meters, profiles, crypto: HOST_CRYPTO });
  const image = {
    tenantId: DEFAULT_TENANT,
    sha256: SHA256,
    sizeOctets: IMAGE.length,
    name: 'test',
    identifier: IDENTIFIER,
    uploadedBy: 'test',
    uploadedAtMs: system.world.nowMs,
  };
  await system.store.saveImage(image, IMAGE);
  return system;
}

async function order(system: VirtualSystem, number: number, validForMs = 24 * HOUR_MS): Promise<CommandId> {
  const { collector } = system;
  assert.ok(collector !== null);
  const issued = collector.desk.issue({
    meterId: meterOf(system, number).meterId as MeterId,
    body: { kind: 'firmware', sha256: SHA256, sizeOctets: IMAGE.length, identifier: IDENTIFIER, activateAtMs: null },
    author: 'test',
    tenantId: DEFAULT_TENANT,
    validForMs,
  });
  await system.run(1_000);
  return (await issued).record.id;
}

function meterOf(system: VirtualSystem, number: number) {
  return system.site.meters[number]?.device ?? assert.fail(`no meter ${number}`);
}

async function recordOf(system: VirtualSystem, id: CommandId): Promise<CommandRecord> {
  return (await system.store.command(id)) ?? assert.fail(`no command ${id}`);
}

async function ended(system: VirtualSystem, id: CommandId, withinMs: number): Promise<CommandRecord> {
  for (let leftMs = withinMs; leftMs > 0; leftMs -= MINUTE_MS) {
    const record = await recordOf(system, id);
    if (END_STATES.has(record.state)) return record;
    await system.run(MINUTE_MS);
  }
  return await recordOf(system, id);
}

async function assertClean(system: VirtualSystem): Promise<void> {
  const { lost, duplicated, altered, invented, settled } = await system.settledVerdict();
  assert.deepEqual(
    { lost, duplicated, altered, invented, settled },
    { lost: 0, duplicated: 0, altered: 0, invented: 0, settled: true },
  );
}

test('PROV-2 SG-FW-1 an image reaches meters on every kind of line, and the version comes up as an event', async () => {
  const system = await started(6);
  await system.run(10 * MINUTE_MS);
  const ids: CommandId[] = [];
  for (const number of [0, 2, 4]) ids.push(await order(system, number));
  for (const [at, id] of ids.entries()) {
    const record = await ended(system, id, 6 * HOUR_MS);
    assert.equal(record.state, 'done', record.sentence);
    assert.equal(record.sentence, 'The meter runs SIM 2.0 now, before it was SIM 1.0.');
    assert.equal(meterOf(system, at * 2).firmware.version, 'SIM 2.0');
    const { meterId } = record;
    const { items } = await system.store.events({ meterId, limit: 100, fromMs: 0, toMs: system.world.nowMs + 1 });
    const events = items.filter(({ name }) => name === 'firmware-activated');
    assert.equal(events.length, 1, JSON.stringify(items.map(({ name }) => name)));
  }
  await assertClean(system);
  await system.stop();
});

const FAULTS: readonly (readonly [string, ImageFaults, string])[] = [
  ['a bit of the stored image turns over', { flipBitAt: 'stored' }, 'IMAGE_VERIFY'],
  ['activation fails', { failActivate: true }, 'IMAGE_ACTIVATE'],
];

for (const [what, faults, code] of FAULTS) {
  test(`a meter in which ${what} keeps its firmware, and the command says why`, async () => {
    const system = await started(1);
    meterOf(system, 0).firmware.fail(faults);
    const record = await ended(system, await order(system, 0), 3 * HOUR_MS);
    assert.equal(record.state, 'failed', record.sentence);
    assert.equal(record.reports.at(-1)?.code, code);
    assert.equal(meterOf(system, 0).firmware.version, 'SIM 1.0');
    await system.stop();
  });
}

test('an edge that is killed again and again on the way goes on: no block is lost and no method done twice', async () => {
  const system = await started(3);
  const device = meterOf(system, 2);
  let initiated = 0;
  const { firmware } = device;
  const initiate = firmware.initiate.bind(firmware);
  firmware.initiate = (identifier, sizeOctets) => {
    initiated++;
    return initiate(identifier, sizeOctets);
  };
  const id = await order(system, 2);
  for (let kill = 0; kill < 12; kill++) {
    await system.run(7_000 + 1_700 * kill);
    system.fault({ kind: 'edge-kill', offMs: 20_000 });
    await system.run(40_000);
  }
  const record = await ended(system, id, 6 * HOUR_MS);
  assert.equal(record.state, 'done', record.sentence);
  assert.equal(initiated, 1, 'the image was begun once');
  await assertClean(system);
  await system.stop();
});

test('a power failure of the meter, a lost broker and a restarted collector on the way change nothing', async () => {
  const system = await started(3);
  meterOf(system, 2).firmware.fail({ powerLossAtBlock: 40, loseBlocks: [3, 60], loseAnswerOf: [1, 3, 4] });
  const id = await order(system, 2);
  system.fault({ kind: 'broker-restart' });
  await system.run(30_000);
  system.fault({ kind: 'collector-restart' });
  const record = await ended(system, id, 6 * HOUR_MS);
  assert.equal(record.state, 'done', record.sentence);
  assert.equal(meterOf(system, 2).firmware.version, 'SIM 2.0');
  await assertClean(system);
  await system.stop();
});

test('a command whose time runs out says so, and the same image goes on with the next one', async () => {
  const system = await started(3);
  const late = await ended(system, await order(system, 2, 18_000), HOUR_MS);
  assert.equal(late.reports.at(-1)?.code, 'COMMAND_OUT_OF_TIME', late.sentence);
  assert.equal(meterOf(system, 2).firmware.version, 'SIM 1.0');
  const record = await ended(system, await order(system, 2), 6 * HOUR_MS);
  assert.equal(record.state, 'done', record.sentence);
  await system.stop();
});

test('IT-6 while images go to every meter, reads keep at least 98 % of their rate', async () => {
  const rows = async (withFirmware: boolean): Promise<{ readonly jobs: number; readonly done: number }> => {
    const system = await started(12);
    await system.run(14 * MINUTE_MS);
    const before = system.concentrator?.health.counter('scheduler_jobs_done') ?? 0;
    const ids: CommandId[] = [];
    if (withFirmware) for (let number = 0; number < 12; number++) ids.push(await order(system, number));
    else await system.run(12_000);
    await system.run(2 * HOUR_MS);
    const jobs = (system.concentrator?.health.counter('scheduler_jobs_done') ?? 0) - before;
    let done = 0;
    for (const id of ids) if ((await recordOf(system, id)).state === 'done') done++;
    await assertClean(system);
    await system.stop();
    return { jobs, done };
  };
  const baseline = await rows(false);
  const busy = await rows(true);
  assert.equal(busy.done, 12, 'every meter was updated meanwhile');
  assert.ok(busy.jobs >= 0.98 * baseline.jobs, `${busy.jobs} of ${baseline.jobs} jobs`);
});
