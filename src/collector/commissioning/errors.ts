/** Why a found meter is not taken in. */
import { errorsOf } from '../../base/errors.ts';

/** Codes of the commissioning room. */
export const COMMISSIONING_ERRORS = {
  EDGE_UNKNOWN: { side: 'remote', retry: 'never', sentence: 'There is no concentrator of this id.' },
  FINDING_UNKNOWN: {
    side: 'remote',
    retry: 'never',
    sentence: 'Nothing was found under this id. The inbox lists what was.',
  },
  FINDING_DECIDED: {
    side: 'remote',
    retry: 'never',
    sentence: 'This meter does not wait any more: it was taken in or refused, or nothing answers there.',
  },
  FINDING_NO_MODEL: {
    side: 'remote',
    retry: 'never',
    sentence: 'Its concentrator must know which model this meter is. Name a profile, as vendor/model.',
  },
  METER_ELSEWHERE: {
    side: 'remote',
    retry: 'never',
    sentence:
      'This meter is placed already, or has another serial number. Choose another id, or end its placement first.',
  },
} as const;

/** Makes an error of the commissioning room. */
export const commissioningError = errorsOf(COMMISSIONING_ERRORS);
