/** PRIME network administration data, class 85 (one public code base has it; no second one was found). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 85. */
export const PRIME_NETWORK_ADMINISTRATION: readonly InterfaceClass[] = [
  {
    id: 85,
    version: 0,
    name: 'PRIME network administration data',
    certainty: { names: 1, types: 1 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'mac_list_multicast_entries', type: 'array', access: 'read', detail: '{id i8, members i16}' },
      { index: 3, name: 'mac_list_switch_table', type: 'array', access: 'read', detail: 'i16' },
      {
        index: 4,
        name: 'mac_list_direct_table',
        type: 'array',
        access: 'read',
        detail: '{src_sid i16, src_lnid i16, src_lcid i16, dst_sid i16, dst_lnid i16, dst_lcid i16, did os6}',
      },
      {
        index: 5,
        name: 'mac_list_available_switches',
        type: 'array',
        access: 'read',
        detail: '{sna os6, lsid i16, level i8, rx_level i8, rx_snr i8}',
      },
      {
        index: 6,
        name: 'mac_list_phy_comm',
        type: 'array',
        access: 'read',
        detail:
          '{eui os6, tx_power i8, tx_coding i8, rx_coding i8, rx_level i8, snr i8, tx_power_mod i8, tx_coding_mod i8, rx_coding_mod i8}',
      },
    ],
    methods: [{ index: 1, name: 'reset', argument: 'integer', detail: '0' }],
  },
];
