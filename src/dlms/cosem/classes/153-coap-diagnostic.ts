/** CoAP diagnostic, class 153 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 153. */
export const COAP_DIAGNOSTIC: readonly InterfaceClass[] = [
  {
    id: 153,
    version: 0,
    name: 'CoAP diagnostic',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'messages_counter',
        type: 'structure',
        access: 'read',
        detail:
          '{tx, rx, tx_resend, tx_reset, rx_reset, tx_ack, rx_ack, rx_drop, tx_non_piggybacked, max_rtx_exceeded all u32}',
      },
      {
        index: 3,
        name: 'request_response_counter',
        type: 'structure',
        access: 'read',
        detail:
          '{rx_requests, tx_requests, rx_response, tx_response, tx_client_error, rx_client_error, tx_server_error, rx_server_error all u32}',
      },
      {
        index: 4,
        name: 'bt_counter',
        type: 'structure',
        access: 'read',
        detail: '{started u32, completed u32, timeout u32}',
      },
      { index: 5, name: 'capture_time', type: 'structure', access: 'read', detail: '{attribute_id u8, time_stamp dt}' },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
