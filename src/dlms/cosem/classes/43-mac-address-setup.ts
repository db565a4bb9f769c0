/** MAC address setup, class 43 (names and order agree in two public code bases, types in one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 43. */
export const MAC_ADDRESS_SETUP: readonly InterfaceClass[] = [
  {
    id: 43,
    version: 0,
    name: 'MAC address setup',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'MAC_address', type: 'octet-string', access: 'read-write' },
    ],
    methods: [],
  },
];
