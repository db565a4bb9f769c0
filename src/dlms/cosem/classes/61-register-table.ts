/** Register table, class 61 (names and order from one public code base; types, in part, from memory). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 61. */
export const REGISTER_TABLE: readonly InterfaceClass[] = [
  {
    id: 61,
    version: 0,
    name: 'Register table',
    certainty: { names: 1, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'table_cell_values', type: 'array', access: 'read' },
      {
        index: 3,
        name: 'table_cell_definition',
        type: 'structure',
        access: 'read',
        detail: '{class u16, ln os6, group_E_values ar u8, attribute i8}',
      },
      { index: 4, name: 'scaler_unit', type: 'structure', access: 'read', detail: '{scaler i8, unit en}' },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'capture', argument: 'integer', detail: '0' },
    ],
    note: 'nested types from memory',
  },
];
