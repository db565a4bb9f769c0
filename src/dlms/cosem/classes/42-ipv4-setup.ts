/** IPv4 setup, class 42 (names and order agree in three public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 42. */
export const IPV4_SETUP: readonly InterfaceClass[] = [
  {
    id: 42,
    version: 0,
    name: 'IPv4 setup',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'DL_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      { index: 3, name: 'IP_address', type: 'double-long-unsigned', access: 'read-write' },
      { index: 4, name: 'multicast_IP_address', type: 'array', access: 'read-write', detail: 'u32' },
      { index: 5, name: 'IP_options', type: 'array', access: 'read-write', detail: '{type u8, length u8, data os}' },
      { index: 6, name: 'subnet_mask', type: 'double-long-unsigned', access: 'read-write' },
      { index: 7, name: 'gateway_IP_address', type: 'double-long-unsigned', access: 'read-write' },
      { index: 8, name: 'use_DHCP_flag', type: 'boolean', access: 'read-write' },
      { index: 9, name: 'primary_DNS_address', type: 'double-long-unsigned', access: 'read-write' },
      { index: 10, name: 'secondary_DNS_address', type: 'double-long-unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'add_mc_IP_address', argument: 'double-long-unsigned' },
      { index: 2, name: 'delete_mc_IP_address', argument: 'double-long-unsigned' },
      { index: 3, name: 'get_nbof_mc_IP_addresses', argument: 'integer', detail: '0' },
    ],
  },
];
