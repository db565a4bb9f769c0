/**
 * What a meter tells by itself inside an association becomes: the value of an object whose codes a log of the profile has is
 * an event of that log, the value of a register of the profile is a reading.
 */
import type { Happening } from '../../dlms/index.ts';
import { readHappening } from '../../profile/event-readout.ts';
import type { Scaler } from '../../profile/readout.ts';
import { readRegisters } from '../../profile/register-readout.ts';
import type { Meter, Staged } from '../ports.ts';

/** When it was told, UTC ms or null while the clock is not set, and what the meter said of its registers. */
export interface ToldAt {
  readonly nowMs: number | null;
  readonly scalers: ReadonlyMap<string, Scaler> | null;
}

/** The parts of an entry for the stage, or null when the profile does not know the object or the value cannot be used. */
export function toldBy(
  { profile, meterId, timeZone }: Meter,
  happening: Happening,
  { nowMs, scalers }: ToldAt,
): Pick<Staged, 'groups' | 'records' | 'isOnlyCopy'> | null {
  const context = { meterId, timeZone, nowMs, ...(scalers === null ? {} : { scalers }) };
  const event = readHappening(profile, happening, context);
  if (event !== null) return { groups: [], records: [{ kind: 'event', event }] };
  const { classId, instanceId, attributeId } = happening.attribute;
  const register = profile.registers.find(
    (each) => each.classId === classId && each.obis === instanceId && each.attribute === attributeId,
  );
  const time = happening.time === null ? null : ({ type: 'octet-string', value: happening.time } as const);
  // Without any clock the value would have no time at all.
  if (register === undefined || nowMs === null) return null;
  const answer = { register, value: happening.value };
  const { groups } = readRegisters(profile, [answer], time, { ...context, nowMs }, 'push');
  // Nobody can be asked for the value of that moment again.
  return groups.length === 0 ? null : { groups, records: [], isOnlyCopy: true };
}
