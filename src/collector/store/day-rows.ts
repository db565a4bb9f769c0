/** Rows of day blocks: reading many, merging versions into them, writing them back in few statements. */
import { concat } from '../../base/bytes.ts';
import type { EdgeId, MeterId } from '../../model/ids.ts';
import { type DayChannel, decodeDayBlock, encodeDayBlock } from './blocks/day-block.ts';
import { dayOf, mergeVersions, type Version } from './blocks/versions.ts';
import type { Sql } from './database.ts';
import type { ChannelVersion } from './lane-decoder.ts';

/** A meter's day in memory. */
export interface MeterDay {
  readonly meterId: MeterId;
  readonly day: number;
  /** By `obis intervalS`, each in order of time and version. */
  readonly channels: Map<string, DayChannel>;
}

/** Name of a channel inside a meter. */
export function channelKey(channel: { readonly obis: string; readonly intervalS: number }): string {
  return `${channel.obis} ${channel.intervalS}`;
}

function dayKey(meterId: MeterId, day: number): string {
  return `${meterId} ${day}`;
}

/** A meter's day of a row's body; with `key` only that channel. */
export function meterDayOf(meterId: MeterId, day: number, body: Uint8Array, key?: string): MeterDay {
  const found = decodeDayBlock(body, (channel) => key === undefined || channelKey(channel) === key);
  const channels = new Map(found.map((channel) => [channelKey(channel), channel]));
  return { meterId, day, channels };
}

/** Versions by meter and day, nothing merged yet. */
export function groupByDay(versions: Iterable<ChannelVersion>): MeterDay[] {
  const days = new Map<string, { day: MeterDay; lists: Map<string, Version[]> }>();
  for (const { meterId, obis, intervalS, version } of versions) {
    const day = dayOf(version.atMs);
    const key = dayKey(meterId, day);
    const kept = days.get(key) ?? { day: { meterId, day, channels: new Map() }, lists: new Map<string, Version[]>() };
    days.set(key, kept);
    const channel = channelKey({ obis, intervalS });
    let list = kept.lists.get(channel);
    if (list === undefined) {
      list = [];
      kept.lists.set(channel, list);
      kept.day.channels.set(channel, { obis, intervalS, versions: list });
    }
    list.push(version);
  }
  return [...days.values()].map(({ day }) => day);
}

/** The union of what is stored and what came. */
export function mergeDay(stored: MeterDay | undefined, fresh: MeterDay): MeterDay {
  const channels = new Map(stored?.channels ?? []);
  for (const [key, channel] of fresh.channels) {
    const before = channels.get(key)?.versions ?? [];
    channels.set(key, { ...channel, versions: mergeVersions(before, channel.versions) });
  }
  return { meterId: fresh.meterId, day: fresh.day, channels };
}

/** Channels in a fixed order, so that equal days have equal octets. */
export function encodeDay(day: MeterDay): Uint8Array {
  const channels = [...day.channels.keys()].sort().flatMap((key) => day.channels.get(key) ?? []);
  return encodeDayBlock(channels);
}

interface DayRow {
  readonly meter_id: MeterId;
  readonly day: number;
  readonly body: Uint8Array;
}

/** Stored days among those asked for, by key. With `edgeId` those in quarantine. */
async function readDays(sql: Sql, wanted: readonly MeterDay[], edgeId?: EdgeId): Promise<Map<string, MeterDay>> {
  const days = wanted.map(({ day }) => day);
  const first = days.reduce((least, day) => Math.min(least, day), Number.POSITIVE_INFINITY);
  const last = days.reduce((most, day) => Math.max(most, day), Number.NEGATIVE_INFINITY);
  const meterIds = wanted.map(({ meterId }) => meterId);
  // The bounds of the days are repeated as plain parameters: they let the server leave partitions out.
  const rows = await sql.rows<DayRow>(
    edgeId === undefined
      ? `SELECT b.meter_id, b.day, b.body FROM unnest($1::text[], $2::int[]) AS w(meter_id, day)
         JOIN day_blocks b ON b.meter_id = w.meter_id AND b.day = w.day WHERE b.day BETWEEN $3 AND $4`
      : `SELECT b.meter_id, b.day, b.body FROM unnest($1::text[], $2::int[]) AS w(meter_id, day)
         JOIN quarantine_blocks b ON b.edge_id = $5 AND b.meter_id = w.meter_id AND b.day = w.day WHERE b.day BETWEEN $3 AND $4`,
    edgeId === undefined ? [meterIds, days, first, last] : [meterIds, days, first, last, edgeId],
  );
  return new Map(rows.map((row) => [dayKey(row.meter_id, row.day), meterDayOf(row.meter_id, row.day, row.body)]));
}

/** Merges fresh days into the day blocks. The meters' rows must be locked. */
export async function storeDays(sql: Sql, fresh: readonly MeterDay[]): Promise<void> {
  if (fresh.length === 0) return;
  const stored = await readDays(sql, fresh);
  await writeDays(
    sql,
    fresh.map((day) => mergeDay(stored.get(dayKey(day.meterId, day.day)), day)),
  );
}

/** Writes whole days; the meters must be registered. */
export async function writeDays(sql: Sql, days: readonly MeterDay[]): Promise<void> {
  const { meterIds, numbers, starts, lengths, bodies } = columnsOf(days);
  await sql.change(
    `INSERT INTO day_blocks (tenant_id, meter_id, day, body)
     SELECT m.tenant_id, d.meter_id, d.day, substring($5::bytea FROM d.start + 1 FOR d.length)
     FROM unnest($1::text[], $2::int[], $3::int[], $4::int[]) AS d(meter_id, day, start, length)
     JOIN meters m ON m.meter_id = d.meter_id
     ON CONFLICT (meter_id, day) DO UPDATE SET body = excluded.body`,
    [meterIds, numbers, starts, lengths, bodies],
  );
}

