/** 61334-4-32 LLC SSCS setup, class 80 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 80. */
export const PRIME_LLC_SSCS_SETUP: readonly InterfaceClass[] = [
  {
    id: 80,
    version: 0,
    name: '61334-4-32 LLC SSCS setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'service_node_address', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'base_node_address', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
