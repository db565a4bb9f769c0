/** Auto answer, class 28 (versions differ in certainty; the one from memory alone is used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 28. */
export const AUTO_ANSWER: readonly InterfaceClass[] = [
  {
    id: 28,
    version: 0,
    name: 'Auto answer',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mode', type: 'enum', access: 'read-write' },
      { index: 3, name: 'listening_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
      { index: 4, name: 'status', type: 'enum', access: 'read' },
      { index: 5, name: 'number_of_calls', type: 'unsigned', access: 'read-write' },
      {
        index: 6,
        name: 'number_of_rings',
        type: 'structure',
        access: 'read-write',
        detail: '{in_window u8, out_of_window u8}',
      },
    ],
    methods: [],
  },
  {
    id: 28,
    version: 2,
    name: 'Auto answer',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mode', type: 'enum', access: 'read-write' },
      { index: 3, name: 'listening_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
      { index: 4, name: 'status', type: 'enum', access: 'read' },
      { index: 5, name: 'number_of_calls', type: 'unsigned', access: 'read-write' },
      {
        index: 6,
        name: 'number_of_rings',
        type: 'structure',
        access: 'read-write',
        detail: '{in_window u8, out_of_window u8}',
      },
      {
        index: 7,
        name: 'list_of_allowed_callers',
        type: 'array',
        access: 'read-write',
        detail: '{caller_id os, call_type en}',
      },
    ],
    methods: [],
    note: 'attribute 7 from memory',
  },
];
