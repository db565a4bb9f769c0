/** What can go wrong between two associated parties; what a meter may lawfully answer is a value and not in here. */
import { type ErrorTable, errorsOf } from '../../base/errors.ts';

/** The table: code, side, retry, sentence. */
export const SESSION_ERRORS = {
  SESSION_STATE: {
    side: 'local',
    retry: 'never',
    sentence: 'This is not possible in the present state of the association; associate first and use one session once.',
  },
  SESSION_ASSOCIATION_REFUSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter refused the association; check client number, password and security of this meter.',
  },
  SESSION_MECHANISM: {
    side: 'local',
    retry: 'never',
    sentence:
      'The meter asks for an authentication that this client was not told to use; correct the security of this meter.',
  },
  SESSION_COUNTER: {
    side: 'local',
    retry: 'later',
    sentence:
      'The meter refused our invocation counter; the detail says which one it expects. Raise ours, and find out who else reads it.',
  },
  SESSION_TIMEOUT: {
    side: 'path',
    retry: 'later',
    sentence: 'The meter did not answer a request in time, also when it was asked again.',
  },
  SESSION_UNKNOWN_OUTCOME: {
    side: 'path',
    retry: 'never',
    sentence:
      'The answer to a write or a method was lost, so it may or may not have been done; read the state back before trying again.',
  },
  SESSION_REFUSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter answered a request with an exception; the detail says which.',
  },
  SESSION_ANSWER: {
    side: 'remote',
    retry: 'later',
    sentence: 'The meter answered with something that does not belong to the request.',
  },
  SESSION_STALE: {
    side: 'path',
    retry: 'now',
    sentence: 'An answer came to a request that is over, and was dropped.',
  },
  SESSION_TOO_LONG: {
    side: 'local',
    retry: 'never',
    sentence: 'A request is longer than the meter takes and cannot be sent in blocks; ask for less at once.',
  },
  SESSION_NOT_AGREED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter does not have this service, or not for this client; use another one.',
  },
  SESSION_BLOCKS: {
    side: 'remote',
    retry: 'later',
    sentence: 'Blocks of a long value came empty, out of order or beyond the bound, so the transfer was given up.',
  },
  SESSION_NAMES: {
    side: 'remote',
    retry: 'now',
    sentence:
      'The short names of this meter cannot be read, or are no longer those that were read before; connect again to read them anew.',
  },
  SESSION_METHOD_NAME: {
    side: 'local',
    retry: 'never',
    sentence:
      'Nobody has published where the methods of this class begin under short names, and a guess would invoke another one; use logical names.',
  },
  SESSION_CLOSED: {
    side: 'path',
    retry: 'later',
    sentence: 'The session ended before the request was answered; connect again.',
  },
  SESSION_MADE_WAY: {
    side: 'local',
    retry: 'now',
    sentence: 'The meter had not answered, and somebody else waited for the line; it is asked again behind them.',
  },
  SESSION_ABORTED: { side: 'local', retry: 'now', sentence: 'The request was called off.' },
  SESSION_QUEUE_FULL: {
    side: 'local',
    retry: 'later',
    sentence: 'Too many requests wait in this session; wait for answers before asking more.',
  },
} as const satisfies ErrorTable;

/** Codes of {@link SESSION_ERRORS}. */
export type SessionErrorCode = keyof typeof SESSION_ERRORS;

/** Makes an error of this room from its code. */
export const sessionError = errorsOf<SessionErrorCode>(SESSION_ERRORS);
