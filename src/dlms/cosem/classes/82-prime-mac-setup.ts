/** PRIME MAC setup, class 82 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 82. */
export const PRIME_MAC_SETUP: readonly InterfaceClass[] = [
  {
    id: 82,
    version: 0,
    name: 'PRIME MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mac_min_switch_search_time', type: 'unsigned', access: 'read-write' },
      { index: 3, name: 'mac_max_promotion_pdu', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'mac_promotion_pdu_tx_period', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'mac_beacons_per_frame', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'mac_scp_max_tx_attempts', type: 'unsigned', access: 'read-write' },
      { index: 7, name: 'mac_ctl_re_tx_timer', type: 'unsigned', access: 'read-write' },
      { index: 8, name: 'mac_max_ctl_re_tx', type: 'unsigned', access: 'read-write' },
    ],
    methods: [],
  },
];
