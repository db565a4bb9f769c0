/** Modem configuration, class 27 (names and order from two to three public code bases, types from two). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 27. */
export const MODEM_CONFIGURATION: readonly InterfaceClass[] = [
  {
    id: 27,
    version: 0,
    name: 'PSTN modem configuration',
    certainty: { names: 2, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
      {
        index: 3,
        name: 'initialization_string',
        type: 'array',
        access: 'read-write',
        detail: '{request os, response os}',
      },
      { index: 4, name: 'modem_profile', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [],
    note: 'v0 strings have two fields',
  },
  {
    id: 27,
    version: 1,
    name: 'Modem configuration',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
      {
        index: 3,
        name: 'initialization_string',
        type: 'array',
        access: 'read-write',
        detail: '{request os, response os, delay_after_response u16}',
      },
      { index: 4, name: 'modem_profile', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [],
  },
];
