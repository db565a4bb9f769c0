/**
 * Use per interval out of readings of a register that only grows.
 *
 * The use of an interval is the difference of its two ends, exact. Where ends are missing, the use between is known only
 * as a sum: no bar is drawn and nothing is spread. A register that goes back is shown as unknown, never as negative use.
 */
import { addExact, type ExactInteger, subtractExact } from '../../../model/number.ts';
import type { Column, ReadingColumns } from './types.ts';

/** A reading of the chart. */
export interface Point {
  readonly atMs: number;
  readonly value: ExactInteger;
  readonly exponent: number;
  readonly unit: string;
  readonly quality: string;
}

/** Use of one interval, or of some joined ones. */
export interface Bar {
  readonly fromMs: number;
  readonly toMs: number;
  /** Null when it is not known. */
  readonly value: ExactInteger | null;
  readonly exponent: number;
  readonly quality: string;
}

/** The rows of a page of columns. */
export function pointsOf(page: ReadingColumns): Point[] {
  const read = (name: string) => cellsOf(page.columns[name]);
  const [atMs, value, exponent, unit, quality] = ['atMs', 'value', 'exponent', 'unit', 'quality'].map(read);
  return Array.from({ length: page.rows }, (_, row) => ({
    atMs: Number(atMs?.(row)),
    value: exactCell(value?.(row)),
    exponent: Number(exponent?.(row)),
    unit: String(unit?.(row)),
    quality: String(quality?.(row)),
  }));
}

function cellsOf(column: Column | undefined): (row: number) => number | string | null {
  const { constant, values } = column ?? {};
  return (row) => (values === undefined ? (constant ?? null) : (values[row] ?? null));
}

function exactCell(cell: number | string | null | undefined): ExactInteger {
  return typeof cell === 'string' ? BigInt(cell) : (cell ?? 0);
}

/** One bar per interval from `fromMs` to `toMs`, oldest first; an interval without both ends has a null value. */
export function usageOf(points: readonly Point[], intervalS: number, fromMs: number, toMs: number): Bar[] {
  const stepMs = intervalS * 1_000;
  const byEnd = new Map(points.map((point) => [point.atMs, point]));
  // Daily registers end at the site's midnight, not at that of UTC: the readings themselves say where intervals end.
  const phaseMs = (points[0]?.atMs ?? 0) % stepMs;
  const firstMs = Math.ceil((fromMs + 1 - phaseMs) / stepMs) * stepMs + phaseMs;
  const bars: Bar[] = [];
  for (let endMs = firstMs; endMs <= toMs; endMs += stepMs) {
    const end = byEnd.get(endMs);
    const begin = byEnd.get(endMs - stepMs);
    const isKnown = end !== undefined && begin !== undefined && end.exponent === begin.exponent;
    const used = isKnown ? subtractExact(end.value, begin.value) : null;
    bars.push({
      fromMs: endMs - stepMs,
      toMs: endMs,
      value: used !== null && used >= 0 ? used : null,
      exponent: end?.exponent ?? begin?.exponent ?? 0,
      quality: end?.quality ?? '',
    });
  }
  return bars;
}

/** Bars joined to `groupS`; a group is known only when all of it is. */
export function joinBars(bars: readonly Bar[], groupS: number): Bar[] {
  const groupMs = groupS * 1_000;
  const groups = new Map<number, Bar[]>();
  for (const bar of bars) {
    const group = Math.floor(bar.fromMs / groupMs) * groupMs;
    groups.set(group, [...(groups.get(group) ?? []), bar]);
  }
  return [...groups.values()].map((members) => {
    const [first] = members as [Bar];
    const sum = members.reduce<ExactInteger | null>(
      (total, bar) =>
        total === null || bar.value === null || bar.exponent !== first.exponent ? null : addExact(total, bar.value),
      0,
    );
    return {
      fromMs: first.fromMs,
      toMs: members.at(-1)?.toMs ?? first.toMs,
      value: sum,
      exponent: first.exponent,
      quality: members.find((bar) => bar.quality !== 'good')?.quality ?? first.quality,
    };
  });
}

/** Bars without those at the end that are not known yet. */
export function knownSoFar(bars: readonly Bar[]): readonly Bar[] {
  return bars.slice(0, bars.findLastIndex((bar) => bar.value !== null) + 1);
}

/** Sum of what is known, and how many bars are not. */
export function totalOf(bars: readonly Bar[]): {
  readonly value: ExactInteger;
  readonly exponent: number;
  readonly unknown: number;
} {
  const known = bars.filter((bar): bar is Bar & { value: ExactInteger } => bar.value !== null);
  const exponent = known[0]?.exponent ?? 0;
  const same = known.filter((bar) => bar.exponent === exponent);
  return {
    value: same.reduce<ExactInteger>((sum, bar) => addExact(sum, bar.value), 0),
    exponent,
    unknown: bars.length - same.length,
  };
}
