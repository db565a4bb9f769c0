/** G3-PLC MAC setup, class 91 (one public code base has it; no second one was found). */

import type { ClassAttribute, InterfaceClass } from '../interface-class.ts';

/** Attributes that every version begins with. */
const COMMON: readonly ClassAttribute[] = [
  { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
  { index: 2, name: 'mac_short_address', type: 'long-unsigned', access: 'read-write' },
  { index: 3, name: 'mac_RC_coord', type: 'long-unsigned', access: 'read-write' },
  { index: 4, name: 'mac_PAN_id', type: 'long-unsigned', access: 'read-write' },
  { index: 5, name: 'mac_key_table', type: 'array', access: 'write', detail: '{key_id u8, key os}' },
  { index: 6, name: 'mac_frame_counter', type: 'double-long-unsigned', access: 'read' },
  { index: 7, name: 'mac_tone_mask', type: 'bit-string', access: 'read-write' },
  { index: 8, name: 'mac_TMR_TTL', type: 'unsigned', access: 'read-write' },
  { index: 9, name: 'mac_max_frame_retries', type: 'unsigned', access: 'read-write' },
  { index: 10, name: 'mac_neighbour_table_entry_TTL', type: 'unsigned', access: 'read-write' },
  {
    index: 11,
    name: 'mac_neighbour_table',
    type: 'array',
    access: 'read',
    detail:
      '{short_address u16, payload_modulation_scheme bo, tone_map bs, modulation en, tx_gain i8, tx_res en, tx_coeff bs, lqi u8, phase_differential i8, tmr_valid_time u8, neighbour_valid_time u8}',
  },
  { index: 12, name: 'mac_high_priority_window_size', type: 'unsigned', access: 'read-write' },
  { index: 13, name: 'mac_CSMA_fairness_limit', type: 'unsigned', access: 'read-write' },
  { index: 14, name: 'mac_beacon_randomization_window_length', type: 'unsigned', access: 'read-write' },
  { index: 15, name: 'mac_A', type: 'unsigned', access: 'read-write' },
  { index: 16, name: 'mac_K', type: 'unsigned', access: 'read-write' },
  { index: 17, name: 'mac_min_CW_attempts', type: 'unsigned', access: 'read-write' },
  { index: 18, name: 'mac_cenelec_legacy_mode', type: 'unsigned', access: 'read-write' },
  { index: 19, name: 'mac_FCC_legacy_mode', type: 'unsigned', access: 'read-write' },
  { index: 20, name: 'mac_max_BE', type: 'unsigned', access: 'read-write' },
  { index: 21, name: 'mac_max_CSMA_backoffs', type: 'unsigned', access: 'read-write' },
  { index: 22, name: 'mac_min_BE', type: 'unsigned', access: 'read-write' },
];

/** Every known version of class 91. */
export const G3_MAC_SETUP: readonly InterfaceClass[] = [
  {
    id: 91,
    version: 0,
    name: 'G3-PLC MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: COMMON,
    methods: [{ index: 1, name: 'get_neighbour_table_entry', argument: 'long-unsigned' }],
  },
  {
    id: 91,
    version: 1,
    name: 'G3-PLC MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: COMMON,
    methods: [{ index: 1, name: 'get_neighbour_table_entry', argument: 'long-unsigned' }],
    note: 'the one source gives v0 and v1 the same list',
  },
  {
    id: 91,
    version: 2,
    name: 'G3-PLC MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      ...COMMON,
      { index: 23, name: 'mac_broadcast_max_cw_enabled', type: 'boolean', access: 'read-write' },
      { index: 24, name: 'mac_transmit_atten', type: 'unsigned', access: 'read-write' },
      {
        index: 25,
        name: 'mac_pos_table',
        type: 'array',
        access: 'read',
        detail: '{short_address u16, lqi u8, valid_time u8}',
      },
    ],
    methods: [{ index: 1, name: 'get_neighbour_table_entry', argument: 'long-unsigned' }],
  },
  {
    id: 91,
    version: 3,
    name: 'G3-PLC MAC setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      ...COMMON,
      { index: 23, name: 'mac_broadcast_max_cw_enabled', type: 'boolean', access: 'read-write' },
      { index: 24, name: 'mac_transmit_atten', type: 'unsigned', access: 'read-write' },
      {
        index: 25,
        name: 'mac_pos_table',
        type: 'array',
        access: 'read',
        detail: '{short_address u16, lqi u8, valid_time u8}',
      },
      { index: 26, name: 'mac_duplicate_detection_ttl', type: 'unsigned', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'get_neighbour_table_entry', argument: 'long-unsigned' },
      { index: 2, name: 'get_pos_table_entry', argument: 'long-unsigned' },
    ],
    note: 'v4 exists, list not seen',
  },
];
