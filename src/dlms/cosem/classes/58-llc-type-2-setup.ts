/** ISO/IEC 8802-2 LLC type 2 setup, class 58 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 58. */
export const LLC_TYPE_2_SETUP: readonly InterfaceClass[] = [
  {
    id: 58,
    version: 0,
    name: 'ISO/IEC 8802-2 LLC type 2 setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'transmit_window_size_k', type: 'unsigned', access: 'read-write' },
      { index: 3, name: 'receive_window_size_rw', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'max_octets_i_pdu_n1', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'max_number_transmissions_n2', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'acknowledgement_timer', type: 'long-unsigned', access: 'read-write' },
      { index: 7, name: 'p_bit_timer', type: 'long-unsigned', access: 'read-write' },
      { index: 8, name: 'reject_timer', type: 'long-unsigned', access: 'read-write' },
      { index: 9, name: 'busy_state_timer', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
  },
];
