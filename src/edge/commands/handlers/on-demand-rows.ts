/** Values that an operator asked for become readings of source `on-demand` too. */
import type { ObjectValue } from '../../../model/command.ts';
import { SOURCES } from '../../../model/reading.ts';
import type { GroupRows } from '../../ports.ts';

const ON_DEMAND = SOURCES.indexOf('on-demand');

/**
 * One group for each object: a group stays the same whatever it was asked together with, so that the dictionary grows
 * once per object and not with every new list. The time is the edge's, as registers carry none.
 */
export function onDemandRows(
  values: readonly ObjectValue[],
  meter: { readonly meterId: string; readonly timeZone: string },
  atMs: number,
): readonly GroupRows[] {
  const groups: GroupRows[] = [];
  for (const { result, value, exponent, unit, obis } of values) {
    if (result !== 0 || value === undefined) continue;
    groups.push({
      group: {
        meterId: meter.meterId,
        intervalS: 0,
        source: ON_DEMAND,
        timeZone: meter.timeZone,
        columns: [{ obis, exponent: exponent ?? 0, unit: unit ?? '' }],
      },
      valueClass: 'billing',
      rows: [{ atMs, status: new Uint8Array(0), quality: 'no-meter-time', deviationMin: null, values: [value] }],
    });
  }
  return groups;
}
