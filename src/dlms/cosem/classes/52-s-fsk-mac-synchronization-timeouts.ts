/** S-FSK MAC synchronization timeouts, class 52 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 52. */
export const S_FSK_MAC_SYNCHRONIZATION_TIMEOUTS: readonly InterfaceClass[] = [
  {
    id: 52,
    version: 0,
    name: 'S-FSK MAC synchronization timeouts',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'search_initiator_timeout', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'synchronization_confirmation_timeout', type: 'long-unsigned', access: 'read-write' },
      { index: 4, name: 'time_out_not_addressed', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'time_out_frame_not_OK', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
  },
];
