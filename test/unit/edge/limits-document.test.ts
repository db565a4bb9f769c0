import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { toHex } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { builtInLimits, readLimits, signLimits } from '../../../src/edge/commands/limits-document.ts';
import { TEST_CRYPTO } from './world.ts';

const KEY = TEST_CRYPTO.signingKeyFrom(new Uint8Array(32).fill(2));
const OTHER = TEST_CRYPTO.signingKeyFrom(new Uint8Array(32).fill(3));

test('a limits document holds when the second key signed it for this edge', () => {
  const octets = signLimits({ edgeId: 'e1', disconnectsPerHour: 40 }, KEY.privateKey, TEST_CRYPTO);
  assert.deepEqual(readLimits(octets, 'e1', KEY.publicKey, TEST_CRYPTO), { edgeId: 'e1', disconnectsPerHour: 40 });
  assert.deepEqual(builtInLimits('e1'), { edgeId: 'e1', disconnectsPerHour: 6 });
});

test('another key, another edge, a changed text or something else is refused by name', () => {
  const octets = signLimits({ edgeId: 'e1', disconnectsPerHour: 40 }, KEY.privateKey, TEST_CRYPTO);
  const changed = new TextEncoder().encode(new TextDecoder().decode(octets).replace('40', '90'));
  const read =
    (document: Uint8Array, edgeId: string, key = KEY) =>
    () =>
      readLimits(document, edgeId, key.publicKey, TEST_CRYPTO);
  const text = (value: string) => new TextEncoder().encode(value);
  assert.throws(read(octets, 'e1', OTHER), (error) => hasCode(error, 'LIMITS_SIGNATURE'));
  assert.throws(read(changed, 'e1'), (error) => hasCode(error, 'LIMITS_SIGNATURE'));
  assert.throws(read(octets, 'e2'), (error) => hasCode(error, 'LIMITS_OTHER_EDGE'));
  const noNumber = signLimits({ edgeId: 'e1', disconnectsPerHour: -1 }, KEY.privateKey, TEST_CRYPTO);
  for (const document of [
    text('no json'),
    text('7'),
    text('{}'),
    text('{"limits": "x", "signature": "1"}'),
    noNumber,
  ]) {
    assert.throws(read(document, 'e1'), (error) => hasCode(error, 'LIMITS_MALFORMED'));
  }
});

test('the example of the document is what this program reads', () => {
  const page = readFileSync(new URL('../../../docs/formats/edge-files.md', import.meta.url), 'utf8');
  const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  assert.ok(page.includes(toHex(KEY.publicKey)));
  const limits = readLimits(new TextEncoder().encode(example), 'e1', KEY.publicKey, TEST_CRYPTO);
  assert.equal(limits.disconnectsPerHour, 40);
});
