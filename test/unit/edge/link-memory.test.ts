/** What a link remembers in the journal: back as it was, or not at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linkMemoryOf } from '../../../src/edge/networks/link-memory.ts';
import type { Staged } from '../../../src/edge/ports.ts';

/** A journal that holds kept values, and counts how often it was told to store. */
function journalOf() {
  const values = new Map<string, Uint8Array>();
  const calls: string[] = [];
  const stage = {
    add: ({ keep }: Staged) => {
      calls.push('add');
      for (const { key, value } of keep) if (value !== undefined) values.set(key, value);
      return Promise.resolve();
    },
    flush: () => {
      calls.push('flush');
      return Promise.resolve();
    },
  };
  const journal = { kept: (key: string) => Promise.resolve(values.get(key)) };
  const memoryOf = (line: string) => linkMemoryOf({ env: { clock: CLOCK }, journal, stage, line });
  return { values, calls, memoryOf };
}

const CLOCK = { nowMs: () => 1_000, monotonicMs: () => 0, quality: () => 'ntp' as const };
const ROWS = [
  ['0011223344556677', 1],
  ['0011223344556688', 2],
];

test('what is kept is stored before whoever kept it goes on, and comes back as it was, line by line', async () => {
  const { values, calls, memoryOf } = journalOf();
  const memory = memoryOf('plc1');
  assert.equal(await memory.load(), undefined);
  await memory.keep(ROWS);
  assert.deepEqual(calls, ['add', 'flush']);
  assert.deepEqual([...values.keys()], ['link/plc1']);
  assert.deepEqual(await memoryOf('plc1').load(), ROWS);
  assert.equal(await memoryOf('plc2').load(), undefined);
});

test('damage of any one octet counts as nothing kept', async () => {
  const { values, memoryOf } = journalOf();
  const memory = memoryOf('plc1');
  await memory.keep(ROWS);
  const octets = values.get('link/plc1');
  assert.ok(octets !== undefined);
  for (let at = 0; at < octets.length; at++) {
    values.set(
      'link/plc1',
      octets.map((octet, index) => (index === at ? octet ^ 1 : octet)),
    );
    assert.equal(await memory.load(), undefined, `octet ${at}`);
  }
});
