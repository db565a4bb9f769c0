/** What the simulator can say went wrong. */
import { errorsOf } from '../base/errors.ts';

/** Codes of the simulator. */
export const SIM_ERRORS = {
  SIM_LOADS: {
    side: 'local',
    retry: 'never',
    sentence: 'The file of household loads cannot be read: take config/loads/households.csv as it comes.',
  },
  SIM_LEDGER: {
    side: 'local',
    retry: 'never',
    sentence: 'The ledger has a form that this version does not know: start with a new file.',
  },
  SIM_LISTEN: {
    side: 'local',
    retry: 'never',
    sentence:
      'The simulator cannot listen there: write tcp://host:port, tcp+hdlc://host:port, serial:///dev/name?baud=9600 or optical:///dev/name.',
  },
  SIM_OVERRUN: {
    side: 'remote',
    retry: 'never',
    sentence:
      'More octets wait for a paced line than it could send within its patience: whoever sends them waits for no answer.',
  },
  SIM_PROFILE: {
    side: 'local',
    retry: 'never',
    sentence: 'There is no such profile: write vendor/model as the files under config/profiles are called.',
  },
  SIM_ADDRESS: {
    side: 'local',
    retry: 'never',
    sentence: 'Two meters on one line have the same address: give them serial numbers with other last digits.',
  },
  SIM_MBUS: {
    side: 'local',
    retry: 'never',
    sentence:
      'A meter of this profile hangs on the M-Bus of an electricity meter: name one with a section mbus and a free channel before it.',
  },
  SIM_OBJECTS: {
    side: 'local',
    retry: 'never',
    sentence: 'The objects cannot be served: put the file right as said, the guide serve-any-object shows one.',
  },
  SIM_CAPTURES: {
    side: 'local',
    retry: 'never',
    sentence: 'The captures cannot be played: look at the row named.',
  },
} as const;

/** A code of {@link SIM_ERRORS}. */
export type SimErrorCode = keyof typeof SIM_ERRORS;

/** Makes an error of this room. */
export const simError = errorsOf<SimErrorCode>(SIM_ERRORS);
