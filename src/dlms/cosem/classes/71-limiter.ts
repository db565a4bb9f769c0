/** Limiter, class 71 (names and order agree in three public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 71. */
export const LIMITER: readonly InterfaceClass[] = [
  {
    id: 71,
    version: 0,
    name: 'Limiter',
    certainty: { names: 3, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'monitored_value',
        type: 'structure',
        access: 'read-write',
        detail: '{class u16, ln os6, attribute i8}',
      },
      { index: 3, name: 'threshold_active', type: 'choice', access: 'read-write' },
      { index: 4, name: 'threshold_normal', type: 'choice', access: 'read-write' },
      { index: 5, name: 'threshold_emergency', type: 'choice', access: 'read-write' },
      { index: 6, name: 'min_over_threshold_duration', type: 'double-long-unsigned', access: 'read-write' },
      { index: 7, name: 'min_under_threshold_duration', type: 'double-long-unsigned', access: 'read-write' },
      {
        index: 8,
        name: 'emergency_profile',
        type: 'structure',
        access: 'read-write',
        detail: '{id u16, activation_time os12, duration u32}',
      },
      { index: 9, name: 'emergency_profile_group_id_list', type: 'array', access: 'read-write', detail: 'u16' },
      { index: 10, name: 'emergency_profile_active', type: 'boolean', access: 'read' },
      {
        index: 11,
        name: 'actions',
        type: 'structure',
        access: 'read-write',
        detail: '{over st{script_ln os6, selector u16}, under st{script_ln os6, selector u16}}',
      },
    ],
    methods: [],
  },
];
