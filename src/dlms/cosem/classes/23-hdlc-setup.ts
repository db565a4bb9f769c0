/** IEC HDLC setup, class 23 (Blue Book edition 12, 4.7.2; names and order from one to four public code bases, types from one to three). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 23. */
export const HDLC_SETUP: readonly InterfaceClass[] = [
  {
    id: 23,
    version: 0,
    name: 'IEC HDLC setup',
    clause: '4.7.2',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 3, name: 'window_size_transmit', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'window_size_receive', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'max_info_field_length_transmit', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'max_info_field_length_receive', type: 'unsigned', access: 'read-write' },
      { index: 7, name: 'inter_octet_time_out', type: 'long-unsigned', access: 'read-write' },
      { index: 8, name: 'inactivity_time_out', type: 'long-unsigned', access: 'read-write' },
      { index: 9, name: 'device_address', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'v0 lengths are one octet',
  },
  {
    id: 23,
    version: 1,
    name: 'IEC HDLC setup',
    clause: '4.7.2',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'comm_speed', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 3, name: 'window_size_transmit', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'window_size_receive', type: 'unsigned', access: 'read-write' },
      { index: 5, name: 'max_info_field_length_transmit', type: 'long-unsigned', access: 'read-write' },
      { index: 6, name: 'max_info_field_length_receive', type: 'long-unsigned', access: 'read-write' },
      { index: 7, name: 'inter_octet_time_out', type: 'long-unsigned', access: 'read-write' },
      { index: 8, name: 'inactivity_time_out', type: 'long-unsigned', access: 'read-write' },
      { index: 9, name: 'device_address', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'speed 0=300 1=600 2=1200 3=2400 4=4800 5=9600 6=19200 7=38400 8=57600 9=115200; windows 1..7; lengths 32..2030 default 128; inter-octet 20..6000 ms default 25; inactivity s default 120, 0 = never; address 0001..3FFD',
  },
];
