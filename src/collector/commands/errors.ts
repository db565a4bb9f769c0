/** Why a command is not taken. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the commands room. */
export const COMMAND_ERRORS = {
  METER_UNKNOWN: {
    side: 'remote',
    retry: 'never',
    sentence: 'There is no meter of this id. Create it first, or check the id.',
  },
  METER_NOT_PLACED: {
    side: 'remote',
    retry: 'later',
    sentence: 'This meter is not placed on a concentrator, so nothing can be sent to it. Place it first.',
  },
  EDGE_NOT_ACTIVE: {
    side: 'remote',
    retry: 'later',
    sentence: 'The concentrator of this meter is not active. Adopt it first.',
  },
  EDGE_NEVER_HEARD: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The concentrator of this meter has never called, so its store is not known and a command could not be bound to it. Try again after its first call.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    side: 'remote',
    retry: 'never',
    sentence: 'This idempotency key was used for another command. Use a new key for a new command.',
  },
  COMMAND_KEY_BROKEN: {
    side: 'local',
    retry: 'never',
    sentence:
      'The key file cannot be used: it is not the JSON document that the collector wrote. Restore it from a backup; with a new key every concentrator has to be enrolled again.',
  },
} as const;

/** Makes an error of the commands room. */
export const commandError = errorsOf(COMMAND_ERRORS);
