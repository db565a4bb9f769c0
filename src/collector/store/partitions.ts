/**
 * Partitions of the day blocks, made when a day is first written.
 *
 * Days of doubtful clocks go to the default partition. When their time has come they are moved into the new partition in
 * the transaction that attaches it.
 */
import type { Clock } from '../../base/env.ts';
import type { Database, Sql } from './database.ts';
import type { PartitionWidth } from './identity.ts';
import { PARTITION_AHEAD_DAYS, PARTITION_FIRST_DAY } from './limits.ts';

interface PartitionRow {
  readonly name: string;
  readonly first_day: number;
  readonly below_day: number;
}

const DAY_MS = 86_400_000;
/** Two folds that meet the same new month: one makes the partition. The number is ours alone. */
const PARTITION_LOCK = 7_301_947;

/** Knows which partitions exist. */
export class Partitions {
  readonly #days = new Set<number>();

  constructor(
    private readonly database: Database,
    private readonly width: PartitionWidth,
    private readonly clock: Clock,
  ) {}

  /** Makes the partitions of these days. Must run outside any transaction that has touched the day blocks. */
  async ensure(days: Iterable<number>): Promise<void> {
    const lastDay = Math.floor(this.clock.nowMs() / DAY_MS) + PARTITION_AHEAD_DAYS;
    const missing = [...new Set(days)].filter(
      (day) => day >= PARTITION_FIRST_DAY && day <= lastDay && !this.#days.has(day),
    );
    if (missing.length === 0) return;
    const rows = await this.database.rows<PartitionRow>(
      `SELECT DISTINCT 'day_blocks_' || to_char(date_trunc($1, d), 'YYYYMMDD') AS name,
              date_trunc($1, d)::date - '1970-01-01'::date AS first_day,
              (date_trunc($1, d) + ('1 ' || $1)::interval)::date - '1970-01-01'::date AS below_day
       FROM (SELECT '1970-01-01'::date + day AS d FROM unnest($2::int[]) AS day) AS days`,
      [this.width, missing],
    );
    for (const row of rows) await this.database.transaction((sql) => create(sql, row));
    for (const day of missing) this.#days.add(day);
  }
}

async function create(sql: Sql, { name, first_day, below_day }: PartitionRow): Promise<void> {
  await sql.rows('SELECT pg_advisory_xact_lock($1)', [PARTITION_LOCK]);
  const [found] = await sql.rows<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [name]);
  if (found?.there === true) return;
  await sql.script(`CREATE TABLE ${name} (LIKE day_blocks INCLUDING ALL)`);
  await sql.change(
    `WITH moved AS (DELETE FROM day_blocks_other WHERE day >= $1 AND day < $2 RETURNING *)
     INSERT INTO ${name} SELECT * FROM moved`,
    [first_day, below_day],
  );
  await sql.script(`ALTER TABLE day_blocks ATTACH PARTITION ${name} FOR VALUES FROM (${first_day}) TO (${below_day})`);
}
