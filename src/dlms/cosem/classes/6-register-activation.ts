/** Register activation, class 6 (names and order agree in three public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 6. */
export const REGISTER_ACTIVATION: readonly InterfaceClass[] = [
  {
    id: 6,
    version: 0,
    name: 'Register activation',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'register_assignment', type: 'array', access: 'read-write', detail: '{class u16, ln os6}' },
      { index: 3, name: 'mask_list', type: 'array', access: 'read-write', detail: '{mask_name os, index_list ar u8}' },
      { index: 4, name: 'active_mask', type: 'octet-string', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'add_register', argument: 'structure', detail: '{class u16, ln os6}' },
      { index: 2, name: 'add_mask', argument: 'structure', detail: '{mask_name os, index_list ar u8}' },
      { index: 3, name: 'delete_mask', argument: 'octet-string' },
    ],
  },
];
