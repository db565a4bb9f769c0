/** CoAP setup, class 152 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 152. */
export const COAP_SETUP: readonly InterfaceClass[] = [
  {
    id: 152,
    version: 0,
    name: 'CoAP setup',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'udp_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      { index: 3, name: 'ack_timeout', type: 'long-unsigned', access: 'read-write' },
      { index: 4, name: 'ack_random_factor', type: 'long-unsigned', access: 'read-write' },
      { index: 5, name: 'max_retransmit', type: 'long-unsigned', access: 'read-write' },
      { index: 6, name: 'nstart', type: 'long-unsigned', access: 'read-write' },
      { index: 7, name: 'delay_ack_timeout', type: 'long-unsigned', access: 'read-write' },
      { index: 8, name: 'exponential_back_off', type: 'long-unsigned', access: 'read-write' },
      { index: 9, name: 'probing_rate', type: 'long-unsigned', access: 'read-write' },
      { index: 10, name: 'coap_uri_path', type: 'octet-string', access: 'read-write' },
      {
        index: 11,
        name: 'transport_mode',
        type: 'enum',
        access: 'read-write',
        values: { 1: 'reliable', 2: 'unreliable', 3: 'both' },
      },
      { index: 12, name: 'wrapper_version', type: 'choice', access: 'read-write' },
      { index: 13, name: 'token_length', type: 'unsigned', access: 'read-write' },
    ],
    methods: [],
    note: 'transport 1 reliable 2 unreliable 3 both',
  },
];
