/**
 * Mutated octets into every parser of the DLMS codec: only the room's own errors may come out, quickly, and what is taken
 * can be encoded again. The seed is printed; DELTAWATT_FUZZ_SEED runs one again, DELTAWATT_FUZZ_COUNT and DELTAWATT_FUZZ_MS run longer.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { fromHex, toHex } from '../../src/base/bytes.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import { dataFromOctets, dataToOctets } from '../../src/dlms/axdr/decode.ts';
import { readProfileRows } from '../../src/dlms/axdr/rows.ts';
import { isDlmsError } from '../../src/dlms/errors.ts';
import { explain } from '../../src/dlms/explain/explain.ts';
import { explanationText } from '../../src/dlms/explain/text.ts';
import { decodeApdu, encodeApdu } from '../../src/dlms/xdlms/codec.ts';
import { vectors } from '../vectors/vector.ts';

const SEED = process.env['DELTAWATT_FUZZ_SEED'] ?? '20261121';
const COUNT_MAX = Number(process.env['DELTAWATT_FUZZ_COUNT'] ?? 10_000);
const TIME_MAX_MS = Number(process.env['DELTAWATT_FUZZ_MS'] ?? 700);
/** One input may take this long on a shared machine; the slowest honest one takes about 2 ms. */
const INPUT_MAX_MS = 250;

const files = ['apdu', 'axdr', 'profiles', 'security', 'malformed', 'push-captures', 'wrapper'] as const;
const corpus = files
  .flatMap((file) => vectors(file).map(({ hex }) => fromHex(hex)))
  .filter(({ length }) => length < 1_500);

/** One to four changes: a bit, an octet, a cut, a doubled or moved piece, a piece of another row. */
function mutated(random: SeededRandom): Uint8Array {
  let octets: Uint8Array = pick(random, corpus).slice();
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const at = random.below(octets.length + 1);
    const end = at + random.below(Math.min(64, octets.length - at) + 1);
    const piece = octets.slice(at, end);
    const other = pick(random, corpus);
    const from = random.below(other.length + 1);
    const kinds: readonly (() => Uint8Array)[] = [
      () => octets.map((octet, index) => (index === at ? octet ^ (1 << random.below(8)) : octet)),
      () => octets.map((octet, index) => (index === at ? pick(random, EXTREMES) : octet)),
      () => octets.slice(0, at),
      () => joined(octets.slice(0, at), octets.slice(end)),
      () => joined(octets.slice(0, end), piece, octets.slice(end)),
      () => joined(octets.slice(0, at), other.slice(from, from + random.below(32)), octets.slice(end)),
    ];
    octets = pick(random, kinds)();
  }
  return octets;
}

const EXTREMES = [0x00, 0x01, 0x02, 0x09, 0x13, 0x7f, 0x80, 0x81, 0x82, 0x84, 0x85, 0xff];

function pick<Item>(random: SeededRandom, items: readonly Item[]): Item {
  const item = items[random.below(items.length)];
  assert.ok(item !== undefined);
  return item;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const parsers: Readonly<Record<string, (octets: Uint8Array) => void>> = {
  decodeApdu: (octets) => {
    const apdu = decodeApdu(octets);
    assert.deepEqual(decodeApdu(encodeApdu(apdu)), apdu, 'taken, so it can be sent');
  },
  dataFromOctets: (octets) => {
    const data = dataFromOctets(octets);
    assert.deepEqual(dataFromOctets(dataToOctets(data)), data, 'taken, so it can be sent');
  },
  readProfileRows: (octets) => {
    readProfileRows(octets);
  },
  explain: (octets) => {
    explanationText(explain(octets));
  },
};

for (const [name, parse] of Object.entries(parsers)) {
  test(`HE-7 fuzz ${name}: nothing but its own errors, in time`, (context) => {
    const random = new SeededRandom(`${SEED}/${name}`);
    const startMs = performance.now();
    let count = 0;
    let taken = 0;
    for (; count < COUNT_MAX && performance.now() - startMs < TIME_MAX_MS; count++) {
      const octets = mutated(random);
      const beganMs = performance.now();
      try {
        parse(octets);
        taken++;
      } catch (error) {
        assert.ok(isDlmsError(error), `seed ${SEED}, input ${count}, ${toHex(octets)}: ${String(error)}`);
      }
      const tookMs = performance.now() - beganMs;
      assert.ok(tookMs < INPUT_MAX_MS, `seed ${SEED}, input ${count}, ${toHex(octets)}: ${tookMs} ms`);
    }
    assert.ok(taken > 0 && taken < count, 'some inputs are taken and some refused');
    context.diagnostic(`seed ${SEED}: ${count} inputs, ${taken} taken`);
  });
}

test('HE-7 nothing that claims much costs much: bombs of counts, nesting and nothing', () => {
  const nested = (times: number, hex: string) => fromHex(hex.repeat(times));
  const bombs = [
    nested(5_000, '0101'),
    nested(5_000, '0201'),
    fromHex('0184ffffffff'),
    fromHex('0182ffff'),
    // A compact-array of arrays of arrays of nothing: 65,535 x 65,535 elements in ten octets.
    fromHex(`1301ffff01ffff0002${'0000'}`),
    fromHex('130002aabb'),
    fromHex(`13${'02ff'.repeat(300)}`),
    nested(300, '1301ffff'),
    fromHex('0484ffffffff'),
    fromHex('0984ffffffff00'),
  ];
  for (const bomb of bombs) {
    const startMs = performance.now();
    assert.throws(() => dataFromOctets(bomb), isDlmsError, toHex(bomb.subarray(0, 16)));
    assert.ok(performance.now() - startMs < INPUT_MAX_MS);
  }
});

test('HE-7 APDUs wrapped in APDUs ten thousand deep are explained to a bounded depth', () => {
  const gateways = fromHex(`${'e60000'.repeat(10_000)}c002c100000001`);
  const explained = explain(gateways);
  assert.ok(explanationText(explained).length < 1_000_000);
});
