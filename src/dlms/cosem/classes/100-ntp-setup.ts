/** NTP setup, class 100 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 100. */
export const NTP_SETUP: readonly InterfaceClass[] = [
  {
    id: 100,
    version: 0,
    name: 'NTP setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'activated', type: 'boolean', access: 'read-write' },
      { index: 3, name: 'server_address', type: 'octet-string', access: 'read-write' },
      { index: 4, name: 'server_port', type: 'long-unsigned', access: 'read-write' },
      {
        index: 5,
        name: 'authentication_method',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'none', 1: 'shared secrets', 2: 'auto-key IFF' },
      },
      { index: 6, name: 'authentication_keys', type: 'array', access: 'write', detail: '{key_id u32, key os}' },
      { index: 7, name: 'client_key', type: 'octet-string', access: 'write' },
    ],
    methods: [
      { index: 1, name: 'synchronize', argument: 'integer', detail: '0' },
      { index: 2, name: 'add_authentication_key', argument: 'structure', detail: '{key_id u32, key os}' },
      { index: 3, name: 'delete_authentication_key', argument: 'double-long-unsigned' },
    ],
    note: 'method 0 none 1 shared secrets 2 auto-key IFF; the one source sends i8 as argument of 3: accept both',
  },
];
