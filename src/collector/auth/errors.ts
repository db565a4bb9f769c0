/** What can go wrong with set-up and tokens. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the auth room. */
export const AUTH_ERRORS = {
  SETUP_CODE_WRONG: {
    side: 'remote',
    retry: 'later',
    sentence:
      'This set-up code is wrong, used or older than an hour. Restart the collector to get a new one on its standard output.',
  },
  SETUP_CLOSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'This collector has an administrator already. Ask an administrator for a token.',
  },
  TOO_MANY_ATTEMPTS: {
    side: 'remote',
    retry: 'later',
    sentence: 'Too many wrong set-up codes within a minute. Wait a minute and try again.',
  },
} as const;

/** Makes an error of the auth room. */
export const authError = errorsOf(AUTH_ERRORS);
