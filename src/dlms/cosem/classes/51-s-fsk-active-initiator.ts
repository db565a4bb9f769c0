/** S-FSK active initiator, class 51 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 51. */
export const S_FSK_ACTIVE_INITIATOR: readonly InterfaceClass[] = [
  {
    id: 51,
    version: 0,
    name: 'S-FSK active initiator',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'active_initiator',
        type: 'structure',
        access: 'read',
        detail: '{system_title os, mac_address u16, l_sap_selector u8}',
      },
    ],
    methods: [{ index: 1, name: 'reset_NEW_not_synchronized', argument: 'integer', detail: '0' }],
  },
];
