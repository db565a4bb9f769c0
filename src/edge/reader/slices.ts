/**
 * How many rows of a buffer are asked for at once: as many days as the link is good for, but no more than its line carries in
 * a few seconds, since a block transfer is never broken off and an order waits for its end. Pure.
 */
import type { BufferRule } from '../../profile/schema/profile.ts';
import { SLICE_DAYS, SLICE_LINE_MS, SLICE_ROWS_FLOOR } from '../limits.ts';

/** What a line says of itself. */
export interface LineCarries {
  /** Days of rows that are asked for at once at most; absent = {@link SLICE_DAYS}. */
  readonly sliceDays?: number;
  /** Time of one octet, ms; 0 = the line is fast. */
  readonly octetMs: number;
}

const DAY_S = 86_400;
/** A structure of a time and a status around the values. */
const ROW_HEAD_OCTETS = 20;
/** A value of 32 bits with its tag. */
const VALUE_OCTETS = 5;

/** Rows of one request over this line. */
export function sliceRowsMax(
  { intervalS, columns }: BufferRule,
  { sliceDays = SLICE_DAYS, octetMs }: LineCarries,
): number {
  const rows = Math.max(SLICE_ROWS_FLOOR, Math.floor((sliceDays * DAY_S) / intervalS));
  if (octetMs === 0) return rows;
  const rowMs = (ROW_HEAD_OCTETS + columns.length * VALUE_OCTETS) * octetMs;
  return Math.max(1, Math.min(rows, Math.floor(SLICE_LINE_MS / rowMs)));
}
