/** Token gateway, class 115 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 115. */
export const TOKEN_GATEWAY: readonly InterfaceClass[] = [
  {
    id: 115,
    version: 0,
    name: 'Token gateway',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'token', type: 'octet-string', access: 'read' },
      { index: 3, name: 'token_time', type: 'octet-string', access: 'read', detail: 'size 12' },
      { index: 4, name: 'token_description', type: 'array', access: 'read', detail: 'os' },
      {
        index: 5,
        name: 'token_delivery_method',
        type: 'enum',
        access: 'read-write',
        values: { 0: 'remote', 1: 'local', 2: 'manual' },
      },
      {
        index: 6,
        name: 'token_status',
        type: 'structure',
        access: 'read',
        detail: '{status_code en, data_value bs}',
        fieldValues: {
          status_code: {
            0: 'format ok',
            1: 'authentication ok',
            2: 'validation ok',
            3: 'executed',
            4: 'format failure',
            5: 'authentication failure',
            6: 'validation failure',
            7: 'execution failure',
            8: 'received',
          },
        },
      },
    ],
    methods: [{ index: 1, name: 'enter', argument: 'octet-string' }],
    note: 'delivery 0 remote 1 local 2 manual; status 0 format ok 1 authentication ok 2 validation ok 3 executed 4 format failure 5 authentication failure 6 validation failure 7 execution failure 8 received',
  },
];
