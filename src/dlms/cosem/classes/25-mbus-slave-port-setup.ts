/** M-Bus slave port setup, class 25 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 25. */
export const MBUS_SLAVE_PORT_SETUP: readonly InterfaceClass[] = [
  {
    id: 25,
    version: 0,
    name: 'M-Bus slave port setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'default_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 3, name: 'avail_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 4, name: 'addr_state', type: 'enum', access: 'read' },
      { index: 5, name: 'bus_address', type: 'unsigned', access: 'read-write' },
    ],
    methods: [],
  },
];
