/** The part of the settings that says which keys of meters are changed by schedule. */
import { type ConfigOf, list, oneOf, section, text, whole } from '../base/config.ts';
import type { Problem } from '../base/problems.ts';
import { parseIso } from '../base/time.ts';
import { KEY_NAMES } from '../model/command.ts';
import { ROTATION_GROUPS_MAX } from './commands/limits.ts';
import type { RotationGroup } from './key-schedule.ts';

const DAY_MS = 86_400_000;
const MEMBERS_MAX = 1_000;

/** Key `keyRotation`. */
export const ROTATION_CONFIG = section('New keys for meters by schedule', {
  groups: list(
    section('Meters whose keys are changed by schedule', {
      name: text({ what: 'Name of the group; orders have it in their author', maxLength: 40, example: 'north' }),
      edges: list(text({ what: 'Id of a concentrator' }), {
        what: 'Concentrators whose meters belong to the group; without any, all',
        max: MEMBERS_MAX,
        example: ['edge1'],
      }),
      meters: list(text({ what: 'Id of a meter' }), {
        what: 'Meters of these concentrators that belong to the group; without any, all',
        max: MEMBERS_MAX,
      }),
      keys: list(oneOf(KEY_NAMES, { what: 'A key', default: 'encryption' }), {
        what: 'Keys that are changed',
        max: KEY_NAMES.length,
        example: ['encryption', 'authentication'],
      }),
      periodDays: whole({
        what: 'Each key is changed once in so many days',
        from: 1,
        to: 3_650,
        unit: 'days',
        default: 365,
      }),
      from: text({
        what: 'Day before which nothing is due, UTC; the first changes are spread over one period from it',
        pattern: '^\\d{4}-\\d{2}-\\d{2}$',
        form: 'a day, 2027-01-01',
        example: '2027-01-01',
      }),
    }),
    {
      what: 'Groups; without any, keys are changed by hand alone. A meter belongs to the first that fits',
      max: ROTATION_GROUPS_MAX,
      example: [
        { name: 'north', edges: ['edge1'], meters: [], keys: ['encryption'], periodDays: 365, from: '2027-01-01' },
      ],
    },
  ),
});

type RotationConfig = ConfigOf<typeof ROTATION_CONFIG>;

/** What contradicts itself. */
export function rotationContradictions({ groups }: RotationConfig): readonly Problem[] {
  const names = groups.map(({ name }) => name);
  return groups.flatMap(({ name, keys, from }, at): Problem[] => [
    ...(names.indexOf(name) < at
      ? [{ path: `keyRotation.groups.${at}.name`, sentence: `'${name}' is used twice` }]
      : []),
    ...(keys.length === 0
      ? [{ path: `keyRotation.groups.${at}.keys`, sentence: 'names no key: nothing would be changed' }]
      : []),
    ...(dayMs(from) === null ? [{ path: `keyRotation.groups.${at}.from`, sentence: 'is no day of the calendar' }] : []),
  ]);
}

/** The groups as they are worked with. */
export function rotationGroups({ groups }: RotationConfig): readonly RotationGroup[] {
  return groups.map(({ name, edges, meters, keys, periodDays, from }) => ({
    name,
    edges,
    meters,
    keys: [...new Set(keys)],
    periodMs: periodDays * DAY_MS,
    // Checked before: see rotationContradictions.
    fromMs: dayMs(from) ?? Number.MAX_SAFE_INTEGER,
  }));
}

/** Its first moment, UTC ms; null = there is no such day. */
function dayMs(day: string): number | null {
  return parseIso(`${day}T00:00:00Z`);
}
