/** Clock, class 8 (Blue Book edition 12, 4.5.1; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 8. */
export const CLOCK: readonly InterfaceClass[] = [
  {
    id: 8,
    version: 0,
    name: 'Clock',
    clause: '4.5.1',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'time', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      { index: 3, name: 'time_zone', type: 'long', access: 'read-write' },
      { index: 4, name: 'status', type: 'unsigned', access: 'read' },
      { index: 5, name: 'daylight_savings_begin', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      { index: 6, name: 'daylight_savings_end', type: 'octet-string', access: 'read-write', detail: 'size 12' },
      { index: 7, name: 'daylight_savings_deviation', type: 'integer', access: 'read-write' },
      { index: 8, name: 'daylight_savings_enabled', type: 'boolean', access: 'read-write' },
      {
        index: 9,
        name: 'clock_base',
        type: 'enum',
        access: 'read',
        values: { 0: 'none', 1: 'crystal', 2: '50 Hz', 3: '60 Hz', 4: 'GPS', 5: 'radio' },
      },
    ],
    methods: [
      { index: 1, name: 'adjust_to_quarter', argument: 'integer', detail: '0' },
      { index: 2, name: 'adjust_to_measuring_period', argument: 'integer', detail: '0' },
      { index: 3, name: 'adjust_to_minute', argument: 'integer', detail: '0' },
      { index: 4, name: 'adjust_to_preset_time', argument: 'integer', detail: '0' },
      {
        index: 5,
        name: 'preset_adjusting_time',
        argument: 'structure',
        detail: '{preset_time os12, validity_start os12, validity_end os12}',
      },
      { index: 6, name: 'shift_time', argument: 'long' },
    ],
    note: 'zone -720..840 min, deviation -120..120 min, shift -900..900 s; clock_base 0 none 1 crystal 2 50 Hz 3 60 Hz 4 GPS 5 radio',
  },
];
