/** Errors of ingest: most are told to the edge, so their sentences are for the people at both ends. */
import { type ErrorTable, errorsOf } from '../../base/errors.ts';

/** Codes of this room. */
export type IngestErrorCode =
  | 'INGEST_NOT_SAFE'
  | 'INGEST_DEACTIVATED'
  | 'INGEST_FORMAT'
  | 'INGEST_CLONE'
  | 'INGEST_NO_SESSION'
  | 'INGEST_STOPPED';

/** The table: what each code means and what to do next. */
export const INGEST_ERRORS: ErrorTable<IngestErrorCode> = {
  INGEST_NOT_SAFE: {
    side: 'local',
    retry: 'later',
    sentence:
      "The collector's database could lose what it has just stored, so nothing is acknowledged: the collector's operator must set what its log names.",
  },
  INGEST_DEACTIVATED: {
    side: 'local',
    retry: 'never',
    sentence: 'This concentrator is deactivated at the collector: activate it there, or take it out of service.',
  },
  INGEST_FORMAT: {
    side: 'remote',
    retry: 'never',
    sentence: 'The collector does not know the format of these blocks: upgrade the collector.',
  },
  INGEST_CLONE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'Blocks came that differ from those stored under the same numbers: two devices use one identity, give one of them a new journal.',
  },
  INGEST_NO_SESSION: {
    side: 'remote',
    retry: 'now',
    sentence:
      'The collector was started anew or lost its broker, and knows no session of this concentrator: say hello.',
  },
  INGEST_STOPPED: {
    side: 'local',
    retry: 'later',
    sentence: 'The collector is stopping: the concentrator keeps what was not acknowledged.',
  },
};

/** Makes an error of this room. */
export const ingestError = errorsOf<IngestErrorCode>(INGEST_ERRORS);
