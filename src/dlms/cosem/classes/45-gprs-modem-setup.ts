/** GPRS modem setup, class 45 (names and order agree in three public code bases, types in two). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 45. */
export const GPRS_MODEM_SETUP: readonly InterfaceClass[] = [
  {
    id: 45,
    version: 0,
    name: 'GPRS modem setup',
    certainty: { names: 3, types: 2 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'APN', type: 'octet-string', access: 'read-write' },
      { index: 3, name: 'PIN_code', type: 'long-unsigned', access: 'write' },
      {
        index: 4,
        name: 'quality_of_service',
        type: 'structure',
        access: 'read-write',
        detail: '{default st{5 x u8}, requested st{5 x u8}}',
      },
    ],
    methods: [],
    note: 'five: precedence, delay, reliability, peak throughput, mean throughput',
  },
];
