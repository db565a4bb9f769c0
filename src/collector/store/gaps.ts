/**
 * What should be there and is not, and why. Pure: the store hands in what it knows of one channel.
 *
 * Causes are tried in this order: how reading it again went, where that was ordered; the meter itself said that it no
 * longer had the interval; it is not due yet; the edge
 * has not been heard since, or says that it holds more than has arrived; later intervals have arrived, so the meter did
 * not have this one; otherwise the edge is there and has nothing newer, so the meter is not being read.
 */
import { GAP_CAUSES, type GapCause, type MeterState } from '../../model/event.ts';
import type { Channel } from '../../model/reading.ts';
import type { Gap, RereadRecord } from '../ports.ts';
import { GAP_INTERVALS_MAX } from './limits.ts';

/** When an interval is due: its end, plus the time between two readings, plus some patience. */
export interface GapPolicy {
  /** Time between two readings of a meter; the interval length counts when it is longer. */
  readonly periodMs: number;
  readonly graceMs: number;
}

/** Read once an hour, forgiven a quarter. */
export const DEFAULT_GAP_POLICY: GapPolicy = { periodMs: 3_600_000, graceMs: 900_000 };

/** What is known of the concentrator at a time that is asked about. */
export interface EdgeKnowledge {
  /** Last hello or block, UTC ms; undefined = never. */
  readonly lastHeardMs: number | undefined;
  /** Blocks that it holds and that have not arrived. */
  readonly backlogBlocks: number;
}

/** What is known of one channel. */
export interface GapFacts {
  readonly channel: Channel;
  /** Interval ends that are there, ascending: of the range and half an interval around it. */
  readonly presentMs: readonly number[];
  /** Newest interval end of the channel at all. */
  readonly lastAtMs: number;
  /** When the meter was placed, and on an edge of which this is known. `toMs` null = still is. */
  readonly placements: readonly {
    readonly fromMs: number;
    readonly toMs: number | null;
    readonly edge: EdgeKnowledge;
  }[];
  /** What the edge reported as gone. */
  readonly notices: readonly { readonly fromMs: number; readonly toMs: number; readonly cause: string }[];
  /** What is, or was, to be read again of this channel, oldest first. */
  readonly rereads?: readonly RereadRecord[];
  readonly state?: MeterState | undefined;
}

/** The entries that may concern a channel; an entry for all meters says nothing of one. */
export function rereadsOfChannel(rereads: readonly RereadRecord[], channel: Channel): RereadRecord[] {
  return rereads.filter(
    ({ meterId, intervalS, obis }) =>
      meterId === channel.meterId && intervalS === channel.intervalS && obis.includes(channel.obis),
  );
}

const MISSING_SENTENCE = 'The meter no longer had this interval when the concentrator asked for it.';

/** What an edge reported, in words. */
const NOTICE_SENTENCES: Partial<Record<GapCause, string>> = {
  'evicted-at-edge':
    'The concentrator ran out of room before it could be sent; it is read again if the meter still holds it.',
  'damaged-at-edge':
    'The store of the concentrator was damaged before it could be sent; it is read again if the meter still holds it.',
};

const NOT_AGAIN_SENTENCES = {
  refused: 'Its block is lost or cannot be read, and the concentrator reads no buffer that holds it.',
  'given-up': 'Its block is lost or cannot be read, and the concentrator never said whether it read it again.',
} as const;

interface Slot {
  readonly endMs: number;
  readonly cause: GapCause;
  readonly sentence: string;
  readonly etaMs?: number;
}

/** Missing intervals with from < end <= to, in runs of one cause, oldest first. Registers have none. */
export function findGaps(
  facts: GapFacts,
  range: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
  policy: GapPolicy = DEFAULT_GAP_POLICY,
): Gap[] {
  const stepMs = facts.channel.intervalS * 1000;
  if (stepMs === 0) return [];
  const gaps: Gap[] = [];
  let lastEndMs = Number.NaN;
  for (const slot of missingSlots(facts, range, policy, stepMs)) {
    const last = gaps.at(-1);
    if (last !== undefined && last.cause === slot.cause && slot.endMs - lastEndMs <= stepMs) {
      gaps[gaps.length - 1] = { ...last, toMs: slot.endMs, count: last.count + 1, ...etaOf(slot) };
    } else {
      const { meterId, obis, intervalS } = facts.channel;
      const { endMs, cause, sentence } = slot;
      gaps.push({ meterId, obis, intervalS, fromMs: endMs, toMs: endMs, count: 1, cause, sentence, ...etaOf(slot) });
    }
    lastEndMs = slot.endMs;
  }
  return gaps;
}

function etaOf(slot: Slot): { readonly etaMs?: number } {
  return slot.etaMs === undefined ? {} : { etaMs: slot.etaMs };
}

