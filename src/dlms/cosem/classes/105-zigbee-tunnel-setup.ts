/** ZigBee tunnel setup, class 105 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 105. */
export const ZIGBEE_TUNNEL_SETUP: readonly InterfaceClass[] = [
  {
    id: 105,
    version: 0,
    name: 'ZigBee tunnel setup',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'max_incoming_transfer_size', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'max_outgoing_transfer_size', type: 'long-unsigned', access: 'read-write' },
      { index: 4, name: 'protocol_address', type: 'octet-string', access: 'read-write' },
      { index: 5, name: 'close_tunnel_timeout', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'from memory',
  },
];
