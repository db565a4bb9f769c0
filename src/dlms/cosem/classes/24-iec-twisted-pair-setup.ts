/** IEC twisted pair (1) setup, class 24 (names and order from one public code base; types, in part, from memory). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 24. */
export const IEC_TWISTED_PAIR_SETUP: readonly InterfaceClass[] = [
  {
    id: 24,
    version: 0,
    name: 'IEC twisted pair (1) setup',
    certainty: { names: 1, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'secondary_address', type: 'octet-string', access: 'read-write' },
      { index: 3, name: 'primary_address_list', type: 'array', access: 'read-write' },
      { index: 4, name: 'tabi_list', type: 'array', access: 'read-write' },
      { index: 5, name: 'fatal_error', type: 'enum', access: 'read-write' },
    ],
    methods: [],
  },
  {
    id: 24,
    version: 1,
    name: 'IEC twisted pair (1) setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mode', type: 'enum', access: 'read-write' },
      { index: 3, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 4, name: 'primary_address_list', type: 'array', access: 'read-write', detail: 'u8' },
      { index: 5, name: 'tabi_list', type: 'array', access: 'read-write', detail: 'i8' },
    ],
    methods: [],
    note: 'two code bases disagree which layout is v0: recognise by the type of attribute 2',
  },
];
