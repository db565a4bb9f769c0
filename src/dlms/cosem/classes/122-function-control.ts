/** Function control, class 122 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 122. */
export const FUNCTION_CONTROL: readonly InterfaceClass[] = [
  {
    id: 122,
    version: 0,
    name: 'Function control',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'activation_status', type: 'array', access: 'read', detail: '{function os, active bo}' },
      {
        index: 3,
        name: 'function_list',
        type: 'array',
        access: 'read',
        detail: '{function os, specifications ar{class u16, ln os6}}',
      },
    ],
    methods: [
      { index: 1, name: 'set_function_status', argument: 'array', detail: '{function os, active bo}' },
      {
        index: 2,
        name: 'add_function',
        argument: 'array',
        detail: '{function os, specifications ar{class u16, ln os6}}',
      },
      {
        index: 3,
        name: 'remove_function',
        argument: 'array',
        detail: '{function os, specifications ar{class u16, ln os6}}',
      },
    ],
  },
];
