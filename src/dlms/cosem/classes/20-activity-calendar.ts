/** Activity calendar, class 20 (names and order agree in four public code bases, types in three). */

import type { InterfaceClass } from '../interface-class.ts';

/** Every known version of class 20. */
export const ACTIVITY_CALENDAR: readonly InterfaceClass[] = [
  {
    id: 20,
    version: 0,
    name: 'Activity calendar',
    certainty: { names: 4, types: 3 },
    attributes: [
      { index: 1, name: 'logical_name', type: 'octet-string', access: 'read', detail: 'size 6' },
      { index: 2, name: 'calendar_name_active', type: 'octet-string', access: 'read-write' },
      {
        index: 3,
        name: 'season_profile_active',
        type: 'array',
        access: 'read',
        detail: '{name os, start os12, week_name os}',
      },
      {
        index: 4,
        name: 'week_profile_table_active',
        type: 'array',
        access: 'read',
        detail: '{name os, monday..sunday 7 x u8}',
      },
      {
        index: 5,
        name: 'day_profile_table_active',
        type: 'array',
        access: 'read',
        detail: '{day_id u8, schedule ar{start_time os4, script_ln os6, script_selector u16}}',
      },
      { index: 6, name: 'calendar_name_passive', type: 'octet-string', access: 'read-write' },
      { index: 7, name: 'season_profile_passive', type: 'array', access: 'read-write', detail: 'as active' },
      { index: 8, name: 'week_profile_table_passive', type: 'array', access: 'read-write', detail: 'as active' },
      { index: 9, name: 'day_profile_table_passive', type: 'array', access: 'read-write', detail: 'as active' },
      {
        index: 10,
        name: 'activate_passive_calendar_time',
        type: 'octet-string',
        access: 'read-write',
        detail: 'size 12',
      },
    ],
    methods: [{ index: 1, name: 'activate_passive_calendar', argument: 'integer', detail: '0' }],
  },
];
