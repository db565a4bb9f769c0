/** S-FSK Phy&MAC setup, class 50 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 50. */
export const S_FSK_PHY_MAC_SETUP: readonly InterfaceClass[] = [
  {
    id: 50,
    version: 1,
    name: 'S-FSK Phy&MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'initiator_electrical_phase', type: 'enum', access: 'read-write' },
      { index: 3, name: 'delta_electrical_phase', type: 'enum', access: 'read-write' },
      { index: 4, name: 'max_receiving_gain', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'max_transmitting_gain', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'search_initiator_threshold', type: 'unsigned', access: 'read-write' },
      { index: 7, name: 'frequencies', type: 'structure', access: 'read-write', detail: '{mark u32, space u32}' },
      { index: 8, name: 'mac_address', type: 'long-unsigned', access: 'read-write' },
      { index: 9, name: 'mac_group_addresses', type: 'array', access: 'read-write', detail: 'u16' },
      { index: 10, name: 'repeater', type: 'enum', access: 'read-write' },
      { index: 11, name: 'repeater_status', type: 'boolean', access: 'read' },
      { index: 12, name: 'min_delta_credit', type: 'unsigned', access: 'read-write' },
      { index: 13, name: 'initiator_mac_address', type: 'long-unsigned', access: 'read-write' },
      { index: 14, name: 'synchronization_locked', type: 'boolean', access: 'read-write' },
      { index: 15, name: 'transmission_speed', type: 'enum', access: 'read-write' },
    ],
    methods: [],
    note: 'the one source numbers it 0; v1 from memory',
  },
];
