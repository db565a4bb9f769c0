/** Wireless mode Q channel, class 73 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 73. */
export const WIRELESS_MODE_Q: readonly InterfaceClass[] = [
  {
    id: 73,
    version: 1,
    name: 'Wireless mode Q channel',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'addr_state', type: 'enum', access: 'read' },
      { index: 3, name: 'device_address', type: 'octet-string', access: 'read-write' },
      { index: 4, name: 'address_mask', type: 'octet-string', access: 'read-write' },
    ],
    methods: [],
  },
];
