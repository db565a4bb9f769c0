/** Schedule, class 10 (names and order agree in four public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 10. */
export const SCHEDULE: readonly InterfaceClass[] = [
  {
    id: 10,
    version: 0,
    name: 'Schedule',
    certainty: { names: 4, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'entries',
        type: 'array',
        access: 'read-write',
        detail:
          '{index u16, enable bo, script_ln os6, script_selector u16, switch_time os4, validity_window u16, exec_weekdays bs7, exec_specdays bs, begin_date os5, end_date os5}',
      },
    ],
    methods: [
      {
        index: 1,
        name: 'enable_disable',
        argument: 'structure',
        detail: '{first_a u16, last_a u16, first_b u16, last_b u16}',
      },
      { index: 2, name: 'insert', argument: 'structure', detail: 'entry' },
      { index: 3, name: 'delete', argument: 'structure', detail: '{first u16, last u16}' },
    ],
    note: 'index 1..9999; range A is disabled first, then range B enabled; first > last = empty range',
  },
];
