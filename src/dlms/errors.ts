/** What the DLMS/COSEM room can say went wrong: one table, one constructor, one type that leaves a parser. */

import { TruncatedError } from '../base/bytes.ts';
import { DeltawattError, errorsOf, reasonOf } from '../base/errors.ts';

/** Codes of the codec half. Every `detail` begins with the offset in octets at which decoding stopped. */
export const DLMS_ERRORS = {
  DLMS_TRUNCATED: {
    side: 'remote',
    retry: 'later',
    sentence: 'The octets end before the value does: read again, and look at the line if it comes back.',
  },
  DLMS_EMPTY: { side: 'remote', retry: 'later', sentence: 'The message is empty: read again.' },
  DLMS_TRAILING: {
    side: 'remote',
    retry: 'never',
    sentence: 'Octets follow the end of the value: the sender and this decoder disagree about the form of the message.',
  },
  DLMS_APDU_TAG: {
    side: 'remote',
    retry: 'never',
    sentence: 'The first octet names no known service: check that the link framing is the right one.',
  },
  DLMS_CHOICE: {
    side: 'remote',
    retry: 'never',
    sentence: 'A choice octet has a value that the service does not define.',
  },
  DLMS_DATA_TAG: { side: 'remote', retry: 'never', sentence: 'A data tag does not exist.' },
  DLMS_LENGTH: {
    side: 'remote',
    retry: 'never',
    sentence: 'A length is indefinite, or written in more than four octets, or not the one the field must have.',
  },
  DLMS_DEPTH: { side: 'remote', retry: 'never', sentence: 'Arrays and structures are nested deeper than the limit.' },
  DLMS_ELEMENTS: {
    side: 'remote',
    retry: 'never',
    sentence: 'A count promises more elements than the octets or the limit allow.',
  },
  DLMS_BER: {
    side: 'remote',
    retry: 'never',
    sentence: 'A field of the association message is not in the form BER asks for.',
  },
  DLMS_VALUE: { side: 'local', retry: 'never', sentence: 'A value does not fit the type it is to be sent as.' },
  DLMS_OBIS: {
    side: 'local',
    retry: 'never',
    sentence: 'This is not an OBIS code: write six groups from 0 to 255, such as 1-0:1.8.0*255.',
  },
  DLMS_DATE_TIME: {
    side: 'remote',
    retry: 'never',
    sentence: 'A date or time is not 12, 5 or 4 octets long, or is not a date at all.',
  },
  DLMS_DATA_LINE: {
    side: 'remote',
    retry: 'later',
    sentence:
      'A line of a telegram or read-out is not written address(value*unit): look at parity and data bits of the line, and at the data port of the meter.',
  },
  DLMS_SML: {
    side: 'remote',
    retry: 'later',
    sentence: 'A file of SML is whole and is not made as files are: look whether the meter speaks another version.',
  },
  DLMS_CAPTURE: {
    side: 'local',
    retry: 'never',
    sentence: 'The capture cannot be read on from here: record it again, or give the part before the offset.',
  },
  DLMS_SHAPE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The value is well formed but is not what this attribute holds: check class, version and attribute.',
  },
} as const;

/** A code of {@link DLMS_ERRORS}. */
export type DlmsErrorCode = keyof typeof DLMS_ERRORS;

/** Makes an error of this room: `throw dlmsError('DLMS_CHOICE', 'offset 3: get-data-result 2')`. */
export const dlmsError = errorsOf<DlmsErrorCode>(DLMS_ERRORS);

/**
 * Runs a parser and lets only {@link DeltawattError} out: the reader's truncation becomes `DLMS_TRUNCATED`, and a range
 * error of a reader or writer becomes `DLMS_VALUE`. Anything else is a fault of ours and is passed on untouched.
 */
export function guarded<Value>(run: () => Value): Value {
  try {
    return run();
  } catch (error) {
    if (error instanceof DeltawattError) throw error;
    if (error instanceof TruncatedError) {
      throw dlmsError(
        'DLMS_TRUNCATED',
        `offset ${error.offset}: ${error.needed} octets wanted, ${error.left} left`,
        error,
      );
    }
    if (error instanceof RangeError) throw dlmsError('DLMS_VALUE', reasonOf(error), error);
    throw error;
  }
}

/** Whether an error is one of {@link DLMS_ERRORS}: octets or values were wrong, not this program. */
export function isDlmsError(error: unknown): error is DeltawattError<DlmsErrorCode> {
  return error instanceof DeltawattError && error.code in DLMS_ERRORS;
}
