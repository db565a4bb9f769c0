/**
 * Which new broadcast key a meter of a line is given. The key is of use only where all meters that shared the old one share
 * the new one too, and meters are changed one at a time.
 *
 * Plan: each new key of such a group has a round, one higher than any before it. A meter that is behind gets the newest key of
 * its group; one that has it begins the next round, with a fresh key. So when every meter of the group was ordered once, all
 * have the same. Meanwhile messages to all stations go out once for each key (all-stations.ts).
 *
 * Known weak point: a key that was typed in by a person who restores a meter has no round and counts as the oldest.
 */
import { toHex } from '../../base/bytes.ts';
import type { SecretKey } from '../../dlms/index.ts';
import { keyPrintOf } from '../../dlms/security/key-file.ts';
import type { MeterId } from '../../model/ids.ts';
import type { MeterSecurity } from '../ports.ts';
import type { KeptKeys } from './kept-keys.ts';

/** A key that a meter is to have. */
export interface DrawnKey {
  readonly secret: SecretKey;
  /** Of a broadcast key. */
  readonly round?: number;
  /** Of an agreement: see kept-keys.ts. */
  readonly isRepair?: true;
}

/** What of a meter's keys counts here. */
export interface RoundHolder {
  readonly kept: Pick<KeptKeys, 'next' | 'broadcast'>;
  readonly current: Pick<MeterSecurity, 'keys'>;
  readonly next: Pick<MeterSecurity, 'keys'> | null;
}

/** Print of the key file's broadcast key, by which meters of a line belong together; null = it has none. */
export function broadcastGroupOf(security: MeterSecurity | null | undefined): string | null {
  const broadcast = security?.keys.broadcast;
  return broadcast === undefined ? null : toHex(keyPrintOf(broadcast));
}

/** The key for a meter of a group: the newest one of the group where the meter is behind it, else a fresh one. */
export function newestBroadcastKey(
  group: ReadonlyMap<MeterId, RoundHolder>,
  meterId: MeterId,
  fresh: () => SecretKey,
): DrawnKey {
  const own = group.get(meterId)?.kept.broadcast?.round ?? 0;
  const newest = newestRound(group);
  const secret = newest > own ? keyOfRound(group, newest) : undefined;
  return secret === undefined ? { secret: fresh(), round: newest + 1 } : { secret, round: newest };
}

/** The highest round of a group, 0 = its key was never changed. One that waits for its proof counts: a meter may have it. */
export function newestRound(group: ReadonlyMap<MeterId, RoundHolder>): number {
  const rounds = [...group.values()].flatMap(({ kept }) => [kept.broadcast?.round ?? 0, kept.next?.round ?? 0]);
  return Math.max(0, ...rounds);
}

function keyOfRound(group: ReadonlyMap<MeterId, RoundHolder>, round: number): SecretKey | undefined {
  for (const { kept, current, next } of group.values()) {
    if (kept.next?.round === round) return next?.keys.broadcast;
    if (kept.broadcast?.round === round) return current.keys.broadcast;
  }
  return undefined;
}
