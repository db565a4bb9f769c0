/** Lists of meters into real PostgreSQL: 20,000 meters in the time that they may take, and what a list does to readings. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { SILENT_LOG } from '../../src/base/log.ts';
import { createImporter } from '../../src/collector/import/importer.ts';
import type { CollectorStore, ImportReport } from '../../src/collector/ports.ts';
import { createMemoryCollectorStore } from '../../src/lab/memory-collector-store.ts';
import { DEFAULT_TENANT, type EdgeId, type MeterId } from '../../src/model/ids.ts';
import { JournalEdge, profileGroup, QUARTER_MS, register, row, upload } from '../support/journal-edge.ts';
import { type PostgresUnderTest, startPostgres } from './postgres-under-test.ts';

const FOLDER = '/usr/lib/postgresql/15/bin';
const skip = existsSync(`${FOLDER}/postgres`) ? false : `${FOLDER} is not installed`;
const OPTIONS = { tenantId: DEFAULT_TENANT, actor: 'anna', isDryRun: false, onlyValid: false };
const ROWS = 20_000;
const BAR_MS = 60_000;

async function* chunksOf(text: string): AsyncIterable<Uint8Array> {
  const octets = new TextEncoder().encode(text);
  for (let at = 0; at < octets.length; at += 65_536) yield octets.subarray(at, at + 65_536);
}

function importInto(store: CollectorStore, text: string, options: Partial<typeof OPTIONS> = {}): Promise<ImportReport> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const importer = createImporter({ env: { clock, log: SILENT_LOG }, store });
  return importer.importMeters(chunksOf(text), { ...OPTIONS, ...options });
}

async function activate(store: CollectorStore, count: number): Promise<void> {
  for (let at = 1; at <= count; at++)
    await store.saveEdge({
      edgeId: `e${at}` as EdgeId,
      tenantId: DEFAULT_TENANT,
      state: 'active',
      key: new Uint8Array(32),
    });
}

/** A delivery list as a maker writes it. */
function listOf(rows: number): string {
  const lines = Array.from({ length: rows }, (_, at) => {
    const title = (0x4d4d4d0000000000n + BigInt(at)).toString(16);
    return `m${at},${10_000_000 + at},${title},generic/idis,"Mill Lane ${at}, left",Europe/Berlin,e${(at % 100) + 1},bus1,${16 + Math.floor(at / 100)}`;
  });
  return ['meter_id,serial,title,profile,name,time_zone,edge,line,address', ...lines, ''].join('\n');
}

function suite(open: () => Promise<CollectorStore>): void {
  test('a list is held against the meters that are known, whatever the store is made of', async () => {
    const store = await open();
    await activate(store, 2);
    const first = await importInto(
      store,
      'meter_id,serial,title,edge,line,address\nm1,1,4d4d4d0000000001,e1,bus1,17\n',
    );
    assert.deepEqual([first.created, first.isApplied], [1, true]);
    const list =
      'meter_id,serial,title,edge,line,address\nm2,1,,,,\nm3,,4d4d4d0000000001,,,\nm4,,,e1,bus1,17\nm5,,,e2,bus1,17\nm1,,,e2,,\n';
    const report = await importInto(store, list, { onlyValid: true });
    assert.deepEqual(
      report.faults.map(({ line, column, code }) => `${line} ${column} ${code}`),
      ['2 serial IMPORT_TAKEN', '3 title IMPORT_TAKEN', '4 address IMPORT_TAKEN', '6 edge IMPORT_PLACED_ELSEWHERE'],
    );
    const { items } = await store.meters({ limit: 10 });
    assert.deepEqual(
      items.map(({ meterId, edgeId }) => `${meterId} ${edgeId}`),
      ['m1 e1', 'm5 e2'],
    );
    const { placedFromMs: _from, ...known } = items[0] ?? assert.fail();
    assert.deepEqual(known, {
      meterId: 'm1',
      tenantId: DEFAULT_TENANT,
      serial: '1',
      title: '4d4d4d0000000001',
      line: 'bus1',
      address: 17,
      edgeId: 'e1',
    });
    await store.saveMeter({ meterId: 'm1' as MeterId, tenantId: DEFAULT_TENANT, name: 'Bakery' });
    assert.equal((await store.meter('m1' as MeterId))?.serial, '1');
  });

  test('a list that places a meter takes its readings out of quarantine, and never before an earlier placement ended', async () => {
    const store = await open();
    const edge = new JournalEdge('e1', '00000000000000e1', [profileGroup('m1')]);
    await register(store, edge);
    const baseMs = Math.floor(Date.now() / QUARTER_MS) * QUARTER_MS - 10 * QUARTER_MS;
    for (let slot = 1; slot <= 8; slot++)
      edge.rows(2, [row(baseMs + slot * QUARTER_MS, [slot, 0])], { readAtMs: baseMs + slot * QUARTER_MS });
    await upload(store, edge, 2);
    await store.fold({ maxBlocks: 100 });
    assert.deepEqual(
      (await store.quarantined()).map(({ rows }) => rows),
      [16],
    );
    await store.saveMeter({ meterId: 'm1' as MeterId, tenantId: DEFAULT_TENANT });
    await store.placeMeter('m1' as MeterId, 'e1' as EdgeId, baseMs - QUARTER_MS);
    await store.endPlacement('m1' as MeterId, baseMs + 2 * QUARTER_MS);
    const changes: string[] = [];
    store.onChange(({ kind }) => changes.push(kind));
    await importInto(store, 'meter_id,edge,placed_from\nm1,e1,1970-01-01\n');
    assert.deepEqual(await store.quarantined(), []);
    assert.equal((await store.meter('m1' as MeterId))?.placedFromMs, baseMs + 2 * QUARTER_MS);
  });
}

describe('MDM-6 lists of meters: model in memory', () => {
  suite(async () => {
    const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
    return createMemoryCollectorStore({ clock, term: new Uint8Array(12) });
  });
});

describe("MDM-6 lists of meters: Debian's PostgreSQL 15", { skip }, () => {
  let server: PostgresUnderTest;
  before(async () => {
    server = await startPostgres({ folder: FOLDER });
  });
  after(() => server.close());

  suite(() => server.open());

  test('MDM-6 20,000 meters are imported in less than 60 s, and the same list again changes nothing', async (context) => {
    const store = await server.open();
    await activate(store, 100);
    const list = listOf(ROWS);
    const dry = await importInto(store, list, { isDryRun: true });
    assert.deepEqual([dry.created, dry.refused, dry.isApplied], [ROWS, 0, false]);
    const first = await importInto(store, list);
    assert.deepEqual([first.created, first.faultsTotal, first.isApplied], [ROWS, 0, true]);
    const again = await importInto(store, list);
    assert.deepEqual([again.created, again.changed, again.unchanged], [0, 0, ROWS]);
    context.diagnostic(`dry run ${dry.tookMs} ms, import ${first.tookMs} ms, again ${again.tookMs} ms`);
    assert.ok(first.tookMs < BAR_MS, `${first.tookMs} ms`);
    await store.close();
  });
});
