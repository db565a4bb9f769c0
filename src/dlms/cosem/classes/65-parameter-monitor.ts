/** Parameter monitor, class 65 (versions differ in certainty; the one from memory alone is used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 65. */
export const PARAMETER_MONITOR: readonly InterfaceClass[] = [
  {
    id: 65,
    version: 0,
    name: 'Parameter monitor',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'changed_parameter',
        type: 'structure',
        access: 'read',
        detail: '{class u16, ln os6, attribute i8, value ch}',
      },
      { index: 3, name: 'capture_time', type: 'octet-string', access: 'read', detail: 'size 12' },
      {
        index: 4,
        name: 'parameter_list',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8}',
      },
    ],
    methods: [
      { index: 1, name: 'add_parameter', argument: 'structure', detail: '{class u16, ln os6, attribute i8}' },
      { index: 2, name: 'delete_parameter', argument: 'structure', detail: '{class u16, ln os6, attribute i8}' },
    ],
  },
  {
    id: 65,
    version: 1,
    name: 'Parameter monitor',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'changed_parameter', type: 'structure', access: 'read' },
      { index: 3, name: 'capture_time', type: 'octet-string', access: 'read', detail: 'size 12' },
      { index: 4, name: 'parameter_list', type: 'array', access: 'read-write' },
      { index: 5, name: 'parameter_list_name', type: 'octet-string', access: 'read-write' },
      { index: 6, name: 'hash_algorithm_id', type: 'enum', access: 'read-write' },
      { index: 7, name: 'parameter_value_digest', type: 'octet-string', access: 'read' },
      { index: 8, name: 'parameter_values', type: 'structure', access: 'read' },
    ],
    methods: [
      { index: 1, name: 'insert', argument: 'structure' },
      { index: 2, name: 'delete', argument: 'structure' },
    ],
    note: 'attributes 5-8 from memory',
  },
];
