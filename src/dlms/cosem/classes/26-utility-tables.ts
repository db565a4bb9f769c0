/** Utility tables, class 26 (names and order agree in two public code bases, types in one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 26. */
export const UTILITY_TABLES: readonly InterfaceClass[] = [
  {
    id: 26,
    version: 0,
    name: 'Utility tables',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'table_ID', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'length', type: 'double-long-unsigned', access: 'read-write' },
      { index: 4, name: 'buffer', type: 'octet-string', access: 'read' },
    ],
    methods: [],
    note: 'partial reads by selector 1 offset and count, 2 index and count [M]',
  },
];
