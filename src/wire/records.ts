/** What travels in self-contained lanes: events, attributes, meter states, command reports, gaps, meters that were found, logs. */
import type { CommandReport } from '../model/command.ts';
import type { MeterAttribute, MeterEvent, MeterState } from '../model/event.ts';
import type { FoundNode } from '../model/found.ts';
import type { MeterId } from '../model/ids.ts';

/** Rows that a meter no longer had when they were asked for. */
export interface GapNotice {
  readonly meterId: MeterId;
  readonly obis: readonly string[];
  /** Interval length in seconds. */
  readonly intervalS: number;
  /** First missing interval end, UTC ms. */
  readonly fromMs: number;
  /** Last missing interval end, UTC ms. */
  readonly toMs: number;
  /** One of model GAP_CAUSES. */
  readonly cause: string;
}

/** Anything that travels in a self-contained lane. */
export type JournalRecord =
  | { readonly kind: 'event'; readonly event: MeterEvent }
  | { readonly kind: 'attribute'; readonly attribute: MeterAttribute }
  | { readonly kind: 'meter-state'; readonly state: MeterState }
  | { readonly kind: 'command'; readonly report: CommandReport }
  | { readonly kind: 'gap'; readonly gap: GapNotice }
  | { readonly kind: 'found'; readonly found: FoundNode }
  | {
      readonly kind: 'log';
      readonly level: string;
      readonly event: string;
      readonly atMs: number;
      readonly fieldsJson: string;
    };

/** The time that a record is about, UTC ms: what the time span of its block is made of. */
export function recordTimeMs(record: JournalRecord): number {
  switch (record.kind) {
    case 'event':
      return record.event.atMs;
    case 'attribute':
      return record.attribute.readAtMs;
    case 'meter-state':
      return record.state.sinceMs;
    case 'command':
      return record.report.atMs;
    case 'gap':
      return record.gap.toMs;
    case 'found':
      return record.found.atMs;
    case 'log':
      return record.atMs;
  }
}
