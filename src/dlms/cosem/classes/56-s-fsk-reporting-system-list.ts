/** S-FSK reporting system list, class 56 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 56. */
export const S_FSK_REPORTING_SYSTEM_LIST: readonly InterfaceClass[] = [
  {
    id: 56,
    version: 0,
    name: 'S-FSK reporting system list',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'reporting_system_list', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [],
  },
];
