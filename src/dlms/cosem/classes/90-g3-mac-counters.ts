/** G3-PLC MAC layer counters, class 90 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 90. */
export const G3_MAC_COUNTERS: readonly InterfaceClass[] = [
  {
    id: 90,
    version: 1,
    name: 'G3-PLC MAC layer counters',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mac_tx_data_packet_count', type: 'double-long-unsigned', access: 'read' },
      { index: 3, name: 'mac_rx_data_packet_count', type: 'double-long-unsigned', access: 'read' },
      { index: 4, name: 'mac_tx_cmd_packet_count', type: 'double-long-unsigned', access: 'read' },
      { index: 5, name: 'mac_rx_cmd_packet_count', type: 'double-long-unsigned', access: 'read' },
      { index: 6, name: 'mac_csma_fail_count', type: 'double-long-unsigned', access: 'read' },
      { index: 7, name: 'mac_csma_no_ack_count', type: 'double-long-unsigned', access: 'read' },
      { index: 8, name: 'mac_bad_crc_count', type: 'double-long-unsigned', access: 'read' },
      { index: 9, name: 'mac_tx_data_broadcast_count', type: 'double-long-unsigned', access: 'read' },
      { index: 10, name: 'mac_rx_data_broadcast_count', type: 'double-long-unsigned', access: 'read' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
