/** Charge, class 113 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 113. */
export const CHARGE: readonly InterfaceClass[] = [
  {
    id: 113,
    version: 0,
    name: 'Charge',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'total_amount_paid', type: 'double-long', access: 'read' },
      {
        index: 3,
        name: 'charge_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'consumption', 1: 'time', 2: 'payment event' },
      },
      { index: 4, name: 'priority', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'unit_charge_active', type: 'structure', access: 'read', detail: 'UC' },
      { index: 6, name: 'unit_charge_passive', type: 'structure', access: 'read-write', detail: 'UC' },
      { index: 7, name: 'unit_charge_activation_time', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      { index: 8, name: 'period', type: 'double-long-unsigned', access: 'read-write' },
      { index: 9, name: 'charge_configuration', type: 'bit-string', access: 'read-write' },
      { index: 10, name: 'last_collection_time', type: 'date-time', access: 'read' },
      { index: 11, name: 'last_collection_amount', type: 'double-long', access: 'read' },
      { index: 12, name: 'total_amount_remaining', type: 'double-long', access: 'read' },
      { index: 13, name: 'proportion', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'update_unit_charge', argument: 'array', detail: '{index os, value i16}' },
      { index: 2, name: 'activate_passive_unit_charge', argument: 'integer', detail: '0' },
      { index: 3, name: 'collect', argument: 'integer', detail: '0' },
      { index: 4, name: 'update_total_amount_remaining', argument: 'double-long' },
      { index: 5, name: 'set_total_amount_remaining', argument: 'double-long' },
    ],
    note: 'UC = st{scaling st{commodity_scale i8, price_scale i8}, commodity st{class u16, ln os6, attribute i8}, table ar{index os, charge_per_unit i16}}; type 0 consumption 1 time 2 payment event',
  },
];