/**
 * Slots follow the phase of the newest interval. One within half an interval of a slot fills it: a daily value moves by an
 * hour when the clocks change, and an interval cut short by a power failure ends early.
 */
function* missingSlots(
  facts: GapFacts,
  range: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
  policy: GapPolicy,
  stepMs: number,
): Generator<Slot> {
  const phaseMs = ((facts.lastAtMs % stepMs) + stepMs) % stepMs;
  let at = 0;
  const firstMs = Math.floor((range.fromMs - phaseMs) / stepMs + 1) * stepMs + phaseMs;
  // What lies in the future is no gap, and nothing is expected of it.
  const lastMs = Math.min(range.toMs, range.nowMs);
  const from = Math.max(firstMs, lastMs - GAP_INTERVALS_MAX * stepMs);
  for (let endMs = from; endMs <= lastMs; endMs += stepMs) {
    while (at < facts.presentMs.length && (facts.presentMs[at] as number) < endMs - stepMs / 2) at++;
    const nearest = facts.presentMs[at];
    if (nearest !== undefined && nearest < endMs + stepMs / 2) continue;
    const placement = facts.placements.find(({ fromMs, toMs }) => fromMs < endMs && (toMs === null || endMs <= toMs));
    if (placement !== undefined) yield slotOf(facts, placement.edge, endMs, range.nowMs, policy, stepMs);
  }
}

/** What reading it again says of an interval that is still missing; null = nothing that is not known without it. */
function causeOf(
  { state, reason }: RereadRecord,
  { backlogBlocks }: EdgeKnowledge,
): { readonly cause: GapCause; readonly sentence: string } | null {
  switch (state) {
    case 'waiting':
      if (reason === 'tombstone') return null;
      return {
        cause: 'readable-from-meter',
        sentence: 'Its block is lost or cannot be read; the concentrator will be told to read it from the meter again.',
      };
    case 'ordered':
      return {
        cause: 'readable-from-meter',
        sentence: 'Its block is lost or cannot be read; the concentrator was told to read it from the meter again.',
      };
    case 'gone':
    case 'partly':
      return {
        cause: 'overwritten-in-meter',
        sentence: 'Its block was lost, and the meter no longer had the interval when it was read again.',
      };
    case 'done':
      return backlogBlocks > 0
        ? { cause: 'buffered-at-edge', sentence: 'It was read from the meter again and is on its way.' }
        : { cause: 'missing-in-meter', sentence: 'The meter was read again and does not have this interval.' };
    case 'refused':
    case 'given-up':
      return reason === 'tombstone' ? null : { cause: 'read-refused', sentence: NOT_AGAIN_SENTENCES[state] };
    case 'arrived':
      return null;
  }
}

function slotOf(
  facts: GapFacts,
  edge: EdgeKnowledge,
  endMs: number,
  nowMs: number,
  policy: GapPolicy,
  stepMs: number,
): Slot {
  const reread = facts.rereads?.findLast(({ fromMs, toMs }) => fromMs <= endMs && endMs <= toMs);
  const reading = reread === undefined ? null : causeOf(reread, edge);
  if (reading !== null) return { endMs, ...reading };
  const notice = facts.notices.find(({ fromMs, toMs }) => fromMs <= endMs && endMs <= toMs);
  if (notice !== undefined) {
    const cause = GAP_CAUSES.find((known) => known === notice.cause) ?? 'missing-in-meter';
    return { endMs, cause, sentence: NOTICE_SENTENCES[cause] ?? MISSING_SENTENCE };
  }
  const dueMs = endMs + Math.max(policy.periodMs, stepMs) + policy.graceMs;
  if (dueMs > nowMs)
    return { endMs, cause: 'not-due', sentence: 'Not due yet: the next reading brings it.', etaMs: dueMs };
  if (edge.lastHeardMs === undefined || edge.lastHeardMs < dueMs) {
    const sentence = 'The concentrator has not been heard since: it keeps the interval and sends it when it is back.';
    return { endMs, cause: 'buffered-at-edge', sentence };
  }
  if (edge.backlogBlocks > 0) {
    const sentence = `The concentrator holds ${edge.backlogBlocks} blocks that have not arrived yet.`;
    return { endMs, cause: 'buffered-at-edge', sentence };
  }
  if (facts.lastAtMs > endMs) {
    const sentence = 'Later intervals have arrived and this one is not among them: the meter does not have it.';
    return { endMs, cause: 'missing-in-meter', sentence };
  }
  const why = facts.state === undefined || facts.state.state === 'reachable' ? '' : `: ${facts.state.sentence}`;
  return { endMs, cause: 'readable-from-meter', sentence: `The meter has not been read since${why || '.'}` };
}
