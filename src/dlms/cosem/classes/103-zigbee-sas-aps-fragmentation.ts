/** ZigBee SAS APS fragmentation, class 103 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 103. */
export const ZIGBEE_SAS_APS_FRAGMENTATION: readonly InterfaceClass[] = [
  {
    id: 103,
    version: 0,
    name: 'ZigBee SAS APS fragmentation',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'aps_interframe_delay', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'aps_max_window_size', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'from memory',
  },
];
