/** What codes of failures say: of whom, and how far we came. Shared by the reader, which judges meters, and by answers in words. */

import type { MeterStateName } from '../model/event.ts';

/** The way is closed: the line itself did not open, or ended. */
export const WAY_CLOSED: ReadonlySet<string> = new Set(['SESSION_CLOSED', 'LINK_OPEN', 'LINK_CLOSED', 'LINK_MODEM']);

/** The meter answers and lets us not in. */
export const SIGN_ON: ReadonlySet<string> = new Set([
  'SESSION_ASSOCIATION_REFUSED',
  'SESSION_MECHANISM',
  'SESSION_COUNTER',
  'SECURITY_CHALLENGE',
  'SECURITY_POLICY',
  'SECURITY_PROOF',
  'SECURITY_TITLE',
  'IEC_PASSWORD',
]);
/** The meter answers; this one request did not work. */
export const JOB: ReadonlySet<string> = new Set([
  'SESSION_REFUSED',
  'SESSION_TOO_LONG',
  'READER_OBJECT_REFUSED',
  'IEC_REFUSED',
  'MODBUS_ILLEGAL_FUNCTION',
  'MODBUS_ILLEGAL_ADDRESS',
  'MODBUS_ILLEGAL_VALUE',
  'MODBUS_DEVICE_FAILURE',
  'MODBUS_BUSY',
  'MODBUS_EXCEPTION',
  'READER_OBJECT_ABSENT',
  'READER_BAD_ANSWER',
  'READER_RECONFIGURED',
]);
/** The way is open; who or what is at its end is not what the settings say, until a person looks at it. */
export const OTHERWISE: ReadonlySet<string> = new Set(['READER_SUB_METER_GONE', 'READER_WRONG_UNIT']);
/** Somebody else answers, or two do. */
export const OTHER_METER: ReadonlyMap<string, MeterStateName> = new Map([
  ['READER_OTHER_METER', 'other-meter'],
  ['READER_TWO_METERS', 'address-conflict'],
]);
/** What it takes to sign on is not configured: nothing was said to the meter. */
export const NO_KEY: ReadonlySet<string> = new Set(['READER_SECURITY', 'READER_NO_PASSWORD']);
/** Nobody answered, or the way is closed. */
export const SILENT: ReadonlySet<string> = new Set([
  ...WAY_CLOSED,
  'SESSION_TIMEOUT',
  'SESSION_UNKNOWN_OUTCOME',
  'LINK_NO_NODE',
  'HDLC_NO_ANSWER',
  'MBUS_NO_ANSWER',
  'IEC_NO_ANSWER',
  'MODBUS_NO_ANSWER',
  'MODBUS_GATEWAY',
  'HDLC_INACTIVE',
]);
