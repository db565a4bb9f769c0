import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { IMPORT_COLUMNS } from '../../../../src/collector/import/columns.ts';
import { createImporter } from '../../../../src/collector/import/importer.ts';
import { IMPORT_FAULTS_MAX, IMPORT_ROWS_MAX } from '../../../../src/collector/import/limits.ts';
import type { ImportReport } from '../../../../src/collector/ports.ts';
import { createMemoryCollectorStore } from '../../../../src/lab/memory-collector-store.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../../../src/model/ids.ts';
import { fakeEnv, START_MS } from '../fake-env.ts';

const HEAD = 'meter_id,serial,title,profile,name,time_zone,edge,line,address';
const OPTIONS = { tenantId: DEFAULT_TENANT, actor: 'anna', isDryRun: false, onlyValid: false };

async function* chunksOf(text: string): AsyncIterable<Uint8Array> {
  const octets = new TextEncoder().encode(text);
  for (let at = 0; at < octets.length; at += 1_000) yield octets.subarray(at, at + 1_000);
}

/** A registry with two active concentrators and one that waits in the inbox. */
async function site() {
  const { env } = fakeEnv();
  const store = createMemoryCollectorStore({ clock: env.clock, term: new Uint8Array(12) });
  for (const edgeId of ['e1', 'e2'] as EdgeId[])
    await store.saveEdge({ edgeId, tenantId: DEFAULT_TENANT, state: 'active', key: new Uint8Array(32) });
  await store.noteUnknown('e3' as EdgeId, START_MS);
  const importer = createImporter({ env, store });
  const run = (lines: readonly string[], options: Partial<typeof OPTIONS> = {}, head = HEAD) =>
    importer.importMeters(chunksOf([head, ...lines, ''].join('\n')), { ...OPTIONS, ...options });
  return { store, importer, run };
}

const countsOf = ({ rows, created, changed, unchanged, refused, isApplied }: ImportReport) =>
  [rows, created, changed, unchanged, refused, isApplied] as const;
const placesOf = ({ faults }: ImportReport) => faults.map(({ line, column, code }) => `${line} ${column} ${code}`);

test('MDM-6 a list makes meters and places them; the same list again changes nothing', async () => {
  const { store, run } = await site();
  const lines = [
    'm1,10000001,4D4D4D0000000001,generic/idis,"Mill Lane 4, left",Europe/Berlin,e1,bus1,17',
    'm2,10000002,,,,,e2,,',
    'm3,,,,,,,,',
  ];
  assert.deepEqual(countsOf(await run(lines)), [3, 3, 0, 0, 0, true]);
  const meter = await store.meter('m1' as MeterId);
  assert.deepEqual(meter, {
    meterId: 'm1',
    tenantId: DEFAULT_TENANT,
    serial: '10000001',
    title: '4d4d4d0000000001',
    profile: 'generic/idis',
    name: 'Mill Lane 4, left',
    timeZone: 'Europe/Berlin',
    line: 'bus1',
    address: 17,
    edgeId: 'e1',
    placedFromMs: START_MS,
  });
  assert.equal((await store.meter('m3' as MeterId))?.edgeId, undefined);
  assert.deepEqual(countsOf(await run(lines)), [3, 0, 0, 3, 0, true]);
  const news = await run(['m3,10000003,,,,,e1,,'], {}, HEAD);
  assert.deepEqual(countsOf(news), [1, 0, 1, 0, 0, true]);
  assert.equal((await store.meter('m3' as MeterId))?.serial, '10000003');
});

test('MDM-6 an empty cell and a column that is not there leave what is known as it is', async () => {
  const { store, run } = await site();
  await run(['m1,10000001,,generic/idis,Mill Lane 4,,e1,,']);
  assert.deepEqual(countsOf(await run(['m1,Bakery'], {}, 'meter_id,name')), [1, 0, 1, 0, 0, true]);
  const meter = await store.meter('m1' as MeterId);
  assert.deepEqual(
    [meter?.name, meter?.serial, meter?.profile, meter?.edgeId],
    ['Bakery', '10000001', 'generic/idis', 'e1'],
  );
});

test('MDM-6 every fault names line, column, what is wrong and the way out', async () => {
  const { store, run } = await site();
  const report = await run([
    'm1,10000001,,,,,e1,bus1,17',
    'm/2,,,,,,,,',
    'm3,,zz,,,Mars/Olympus,,,9',
    ',10000004,,,,,,,',
    'm5,,,,,,e9,,',
    'm6,,,,,,e3,,',
    'm7,10000001,,,,,,,',
    'm8,,,,,,e1,bus1,17',
    'm1,,,,,,,,',
    'm9,,',
  ]);
  assert.deepEqual(placesOf(report), [
    '3 meter_id IMPORT_CELL_FORM',
    '4 title IMPORT_CELL_FORM',
    '4 time_zone IMPORT_CELL_FORM',
    '4 address IMPORT_CELL_FORM',
    '5 meter_id IMPORT_CELL_EMPTY',
    '6 edge IMPORT_EDGE_UNKNOWN',
    '7 edge IMPORT_EDGE_UNKNOWN',
    '8 serial IMPORT_DOUBLE',
    '9 address IMPORT_DOUBLE',
    '10 meter_id IMPORT_DOUBLE',
    '11  IMPORT_CELLS',
  ]);
  assert.deepEqual(report.faults[7], {
    line: 8,
    column: 'serial',
    code: 'IMPORT_DOUBLE',
    meterId: 'm7',
    problem: 'Line 2 gives the serial number to m1.',
    wayOut: 'Correct one of the two lines, or take it away.',
  });
  assert.deepEqual(countsOf(report), [10, 1, 0, 0, 9, false]);
  assert.equal(await store.meter('m1' as MeterId), undefined);
});

