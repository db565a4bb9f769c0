/** Credit, class 112 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 112. */
export const CREDIT: readonly InterfaceClass[] = [
  {
    id: 112,
    version: 0,
    name: 'Credit',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'current_credit_amount', type: 'double-long', access: 'read' },
      {
        index: 3,
        name: 'credit_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'token', 1: 'reserved', 2: 'emergency', 3: 'time based', 4: 'consumption based' },
      },
      { index: 4, name: 'priority', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'warning_threshold', type: 'double-long', access: 'read-write' },
      { index: 6, name: 'limit', type: 'double-long', access: 'read-write' },
      { index: 7, name: 'credit_configuration', type: 'bit-string', access: 'read-write' },
      {
        index: 8,
        name: 'credit_status',
        type: 'enum',
        access: 'read',
        values: { 0: 'enabled', 1: 'selectable', 2: 'selected', 3: 'in use', 4: 'consumed' },
      },
      { index: 9, name: 'preset_credit_amount', type: 'double-long', access: 'read-write' },
      { index: 10, name: 'credit_available_threshold', type: 'double-long', access: 'read-write' },
      { index: 11, name: 'period', type: 'octet-string', access: 'read-write', detail: 'size 12' },
    ],
    methods: [
      { index: 1, name: 'update_amount', argument: 'double-long' },
      { index: 2, name: 'set_amount_to_value', argument: 'double-long' },
      { index: 3, name: 'invoke_credit', argument: 'unsigned' },
    ],
    note: 'type 0 token 1 reserved 2 emergency 3 time based 4 consumption based; status 0 enabled 1 selectable 2 selected/invoked 3 in use 4 consumed',
  },
];
