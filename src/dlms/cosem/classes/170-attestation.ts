/** Attestation, class 170 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 170. */
export const ATTESTATION: readonly InterfaceClass[] = [
  {
    id: 170,
    version: 0,
    name: 'Attestation',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'attestation_token', type: 'octet-string', access: 'read' },
      { index: 3, name: 'qualification_declaration', type: 'octet-string', access: 'read' },
    ],
    methods: [{ index: 1, name: 'generate_attestation_token', argument: null }],
    note: 'one list of names only',
  },
];
