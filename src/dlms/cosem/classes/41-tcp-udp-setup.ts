/** TCP-UDP setup, class 41 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 41. */
export const TCP_UDP_SETUP: readonly InterfaceClass[] = [
  {
    id: 41,
    version: 0,
    name: 'TCP-UDP setup',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'TCP_UDP_port', type: 'long-unsigned', access: 'read-write' },
      { index: 3, name: 'IP_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      { index: 4, name: 'MSS', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'nb_of_sim_conn', type: 'unsigned', access: 'read-write' },
      { index: 6, name: 'inactivity_time_out', type: 'long-unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'port default 4059, inactivity default 180 s, MSS default 576 (one source limits 40..535)',
  },
];
