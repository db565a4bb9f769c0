/** ZigBee SAS join, class 102 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 102. */
export const ZIGBEE_SAS_JOIN: readonly InterfaceClass[] = [
  {
    id: 102,
    version: 0,
    name: 'ZigBee SAS join',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'scan_attempts', type: 'unsigned', access: 'read-write' },
      { index: 3, name: 'time_between_scans', type: 'long-unsigned', access: 'read-write' },
      { index: 4, name: 'rejoin_interval', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'rejoin_retry_interval', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'from memory',
  },
];
