/** SMTP setup, class 46 (names and order from one public code base; types, in part, from memory). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 46. */
export const SMTP_SETUP: readonly InterfaceClass[] = [
  {
    id: 46,
    version: 0,
    name: 'SMTP setup',
    certainty: { names: 1, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'server_port', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'user_name', type: 'octet-string', access: 'read-write' },
      { index: 4, name: 'login_password', type: 'octet-string', access: 'write' },
      { index: 5, name: 'server_address', type: 'octet-string', access: 'read-write' },
      { index: 6, name: 'sender_address', type: 'octet-string', access: 'read-write' },
    ],
    methods: [],
    note: 'types from memory',
  },
];
