/** Association SN, class 12 (versions differ in certainty; the one from memory alone is used only with `unsureClasses`). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 12. */
export const ASSOCIATION_SN: readonly InterfaceClass[] = [
  {
    id: 12,
    version: 0,
    name: 'Association SN',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'object_list',
        type: 'array',
        access: 'read',
        detail: '{base_name i16, class u16, version u8, ln os6}',
      },
    ],
    methods: [
      { index: 1, name: 'getlist_by_classid', argument: 'long-unsigned' },
      { index: 2, name: 'getobj_by_logicalname', argument: 'octet-string', detail: 'size 6' },
      { index: 3, name: 'read_by_logicalname', argument: 'array', detail: '{class u16, ln os6, attribute i8}' },
      { index: 4, name: 'get_attributes_services', argument: 'array' },
      { index: 5, name: 'change_LLS_secret', argument: 'octet-string' },
      { index: 6, name: 'change_HLS_secret', argument: 'octet-string' },
      { index: 7, name: 'get_HLS_challenge', argument: null },
      { index: 8, name: 'reply_to_HLS_authentication', argument: 'octet-string' },
    ],
  },
  {
    id: 12,
    version: 1,
    name: 'Association SN',
    certainty: { names: 1, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'object_list',
        type: 'array',
        access: 'read',
        detail: '{base_name i16, class u16, version u8, ln os6}',
      },
    ],
    methods: [
      { index: 3, name: 'read_by_logicalname', argument: 'array', detail: '{class u16, ln os6, attribute i8}' },
      { index: 5, name: 'change_secret', argument: 'octet-string' },
      { index: 6, name: 'change_HLS_secret', argument: 'octet-string' },
      { index: 8, name: 'reply_to_HLS_authentication', argument: 'octet-string' },
    ],
    note: 'methods 1, 2, 7 dropped; numbers kept',
  },
  {
    id: 12,
    version: 2,
    name: 'Association SN',
    certainty: { names: 2, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      {
        index: 2,
        name: 'object_list',
        type: 'array',
        access: 'read',
        detail: '{base_name i16, class u16, version u8, ln os6}',
      },
      {
        index: 3,
        name: 'access_rights_list',
        type: 'array',
        access: 'read',
        detail: '{base_name i16, attribute_access ar{id i8, mode en, selectors}, method_access ar{id i8, mode en}}',
      },
      { index: 4, name: 'security_setup_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
    ],
    methods: [
      { index: 3, name: 'read_by_logicalname', argument: 'array' },
      { index: 5, name: 'change_secret', argument: 'octet-string' },
      { index: 6, name: 'change_HLS_secret', argument: 'octet-string' },
      { index: 8, name: 'reply_to_HLS_authentication', argument: 'octet-string' },
    ],
  },
  {
    id: 12,
    version: 3,
    name: 'Association SN',
    certainty: { names: 0, types: 0 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'object_list', type: 'array', access: 'read' },
      { index: 3, name: 'access_rights_list', type: 'array', access: 'read' },
      { index: 4, name: 'security_setup_reference', type: 'octet-string', access: 'read-write', detail: 'size 6' },
      { index: 5, name: 'user_list', type: 'array', access: 'read', detail: '{id u8, name vs}' },
      { index: 6, name: 'current_user', type: 'structure', access: 'read', detail: '{id u8, name vs}' },
    ],
    methods: [
      { index: 3, name: 'read_by_logicalname', argument: 'array' },
      { index: 5, name: 'change_secret', argument: 'octet-string' },
      { index: 6, name: 'change_HLS_secret', argument: 'octet-string' },
      { index: 8, name: 'reply_to_HLS_authentication', argument: 'octet-string' },
      { index: 9, name: 'add_user', argument: 'structure', detail: '{id u8, name vs}' },
      { index: 10, name: 'remove_user', argument: 'structure', detail: '{id u8, name vs}' },
    ],
    note: 'from memory',
  },
];
