/** Register monitor, class 21 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 21. */
export const REGISTER_MONITOR: readonly InterfaceClass[] = [
  {
    id: 21,
    version: 0,
    name: 'Register monitor',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'thresholds', type: 'array', access: 'read-write', detail: 'ch' },
      {
        index: 3,
        name: 'monitored_value',
        type: 'structure',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8}',
      },
      {
        index: 4,
        name: 'actions',
        type: 'array',
        access: 'read-write',
        detail: '{action_up st{script_ln os6, selector u16}, action_down st{script_ln os6, selector u16}}',
      },
    ],
    methods: [],
  },
];
