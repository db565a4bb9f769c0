/** What both stores do with the settled versions of a channel before they hand them out. */
import type { Channel } from '../../model/reading.ts';
import type { ReadingQuery, StoredReading } from '../ports.ts';
import { type Settled, settle, type Version } from './blocks/versions.ts';

/** Whether a time belongs to the range: from < end <= to for intervals, from <= at < to for registers. */
export function inRange(
  intervalS: number,
  range: { readonly fromMs: number; readonly toMs: number },
  atMs: number,
): boolean {
  return intervalS > 0 ? range.fromMs < atMs && atMs <= range.toMs : range.fromMs <= atMs && atMs < range.toMs;
}

/** A reading as the API gets it. */
export function storedReading(channel: Channel, settled: Settled): StoredReading {
  const { version, versions } = settled;
  const { visit, scale } = version;
  return {
    meterId: channel.meterId,
    obis: channel.obis,
    intervalS: channel.intervalS,
    atMs: version.atMs,
    value: version.value,
    exponent: scale.exponent,
    unit: scale.unit,
    status: version.status,
    quality: version.quality,
    deviationMin: version.deviationMin,
    source: version.source,
    origin: {
      edgeId: visit.edgeId,
      epoch: visit.epoch,
      lane: visit.lane,
      sequence: visit.sequence,
      index: version.index,
    },
    readAtMs: visit.readAtMs,
    knownAtMs: visit.knownAtMs,
    versions,
  };
}

/** The answer to a range query out of all versions of the channel (sorted by time and version). */
export function answerOf(query: ReadingQuery, versions: readonly Version[]): StoredReading[] {
  const after = query.afterMs ?? Number.NEGATIVE_INFINITY;
  const wanted = versions.filter(({ atMs }) => atMs > after && inRange(query.channel.intervalS, query, atMs));
  const page: StoredReading[] = [];
  for (const settled of settle(wanted, query.asOfMs, query.allVersions)) {
    const last = page.at(-1);
    // The versions of one key stay together, or `afterMs` would skip some.
    if (page.length >= query.limit && last?.atMs !== settled.version.atMs) break;
    page.push(storedReading(query.channel, settled));
  }
  return page;
}
