/** Single action schedule, class 22 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 22. */
export const SINGLE_ACTION_SCHEDULE: readonly InterfaceClass[] = [
  {
    id: 22,
    version: 0,
    name: 'Single action schedule',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'executed_script',
        type: 'structure',
        access: 'read-write',
        detail: '{script_ln os6, selector u16}',
      },
      {
        index: 3,
        name: 'type',
        type: 'enum',
        access: 'read-write',
        values: {
          1: 'one time',
          2: 'several times, same times, fixed dates',
          3: 'several times, same times, dates with wildcards',
          4: 'several times, different times, fixed dates',
          5: 'several times, different times, dates with wildcards',
        },
      },
      { index: 4, name: 'execution_time', type: 'array', access: 'read-write', detail: '{time os4, date os5}' },
    ],
    methods: [],
    note: 'type 1 one time, wildcards in date allowed; 2-5 several times (2 same times, fixed dates; 3 same times, wildcard dates; 4 different times, fixed dates; 5 different times, wildcard dates) [M]',
  },
];
