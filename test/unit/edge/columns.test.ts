/** Buffers that are not set up as their profile says: named, and nothing of them stored. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ColumnsMemory } from '../../../src/edge/reader/columns.ts';
import type { OpenAssociation } from '../../../src/edge/reader/sessions.ts';
import type { BufferColumn, Profile } from '../../../src/profile/schema/profile.ts';
import { bus, profileOf } from './bus.ts';

const HOUR_MS = 3_600_000;

/** A copy of the profile whose load profile can be set up anew. */
function setUp(): { readonly profile: Profile; readonly columns: BufferColumn[] } {
  const profile = profileOf('generic/idis');
  const [load, ...others] = profile.buffers;
  assert.ok(load !== undefined);
  const columns = [...load.columns];
  return { profile: { ...profile, buffers: [{ ...load, columns }, ...others] }, columns };
}

function swapped(columns: BufferColumn[], a: number, b: number): void {
  const [first, second] = [columns[a], columns[b]];
  assert.ok(first !== undefined && second !== undefined);
  columns[a] = second;
  columns[b] = first;
}

const statesOf = (b: Awaited<ReturnType<typeof bus>>) =>
  b.records('meter-state').map((record) => (record.kind === 'meter-state' ? record.state : null));

test('HE-7 a buffer set up anew in the field: the meter is reconfigured, no row is stored, the rest is read on; set back, nothing is missing', async () => {
  const { profile, columns } = setUp();
  const b = await bus({ count: 1, days: 1, setUp: profile });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  const before = b.rowsOf('m0001', 900).length;
  assert.ok(before >= 96);
  swapped(columns, 2, 3);
  await b.world.clock.advance(4 * HOUR_MS);
  assert.equal(b.rowsOf('m0001', 900).length, before, 'import is not taken for export');
  assert.ok(b.journal.watermark('m0001' as never, '1-0:99.2.0*255') !== null, 'the daily buffer goes on');
  const states = statesOf(b);
  assert.deepEqual(
    states.map((state) => state?.state),
    ['reachable', 'reconfigured'],
    'told once',
  );
  assert.match(states[1]?.sentence ?? '', /Column 3 of 1-0:99\.1\.0\*255 is 1-0:2\.8\.0\*255 in the meter/);
  swapped(columns, 2, 3);
  await b.world.clock.advance(2 * HOUR_MS);
  assert.equal(statesOf(b).at(-1)?.state, 'reachable');
  const times = b
    .rowsOf('m0001', 900)
    .filter((row) => row.values.length === 4)
    .map((row) => row.atMs);
  const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assert.ok(
    steps.every((step) => step === 900_000),
    'the hours between were still in the meter',
  );
  await b.stop();
});

test('HE-7 a column less, or another period: the same', async () => {
  const { profile, columns } = setUp();
  columns.pop();
  const b = await bus({ count: 1, days: 1, setUp: profile });
  b.scheduler.start();
  await b.world.clock.advance(HOUR_MS);
  assert.equal(b.rowsOf('m0001', 900).length, 0);
  assert.match(statesOf(b).at(-1)?.sentence ?? '', /captures 6 columns in 1-0:99\.1\.0\*255, the profile has 7/);
  await b.stop();
});

/** The collector of the engine, which a program must ask for by name. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

test('edge-idle: what is remembered of a meter between its rounds does not hold the association of the last one', async () => {
  const memory = new ColumnsMemory();
  const over = (() => {
    const association = { octets: new Uint8Array(1024) } as unknown as OpenAssociation;
    memory.checked('1-0:99.1.0*255', association, null);
    assert.equal(memory.isChecked('1-0:99.1.0*255', association), true);
    assert.equal(memory.isChecked('1-0:99.2.0*255', association), false);
    return new WeakRef(association);
  })();
  // A weak reference lives to the end of the turn that made or read it.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  assert.equal(over.deref(), undefined);
  assert.equal(memory.sentence, null);
});
