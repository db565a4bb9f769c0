/**
 * How complete the readings of a range are, commodity by commodity: of the intervals that could be here, how many are.
 *
 * What is not due yet, or from before a meter was installed, is not expected. A meter that never gave a reading has no
 * channels, so nobody knows what to expect of it: such meters are counted apart ({@link isNeverRead}).
 */
import type { GapCause } from '../../model/event.ts';
import type { ChannelRecord, Gap, MeterRecord } from '../ports.ts';

/** Group A of an OBIS code (IEC 62056-61, 5.1). */
const COMMODITIES: Readonly<Record<string, string>> = {
  '1': 'electricity',
  '5': 'cooling',
  '6': 'heat',
  '7': 'gas',
  '8': 'water',
  '9': 'hot-water',
};

/** Names that {@link CommodityTally.answer} gives. */
export const COMMODITY_NAMES = [...Object.values(COMMODITIES), 'other'] as const;

const NOT_EXPECTED: ReadonlySet<GapCause> = new Set(['not-due', 'not-installed']);

/** One commodity of the answer. */
export interface CommodityState {
  readonly commodity: string;
  /** Meters with interval readings of it. */
  readonly meters: number;
  /** Intervals that could be here. */
  readonly expected: number;
  /** Intervals that are here. */
  readonly present: number;
  /** Newest interval end of any of its meters, UTC ms. */
  readonly newestAtMs: number;
}

/** Whether a meter that is placed at a concentrator has given no interval reading yet. */
export function isNeverRead(meter: MeterRecord, channels: readonly ChannelRecord[], nowMs: number): boolean {
  const { edgeId, placedToMs = Number.POSITIVE_INFINITY } = meter;
  return edgeId !== undefined && placedToMs > nowMs && channels.every(({ intervalS }) => intervalS === 0);
}

/** The commodity of a channel. */
export function commodityOf(obis: string): string {
  return COMMODITIES[obis.split('-', 1)[0] ?? ''] ?? 'other';
}

/** Adds meters up. */
export class CommodityTally {
  readonly #states = new Map<string, { meters: number; expected: number; present: number; newestAtMs: number }>();

  /** `range` has interval ends with from < end <= to, UTC ms. */
  constructor(private readonly range: { readonly fromMs: number; readonly toMs: number }) {}

  /** Adds one meter with the gaps of the range. */
  add(channels: readonly ChannelRecord[], gaps: readonly Gap[]): void {
    const seen = new Set<string>();
    for (const channel of channels) {
      if (channel.intervalS === 0) continue;
      const commodity = commodityOf(channel.obis);
      const state = this.#states.get(commodity) ?? { meters: 0, expected: 0, present: 0, newestAtMs: 0 };
      this.#states.set(commodity, state);
      if (!seen.has(commodity)) state.meters += 1;
      seen.add(commodity);
      const own = gaps.filter((gap) => gap.obis === channel.obis && gap.intervalS === channel.intervalS);
      const ends = this.#endsOf(channel);
      const absent = Math.min(ends, countOf(own));
      state.expected += Math.max(0, ends - countOf(own.filter((gap) => NOT_EXPECTED.has(gap.cause))));
      state.present += ends - absent;
      state.newestAtMs = Math.max(state.newestAtMs, channel.lastAtMs);
    }
  }

  /** Interval ends of the range since the channel's first reading. */
  #endsOf(channel: ChannelRecord): number {
    const stepMs = channel.intervalS * 1_000;
    const { fromMs, toMs } = this.range;
    if (channel.firstAtMs > toMs) return 0;
    const last = Math.floor((toMs - channel.firstAtMs) / stepMs);
    const before = channel.firstAtMs > fromMs ? -1 : Math.floor((fromMs - channel.firstAtMs) / stepMs);
    return last - before;
  }

  /** The commodities, those with most meters first. */
  answer(): CommodityState[] {
    return [...this.#states]
      .map(([commodity, state]) => ({ commodity, ...state, present: Math.min(state.present, state.expected) }))
      .sort((a, b) => b.meters - a.meters || (a.commodity < b.commodity ? -1 : 1));
  }
}

function countOf(gaps: readonly Gap[]): number {
  return gaps.reduce((sum, gap) => sum + gap.count, 0);
}
