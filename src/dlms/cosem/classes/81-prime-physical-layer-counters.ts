/** PRIME physical layer counters, class 81 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 81. */
export const PRIME_PHYSICAL_LAYER_COUNTERS: readonly InterfaceClass[] = [
  {
    id: 81,
    version: 0,
    name: 'PRIME physical layer counters',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'phy_stats_crc_incorrect_count', type: 'long-unsigned', access: 'read' },
      { index: 3, name: 'phy_stats_crc_fail_count', type: 'long-unsigned', access: 'read' },
      { index: 4, name: 'phy_stats_tx_drop_count', type: 'long-unsigned', access: 'read' },
      { index: 5, name: 'phy_stats_rx_drop_count', type: 'long-unsigned', access: 'read' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
