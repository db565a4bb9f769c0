/** Why an import does not begin, or ends before its list does. What is wrong with a line is a value: faults.ts. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the import room. */
export const IMPORT_ERRORS = {
  IMPORT_BUSY: {
    side: 'local',
    retry: 'later',
    sentence: 'Another list of meters is being imported. Try again when it is done; that takes some seconds.',
  },
  IMPORT_TOO_LONG: {
    side: 'remote',
    retry: 'never',
    sentence: 'The list of meters is too long. Split it into several files.',
  },
} as const;

/** Makes an error of the import room. */
export const importError = errorsOf(IMPORT_ERRORS);
