/** IEC 62055-41 attributes, class 116 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 116. */
export const STS_ATTRIBUTES: readonly InterfaceClass[] = [
  {
    id: 116,
    version: 0,
    name: 'IEC 62055-41 attributes',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'meter_pan',
        type: 'structure',
        access: 'read',
        detail: '{issuer_id u32, decoder_reference u64, check_digit u8}',
      },
      { index: 3, name: 'commodity', type: 'visible-string', access: 'read' },
      { index: 4, name: 'token_carrier_types', type: 'array', access: 'read-write', detail: 'u8' },
      { index: 5, name: 'encryption_algorithm', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'supply_group_code', type: 'double-long-unsigned', access: 'read-write' },
      { index: 7, name: 'tariff_index', type: 'unsigned', access: 'read-write' },
      { index: 8, name: 'key_revision_number', type: 'unsigned', access: 'read-write' },
      { index: 9, name: 'key_type', type: 'unsigned', access: 'read-write' },
      { index: 10, name: 'key_expiry_number', type: 'unsigned', access: 'read-write' },
      { index: 11, name: 'no_of_kct_supported', type: 'unsigned', access: 'read-write' },
      { index: 12, name: 'sts_certificate_no', type: 'visible-string', access: 'read-write' },
    ],
    methods: [],
  },
];
