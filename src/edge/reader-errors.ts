/** Errors of reading a meter: the part of the edge's table that names what a meter is, has and lets us do. */
import type { ErrorTable } from '../base/errors.ts';

/** Codes of the reader. */
export type ReaderErrorCode =
  | 'READER_CRASHED'
  | 'READER_OBJECT_REFUSED'
  | 'READER_OBJECT_ABSENT'
  | 'READER_OTHER_METER'
  | 'READER_TWO_METERS'
  | 'READER_BAD_ANSWER'
  | 'READER_RECONFIGURED'
  | 'READER_SUB_METER_GONE'
  | 'READER_WRONG_UNIT'
  | 'READER_NO_ORDERS'
  | 'READER_NO_CLIENT'
  | 'READER_NO_PASSWORD'
  | 'READER_SECURITY'
  | 'READER_NO_RELAY'
  | 'READER_CLOCK_UNSET';

/** What each of them means and what to do next. */
export const READER_ERRORS: ErrorTable<ReaderErrorCode> = {
  READER_CRASHED: {
    side: 'local',
    retry: 'later',
    sentence: 'Reading a meter ended in a fault of the program; the others go on. Please report it with the log.',
  },
  READER_OBJECT_REFUSED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter answers but will not give this object; compare the profile with the meter.',
  },
  READER_OBJECT_ABSENT: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The meter does not have an object that its profile names, or keeps it from this client: it is of another model, or its firmware or rights are others. Give it the profile of its model.',
  },
  READER_OTHER_METER: {
    side: 'remote',
    retry: 'later',
    sentence:
      'Another meter answers in the place of this one; nothing of it is stored, and nothing is ordered. Give the new meter an id of its own, or write its name under deviceName when it shall go on under this id.',
  },
  READER_TWO_METERS: {
    side: 'remote',
    retry: 'later',
    sentence:
      'Two meters answer to one address in turn; nothing of them is stored while they do. Give one of them another address.',
  },
  READER_BAD_ANSWER: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter answered something that its profile does not expect; compare the profile with the meter.',
  },
  READER_RECONFIGURED: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The meter captures other columns than its profile says, so nothing of this buffer is stored. Set the meter back, or write a profile with its columns.',
  },
  READER_SUB_METER_GONE: {
    side: 'remote',
    retry: 'later',
    sentence:
      'This meter is not where it is entered: another one answers, or its channel is empty. Nothing is stored for it. After an exchange, enter the new meter as one of its own.',
  },
  READER_NO_ORDERS: {
    side: 'local',
    retry: 'never',
    sentence:
      'Meters on a wired M-Bus, on Modbus, and meters that speak ASCII are only read out: they take no orders, and nobody talks to them through this concentrator.',
  },
  READER_WRONG_UNIT: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The meter counts in another unit than its profile says, so nothing of it is stored. Choose the profile of what it measures.',
  },
  READER_NO_CLIENT: {
    side: 'local',
    retry: 'never',
    sentence: 'The profile of this meter names no client that may do this.',
  },
  READER_NO_PASSWORD: {
    side: 'local',
    retry: 'never',
    sentence: 'The client that the profile names signs on with a password, but none is configured for this meter.',
  },
  READER_SECURITY: {
    side: 'local',
    retry: 'never',
    sentence:
      'The profile asks for a security mechanism whose keys this meter has not, or that this version does not speak.',
  },
  READER_NO_RELAY: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter did not give the state of its relay.',
  },
  READER_CLOCK_UNSET: {
    side: 'local',
    retry: 'later',
    sentence: 'The meter gives no time and the clock of this concentrator is not set yet.',
  },
};
