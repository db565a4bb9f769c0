/** What the profile room can say went wrong. */
import { errorsOf } from '../base/errors.ts';

/** Codes of the profile room. */
export const PROFILE_ERRORS = {
  PROFILE_INVALID: {
    side: 'local',
    retry: 'never',
    sentence: 'The profile file has mistakes: correct every line listed, then run npm run profile-check.',
  },
  PROFILE_FORMULA: {
    side: 'local',
    retry: 'never',
    sentence: 'The address formula cannot be read: use whole numbers, serial, + - * / % and brackets.',
  },
  PROFILE_ADDRESS: {
    side: 'local',
    retry: 'never',
    sentence:
      'The address formula gives no HDLC address for this serial number: correct the formula or the serial number.',
  },
  PROFILE_TIME_ZONE: {
    side: 'local',
    retry: 'never',
    sentence: 'The time zone is not in the IANA list: write it like Europe/Berlin.',
  },
} as const;

/** A code of {@link PROFILE_ERRORS}. */
export type ProfileErrorCode = keyof typeof PROFILE_ERRORS;

/** Makes an error of this room. */
export const profileError = errorsOf<ProfileErrorCode>(PROFILE_ERRORS);
