/** PRIME application identification, class 86 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 86. */
export const PRIME_APPLICATION_IDENTIFICATION: readonly InterfaceClass[] = [
  {
    id: 86,
    version: 0,
    name: 'PRIME application identification',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'firmware_version', type: 'octet-string', access: 'read' },
      { index: 3, name: 'vendor_id', type: 'long-unsigned', access: 'read' },
      { index: 4, name: 'product_id', type: 'long-unsigned', access: 'read' },
    ],
    methods: [],
  },
];
