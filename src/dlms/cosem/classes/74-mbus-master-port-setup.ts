/** M-Bus master port setup, class 74 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 74. */
export const MBUS_MASTER_PORT_SETUP: readonly InterfaceClass[] = [
  {
    id: 74,
    version: 0,
    name: 'M-Bus master port setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
    ],
    methods: [],
  },
];
