/** Extended register, class 4 (Blue Book edition 12, 4.3.3; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 4. */
export const EXTENDED_REGISTER: readonly InterfaceClass[] = [
  {
    id: 4,
    version: 0,
    name: 'Extended register',
    clause: '4.3.3',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'value', type: 'choice', access: 'read' },
      { index: 3, name: 'scaler_unit', type: 'structure', access: 'read', detail: '{scaler i8, unit en}' },
      { index: 4, name: 'status', type: 'choice', access: 'read' },
      { index: 5, name: 'capture_time', type: 'octet-string', access: 'read', detail: 'size 12' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
