/** Compact data, class 62 (names and order from one to two public code bases, types from one to two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 62. */
export const COMPACT_DATA: readonly InterfaceClass[] = [
  {
    id: 62,
    version: 0,
    name: 'Compact data',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'compact_buffer', type: 'octet-string', access: 'read' },
      {
        index: 3,
        name: 'capture_objects',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16}',
      },
      { index: 4, name: 'template_id', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'template_description', type: 'octet-string', access: 'read' },
      {
        index: 6,
        name: 'capture_method',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'on invocation', 1: 'implicit' },
      },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'capture', argument: 'integer', detail: '0' },
    ],
    note: 'capture_method 0 on invocation 1 implicit',
  },
  {
    id: 62,
    version: 1,
    name: 'Compact data',
    certainty: { names: 2, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'compact_buffer', type: 'octet-string', access: 'read' },
      {
        index: 3,
        name: 'capture_objects',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16, restriction st, columns ar}',
      },
      { index: 4, name: 'template_id', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'template_description', type: 'octet-string', access: 'read' },
      {
        index: 6,
        name: 'capture_method',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'on invocation', 1: 'implicit' },
      },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'capture', argument: 'integer', detail: '0' },
    ],
    note: 'the two extra capture-object fields of v1 are from memory: accept 4 to 6 fields',
  },
];
