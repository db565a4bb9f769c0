/** Image transfer, class 18 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 18. */
export const IMAGE_TRANSFER: readonly InterfaceClass[] = [
  {
    id: 18,
    version: 0,
    name: 'Image transfer',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'image_block_size', type: 'double-long-unsigned', access: 'read-write' },
      { index: 3, name: 'image_transferred_blocks_status', type: 'bit-string', access: 'read' },
      { index: 4, name: 'image_first_not_transferred_block_number', type: 'double-long-unsigned', access: 'read' },
      { index: 5, name: 'image_transfer_enabled', type: 'boolean', access: 'read-write' },
      {
        index: 6,
        name: 'image_transfer_status',
        type: 'enum',
        access: 'read',
        values: {
          0: 'not initiated',
          1: 'initiated',
          2: 'verification initiated',
          3: 'verified',
          4: 'verification failed',
          5: 'activation initiated',
          6: 'activated',
          7: 'activation failed',
        },
      },
      {
        index: 7,
        name: 'image_to_activate_info',
        type: 'array',
        access: 'read',
        detail: '{image_size u32, image_identification os, image_signature os}',
      },
    ],
    methods: [
      {
        index: 1,
        name: 'image_transfer_initiate',
        argument: 'structure',
        detail: '{image_identifier os, image_size u32}',
      },
      { index: 2, name: 'image_block_transfer', argument: 'structure', detail: '{block_number u32, block_value os}' },
      { index: 3, name: 'image_verify', argument: 'integer', detail: '0' },
      { index: 4, name: 'image_activate', argument: 'integer', detail: '0' },
    ],
    note: 'status 0 not initiated 1 initiated 2 verification initiated 3 verified 4 verification failed 5 activation initiated 6 activated 7 activation failed; block numbers start at 0',
  },
];
