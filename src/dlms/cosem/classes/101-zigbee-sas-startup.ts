/** ZigBee SAS startup, class 101 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 101. */
export const ZIGBEE_SAS_STARTUP: readonly InterfaceClass[] = [
  {
    id: 101,
    version: 0,
    name: 'ZigBee SAS startup',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'short_address', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'extended_pan_id', type: 'octet-string', access: 'read-write', detail: 'size 8' },
      { index: 4, name: 'pan_id', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'channel_mask', type: 'double-long-unsigned', access: 'read-write' },
      { index: 6, name: 'protocol_version', type: 'unsigned', access: 'read-write' },
      { index: 7, name: 'stack_profile', type: 'enum', access: 'read-write' },
      { index: 8, name: 'start_up_control', type: 'unsigned', access: 'read-write' },
      { index: 9, name: 'trust_centre_address', type: 'octet-string', access: 'read-write', detail: 'size 8' },
      { index: 10, name: 'link_key', type: 'octet-string', access: 'write', detail: 'size 16' },
      { index: 11, name: 'network_key', type: 'octet-string', access: 'write', detail: 'size 16' },
      { index: 12, name: 'use_insecure_join', type: 'boolean', access: 'read-write' },
    ],
    methods: [],
    note: 'from memory; names of 101-105 confirmed by three enumerations',
  },
];
