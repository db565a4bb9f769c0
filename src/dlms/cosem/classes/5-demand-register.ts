/** Demand register, class 5 (Blue Book edition 12, 4.3.4; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 5. */
export const DEMAND_REGISTER: readonly InterfaceClass[] = [
  {
    id: 5,
    version: 0,
    name: 'Demand register',
    clause: '4.3.4',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'current_average_value', type: 'choice', access: 'read' },
      { index: 3, name: 'last_average_value', type: 'choice', access: 'read' },
      { index: 4, name: 'scaler_unit', type: 'structure', access: 'read', detail: '{scaler i8, unit en}' },
      { index: 5, name: 'status', type: 'choice', access: 'read' },
      { index: 6, name: 'capture_time', type: 'octet-string', access: 'read', detail: 'size 12' },
      { index: 7, name: 'start_time_current', type: 'octet-string', access: 'read', detail: 'size 12' },
      { index: 8, name: 'period', type: 'double-long-unsigned', access: 'read-write' },
      { index: 9, name: 'number_of_periods', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'reset', argument: 'integer', detail: '0' },
      { index: 2, name: 'next_period', argument: 'integer', detail: '0' },
    ],
    note: 'period in seconds',
  },
];
