/** Times of requests. */
import { parseIso } from '../../base/time.ts';
import { ApiError } from './errors.ts';
import { RANGE_DEFAULT_MS } from './limits.ts';

/** Years 1970 to 9999: what ISO 8601 writes with four digits. */
const LAST_MS = 253_402_300_799_999;

/** UTC ms of a time as the caller wrote it; throws QUERY_INVALID or BODY_INVALID at its place. */
export function timeOf(value: string | number, pointer: string): number {
  const atMs = typeof value === 'number' ? value : /^\d{1,15}$/.test(value) ? Number(value) : parseIso(value);
  if (atMs !== null && atMs >= 0 && atMs <= LAST_MS) return atMs;
  // A plus sign that was not escaped arrives as a blank: say so, everyone falls into this one.
  const hint = typeof value === 'string' && / \d\d:?\d\d$/.test(value) ? '; write + as %2B in an address' : '';
  throw new ApiError(
    pointer.startsWith('#/body') ? 'BODY_INVALID' : 'QUERY_INVALID',
    pointer,
    `'${value}' is not a time: write 2026-03-01T00:00:00Z, with an offset, as a date, or as UTC ms${hint}`,
  );
}

/** The range of a query, with its defaults; throws RANGE_INVALID. */
export function rangeOf(
  query: { readonly from?: string; readonly to?: string },
  nowMs: number,
  longestMs = Number.POSITIVE_INFINITY,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = query.to === undefined ? nowMs : timeOf(query.to, '#/query/to');
  const fromMs = query.from === undefined ? Math.max(0, toMs - RANGE_DEFAULT_MS) : timeOf(query.from, '#/query/from');
  if (fromMs > toMs) throw new ApiError('RANGE_INVALID', '#/query/from', '`from` is after `to`');
  if (toMs - fromMs > longestMs) {
    throw new ApiError('RANGE_INVALID', '#/query/from', `at most ${Math.floor(longestMs / 86_400_000)} days at once`);
  }
  return { fromMs, toMs };
}
