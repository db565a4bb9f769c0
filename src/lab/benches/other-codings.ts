/**
 * What the same values would take in other codings that systems of this kind use: payload octets of one hourly flush after
 * the other, four rows of each meter. Nothing of the way is counted (topics, MQTT, TLS, TCP), which favours the codings with
 * a message for each value or meter.
 *
 * Each is written as its own users write it at its best: short names, no blanks, what repeats named once where the coding
 * allows it.
 */
import { deflateRawSync } from 'node:zlib';
import { ByteWriter } from '../../base/bytes.ts';
import { type Data, dataToOctets } from '../../dlms/index.ts';
import { FLEET_START_MS, FLEET_STEP_MS, type FleetValues } from './fleet-200.ts';

const CODES = ['1-0:1.8.0', '1-0:2.8.0', '1-0:3.8.0', '1-0:32.7.0'];
const ROWS_A_FLUSH = 4;

/** Rows of one meter in one flush. */
interface MeterRows {
  readonly meter: number;
  readonly rows: readonly { readonly atMs: number; readonly values: readonly number[] }[];
}

/** Octets of one flush. */
type Coding = (flush: readonly MeterRows[]) => number;

/** Codings by the name of their figure. */
const CODINGS: Readonly<Record<string, Coding>> = {
  jsonPerValue: (flush) =>
    sumOf(flush, ({ meter, rows }) =>
      sumOf(rows, ({ atMs, values }) =>
        sumOf(
          values.map((v, at) => ({ v, at })),
          ({ v, at }) => utf8(JSON.stringify({ m: `m${meter}`, o: CODES[at], t: atMs, v })),
        ),
      ),
    ),
  jsonRowsDeflate: (flush) =>
    deflated(
      new TextEncoder().encode(
        JSON.stringify(
          flush.map(({ meter, rows }) => ({ m: `m${meter}`, r: rows.map(({ atMs, values }) => [atMs, ...values]) })),
        ),
      ),
    ),
  senmlCbor: (flush) => senml(flush).length,
  sparkplugB: (flush) => sumOf(flush, sparkplug),
  dlmsNullDatesDeflate: (flush) => deflated(dlms(flush)),
};

/** Octets a value of every coding over all flushes, and the entropy of first differences, their floor without memory. */
export function measureOtherCodings(fleet: readonly FleetValues[]): Record<string, number> {
  const flushes = flushesOf(fleet);
  const values = sumOf(flushes, (flush) => sumOf(flush, ({ rows }) => sumOf(rows, (row) => row.values.length)));
  const perValue = Object.entries(CODINGS).map(([name, coding]) => [
    `${name}OctetsPerValue`,
    Math.round((sumOf(flushes, coding) / values) * 100) / 100,
  ]);
  return { ...Object.fromEntries(perValue), entropyOfDifferencesOctetsPerValue: entropyOctets(fleet) };
}

function sumOf<Item>(items: readonly Item[], pick: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + pick(item), 0);
}

function utf8(text: string): number {
  return new TextEncoder().encode(text).length;
}

function deflated(octets: Uint8Array): number {
  return deflateRawSync(octets, { level: 9 }).length;
}

function flushesOf(fleet: readonly FleetValues[]): MeterRows[][] {
  const steps = fleet[0]?.length ?? 0;
  return Array.from({ length: steps / ROWS_A_FLUSH }, (_, flush) =>
    fleet.map((rows, meter) => ({
      meter,
      rows: rows.slice(flush * ROWS_A_FLUSH, (flush + 1) * ROWS_A_FLUSH).map((row, at) => ({
        atMs: FLEET_START_MS + (flush * ROWS_A_FLUSH + at + 1) * FLEET_STEP_MS,
        values: row.map((value) => value ?? 0),
      })),
    })),
  );
}

