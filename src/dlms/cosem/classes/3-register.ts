/** Register, class 3 (Blue Book edition 12, 4.3.2; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 3. */
export const REGISTER: readonly InterfaceClass[] = [
  {
    id: 3,
    version: 0,
    name: 'Register',
    clause: '4.3.2',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'value', type: 'choice', access: 'read' },
      { index: 3, name: 'scaler_unit', type: 'structure', access: 'read', detail: '{scaler i8, unit en}' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
