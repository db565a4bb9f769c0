import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { concat } from '../../../src/base/bytes.ts';
import { hasCode } from '../../../src/base/errors.ts';
import { type ExactInteger, exact } from '../../../src/model/number.ts';
import { Ledger, type LedgerGroup, readLedger, readLedgerRows } from '../../../src/sim/ledger.ts';
import { MemoryFile } from './world.ts';

const GROUP: LedgerGroup = {
  meterId: 'm1',
  intervalS: 900,
  columns: [
    { obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh' },
    { obis: '1-0:32.7.0*255', exponent: -1, unit: 'V' },
  ],
};
const integer: fc.Arbitrary<ExactInteger> = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }).map(exact);

test('what is noted is read again: any values, any order of groups, over several flushes and sessions', async () => {
  const row = fc.record({
    group: fc.nat(3),
    atS: fc.integer({ min: 0, max: 4_000_000_000 }),
    values: fc.tuple(integer, integer),
    flush: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(row, { maxLength: 20 }), { minLength: 1, maxLength: 3 }), async (sessions) => {
      const file = new MemoryFile();
      const wanted: unknown[] = [];
      for (const rows of sessions) {
        const ledger = new Ledger(file);
        const groups = [0, 1, 2, 3].map((at) => ({ ...GROUP, meterId: `m${at}` }));
        for (const { group, atS, values, flush } of rows) {
          ledger.note(groups[group] ?? GROUP, atS * 1000, values);
          wanted.push([`m${group}`, atS * 1000, values]);
          if (flush) await ledger.flush();
        }
        await ledger.close();
      }
      const read = [...readLedgerRows(file.octets)].map(({ group, atMs, values }) => [group.meterId, atMs, values]);
      assert.deepEqual(read, wanted);
    }),
    { numRuns: 60 },
  );
});

test('entries have the shape of the oracle', async () => {
  const file = new MemoryFile();
  const ledger = new Ledger(file);
  ledger.note(GROUP, 900_000, [5, 2301]);
  assert.deepEqual(ledger.noted, { rows: 1, values: 2 });
  await ledger.flush();
  assert.deepEqual(
    [...readLedger(file.octets)],
    [
      { meterId: 'm1', intervalS: 900, obis: '1-0:1.8.0*255', exponent: 0, unit: 'Wh', atMs: 900_000, value: 5 },
      { meterId: 'm1', intervalS: 900, obis: '1-0:32.7.0*255', exponent: -1, unit: 'V', atMs: 900_000, value: 2301 },
    ],
  );
});

test('the documented example, octet by octet', async () => {
  const file = new MemoryFile();
  const ledger = new Ledger(file);
  ledger.note({ meterId: 'm', intervalS: 60, columns: [{ obis: 'o', exponent: -1, unit: 'V' }] }, 60_000, [-3]);
  await ledger.flush();
  const content = file.octets.subarray(12);
  assert.deepEqual([...content], [0, 1, 0, 1, 0x6d, 60, 1, 1, 0x6f, 1, 1, 0x56, 2, 0, 120, 5]);
  assert.deepEqual([...file.octets.subarray(0, 8)], [0x44, 0x57, 0x4c, 0x31, 0, 0, 0, content.length]);
});

test('a frame torn by a power cut is passed over, and what follows it is read', async () => {
  const whole = async (atMs: number): Promise<Uint8Array> => {
    const file = new MemoryFile();
    const ledger = new Ledger(file);
    ledger.note(GROUP, atMs, [1, 2]);
    await ledger.flush();
    return file.octets;
  };
  const [first, torn, last] = [await whole(1000), await whole(2000), await whole(3000)];
  for (let cut = 0; cut < torn.length; cut++) {
    const rows = [...readLedgerRows(concat([first, torn.subarray(0, cut), last]))];
    assert.deepEqual(
      rows.map((row) => row.atMs),
      [1000, 3000],
      `cut after ${cut} octets`,
    );
  }
});

test('flushes share one write; a disk that failed once is never trusted again', async () => {
  const file = new MemoryFile();
  const ledger = new Ledger(file);
  ledger.note(GROUP, 1000, [1, 2]);
  await Promise.all([ledger.flush(), ledger.flush(), ledger.flush()]);
  assert.equal(file.chunks.length, 1);
  await ledger.flush();
  assert.equal(file.chunks.length, 1, 'nothing new, nothing written');
  file.failing = true;
  ledger.note(GROUP, 2000, [1, 2]);
  await assert.rejects(ledger.flush(), /disk is full/);
  file.failing = false;
  await assert.rejects(ledger.flush(), /disk is full/);
});

test('a record that is none is refused', () => {
  const file = (content: number[]) => {
    const octets = Uint8Array.from(content);
    return octets;
  };
  assert.deepEqual([...readLedgerRows(file([1, 2, 3]))], []);
  assert.deepEqual([...readLedgerRows(new Uint8Array(0))], []);
  assert.ok(hasCode(errorOf(), 'SIM_LEDGER'));
});

/** A sound frame with an unknown record in it: made by bending the session record of a real one. */
function errorOf(): unknown {
  const content = Uint8Array.of(9);
  const head = [0x44, 0x57, 0x4c, 0x31, 0, 0, 0, 1];
  const sum = crcOf(content);
  const octets = Uint8Array.from([...head, sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255, ...content]);
  try {
    return [...readLedgerRows(octets)];
  } catch (error) {
    return error;
  }
}

function crcOf(octets: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const octet of octets) {
    crc ^= octet;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