/** SenML in CBOR (RFC 8428, 6): base name and base time once a meter and row, then a short name and the value. */
function senml(flush: readonly MeterRows[]): Uint8Array {
  const writer = new ByteWriter();
  const records = sumOf(flush, ({ rows }) => sumOf(rows, ({ values }) => values.length));
  cborHead(writer, 4, records);
  for (const { meter, rows } of flush)
    for (const { atMs, values } of rows)
      for (const [at, value] of values.entries()) {
        cborHead(writer, 5, at === 0 ? 4 : 2);
        if (at === 0) {
          cborInteger(writer, -2);
          cborText(writer, `m${meter}/`);
          cborInteger(writer, -3);
          cborInteger(writer, atMs / 1000);
        }
        cborInteger(writer, 0);
        cborText(writer, String(at));
        cborInteger(writer, 2);
        cborInteger(writer, value);
      }
  return writer.finish();
}

/** Major type and argument (RFC 8949, 3). */
function cborHead(writer: ByteWriter, major: number, argument: number): void {
  if (argument < 24) writer.u8((major << 5) | argument);
  else if (argument < 0x100) writer.u8((major << 5) | 24).u8(argument);
  else if (argument < 0x1_0000) writer.u8((major << 5) | 25).u16(argument);
  else writer.u8((major << 5) | 26).u32(argument);
}

function cborInteger(writer: ByteWriter, value: number): void {
  if (value < 0) cborHead(writer, 1, -1 - value);
  else cborHead(writer, 0, value);
}

function cborText(writer: ByteWriter, text: string): void {
  const octets = new TextEncoder().encode(text);
  cborHead(writer, 3, octets.length);
  writer.bytes(octets);
}

/** Sparkplug B 3.0: one DDATA payload a meter; metrics by alias with timestamp, data type and value, birth certificates not counted. */
function sparkplug({ rows }: MeterRows): number {
  const metrics = sumOf(rows, ({ atMs, values }) =>
    sumOf(
      values.map((value, at) => ({ value, at })),
      ({ value, at }) => {
        // alias (2), timestamp (3), datatype (4) = Int64, long_value (11).
        const body = 1 + varint(at) + 1 + varint(atMs) + 1 + 1 + 1 + varint(value);
        return 1 + varint(body) + body;
      },
    ),
  );
  // Payload timestamp (1) and seq (3).
  return metrics + 1 + varint(rows[0]?.atMs ?? 0) + 1 + 1;
}

/** Octets of a varint. */
function varint(value: number): number {
  let octets = 1;
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) octets += 1;
  return octets;
}

/** A profile buffer a meter: the first row with its clock, the others with null-data, energies as double-long-unsigned. */
function dlms(flush: readonly MeterRows[]): Uint8Array {
  const array = flush.map(
    ({ rows }): Data => ({
      type: 'array',
      value: rows.map(({ atMs, values }, at): Data => {
        const clock: Data = at === 0 ? { type: 'octet-string', value: clockOctets(atMs) } : { type: 'null-data' };
        const numbers = values.map((value): Data => ({ type: 'double-long-unsigned', value }));
        return { type: 'structure', value: [clock, ...numbers] };
      }),
    }),
  );
  return dataToOctets({ type: 'array', value: array });
}

function clockOctets(atMs: number): Uint8Array {
  const writer = new ByteWriter();
  writer
    .u32(Math.floor(atMs / 86_400_000))
    .u32(atMs % 86_400_000)
    .u32(0);
  return writer.finish();
}

/** Mean over the channels of the entropy of first differences, octets. */
function entropyOctets(fleet: readonly FleetValues[]): number {
  const channels = CODES.map((_, channel) => {
    const counts = new Map<number, number>();
    let total = 0;
    for (const rows of fleet)
      for (let at = 1; at < rows.length; at++) {
        const difference = (rows[at]?.[channel] ?? 0) - (rows[at - 1]?.[channel] ?? 0);
        counts.set(difference, (counts.get(difference) ?? 0) + 1);
        total += 1;
      }
    let bits = 0;
    for (const count of counts.values()) bits -= (count / total) * Math.log2(count / total);
    return bits;
  });
  return Math.round((sumOf(channels, (bits) => bits) / channels.length / 8) * 10_000) / 10_000;
}
