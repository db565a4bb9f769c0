/** ISO/IEC 8802-2 LLC type 3 setup, class 59 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 59. */
export const LLC_TYPE_3_SETUP: readonly InterfaceClass[] = [
  {
    id: 59,
    version: 0,
    name: 'ISO/IEC 8802-2 LLC type 3 setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'max_octets_acn_pdu_n3', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'max_number_transmissions_n4', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'acknowledgement_time_t1', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'receive_lifetime_t2', type: 'long-unsigned', access: 'read-write' },
      { index: 6, name: 'transmit_lifetime_z', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'widths of 2 and 5 differ inside the one code base: accept u8 and u16',
  },
];