test('MDM-6 good lines alone are taken on request, and a dry run takes none', async () => {
  const { store, run } = await site();
  const lines = ['m1,1,,,,,,,', 'm2,1,,,,,,,', 'm3,3,,,,,,,'];
  assert.deepEqual(countsOf(await run(lines, { isDryRun: true, onlyValid: true })), [3, 2, 0, 0, 1, false]);
  assert.deepEqual((await store.meters({ limit: 10 })).items, []);
  assert.deepEqual(countsOf(await run(lines, { onlyValid: true })), [3, 2, 0, 0, 1, true]);
  assert.deepEqual(
    (await store.meters({ limit: 10 })).items.map(({ meterId }) => meterId),
    ['m1', 'm3'],
  );
});

test('MDM-6 a list is held against the meters that are known: what is another meter’s is named', async () => {
  const { run } = await site();
  await run(['m1,10000001,4d4d4d0000000001,,,,e1,bus1,17']);
  const report = await run([
    'm2,10000001,,,,,,,',
    'm3,,4d4d4d0000000001,,,,,,',
    'm4,,,,,,e1,bus1,17',
    'm1,,,,,,e2,,',
    'm1x,,,,,,e1,bus2,17',
  ]);
  assert.deepEqual(placesOf(report), [
    '2 serial IMPORT_TAKEN',
    '3 title IMPORT_TAKEN',
    '4 address IMPORT_TAKEN',
    '5 edge IMPORT_PLACED_ELSEWHERE',
  ]);
  assert.equal(report.faults[0]?.problem, 'The meter m1 has the serial number.');
  const other = await run(['m1,10000009,,,,,,,']);
  assert.deepEqual(placesOf(other), ['2 serial IMPORT_OTHER_METER']);
  assert.match(other.faults[0]?.problem ?? '', /has the serial 10000001, the list says 10000009/);
});

test('MDM-6 two meters that were given one address by two lists of other columns are told apart in one list too', async () => {
  const { run } = await site();
  await run(['m1,,,,,,e1,bus1,', 'm2,,,,,,e1,bus1,']);
  const report = await run(['m1,17', 'm2,17'], {}, 'meter_id,address');
  assert.deepEqual(placesOf(report), ['3 address IMPORT_DOUBLE']);
});

test('MDM-6 a first line that is wrong stops all, with the column that was probably meant', async () => {
  const { run } = await site();
  const report = await run(['x,y'], { onlyValid: true }, 'meterid,serail');
  assert.deepEqual(placesOf(report), [
    '1 meterid IMPORT_COLUMN_UNKNOWN',
    '1 serail IMPORT_COLUMN_UNKNOWN',
    '1 meter_id IMPORT_COLUMN_MISSING',
  ]);
  assert.match(report.faults[1]?.problem ?? '', /did you mean serial\?/);
  assert.deepEqual(placesOf(await run([], {}, '')), ['1 meter_id IMPORT_COLUMN_MISSING']);
  assert.deepEqual(placesOf(await run(['m1,"x'], { onlyValid: true }, 'meter_id,name')), ['2  IMPORT_CSV']);
});

test('MDM-6 bounds: rows of a list, faults that are listed, one import at a time', async () => {
  const { importer, run, store } = await site();
  const long = Array.from({ length: IMPORT_ROWS_MAX + 1 }, (_, at) => `m${at}`);
  const tooLong = await run(long, { onlyValid: true }, 'meter_id');
  assert.deepEqual(placesOf(tooLong), [`${IMPORT_ROWS_MAX + 2}  IMPORT_TOO_LONG`]);
  assert.equal(tooLong.isApplied, false);
  const bad = await run(
    Array.from({ length: 2_000 }, () => '?'),
    {},
    'meter_id',
  );
  assert.deepEqual([bad.faultsTotal, bad.faults.length, bad.refused], [2_000, IMPORT_FAULTS_MAX, 2_000]);
  const first = importer.importMeters(chunksOf('meter_id\nm1\n'), OPTIONS);
  await assert.rejects(importer.importMeters(chunksOf('meter_id\nm2\n'), OPTIONS), /IMPORT_BUSY/);
  assert.equal((await first).isApplied, true);
  assert.equal(await store.meter('m2' as MeterId), undefined);
});

test('the guide lists the columns that there are, in their order', () => {
  const guide = readFileSync(join(import.meta.dirname, '../../../../docs/guides/import-meters.md'), 'utf8');
  const listed = [...guide.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(
    listed,
    IMPORT_COLUMNS.map(({ name }) => name),
  );
});
