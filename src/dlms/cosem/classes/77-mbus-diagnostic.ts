/** M-Bus diagnostic, class 77 (names and order agree in two public code bases, types in one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 77. */
export const MBUS_DIAGNOSTIC: readonly InterfaceClass[] = [
  {
    id: 77,
    version: 0,
    name: 'M-Bus diagnostic',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'received_signal_strength', type: 'unsigned', access: 'read' },
      { index: 3, name: 'channel_id', type: 'unsigned', access: 'read' },
      {
        index: 4,
        name: 'link_status',
        type: 'enum',
        access: 'read',
        values: { 0: 'none', 1: 'normal', 2: 'temporarily interrupted', 3: 'permanently interrupted' },
      },
      {
        index: 5,
        name: 'broadcast_frames_counter',
        type: 'array',
        access: 'read',
        detail: '{client_id u8, counter u32, time_stamp dt}',
      },
      { index: 6, name: 'transmissions_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 7, name: 'FCS_OK_frames_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 8, name: 'FCS_NOK_frames_counter', type: 'double-long-unsigned', access: 'read' },
      { index: 9, name: 'capture_time', type: 'structure', access: 'read', detail: '{attribute_id u8, time_stamp dt}' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
    note: 'link 0 none 1 normal 2 temporarily interrupted 3 permanently interrupted',
  },
];
