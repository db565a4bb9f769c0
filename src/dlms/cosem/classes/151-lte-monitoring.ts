/** LTE monitoring, class 151 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 151. */
export const LTE_MONITORING: readonly InterfaceClass[] = [
  {
    id: 151,
    version: 0,
    name: 'LTE monitoring',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'LTE_network_parameters', type: 'structure', access: 'read', detail: 'NP' },
    ],
    methods: [],
    note: 'NP = st{T3402 u16, T3412 u16, T3412ext2 u32, T3324 u16, TeDRX u32, TPTW u16, qRxlevMin i8, qRxlevMinCE i8, qRxlevMinCE1 i8}',
  },
  {
    id: 151,
    version: 1,
    name: 'LTE monitoring',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'LTE_network_parameters', type: 'structure', access: 'read', detail: 'NP' },
      {
        index: 3,
        name: 'LTE_quality_of_service',
        type: 'structure',
        access: 'read',
        detail: '{signal_quality i8, signal_level i8, signal_to_noise i8, coverage_enhancement en}',
      },
    ],
    methods: [],
  },
];
