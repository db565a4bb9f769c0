/** Array manager, class 123 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 123. */
export const ARRAY_MANAGER: readonly InterfaceClass[] = [
  {
    id: 123,
    version: 0,
    name: 'Array manager',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'array_object_list',
        type: 'array',
        access: 'read-write',
        detail: '{array_id u8, target st{class u16, ln os6, attribute i8}}',
      },
    ],
    methods: [
      { index: 1, name: 'retrieve_number_of_entries', argument: 'unsigned' },
      { index: 2, name: 'retrieve_entries', argument: 'structure', detail: '{array_id u8, from u16, to u16}' },
      { index: 3, name: 'insert_entry', argument: 'structure', detail: '{array_id u8, index u16, entry}' },
      { index: 4, name: 'update_entry', argument: 'structure', detail: '{array_id u8, index u16, entry}' },
      { index: 5, name: 'remove_entries', argument: 'structure', detail: '{array_id u8, from u16, to u16}' },
    ],
    note: 'argument nesting [1]',
  },
];
