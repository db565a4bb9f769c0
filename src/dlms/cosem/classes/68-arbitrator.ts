/** Arbitrator, class 68 (names and order agree in two public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 68. */
export const ARBITRATOR: readonly InterfaceClass[] = [
  {
    id: 68,
    version: 0,
    name: 'Arbitrator',
    certainty: { names: 2, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'actions', type: 'array', access: 'read-write', detail: '{script_ln os6, selector u16}' },
      { index: 3, name: 'permissions_table', type: 'array', access: 'read-write', detail: 'bs' },
      { index: 4, name: 'weightings_table', type: 'array', access: 'read-write', detail: 'ar u16' },
      { index: 5, name: 'most_recent_requests_table', type: 'array', access: 'read', detail: 'bs' },
      { index: 6, name: 'last_outcome', type: 'unsigned', access: 'read' },
    ],
    methods: [
      { index: 1, name: 'request_action', argument: 'structure', detail: '{request_actor u8, request_action_list bs}' },
      { index: 2, name: 'reset', argument: 'integer', detail: '0' },
    ],
  },
];