/** Merges fresh days of meters that are not placed on the edge into its quarantine. */
export async function storeQuarantine(sql: Sql, edgeId: EdgeId, fresh: readonly MeterDay[]): Promise<void> {
  if (fresh.length === 0) return;
  const stored = await readDays(sql, fresh, edgeId);
  await writeQuarantine(
    sql,
    edgeId,
    fresh.map((day) => mergeDay(stored.get(dayKey(day.meterId, day.day)), day)),
  );
}

/** Writes whole days of quarantine. */
export async function writeQuarantine(sql: Sql, edgeId: EdgeId, days: readonly MeterDay[]): Promise<void> {
  const { meterIds, numbers, starts, lengths, bodies } = columnsOf(days);
  const versions = days.map((day) => [...day.channels.values()].flatMap((channel) => channel.versions));
  await sql.change(
    `INSERT INTO quarantine_blocks (tenant_id, edge_id, meter_id, day, rows, since_ms, body)
     SELECT e.tenant_id, e.edge_id, d.meter_id, d.day, d.rows, d.since_ms, substring($5::bytea FROM d.start + 1 FOR d.length)
     FROM unnest($1::text[], $2::int[], $3::int[], $4::int[], $7::int[], $8::bigint[])
          AS d(meter_id, day, start, length, rows, since_ms)
     JOIN edges e ON e.edge_id = $6
     ON CONFLICT (edge_id, meter_id, day) DO UPDATE
     SET body = excluded.body, rows = excluded.rows, since_ms = excluded.since_ms`,
    [
      meterIds,
      numbers,
      starts,
      lengths,
      bodies,
      edgeId,
      versions.map((list) => list.length),
      versions.map((list) =>
        list.reduce((least, version) => Math.min(least, version.visit.knownAtMs), Number.MAX_SAFE_INTEGER),
      ),
    ],
  );
}

/** Days as columns; the bodies as one octet string, because an array of them would travel as text of twice the size. */
function columnsOf(days: readonly MeterDay[]) {
  const bodies = days.map(encodeDay);
  const starts: number[] = [];
  let start = 0;
  for (const body of bodies) {
    starts.push(start);
    start += body.length;
  }
  return {
    meterIds: days.map(({ meterId }) => meterId),
    numbers: days.map(({ day }) => day),
    starts,
    lengths: bodies.map((body) => body.length),
    bodies: concat(bodies),
  };
}

/** Widens what is known of the channels of these days: first and last time, unit of the newest. */
export async function noteChannels(sql: Sql, days: readonly MeterDay[]): Promise<void> {
  const summary = new Map<string, ChannelSummary>();
  for (const { meterId, channels } of days) {
    for (const channel of channels.values()) summarize(summary, meterId, channel);
  }
  // One order for all: two folds that meet in the same meters would otherwise wait for each other.
  const list = [...summary.keys()].sort().flatMap((key) => summary.get(key) ?? []);
  await sql.change(
    `INSERT INTO channels AS c (tenant_id, meter_id, obis, interval_s, unit, exponent, first_at_ms, last_at_ms, last_read_at_ms)
     SELECT m.tenant_id, n.meter_id, n.obis, n.interval_s, n.unit, n.exponent, n.first_at_ms, n.last_at_ms, n.last_read_at_ms
     FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[], $8::bigint[])
          AS n(meter_id, obis, interval_s, unit, exponent, first_at_ms, last_at_ms, last_read_at_ms)
     JOIN meters m ON m.meter_id = n.meter_id
     ON CONFLICT (meter_id, obis, interval_s) DO UPDATE SET
       first_at_ms = least(c.first_at_ms, excluded.first_at_ms),
       last_at_ms = greatest(c.last_at_ms, excluded.last_at_ms),
       last_read_at_ms = greatest(c.last_read_at_ms, excluded.last_read_at_ms),
       unit = CASE WHEN excluded.last_at_ms >= c.last_at_ms THEN excluded.unit ELSE c.unit END,
       exponent = CASE WHEN excluded.last_at_ms >= c.last_at_ms THEN excluded.exponent ELSE c.exponent END`,
    [
      list.map((one) => one.meterId),
      list.map((one) => one.obis),
      list.map((one) => one.intervalS),
      list.map((one) => one.newest.scale.unit),
      list.map((one) => one.newest.scale.exponent),
      list.map((one) => one.firstAtMs),
      list.map((one) => one.newest.atMs),
      list.map((one) => one.lastReadAtMs),
    ],
  );
}

interface ChannelSummary {
  readonly meterId: MeterId;
  readonly obis: string;
  readonly intervalS: number;
  readonly newest: Version;
  readonly firstAtMs: number;
  readonly lastReadAtMs: number;
}

function summarize(summary: Map<string, ChannelSummary>, meterId: MeterId, channel: DayChannel): void {
  const { obis, intervalS } = channel;
  const key = `${meterId} ${channelKey(channel)}`;
  for (const version of channel.versions) {
    const before = summary.get(key);
    const isNewer = before === undefined || version.atMs >= before.newest.atMs;
    summary.set(key, {
      meterId,
      obis,
      intervalS,
      newest: isNewer ? version : before.newest,
      firstAtMs: Math.min(before?.firstAtMs ?? version.atMs, version.atMs),
      lastReadAtMs: Math.max(before?.lastReadAtMs ?? 0, version.visit.readAtMs),
    });
  }
}
