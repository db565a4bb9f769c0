/** Special days table, class 11 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 11. */
export const SPECIAL_DAYS_TABLE: readonly InterfaceClass[] = [
  {
    id: 11,
    version: 0,
    name: 'Special days table',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'entries',
        type: 'array',
        access: 'read-write',
        detail: '{index u16, specialday_date os5, day_id u8}',
      },
    ],
    methods: [
      { index: 1, name: 'insert', argument: 'structure', detail: 'entry' },
      { index: 2, name: 'delete', argument: 'long-unsigned' },
    ],
  },
];
