/** SAP assignment, class 17 (Blue Book edition 12, 4.4.5; names and order agree in three public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 17. */
export const SAP_ASSIGNMENT: readonly InterfaceClass[] = [
  {
    id: 17,
    version: 0,
    name: 'SAP assignment',
    clause: '4.4.5',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'SAP_assignment_list',
        type: 'array',
        access: 'read',
        detail: '{sap u16, logical_device_name os}',
      },
    ],
    methods: [
      { index: 1, name: 'connect_logical_device', argument: 'structure', detail: '{sap u16, logical_device_name os}' },
    ],
    note: 'one code base numbers the method 3, two number it 1: use 1',
  },
];
