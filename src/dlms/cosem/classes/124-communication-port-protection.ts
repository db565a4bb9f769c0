/** Communication port protection, class 124 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 124. */
export const COMMUNICATION_PORT_PROTECTION: readonly InterfaceClass[] = [
  {
    id: 124,
    version: 0,
    name: 'Communication port protection',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'protection_mode',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'locked', 1: 'locked on failed attempts', 2: 'unlocked' },
      },
      { index: 3, name: 'allowed_failed_attempts', type: 'long-unsigned', access: 'read-write' },
      { index: 4, name: 'initial_lockout_time', type: 'double-long-unsigned', access: 'read-write' },
      { index: 5, name: 'steepness_factor', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'max_lockout_time', type: 'double-long-unsigned', access: 'read-write' },
      { index: 7, name: 'port_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      {
        index: 8,
        name: 'protection_status',
        type: 'enum',
        access: 'read',
        values: { 0: 'unlocked', 1: 'temporarily locked', 2: 'locked' },
      },
      { index: 9, name: 'failed_attempts', type: 'double-long-unsigned', access: 'read' },
      { index: 10, name: 'cumulative_failed_attempts', type: 'double-long-unsigned', access: 'read' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
    note: 'mode 0 locked 1 locked on failed attempts 2 unlocked; status 0 unlocked 1 temporarily locked 2 locked',
  },
];
