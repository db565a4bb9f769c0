/** Errors of the journal. */
import { type ErrorTable, errorsOf } from '../../base/errors.ts';

/** Codes that leave the journal. */
export type JournalErrorCode =
  | 'JOURNAL_WRITE'
  | 'JOURNAL_STALE'
  | 'JOURNAL_READ'
  | 'JOURNAL_CORRUPT'
  | 'JOURNAL_FOREIGN'
  | 'JOURNAL_NEWER'
  | 'JOURNAL_ENTRY'
  | 'JOURNAL_CLOSED';

/** The table: what each code means and what to do next. */
export const JOURNAL_ERRORS: ErrorTable<JournalErrorCode> = {
  JOURNAL_WRITE: {
    side: 'local',
    retry: 'later',
    sentence:
      'The journal could not be written; nothing of the entry is kept and the meters are read again. Check the disk.',
  },
  JOURNAL_STALE: {
    side: 'local',
    retry: 'now',
    sentence: 'Rows before these could not be stored; the meter is read again from its watermark.',
  },
  JOURNAL_READ: {
    side: 'local',
    retry: 'later',
    sentence: 'The journal could not be read; check the disk.',
  },
  JOURNAL_CORRUPT: {
    side: 'local',
    retry: 'never',
    sentence:
      'The journal holds something that it did not write; it is set aside and a new one is filled from the meters.',
  },
  JOURNAL_FOREIGN: {
    side: 'local',
    retry: 'never',
    sentence: 'The folder of the journal holds another kind of store; configure a folder of its own.',
  },
  JOURNAL_NEWER: {
    side: 'local',
    retry: 'never',
    sentence: 'The journal was written by a newer version of this program; install that version again.',
  },
  JOURNAL_ENTRY: {
    side: 'local',
    retry: 'never',
    sentence: 'An entry cannot be stored as it is; this is a fault of the program, report it.',
  },
  JOURNAL_CLOSED: {
    side: 'local',
    retry: 'never',
    sentence: 'The journal is closed; the program is stopping.',
  },
};

/** Makes an error of the journal. */
export const journalError = errorsOf(JOURNAL_ERRORS);
