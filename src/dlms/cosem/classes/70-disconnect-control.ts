/** Disconnect control, class 70 (Blue Book edition 12, 4.5.8; names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 70. */
export const DISCONNECT_CONTROL: readonly InterfaceClass[] = [
  {
    id: 70,
    version: 0,
    name: 'Disconnect control',
    clause: '4.5.8',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'output_state', type: 'boolean', access: 'read' },
      {
        index: 3,
        name: 'control_state',
        type: 'enum',
        access: 'read',
        values: { 0: 'disconnected', 1: 'connected', 2: 'ready for reconnection' },
      },
      {
        index: 4,
        name: 'control_mode',
        type: 'enum',
        access: 'read-write',
        values: {
          0: 'never',
          1: 'remote and manual disconnect, remote then manual reconnect',
          2: 'remote and manual disconnect, remote reconnect at once',
          3: 'remote disconnect, remote then manual reconnect',
          4: 'remote disconnect, remote reconnect at once',
          5: 'as 1, manual reconnect after local disconnect',
          6: 'as 3, manual reconnect after local disconnect',
        },
      },
    ],
    methods: [
      { index: 1, name: 'remote_disconnect', argument: 'integer', detail: '0' },
      { index: 2, name: 'remote_reconnect', argument: 'integer', detail: '0' },
    ],
    note: 'state 0 disconnected 1 connected 2 ready for reconnection; modes 0-6 (one source also 7); versions 1 and 2 seen with the same lists',
  },
];
