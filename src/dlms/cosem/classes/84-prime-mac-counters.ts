/** PRIME MAC counters, class 84 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 84. */
export const PRIME_MAC_COUNTERS: readonly InterfaceClass[] = [
  {
    id: 84,
    version: 0,
    name: 'PRIME MAC counters',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mac_tx_data_pkt_count', type: 'double-long-unsigned', access: 'read' },
      { index: 3, name: 'mac_rx_data_pkt_count', type: 'double-long-unsigned', access: 'read' },
      { index: 4, name: 'mac_tx_ctrl_pkt_count', type: 'double-long-unsigned', access: 'read' },
      { index: 5, name: 'mac_rx_ctrl_pkt_count', type: 'double-long-unsigned', access: 'read' },
      { index: 6, name: 'mac_csma_fail_count', type: 'double-long-unsigned', access: 'read' },
      { index: 7, name: 'mac_csma_ch_busy_count', type: 'double-long-unsigned', access: 'read' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
