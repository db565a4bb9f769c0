/** What can go wrong between this machine and a line. */
import { type ErrorTable, errorsOf } from '../base/errors.ts';

/** The table: code, side, retry, sentence. */
export const LINK_ERRORS = {
  LINK_URL: {
    side: 'local',
    retry: 'never',
    sentence: 'The address of a line cannot be used; the detail lists everything that is wrong with it.',
  },
  LINK_OPEN: {
    side: 'path',
    retry: 'later',
    sentence: 'The line could not be opened; check cable, adapter, network and that no other program holds it.',
  },
  LINK_CLOSED: { side: 'path', retry: 'later', sentence: 'The line is closed; open it again.' },
  LINK_BUSY: {
    side: 'local',
    retry: 'later',
    sentence: 'Another session is running on this line; one line carries one session at a time.',
  },
  LINK_NO_NODE: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The meter has not joined its network; look at its supply, its serial number in the settings, and the noise on its phase.',
  },
  LINK_MODEM: {
    side: 'remote',
    retry: 'later',
    sentence:
      'The modem does not answer, or does not start its network; look at its supply, the cable, the speed of the port and its firmware.',
  },
  LINK_UNSENT: {
    side: 'path',
    retry: 'later',
    sentence: 'The network has no way to the meter at the moment, or no room; the request did not leave.',
  },
  LINK_NO_LINE: {
    side: 'local',
    retry: 'never',
    sentence: 'There is no memory line of this name; create it before it is opened.',
  },
} as const satisfies ErrorTable;

/** Codes of {@link LINK_ERRORS}. */
export type LinkErrorCode = keyof typeof LINK_ERRORS;

/** Makes an error of this room from its code. */
export const linkError = errorsOf<LinkErrorCode>(LINK_ERRORS);
