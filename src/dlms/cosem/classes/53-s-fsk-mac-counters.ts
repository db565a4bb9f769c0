/** S-FSK MAC counters, class 53 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 53. */
export const S_FSK_MAC_COUNTERS: readonly InterfaceClass[] = [
  {
    id: 53,
    version: 0,
    name: 'S-FSK MAC counters',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'synchronization_register',
        type: 'array',
        access: 'read',
        detail: '{mac_address u16, count u32}',
      },
      {
        index: 3,
        name: 'desynchronization_listing',
        type: 'structure',
        access: 'read',
        detail: '{physical u32, not_addressed u32, frame_not_ok u32, write_request u32, wrong_initiator u32}',
      },
      {
        index: 4,
        name: 'broadcast_frames_counter',
        type: 'array',
        access: 'read',
        detail: '{mac_address u16, count u32}',
      },
      { index: 5, name: 'repetitions_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 6, name: 'transmissions_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 7, name: 'CRC_OK_frames_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 8, name: 'CRC_NOK_frames_counter', type: 'double-long-unsigned', access: 'read' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
