/** DLMS server M-Bus port setup, class 76 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 76. */
export const MBUS_SERVER_PORT_SETUP: readonly InterfaceClass[] = [
  {
    id: 76,
    version: 0,
    name: 'DLMS server M-Bus port setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'm_bus_profile_selection', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      {
        index: 3,
        name: 'm_bus_port_communication_state',
        type: 'enum',
        access: 'read',
        values: { 0: 'no access', 1: 'temporarily none', 2: 'limited', 3: 'unlimited', 4: 'wM-Bus' },
      },
      {
        index: 4,
        name: 'm_bus_data_header_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'none', 1: 'short', 2: 'long' },
      },
      { index: 5, name: 'primary_address', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'identification_number', type: 'double-long-unsigned', access: 'read-write' },
      { index: 7, name: 'manufacturer_id', type: 'long-unsigned', access: 'read' },
      { index: 8, name: 'm_bus_version', type: 'unsigned', access: 'read' },
      { index: 9, name: 'device_type', type: 'unsigned', access: 'read' },
      { index: 10, name: 'max_pdu_size', type: 'long-unsigned', access: 'read-write' },
      { index: 11, name: 'listening_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
    ],
    methods: [],
    note: 'state 0 no access 1 temporarily none 2 limited 3 unlimited 4 wM-Bus; header 0 none 1 short 2 long',
  },
];
