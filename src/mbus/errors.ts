/** What can be wrong with octets of an M-Bus, and with who answers on it. */
import { DeltawattError, errorsOf } from '../base/errors.ts';

/** Codes of this room; the detail of a malformed thing begins with `offset N:` and says the reason. */
export const MBUS_ERRORS = {
  MBUS_FRAME: {
    side: 'path',
    retry: 'now',
    sentence:
      'The octets are no M-Bus frame: look at speed and parity (8E1) of the line, and whether two meters have one address.',
  },
  MBUS_DATA: {
    side: 'remote',
    retry: 'never',
    sentence: 'The frame is whole, its data are not what EN 13757-3 allows: keep the octets and ask the maker.',
  },
  MBUS_NO_ANSWER: {
    side: 'path',
    retry: 'later',
    sentence: 'No meter answered: look at its address, at the level converter and at the wires.',
  },
} as const;

/** A code of {@link MBUS_ERRORS}. */
export type MbusErrorCode = keyof typeof MBUS_ERRORS;

/** Makes an error of this room: `throw mbusError('MBUS_DATA', 'offset 3: a DIF without data')`. */
export const mbusError = errorsOf<MbusErrorCode>(MBUS_ERRORS);

/** Whether an error is one of {@link MBUS_ERRORS}. */
export function isMbusError(error: unknown): error is DeltawattError<MbusErrorCode> {
  return error instanceof DeltawattError && error.code in MBUS_ERRORS;
}
