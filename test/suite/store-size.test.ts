/** Bytes on disk per value of the published fleet: hourly uploads, three folds a day, as the database measures it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SILENT_LOG } from '../../src/base/log.ts';
import { openDatabase } from '../../src/collector/store/database.ts';
import type { MeterId } from '../../src/model/ids.ts';
import type { Row } from '../../src/wire/rows.ts';
import { DAY_MS, IMPORT, JournalEdge, place, QUARTER_MS, register, row, upload } from '../support/journal-edge.ts';
import { startPostgres } from './postgres-under-test.ts';

/** Design, section 9. */
const BYTES_PER_VALUE_MAX = 3.5;
const METERS = 200;
const INTERVALS = 192;

test('disk: at most 3.5 B/value after fold on data/fleet-200.csv', async (context) => {
  const postgres = await startPostgres('embedded');
  const parts = postgres.parts();
  const store = await postgres.openWith(parts);
  const sql = openDatabase(parts.connection, parts.schema ?? '', SILENT_LOG);
  try {
    const lines = readFileSync(new URL('../data/fleet-200.csv', import.meta.url), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    const table = lines.map((line) => line.split(',').map(Number));
    const edge = new JournalEdge(
      'e1',
      undefined,
      Array.from({ length: METERS }, (_, at) => groupsOf(`meter-${at + 1}`)).flat(),
    );
    await register(store, edge);
    for (let meter = 1; meter <= METERS; meter++) await place(store, `meter-${meter}`, edge);
    for (let hour = 0; hour < INTERVALS / 4; hour++) {
      const rows = table.filter((cells) => Math.floor((cells[1] ?? 0) / 4) === hour);
      const readAtMs = DAY_MS + (hour + 1) * 3_600_000 + 20_000 + ((hour * 7919) % 9000);
      const billing = rows.map(([meter = 0, interval = 0, imported = 0, exported = 0, reactive = 0]) =>
        rowOf(2 * (meter - 1), interval, [imported, exported, reactive]),
      );
      const voltage = rows.map(([meter = 0, interval = 0, , , , volts = 0]) =>
        rowOf(2 * (meter - 1) + 1, interval, [volts]),
      );
      edge.rows(2, billing, { readAtMs, keyframe: hour % 24 === 0 });
      edge.rows(4, voltage, { readAtMs: readAtMs + 500, keyframe: hour % 24 === 0 });
      await upload(store, edge, 2);
      await upload(store, edge, 4);
      if (hour % 8 !== 7) continue;
      await store.fold({ maxBlocks: 100_000 });
      // Eight hours pass in a second here; in real time the server's own vacuum runs in between.
      await sql.script('VACUUM day_blocks');
    }
    const found = await store.readings({
      channel: { meterId: 'meter-7' as MeterId, obis: IMPORT, intervalS: 900 },
      fromMs: 0,
      toMs: DAY_MS * 2,
      limit: 1000,
    });
    assert.deepEqual(
      found.map((one) => one.value),
      table.filter((cells) => cells[0] === 7).map((cells) => cells[2]),
    );
    const count = METERS * INTERVALS * 4;
    const [size] = await sql.rows<{ octets: number; bodies: number; live: number }>(
      `SELECT (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'day_blocks'::regclass)::bigint AS octets,
              (SELECT sum(length(body)) FROM day_blocks)::bigint AS bodies`,
    );
    const bodies = (size?.bodies ?? 0) / count;
    const disk = (size?.octets ?? 0) / count;
    context.diagnostic(
      `${count} values: bodies ${bodies.toFixed(3)} B/value, with row, index and dead rows ${disk.toFixed(3)} B/value`,
    );
    assert.ok(disk <= BYTES_PER_VALUE_MAX, `${disk} B/value`);
  } finally {
    await store.close();
    await sql.close();
    await postgres.close();
  }
});

function groupsOf(meterId: string) {
  const common = { meterId, intervalS: 900, source: 0, timeZone: 'UTC' };
  const column = (obis: string, unit: string, exponent = 0) => ({ obis, unit, exponent });
  return [
    { ...common, columns: [column(IMPORT, 'Wh'), column('1-0:2.8.0*255', 'Wh'), column('1-0:3.8.0*255', 'varh')] },
    { ...common, columns: [column('1-0:32.7.0*255', 'V', -1)] },
  ];
}

function rowOf(group: number, interval: number, values: readonly number[]): Row {
  return row(DAY_MS + (interval + 1) * QUARTER_MS, values, group);
}
