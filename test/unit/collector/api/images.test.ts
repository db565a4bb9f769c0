import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../../../src/base/bytes.ts';
import { HOST_CRYPTO } from '../../../../src/host/crypto.ts';
import type { EdgeId } from '../../../../src/model/ids.ts';
import { decodeCommand } from '../../../../src/wire/codec.ts';
import { START_MS } from '../fake-env.ts';
import { E1, M1 } from '../fake-store.ts';
import { rig } from './rig.ts';

const OCTETS = Buffer.from(Uint8Array.from({ length: 2_000_000 }, (_, at) => (at * 7) & 0xff));
const SHA256 = toHex(HOST_CRYPTO.sha256(OCTETS));
const HEADERS = { 'content-type': 'application/octet-stream' };
const URL = `/api/v1/images/${SHA256}?identifier=FW2&name=meter%202.0`;

test('PROV-2 an image of 2 MB is brought once, listed and removed; a wrong hash is refused', async () => {
  const r = await rig();
  const first = await r.send('PUT', URL, OCTETS, HEADERS);
  assert.equal(first.statusCode, 201, first.body);
  const { uploadedAtMs, ...shown } = first.json();
  assert.equal(uploadedAtMs, START_MS);
  assert.deepEqual(shown, {
    sha256: SHA256,
    sizeOctets: OCTETS.length,
    name: 'meter 2.0',
    identifier: 'FW2',
    uploadedBy: 'admin',
  });
  assert.equal((await r.send('PUT', URL, OCTETS, HEADERS)).statusCode, 200);
  assert.equal((await r.get('/api/v1/images')).json().items.length, 1);
  const other = `/api/v1/images/${'0'.repeat(64)}?identifier=FW2`;
  assert.equal((await r.send('PUT', other, OCTETS, HEADERS)).json().code, 'IMAGE_HASH');
  assert.equal((await r.send('PUT', URL, { a: 1 })).json().code, 'MEDIA_TYPE_UNKNOWN');
  const huge = await r.send('PUT', URL, Buffer.alloc(4 * 1024 * 1024 + 1), HEADERS);
  assert.equal(huge.json().code, 'BODY_TOO_LARGE');
  assert.equal((await r.send('DELETE', `/api/v1/images/${SHA256}`)).statusCode, 204);
  assert.equal((await r.send('DELETE', `/api/v1/images/${SHA256}`)).json().code, 'IMAGE_UNKNOWN');
  await r.end();
});

test('no more than 64 images are kept', async () => {
  const r = await rig();
  await r.send('PUT', URL, OCTETS, HEADERS);
  const [image] = r.store.imageMap.values();
  assert.ok(image !== undefined);
  for (let at = 1; at < 64; at++) r.store.imageMap.set(`${at}`, { ...image, sha256: `${at}` });
  const one = Buffer.from([1]);
  const full = await r.send('PUT', `/api/v1/images/${toHex(HOST_CRYPTO.sha256(one))}?identifier=X`, one, HEADERS);
  assert.equal(full.json().code, 'IMAGES_FULL');
  await r.end();
});

test('a firmware is ordered by the hash of an image, and what is signed holds its size', async () => {
  const r = await rig();
  r.store.edgeMap.set(E1, {
    edgeId: E1 as EdgeId,
    tenantId: 'default',
    state: 'active',
    epoch: '00000000000000e1',
  } as never);
  r.store.meterMap.set(M1, { meterId: M1, tenantId: 'default', edgeId: E1, placedFromMs: 0 } as never);
  const body = { meterId: M1, body: { kind: 'firmware', sha256: SHA256, activateAt: '2026-12-01T02:00:00Z' } };
  assert.equal((await r.send('POST', '/api/v1/commands', body)).json().code, 'IMAGE_UNKNOWN');
  await r.send('PUT', URL, OCTETS, HEADERS);
  const ordered = await r.send('POST', '/api/v1/commands', body);
  assert.equal(ordered.statusCode, 202, ordered.body);
  const { what, expiresAtMs, createdAtMs } = ordered.json();
  assert.equal(what, `Firmware ${SHA256.slice(0, 8)}, 2000000 octets`);
  assert.equal(expiresAtMs - createdAtMs, 7 * 86_400_000);
  const [sent] = r.sent;
  assert.ok(sent !== undefined);
  assert.deepEqual(decodeCommand(sent.command).body, {
    kind: 'firmware',
    sha256: SHA256,
    sizeOctets: OCTETS.length,
    identifier: '465732',
    activateAtMs: Date.UTC(2026, 11, 1, 2),
  });
  await r.end();
});

test('PROV-2 one order brings an image to several meters: a command each, or the reason; sent again it changes nothing', async () => {
  const r = await rig();
  const edge = { edgeId: E1 as EdgeId, tenantId: 'default', state: 'active', epoch: '00000000000000e1' };
  r.store.edgeMap.set(E1, edge as never);
  for (const meterId of [M1, 'm2'])
    r.store.meterMap.set(meterId as never, { meterId, tenantId: 'default', edgeId: E1, placedFromMs: 0 } as never);
  const url = '/api/v1/firmware-orders';
  const body = { meterIds: [M1, 'm2', 'm9'], sha256: SHA256 };
  assert.equal((await r.send('POST', url, body)).json().code, 'IMAGE_UNKNOWN');
  await r.send('PUT', URL, OCTETS, HEADERS);
  const key = { 'idempotency-key': 'night-1' };
  const ordered = await r.send('POST', url, body, key);
  assert.equal(ordered.statusCode, 202, ordered.body);
  type Item = { meterId: string; command?: { id: string; what: string }; refused?: { code: string } };
  const itemsOf = (answer: typeof ordered): readonly Item[] => answer.json().items;
  const told = itemsOf(ordered).map(({ meterId, command, refused }) => [meterId, command?.what ?? refused?.code]);
  const what = `Firmware ${SHA256.slice(0, 8)}, 2000000 octets`;
  assert.deepEqual(told, [
    [M1, what],
    ['m2', what],
    ['m9', 'METER_UNKNOWN'],
  ]);
  assert.equal(r.sent.length, 2);
  const again = itemsOf(await r.send('POST', url, body, key));
  assert.deepEqual(
    again.map(({ command }) => command?.id),
    itemsOf(ordered).map(({ command }) => command?.id),
  );
  assert.equal(r.sent.length, 2, 'nothing is sent twice');
  const doubled = await r.send('POST', url, { ...body, meterIds: [M1, M1] });
  assert.equal(doubled.json().code, 'BODY_INVALID');
  await r.end();
});
