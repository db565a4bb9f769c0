/** Sensor manager, class 67 (from memory alone: used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 67. */
export const SENSOR_MANAGER: readonly InterfaceClass[] = [
  {
    id: 67,
    version: 0,
    name: 'Sensor manager',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'serial_number', type: 'octet-string', access: 'read' },
      { index: 3, name: 'metrological_identification', type: 'octet-string', access: 'read' },
      { index: 4, name: 'output_type', type: 'enum', access: 'read-write' },
      { index: 5, name: 'adjustment_method', type: 'octet-string', access: 'read-write' },
      { index: 6, name: 'sealing_method', type: 'enum', access: 'read-write' },
      { index: 7, name: 'raw_value', type: 'choice', access: 'read' },
      { index: 8, name: 'scaler_unit', type: 'structure', access: 'read', detail: '{scaler i8, unit en}' },
      { index: 9, name: 'status', type: 'choice', access: 'read' },
      { index: 10, name: 'capture_time', type: 'octet-string', access: 'read', detail: 'size 12' },
      { index: 11, name: 'raw_value_thresholds', type: 'array', access: 'read-write' },
      { index: 12, name: 'raw_value_actions', type: 'array', access: 'read-write' },
      { index: 13, name: 'processed_value', type: 'structure', access: 'read' },
      { index: 14, name: 'processed_value_thresholds', type: 'array', access: 'read-write' },
      { index: 15, name: 'processed_value_actions', type: 'array', access: 'read-write' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
    note: 'from memory; a public implementation with other fields was judged invented',
  },
];
