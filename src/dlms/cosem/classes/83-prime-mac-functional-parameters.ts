/** PRIME MAC functional parameters, class 83 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 83. */
export const PRIME_MAC_FUNCTIONAL_PARAMETERS: readonly InterfaceClass[] = [
  {
    id: 83,
    version: 0,
    name: 'PRIME MAC functional parameters',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mac_LNID', type: 'long', access: 'read' },
      { index: 3, name: 'mac_LSID', type: 'unsigned', access: 'read' },
      { index: 4, name: 'mac_SID', type: 'unsigned', access: 'read' },
      { index: 5, name: 'mac_SNA', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 6,
        name: 'mac_state',
        type: 'enum',
        access: 'read',
        values: { 0: 'disconnected', 1: 'terminal', 2: 'switch', 3: 'base' },
      },
      { index: 7, name: 'mac_scp_length', type: 'long', access: 'read' },
      { index: 8, name: 'mac_node_hierarchy_level', type: 'unsigned', access: 'read' },
      { index: 9, name: 'mac_beacon_slot_count', type: 'unsigned', access: 'read' },
      { index: 10, name: 'mac_beacon_rx_slot', type: 'unsigned', access: 'read' },
      { index: 11, name: 'mac_beacon_tx_slot', type: 'unsigned', access: 'read' },
      { index: 12, name: 'mac_beacon_rx_frequency', type: 'unsigned', access: 'read' },
      { index: 13, name: 'mac_beacon_tx_frequency', type: 'unsigned', access: 'read' },
      { index: 14, name: 'mac_capabilities', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'state 0 disconnected 1 terminal 2 switch 3 base',
  },
];
