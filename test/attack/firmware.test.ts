/**
 * HE-7: a firmware image of which one bit is turned over at each stage between the collector's database and the meter's flash.
 * Nowhere does a meter come to run it: what the edge holds is believed by its hash alone, which the signed command names, and
 * what the meter holds by the maker's signature.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { ImageStore } from '../../src/edge/images/image-store.ts';
import { HOST_CRYPTO } from '../../src/host/crypto.ts';
import { VirtualSystem } from '../../src/lab/virtual-system.ts';
import { END_STATES } from '../../src/model/command.ts';
import { DEFAULT_TENANT, type MeterId } from '../../src/model/ids.ts';
import { IMAGE_FAULTS, type ImageFault } from '../../src/sim/meter/firmware.ts';
import { simImage } from '../../src/sim/meter/image-file.ts';
import { testWorld } from '../unit/edge/world.ts';

const MINUTE_MS = 60_000;
const IDIS = 'generic/idis';
const profiles = [
  { key: IDIS, text: await readFile(new URL(`../../config/profiles/${IDIS}.yaml`, import.meta.url), 'utf8') },
];
const IMAGE = simImage('SIM 2.0', 20_000, (count) => new SeededRandom('swap').bytes(count));
const SHA256 = toHex(HOST_CRYPTO.sha256(IMAGE));
const IDENTIFIER = toHex(new TextEncoder().encode('FW2'));
/** Somewhere in the third part on the way to the edge, and in a block in the middle on the way to the meter. */
const FLIPPED_AT = 17_001;

function flipped(octets: Uint8Array): Uint8Array {
  return octets.map((octet, at) => (at === FLIPPED_AT ? octet ^ 0x10 : octet));
}

/** Orders the firmware, lets it end, and tells how, and what the meter runs. */
async function swapped(stored: Uint8Array, fault: ImageFault | null) {
  const system = await VirtualSystem.start({ seed: 5, meters: 1, profiles, crypto: HOST_CRYPTO });
  const { store, world, collector } = system;
  assert.ok(collector !== null);
  await store.saveImage(
    {
      tenantId: DEFAULT_TENANT,
      sha256: SHA256,
      sizeOctets: IMAGE.length,
      name: 'test',
      identifier: IDENTIFIER,
      uploadedBy: 'test',
      uploadedAtMs: world.nowMs,
    },
    stored,
  );
  const device = system.site.meters[0]?.device ?? assert.fail('no meter');
  if (fault !== null) device.firmware.fail(IMAGE_FAULTS[fault]);
  const issued = collector.desk.issue({
    meterId: device.meterId as MeterId,
    body: { kind: 'firmware', sha256: SHA256, sizeOctets: IMAGE.length, identifier: IDENTIFIER, activateAtMs: null },
    author: 'test',
    tenantId: DEFAULT_TENANT,
    validForMs: 6 * 60 * MINUTE_MS,
  });
  await system.run(1_000);
  const { id } = (await issued).record;
  for (let minutes = 0; minutes < 360; minutes++) {
    const record = await store.command(id);
    if (record !== undefined && END_STATES.has(record.state)) break;
    await system.run(MINUTE_MS);
  }
  const record = (await store.command(id)) ?? assert.fail('no command');
  const { version } = device.firmware;
  await system.stop();
  return { state: record.state, code: record.reports.at(-1)?.code, version };
}

test('HE-7 a good image goes in: the stages below fail for the bit alone', async () => {
  assert.deepEqual(await swapped(IMAGE, null), { state: 'done', code: '', version: 'SIM 2.0' });
});

test("HE-7 one bit in the collector's database, or on every way to the edge: the edge gives it up, the meter hears nothing", async () => {
  assert.deepEqual(await swapped(flipped(IMAGE), null), {
    state: 'failed',
    code: 'COMMAND_IMAGE_DAMAGED',
    version: 'SIM 1.0',
  });
});

test("HE-7 one bit on the edge's disk, while the image comes in or once it lies there: it is no image any more", async () => {
  const { env } = testWorld().program('edge');
  const store = new ImageStore(env, 'images');
  await env.disk.makeFolder('images');
  await env.disk.writeFile(`images/${SHA256}.part`, flipped(IMAGE));
  assert.equal(await store.finish(SHA256), undefined);
  assert.equal(await store.begun(SHA256), 0, 'it is fetched anew');
  await env.disk.writeFile(`images/${SHA256}.part`, IMAGE);
  assert.deepEqual(await store.finish(SHA256), IMAGE);
  await env.disk.writeFile(`images/${SHA256}.image`, flipped(IMAGE));
  assert.equal(await store.whole(SHA256), undefined);
  assert.deepEqual(await env.disk.list('images'), []);
});

for (const fault of ['image-bit-arriving', 'image-bit-stored', 'image-bit-verifying'] as const) {
  test(`HE-7 one bit in the meter (${fault}): it does not verify, and the meter keeps what it runs`, async () => {
    assert.deepEqual(await swapped(IMAGE, fault), { state: 'failed', code: 'IMAGE_VERIFY', version: 'SIM 1.0' });
  });
}
