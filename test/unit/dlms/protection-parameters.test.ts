import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Data } from '../../../src/dlms/axdr/data.ts';
import {
  PROTECTION_KINDS,
  type ProtectionLayer,
  protectionLayersData,
  protectionLayersOf,
} from '../../../src/dlms/cosem/protection-parameters.ts';
import type { KeyInfo } from '../../../src/dlms/xdlms/ciphered.ts';

const KEYS: readonly KeyInfo[] = [
  { kind: 'identified', keyId: 0 },
  { kind: 'wrapped', kekId: 0, wrappedKey: Uint8Array.of(7) },
  { kind: 'agreed', keyParameters: Uint8Array.of(1), keyCipheredData: Uint8Array.of(2) },
];
const LAYERS: readonly ProtectionLayer[] = PROTECTION_KINDS.flatMap((kind) =>
  KEYS.map((keyInfo) => ({
    kind,
    transactionId: Uint8Array.of(1, 2),
    originatorSystemTitle: Uint8Array.of(3),
    recipientSystemTitle: new Uint8Array(0),
    otherInformation: Uint8Array.of(5),
    keyInfo,
  })),
);
const NOTHING: Data = { type: 'null-data' };

/** Every form of a structure in which one value, at any depth, is something else or is missing. */
function* spoiled(data: Data): Iterable<Data> {
  yield NOTHING;
  if (data.type !== 'structure') return;
  for (const [at, part] of data.value.entries()) {
    for (const other of spoiled(part)) yield { ...data, value: data.value.with(at, other) };
    yield { ...data, value: data.value.slice(0, at) };
  }
}

test('HE-7 layers of protection are read as they are written, by every way to tell the key', () => {
  assert.deepEqual(protectionLayersOf(protectionLayersData(LAYERS)), LAYERS);
  assert.deepEqual(protectionLayersOf(protectionLayersData([])), []);
});

test('HE-7 a layer of which anything is missing, or of another type, is refused', () => {
  let tried = 0;
  for (const layer of LAYERS) {
    const data = protectionLayersData([layer]);
    assert.ok(data.type === 'array' && data.value[0] !== undefined);
    for (const other of spoiled(data.value[0])) {
      assert.throws(() => protectionLayersOf({ type: 'array', value: [other] }), /DLMS_SHAPE/, JSON.stringify(other));
      tried++;
    }
  }
  assert.ok(tried > 100, `${tried}`);
  assert.throws(() => protectionLayersOf(NOTHING), /DLMS_SHAPE/);
  const [layer] = LAYERS;
  assert.ok(layer !== undefined);
  const unknown = { type: 'structure', value: [{ type: 'enum', value: 9 }, NOTHING] } as const satisfies Data;
  assert.throws(() => protectionLayersOf({ type: 'array', value: [unknown] }), /DLMS_SHAPE/);
});
