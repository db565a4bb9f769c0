/**
 * Whether a meter captures what its profile says. A meter may have been configured otherwise than its model's default; a
 * column that is taken for another one would put one register's energy on another's bill, so the columns are compared
 * before the first row is believed.
 */
import type { Data } from '../dlms/axdr/data.ts';
import { type CaptureObject, captureObjectsOf } from '../dlms/cosem/capture-object.ts';
import { plainRequest, type ReadRequest } from './plan.ts';
import type { BufferColumn, BufferRule, Profile } from './schema/profile.ts';

const PROFILE_GENERIC = 7;
const CAPTURE_OBJECTS = 3;
const CAPTURE_PERIOD = 4;

/** Reads what the meter captures and how often: attributes 3 and 4 of the buffer. */
export function captureRequests(rule: BufferRule): readonly [objects: ReadRequest, period: ReadRequest] {
  return [
    plainRequest(PROFILE_GENERIC, rule.obis, CAPTURE_OBJECTS),
    plainRequest(PROFILE_GENERIC, rule.obis, CAPTURE_PERIOD),
  ];
}

/** In which way the meter's buffer is not the profile's, in a sentence; null = it is. */
export function captureMismatch(profile: Profile, rule: BufferRule, objects: Data, period: Data): string | null {
  let columns: readonly CaptureObject[];
  try {
    columns = captureObjectsOf(objects);
  } catch {
    return `The meter does not tell the columns of ${rule.obis}.`;
  }
  if (columns.length !== rule.columns.length) {
    return `The meter captures ${columns.length} columns in ${rule.obis}, the profile has ${rule.columns.length}.`;
  }
  for (const [at, column] of rule.columns.entries()) {
    const wanted = wantedObject(profile, rule, column);
    const own = columns[at];
    if (own !== undefined && own.instanceId !== wanted) {
      return `Column ${at + 1} of ${rule.obis} is ${own.instanceId} in the meter and ${wanted} in the profile.`;
    }
  }
  const seconds = period.type === 'double-long-unsigned' ? period.value : null;
  // 0 = captured by a schedule, as many meters do for days and months.
  if (seconds !== null && seconds !== 0 && seconds !== rule.intervalS) {
    return `The meter captures ${rule.obis} every ${seconds} s, the profile says ${rule.intervalS} s.`;
  }
  return null;
}

function wantedObject(profile: Profile, rule: BufferRule, column: BufferColumn): string {
  switch (column.kind) {
    case 'clock':
      return profile.clock.obis ?? '0-0:1.0.0*255';
    case 'status':
      return rule.status?.obis ?? '';
    case 'register':
      return column.register.obis;
    case 'ignore':
      return column.obis;
  }
}
