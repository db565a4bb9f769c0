/** Disconnect control, class 70 (Blue Book edition 12, 4.5.8; names, order and types agree in public code bases). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 70. */
export const DISCONNECT_CONTROL: readonly InterfaceClass[] = [
  {
    id: 70,
    version: 0,
    name: 'Disconnect control',
    clause: '4.5.8',
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'output_state', type: 'boolean', access: 'read' },
      { index: 3, name: 'control_state', type: 'enum', access: 'read' },
      { index: 4, name: 'control_mode', type: 'enum', access: 'read-write' },
    ],
    methods: [
      { index: 1, name: 'remote_disconnect', argument: 'integer', detail: '0' },
      { index: 2, name: 'remote_reconnect', argument: 'integer', detail: '0' },
    ],
    note: 'state 0 disconnected 1 connected 2 ready for reconnection; modes 0-6 (one source also 7); versions 1 and 2 seen with the same lists',
  },
];
