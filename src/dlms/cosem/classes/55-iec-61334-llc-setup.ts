/** IEC 61334-4-32 LLC setup, class 55 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 55. */
export const IEC_61334_LLC_SETUP: readonly InterfaceClass[] = [
  {
    id: 55,
    version: 1,
    name: 'IEC 61334-4-32 LLC setup',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'max_frame_length', type: 'unsigned', access: 'read-write' },
      { index: 3, name: 'reply_status_list', type: 'array', access: 'read' },
    ],
    methods: [],
    note: 'from memory',
  },
];
