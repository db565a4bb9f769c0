/** Status mapping, class 63 (names and order agree in two public code bases, types in one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 63. */
export const STATUS_MAPPING: readonly InterfaceClass[] = [
  {
    id: 63,
    version: 0,
    name: 'Status mapping',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'status_word', type: 'choice', access: 'read' },
      {
        index: 3,
        name: 'mapping_table',
        type: 'structure',
        access: 'read-write',
        detail: '{ref_table_id u8, ref_table_mapping u16 or ar u16}',
      },
    ],
    methods: [],
  },
];
