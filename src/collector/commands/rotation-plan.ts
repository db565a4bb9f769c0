/**
 * When a key of a meter is due for a new one: a group of meters has a period, and each meter and key its own moment in it, by
 * a hash, so that a fleet does not change its keys in one night; but the meters of a concentrator get their broadcast key one
 * behind the other, as it is of use only where all of a line have the same. What is due follows from the group, the time and the last
 * order alone: nothing else is kept, and a collector that was away goes on where the fleet is.
 */
import type { Env } from '../../base/env.ts';
import { END_STATES, type KeyName } from '../../model/command.ts';
import type { KeyRotation, RotationGroup } from '../key-schedule.ts';
import type { CommandRecord, MeterRecord } from '../ports.ts';
import { ROTATION_RETRY_MS } from './limits.ts';

/** The group of a meter, the first one that fits; null = its keys are changed by hand. */
export function groupOf(groups: readonly RotationGroup[], { meterId, edgeId }: MeterRecord): RotationGroup | null {
  const fits = ({ edges, meters }: RotationGroup) =>
    edgeId !== undefined &&
    (edges.length === 0 || edges.includes(edgeId)) &&
    (meters.length === 0 || meters.includes(meterId));
  return groups.find(fits) ?? null;
}

/** Where the key of a meter of this group stands; `commands` are those of the meter, newest first. */
export function rotationOf(
  group: RotationGroup,
  meter: MeterRecord,
  key: KeyName,
  commands: readonly CommandRecord[],
  { nowMs, crypto }: { readonly nowMs: number; readonly crypto: Pick<Env['crypto'], 'sha256'> },
): KeyRotation {
  const whose = key === 'broadcast' ? meter.edgeId : meter.meterId;
  const firstMs = group.fromMs + Math.floor(shareOf(crypto, `${whose} ${key}`) * group.periodMs);
  const periods = Math.max(0, Math.floor((nowMs - firstMs) / group.periodMs));
  const momentMs = firstMs + periods * group.periodMs;
  const last = commands.find(({ body }) => body.kind === 'key-rotation' && body.key === key) ?? null;
  const wasOrdered = last !== null && last.createdAtMs >= momentMs;
  const isDue = momentMs <= nowMs && (!wasOrdered || mayFollow(last, nowMs));
  // What was changed since its moment, also by hand, is due at the next one.
  const isOver = wasOrdered && !isDue && END_STATES.has(last.state) && last.state !== 'failed';
  return { group, meter, key, dueAtMs: isOver ? momentMs + group.periodMs : momentMs, last, isDue };
}

/** Whether another order may follow one that did not do it: not one that was refused, which another would be too. */
function mayFollow({ state, createdAtMs }: CommandRecord, nowMs: number): boolean {
  const mayHelp = state === 'failed' || state === 'expired' || state === 'uncertain' || state === 'cancelled';
  return mayHelp && nowMs >= createdAtMs + ROTATION_RETRY_MS;
}

/** Where in a period the moment of this text lies, 0 to 1. */
function shareOf(crypto: Pick<Env['crypto'], 'sha256'>, text: string): number {
  const [a = 0, b = 0, c = 0, d = 0] = crypto.sha256(new TextEncoder().encode(text));
  return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
}
