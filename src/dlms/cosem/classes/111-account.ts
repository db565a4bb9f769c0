/** Account, class 111 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 111. */
export const ACCOUNT: readonly InterfaceClass[] = [
  {
    id: 111,
    version: 0,
    name: 'Account',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'account_mode_and_status',
        type: 'structure',
        access: 'read',
        detail: '{mode en, status en}',
        fieldValues: { mode: { 1: 'credit', 2: 'prepayment' }, status: { 1: 'new', 2: 'active', 3: 'closed' } },
      },
      { index: 3, name: 'current_credit_in_use', type: 'unsigned', access: 'read' },
      { index: 4, name: 'current_credit_status', type: 'bit-string', access: 'read' },
      { index: 5, name: 'available_credit', type: 'double-long', access: 'read' },
      { index: 6, name: 'amount_to_clear', type: 'double-long', access: 'read' },
      { index: 7, name: 'clearance_threshold', type: 'double-long', access: 'read-write' },
      { index: 8, name: 'aggregated_debt', type: 'double-long', access: 'read' },
      { index: 9, name: 'credit_reference_list', type: 'array', access: 'read', detail: 'os6' },
      { index: 10, name: 'charge_reference_list', type: 'array', access: 'read', detail: 'os6' },
      {
        index: 11,
        name: 'credit_charge_configuration',
        type: 'array',
        access: 'read-write',
        detail: '{credit_ln os6, charge_ln os6, collection bs}',
      },
      {
        index: 12,
        name: 'token_gateway_configuration',
        type: 'array',
        access: 'read-write',
        detail: '{token_gateway_ln os6, proportion u8}',
      },
      { index: 13, name: 'account_activation_time', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      { index: 14, name: 'account_closure_time', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      {
        index: 15,
        name: 'currency',
        type: 'structure',
        access: 'read-write',
        detail: '{name utf8, scale i8, unit en}',
      },
      { index: 16, name: 'low_credit_threshold', type: 'double-long', access: 'read-write' },
      { index: 17, name: 'next_credit_available_threshold', type: 'double-long', access: 'read-write' },
      { index: 18, name: 'max_provision', type: 'long-unsigned', access: 'read-write' },
      { index: 19, name: 'max_provision_period', type: 'double-long', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'activate_account', argument: 'integer', detail: '0' },
      { index: 2, name: 'close_account', argument: 'integer', detail: '0' },
      { index: 3, name: 'reset_account', argument: 'integer', detail: '0' },
    ],
    note: 'mode 1 credit 2 prepayment; status 1 new 2 active 3 closed',
  },
];
