/** PPP setup, class 44 (names and order agree in two public code bases, types in one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 44. */
export const PPP_SETUP: readonly InterfaceClass[] = [
  {
    id: 44,
    version: 0,
    name: 'PPP setup',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'PHY_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      { index: 3, name: 'LCP_options', type: 'array', access: 'read-write', detail: '{type u8, length u8, data ch}' },
      { index: 4, name: 'IPCP_options', type: 'array', access: 'read-write', detail: '{type u8, length u8, data ch}' },
      {
        index: 5,
        name: 'PPP_authentication',
        type: 'structure',
        access: 'read-write',
        detail: '{user_name os, password os}',
      },
    ],
    methods: [],
    note: 'authentication null when none; CHAP and EAP variants have other fields',
  },
];
