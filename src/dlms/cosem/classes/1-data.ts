/** Data, class 1 (Blue Book edition 12, 4.3.1; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 1. */
export const DATA: readonly InterfaceClass[] = [
  {
    id: 1,
    version: 0,
    name: 'Data',
    clause: '4.3.1',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'value', type: 'choice', access: 'read-write' },
    ],
    methods: [],
  },
];
