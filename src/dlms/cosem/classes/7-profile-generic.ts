/** Profile generic, class 7 (Blue Book edition 12, 4.3.6; names and order from one to four public code bases, types from one to three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 7. */
export const PROFILE_GENERIC: readonly InterfaceClass[] = [
  {
    id: 7,
    version: 0,
    name: 'Profile generic',
    clause: '4.3.6',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'buffer', type: 'array', access: 'read' },
      {
        index: 3,
        name: 'capture_objects',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16}',
      },
      { index: 4, name: 'capture_period', type: 'double-long-unsigned', access: 'read-write' },
      {
        index: 5,
        name: 'sort_method',
        type: 'enum',
        access: 'read-write',
        values: { 1: 'fifo', 2: 'lifo', 3: 'largest', 4: 'smallest', 5: 'nearest to zero', 6: 'farthest from zero' },
      },
      {
        index: 6,
        name: 'sort_object',
        type: 'structure',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16}',
      },
      { index: 7, name: 'entries_in_use', type: 'double-long-unsigned', access: 'read' },
      { index: 8, name: 'profile_entries', type: 'double-long-unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'capture', argument: 'integer', detail: '0' },
    ],
    note: 'v0 has the v1 layout; very old meters leave data_index out of the capture object: accept 3 or 4 fields',
  },
  {
    id: 7,
    version: 1,
    name: 'Profile generic',
    clause: '4.3.6',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'buffer', type: 'array', access: 'read' },
      {
        index: 3,
        name: 'capture_objects',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16}',
      },
      { index: 4, name: 'capture_period', type: 'double-long-unsigned', access: 'read-write' },
      {
        index: 5,
        name: 'sort_method',
        type: 'enum',
        access: 'read-write',
        values: { 1: 'fifo', 2: 'lifo', 3: 'largest', 4: 'smallest', 5: 'nearest to zero', 6: 'farthest from zero' },
      },
      {
        index: 6,
        name: 'sort_object',
        type: 'structure',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16}',
      },
      { index: 7, name: 'entries_in_use', type: 'double-long-unsigned', access: 'read' },
      { index: 8, name: 'profile_entries', type: 'double-long-unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'capture', argument: 'integer', detail: '0' },
    ],
    note: 'sort_method 1 fifo 2 lifo 3 largest 4 smallest 5 nearest to zero 6 farthest from zero; selectors 1 and 2 on attribute 2',
  },
];
