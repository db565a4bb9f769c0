/** IPv6 setup, class 48 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 48. */
export const IPV6_SETUP: readonly InterfaceClass[] = [
  {
    id: 48,
    version: 0,
    name: 'IPv6 setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'DL_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      {
        index: 3,
        name: 'address_config_mode',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'auto', 1: 'DHCPv6', 2: 'manual', 3: 'neighbour discovery' },
      },
      { index: 4, name: 'unicast_IPv6_address', type: 'array', access: 'read-write', detail: 'os16' },
      { index: 5, name: 'multicast_IPv6_address', type: 'array', access: 'read-write', detail: 'os16' },
      { index: 6, name: 'gateway_IPv6_address', type: 'array', access: 'read-write', detail: 'os16' },
      { index: 7, name: 'primary_DNS_address', type: 'octet-string', access: 'read-write', detail: 'size 16' },
      { index: 8, name: 'secondary_DNS_address', type: 'octet-string', access: 'read-write', detail: 'size 16' },
      { index: 9, name: 'traffic_class', type: 'unsigned', access: 'read-write' },
      {
        index: 10,
        name: 'neighbor_discovery_setup',
        type: 'array',
        access: 'read-write',
        detail: '{max_retry u8, retry_wait_time u16, send_period u32}',
      },
    ],
    methods: [
      { index: 1, name: 'add_IPv6_address', argument: 'structure', detail: '{type en, address os16}' },
      { index: 2, name: 'remove_IPv6_address', argument: 'structure', detail: '{type en, address os16}' },
    ],
    note: 'mode 0 auto 1 DHCPv6 2 manual 3 neighbour discovery',
  },
];
