/** G3-PLC 6LoWPAN adaptation layer setup, class 92 (one public code base has it; no second one was found). */

import type { ClassAttribute, InterfaceClass } from '../interface-class.ts';

/** Attributes that every version begins with. */
const COMMON: readonly ClassAttribute[] = [
  { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
  { index: 2, name: 'adp_max_hops', type: 'unsigned', access: 'read-write' },
  { index: 3, name: 'adp_weak_LQI_value', type: 'unsigned', access: 'read-write' },
  { index: 4, name: 'adp_security_level', type: 'unsigned', access: 'read-write' },
  { index: 5, name: 'adp_prefix_table', type: 'array', access: 'read-write', detail: 'u8' },
  {
    index: 6,
    name: 'adp_routing_configuration',
    type: 'array',
    access: 'read-write',
    detail:
      '{net_traversal_time u8, routing_table_entry_TTL u16, Kr u8, Km u8, Kc u8, Kq u8, Kh u8, Krt u8, RREQ_retries u8, RREQ_RERR_wait u8, blacklist_entry_TTL u16, unicast_RREQ_gen_enable bo, RLC_enabled bo, add_rev_link_cost u8}',
  },
  { index: 7, name: 'adp_broadcast_log_table_entry_TTL', type: 'long-unsigned', access: 'read-write' },
  {
    index: 8,
    name: 'adp_routing_table',
    type: 'array',
    access: 'read',
    detail: '{destination u16, next_hop u16, route_cost u16, hop_count u8, weak_link_count u8, valid_time u16}',
  },
  {
    index: 9,
    name: 'adp_context_information_table',
    type: 'array',
    access: 'read-write',
    detail: '{cid bs, context_length u8, context os, compression bo, valid_lifetime u16}',
  },
  { index: 10, name: 'adp_blacklist_table', type: 'array', access: 'read', detail: '{address u16, valid_time u16}' },
  {
    index: 11,
    name: 'adp_broadcast_log_table',
    type: 'array',
    access: 'read',
    detail: '{source u16, sequence u8, valid_time u16}',
  },
  { index: 12, name: 'adp_group_table', type: 'array', access: 'read-write', detail: 'u16' },
  { index: 13, name: 'adp_max_join_wait_time', type: 'long-unsigned', access: 'read-write' },
  { index: 14, name: 'adp_path_discovery_time', type: 'unsigned', access: 'read-write' },
  { index: 15, name: 'adp_active_key_index', type: 'unsigned', access: 'read-write' },
  { index: 16, name: 'adp_metric_type', type: 'unsigned', access: 'read-write' },
];

/** Every known version of class 92. */
export const G3_6LOWPAN_SETUP: readonly InterfaceClass[] = [
  {
    id: 92,
    version: 0,
    name: 'G3-PLC 6LoWPAN adaptation layer setup',
    certainty: { names: 1, types: 1 },
    attributes: COMMON,
    methods: [],
  },
  {
    id: 92,
    version: 1,
    name: 'G3-PLC 6LoWPAN adaptation layer setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      ...COMMON,
      { index: 17, name: 'adp_coord_short_address', type: 'long-unsigned', access: 'read-write' },
      { index: 18, name: 'adp_disable_default_routing', type: 'boolean', access: 'read-write' },
      {
        index: 19,
        name: 'adp_device_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'PAN device', 1: 'coordinator', 2: 'not defined' },
      },
    ],
    methods: [],
  },
  {
    id: 92,
    version: 2,
    name: 'G3-PLC 6LoWPAN adaptation layer setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      ...COMMON,
      { index: 17, name: 'adp_coord_short_address', type: 'long-unsigned', access: 'read-write' },
      { index: 18, name: 'adp_disable_default_routing', type: 'boolean', access: 'read-write' },
      {
        index: 19,
        name: 'adp_device_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'PAN device', 1: 'coordinator', 2: 'not defined' },
      },
      { index: 20, name: 'adp_default_coord_route_enabled', type: 'boolean', access: 'read-write' },
      { index: 21, name: 'adp_destination_address_set', type: 'array', access: 'read-write', detail: 'u16' },
    ],
    methods: [],
  },
  {
    id: 92,
    version: 3,
    name: 'G3-PLC 6LoWPAN adaptation layer setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      ...COMMON,
      { index: 17, name: 'adp_coord_short_address', type: 'long-unsigned', access: 'read-write' },
      { index: 18, name: 'adp_disable_default_routing', type: 'boolean', access: 'read-write' },
      {
        index: 19,
        name: 'adp_device_type',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'PAN device', 1: 'coordinator', 2: 'not defined' },
      },
      { index: 20, name: 'adp_default_coord_route_enabled', type: 'boolean', access: 'read-write' },
      { index: 21, name: 'adp_destination_address_set', type: 'array', access: 'read-write', detail: 'u16' },
      { index: 22, name: 'adp_low_LQI', type: 'unsigned', access: 'read-write' },
      { index: 23, name: 'adp_high_LQI', type: 'unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'device type 0 PAN device 1 coordinator 2 not defined; v4 exists, list not seen',
  },
];
