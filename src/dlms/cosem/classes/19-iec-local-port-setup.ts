/** IEC local port setup, class 19 (names and order from one to two public code bases, types from one). */

import type { InterfaceClass } from '../interface-class.ts';
import { BAUD_RATES } from '../value-names.ts';

/** Every known version of class 19. */
export const IEC_LOCAL_PORT_SETUP: readonly InterfaceClass[] = [
  {
    id: 19,
    version: 0,
    name: 'IEC local port setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'default_mode',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'IEC 62056-21', 1: 'HDLC', 2: 'other' },
      },
      { index: 3, name: 'default_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 4, name: 'prop_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 5, name: 'response_time', type: 'enum', access: 'read-write', values: { 0: '20 ms', 1: '200 ms' } },
      { index: 6, name: 'device_addr', type: 'octet-string', access: 'read-write' },
      { index: 7, name: 'pass_p1', type: 'octet-string', access: 'write' },
      { index: 8, name: 'pass_p2', type: 'octet-string', access: 'write' },
      { index: 9, name: 'pass_w5', type: 'octet-string', access: 'write' },
    ],
    methods: [],
  },
  {
    id: 19,
    version: 1,
    name: 'IEC local port setup',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'default_mode',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'IEC 62056-21', 1: 'HDLC', 2: 'other' },
      },
      { index: 3, name: 'default_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 4, name: 'prop_baud', type: 'enum', access: 'read-write', values: BAUD_RATES },
      { index: 5, name: 'response_time', type: 'enum', access: 'read-write', values: { 0: '20 ms', 1: '200 ms' } },
      { index: 6, name: 'device_addr', type: 'octet-string', access: 'read-write' },
      { index: 7, name: 'pass_p1', type: 'octet-string', access: 'write' },
      { index: 8, name: 'pass_p2', type: 'octet-string', access: 'write' },
      { index: 9, name: 'pass_w5', type: 'octet-string', access: 'write' },
    ],
    methods: [],
    note: 'default_mode 0 IEC 62056-21 1 HDLC 2 other; response_time 0 = 20 ms 1 = 200 ms',
  },
];
