/** Auto connect, class 29 (names and order from one to two public code bases, types from one). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 29. */
export const AUTO_CONNECT: readonly InterfaceClass[] = [
  {
    id: 29,
    version: 0,
    name: 'PSTN auto dial',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'mode',
        type: 'enum',
        access: 'read-write',
        values: {
          0: 'no dialling',
          1: 'any time',
          2: 'inside the window',
          3: 'inside the window, alarms at any time',
          4: 'inside the window, alarms after it',
        },
      },
      { index: 3, name: 'repetitions', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'repetition_delay', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'calling_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
      { index: 6, name: 'phone_list', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [],
  },
  {
    id: 29,
    version: 1,
    name: 'Auto connect',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'mode',
        type: 'enum',
        access: 'read-write',
        values: {
          0: 'no dialling',
          1: 'any time',
          2: 'inside the window',
          3: 'inside the window, alarms at any time',
          4: 'inside the window, alarms after it',
        },
      },
      { index: 3, name: 'repetitions', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'repetition_delay', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'calling_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
      { index: 6, name: 'destination_list', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [],
  },
  {
    id: 29,
    version: 2,
    name: 'Auto connect',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'mode',
        type: 'enum',
        access: 'read-write',
        values: {
          0: 'no dialling',
          1: 'any time',
          2: 'inside the window',
          3: 'inside the window, alarms at any time',
          4: 'inside the window, alarms after it',
        },
      },
      { index: 3, name: 'repetitions', type: 'unsigned', access: 'read-write' },
      { index: 4, name: 'repetition_delay', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'calling_window', type: 'array', access: 'read-write', detail: '{start os12, end os12}' },
      { index: 6, name: 'destination_list', type: 'array', access: 'read-write', detail: 'os' },
    ],
    methods: [{ index: 1, name: 'connect', argument: 'integer', detail: '0' }],
    note: 'mode 0 no dialling 1 any time 2 inside the window 3 window plus alarms any time 4 window, alarms after it [M 3,4]; 200-255 vendor',
  },
];
