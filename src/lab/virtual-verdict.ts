/** The oracle's question put to a virtual run: one channel at a time, so that a month of many meters fits. */
import type { QueryStore } from '../collector/ports.ts';
import type { MeterId } from '../model/ids.ts';
import { type LedgerGroup, readLedgerRows } from '../sim/ledger.ts';
import { Oracle, type OracleEntry, type Verdict } from './oracle.ts';

const READINGS_MAX = 1_000_000;

interface Produced {
  readonly group: LedgerGroup;
  readonly rows: { readonly atMs: number; readonly values: readonly OracleEntry['value'][] }[];
}

/** What is judged. */
export interface JudgedPart {
  /** First moment, UTC ms; absent = the first of all. */
  readonly fromMs?: number;
  /** Last moment, UTC ms. */
  readonly untilMs: number;
  /** Whether a meter is judged; absent = every one is. */
  readonly isJudged?: (meterId: string) => boolean;
  /** Whether what meters tell by themselves is judged; absent = it is. On a real line a cut telegram is gone, and another one comes. */
  readonly toldToo?: boolean;
}

/** Joins a ledger's octets with a store. */
export async function judgeVirtual(
  ledger: Uint8Array,
  store: Pick<QueryStore, 'channels' | 'readings' | 'meters'>,
  { fromMs = 0, untilMs, isJudged = () => true, toldToo = true }: JudgedPart,
): Promise<Verdict> {
  const oracle = new Oracle();
  const isWanted = ({ intervalS }: LedgerGroup, atMs: number) =>
    atMs >= fromMs && atMs <= untilMs && (toldToo || intervalS > 0);
  const produced = producedOf(ledger, isWanted);
  const meters = new Set([...produced.keys()]);
  let cursor: string | undefined;
  do {
    const page = await store.meters({ limit: 1_000, ...(cursor === undefined ? {} : { cursor }) });
    for (const { meterId } of page.items) meters.add(meterId);
    cursor = page.cursor;
  } while (cursor !== undefined);
  for (const meterId of meters) {
    if (!isJudged(meterId)) continue;
    const channels = new Map<string, readonly OracleEntry[]>();
    // Registers that are asked for are read at any moment; those that a meter told by itself are in the ledger.
    const tells = produced.get(meterId)?.some(({ group }) => group.intervalS === 0) ?? false;
    for (const channel of await store.channels(meterId as MeterId)) {
      if (channel.intervalS === 0 && !tells) continue;
      const query = { channel, fromMs, toMs: untilMs + 1, limit: READINGS_MAX, allVersions: true };
      const entries = (await store.readings(query)).filter(({ atMs }) => atMs <= untilMs);
      channels.set(`${channel.obis} ${channel.intervalS}`, entries);
    }
    joinMeter(oracle, produced.get(meterId) ?? [], channels);
  }
  return oracle.verdict();
}

function producedOf(
  ledger: Uint8Array,
  isWanted: (group: LedgerGroup, atMs: number) => boolean,
): Map<string, Produced[]> {
  const byGroup = new Map<LedgerGroup, Produced>();
  for (const { group, atMs, values } of readLedgerRows(ledger)) {
    if (!isWanted(group, atMs)) continue;
    const known = byGroup.get(group) ?? { group, rows: [] };
    byGroup.set(group, known);
    known.rows.push({ atMs, values });
  }
  const byMeter = new Map<string, Produced[]>();
  for (const one of byGroup.values()) byMeter.set(one.group.meterId, [...(byMeter.get(one.group.meterId) ?? []), one]);
  return byMeter;
}

function joinMeter(oracle: Oracle, produced: readonly Produced[], stored: Map<string, readonly OracleEntry[]>): void {
  const wanted = new Map<string, OracleEntry[]>();
  for (const { group, rows } of produced)
    for (const [at, column] of group.columns.entries()) {
      const { meterId, intervalS } = group;
      const key = `${column.obis} ${intervalS}`;
      const entries = wanted.get(key) ?? [];
      wanted.set(key, entries);
      for (const { atMs, values } of rows)
        entries.push({ meterId, intervalS, ...column, atMs, value: values[at] ?? 0 });
    }
  for (const key of new Set([...wanted.keys(), ...stored.keys()]))
    oracle.join(wanted.get(key) ?? [], stored.get(key) ?? []);
}
