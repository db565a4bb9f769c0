/** COSEM data protection, class 30 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 30. */
export const DATA_PROTECTION: readonly InterfaceClass[] = [
  {
    id: 30,
    version: 0,
    name: 'COSEM data protection',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'protection_buffer', type: 'octet-string', access: 'read' },
      {
        index: 3,
        name: 'protection_object_list',
        type: 'array',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8, data_index u16, restriction st{type en, value}}',
      },
      { index: 4, name: 'protection_parameters_get', type: 'array', access: 'read-write', detail: 'PP' },
      { index: 5, name: 'protection_parameters_set', type: 'array', access: 'read-write', detail: 'PP' },
      { index: 6, name: 'required_protection', type: 'enum', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'get_protected_attributes', argument: 'structure' },
      { index: 2, name: 'set_protected_attributes', argument: 'structure' },
      { index: 3, name: 'invoke_protected_method', argument: 'structure' },
    ],
    note: 'PP = st{protection_type en, options st{transaction_id os, originator os, recipient os, other os, key_info st{type en, options st}}}; a second code base stops after attribute 3 and types attribute 2 as array, a third has a wholly different class 30 and was discarded',
  },
];
