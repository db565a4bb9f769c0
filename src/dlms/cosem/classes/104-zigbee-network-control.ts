/** ZigBee network control, class 104 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 104. */
export const ZIGBEE_NETWORK_CONTROL: readonly InterfaceClass[] = [
  {
    id: 104,
    version: 0,
    name: 'ZigBee network control',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'enable_disable_joining', type: 'boolean', access: 'read-write' },
      { index: 3, name: 'join_timeout', type: 'long-unsigned', access: 'read-write' },
      {
        index: 4,
        name: 'active_devices',
        type: 'array',
        access: 'read',
        detail:
          '{mac_address os8, status bs, max_rssi i8, average_rssi i8, min_rssi i8, max_lqi u8, average_lqi u8, min_lqi u8, last_communication os12, hops u8, failures u8, successes u8, application_version u8, stack_version u8}',
      },
    ],
    methods: [
      { index: 1, name: 'register_device', argument: 'structure' },
      { index: 2, name: 'unregister_device', argument: 'octet-string', detail: 'size 8' },
      { index: 3, name: 'unregister_all_devices', argument: 'integer', detail: '0' },
      { index: 4, name: 'backup_PAN', argument: 'integer', detail: '0' },
      { index: 5, name: 'restore_PAN', argument: 'structure' },
      { index: 6, name: 'identify_device', argument: 'octet-string', detail: 'size 8' },
      { index: 7, name: 'remove_mirror', argument: 'structure' },
      { index: 8, name: 'update_network_key', argument: 'integer', detail: '0' },
      { index: 9, name: 'update_link_key', argument: 'octet-string', detail: 'size 8' },
      { index: 10, name: 'create_PAN', argument: 'integer', detail: '0' },
      { index: 11, name: 'remove_PAN', argument: 'integer', detail: '0' },
    ],
    note: 'from memory',
  },
];
