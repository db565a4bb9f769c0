/** ISO/IEC 8802-2 LLC type 1 setup, class 57 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 57. */
export const LLC_TYPE_1_SETUP: readonly InterfaceClass[] = [
  {
    id: 57,
    version: 0,
    name: 'ISO/IEC 8802-2 LLC type 1 setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'max_octets_ui_pdu', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
  },
];
