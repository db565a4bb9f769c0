/** Script table, class 9 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 9. */
export const SCRIPT_TABLE: readonly InterfaceClass[] = [
  {
    id: 9,
    version: 0,
    name: 'Script table',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'scripts',
        type: 'array',
        access: 'read-write',
        detail: '{script_id u16, actions ar{service en, class u16, ln os6, index i8, parameter ch}}',
        fieldValues: { service: { 1: 'write attribute', 2: 'execute method' } },
      },
    ],
    methods: [{ index: 1, name: 'execute', argument: 'long-unsigned' }],
    note: 'service 1 write attribute, 2 execute method',
  },
];
