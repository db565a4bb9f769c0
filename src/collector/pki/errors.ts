/** What can go wrong with a certificate authority. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the pki room. */
export const PKI_ERRORS = {
  PKI_EXISTS: {
    side: 'local',
    retry: 'never',
    sentence:
      'This folder holds a certificate authority already; a second one would cut off every device of the first. Take another folder.',
  },
  PKI_MISSING: {
    side: 'local',
    retry: 'never',
    sentence: 'This folder holds no certificate authority. Make one with `deltawatt pki init`.',
  },
  PKI_DAMAGED: {
    side: 'local',
    retry: 'never',
    sentence:
      'Certificate and key of this authority do not belong together, or one cannot be read. Restore the folder.',
  },
  PKI_NAME: {
    side: 'local',
    retry: 'never',
    sentence:
      'This name cannot stand in a certificate: hosts are names or addresses, concentrators have 1 to 32 of A-Z a-z 0-9 _ -.',
  },
} as const;

/** Makes an error of the pki room. */
export const pkiError = errorsOf(PKI_ERRORS);
