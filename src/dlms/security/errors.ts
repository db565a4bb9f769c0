/** What protection of messages can say went wrong: one table, one constructor. */
import { DeltawattError, type ErrorTable, errorsOf } from '../../base/errors.ts';

/** The table: code, side, retry, sentence. */
export const SECURITY_ERRORS = {
  SECURITY_KEY_LENGTH: {
    side: 'local',
    retry: 'never',
    sentence: 'A key does not have the length that its security suite asks for; correct the key of this meter.',
  },
  SECURITY_KEY_MISSING: {
    side: 'local',
    retry: 'never',
    sentence: 'The message is protected with a key that is not configured here; add the key the detail names.',
  },
  SECURITY_SUITE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The message names a security suite that does not exist or was not agreed on.',
  },
  SECURITY_COMPRESSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The message is compressed, which is not supported; switch compression off in the meter.',
  },
  SECURITY_TITLE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The system title is missing or is not the one expected: another meter answered, or the key file is wrong.',
  },
  SECURITY_TAG: {
    side: 'remote',
    retry: 'never',
    sentence: 'The authentication tag does not fit: wrong key or system title, or the message was changed on the way.',
  },
  SECURITY_TAG_LENGTH: {
    side: 'remote',
    retry: 'never',
    sentence: 'The authentication tag is not 12 octets long; shortened tags are not accepted.',
  },
  SECURITY_REPLAY: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The invocation counter is not greater than the last one seen: an old message came again, or the sender lost its counter.',
  },
  SECURITY_COUNTER_SPENT: {
    side: 'local',
    retry: 'never',
    sentence: 'The invocation counter of this key is used up; the key must be changed before anything more is sent.',
  },
  SECURITY_COUNTER_RESERVED: {
    side: 'local',
    retry: 'later',
    sentence: 'No reserved invocation counter is left; the next block must be stored before it may be used.',
  },
  SECURITY_COUNTER_JUMP: {
    side: 'local',
    retry: 'never',
    sentence:
      'The meter asks for an invocation counter far beyond ours, and unauthenticated; find out who else reads it, then set the counter by hand.',
  },
  SECURITY_POLICY: {
    side: 'remote',
    retry: 'never',
    sentence: 'A message is less protected than the policy of this meter demands, so it was not believed.',
  },
  SECURITY_SERVICE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The deciphered message is not of the service that its ciphered tag names: most likely the key is wrong.',
  },
  SECURITY_CHALLENGE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The challenge is missing, shorter or longer than the standard allows, or our own one sent back.',
  },
  SECURITY_PROOF: {
    side: 'remote',
    retry: 'never',
    sentence: 'The peer could not prove that it has the secret; check keys and titles, and beware of an impostor.',
  },
  SECURITY_SIGNATURE: {
    side: 'remote',
    retry: 'never',
    sentence: 'The signature does not fit the message and the public key of the signer.',
  },
  SECURITY_PUBLIC_KEY: {
    side: 'remote',
    retry: 'never',
    sentence: 'A key of the elliptic curve has a wrong length or is no point of the curve.',
  },
  SECURITY_UNWRAP: {
    side: 'remote',
    retry: 'never',
    sentence: 'A wrapped key could not be unwrapped: wrong key encryption key, or it was changed on the way.',
  },
  SECURITY_AGREEMENT: {
    side: 'remote',
    retry: 'never',
    sentence:
      'The parameters of a key agreement have a form that the standard does not define, or agreement in this suite is switched off.',
  },
  SECURITY_CERTIFICATE: {
    side: 'remote',
    retry: 'never',
    sentence: 'A certificate or the request for one cannot be used; the detail says why.',
  },
  SECURITY_SETUP_REFUSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'The meter refused a change of its security; the detail has its answer. Nothing was changed in it.',
  },
  SECURITY_MECHANISM: {
    side: 'local',
    retry: 'never',
    sentence: 'This authentication mechanism lacks something it needs; the detail says what.',
  },
} as const satisfies ErrorTable;

/** Codes of {@link SECURITY_ERRORS}. */
export type SecurityErrorCode = keyof typeof SECURITY_ERRORS;

/** Makes an error of this room from its code. */
export const securityError = errorsOf<SecurityErrorCode>(SECURITY_ERRORS);

/** Whether an error is one of {@link SECURITY_ERRORS}. */
export function isSecurityError(error: unknown): error is DeltawattError<SecurityErrorCode> {
  return error instanceof DeltawattError && error.code in SECURITY_ERRORS;
}
